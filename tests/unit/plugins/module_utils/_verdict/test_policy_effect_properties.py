# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy does to running VMIs, against an independent reading of KubeVirt's rule.

The rule is written here anew, from KubeVirt's own migrationpolicy.go (matchPolicy, countMatchingLabels), as a list of
every policy's claim on one VMI; nothing of the collection is used for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_effect import (
    Effect,
    PolicyWorld,
    Ruling,
    find_effect,
)
from tests.unit.builders import a_policy, a_vmi

Spec = Mapping[str, Any]
Labels = Mapping[str, str]

OURS = "m"
LABELS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2"]), max_size=3)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "allowPostCopy": st.booleans(),
        "allowWorkloadDisruption": st.booleans(),
        "bandwidthPerMigration": st.sampled_from(["64Mi", "67108864", "0", "1G"]),
        "completionTimeoutPerGiB": st.sampled_from([0, 150, 800]),
    },
)
# None: no selectors at all; an absent map is as an empty one.
SELECTORS = st.none() | st.fixed_dictionaries({"vmi": st.none() | LABELS, "namespace": st.none() | LABELS})
POLICY = st.tuples(SELECTORS, SETTINGS)
OTHERS = st.dictionaries(st.sampled_from(["a", "l", "m-1", "m.1", "n", "zz"]), POLICY, max_size=5)
VMIS = st.lists(
    st.tuples(st.sampled_from(["x", "y"]), LABELS, st.sampled_from(["Running", "Running", "Scheduled", "Succeeded"])),
    max_size=5,
)
DEFAULTS = {
    "allowPostCopy": False,
    "allowWorkloadDisruption": False,
    "bandwidthPerMigration": 0,
    "completionTimeoutPerGiB": 150,
}


def claims(policies: Mapping[str, tuple[Spec | None, Spec]], vmi: Labels, namespace: Labels) -> list[tuple[Any, ...]]:
    """(labels, labels of the VMI, name) of every policy that matches."""
    found = []
    for name, (selectors, _settings) in policies.items():
        if selectors is None:
            continue
        by_vmi, by_namespace = dict(selectors["vmi"] or {}), dict(selectors["namespace"] or {})
        if vmi == {}:
            found.append((0, 0, name))
        elif {**vmi, **by_vmi} == vmi and {**namespace, **by_namespace} == namespace:
            found.append((len(by_vmi) + len(by_namespace), len(by_vmi), name))
    return found


def ruler(policies: Mapping[str, tuple[Spec | None, Spec]], vmi: Labels, namespace: Labels) -> str:
    """Most labels, then most of the VMI's, then the first name."""
    left = claims(policies, vmi, namespace)
    for place in (0, 1):
        left = [one for one in left if one[place] == max(claim[place] for claim in left)]
    return min((name for _labels, _of_vmi, name in left), default="")


def settings_under(policy: str, policies: Mapping[str, tuple[Spec | None, Spec]], cluster: Spec) -> dict[str, Any]:
    """What a hand-off would settle: KubeVirt's defaults, the cluster's settings over them, the policy's over those."""
    values = dict(DEFAULTS)
    for layer in (cluster, policies[policy][1] if policy else {}):
        values.update(layer)
        if "allowPostCopy" in layer and "allowWorkloadDisruption" not in layer:
            values["allowWorkloadDisruption"] = layer["allowPostCopy"]
    amounts = {"64Mi": 67108864, "67108864": 67108864, "0": 0, "1G": 1000000000}
    values["bandwidthPerMigration"] = amounts.get(values["bandwidthPerMigration"], values["bandwidthPerMigration"])
    return values


def reason(policies: Mapping[str, tuple[Spec | None, Spec]], vmi: Labels, namespace: Labels, winner: str) -> str:
    """The words of the criterion by which `winner` stands before ours."""
    scores = {name: (labels, of_vmi) for labels, of_vmi, name in claims(policies, vmi, namespace)}
    if scores[OURS][0] != scores[winner][0]:
        return f"it matches with {scores[OURS][0]} labels, {winner} with {scores[winner][0]}"
    if scores[OURS][1] != scores[winner][1]:
        return f"it matches with {scores[OURS][1]} labels of the VMI, {winner} with {scores[winner][1]}"
    return f"it matches as well as {winner}, whose name comes first"


def read(policies: Mapping[str, tuple[Spec | None, Spec]]) -> list[MigrationPolicy]:
    found = []
    for name, (selectors, settings) in policies.items():
        chosen = {key: value for key, value in (selectors or {}).items() if value is not None}
        policy = a_policy(name, **chosen, **settings)
        if selectors is None:
            del policy["spec"]["selectors"]
        found.append(MigrationPolicy.from_object(policy))
    return found


