# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What late and stuck migrations share besides nodes, and when it says nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import render_correlations
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.correlation import (
    Correlation,
    find_correlations,
)
from tests.unit.builders import CONFIGURATION
from tests.unit.worlds import World, a_copy, a_world, leaving, together

Change = Callable[[World], Any]


def in_namespace(name: str) -> Change:
    def change(world: World) -> None:
        for item in (*world.migrations, *world.vmis, *world.pods[:1], *world.pods[3:]):
            item["metadata"]["namespace"] = name

    return change


def with_policy(name: str) -> Change:
    return lambda world: world.state.update(migrationPolicyName=name)


def over_network(name: str) -> Change:
    return lambda world: world.state.update(migrationConfiguration=CONFIGURATION | {"network": name})


def with_launcher(version: str) -> Change:
    return lambda world: world.vmi["status"].update(launcherContainerImageVersion=version)


def outdated(world: World) -> None:
    world.vmi["metadata"]["labels"]["kubevirt.io/outdatedLauncherImage"] = ""


def nothing(_world: World) -> None:
    """As it is."""


def correlations(*groups: tuple[str, bool, Change]) -> dict[str, list[Correlation]]:
    """By kind, of VMs (a letter each): whether they are stuck, and what is special about them."""
    worlds = []
    for names, is_stuck, change in groups:
        for vm in names:
            world = a_copy(1500 if is_stuck else 60, vm=vm)
            change(world)
            worlds.append(world)
    found: dict[str, list[Correlation]] = {}
    for one in find_correlations(together(*worlds).judge()):
        found.setdefault(one.kind, []).append(one)
    return found


KINDS: dict[str, tuple[Change, Change, str, str]] = {
    "namespace": (in_namespace("shop"), nothing, "shop", "in namespace shop"),
    "policy": (with_policy("slow"), nothing, "slow", "under policy slow"),
    "migration_network": (over_network("kubevirt/mig"), nothing, "kubevirt/mig", "over network kubevirt/mig"),
    "launcher_version": (with_launcher("v1.8.0"), with_launcher("v1.9.0"), "v1.8.0", "of VMs with launcher v1.8.0"),
}


@pytest.mark.parametrize(("kind", "row"), KINDS.items(), ids=KINDS.keys())
def test_each_kind_is_said_with_both_shares(kind: str, row: tuple[Change, Change, str, str]) -> None:
    change, other, value, phrase = row
    found = correlations(("ab", True, change), ("c", False, change), ("de", False, other))[kind]

    assert [(one.value, one.bad, one.total, one.elsewhere_bad, one.elsewhere_total) for one in found] == [
        (value, 2, 3, 0, 2)
    ]
    assert found[0].summary == f"2 of 3 migrations {phrase} are late or stuck, 0 of 2 elsewhere."


@pytest.mark.parametrize(("kind", "row"), KINDS.items(), ids=KINDS.keys())
def test_what_all_share_is_no_correlation(kind: str, row: tuple[Change, Change, str, str]) -> None:
    assert kind not in correlations(("ab", True, row[0]), ("c", False, row[0]))


@pytest.mark.parametrize(("kind", "row"), KINDS.items(), ids=KINDS.keys())
def test_one_alone_or_the_same_share_elsewhere_is_none(kind: str, row: tuple[Change, Change, str, str]) -> None:
    change, other, _value, _phrase = row

    assert kind not in correlations(("a", True, change), ("bc", False, other))
    assert kind not in correlations(("ab", True, change), ("cd", True, other))


def test_having_no_policy_or_network_is_not_shared_but_compared_with() -> None:
    found = correlations(("ab", True, nothing), ("c", False, with_policy("p")), ("d", False, over_network("n")))

    assert set(found) & {"policy", "migration_network"} == set()


def test_what_is_not_known_counts_nowhere() -> None:
    waiting = [a_world("Pending", vm=vm) for vm in "xyz"]
    stuck = [a_copy(1500, vm=vm) for vm in "ab"]
    for world in stuck:
        with_policy("slow")(world)

    assert [one for one in find_correlations(together(*stuck, *waiting).judge()) if one.kind == "policy"] == []


