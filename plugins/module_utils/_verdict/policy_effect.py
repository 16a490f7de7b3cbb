# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a MigrationPolicy does: which running VMIs it rules, which it loses to whom, and what becomes of their settings.

This module is private to the collection and may change without notice.

All policies of the cluster are compared as they are (`before`) and as they would be (`after`), so the same functions
judge a policy that is made, changed or deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy_spec import same_value
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import MODE_POST_COPY
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    Effective,
    expect_configuration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import (
    PolicyMatch,
    Standing,
    match_policies,
)

__all__ = [
    "Change",
    "Effect",
    "InFlight",
    "PolicyWorld",
    "Ruling",
    "find_effect",
    "find_in_flight",
    "find_namespaces_needed",
    "has_copy_in_flight",
    "is_ruled",
]

RUNNING = "Running"


@dataclass(frozen=True)
class PolicyWorld:
    """What decides, as far as it was read. A namespace that is not in `namespace_labels` was not read; `configured` is
    what the KubeVirt object sets, None where that is not known."""

    vmis: tuple[Vmi, ...]
    namespace_labels: Mapping[str, Mapping[str, str]]
    configured: Mapping[str, Any] | None


@dataclass(frozen=True)
class Change:
    """A setting by its name in the API that another value holds for from now on. None: not set, or not known."""

    setting: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Ruling:
    """One running VMI. `before` and `after` name the policies that rule it ("" for none, None where not known); `why`
    says why the policy in question does not; `changes` are the settings whose values differ."""

    vmi: Vmi
    before: str | None
    after: str | None
    why: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Effect:
    """`wins_for`: it rules these; `loses_for`: it matches them or did rule them, and another one (or none) rules;
    `unknown_for`: it may rule them, and whether it does could not be told. Each by namespace and name."""

    wins_for: tuple[Ruling, ...] = ()
    loses_for: tuple[Ruling, ...] = ()
    unknown_for: tuple[Ruling, ...] = ()

    @property
    def reached(self) -> tuple[Ruling, ...]:
        """Those that another value holds for, or another policy rules."""
        return tuple(one for one in (*self.wins_for, *self.loses_for) if one.changes or one.before != one.after)


@dataclass(frozen=True)
class InFlight:
    """A migration that was handed over already, so that it keeps its values. `migration` is None where the object could
    not be read; `keeps` has the recorded value as `before` and the one that a new migration would get as `after`."""

    vmi: Vmi
    migration: Migration | None
    mode: str
    policy: str
    keeps: tuple[Change, ...]

    @property
    def can_cancel(self) -> bool:
        """Whether a cancel is possible: in post-copy the guest runs on the target already."""
        return self.mode != MODE_POST_COPY


def is_ruled(vmi: Vmi, /) -> bool:
    """Whether a policy counts for it now: the VM runs."""
    return vmi.phase == RUNNING and vmi.meta.deleted_at is None


class _Matches:
    """Who rules a VMI under some policies, told once for all VMIs that differ in nothing that a policy looks at: on a
    large cluster most of them do not."""

    def __init__(self, policies: Sequence[MigrationPolicy]) -> None:
        read = [one.selectors for one in policies if one.selectors is not None]
        self._policies = policies
        self._vmi_keys = {key for one in read for key in one.vmi}
        self._namespace_keys = {key for one in read for key in one.namespace}
        self._known: dict[Any, PolicyMatch] = {}

    def of(self, vmi: Vmi, *, namespace_labels: Mapping[str, str] | None) -> PolicyMatch:
        """As match_policies."""
        labels = vmi.meta.labels
        place = None if namespace_labels is None else _only(namespace_labels, self._namespace_keys)
        seen = bool(labels), _only(labels, self._vmi_keys), place
        if seen not in self._known:
            self._known[seen] = match_policies(self._policies, vmi_labels=labels, namespace_labels=namespace_labels)
        return self._known[seen]


def _only(labels: Mapping[str, str], keys: set[str]) -> frozenset[tuple[str, str]]:
    return frozenset((key, value) for key, value in labels.items() if key in keys)


def find_effect(
    world: PolicyWorld, /, *, name: str, before: Sequence[MigrationPolicy], after: Sequence[MigrationPolicy]
) -> Effect:
    """What becomes of the running VMIs when the policies of the cluster go from `before` to `after`, told from the
    policy `name`, which may be in either or both."""
    found: dict[str, list[Ruling]] = {"wins": [], "loses": [], "unknown": []}
    old, new = _Matches(before), _Matches(after)
    told: dict[tuple[int, int], tuple[str, str, tuple[Change, ...]]] = {}
    for vmi in sorted(filter(is_ruled, world.vmis), key=lambda one: (one.meta.namespace, one.meta.name)):
        labels = world.namespace_labels.get(vmi.meta.namespace)
        was, will = old.of(vmi, namespace_labels=labels), new.of(vmi, namespace_labels=labels)
        # Both are kept in `old` and `new`, so that no other object gets their identity.
        pair = id(was), id(will)
        if pair not in told:
            told[pair] = (*_place(name, was, will), _changes(was, will, world.configured))
        kind, why, changes = told[pair]
        if kind:
            found[kind].append(Ruling(vmi, before=was.name, after=will.name, why=why, changes=changes))
    return Effect(tuple(found["wins"]), tuple(found["loses"]), tuple(found["unknown"]))


