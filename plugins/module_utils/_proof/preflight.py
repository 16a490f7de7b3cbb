# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of preflight_info: every key in every mode, empty when empty.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.preflight_advice import (
    plan_preflight_advice,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.placement import placement_result
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.catalogue import (
    VERDICTS,
    WOULD_MIGRATE,
    WOULD_WAIT,
    effect_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.copying import CopyPlan
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.judge import (
    Outlook,
    Preflight,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import Grounds
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.together import (
    FITS,
    Together,
)

__all__ = ["EMPTY_PLACEMENT", "render_drain", "render_outlooks", "render_preflight_summary"]

EMPTY_PLACEMENT: Mapping[str, Any] = {
    "possible": [],
    "excluded": [],
    "warnings": [],
    "not_judged": [],
    "summary": "",
}
_WORDS = {
    "would_stop": "would be shut down",
    "would_not_migrate": "would not migrate",
    "unknown": "could not be judged",
    "at_risk": "may get stuck",
    "would_wait": "would have to wait",
    "would_migrate": "would migrate",
}


def render_outlooks(preflight: Preflight, /) -> list[dict[str, Any]]:
    """One entry a VM, worst first."""
    return [_entry(outlook, preflight.together) for outlook in preflight.outlooks]


def _entry(outlook: Outlook, together: Together | None) -> dict[str, Any]:
    subject = outlook.subject
    vmi = subject.guest.vmi
    place = together.places.get(subject.key, "") if together else ""
    return {
        "namespace": subject.key[0],
        "vm": subject.key[1],
        "uid": vmi.meta.uid,
        "source_node": subject.node,
        "phase": vmi.phase,
        "eviction_strategy": outlook.strategy,
        "verdict": outlook.verdict,
        "summary": f"{outlook.verdict}: {outlook.sentence}",
        "reason": outlook.reasons[0].code if outlook.reasons else "",
        "reasons": [_reason(outlook, one) for one in outlook.reasons],
        "not_known": [{"code": gap.code, "why": gap.sentence()} for gap in outlook.gaps],
        "placement": placement_result(subject.placement) if subject.placement else dict(EMPTY_PLACEMENT),
        "place_together": place,
        "copy": _copy(outlook.copy),
    }


def _reason(outlook: Outlook, cause: Cause) -> dict[str, Any]:
    return {
        "code": cause.code,
        "summary": cause.summary,
        "effect": effect_of(cause.code),
        "time_cures": cause.time_cures,
        "holds_since_at": format_timestamp(cause.holds_since),
        "evidence": [
            {"object": seen.object, "field": seen.field, "value": seen.value, "at": format_timestamp(seen.at)}
            for seen in cause.evidence
        ],
        "explains": list(cause.explains),
        "advice": [
            {"action": one.action, "why": one.why, "risk": one.risk, "command": one.command}
            for one in plan_preflight_advice(outlook.subject, cause)
        ],
        "confidence": cause.confidence,
    }


def _copy(copy: CopyPlan) -> dict[str, Any]:
    return {
        "memory_bytes": copy.memory_bytes,
        "bandwidth_bytes_per_second": copy.bandwidth,
        "bandwidth_from": copy.bandwidth_from,
        "dirty_rate_bytes_per_second": copy.dirty_rate,
        "completion_timeout_per_gib": copy.per_gib,
        "limit_seconds": copy.limit_seconds,
        "seconds_once_over": copy.seconds,
    }


def render_drain(grounds: Grounds, preflight: Preflight, /) -> dict[str, Any]:
    """Slots, rounds, time, and whether there is a place for all."""
    pace, queue = preflight.pace, grounds.queue
    return {
        "slots": {
            "per_cluster": pace.per_cluster,
            "per_node": pace.per_node,
            "taken": [holder.label for holder in queue.holders],
        },
        "nodes": [
            {
                "node": name,
                "vms": sum(outlook.subject.node == name for outlook in preflight.outlooks),
                "to_migrate": count,
                "memory_bytes": pace.memory_by_node[name],
                "taken": [holder.label for holder in queue.outbound(name)],
            }
            for name, count in pace.vms_by_node.items()
        ],
        "waves": pace.waves,
        "least_seconds": pace.least_seconds,
        "arithmetic": pace.arithmetic,
        "together": _together(preflight),
    }


def _together(preflight: Preflight) -> dict[str, Any]:
    together = preflight.together
    without = _without_place(preflight)
    if together is None:
        return {"answer": "", "text": f"No VM has a place to be counted together with others.{without}", "places": {}}
    places = {"/".join(key): node for key, node in sorted(together.places.items())}
    return {"answer": together.answer, "text": _together_text(together, preflight.placed) + without, "places": places}


def _without_place(preflight: Preflight) -> str:
    """The VMs for which no place was found even alone, and which are in no count of those that fit together."""
    found = [one.subject for one in preflight.outlooks if one.subject.placement and not one.subject.placement.possible]
    names = sorted("/".join(subject.key) for subject in found)
    if not names:
        return ""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f" Not among them, as no place was found even alone: {', '.join(names[:5])}{more}."


def _together_text(together: Together, total: int) -> str:
    if together.answer == FITS:
        return f"A place for each of {total} was found; the scheduler may choose others."
    placed = f"{total - len(together.unplaced)} of {total} VMs found a place together"
    proven = "that not all fit is proven" if together.proof else "whether all fit is not proven either way"
    return f"{placed}; {proven}."


def render_preflight_summary(preflight: Preflight, /, *, nodes: Sequence[str]) -> dict[str, Any]:
    """Counts by verdict (each word, 0 too) and by first reason, one sentence, and the least time of the drain."""
    counts = Counter(outlook.verdict for outlook in preflight.outlooks)
    reasons = Counter(one.reasons[0].code for one in preflight.outlooks if _matters(one))
    return {
        "total": len(preflight.outlooks),
        "would_leave": counts[WOULD_MIGRATE] + counts[WOULD_WAIT],
        "by_verdict": {verdict: counts[verdict] for verdict in VERDICTS},
        "by_reason": dict(sorted(reasons.items())),
        "text": _sentence(len(preflight.outlooks), counts, nodes=nodes),
        "least_seconds": preflight.pace.least_seconds,
        "least_seconds_from": preflight.pace.arithmetic,
    }


def _matters(outlook: Outlook) -> bool:
    return outlook.verdict != WOULD_MIGRATE and bool(outlook.reasons)


def _sentence(total: int, counts: Mapping[str, int], *, nodes: Sequence[str]) -> str:
    where = f" on {', '.join(nodes[:5])}{f' and {len(nodes) - 5} more' if len(nodes) > 5 else ''}" if nodes else ""
    if not total:
        return f"No VM runs{where}."
    parts = [f"{counts[word]} {_WORDS[word]}" for word in VERDICTS if counts[word]]
    return f"{total} {'VM' if total == 1 else 'VMs'}{where}: {', '.join(parts)}."