def test_an_outdated_launcher_without_a_version_is_one_value() -> None:
    found = correlations(("ab", True, outdated), ("c", False, with_launcher("v1.9.0")))

    assert [one.value for one in found["launcher_version"]] == ["outdated"]


def started(ages: dict[str, int], *, stuck: str) -> list[Correlation]:
    """VMs whose migrations were asked for so long ago; those in `stuck` are past a short deadline."""
    worlds = []
    for vm, age in ages.items():
        limit = 1 if vm in stuck else 600
        worlds.append(a_copy(age, vm=vm, migrationConfiguration=CONFIGURATION | {"completionTimeoutPerGiB": limit}))
    return [one for one in find_correlations(together(*worlds).judge()) if one.kind == "start_window"]


def test_start_window_is_the_one_with_most_stuck_ones() -> None:
    found = started({"a": 1000, "b": 900, "c": 850, "d": 3000, "e": 2900, "f": 2000}, stuck="abce")

    assert [(one.bad, one.total, one.elsewhere_bad, one.elsewhere_total) for one in found] == [(3, 3, 1, 3)]
    assert found[0].value == "2026-11-23T07:42:05Z/2026-11-23T07:47:05Z"
    assert found[0].summary == (
        "3 of 3 migrations asked for from 2026-11-23T07:42:05Z to 2026-11-23T07:47:05Z are late or stuck, "
        "1 of 3 elsewhere."
    )


@pytest.mark.parametrize(
    ("ages", "stuck"),
    [
        ({"a": 1000, "b": 900}, "ab"),
        ({"a": 1000, "b": 900, "c": 100, "d": 50}, "ab"),
        ({"a": 1000, "b": 500, "c": 2000}, "a"),
        ({"a": 1000, "b": 950, "c": 900, "d": 3000, "e": 2500}, "bcde"),
        ({}, ""),
    ],
    ids=["no others", "only younger others", "one alone", "a larger share elsewhere", "nothing migrates"],
)
def test_start_window_needs_others_that_had_as_much_time(ages: dict[str, int], stuck: str) -> None:
    assert started(ages, stuck=stuck) == [] if ages else find_correlations(()) == ()


def test_a_namespace_called_like_a_node_does_not_get_its_verdict() -> None:
    worlds = [leaving("node-7", a_copy(1500, vm=vm)) for vm in "ab"]
    for world in worlds:
        in_namespace("node-7")(world)
    found = find_correlations(together(*worlds, a_copy(vm="c")).judge())
    shown = render_correlations(found, node_verdicts={"node-7": "unhealthy"})

    assert {one["kind"]: one["node_verdict"] for one in shown} == {"source_node": "unhealthy", "namespace": ""}


def asked_for(*ages: int) -> list[Correlation]:
    """Stuck ones that were asked for so long ago, beside one of long before that goes on."""
    stuck = [a_copy(age, vm=f"vm-{number}") for number, age in enumerate(ages)]
    others = [a_copy(5000, vm=f"ok-{number}", memory="64Gi") for number in range(2)]
    found = find_correlations(together(*stuck, *others).judge())
    return [one for one in found if one.kind == "start_window"]


def test_two_of_one_window_are_enough() -> None:
    (found,) = asked_for(1500, 1600)

    assert (found.bad, found.total, found.elsewhere_bad, found.elsewhere_total) == (2, 2, 0, 2)


def test_window_holds_its_first_and_its_last_second() -> None:
    (found,) = asked_for(1500, 1800)

    assert (found.bad, found.total) == (2, 2)
    assert found.value == "2026-11-23T07:30:00Z/2026-11-23T07:35:00Z"


def test_one_that_was_asked_for_a_second_later_is_of_another_window() -> None:
    assert asked_for(1500, 1801) == []


@pytest.mark.parametrize("kind", ["source_node", "target_node"])
def test_node_that_all_share_is_said(kind: str) -> None:
    name = "sourceNode" if kind == "source_node" else "targetNode"
    found = correlations(("ab", True, lambda world: world.state.update({name: "node-9"})))

    assert [(one.value, one.bad, one.elsewhere_total) for one in found[kind]] == [("node-9", 2, 0)]
