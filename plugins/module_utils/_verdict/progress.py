# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures of a running copy say: how fast it goes, whether it comes closer to its end, and when that is.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/stall-detector.go (VEP 248): a copy is stalled when what remains is
at least 0.96 of the least that remained longer than a window ago, both taken where a pass over the memory begins. QEMU
counts what remains down during a pass and up again where the next one begins, and tells a dirty rate only from the
second pass on. Percent done is nowhere here: what was processed and what remains of an iterative copy are no whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Sample
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    quantity_bytes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import MigrationState
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import later_by
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case, PodIndex
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import find_deadline

__all__ = [
    "WINDOW_SECONDS",
    "Copy",
    "Outlook",
    "bandwidth_cap",
    "copies_of",
    "copy_state",
    "ends_in_time",
    "find_outlook",
    "needed_rate",
]

# VEP 248 proposes 60 s and v1.9 takes 40 s, on every pass as QEMU begins it. Here it is a poll every 5 s: the longer.
WINDOW_SECONDS = 60
MARGIN = 0.04
# What the rates rest on, and how long the newest figure may be ago: virt-handler's 5 s and a scrape every 30 s.
RATE_SECONDS = 90
FRESH_SECONDS = 90
# A rise between two figures further apart than this does not tell where a pass began.
PASS_SECONDS = 15
FUTURE_SECONDS = 60
# About nothing: keep-alives and counters that round, not memory; over v1.9's window, as virt-handler's ring has 45 s.
NO_FLOW_BYTES_PER_SECOND = 64 * 1024
NO_FLOW_SECONDS = 40
# A rate from two figures closer together than this is noise; from a shorter stretch than PROOF_SECONDS it is no proof.
RATE_LEAST_SECONDS = 4
PROOF_SECONDS = 40


@dataclass(frozen=True)
class Copy:
    """A copy that runs: whose figures are worth reading."""

    namespace: str
    vm: str
    source_node: str
    started_at: datetime


@dataclass(frozen=True)
class Outlook:
    """One look at a copy. Rates and times are None where the figures do not tell; `problem` says why nothing is said.

    `samples` are those of this very copy, oldest first. `rates_since` is the first of those that the rates rest on.
    `is_flow_known`: whether the figures say anything of what leaves the source. `is_stalled` is the window rule, None
    where the figures do not reach beyond the window; `stalled_since` is since when, `stalled_from` what remained then
    and now, where a pass began. `quiet_since` is since when nothing
    flows. `end_at` is by virt-handler's clock, as is the copy's start; `earliest_end_at` would be if the guest wrote
    nothing.
    """

    source: str
    samples: tuple[Sample, ...] = ()
    problem: str = ""
    at: datetime | None = None
    remaining_bytes: int | None = None
    transfer_rate: float | None = None
    dirty_rate: float | None = None
    rates_since: datetime | None = None
    is_flow_known: bool = False
    trend: str = ""
    is_stalled: bool | None = None
    stalled_since: datetime | None = None
    stalled_from: tuple[int, int] = (0, 0)
    quiet_since: datetime | None = None
    end_at: datetime | None = None
    earliest_end_at: datetime | None = None

    @property
    def net_rate(self) -> float | None:
        """By how much the copy comes closer to its end each second; None while the dirty rate is not known."""
        if self.transfer_rate is None or self.dirty_rate is None:
            return None
        return self.transfer_rate - self.dirty_rate

    @property
    def proves(self) -> bool:
        """Whether the rates rest on figures over long enough."""
        return _seconds(self.rates_since, self.at) >= PROOF_SECONDS

    @property
    def flows(self) -> bool:
        """Whether data flows, as far as the figures tell."""
        return self.quiet_since is None and (self.transfer_rate or 0) > NO_FLOW_BYTES_PER_SECOND


def copy_state(case: Case) -> MigrationState | None:
    """The state of a copy that has started and not ended, and that nobody cancels; None for any other migration."""
    state = case.state
    if case.migration.phase != "Running" or case.migration.is_being_deleted or state is None:
        return None
    return state if state.started_at is not None and state.ended_at is None and not state.completed else None


def copies_of(snapshot: Snapshot, /) -> tuple[Copy, ...]:
    """The copies whose figures are worth reading, by namespace and VM."""
    index = PodIndex({})
    found = set()
    for migration in snapshot.migrations:
        case = Case(snapshot, migration, index)
        state = copy_state(case) if snapshot.is_subject(migration) else None
        if state is not None and state.started_at is not None:
            found.add((migration.meta.namespace, migration.vmi_name, case.source_node, state.started_at))
    return tuple(Copy(*one) for one in sorted(found))


