# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Child processes that cannot outlive us: each dies with this process, however it ends, also by kill -9.

The kernel's parent-death signal is tied to the thread that forked, not to the process. So all children are started by
one thread that lives as long as the process: a cluster may then be started from any thread, also a short-lived one.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["Child", "free_ports", "is_running", "start_child"]

_LAUNCHER = Path(__file__).with_name("launcher.py")
_STOP_SECONDS = 10.0


_starters: dict[int, ThreadPoolExecutor] = {}


def _starter() -> ThreadPoolExecutor:
    """The one thread of this very process that forks (a forked copy of us needs its own: threads are not copied)."""
    return _starters.setdefault(os.getpid(), ThreadPoolExecutor(max_workers=1, thread_name_prefix="child starter"))


class Child:
    """A running program with its log file."""

    def __init__(self, process: subprocess.Popen[bytes], *, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def last_words(self, *, lines: int = 15) -> str:
        """The end of its log, for an error message; "" where there is none."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """End it: politely first, by force after ten seconds. Returns when it is gone; harmless when it is already."""
        if self.exit_code is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it by force. Returns when it is gone."""
        self._process.kill()
        self._process.wait()


def start_child(
    command: list[str],
    *,
    name: str,
    log: Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start `command` (first: the program's absolute path) bound to this process' life; output is added to `log`.

    It gets a session of its own: Ctrl-C at the terminal is for us, and we then stop the children in order.
    """
    bound = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *command]
    with log.open("ab") as stream:

        def launch() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                bound,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=cwd,
                env=environment,
                start_new_session=True,
            )

        return Child(_starter().submit(launch).result(), name=name, log=log)


def free_ports(count: int) -> list[int]:
    """`count` different loopback ports free right now. Another process may take one before we use it: callers retry."""
    sockets = [socket.socket() for _number in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than a dead one that its parent has not asked after yet."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
