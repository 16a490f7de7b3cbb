# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether and when iterative pre-copy ends: memory, bandwidth and dirty rate against KubeVirt's deadline.

This module is private to the collection and may change without notice.

QEMU sends all memory, then again and again what was dirtied meanwhile, until what is left fits into the downtime. A
pass that sends V bytes at B bytes per second leaves W + D x V / B dirty: W is the working set, which the guest writes
anew in any pass however short, D the rate at which the rest is dirtied. So the passes shrink while D < B, to W / (1 -
D / B). Sources: Clark and others, Live Migration of Virtual Machines (NSDI 2005); QEMU migration/migration.c (the last
pass begins when what remains is at most bandwidth x downtime limit).
Facts: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/live-migration-source.go, virtwrap/manager.go
getVMIMigrationDataSize, converter/vcpu QuantityToMebiByte, pkg/util/migrations/migrations.go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

__all__ = [
    "GIBIBYTE",
    "MEBIBYTE",
    "NO_FLOW_BYTES_PER_SECOND",
    "NO_LIMIT",
    "QEMU_DOWNTIME_SECONDS",
    "Bandwidth",
    "Convergence",
    "Copy",
    "capped_bytes_per_second",
    "effective_bandwidth",
    "judge_convergence",
    "known",
    "known_or_zero",
    "limit_seconds",
    "needed_headroom",
    "rule_of_thumb",
    "tolerated_dirty_rate",
]

MEBIBYTE = 2**20
GIBIBYTE = 2**30
# completionTimeoutPerGiB 0: KubeVirt waits for ever.
NO_LIMIT = math.inf
_BEYOND = 2**63
# QEMU's own target, which KubeVirt leaves as it is unless its stall detector is on (then it is maxDowntimeMs).
QEMU_DOWNTIME_SECONDS = 0.3
# No cap is below 1 MiB/s (see capped_bytes_per_second), so no setting is the reason for a copy that moves less.
NO_FLOW_BYTES_PER_SECOND = MEBIBYTE // 16