def find_outlook(case: Case) -> Outlook | None:
    """What the figures say of this migration's copy; None where none is running or its figures were not read."""
    state, read = copy_state(case), case.snapshot.progress.get(case.migration.key)
    if state is None or read is None:
        return None
    samples = _own(read.samples, case, state)
    if not samples:
        return Outlook(read.source, problem=read.problem or "virt-handler has told no figures of this copy")
    last = samples[-1]
    if (case.now - last.at).total_seconds() > FRESH_SECONDS:
        age = int((case.now - last.at).total_seconds())
        return Outlook(read.source, samples, problem=read.problem or f"its newest figures are {age} s old")
    recent = [sample for sample in samples if _seconds(sample.at, last.at) <= RATE_SECONDS]
    marks = _passes(samples, state)
    transfer, dirty = _transfer_rate(recent), _dirty_rate(recent, is_later_pass=_rises(samples))
    stalled, least, begun = _window_rule(samples, marks)
    net = None if transfer is None or dirty is None else transfer - dirty
    return Outlook(
        source=read.source,
        samples=samples,
        problem=read.problem,
        at=last.at,
        remaining_bytes=last.remaining_bytes,
        transfer_rate=transfer,
        dirty_rate=dirty,
        rates_since=recent[0].at,
        is_flow_known=any(_tells_flow(sample) for sample in recent),
        trend=_trend(recent, marks),
        is_stalled=stalled,
        stalled_since=least.at if least is not None and stalled else None,
        stalled_from=(_remaining(least), _remaining(begun)) if least is not None and stalled else (0, 0),
        quiet_since=_quiet_since(samples),
        end_at=_end(last, net),
        earliest_end_at=_end(last, transfer),
    )


def needed_rate(state: MigrationState) -> float | None:
    """Bytes a second by which the copy must outrun the guest to end in its time: 1024/tau MiB/s, where tau is
    completionTimeoutPerGiB. None where KubeVirt sets no limit, or it is not known."""
    tau = state.completion_timeout_per_gib
    return 2**30 / tau if tau is not None and 0 < tau < 10**9 else None


def bandwidth_cap(state: MigrationState) -> int | None:
    """bandwidthPerMigration in bytes a second; None where there is none, or it is not readable."""
    value = (state.configuration or {}).get("bandwidthPerMigration")
    try:
        cap = quantity_bytes(value) if value is not None else 0
    except QuantityError:
        return None
    return cap if cap > 0 else None


def ends_in_time(case: Case, outlook: Outlook, /) -> bool | None:
    """Whether the estimated end comes before the deadline; False where the guest writes as fast as it is copied. None
    where either is not known: while the dirty rate is not, only that even an idle guest's copy would come too late."""
    deadline = find_deadline(case).at
    if deadline is None:
        return None
    if outlook.net_rate is not None:
        return outlook.end_at is not None and outlook.end_at <= deadline
    earliest = outlook.earliest_end_at
    return False if earliest is not None and earliest > deadline else None


# -- which figures count


def _own(samples: Sequence[Sample], case: Case, state: MigrationState) -> tuple[Sample, ...]:
    """The figures of this very copy: since its start, which is by the same node's clock, and from its source node.

    What was processed only grows: where it falls, another copy's figures came before.
    """
    started, node = state.started_at, state.source_node
    found: list[Sample] = []
    for sample in samples:
        is_here = not node or sample.node in ("", node)
        is_now = started is not None and started <= sample.at and _seconds(case.now, sample.at) <= FUTURE_SECONDS
        if sample.remaining_bytes is None or not is_here or not is_now:
            continue
        if _has_begun_anew(found, sample):
            found.clear()
        found.append(sample)
    return tuple(found)


def _has_begun_anew(before: Sequence[Sample], sample: Sample) -> bool:
    known = next((one.processed_bytes for one in reversed(before) if one.processed_bytes is not None), None)
    return known is not None and sample.processed_bytes is not None and sample.processed_bytes < known


def _tells_flow(sample: Sample) -> bool:
    return sample.processed_bytes is not None or sample.transfer_bytes_per_second is not None


def _end(last: Sample, rate: float | None) -> datetime | None:
    return later_by(last.at, _remaining(last) / rate) if rate is not None and rate > 0 else None


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return (end - start).total_seconds() if start is not None and end is not None else 0.0


def _remaining(sample: Sample) -> int:
    return sample.remaining_bytes or 0


def _rises(samples: Sequence[Sample]) -> bool:
    return any(_remaining(one) > _remaining(before) for before, one in pairwise(samples))


def _passes(samples: Sequence[Sample], state: MigrationState) -> list[Sample]:
    """The figures with which passes over the memory begin: the copy's first, and each that is higher than the one just
    before it. A figure from the middle of a pass says nothing of how large that pass was."""
    first = [samples[0]] if _seconds(state.started_at, samples[0].at) <= PASS_SECONDS else []
    later = [
        one
        for before, one in pairwise(samples)
        if _remaining(one) > _remaining(before) and _seconds(before.at, one.at) <= PASS_SECONDS
    ]
    return [*first, *later]


