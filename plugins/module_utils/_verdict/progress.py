# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures of a running copy say: how fast it goes, whether it comes closer to its end, and when that is.

This module is private to the collection and may change without notice.
Percent done is nowhere here: what was processed and what remains of an iterative copy are no whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.figures import (
    MARGIN,
    NO_FLOW_BYTES_PER_SECOND,
    PROOF_SECONDS,
    RATE_SECONDS,
    dirty_rate,
    find_passes,
    find_trend,
    has_rises,
    judge_window,
    quiet_since,
    remaining_of,
    seconds_of,
    tells_flow,
    transfer_rate,
)

__all__ = [
    "Copy",
    "Outlook",
    "bandwidth_cap",
    "copies_of",
    "copy_state",
    "ends_in_time",
    "find_outlook",
    "needed_rate",
]

# How long the newest figures may be ago: a poll every 5 s, a scrape every 30 s, and one that was missed.
FRESH_SECONDS = 90
FUTURE_SECONDS = 60
# What remains counts disks that move, and the room for memory that may be plugged in (KubeVirt: 4 times the guest's).
# More than so many times the memory of a VM without such disks is no figure of its copy.
_MOST_MEMORIES = 16


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
        return seconds_of(self.rates_since, self.at) >= PROOF_SECONDS

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
    index = PodIndex.of(())
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
    if _is_beyond_its_memory(case, last):
        return Outlook(read.source, samples, problem="its figures say that more remains than the VM can have")
    recent = [sample for sample in samples if seconds_of(sample.at, last.at) <= RATE_SECONDS]
    transfer = transfer_rate(recent)
    passes = find_passes(samples, started_at=state.started_at, rate=transfer)
    dirty = dirty_rate(recent, passes=passes)
    stalled, before = judge_window(samples, passes)
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
        is_flow_known=any(tells_flow(sample) for sample in recent),
        trend=find_trend(recent, passes),
        is_stalled=stalled,
        stalled_since=before.at if before is not None and stalled else None,
        stalled_from=before.least if before is not None and stalled else 0,
        pass_bytes=passes[-1].least if has_rises(samples) and passes else last.remaining_bytes or 0,
        quiet_since=quiet_since(samples),
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
        is_now = started is not None and started <= sample.at and seconds_of(case.now, sample.at) <= FUTURE_SECONDS
        if sample.remaining_bytes is None or not is_here or not is_now:
            continue
        if _has_begun_anew(found, sample):
            found.clear()
        found.append(sample)
    return tuple(found)


def _is_beyond_its_memory(case: Case, last: Sample) -> bool:
    vmi = case.vmi
    if vmi is None or vmi.storage.launcher_disks or vmi.storage.volume_bytes != 0 or last.remaining_bytes is None:
        return False
    try:
        return last.remaining_bytes > _MOST_MEMORIES * quantity_bytes(vmi.guest_memory)
    except QuantityError:
        return False


def _has_begun_anew(before: Sequence[Sample], sample: Sample) -> bool:
    known = next((one.processed_bytes for one in reversed(before) if one.processed_bytes is not None), None)
    return known is not None and sample.processed_bytes is not None and sample.processed_bytes < known


def _end(last: Sample, rate: float | None) -> datetime | None:
    return later_by(last.at, remaining_of(last) / rate) if rate is not None and rate > 0 else None
