# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one VM's copy ends under given settings: by itself, by what KubeVirt does at the limit, or not at all.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/live-migration-source.go handleLegacyConvergence: once the limit is
over and allowWorkloadDisruption is set, post-copy starts where it is allowed and the VM has no VFIO device, and then
nothing has a limit; else the guest stands still (VFIO: QEMU's own switch-over, of 2000 s at most) and the limit is
doubled once. Without it the migration is aborted. A limit of 0 is none, and then none of it ever happens.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import (
    NO_LIMIT,
    QEMU_DOWNTIME_SECONDS,
    Bandwidth,
    Convergence,
    Copy,
    capped_bytes_per_second,
    effective_bandwidth,
    judge_convergence,
    known,
    known_or_zero,
    limit_seconds,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.throttle import judge_throttled

__all__ = [
    "Network",
    "Outcome",
    "Settings",
    "Workload",
    "bandwidth_of",
    "copy_of",
    "is_held_by_cap",
    "left_at_limit",
    "predict",
]

# A rate within a tenth of the cap is the cap's doing; QEMU keeps to its cap, with what the stream itself adds.
_NEAR_CAP = 0.9
_QEMU_LONGEST_DOWNTIME_SECONDS = 2000
# KubeVirt looks each 400 ms, and the limit is over when more whole seconds have passed.
_LOOK_SECONDS = 2


@dataclass(frozen=True)
class Workload:
    """What one VM is and what it may bear. None: not known.

    `gigabytes` is its memory as KubeVirt counts it for the limit. `working_set_bytes` None counts as none.
    """

    memory_bytes: int | None
    gigabytes: int | None
    dirty_bytes_per_second: float | None
    working_set_bytes: float | None = None
    has_host_devices: bool | None = None
    bears_throttling: bool = True
    bears_pause: bool = False
    bears_post_copy: bool = False


@dataclass(frozen=True)
class Network:
    """What carries the copy. None: not known. `rate_bytes_per_second` is what was measured, of one migration, while
    `outbound` of them left the node."""

    link_bytes_per_second: float | None = None
    rate_bytes_per_second: float | None = None
    outbound: int | None = None


@dataclass(frozen=True)
class Settings:
    """The settings that matter here; `bandwidth_bytes` as in bandwidthPerMigration (0: no cap). None: not known."""

    bandwidth_bytes: int | None = 0
    timeout_per_gib: int | None = None
    auto_converge: bool = False
    post_copy: bool = False
    workload_disruption: bool = False
    progress_timeout: int | None = None
    downtime_seconds: float = QEMU_DOWNTIME_SECONDS


@dataclass(frozen=True)
class Outcome:
    """`finishes` None: that hangs on what is `missing`. `how` is pre_copy, auto_converge, pause, post_copy,
    post_copy_or_pause, or "" where it does not end or is not known; `reason` as in :class:`Convergence`, or
    progress_timeout, or assisted.

    `seconds` is the length of the copy, of an assisted one at most; `standstill_seconds` how long the guest stands
    still at most, `throttle_percent` how much CPU time it loses at most.
    """

    finishes: bool | None
    how: str
    reason: str
    bandwidth: Bandwidth
    limit_seconds: float | None
    seconds: float | None = None
    standstill_seconds: float | None = None
    throttle_percent: int = 0
    missing: tuple[str, ...] = ()

    @property
    def confidence(self) -> str:
        """As of causes. What only bounds the bandwidth from above makes an end no more than possible."""
        if self.finishes is None:
            return ""
        if self.bandwidth.is_measured:
            return "likely"
        return "possible" if self.finishes else "likely"


def bandwidth_of(network: Network, settings: Settings, /) -> Bandwidth:
    """What one migration gets under `settings`: a measured rate near the cap says nothing of the network beyond it."""
    return effective_bandwidth(
        cap=None if settings.bandwidth_bytes is None else capped_bytes_per_second(settings.bandwidth_bytes),
        link=network.link_bytes_per_second,
        outbound=network.outbound,
        rate=network.rate_bytes_per_second,
    )


def is_held_by_cap(rate: float, /, *, bandwidth_bytes: int | None) -> bool:
    """Whether a measured rate is the cap's doing; not known cap: taken as such, so that nothing is said of the link."""
    if bandwidth_bytes is None:
        return True
    cap = capped_bytes_per_second(bandwidth_bytes)
    return cap is not None and rate >= cap * _NEAR_CAP


def copy_of(workload: Workload, *, network: Network, settings: Settings) -> Copy:
    """The figures of the copy. Where bandwidthPerMigration is not known, only a measured rate tells the bandwidth."""
    bandwidth = bandwidth_of(network, settings)
    is_open = settings.bandwidth_bytes is None and not bandwidth.is_measured
    return Copy(
        memory_bytes=workload.memory_bytes,
        bytes_per_second=None if is_open else bandwidth.bytes_per_second,
        dirty_bytes_per_second=workload.dirty_bytes_per_second,
        working_set_bytes=workload.working_set_bytes,
        limit_seconds=limit_seconds(timeout_per_gib=settings.timeout_per_gib, gigabytes=workload.gigabytes),
        downtime_seconds=settings.downtime_seconds,
    )


def predict(workload: Workload, *, network: Network, settings: Settings) -> Outcome:
    """How the copy ends."""
    copy = copy_of(workload, network=network, settings=settings)
    bandwidth = bandwidth_of(network, settings)
    if settings.progress_timeout is not None and settings.progress_timeout < 0:
        return Outcome(False, "", "progress_timeout", bandwidth, copy.limit)
    found, percent = judge_convergence(copy), 0
    if settings.auto_converge:
        throttled = judge_throttled(copy)
        found, percent = throttled.convergence, throttled.percent
    itself = _by_itself(found, percent, bandwidth, copy.limit)
    if found.finishes or not _is_assisted(copy, settings, found):
        return itself
    assisted = _assisted(workload, settings, copy, bandwidth)
    # Without the dirty rate it may end before, or else so.
    return assisted if found.finishes is False or assisted.finishes else itself


def _by_itself(found: Convergence, percent: int, bandwidth: Bandwidth, limit: float | None) -> Outcome:
    how = ("auto_converge" if percent else "pre_copy") if found.finishes else ""
    return Outcome(
        found.finishes, how, found.reason, bandwidth, limit, found.seconds, found.last_pass_seconds, percent,
        found.missing,
    )  # fmt: skip


def _is_assisted(copy: Copy, settings: Settings, found: Convergence) -> bool:
    is_known = {"memory", "bandwidth"}.isdisjoint(found.missing)
    return (
        settings.workload_disruption and is_known and found.reason != "no_flow" and copy.limit not in (None, NO_LIMIT)
    )


def _assisted(workload: Workload, settings: Settings, copy: Copy, bandwidth: Bandwidth) -> Outcome:
    """What KubeVirt does when the limit is over: post-copy has none, a pause ends within as long again or fails."""
    limit, rate = known_or_zero(copy.limit), known_or_zero(copy.bytes_per_second)
    rest = left_at_limit(copy) / rate
    seconds = limit + _LOOK_SECONDS + rest
    longest = min(limit, _QEMU_LONGEST_DOWNTIME_SECONDS) if workload.has_host_devices is not False else limit
    fits = rest + _LOOK_SECONDS <= longest
    if settings.post_copy and workload.has_host_devices is False:
        return Outcome(True, "post_copy", "assisted", bandwidth, limit, seconds, None, 0)
    if settings.post_copy and workload.has_host_devices is None:
        missing = () if fits else ("host_devices",)
        how = "post_copy_or_pause" if fits else ""
        return Outcome(fits or None, how, "assisted", bandwidth, limit, seconds, rest, 0, missing)
    return Outcome(fits, "pause" if fits else "", "assisted" if fits else "too_slow", bandwidth, limit, seconds, rest)


def left_at_limit(copy: Copy, /) -> float:
    """What may be left when the limit is over, in bytes: no more than is dirtied in the longest pass until then."""
    memory, bandwidth = known_or_zero(copy.memory_bytes), known_or_zero(copy.bytes_per_second)
    dirty, limit = known(copy.dirty_bytes_per_second), copy.limit or 0.0
    if dirty is None or dirty >= bandwidth:
        return memory
    # What of it was sent in the pass that is cut short is dirty again.
    working_set = known_or_zero(copy.working_set_bytes) * (1 + dirty / bandwidth)
    first_pass = memory / bandwidth
    unsent = max(0.0, memory - bandwidth * limit)
    return min(memory, working_set + unsent + dirty * min(limit + _LOOK_SECONDS, first_pass))
