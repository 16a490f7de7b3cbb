# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook as a user runs it: a process of its own, its own home, nothing of this process's settings."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.programs import run_program

__all__ = [
    "DIAGNOSE",
    "INSTALL_ALERT",
    "PREFLIGHT",
    "REMEDIATE",
    "TUNE",
    "Run",
    "diagnose",
    "diagnose_in_terminal",
    "play_tasks",
]

DIAGNOSE = "kubevirt_ops.live_migration.diagnose"
INSTALL_ALERT = "kubevirt_ops.live_migration.install_alert"
PREFLIGHT = "kubevirt_ops.live_migration.preflight"
REMEDIATE = "kubevirt_ops.live_migration.remediate"
TUNE = "kubevirt_ops.live_migration.tune"
_LIMIT_SECONDS = 240


@dataclass(frozen=True)
class Run:
    """What a run said and left behind. `folder` is where it was started."""

    returncode: int
    output: str
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        """report.json of a run for one cluster."""
        return self._file("report.json")

    @property
    def preflight(self) -> dict[str, Any]:
        """preflight.json of a run for one cluster."""
        return self._file("preflight.json")

    @property
    def tuning(self) -> dict[str, Any]:
        """tuning.json of a run for one cluster."""
        return self._file("tuning.json")

    def _file(self, name: str) -> dict[str, Any]:
        text = (self.folder / "live-migration-report" / name).read_text(encoding="utf-8")
        loaded: dict[str, Any] = json.loads(text)
        return loaded

    @property
    def stats(self) -> dict[str, Any]:
        """What the run handed on as `live_migration`; {} for nothing."""
        shown = re.search(r"^\s*RUN: (\{.*?^\}|\{.*\})$", self.output, re.MULTILINE | re.DOTALL)
        loaded: dict[str, Any] = json.loads(shown[1])["live_migration"] if shown else {}
        return loaded


def _environment(folder: Path, *, extra: dict[str, str]) -> dict[str, str]:
    foreign = ("ANSIBLE_", "K8S_AUTH_", "KUBE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {
        **kept,
        "HOME": str(folder),
        "ANSIBLE_COLLECTIONS_PATH": os.environ["LIVE_MIGRATION_COLLECTIONS"],
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_SHOW_CUSTOM_STATS": "true",
        **extra,
    }


def _command(arguments: tuple[str, ...], variables: dict[str, Any], *, playbook: str) -> list[str]:
    program = str(Path(sys.executable).parent / "ansible-playbook")
    return [program, playbook, *arguments, "--extra-vars", json.dumps(variables)]


def play_tasks(folder: Path, tasks: list[dict[str, Any]], /, *arguments: str, **variables: Any) -> Run:
    """Run `tasks` on localhost in `folder`, with the collection's modules under their short names."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "collections": ["kubevirt_ops.live_migration"],
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": tasks,
    }
    (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    return diagnose(folder, *arguments, playbook="play.yml", **variables)


def diagnose(
    folder: Path, *arguments: str, environment: dict[str, str] | None = None, playbook: str = DIAGNOSE, **variables: Any
) -> Run:
    """Run a playbook in `folder` with extra variables; both streams together are the output."""
    command = _command(arguments, variables, playbook=playbook)
    seen = _environment(folder, extra=environment or {})
    done = run_program(command, folder=folder, environment=seen, seconds=_LIMIT_SECONDS)
    return Run(done.returncode, done.stdout, folder)


def diagnose_in_terminal(folder: Path, *, columns: int, playbook: str = DIAGNOSE, **variables: Any) -> Run:
    """The same in a terminal of so many columns, with the colours that it gets there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = _environment(folder, extra={"TERM": "xterm-256color"})
    process = subprocess.Popen(
        _command((), variables, playbook=playbook),
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    output = b""
    # Reading ends with an error once nobody holds the other side any more: that is how a terminal says end of file.
    while chunk := _read(ours):
        output += chunk
    os.close(ours)
    return Run(process.wait(timeout=_LIMIT_SECONDS), output.decode("utf-8").replace("\r\n", "\n"), folder)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
