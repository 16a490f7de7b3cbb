# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of migration_tuning_info: each VM, each group, and the changes in the form that the modules take.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import BY_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.gates import can_cancel
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.risks import RISKS, Level
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_change import (
    Change,
    merged_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_group import TuningPlan
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_subject import Subject
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.tuning import render_outcome
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.tuning_group import render_tuning_plan
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import predict
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import find_outlook

__all__ = ["ANSWERS", "CAN_INSIST", "render_advice"]

# Refusals that accept_risks lifts.
CAN_INSIST = frozenset(code for code, level in RISKS.items() if level is Level.REFUSED)
ANSWERS = ("change", "nothing_fits", "no_setting_helps", "unknown", "none_needed")
_NAMED = 5
_WORDS = {
    "change": "{count} would not end in time as the settings are, and a change makes {them} end",
    "nothing_fits": "{count} would not end in time, and no change that may be made helps",
    "no_setting_helps": "{count} move nothing, and no setting helps",
    "unknown": "{count} cannot be judged",
    "none_needed": "{count} would end in time as the settings are",
}


def render_advice(
    plan: TuningPlan, *, subjects: Sequence[Subject], changes: Sequence[Change], not_copying: int
) -> dict[str, Any]:
    """`vms`, `groups`, `changes` and `summary`."""
    members = [one.member for one in subjects]
    shown = render_tuning_plan(plan, members=members)
    chosen = {change.group.policy_name: change for change in changes}
    by_key = {one.member.key: one for one in subjects}
    vms = [_vm(entry, by_key[f"{entry['namespace']}/{entry['vm']}"]) for entry in shown["vms"]]
    return {
        "vms": sorted(vms, key=lambda entry: (ANSWERS.index(entry["answer"]), entry["namespace"], entry["vm"])),
        "groups": [{**group, **_choice(chosen[group["policy_name"]])} for group in shown["groups"]],
        "changes": {
            "policies": [_policy(change) for change in changes if change.policy is not None],
            "settings": merged_settings(changes),
            "reason": " ".join(_reason(change) for change in changes if change.settings),
        },
        "summary": _summary(vms, changes, not_copying),
    }


def _vm(entry: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    case = subject.judgement.case
    outlook, running = find_outlook(case), _running(subject)
    return {
        **entry,
        "name": case.migration.meta.name,
        "uid": case.migration.meta.uid,
        "verdict": subject.judgement.verdict,
        "cause": subject.judgement.causes[0].code if subject.judgement.causes else "",
        "mode": case.state.mode if case.state else "",
        "policy": case.state.policy if case.state else "",
        "policy_now": subject.policy_now,
        "transfer_bytes_per_second": _rounded(outlook.transfer_rate if outlook else None),
        "dirty_rate_is_at_least": subject.is_at_least,
        "assumes": [*entry["assumes"], *subject.assumes],
        "running": running,
        "keeps": {
            BY_NAME[name].option: {"now": kept, "next": following}
            for name, (kept, following) in subject.differing.items()
        },
        "in_flight": _in_flight(subject, case, running, entry),
    }


def _running(subject: Subject) -> dict[str, Any]:
    """How the copy that runs ends, under the settings that it keeps."""
    one = subject.running
    return render_outcome(predict(one.workload, network=one.network, settings=one.settings))


def _in_flight(subject: Subject, case: Case, running: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """What becomes of the migration that runs, which keeps its settings whatever is changed; "" where it is well."""
    if running["finishes"] is not False:
        return ""
    begin = "The migration that runs keeps its settings and does not end in time."
    if entry["answer"] not in ("change", "none_needed"):
        return begin
    gate = can_cancel(subject.judgement)
    if not gate.allowed:
        return f"{begin} Only another one gets new ones, and it cannot be cancelled: {gate.reason}"
    first = "Only a cancel and a new migration gets the new ones."
    return f"{begin} {first if entry['answer'] == 'change' else 'A new one would: cancel it and migrate again.'}"


def _choice(change: Change) -> dict[str, Any]:
    option = change.option
    return {
        "chosen": "" if option is None else option.action,
        "why_not": change.why_not,
        "needs_label": option is None and change.group.selection.suggested is not None,
    }


def _policy(change: Change) -> dict[str, Any]:
    return {
        **(change.policy or {}),
        "action": change.option.action if change.option else "",
        "vms": list(change.group.selection.vms),
        "reason": _reason(change),
    }


def _reason(change: Change) -> str:
    """What is recorded with the change where the user says nothing else."""
    vms, action = change.group.selection.vms, change.option.action if change.option else ""
    named = ", ".join(vms[:_NAMED]) + (f" and {len(vms) - _NAMED} more" if len(vms) > _NAMED else "")
    return f"Advised ({action}): without it the live migration of {named} does not end in time."


def _summary(vms: Sequence[Mapping[str, Any]], changes: Sequence[Change], not_copying: int) -> dict[str, Any]:
    by_answer = Counter(entry["answer"] for entry in vms)
    return {
        "total": len(vms),
        "not_copying": not_copying,
        "by_answer": {answer: by_answer[answer] for answer in ANSWERS},
        "changes": sum(change.option is not None for change in changes),
        "text": " ".join(filter(None, (_text(by_answer, len(vms), not_copying), _late_ones(vms)))),
    }


def _text(by_answer: Mapping[str, int], total: int, not_copying: int) -> str:
    if not total:
        rest = f", and {not_copying} {'is' if not_copying == 1 else 'are'} not that far" if not_copying else ""
        return f"No memory is being copied{rest}: there is nothing to advise."
    if total == 1:
        return _of_one(by_answer)
    parts = [_part(answer, by_answer[answer]) for answer in ANSWERS if by_answer[answer]]
    return f"Of {total} copies, {'; '.join(parts)}."


def _late_ones(vms: Sequence[Mapping[str, Any]]) -> str:
    """Those that the settings as they are would help, had their migration them."""
    count = sum(entry["answer"] == "none_needed" and entry["running"]["finishes"] is False for entry in vms)
    if not count:
        return ""
    words = "1 that runs keeps older ones and does" if count == 1 else f"{count} that run keep older ones and do"
    return f"{words} not end in time."


def _part(answer: str, count: int) -> str:
    one = count == 1
    return _WORDS[answer].format(count=count, them="it" if one else "them")


def _of_one(by_answer: Mapping[str, int]) -> str:
    answer = next(one for one in ANSWERS if by_answer[one])
    return {
        "change": "The one copy would not end in time as the settings are, and a change makes it end.",
        "nothing_fits": "The one copy would not end in time, and no change that may be made helps.",
        "no_setting_helps": "The one copy moves nothing, and no setting helps.",
        "unknown": "Whether the one copy ends is not known.",
        "none_needed": "The one copy would end in time as the settings are.",
    }[answer]


def _rounded(rate: float | None) -> int | None:
    return None if rate is None else round(rate)
