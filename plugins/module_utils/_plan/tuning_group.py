# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Advice for several VMs: one policy for those that have the problem, and none of it for the others.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import quantity_bytes
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    ALLOW_AUTO_CONVERGE,
    ALLOW_POST_COPY,
    ALLOW_WORKLOAD_DISRUPTION,
    BANDWIDTH,
    COMPLETION_TIMEOUT,
    OUTBOUND_PER_NODE,
    PROGRESS_TIMEOUT,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning import Advised, plan_tuning
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_levers import LINK_UNSEEN
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import (
    RISKS,
    Option,
    Situation,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_selector import (
    Labelled,
    Selection,
    select_group,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Outcome,
    Settings,
    predict,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import (
    PolicyMatch,
    match_policies,
)

__all__ = ["Group", "GroupOption", "Member", "TuningPlan", "plan_group_tuning", "with_policy"]


@dataclass(frozen=True)
class Member:
    """One running VM: whose labels, and its figures."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str] | None
    situation: Situation

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class GroupOption:
    """One change that makes the copies of all VMs of a group end: for each setting the value of the VM that needs most.
    `outcomes` are the ends predicted with it, by VM; `assumes` is what the advice for any of them takes for granted."""

    action: str
    policy: Mapping[str, Any]
    cluster: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]
    assumes: tuple[str, ...] = ()

    @property
    def risk(self) -> str:
        """What it may cost."""
        return RISKS[self.action]

    @property
    def rests_on_the_link(self) -> bool:
        """Whether it asks more of a network of which nobody knows what it carries."""
        return LINK_UNSEEN in self.assumes

    @property
    def is_measured(self) -> bool:
        """Whether each end is predicted from a rate that was measured."""
        return all(outcome.confidence == "likely" for outcome in self.outcomes.values())


@dataclass(frozen=True)
class Group:
    """VMs that one policy is to rule: `policy_name`, whom it picks, and what it may set, the least risky first.

    `kept` is what the policy that rules them now sets: a VM is ruled by one policy alone, so the new one repeats it.
    """

    policy_name: str
    selection: Selection
    options: tuple[GroupOption, ...]
    kept: Mapping[str, Any]


@dataclass(frozen=True)
class TuningPlan:
    """The advice for each VM, by namespace/name, and for the groups of those that need a change."""

    advised: Mapping[str, Advised]
    groups: tuple[Group, ...]


def plan_group_tuning(
    members: Sequence[Member], /, *, policies: Sequence[MigrationPolicy] | None, policy_name: str
) -> TuningPlan:
    """What to change for all these VMs. `policies` None: they were not read. The order of `members` does not matter.

    One group for those that one policy rules now (or none), where one change helps them all; else one for each change
    that is the least risky for some. A VM of
    which it is not known whether its copy ends, or which nothing helps, is left alone like one whose copy ends.
    """
    ordered = sorted(members, key=lambda one: one.key)
    advised = {one.key: _advise(one) for one in ordered}
    needing = [one for one in ordered if advised[one.key].answer == "change"]
    if not needing:
        return TuningPlan(advised, ())
    ruled = {one.key: _ruling(one, policies) for one in needing}
    groups: list[Group] = []
    parts = sorted({_part_of(match) for match in ruled.values()})
    for part in parts:
        some = [one for one in needing if _part_of(ruled[one.key]) == part]
        name = policy_name if len(parts) == 1 else policy_name + _NAMES.get(part, f"-{part}")
        for chosen, options, suffix in _parted(some, advised):
            vms = _labelled(ordered, needing=chosen)
            selection = select_group(vms, policies=policies, policy_name=f"{name}{suffix}")
            groups.append(_group(f"{name}{suffix}", selection, options, ruled[some[0].key]))
    return TuningPlan(advised, tuple(groups))


def _ruling(member: Member, policies: Sequence[MigrationPolicy] | None) -> PolicyMatch:
    """Which policy rules the VM now."""
    if policies is None:
        return PolicyMatch(None, False, ())
    return match_policies(policies, vmi_labels=member.labels, namespace_labels=member.namespace_labels)


def _parted(
    members: Sequence[Member], advised: Mapping[str, Advised]
) -> Iterator[tuple[Sequence[Member], tuple[GroupOption, ...], str]]:
    """All of them where one change helps all, else those whose least risky change is the same."""
    common = _common_options(members, advised)
    if common:
        yield members, common, ""
        return
    for action in RISKS:
        some = [one for one in members if advised[one.key].options[0].action == action]
        options = _common_options(some, advised) if some else ()
        if options:
            yield some, options, f"-{action.replace('_', '-')}"


def _advise(member: Member) -> Advised:
    one = member.situation
    return plan_tuning(one.workload, network=one.network, settings=one.settings)


# No name of a policy begins with a dot or has capitals.
_NAMES = {"": ".others", "UNKNOWN": ".unknown"}


def _part_of(match: PolicyMatch) -> str:
    """The policy that rules, "" for none, in capitals, which no name has, where it is not known."""
    return "UNKNOWN" if match.name is None else match.name


def _labelled(members: Sequence[Member], *, needing: Sequence[Member]) -> list[Labelled]:
    keys = {one.key for one in needing}
    return [Labelled(one.namespace, one.name, one.labels, one.namespace_labels, one.key in keys) for one in members]


def _group(name: str, selection: Selection, options: tuple[GroupOption, ...], ruling: PolicyMatch) -> Group:
    kept = ruling.winner.settings if ruling.winner is not None else {}
    return Group(name, replace(selection, is_proven=selection.is_proven and ruling.is_known), options, kept)


def _common_options(members: Sequence[Member], advised: Mapping[str, Advised]) -> tuple[GroupOption, ...]:
    """The actions that are advised for each of them, where the values for the neediest make all their copies end."""
    found = []
    for action in RISKS:
        each = [_of_action(advised[member.key].options, action) for member in members]
        options = [option for option in each if option is not None]
        if len(options) < len(members):
            continue
        merged = _merged(action, options, members)
        if all(outcome.finishes for outcome in merged.outcomes.values()):
            found.append(merged)
    return tuple(found)


def _of_action(options: Iterable[Option], action: str) -> Option | None:
    return next((option for option in options if option.action == action), None)


def _merged(action: str, options: Sequence[Option], members: Sequence[Member]) -> GroupOption:
    policy: dict[str, Any] = {}
    cluster: dict[str, Any] = {}
    for option in options:
        for name, value in option.policy.items():
            policy[name] = _larger(policy.get(name), value)
        for name, value in option.cluster.items():
            cluster[name] = min(value, cluster.get(name, value)) if name == OUTBOUND_PER_NODE else value
    outcomes = {one.key: _end_with(one, policy, cluster) for one in members}
    assumes = dict.fromkeys(text for option in options for text in option.assumes)
    return GroupOption(action, policy, cluster, outcomes, tuple(assumes))


def _larger(one: Any, other: Any) -> Any:
    """The larger of two values of one setting; of quantities the one that is more."""
    if one is None or isinstance(other, bool):
        return other
    return max(one, other, key=quantity_bytes)


def _end_with(member: Member, policy: Mapping[str, Any], cluster: Mapping[str, Any]) -> Outcome:
    vm = member.situation
    settings = with_policy(vm.settings, policy)
    if PROGRESS_TIMEOUT in cluster:
        settings = replace(settings, progress_timeout=cluster[PROGRESS_TIMEOUT])
    network = vm.network
    if BANDWIDTH in policy or OUTBOUND_PER_NODE in cluster:
        network = replace(vm.network_beyond_cap, outbound=cluster.get(OUTBOUND_PER_NODE, vm.network.outbound))
    return predict(vm.workload, network=network, settings=settings)


def with_policy(settings: Settings, policy: Mapping[str, Any], /) -> Settings:
    """`settings` under a policy that sets these fields of its spec."""
    changes: dict[str, Any] = {}
    if BANDWIDTH in policy:
        changes["bandwidth_bytes"] = quantity_bytes(policy[BANDWIDTH])
    if COMPLETION_TIMEOUT in policy:
        changes["timeout_per_gib"] = policy[COMPLETION_TIMEOUT]
    for name, field in (
        (ALLOW_AUTO_CONVERGE, "auto_converge"),
        (ALLOW_POST_COPY, "post_copy"),
        (ALLOW_WORKLOAD_DISRUPTION, "workload_disruption"),
    ):
        if name in policy:
            changes[field] = policy[name]
    return replace(settings, **changes)
