# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a target pod that no node takes, once the nodes were looked at, and where they were not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.placement import placement_entry
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import render_migrations
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit import held, worlds
from tests.unit.mangling import hide
from tests.unit.placing import a_place, a_target, place
from tests.unit.worlds import World, cause_of

PLACEMENT = ("CPUModelMismatch", "InsufficientNodeResources", "NodesClosed")
REFUSED = "No node takes the target pod virt-launcher-web-1-target: 0/6 nodes are available: 6 Insufficient memory."


def unschedulable(world: World) -> Any:
    found = cause_of(world, "TargetPodUnschedulable")
    assert found is not None
    return found


def entry(world: World) -> dict[str, Any]:
    return render_migrations(world.judge())[0]


def test_reason_of_each_node_stands_behind_the_schedulers_words() -> None:
    cause = unschedulable(held.unplaced(cordoned=True))
    assert cause.summary == f"{REFUSED} Now 0 of 2 nodes: 1 cordoned, 1 has a pod of the VM already."
    assert ("Node dst-web-1", "spec.unschedulable", "true") in [
        (one.object, one.field, one.value) for one in cause.evidence
    ]


def test_node_that_is_possible_now_is_said_and_not_claimed() -> None:
    world = held.unplaced()
    assert unschedulable(world).summary == (
        f"{REFUSED} That is what the scheduler said last; by the rules that can be judged from here dst-web-1 could"
        " take it now (1 of 2 nodes: 1 has a pod of the VM already)."
    )
    assert {cause.code for cause in world.first().causes} == {"TargetPodUnschedulable"}
    assert world.first().verdict == "blocked"


def test_what_is_not_judged_is_named_with_a_possible_node() -> None:
    world = held.unplaced()
    world.pod("-target")["spec"]["volumes"] = [{"name": "a", "persistentVolumeClaim": {"claimName": "root"}}]
    assert "not judged: whether the volumes of its claims can be used on a node (root)" in unschedulable(world).summary


def test_many_possible_nodes_are_not_all_named() -> None:
    world = held.unplaced()
    world.nodes += [a_place(f"free-{number}") for number in range(5)]
    assert "dst-web-1, free-0, free-1 and 3 more could take it now" in unschedulable(world).summary


@pytest.mark.parametrize(
    ("world", "code"),
    [(held.other_cpu(), PLACEMENT[0]), (held.no_room(), PLACEMENT[1]), (held.unplaced(cordoned=True), PLACEMENT[2])],
    ids=PLACEMENT,
)
def test_cause_that_is_proven_explains_the_schedulers_refusal(world: World, code: str) -> None:
    causes = world.first().causes
    assert [cause.code for cause in causes] == [code, "TargetPodUnschedulable"]
    assert causes[0].explains == ("TargetPodUnschedulable",)


def test_entry_has_the_sentence_the_nodes_and_their_reasons() -> None:
    found = entry(held.unplaced(cordoned=True))["placement"]
    assert found["summary"] == "0 of 2 nodes: 1 cordoned, 1 has a pod of the VM already"
    assert (found["possible"], found["left_out"], found["not_judged"]) == ([], 0, [])
    assert [(one["node"], one["code"]) for one in found["excluded"]] == [
        ("dst-web-1", "Cordoned"),
        ("src-web-1", "VMRunsHere"),
    ]


def test_entry_is_bounded_and_says_how_many_are_left_out() -> None:
    nodes = [a_place(f"a{number:03}") for number in range(60)]
    nodes += [a_place(f"b{number:03}", cordoned=True) for number in range(70)]
    found = placement_entry(place(a_target(), nodes))
    assert (len(found["possible"]), len(found["excluded"]), found["left_out"]) == (50, 50, 30)
    assert found["summary"] == "60 of 130 nodes: 70 cordoned"


@pytest.mark.parametrize(
    "world", [worlds.image_pull(), worlds.a_copy(), worlds.quota()], ids=["bound", "copying", "no pod"]
)
def test_entry_has_no_placement_where_no_pod_waits_for_a_node(world: World) -> None:
    assert entry(world)["placement"] == {}


def unseen(world: World, *topics: str) -> Any:
    return judge_snapshot(hide(world.snapshot(), topics))[0]


def gaps(judgement: Any) -> dict[str, Sequence[Rule]]:
    return {gap.code: gap.rules for gap in judgement.gaps}


def test_who_may_not_read_nodes_gets_the_rule_and_the_same_verdict() -> None:
    found = unseen(held.other_cpu(), "placement/nodes")
    assert gaps(found) == dict.fromkeys(PLACEMENT, (Rule("list", "", "nodes"),))
    assert (found.verdict, found.causes[0].code) == ("blocked", "TargetPodUnschedulable")
    assert render_migrations([found])[0]["placement"] == {}


def test_who_may_not_read_pods_still_gets_what_the_nodes_say() -> None:
    found = unseen(held.other_cpu(), "placement/pods")
    assert found.causes[0].code == "CPUModelMismatch"
    assert gaps(found) == {"InsufficientNodeResources": (Rule("list", "", "pods"),)}
    assert not found.case.placement.possible


def test_nothing_is_missing_where_nobody_asked_for_placement() -> None:
    snapshot = replace(held.other_cpu().snapshot(), places=None)
    found = judge_snapshot(snapshot)[0]
    assert (found.gaps, [cause.code for cause in found.causes]) == ((), ["TargetPodUnschedulable"])


def test_refusal_of_a_moment_ago_makes_no_gap() -> None:
    world = held.other_cpu()
    world.pod("-target")["status"]["conditions"][0]["lastTransitionTime"] = worlds.NOW.isoformat()
    assert gaps(unseen(world, "placement/nodes")) == {}


def test_without_all_pods_no_node_is_called_possible() -> None:
    world = held.unplaced()
    world.all_pods = False
    placement = world.first().case.placement
    assert placement is not None
    assert placement.possible == ()


@pytest.mark.parametrize("command", ["kubectl uncordon dst-web-1", "kubectl describe node dst-web-1"])
def test_closed_node_has_the_command_for_what_closes_it(command: str) -> None:
    taint = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}
    world = held.unplaced(cordoned=True) if "uncordon" in command else held.unplaced(taints=[taint])
    advice = entry(world)["causes"][0]["advice"]
    assert advice[0]["command"] == command
