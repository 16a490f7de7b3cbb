# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From advice to changes: which policy to keep under which name, which option to take, and when to take none.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    BY_NAME,
    OUTBOUND_PER_NODE,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy import undo_options
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_group import (
    Group,
    GroupOption,
    Member,
    TuningPlan,
    plan_group_tuning,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import RISKS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_selector import Selection
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import match_policies

__all__ = ["ACTIONS", "Change", "choose_changes", "merged_settings", "plan_tuning_changes"]

# `auto` takes the least risky option that reaches nobody but the group, that does not stop or endanger a guest, and
# that does not rest on a link that nobody has seen where another one rests on what was measured.
ACTIONS = ("auto", *RISKS)
_ASKED_BY_NAME = ("pause", "post_copy")
_NAMES_TRIED = 20


@dataclass(frozen=True)
class Change:
    """What is to be done for one group: the options of migration_policy (`policy`, None where none is needed) and
    settings of the whole cluster by the options of migration_settings. Nothing, and `why_not`, where `option` is None.
    """

    group: Group
    option: GroupOption | None = None
    policy: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] | None = None
    why_not: str = ""


def plan_tuning_changes(
    members: Sequence[Member], /, *, policies: Sequence[MigrationPolicy] | None, policy_name: str
) -> TuningPlan:
    """The advice for `members`, with names that take nothing away from anybody.

    A policy that exists is changed only where the VMs that it rules now are just those of the group, and it keeps its
    selectors then. Else the next free name is taken: policy_name-2 and so on.
    """
    plan = TuningPlan({}, ())
    for number in range(1, _NAMES_TRIED + 1):
        name = policy_name if number == 1 else f"{policy_name}-{number}"
        plan = plan_group_tuning(members, policies=policies, policy_name=name)
        settled = [_settled(group, members, policies or ()) for group in plan.groups]
        groups = [one for one in settled if one is not None]
        if len(groups) == len(settled):
            return TuningPlan(plan.advised, tuple(groups))
    return replace(plan, groups=tuple(_nameless(group) for group in plan.groups))


def _settled(group: Group, members: Sequence[Member], policies: Sequence[MigrationPolicy]) -> Group | None:
    """The group under its name; None where another policy has it, or one that rules others too."""
    standing = next((policy for policy in policies if policy.name == group.policy_name), None)
    if standing is None:
        return group
    if set(_ruled_by(standing, members, policies)) != set(group.selection.vms):
        return None
    why = f"the policy {standing.name} rules just them now"
    selection = Selection(standing.selectors, group.selection.vms, why, group.selection.is_proven)
    return replace(group, selection=selection)


def _ruled_by(policy: MigrationPolicy, members: Iterable[Member], policies: Sequence[MigrationPolicy]) -> Iterable[str]:
    """The VMs that it rules, or may rule."""
    for one in members:
        match = match_policies(policies, vmi_labels=one.labels, namespace_labels=one.namespace_labels)
        if match.name in (policy.name, None):
            yield one.key


def _nameless(group: Group) -> Group:
    why = f"the name {group.policy_name} and those like it are taken by other policies"
    return replace(group, selection=replace(group.selection, selectors=None, why=why, suggested=None))


def choose_changes(
    plan: TuningPlan, /, *, action: str, doubtful: frozenset[str], are_vms_known: bool
) -> tuple[Change, ...]:
    """What is to be done for each group. `action` is one of ACTIONS. `doubtful` are VMs whose guests may write more
    than was seen; `are_vms_known` False: there may be VMs that were not seen."""
    return tuple(_change(group, action=action, doubtful=doubtful, are_vms_known=are_vms_known) for group in plan.groups)


def _change(group: Group, *, action: str, doubtful: frozenset[str], are_vms_known: bool) -> Change:
    option, why_not = _chosen(group, action=action, doubtful=doubtful)
    if option is None:
        return Change(group, why_not=why_not)
    settings = {BY_NAME[name].option: value for name, value in option.cluster.items()}
    if not option.policy:
        return Change(group, option, None, settings)
    why_not = _why_no_policy(group, are_vms_known=are_vms_known)
    if why_not:
        return Change(group, why_not=why_not)
    policy = _policy_options(group, option)
    if not policy:
        return Change(group, why_not="the policy that rules them now sets what this collection does not know")
    return Change(group, option, policy, settings)


def _chosen(group: Group, *, action: str, doubtful: frozenset[str]) -> tuple[GroupOption | None, str]:
    if action != "auto":
        found = next((one for one in group.options if one.action == action), None)
        offered = ", ".join(one.action for one in group.options)
        return found, "" if found is not None else f"{action} is not among what helps them all ({offered})"
    calm = [one for one in group.options if not one.cluster and one.action not in _ASKED_BY_NAME]
    if not calm:
        offered = ", ".join(one.action for one in group.options)
        return None, f"what helps them ({offered}) is done only where it is asked for by name"
    if doubtful & set(group.selection.vms):
        return None, (
            "their guests may write more than was seen, so no value is known to suffice: name an action, or reckon with"
            " a margin"
        )
    return _surest(calm), ""


def _surest(options: Sequence[GroupOption]) -> GroupOption:
    """The least risky one; not one that asks more of a link of which nothing is known, where another is measured."""
    measured = [one for one in options if one.is_measured and not one.rests_on_the_link]
    return measured[0] if measured and options[0].rests_on_the_link else options[0]


def _why_no_policy(group: Group, *, are_vms_known: bool) -> str:
    if group.selection.selectors is None:
        return group.selection.why
    if not group.selection.is_proven or not are_vms_known:
        return "whom the policy would rule is not known: not all policies and VMs could be read"
    return ""


def _policy_options(group: Group, option: GroupOption) -> dict[str, Any]:
    """The options of migration_policy; empty where what is kept holds a field that none of them sets."""
    selection = group.selection.selectors
    if selection is None:
        return {}
    selectors = {
        "virtualMachineInstanceSelector": dict(selection.vmi),
        "namespaceSelector": dict(selection.namespace),
    }
    found = undo_options(group.policy_name, before={"selectors": selectors, **group.kept, **option.policy})
    # Without selectors nothing is chosen, so nothing has to be insisted on; what else the policy holds stays.
    return {name: value for name, value in found.items() if name not in ("state", "purge", "accept_risks")}


def merged_settings(changes: Iterable[Change], /) -> dict[str, Any]:
    """The settings of the whole cluster that all changes need, with the smallest parallelism."""
    found: dict[str, Any] = {}
    outbound = BY_NAME[OUTBOUND_PER_NODE].option
    for change in changes:
        for name, value in (change.settings or {}).items():
            found[name] = min(value, found.get(name, value)) if name == outbound else value
    return found
