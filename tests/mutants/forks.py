# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in forked processes, several at once, each under a limit of processor time."""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import selectors
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Generic, TypeVar

__all__ = ["TIMED_OUT", "Failed", "fork_each"]

Job = TypeVar("Job")
TIMED_OUT = "timed out"
# More than any test needs: what a change makes endless should not take the machine with it.
_MORE_MEMORY = 2 * 2**30
# Processor time does not pass for what only waits; that is nobody's fault but ours.
_LONGEST_WAIT_SECONDS = 300


class Failed(Exception):
    """A forked process did not end as it should; the text is what it said."""


@dataclass
class _Child(Generic[Job]):
    pid: int
    job: Job
    pipe: BinaryIO


def fork_each(
    jobs: Sequence[Job], work: Callable[[Job], Any], *, workers: int, seconds: Callable[[Job], float]
) -> Iterator[tuple[Job, Any]]:
    """What `work` returns for each job, as it comes; TIMED_OUT where it took longer than its `seconds`.

    The work is done in a copy of this process, so it may change what it likes. Failed where it raises.
    """
    waiting = list(reversed(jobs))
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                while waiting and len(selector.get_map()) < workers:
                    child = _start(waiting.pop(), work, seconds)
                    selector.register(child.pipe, selectors.EVENT_READ, child)
                for key, _events in selector.select():
                    selector.unregister(key.fileobj)
                    yield key.data.job, _result(key.data)
        finally:
            for key in list(selector.get_map().values()):
                _end(key.data)


def _start(job: Job, work: Callable[[Job], Any], seconds: Callable[[Job], float]) -> _Child[Job]:
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_the_child(job, work, seconds(job), writing)
    os.close(writing)
    return _Child(pid, job, os.fdopen(reading, "rb"))


def _be_the_child(job: Job, work: Callable[[Job], Any], seconds: float, writing: int) -> None:
    """Never returns, and leaves by no way on which the parent's own clean-up would run."""
    try:
        _limit(seconds)
        with open(os.devnull, "r+b") as null:
            for number in (0, 1, 2):
                os.dup2(null.fileno(), number)
        said = (True, work(job))
    except BaseException:  # noqa: BLE001 - whatever it is, the parent must hear of it
        said = (False, traceback.format_exc())
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump(said, pipe)
    os._exit(0)


def _limit(seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    with contextlib.suppress(FileNotFoundError), open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + _MORE_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.alarm(_LONGEST_WAIT_SECONDS + 10 * int(seconds))


def _end(child: _Child[Any]) -> None:
    child.pipe.close()
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)


def _result(child: _Child[Job]) -> Any:
    with child.pipe as pipe:
        said = pipe.read()
    _pid, status = os.waitpid(child.pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return TIMED_OUT
    if not said:
        raise Failed(f"{child.job}: the process ended with status {status} and said nothing")
    is_done, value = pickle.loads(said)
    if not is_done:
        raise Failed(f"{child.job}:\n{value}")
    return value
