# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_policy: read, tell what the change would do, change it or say what would be changed.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ResourceMissing
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import read_undo_event
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.policy_act import (
    Act,
    Case,
    Manner,
    act,
    blame_others,
    is_untouched,
    read_policy,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.policy_effect import (
    PolicyLook,
    Sides,
    look_at_effect,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.policy_options import parse_options
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy import (
    KIND,
    WantedPolicy,
    manifest_of,
    metadata_of,
    spec_after,
    spec_of,
    undo_options,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_record import parse_policy_record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_steps import (
    COLLECTION,
    note_of,
    undo_patch,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_undo import plan_policy_undo
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.policy_effect import (
    render_diff,
    render_effect,
    render_hints,
    render_in_flight,
)

__all__ = ["run"]

Object = dict[str, Any]


def run(client: Client, params: Mapping[str, Any], _clock: Clock, /, *, check_mode: bool = False) -> Object:
    """The result of migration_policy for the module's `params`; moments are by the cluster's time.

    Where somebody else changes other fields in between, it is read and planned anew, once; a change of what was asked
    for is an error. Raises WrongInput for what
    KubeVirt would refuse or could never match, ClusterError where the policy could not be read or written; that of a
    write carries the rest of the result.
    """
    wanted, manner = parse_options(params, check_mode=check_mode)
    last = _attempt(client, wanted, manner)
    if last.done.may_try_again:
        last = _attempt(client, wanted, manner, earlier=last)
    if last.done.error is not None:
        last.done.error.result = last.result
        raise last.done.error
    return last.result


@dataclass(frozen=True)
class _Attempt:
    """One reading of the cluster, and what was done on it."""

    case: Case
    done: Act
    result: Object


def _attempt(client: Client, wanted: WantedPolicy, manner: Manner, *, earlier: _Attempt | None = None) -> _Attempt:
    """An attempt; the `earlier` one where somebody has changed what is wanted since."""
    reading = Reading(client)
    items, found = _read(reading, wanted.name)
    if earlier is not None and earlier.done.error is not None and not is_untouched(earlier.case, found):
        blame_others(earlier.done.error, earlier.case, now=found)
        return earlier
    case = _case(reading, wanted, found, items, accepted=manner.accepted)
    look = look_at_effect(reading, _with_after(_sides(wanted.name, items, found), case))
    done = act(client, case, look, manner=manner)
    return _Attempt(case, done, _result(reading, case, look, done))


def _case(
    reading: Reading,
    wanted: WantedPolicy,
    found: Object | None,
    items: list[Object] | None,
    *,
    accepted: Sequence[str],
) -> Case:
    spec = None if found is None else spec_of(found)
    record = None if found is None else parse_policy_record(note_of(found))
    if not wanted.is_undo:
        return Case(wanted, found=found, before=spec, after=spec_after(wanted, found=spec), record=record)
    told = read_undo_event(reading, name=wanted.name) if found is None else ""
    undo = plan_policy_undo(wanted, found=found, policies=items, told=told)
    case = Case(wanted, found=found, before=spec, after=spec, record=record, undoes=True, notes=undo.notes)
    if not undo.stays:
        return replace(case, after=undo.after)
    stand = tuple(one for one in undo.refusals if one.code not in accepted)
    insisted = tuple(one.reason for one in undo.refusals if one not in stand)
    return replace(case, refusals=stand, notes=(*undo.notes, *insisted))


def _read(reading: Reading, name: str) -> tuple[list[Object] | None, Object | None]:
    """All policies, None where they may not be read, and this one; the list holds it, else it is read alone."""
    try:
        items = reading.seeing("policies", lambda: reading.client.list(COLLECTION))
        return items, _pick(items, name) if items is not None else read_policy(reading.client, name)
    except ResourceMissing as error:
        error.remedy = (
            f"The cluster does not serve the kind {KIND}: KubeVirt is not installed there, or too old to have it. "
            "Check that this is the cluster that you mean."
        )
        raise


def _sides(name: str, items: list[Object] | None, found: Object | None) -> Sides:
    read = None if items is None else tuple(MigrationPolicy.from_object(item) for item in items)
    was = None if found is None else MigrationPolicy.from_object(found)
    return Sides(name, before=read, after=None, was=was, will=None)


def _pick(items: list[Object], name: str) -> Object | None:
    return next((item for item in items if metadata_of(item).get("name") == name), None)


def _with_after(sides: Sides, case: Case) -> Sides:
    """The policies of the cluster with this one as it would be."""
    will = None
    if case.after is not None:
        will = MigrationPolicy.from_object({"metadata": {"name": case.name}, "spec": case.after})
    if sides.before is None:
        return replace(sides, will=will)
    others = [one for one in sides.before if one.name != case.name]
    return replace(sides, after=(*others, *([] if will is None else [will])), will=will)


def _result(reading: Reading, case: Case, look: PolicyLook, done: Act) -> Object:
    rules = [rule for topic in sorted(reading.unseen) for rule in reading.unseen[topic]]
    is_changing = case.is_changing and not done.refusals
    after = case.after if is_changing else case.before
    return {
        "changed": done.has_changed,
        "object": done.policy,
        "before": case.before or {},
        "after": after or {},
        "diff": render_diff(case.name, before=case.before, after=after),
        "undo": undo_options(case.name, before=case.before) if is_changing else {},
        "undo_patch": undo_patch(case.found, after=after) if is_changing else [],
        "undo_manifest": manifest_of(case.name, spec=case.before) if is_changing and after is None else {},
        **render_effect(look.effect),
        "unmatched_hint": render_hints(look.hints),
        "in_flight": render_in_flight(look.in_flight),
        "plan": done.records,
        "refused": bool(done.refusals),
        "refusals": [one.to_result() for one in done.refusals],
        "last_change": _last_change(done),
        "coverage": Coverage(requests=reading.client.requests).adding(rules).to_result(),
        "notes": [*reading.notes, *done.notes],
    }


def _last_change(done: Act) -> Object:
    """Who made the last change that was made by this module, and who undid it; empty where there is none."""
    record = done.undone or parse_policy_record(note_of(done.policy))
    return {} if record is None else record.to_result()
