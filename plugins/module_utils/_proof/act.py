# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of an acting module: one entry a VM, every key in every mode, empty when empty.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.act_gates import GateAnswer, Passage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import Done, Refused

__all__ = ["Shown", "render_acts", "render_gates", "render_refusals"]

_SENT = frozenset({"done", "unknown", "dry_run"})


class _Target(Protocol):
    @property
    def namespace(self) -> str: ...
    @property
    def vm(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...


class Shown(Protocol):
    """What of an act is shown."""

    target: Any
    phase: str
    origin: str
    passage: Passage | None
    outcome: Done | Refused | None
    waited_for: str
    timeline: list[dict[str, str]]
    shown: dict[str, Any]


def render_acts(
    records: Sequence[tuple[Any, dict[str, Any]]],
    acts: Sequence[Shown],
    /,
    *,
    changed: bool,
    coverage: Coverage,
) -> dict[str, Any]:
    """The result: `results` in the order of the targets, and the refusals and steps of all together."""
    results = [_one(act, [record for owner, record in records if owner is act]) for act in acts]
    return {
        "changed": changed,
        "results": results,
        "plan": [record for _owner, record in records],
        "refused": any(one["state"] == "refused" for one in results),
        "refusals": [
            {"namespace": one["namespace"], "vm": one["vm"], **refusal}
            for one in results
            for refusal in one["refusals"]
        ],
        "coverage": coverage.to_result(),
        "diff": _diff(results),
    }


def _one(act: Shown, steps: list[dict[str, Any]]) -> dict[str, Any]:
    target, outcome = act.target, act.outcome
    return {
        "namespace": target.namespace,
        "vm": target.vm,
        "name": target.name,
        "uid": target.uid,
        "phase": act.phase,
        "origin": act.origin,
        "state": outcome.state if isinstance(outcome, Done) else "refused",
        "code": outcome.code if outcome else "",
        "reason": outcome.reason if outcome else "",
        "refusals": render_refusals(act.passage, outcome),
        "gates": render_gates(act.passage),
        "protections_missing": [one.code for one in act.passage.overridden] if act.passage else [],
        "waited_for": act.waited_for,
        "timeline": list(act.timeline),
        "plan": steps,
        **act.shown,
    }


def render_refusals(passage: Passage | None, outcome: Done | Refused | None, /) -> list[dict[str, str]]:
    """Every gate that said no, in order; for a refusal beyond the gates that one."""
    found = [_refusal(one) for one in passage.refusals] if passage else []
    if isinstance(outcome, Refused) and outcome.code not in [one["code"] for one in found]:
        found.append(_refusal(outcome))
    return found


def _refusal(one: GateAnswer | Refused) -> dict[str, str]:
    said = one.reason.rstrip(".") + "."
    insist = f" To insist, give accept_risks: [{one.code}]." if one.can_accept else ""
    return {
        "code": one.code,
        "reason": f"{said}{insist}",
        "next_allowed_at": format_timestamp(one.next_allowed_at),
    }


def render_gates(passage: Passage | None) -> list[dict[str, str]]:
    """Each gate with its answer, in order; empty where no act was needed."""
    return [
        {"gate": one.gate, "code": one.code, "answer": one.answer, "reason": one.reason}
        for one in (passage.answers if passage else ())
    ]


def _diff(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The migrations that are, or would be, no more; those that are, or would be, made."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for one in results:
        made = [step["body"] for step in one["plan"] if step["action"] == "create_migration"]
        sent = [step for step in one["plan"] if step["action"] == "delete_migration" and step["outcome"] in _SENT]
        if sent:
            before[f"{one['namespace']}/{one['name']}"] = {"uid": one["uid"], "phase": one["phase"]}
        if made and one["state"] != "refused":
            after[f"{one['namespace']}/{one['name'] or one['vm']}"] = made[0]["spec"]
    return {"before": before, "after": after} if before or after else {}
