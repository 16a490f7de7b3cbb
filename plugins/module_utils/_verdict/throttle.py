# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto-converge: QEMU slows the guest's CPUs, step by step, until the passes shrink.

This module is private to the collection and may change without notice.

Assumed is a guest that writes as fast as its CPUs run, and a working set that stays dirty all the same.
Facts: QEMU migration/options.c (trigger 50 %, first 20 %, then 10 % more, at most 99 %) and migration/ram.c
(migration_trigger_throttle: looked at when a pass ends, more than a second after the last look; the second time that
more than half of what was sent had been dirtied, the throttle rises). QEMU since 9.2 also looks during long passes, so
there it rises sooner than computed here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import (
    Convergence,
    Copy,
    judge_convergence,
    known_or_zero,
)

__all__ = ["MAX_PERCENT", "Throttled", "judge_throttled", "needed_throttle"]

TRIGGER = 0.5
FIRST_PERCENT = 20
STEP_PERCENT = 10
MAX_PERCENT = 99
# More passes than any copy makes before its throttle is settled: each either halves or is one of a few per step.
_MOST_PASSES = 1000


@dataclass(frozen=True)
class Throttled:
    """How the copy ends, and the throttle that it reaches until then."""

    convergence: Convergence
    percent: int


@dataclass
class _Guest:
    """The throttle and what QEMU has counted since its last look."""

    percent: int = 0
    times_high: int = 0
    seconds: float = 0.0
    dirtied: float = 0.0
    sent: float = 0.0

    def look(self, *, sent: float, dirtied: float, seconds: float) -> None:
        """A pass has ended."""
        self.seconds, self.sent, self.dirtied = self.seconds + seconds, self.sent + sent, self.dirtied + dirtied
        if self.seconds <= 1:
            return
        self.times_high += self.dirtied > self.sent * TRIGGER
        self.seconds = self.dirtied = self.sent = 0.0
        if self.times_high >= 2:
            self.times_high = 0
            raised = self.percent + STEP_PERCENT if self.percent else FIRST_PERCENT
            self.percent = min(raised, MAX_PERCENT)


def judge_throttled(copy: Copy, /) -> Throttled:
    """Whether pre-copy ends in time with auto-converge; as without it where a figure is not known."""
    plain = judge_convergence(copy)
    if {"memory", "bandwidth", "dirty_rate"} & set(copy.missing) or plain.reason == "no_flow":
        return Throttled(plain, 0)
    return _run(copy, known_or_zero(copy.memory_bytes), known_or_zero(copy.bytes_per_second))


def _run(copy: Copy, memory: float, bandwidth: float) -> Throttled:
    """Pass by pass while the throttle may rise; the rest in one step."""
    guest, left, elapsed = _Guest(), memory, 0.0
    fits = bandwidth * known_or_zero(copy.downtime_seconds)
    dirty, working_set = known_or_zero(copy.dirty_bytes_per_second), known_or_zero(copy.working_set_bytes)
    for _pass in range(_MOST_PASSES):
        if left <= fits or guest.percent == MAX_PERCENT:
            break
        seconds = left / bandwidth
        dirtied = min(memory, working_set + dirty * (1 - guest.percent / 100) * seconds)
        guest.look(sent=left, dirtied=dirtied, seconds=seconds)
        left, elapsed = dirtied, elapsed + seconds
    if left <= fits:
        return Throttled(_ended(copy, elapsed + left / bandwidth, left / bandwidth), guest.percent)
    rest = judge_convergence(replace(copy, memory_bytes=left, dirty_bytes_per_second=dirty * (1 - guest.percent / 100)))
    if rest.seconds is None:
        return Throttled(rest, guest.percent)
    return Throttled(_ended(copy, elapsed + rest.seconds, rest.last_pass_seconds), guest.percent)


def _ended(copy: Copy, seconds: float, last_pass: float | None) -> Convergence:
    if copy.limit is None:
        return Convergence(None, "unknown", seconds, last_pass, copy.missing)
    in_time = seconds <= copy.limit
    return Convergence(in_time, "converges" if in_time else "too_slow", seconds, last_pass)


def needed_throttle(copy: Copy, /) -> float | None:
    """The share of CPU time, 0 to 1, that has to go for B - D x (1 - s) to be the needed headroom; more than
    :data:`MAX_PERCENT` is no answer. None where a figure is not known."""
    if copy.missing:
        return None
    memory, bandwidth = known_or_zero(copy.memory_bytes), known_or_zero(copy.bytes_per_second)
    dirty = known_or_zero(copy.dirty_bytes_per_second)
    if not dirty:
        return 0.0
    room = bandwidth - (memory / copy.limit if copy.limit else bandwidth)
    return min(1.0, max(0.0, 1 - room / dirty))