def _place(name: str, was: PolicyMatch, will: PolicyMatch) -> tuple[str, str]:
    """Where a VMI belongs, "" for nowhere, and why the policy does not rule it."""
    if will.is_known and will.name == name:
        return "wins", ""
    standing = next((one for one in will.others if one.policy == name), None)
    if not will.is_known:
        return _place_unknown(name, was, will, standing=standing)
    if standing is not None and standing.matches:
        return "loses", standing.why_not
    if was.name != name:
        return "", ""
    if standing is None:
        return "loses", "it is deleted"
    return "loses", standing.why_not if standing.matches is None else f"it matches no longer: {standing.why_not}"


def find_namespaces_needed(
    vmis: Sequence[Vmi], /, *, name: str, before: Sequence[MigrationPolicy], after: Sequence[MigrationPolicy]
) -> list[str]:
    """The namespaces whose labels decide who rules one of their running VMIs, or whether the policy `name` matches."""
    old, new = _Matches(before), _Matches(after)
    return sorted(
        {
            vmi.meta.namespace
            for vmi in vmis
            if is_ruled(vmi) and any(_is_open(side.of(vmi, namespace_labels=None), name) for side in (old, new))
        }
    )


def _is_open(match: PolicyMatch, name: str) -> bool:
    return not match.is_known or any(one.policy == name and one.matches is None for one in match.others)


def _place_unknown(name: str, was: PolicyMatch, will: PolicyMatch, *, standing: Standing | None) -> tuple[str, str]:
    """Not known who will rule: told only where the policy could be concerned."""
    before = next((one for one in was.others if one.policy == name), None)
    stands = [one.matches for one in (standing, before) if one is not None]
    if was.name == name or any(answer is not False for answer in stands):
        open_ones = [one for one in will.others if one.matches is None]
        return "unknown", "; ".join(f"{one.policy}: {one.why_not}" for one in open_ones)
    return "", ""


def _changes(was: PolicyMatch, will: PolicyMatch, configured: Mapping[str, Any] | None) -> tuple[Change, ...]:
    if not was.is_known or not will.is_known:
        return ()
    old = expect_configuration(was, configured=configured)
    new = expect_configuration(will, configured=configured)
    return _differences(old, new)


def _differences(old: Mapping[str, Effective], new: Mapping[str, Effective]) -> tuple[Change, ...]:
    found = []
    for setting in sorted({*old, *new}):
        before, after = old.get(setting), new.get(setting)
        if before is None or after is None or not same_value(before.value, after.value):
            found.append(Change(setting, before.value if before else None, after.value if after else None))
    return tuple(found)


def find_in_flight(
    world: PolicyWorld,
    rulings: Sequence[Ruling],
    /,
    *,
    after: Sequence[MigrationPolicy],
    migrations: Sequence[Migration] | None,
) -> tuple[InFlight, ...]:
    """The migrations of these VMIs that were handed over and have not ended, where they keep another value than a new
    one would get. `migrations` None: they could not be read, and the VMI's word is taken."""
    by_uid = {one.meta.uid: one for one in migrations or ()}
    found = []
    for one in rulings:
        state = one.vmi.state
        if state is None or not has_copy_in_flight(one.vmi):
            continue
        migration = by_uid.get(state.migration_uid)
        # A record without its migration is what a crash left behind.
        if migrations is not None and (migration is None or migration.is_final):
            continue
        keeps = _kept(one.vmi, world=world, after=after)
        if keeps:
            found.append(InFlight(one.vmi, migration, mode=state.mode, policy=state.policy, keeps=keeps))
    return tuple(found)


def has_copy_in_flight(vmi: Vmi, /) -> bool:
    """Whether the VMI says that it is handed over and not at the end."""
    state = vmi.state
    if state is None or not state.migration_uid:
        return False
    return not (state.completed or state.failed) and state.ended_at is None


def _kept(vmi: Vmi, *, world: PolicyWorld, after: Sequence[MigrationPolicy]) -> tuple[Change, ...]:
    labels = world.namespace_labels.get(vmi.meta.namespace)
    match = match_policies(after, vmi_labels=vmi.meta.labels, namespace_labels=labels)
    new = expect_configuration(match, configured=world.configured)
    recorded = (vmi.state.configuration if vmi.state else None) or {}
    return tuple(
        Change(setting, recorded[setting], one.value)
        for setting, one in sorted(new.items())
        if setting in recorded and not same_value(recorded[setting], one.value)
    )