def known(value: Any, /) -> float | None:
    """`value` as a number; None for what is no reading: no number, negative, or beyond the API's 64 bits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value < _BEYOND else None


def known_or_zero(value: Any, /) -> float:
    """`value` as a number; 0 for what is no reading."""
    return known(value) or 0.0


def capped_bytes_per_second(quantity_bytes: int, /) -> float | None:
    """The cap that QEMU is given for a bandwidthPerMigration of so many bytes: whole MiB/s, the half rounded up, one at
    least. None where it is 0 (no cap)."""
    if quantity_bytes <= 0:
        return None
    return float(max(1, (quantity_bytes + MEBIBYTE // 2) // MEBIBYTE) * MEBIBYTE)


def limit_seconds(*, timeout_per_gib: int | None, gigabytes: int | None) -> float | None:
    """KubeVirt's limit for a copy: :data:`NO_LIMIT` for a timeout of 0, and 0 for a negative one, which is over at the
    first look. None where either is not known.

    `gigabytes` is what KubeVirt counts, whatever the setting is called: decimal, rounded up.
    """
    if timeout_per_gib is None:
        return None
    if timeout_per_gib == 0:
        return NO_LIMIT
    if gigabytes is None:
        return None
    return float(max(0, timeout_per_gib * gigabytes))


@dataclass(frozen=True)
class Bandwidth:
    """What one migration gets. `limited_by` is cap, link or rate (what was measured), "" where nothing is known.

    Not `is_measured`: it is a bound from above, and nothing shows that the network carries it.
    """

    bytes_per_second: float | None
    limited_by: str
    is_measured: bool = False


def effective_bandwidth(
    *, cap: float | None = None, link: float | None = None, outbound: int | None = None, rate: float | None = None
) -> Bandwidth:
    """The smallest of the cap, the link's share and the measured rate, in bytes per second; None: not known (a cap of
    None: none is set). A link is shared by the migrations that leave the node at once; `outbound` None counts as one.
    """
    share, sharers = known(link), 1 if outbound is None else max(1, outbound)
    bounds = {
        "cap": known(cap),
        "link": None if share is None else share / sharers,
        "rate": known(rate),
    }
    found = {name: value for name, value in bounds.items() if value is not None}
    if not found:
        return Bandwidth(None, "")
    first = min(found, key=lambda name: found[name])
    return Bandwidth(found[first], first, "rate" in found)


@dataclass(frozen=True)
class Copy:
    """What is to be copied, how fast, and until when; None: not known.

    `working_set_bytes` is what stays dirty after any pass, `dirty_bytes_per_second` what is dirtied besides.
    `downtime_seconds` is the downtime that the last pass may take.
    """

    memory_bytes: float | None
    bytes_per_second: float | None
    dirty_bytes_per_second: float | None
    working_set_bytes: float | None = None
    limit_seconds: float | None = None
    downtime_seconds: float = QEMU_DOWNTIME_SECONDS

    @property
    def limit(self) -> float | None:
        """The limit, or :data:`NO_LIMIT`; None: not known."""
        return NO_LIMIT if self.limit_seconds == NO_LIMIT else known(self.limit_seconds)

    @property
    def missing(self) -> tuple[str, ...]:
        """The figures without which nothing can be said for sure."""
        figures = {
            "memory": known(self.memory_bytes) or None,
            "bandwidth": known(self.bytes_per_second),
            "dirty_rate": known(self.dirty_bytes_per_second),
            "deadline": self.limit,
        }
        return tuple(name for name, value in figures.items() if value is None)


@dataclass(frozen=True)
class Convergence:
    """`finishes` within the limit: None where that hangs on what is `missing`.

    `seconds` is the length of the whole copy, None where it never ends or is not known. `last_pass_seconds` is how long
    the guest stands still at its end. `reason` is one of converges, too_slow (it ends, after the limit), diverges
    (dirtied as fast as copied), working_set, no_flow, unknown.
    """

    finishes: bool | None
    reason: str
    seconds: float | None = None
    last_pass_seconds: float | None = None
    missing: tuple[str, ...] = ()


def judge_convergence(copy: Copy, /) -> Convergence:
    """Whether pre-copy alone ends in time.

    Without the dirty rate it is still certain that nothing is faster than one pass over the memory.
    """
    missing = copy.missing
    bandwidth = known(copy.bytes_per_second)
    if bandwidth is not None and bandwidth < NO_FLOW_BYTES_PER_SECOND:
        return Convergence(False, "no_flow", missing=missing)
    memory = known(copy.memory_bytes)
    if not memory or bandwidth is None:
        return Convergence(None, "unknown", missing=missing)
    dirty = known(copy.dirty_bytes_per_second)
    if dirty is None:
        return _without_dirty_rate(copy, memory / bandwidth, missing)
    return _judge_passes(copy, memory=memory, bandwidth=bandwidth, dirty=dirty)


def _without_dirty_rate(copy: Copy, one_pass: float, missing: tuple[str, ...]) -> Convergence:
    if copy.limit is not None and one_pass > copy.limit:
        return Convergence(False, "too_slow", missing=missing)
    return Convergence(None, "unknown", missing=missing)


def _judge_passes(copy: Copy, *, memory: float, bandwidth: float, dirty: float) -> Convergence:
    fits = bandwidth * known_or_zero(copy.downtime_seconds)
    working_set = known_or_zero(copy.working_set_bytes)
    if memory > fits:
        if dirty >= bandwidth:
            return Convergence(False, "diverges", missing=copy.missing)
        if working_set / _room(bandwidth, dirty) >= fits:
            return Convergence(False, "working_set", missing=copy.missing)
    sent, last = _passes(memory, bandwidth=bandwidth, dirty=dirty, working_set=working_set, fits=fits)
    seconds, last_pass = sent / bandwidth, last / bandwidth
    if copy.limit is None:
        return Convergence(None, "unknown", seconds, last_pass, copy.missing)
    in_time = seconds <= copy.limit
    return Convergence(in_time, "converges" if in_time else "too_slow", seconds, last_pass)


def _room(bandwidth: float, dirty: float) -> float:
    """1 - D / B, without the loss of subtracting from 1."""
    return (bandwidth - dirty) / bandwidth


def _passes(memory: float, *, bandwidth: float, dirty: float, working_set: float, fits: float) -> tuple[float, float]:
    """Bytes sent in all passes, and those of the last one, which is the first that `fits`.

    Pass n sends floor + (memory - floor) x ratio^n, where the floor is what the passes shrink to.
    """
    if memory <= fits:
        return memory, memory
    room = _room(bandwidth, dirty)
    floor = working_set / room
    span = memory - floor
    logarithm = math.log1p(-room) if room < 1 else -math.inf
    passes = max(1, math.ceil(math.log((fits - floor) / span) / logarithm))
    last = floor + span * math.exp(logarithm * passes)
    shrunk = span * -math.expm1(logarithm * (passes + 1)) / room
    return floor * (passes + 1) + shrunk, last


def needed_headroom(*, memory_bytes: float, limit_seconds: float) -> float:
    """How much more than the dirty rate the bandwidth has to be, in bytes per second: M / (B - D) is at most the limit.

    All passes together send less than M / (1 - D / B), so this suffices wherever the working set allows an end at all.
    """
    return math.inf if limit_seconds <= 0 else memory_bytes / limit_seconds


def rule_of_thumb(*, timeout_per_gib: int) -> float:
    """The headroom for a whole GiB in each such timeout, in bytes per second: 1024 / timeout MiB/s.

    KubeVirt counts decimal gigabytes, rounded up, so a VM needs 10^9 / timeout bytes per second at most, 7 % less.
    """
    return needed_headroom(memory_bytes=GIBIBYTE, limit_seconds=timeout_per_gib or NO_LIMIT)


def tolerated_dirty_rate(copy: Copy, /) -> float | None:
    """The highest dirty rate at which the copy ends in time, 0 where none does; None where it is not known.

    Found by halving: the end is later the more is dirtied. Infinite where all memory fits into the downtime.
    """
    bandwidth = known(copy.bytes_per_second)
    if bandwidth is None or {"memory", "deadline"} & set(copy.missing):
        return None
    if judge_convergence(replace(copy, dirty_bytes_per_second=bandwidth)).finishes:
        return math.inf
    low, high = 0.0, bandwidth
    for _step in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high)
            if judge_convergence(replace(copy, dirty_bytes_per_second=middle)).finishes
            else (low, middle)
        )
    return low
