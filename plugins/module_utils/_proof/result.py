# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of migration_info: every key in every mode, empty when empty.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    seconds_between,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.advice import plan_advice
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.gates import can_cancel, can_retry
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.ladder import LADDER, rung_of_judgement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.placement import placement_entry
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.progress import render_progress
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.redact import redact_object
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.timeline import render_phases
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    configuration_of,
    policy_now,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.correlation import (
    NODE_KINDS,
    Correlation,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.history import (
    Attempt,
    attempt_number,
    find_previous,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import VERDICTS, Judgement

__all__ = ["EMPTY_ACT", "render_correlations", "render_migrations", "render_summary"]

# What acting modules fill; a module that looks returns it empty, so that playbooks may read it in every mode.
EMPTY_ACT: Mapping[str, Any] = {"plan": [], "refused": False, "refusals": [], "diff": {}}

_WORST_FIRST = (
    "blocked",
    "stalled",
    "overdue",
    "unknown",
    "late",
    "cancelling",
    "queued",
    "progressing",
    "failed",
    "succeeded",
)


def render_migrations(
    judgements: Sequence[Judgement], *, policies: Policies | None = None, ladder: Mapping[str, str] = LADDER
) -> list[dict[str, Any]]:
    """One entry a migration, worst first, then the oldest. `policies` None: they were not read."""
    ordered = sorted(judgements, key=_rank)
    return [
        {
            # Messages of events and conditions are quoted as evidence, and can hold what nobody should read.
            **redact_object(_entry(judgement, policies or Policies())),
            "rung": rung_of_judgement(judgement, ladder=ladder),
        }
        for judgement in ordered
    ]


def _rank(judgement: Judgement) -> tuple[int, str, str, str]:
    meta = judgement.case.migration.meta
    return _WORST_FIRST.index(judgement.verdict), format_timestamp(meta.created_at), meta.namespace, meta.name


def _entry(judgement: Judgement, policies: Policies) -> dict[str, Any]:
    case = judgement.case
    previous = find_previous(case.snapshot, case.migration)
    return {
        **_identity(case),
        **_times(judgement),
        "phases": render_phases(judgement),
        "verdict": judgement.verdict,
        "stuck": judgement.is_stuck,
        "summary": f"{judgement.verdict}: {judgement.reason}",
        "cause": judgement.causes[0].code if judgement.causes else "",
        "causes": [_cause(case, cause) for cause in judgement.causes],
        **_copy(case, policies),
        "placement": placement_entry(case.placement),
        "attempt": attempt_number(previous),
        "previous": [_attempt(attempt) for attempt in previous],
        **_gates(judgement),
    }


def _identity(case: Case) -> dict[str, Any]:
    meta = case.migration.meta
    return {
        "namespace": meta.namespace,
        "vm": case.migration.vmi_name,
        "name": meta.name,
        "uid": meta.uid,
        "origin": case.migration.origin,
        "source_node": case.source_node,
        "target_node": case.target_node,
        "target_pod": case.target_pod_name,
    }


def _times(judgement: Judgement) -> dict[str, Any]:
    case, migration = judgement.case, judgement.case.migration
    return {
        "phase": migration.phase,
        "phase_since_at": format_timestamp(migration.phase_since),
        "seconds_in_phase": seconds_between(migration.phase_since, case.now),
        "created_at": format_timestamp(migration.meta.created_at),
        "age_seconds": seconds_between(migration.meta.created_at, case.now),
        "started_at": format_timestamp(case.state.started_at if case.state else None),
        "deadline_at": format_timestamp(judgement.deadline.at),
        "deadline_reason": judgement.deadline.reason,
        "seconds_left": judgement.seconds_left,
    }


def _copy(case: Case, policies: Policies) -> dict[str, Any]:
    state = case.state
    match, configuration = policy_now(case, policies=policies), configuration_of(case, policies=policies)
    return {
        "mode": state.mode if state else "",
        "policy": state.policy if state else "",
        "policy_now": match.name if match is not None else None,
        "configuration": {name: one.value for name, one in configuration.items()},
        "configuration_from": {name: one.origin for name, one in configuration.items()},
        "progress": render_progress(case),
    }


def _gates(judgement: Judgement) -> dict[str, Any]:
    cancel, retry = can_cancel(judgement), can_retry(judgement.case)
    return {
        "can_cancel": cancel.allowed,
        "can_cancel_reason": cancel.reason,
        "can_retry": retry.allowed,
        "can_retry_reason": retry.reason,
    }


def _cause(case: Case, cause: Cause) -> dict[str, Any]:
    return {
        "code": cause.code,
        "summary": cause.summary,
        "time_cures": cause.time_cures,
        "holds_since_at": format_timestamp(cause.holds_since),
        "evidence": [
            {"object": seen.object, "field": seen.field, "value": seen.value, "at": format_timestamp(seen.at)}
            for seen in cause.evidence
        ],
        "explains": list(cause.explains),
        "advice": [
            {"action": one.action, "why": one.why, "risk": one.risk, "command": one.command}
            for one in plan_advice(case, cause)
        ],
        "confidence": cause.confidence,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "name": attempt.name,
        "uid": attempt.uid,
        "phase": attempt.phase,
        "ended_at": format_timestamp(attempt.ended_at),
        "target_node": attempt.target_node,
        "failure_reason": attempt.failure_reason,
        "failure": attempt.failure.words if attempt.failure else "",
        "was_cancelled": attempt.was_cancelled,
    }


def render_summary(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Counts by verdict (each word, 0 too) and by first cause of the stuck ones, and one sentence."""
    by_verdict = Counter(judgement.verdict for judgement in judgements)
    stuck = [judgement for judgement in judgements if judgement.is_stuck]
    by_cause = Counter(judgement.causes[0].code for judgement in stuck if judgement.causes)
    return {
        "total": len(judgements),
        "stuck": len(stuck),
        "finished": sum(judgement.case.migration.is_final for judgement in judgements),
        "by_verdict": {verdict: by_verdict[verdict] for verdict in VERDICTS},
        "by_cause": dict(sorted(by_cause.items())),
        "text": _sentence(len(judgements), stuck, by_verdict),
    }


def _sentence(total: int, stuck: Sequence[Judgement], by_verdict: Mapping[str, int]) -> str:
    if not total:
        return "No migration to judge."
    parts = [f"{by_verdict[word]} {word}" for word in _WORST_FIRST if by_verdict[word]]
    count = f"{len(stuck)} of {total} {'migration' if total == 1 else 'migrations'}"
    return f"{count} {'is' if 1 in (len(stuck), total) else 'are'} stuck: {', '.join(parts)}."


def render_correlations(
    correlations: Sequence[Correlation], *, node_verdicts: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What late and stuck migrations share, with the node's own verdict ("" where it was not judged)."""
    return [
        _correlation(one, node_verdicts.get(one.value, "") if one.kind in NODE_KINDS else "") for one in correlations
    ]


def _correlation(one: Correlation, node_verdict: str) -> dict[str, Any]:
    summary = f"{one.summary[:-1]}; {one.value} is {node_verdict}." if node_verdict else one.summary
    return {
        "kind": one.kind,
        "value": one.value,
        "stuck_or_late": one.bad,
        "total": one.total,
        "elsewhere_stuck_or_late": one.elsewhere_bad,
        "elsewhere_total": one.elsewhere_total,
        "node_verdict": node_verdict,
        "migrations": list(one.labels),
        "summary": summary,
    }
