# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_policy: read, tell what the change would do, change it or say what would be changed.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ResourceMissing
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy_spec import (
    SELECTOR_OPTIONS,
    parse_selector,
    parse_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.policy_act import (
    Act,
    Case,
    act,
    read_policy,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.policy_effect import (
    PolicyLook,
    Sides,
    look_at_effect,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy import (
    KIND,
    WantedPolicy,
    spec_after,
    undo_options,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_steps import (
    COLLECTION,
    undo_patch,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import judge_risks
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.policy_effect import (
    render_diff,
    render_effect,
    render_hints,
    render_in_flight,
)

__all__ = ["run"]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)

Object = dict[str, Any]


def run(client: Client, params: Mapping[str, Any], _clock: Clock, /, *, check_mode: bool = False) -> Object:
    """The result of migration_policy for the module's `params`; moments are by the cluster's time.

    Raises WrongInput for what KubeVirt would refuse or could never match, ClusterError where the policy could not be
    read or written; that of a write carries the rest of the result.
    """
    wanted = _wanted(params)
    accepted = tuple(params.get("accept_risks") or ())
    judge_risks((), accept_risks=accepted)
    reading = Reading(client)
    found, sides = _read(reading, wanted.name)
    spec = None if found is None else dict(found.get("spec") or {})
    case = Case(wanted.name, found=found, before=spec, after=spec_after(wanted, found=spec))
    look = look_at_effect(reading, _with_after(sides, case))
    done = act(client, case, look, accepted=accepted, reason=str(params.get("reason") or ""), check_mode=check_mode)
    result = _result(reading, case, look, done)
    if done.error is not None:
        done.error.result = result
        raise done.error
    return result


def _wanted(params: Mapping[str, Any]) -> WantedPolicy:
    name = params.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise WrongInput(f"name: {name!r} is not a name that Kubernetes knows (a-z, 0-9, '-' and '.').")
    if params.get("state") == "absent":
        return WantedPolicy(name, is_present=False)
    parsed = {api: parse_selector(params.get(option), option=option) for option, api in SELECTOR_OPTIONS.items()}
    return WantedPolicy(
        name=name,
        selectors={api: labels for api, labels in parsed.items() if labels is not None},
        settings=parse_settings(params),
        is_exact=bool(params.get("purge")),
    )


def _read(reading: Reading, name: str) -> tuple[Object | None, Sides]:
    """The policy, and all policies where they may be read; the list holds the one, else it is read alone."""
    try:
        items = reading.seeing("policies", lambda: reading.client.list(COLLECTION))
        found = _pick(items, name) if items is not None else read_policy(reading.client, name)
    except ResourceMissing as error:
        error.remedy = (
            f"The cluster does not serve the kind {KIND}: KubeVirt is not installed there, or too old to have it. "
            "Check that this is the cluster that you mean."
        )
        raise
    read = None if items is None else tuple(MigrationPolicy.from_object(item) for item in items)
    was = None if found is None else MigrationPolicy.from_object(found)
    return found, Sides(name, before=read, after=None, was=was, will=None)


def _pick(items: list[Object], name: str) -> Object | None:
    return next((item for item in items if (item.get("metadata") or {}).get("name") == name), None)


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
        "object": done.obj,
        "before": case.before or {},
        "after": after or {},
        "diff": render_diff(case.name, before=case.before, after=after),
        "undo": undo_options(case.name, before=case.before) if is_changing else {},
        "undo_patch": undo_patch(case.found, after=after) if is_changing else [],
        **render_effect(look.effect),
        "unmatched_hint": render_hints(look.hints),
        "in_flight": render_in_flight(look.in_flight),
        "plan": done.records,
        "refused": bool(done.refusals),
        "refusals": [one.to_result() for one in done.refusals],
        "coverage": Coverage(requests=reading.client.requests).adding(rules).to_result(),
        "notes": done.notes,
    }
