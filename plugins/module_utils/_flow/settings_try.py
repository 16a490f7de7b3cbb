# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the API server try a change of the settings, and makes the steps of it from what the server answers.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import Forbidden
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.json_patch import make_patch
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.settings_reads import read_user
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Write
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import ALERT, ANNOTATION
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import RECORD
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import (
    KUBEVIRT_STEPS,
    Target,
    value_at,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import BY_NAME, same_value
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.settings_options import Asked
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.settings_wait import (
    as_answered,
    check_kept,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.effective import effective_settings
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.event import plan_event
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.hco_patch import AnnotationProblem
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.patch import guard_patch, pointer
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import Record, Who
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.settings import (
    Change,
    document_of,
    find_broken,
    read_settings_of,
    say_value,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.settings_risks import find_risks
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import (
    Plan,
    Refusal,
    Step,
    judge_risks,
)

__all__ = ["Tried", "try_change"]

Operations = list[dict[str, Any]]
_RECORD_POINTER = pointer("metadata", "annotations", RECORD)


@dataclass(frozen=True)
class Tried:
    """What came of it: the object as it was read, as it was asked for, and as it would be by the server's answer."""

    plan: Plan
    before: Target
    wanted: Target
    answered: Target
    patch: Operations = field(default_factory=list)
    undo_patch: Operations = field(default_factory=list)
    record_text: str = ""


def try_change(
    client: Client, reading: Reading, target: Target, /, *, change: Change, asked: Asked, record: Record | None
) -> Tried:
    """The change as a plan, tried by the server where nothing is refused; without steps where nothing would change.

    Raises NotKept where the server leaves something out, and the errors of a refused patch.
    """
    if change.is_empty and not change.refusals:
        return Tried(Plan(notes=change.notes), before=target, wanted=target, answered=target)
    wanted = as_answered(target, _with_document(target.found.obj, change.after))
    # What is reset may get a default that only the server knows.
    broken = () if asked.wish.reset else find_broken(target, wanted)
    plan = _judged(target, wanted, change=change, asked=asked, broken=broken)
    if change.is_empty:
        return Tried(plan, before=target, wanted=target, answered=target)
    if plan.is_refused:
        return _refused(target, wanted, change=change, plan=plan)
    write = Write("patch", target.found.path, _patch(change.before, change.after))
    answered = as_answered(target, client.write(write, dry_run=True).obj)
    check_kept(wanted, answered, dry_run=True)
    if _same(target, answered):
        return Tried(Plan(), before=target, wanted=target, answered=target)
    # What is reset has got the definition's default, which the wish did not know.
    plan = _judged(target, answered, change=change, asked=asked, broken=find_broken(target, answered))
    if plan.is_refused:
        return _refused(target, wanted, change=change, plan=plan)
    _try_on_kubevirt(client, reading, wanted)
    return _planned(client, target, change, wanted=wanted, answered=answered, plan=plan, asked=asked, record=record)


def _judged(target: Target, after: Target, /, *, change: Change, asked: Asked, broken: tuple[Refusal, ...]) -> Plan:
    """The refusals and warnings of a change, without steps. An undo puts back what stood there, whatever that was: what
    would refuse a change is a warning then."""
    risks = (*broken, *_risks(target, after))
    return judge_risks(
        (*change.refusals, *(() if asked.undo else risks)),
        accept_risks=asked.accept_risks,
        warned=risks if asked.undo else (),
    )


def _refused(target: Target, wanted: Target, /, *, change: Change, plan: Plan) -> Tried:
    patch = _patch(change.before, change.after)
    steps = _with_steps(plan, _step(target, wanted, patch, undo=[]))
    return Tried(steps, before=target, wanted=wanted, answered=target, patch=patch)


def _with_document(obj: Mapping[str, Any], document: Mapping[str, Any], /) -> dict[str, Any]:
    metadata = {**obj["metadata"], **document["metadata"]}
    return {**obj, "metadata": metadata, "spec": document["spec"]}


def _risks(target: Target, wanted: Target, /) -> tuple[Refusal, ...]:
    """Of what would change in the settings; none where they cannot be told, as that is refused already."""
    try:
        was, will = read_settings_of(target), read_settings_of(wanted)
    except AnnotationProblem:
        return ()
    names = [name for name in BY_NAME if not same_value(name, was.get(name), will.get(name))]
    return find_risks({name: will.get(name) for name in names}, effective=_effective(wanted), before=_effective(target))


def _effective(target: Target, /) -> dict[str, Any]:
    return {name: one.value for name, one in effective_settings(target).items()}


def _patch(before: Mapping[str, Any], after: Mapping[str, Any], /) -> Operations:
    return guard_patch(make_patch(before, after=after), before=before, unguarded=(_RECORD_POINTER,))


def _same(one: Target, other: Target, /) -> bool:
    """Whether the settings are the same: what is reset may get the same value as the definition's default."""
    annotations = [target.annotations.get(ANNOTATION) for target in (one, other)]
    return one.settings == other.settings and annotations[0] == annotations[1]


def _try_on_kubevirt(client: Client, reading: Reading, wanted: Target, /) -> None:
    """What goes by HyperConverged's annotation is text to the API server: KubeVirt's definition and admission check it
    in a dry run on the KubeVirt object itself. Without the right to that it stands in the coverage.
    """
    if not wanted.is_hyperconverged:
        return
    found = value_at(wanted.kubevirt.obj, KUBEVIRT_STEPS)
    try:
        will = read_settings_of(wanted)
    except AnnotationProblem:
        # Only an undo comes here with one: it puts back what stood there, whatever that was.
        return
    there = found if isinstance(found, Mapping) else {}
    changed = {name: will[name] for name in will if name not in wanted.settings and will[name] != there.get(name)}
    if not changed or not isinstance(found, Mapping):
        return
    operations = [{"op": "add", "path": pointer(*KUBEVIRT_STEPS, name), "value": changed[name]} for name in changed]
    try:
        client.write(Write("patch", wanted.kubevirt.path, operations), dry_run=True)
    except Forbidden as error:
        reading.miss("kubevirt", error.rule)


def _planned(
    client: Client,
    target: Target,
    change: Change,
    /,
    *,
    wanted: Target,
    answered: Target,
    plan: Plan,
    asked: Asked,
    record: Record | None,
) -> Tried:
    """The final patch with its record, made of what the server answered, and the patch that takes it back."""
    at = format_timestamp(client.server_time)
    who = Who(at, user=read_user(client), requested_by=asked.requested_by, reason=asked.reason)
    kept = _record(target, answered, change, who=who, undone=record if asked.undo else None)
    text = kept.render()
    patch = _patch(change.before, _with_record(change.after, text))
    undo_patch = _undo_patch(document_of(target.found.obj), _with_record(document_of(answered.found.obj), text))
    event = plan_event(
        {**target.found.obj, "kind": target.kind, "apiVersion": target.api_version},
        reason="MigrationSettingsUndone" if asked.undo else "MigrationSettingsChanged",
        message=_message(kept, asked=asked, who=who),
        who=who,
    )
    steps = _with_steps(plan, _step(target, answered, patch, undo=undo_patch), event)
    return Tried(
        steps,
        before=target,
        wanted=wanted,
        answered=answered,
        patch=patch,
        undo_patch=undo_patch,
        record_text=text,
    )


def _record(target: Target, answered: Target, change: Change, /, *, who: Who, undone: Record | None) -> Record:
    if undone is not None:
        return Record(undone.who, undone.changes, undone.annotation, undone.made, undone=who.to_json())
    names = dict.fromkeys((*target.settings, *answered.settings))
    pairs = {name: (target.settings.get(name), answered.settings.get(name)) for name in names}
    was, now = target.annotations.get(ANNOTATION), answered.annotations.get(ANNOTATION)
    return Record(
        who,
        {name: pair for name, pair in pairs.items() if pair[0] != pair[1]},
        (was, now) if was != now else None,
        change.made,
    )


def _with_record(document: Mapping[str, Any], text: str, /) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(dict(document))
    made["metadata"].setdefault("annotations", {})[RECORD] = text
    return made


def _undo_patch(before: dict[str, Any], after: dict[str, Any], /) -> Operations:
    # Each write gives another resourceVersion, so that is nothing to go back to.
    after["metadata"].pop("resourceVersion", None)
    before["metadata"].pop("resourceVersion", None)
    return guard_patch(make_patch(after, after=before), before=after)


def _with_steps(plan: Plan, *steps: Step) -> Plan:
    return Plan(steps, plan.refusals, plan.notes)


def _step(target: Target, after: Target, patch: Operations, /, *, undo: Operations) -> Step:
    expectation = "The settings hold for every migration that is handed over to the nodes from then on."
    if target.is_hyperconverged:
        expectation = f"HyperConverged's operator carries them to KubeVirt {target.kubevirt.name}. {expectation}"
    if after.annotations.get(ANNOTATION) not in (None, target.annotations.get(ANNOTATION)):
        expectation += f" HyperConverged raises its alert {ALERT} for what its annotation sets."
    return Step(
        action=f"Change the migration settings of {target.label}",
        verb="patch",
        path=target.found.path,
        body=patch,
        precondition="Nobody has changed these values since they were read (the patch's own test operations).",
        expectation=expectation,
        undo=undo,
    )


def _message(record: Record, /, *, asked: Asked, who: Who) -> str:
    parts = [
        f"{BY_NAME[name].option if name in BY_NAME else name} {say_value(was)} -> {say_value(now)}"
        for name, (was, now) in sorted(record.changes.items())
    ]
    if record.annotation is not None:
        parts.append(f"annotation {ANNOTATION}")
    verb = "Undone" if asked.undo else "Changed"
    by = ", ".join(name for name in (who.user, who.requested_by) if name)
    reason = f": {who.reason}" if who.reason else ""
    return f"{verb} by {by or 'somebody'}{reason}. {'; '.join(parts)}"
