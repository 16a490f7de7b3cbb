# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program measured as a whole: from its start to its end, with all that it starts."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Measured", "fastest", "measure"]


@dataclass(frozen=True)
class Measured:
    """Seconds by the clock, seconds of processor, and the memory of the largest single process in MiB."""

    wall: float
    busy: float
    memory: float
    output: str

    def __str__(self) -> str:
        return f"{self.wall:7.2f} s {self.busy:7.2f} s of processor {self.memory:7.0f} MiB"


def measure(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Measured:
    """Run it to its end; RuntimeError with its last words where it fails.

    The kernel keeps the peak of the largest process among those that it has waited for (getrusage(2), ru_maxrss).
    """
    with tempfile.TemporaryFile() as stream:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(environment or {})}, stdout=stream, stderr=subprocess.STDOUT
        )
        _pid, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        stream.seek(0)
        output = stream.read().decode("utf-8", "replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]} ended with {process.returncode}:\n{output[-3000:]}")
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output)


def fastest(work: Callable[[], Measured], *, times: int) -> Measured:
    """The fastest of some runs: what it can do, with the least of what else the machine does."""
    return min((work() for _run in range(times)), key=lambda one: one.wall)