def running(vmis: list[tuple[str, Labels, str]]) -> dict[str, tuple[str, Labels]]:
    return {f"v{at}": (place, labels) for at, (place, labels, phase) in enumerate(vmis) if phase == "Running"}


def objects(vmis: list[tuple[str, Labels, str]]) -> tuple[Vmi, ...]:
    found = []
    for at, (namespace, labels, phase) in enumerate(vmis):
        raw = a_vmi(f"v{at}", phase=phase)
        raw["metadata"] |= {"namespace": namespace, "labels": dict(labels)}
        found.append(Vmi.from_object(raw))
    return tuple(found)


def told(rulings: tuple[Ruling, ...]) -> dict[str, Ruling]:
    return {one.vmi.meta.name: one for one in rulings}


@given(OTHERS, st.none() | POLICY, st.none() | POLICY, VMIS, st.tuples(LABELS, LABELS), SETTINGS)
def test_effect_is_that_of_an_independent_reading(
    others: Any, ours_before: Any, ours_after: Any, vmis: Any, namespaces: Any, cluster: Spec
) -> None:
    before = {**others, **({OURS: ours_before} if ours_before else {})}
    after = {**others, **({OURS: ours_after} if ours_after else {})}
    labels = dict(zip("xy", namespaces, strict=True))
    world = PolicyWorld(objects(vmis), namespace_labels=labels, configured=cluster)

    effect = find_effect(world, name=OURS, before=read(before), after=read(after))

    assert effect.unknown_for == ()
    wins, loses = told(effect.wins_for), told(effect.loses_for)
    expected_wins, expected_loses = set(), set()
    for name, (place, vmi) in running(vmis).items():
        was, will = ruler(before, vmi, labels[place]), ruler(after, vmi, labels[place])
        matches = OURS in {claim[2] for claim in claims(after, vmi, labels[place])}
        if will == OURS:
            expected_wins.add(name)
        elif matches or was == OURS:
            expected_loses.add(name)
        else:
            continue
        found = wins.get(name) or loses[name]
        assert (found.before, found.after) == (was, will)
        if name in expected_loses and matches:
            assert found.why == reason(after, vmi, labels[place], will)
        check_changes(found, settings_under(was, before, cluster), settings_under(will, after, cluster))
    assert (set(wins), set(loses)) == (expected_wins, expected_loses)


def check_changes(found: Ruling, was: Spec, will: Spec) -> None:
    """Exactly the settings whose values differ are told, with the new value."""
    changed = {one.setting: one.after for one in found.changes}
    assert set(changed) == {name for name in DEFAULTS if was[name] != will[name]}
    for name in set(changed) - {"bandwidthPerMigration"}:
        assert changed[name] == will[name]


@given(OTHERS, POLICY, VMIS)
def test_what_is_not_known_is_never_told_as_a_win_or_a_loss(others: Any, ours: Any, vmis: Any) -> None:
    policies = {**others, OURS: ours}
    without = PolicyWorld(objects(vmis), namespace_labels={}, configured={})

    effect = find_effect(without, name=OURS, before=read(others), after=read(policies))

    # Whatever the labels of the namespace are: a win and a loss are told only where they hold for all of them.
    for namespace in ({}, {"a": "1", "b": "1", "c": "1"}, {"a": "2", "b": "2", "c": "2"}, {"a": "1", "b": "2"}):
        for name, found in told(effect.wins_for).items():
            assert ruler(policies, running(vmis)[name][1], namespace) == OURS == found.after
        for name, found in told(effect.loses_for).items():
            assert ruler(policies, running(vmis)[name][1], namespace) == found.after != OURS


@given(OTHERS, POLICY, VMIS, st.tuples(LABELS, LABELS))
def test_undoing_gives_each_vmi_its_policy_and_its_values_back(
    others: Any, ours: Any, vmis: Any, namespaces: Any
) -> None:
    labels = dict(zip("xy", namespaces, strict=True))
    world = PolicyWorld(objects(vmis), namespace_labels=labels, configured={})
    with_ours = read({**others, OURS: ours})

    made = find_effect(world, name=OURS, before=read(others), after=with_ours)
    undone = find_effect(world, name=OURS, before=with_ours, after=read(others))

    assert told(undone.wins_for) == {}
    assert {name: one.after for name, one in told(undone.loses_for).items()} == before_of(made)


def before_of(effect: Effect) -> dict[str, str | None]:
    return {name: one.before for name, one in told(effect.wins_for).items()}
