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
    where the figures do not reach beyond the window; `stalled_since` is since when, `stalled_from` what a pass
    began with then, `pass_bytes` what the last one began with. `quiet_since` is since when nothing
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
    stalled_from: int = 0
    pass_bytes: int = 0
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
    def is_outrun(self) -> bool:
        """Whether the guest writes as fast as its memory is carried away, but for what measuring may err."""
        return self.net_rate is not None and self.net_rate <= MARGIN * (self.transfer_rate or 0)

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
    transfer = _transfer_rate(recent)
    passes = _passes(samples, state, rate=transfer)
    dirty = _dirty_rate(recent, passes=passes)
    stalled, before = _window_rule(samples, passes)
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
        trend=_trend(recent, passes),
        is_stalled=stalled,
        stalled_since=before.at if before is not None and stalled else None,
        stalled_from=before.least if before is not None and stalled else 0,
        pass_bytes=passes[-1].least if _rises(samples) and passes else last.remaining_bytes or 0,
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


@dataclass(frozen=True)
class _Pass:
    """A pass over what remained. It began some time before `at`, with at least `least` bytes and at most `most`."""

    at: datetime
    least: int
    most: float


def _passes(samples: Sequence[Sample], state: MigrationState, *, rate: float | None) -> list[_Pass]:
    """The passes whose beginnings were seen: the copy's first, and each where what remains is more than just before.

    A poll tells them some seconds late, and meanwhile `rate` has been carried away. A figure from the middle of a pass
    says nothing of how large that pass was.
    """
    pairs = [(state.started_at or samples[0].at, samples[0])]
    pairs += [(before.at, one) for before, one in pairwise(samples) if _remaining(one) > _remaining(before)]
    return [
        _Pass(one.at, _remaining(one), _remaining(one) + (rate or 0) * _seconds(since, one.at))
        for since, one in pairs
        if _seconds(since, one.at) <= PASS_SECONDS
    ]


def _window_rule(samples: Sequence[Sample], passes: Sequence[_Pass]) -> tuple[bool | None, _Pass | None]:
    """VEP 248's rule over the beginnings of passes, and the one that the last is compared with.

    None while there is nothing older than the window to compare with, where polls came too late to tell, and within a
    first pass: 512 GiB that fall by 100 MiB/s lose 1 % in the window and go on well. Only where nothing falls at all it
    needs no second pass.
    """
    if not _remaining(samples[-1]):
        return None, None
    if not _rises(samples):
        return _flat(samples)
    older = [one for one in passes if _seconds(one.at, passes[-1].at) >= WINDOW_SECONDS]
    if not older:
        return None, None
    smallest, last = min(older, key=lambda one: (one.least, one.at)), passes[-1]
    if last.least >= (1 - MARGIN) * min(one.most for one in older):
        return True, smallest
    return (False if last.most < (1 - MARGIN) * smallest.least else None), smallest


def _flat(samples: Sequence[Sample]) -> tuple[bool | None, _Pass | None]:
    """True where nothing of what remains has gone for longer than the window."""
    now = samples[-1]
    older = [one for one in samples if _seconds(one.at, now.at) >= WINDOW_SECONDS]
    if not older:
        return None, None
    # They only fall, so the newest is the smallest, and the oldest that is as small says since when.
    allowed = _remaining(now) + NO_FLOW_BYTES_PER_SECOND * WINDOW_SECONDS
    since = next((one for one in older if _remaining(one) <= allowed), None)
    return (None, None) if since is None else (True, _Pass(since.at, _remaining(since), _remaining(since)))


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


def _dirty_rate(recent: Sequence[Sample], *, passes: Sequence[_Pass]) -> float | None:
    """Bytes a second that the guest writes. QEMU says 0 until it has begun its second pass: not known until then.

    Where it is not told at all, it is what a pass began with over how long the one before took.
    """
    told = [one.dirty_bytes_per_second for one in recent if one.dirty_bytes_per_second is not None]
    if any(told):
        # The zeros of the first pass are no measurements.
        return _middle([rate for rate in told if rate])
    if len(passes) < 2:
        return None
    before, last = passes[-2:]
    return 0.0 if told else last.least / max(_seconds(before.at, last.at), 1.0)


def _middle(rates: Sequence[int]) -> float:
    """The median: one odd figure does not move it."""
    ordered, half = sorted(rates), len(rates) // 2
    return float(ordered[half]) if len(rates) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _quiet_since(samples: Sequence[Sample]) -> datetime | None:
    """Since when about nothing has flowed and nothing remaining has gone; None where something does, or it is not long
    enough to tell."""
    # QEMU's own rate stays as it was while its thread waits for a dead connection: what was processed counts first.
    known = [one for one in samples if one.processed_bytes is not None]
    if len(known) < 2:
        known = [one for one in samples if one.transfer_bytes_per_second is not None]
    if not known or not _remaining(known[-1]) or _seconds(known[-1].at, samples[-1].at) > PASS_SECONDS:
        return None
    last = known[-1]
    since = last.at
    for before in reversed(known[:-1]):
        if not _is_quiet(before, last):
            break
        since = before.at
    return since if _seconds(since, last.at) >= NO_FLOW_SECONDS else None


def _is_quiet(before: Sample, last: Sample) -> bool:
    allowed = NO_FLOW_BYTES_PER_SECOND * _seconds(before.at, last.at)
    if _remaining(before) - _remaining(last) > allowed:
        return False
    if before.processed_bytes is not None and last.processed_bytes is not None:
        return last.processed_bytes - before.processed_bytes <= allowed
    told = (before.transfer_bytes_per_second, last.transfer_bytes_per_second)
    return all(rate is not None and rate <= NO_FLOW_BYTES_PER_SECOND for rate in told)


def _trend(recent: Sequence[Sample], passes: Sequence[_Pass]) -> str:
    """falling, flat or rising: from one pass to the next, or within the first; "" for a single figure."""
    first, second = _remaining(recent[0]), _remaining(recent[-1])
    if _rises(recent) and len(passes) >= 2:
        first, second = (one.least for one in passes[-2:])
    elif len(recent) < 2:
        return ""
    if second < (1 - MARGIN) * first:
        return "falling"
    return "rising" if second > (1 + MARGIN) * first else "flat"
