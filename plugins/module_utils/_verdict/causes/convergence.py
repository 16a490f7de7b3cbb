# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes that the figures of a copy prove: never found by times alone.

This module is private to the collection and may change without notice.
A copy needs M/(B - D) seconds for M bytes of memory, B bytes a second that leave the source and D that the guest writes
meanwhile. KubeVirt allows tau seconds for each GiB, so B - D must be at least 1024/tau MiB/s (VEP 248).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import progress as progress_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import vmi as vmi_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import format_bytes
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import (
    MODE_PAUSED,
    MigrationState,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    seconds_between,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import find_deadline
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import (
    Outlook,
    bandwidth_cap,
    copy_state,
    ends_in_time,
    find_outlook,
    needed_rate,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.workload import settings_from

__all__ = [
    "NO_PROGRESS",
    "find_bandwidth_too_low",
    "find_no_data_flow",
    "find_not_converging",
    "find_slow_but_converging",
]

# These prove that the copy makes no progress.
NO_PROGRESS = frozenset({"NoDataFlow", "NotConverging"})
# A copy that the figures call fine is not worth a word before KubeVirt's runbook would look at it.
SLOW_SECONDS = 300
# A copy that runs at so much of its cap is held by the cap and not by the network.
AT_THE_CAP = 0.8
_POST_COPY, _PAUSE = "post-copy", "a pause of the guest"
# VFIO: QEMU may let the guest stand still for its last pass, for as long as that takes (2000 s at most).
_STANDSTILL = "a long standstill of the guest"
_DOES = {
    _POST_COPY: "goes over to post-copy",
    _PAUSE: "suspends the guest, so that the copy can end",
    _STANDSTILL: "lets the guest stand still until the copy can end: with a device of its node there is no post-copy",
}
_Look = tuple[MigrationState, Outlook]
# What was not read is never late enough to make a verdict unknown: the verdict rests on times then.
_NEVER = 10**12
_REMAINING, _PROCESSED, _TRANSFER, _DIRTY = (
    next(metric for metric, figure in progress_facts.METRICS.items() if figure == wanted)
    for wanted in ("remaining_bytes", "processed_bytes", "transfer_bytes_per_second", "dirty_bytes_per_second")
)


def find_no_data_flow(case: Case) -> Cause | Gap | None:
    """Memory remains and nothing of it leaves the source: tuning would be the wrong medicine."""
    look = _look(case, "NoDataFlow", modes=("PreCopy", MODE_PAUSED))
    if not isinstance(look, tuple):
        return look
    _state, found = look
    if found.quiet_since is None:
        return _unless_too_few(found, "NoDataFlow")
    seconds = seconds_between(found.quiet_since, found.at)
    summary = f"No data flows: for {seconds} s nothing has left the source, and {_size(found)} remain."
    return _cause(case, look, "NoDataFlow", summary, since=found.quiet_since, metrics=(_REMAINING, _PROCESSED))


def find_bandwidth_too_low(case: Case) -> Cause | Gap | None:
    """Data flows too slowly for the time that KubeVirt allows: by a cap, or as fast as the network goes."""
    look = _look(case, "BandwidthTooLow")
    if not isinstance(look, tuple):
        return look
    state, found = look
    needed, rate = needed_rate(state), found.transfer_rate
    if needed is None or rate is None or not found.flows or not found.proves:
        return _unless_too_few(found, "BandwidthTooLow")
    if rate - (found.dirty_rate or 0) >= needed or ends_in_time(case, found) is not False:
        return None
    cap = bandwidth_cap(state)
    is_capped = cap is not None and rate >= AT_THE_CAP * cap
    if found.is_outrun and not is_capped:
        return None  # No bandwidth that is known would do: NotConverging says it.
    writes = (
        f"the guest writes {_rate(found.dirty_rate)}"
        if found.dirty_rate is not None
        else "even if the guest wrote nothing that were too little"
    )
    held = f", and bandwidthPerMigration allows {_rate(cap)}" if is_capped else ""
    summary = (
        f"The bandwidth is too low: {_rate(rate)} leave the source{held}, {writes}; to end in time the copy must "
        f"outrun the guest by {_rate(needed)} (1024 MiB in {state.completion_timeout_per_gib} s)"
        f"{_at_the_deadline(case, state)}."
    )
    cures, certain = _cures(case, state), "certain" if is_capped else "likely"
    names = {f"{'capped' if is_capped else 'slow'}_{'policy' if state.policy else 'alone'}": state.policy or "yes"}
    return _cause(
        case, look, "BandwidthTooLow", summary,
        since=found.rates_since, cures=cures, confidence=certain, names=names,
    )  # fmt: skip


def find_not_converging(case: Case) -> Cause | Gap | None:
    """The guest writes as fast as its memory is carried away: the copy never ends, however long it may take."""
    look = _look(case, "NotConverging")
    if not isinstance(look, tuple):
        return look
    state, found = look
    since = _not_converging_since(found)
    if since is None:
        return _unless_too_few(found, "NotConverging")
    rates = ""
    if found.transfer_rate is not None and found.dirty_rate is not None:
        rates = f": the guest writes {_rate(found.dirty_rate)} and {_rate(found.transfer_rate)} leave the source"
    summary = f"The copy does not converge{rates}{_passes(found)}{_at_the_deadline(case, state)}."
    certain = "possible" if not found.is_flow_known else "certain" if found.is_stalled else "likely"
    return _cause(
        case, look, "NotConverging", summary,
        since=since, cures=_cures(case, state), confidence=certain, names=_levers(case, state),
    )  # fmt: skip


def find_slow_but_converging(case: Case) -> Cause | Gap | None:
    """The copy comes closer to its end: when that is, and whether KubeVirt waits so long."""
    look = _look(case, "SlowButConverging")
    if not isinstance(look, tuple):
        return look
    state, found = look
    if found.end_at is None or not found.flows or _not_converging_since(found):
        return None
    needed, in_time = needed_rate(state), ends_in_time(case, found)
    if in_time is False and needed is not None and (found.net_rate or 0) < needed:
        return None  # BandwidthTooLow says it.
    age = seconds_between(state.started_at, case.now) or 0
    if in_time is not False and age < SLOW_SECONDS:
        return None
    summary = (
        f"The copy is slow and converges: {_size(found)} remain, {_rate(found.net_rate)} faster than the guest writes; "
        f"it ends at about {format_timestamp(found.end_at)}, {_against_deadline(case, found.end_at)}"
        f"{_at_the_deadline(case, state) if in_time is False else ''}."
    )
    is_aborted = in_time is False and not _assistance(case, state)
    return _cause(
        case, look, "SlowButConverging", summary,
        since=state.started_at, cures="yes", confidence="likely", names={"late": "yes" if is_aborted else ""},
    )  # fmt: skip


def _look(case: Case, code: str, /, *, modes: tuple[str, ...] = ("PreCopy",)) -> _Look | Gap | None:
    """The copy and what its figures say; a gap that makes no verdict unknown where they say nothing; None where it
    does not run in one of these modes: in post-copy and while the guest is paused there is nothing to converge."""
    state = copy_state(case)
    if state is None or (state.mode or "PreCopy") not in modes:
        return None
    found = find_outlook(case)
    why = "no figures of the copy were read" if found is None else found.problem if found.at is None else ""
    return Gap(code, (), after_seconds=_NEVER, why=why) if why or found is None else (state, found)


def _unless_too_few(outlook: Outlook, code: str, /) -> Gap | None:
    """None, ruled out, where the figures are over long enough to say so."""
    why = "the figures of the copy are over too short a time"
    return None if outlook.proves else Gap(code, (), after_seconds=_NEVER, why=why)


def _not_converging_since(outlook: Outlook) -> datetime | None:
    """Since when the figures say that it does not converge; None where they do not."""
    if not outlook.remaining_bytes or (outlook.is_flow_known and not outlook.flows):
        return None
    net, rate = outlook.net_rate, outlook.transfer_rate or 0
    if outlook.is_stalled and (net is None or net <= rate / 10):
        return outlook.stalled_since
    # One fast pass of the guest's is no verdict on the copy: only over long enough, and not against the rule.
    is_outrun = outlook.is_outrun and outlook.proves and outlook.is_stalled is not False
    return outlook.rates_since if is_outrun else None


def _assistance(case: Case, state: MigrationState) -> str:
    """What KubeVirt does at the deadline where it does not abort the copy then; "" where it does, or has no deadline.

    For a VM with a device of the node's (VFIO) it never goes over to post-copy.
    """
    if find_deadline(case).at is None:
        return ""
    given = settings_from(state.configuration or {})
    if not given.workload_disruption:
        return ""
    if _has_vfio(case):
        return _STANDSTILL
    return _POST_COPY if given.post_copy else _PAUSE


def _has_vfio(case: Case) -> bool:
    return case.vmi is not None and case.vmi.has_vfio


def _cures(case: Case, state: MigrationState) -> str:
    """Post-copy always ends; a guest that stands still writes nothing, but its copy may still be aborted."""
    return {_POST_COPY: "yes", _PAUSE: "maybe", _STANDSTILL: "maybe"}.get(_assistance(case, state), "no")


def _at_the_deadline(case: Case, state: MigrationState) -> str:
    assistance, deadline = _assistance(case, state), find_deadline(case).at
    if not assistance or deadline is None:
        return ""
    does = _DOES[assistance]
    return f"; at its deadline, {format_timestamp(deadline)}, KubeVirt {does}"


def _levers(case: Case, state: MigrationState) -> dict[str, str]:
    """What may still be allowed to a copy that does not converge: throttling, else post-copy, which is none for a VM
    with a device of its node, else nothing."""
    given = settings_from(state.configuration or {})
    alone = "alone_with_device" if _has_vfio(case) else "alone"
    if not given.auto_converge:
        return {"throttle_policy": state.policy, f"throttle_{alone}": "" if state.policy else "yes"}
    if _has_vfio(case):
        return {"throttled_with_device": "yes"}
    return {"throttled": "" if given.post_copy else "yes"}


def _cause(
    case: Case, look: _Look, code: str, summary: str, /, *,
    since: datetime | None, cures: str = "no", confidence: str = "certain",
    metrics: tuple[str, ...] = (_REMAINING, _TRANSFER, _DIRTY), names: Mapping[str, str] | None = None,
) -> Cause:  # fmt: skip
    state, outlook = look
    names = {
        "source_node": case.source_node,
        "target_node": case.target_node,
        "policy": state.policy,
        "assistance": _assistance(case, state),
        **(names or {}),
    }
    seen = (*_figures(case, outlook, metrics), *_settings(case, state))
    holds = case.later(since, state.started_at)
    return Cause(code, summary, cures, holds, seen, confidence=confidence, names=names)


def _figures(case: Case, outlook: Outlook, metrics: tuple[str, ...]) -> tuple[Evidence, ...]:
    """The newest figures, by the metrics' names of KubeVirt 1.9."""
    last = outlook.samples[-1]
    values = {
        _REMAINING: last.remaining_bytes,
        _PROCESSED: last.processed_bytes,
        _TRANSFER: None if outlook.transfer_rate is None else round(outlook.transfer_rate),
        _DIRTY: None if outlook.dirty_rate is None else round(outlook.dirty_rate),
    }
    known = [(metric, values[metric]) for metric in metrics if values[metric] is not None]
    return tuple(Evidence(case.vmi_name, metric, str(value), last.at) for metric, value in known)


def _settings(case: Case, state: MigrationState) -> tuple[Evidence, ...]:
    if state.completion_timeout_per_gib is None:
        return ()
    path = vmi_facts.STATE.completion_timeout.path
    return (Evidence(case.vmi_name, path, str(state.completion_timeout_per_gib), state.started_at),)


def _against_deadline(case: Case, end_at: datetime) -> str:
    deadline = find_deadline(case).at
    if deadline is None:
        return "and it has no deadline"
    seconds = seconds_between(end_at, deadline) or 0
    return f"{seconds} s before its deadline" if seconds >= 0 else f"{-seconds} s after its deadline"


def _rate(bytes_per_second: float | None) -> str:
    return f"{format_bytes(round(bytes_per_second or 0))}/s"


def _passes(outlook: Outlook) -> str:
    """What remains again and again, where the window rule says so."""
    if not outlook.is_stalled:
        return ""
    seconds = seconds_between(outlook.stalled_since, outlook.at)
    before, now = format_bytes(outlook.stalled_from), format_bytes(outlook.pass_bytes)
    return f"; a pass over what remained began with {before} {seconds} s ago, and the last one with {now}"


def _size(outlook: Outlook) -> str:
    return format_bytes(outlook.remaining_bytes or 0)