def _window_rule(samples: Sequence[Sample], marks: Sequence[Sample]) -> tuple[bool | None, Sample | None, Sample]:
    """VEP 248's rule over the beginnings of passes, with the two figures that it compares.

    None while there is nothing older than the window to compare with, and within a first pass: 512 GiB that fall by
    100 MiB/s lose 1 % in the window and go on well. Only where nothing falls at all it needs no second pass.
    """
    has_passed = _rises(samples)
    compared = marks if has_passed and marks else samples
    now = compared[-1]
    older = [one for one in compared if _seconds(one.at, now.at) >= WINDOW_SECONDS]
    if not older or not _remaining(samples[-1]) or (has_passed and not marks):
        return None, None, now
    least = min(older, key=lambda one: (_remaining(one), one.at))
    if not has_passed:
        falls = _remaining(least) - _remaining(now) > NO_FLOW_BYTES_PER_SECOND * _seconds(least.at, now.at)
        return (None if falls else True), least, now
    return _remaining(now) >= (1 - MARGIN) * _remaining(least), least, now


# -- rates


def _transfer_rate(recent: Sequence[Sample]) -> float | None:
    """Bytes a second that leave the source: what was processed meanwhile, else virt-handler's own rate; more where what
    remains falls faster, as pages of zeros are skipped."""
    told = [one.transfer_bytes_per_second for one in recent if one.transfer_bytes_per_second is not None]
    rate = _processed_rate(recent)
    if rate is None and told:
        rate = _middle(told)
    falling = _falling_rate(recent)
    return max(rate, falling) if rate is not None and falling is not None else rate if rate is not None else falling


def _processed_rate(recent: Sequence[Sample]) -> float | None:
    known = [(one.at, one.processed_bytes) for one in recent if one.processed_bytes is not None]
    if len(known) < 2 or _seconds(known[0][0], known[-1][0]) < RATE_LEAST_SECONDS:
        return None
    return (known[-1][1] - known[0][1]) / _seconds(known[0][0], known[-1][0])


def _falling_rate(recent: Sequence[Sample]) -> float | None:
    steps = [(before, one) for before, one in pairwise(recent) if _remaining(one) <= _remaining(before)]
    seconds = sum(_seconds(before.at, one.at) for before, one in steps)
    if seconds < RATE_LEAST_SECONDS:
        return None
    return sum(_remaining(before) - _remaining(one) for before, one in steps) / seconds


def _dirty_rate(recent: Sequence[Sample], *, is_later_pass: bool) -> float | None:
    """Bytes a second that the guest writes. QEMU says 0 until it has begun its second pass: not known until then."""
    told = [one.dirty_bytes_per_second for one in recent if one.dirty_bytes_per_second is not None]
    if not told or (not any(told) and not is_later_pass):
        return None
    # The zeros of the first pass are no measurements.
    return _middle([rate for rate in told if rate] or [0])


def _middle(rates: Sequence[int]) -> float:
    """The median: one odd figure does not move it."""
    ordered, half = sorted(rates), len(rates) // 2
    return float(ordered[half]) if len(rates) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _quiet_since(samples: Sequence[Sample]) -> datetime | None:
    """Since when about nothing has flowed and nothing remaining has gone; None where something does, or it is not long
    enough to tell."""
    last = samples[-1]
    if not _remaining(last):
        return None
    since = last.at
    for before in reversed(samples[:-1]):
        if not _is_quiet(before, last):
            break
        since = before.at
    return since if _seconds(since, last.at) >= NO_FLOW_SECONDS else None


def _is_quiet(before: Sample, last: Sample) -> bool:
    allowed = NO_FLOW_BYTES_PER_SECOND * _seconds(before.at, last.at)
    if _remaining(before) - _remaining(last) > allowed:
        return False
    # QEMU's own rate stays as it was while its thread waits for a dead connection: what was processed counts first.
    if before.processed_bytes is not None and last.processed_bytes is not None:
        return last.processed_bytes - before.processed_bytes <= allowed
    told = (before.transfer_bytes_per_second, last.transfer_bytes_per_second)
    return all(rate is not None and rate <= NO_FLOW_BYTES_PER_SECOND for rate in told)


def _trend(recent: Sequence[Sample], marks: Sequence[Sample]) -> str:
    """falling, flat or rising: from one pass to the next, or within the first; "" for a single figure."""
    compared = marks[-2:] if _rises(recent) and len(marks) >= 2 else [recent[0], recent[-1]]
    if compared[0].at >= compared[1].at:
        return ""
    first, second = _remaining(compared[0]), _remaining(compared[1])
    if second < (1 - MARGIN) * first:
        return "falling"
    return "rising" if second > (1 + MARGIN) * first else "flat"
