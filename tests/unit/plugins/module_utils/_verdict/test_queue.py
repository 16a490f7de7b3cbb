# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds the slots, whose turn is next, and when a queue no longer moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import RUNNING_PHASES
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case, PodIndex
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import (
    Fate,
    Queue,
    Unclear,
    judge_queue,
)
from tests.unit import worlds
from tests.unit.builders import NAMESPACE, a_kubevirt, a_launcher, a_migration
from tests.unit.mangling import RULES, hide
from tests.unit.worlds import World, a_copy, a_failed, a_world, cause_of, judged, queue, together

VMIS = f"vmis/{NAMESPACE}"


def queue_of(world: World) -> Queue:
    snapshot = world.snapshot()
    index = PodIndex.of(snapshot.pods)
    cases = [Case(snapshot, migration, index) for migration in snapshot.migrations]
    return judge_queue([case for case in cases if not case.migration.is_final], fate_of=lambda _migration: Fate(False))


def queue_of_hidden(world: World) -> Queue:
    """The same for somebody who may not read VMIs."""
    hidden = hide(world.snapshot(), [VMIS])
    snapshot = replace(hidden, unseen={VMIS: (RULES[VMIS], RULES["nodes"])})
    cases = [Case(snapshot, migration, PodIndex.of(snapshot.pods)) for migration in snapshot.migrations]
    return judge_queue(cases, fate_of=lambda _migration: Fate(False))


def holders(world: World) -> list[str]:
    return [holder.label for holder in queue_of(world).holders]


@pytest.mark.parametrize("phase", sorted(RUNNING_PHASES))
def test_running_phases_hold_a_slot(phase: str) -> None:
    assert holders(a_world(phase)) == ["team-a/web-1"]


@pytest.mark.parametrize("phase", ["", "Pending", "WaitingForSync", "Synchronizing"])
def test_other_phases_hold_none(phase: str) -> None:
    assert holders(a_world(phase)) == []


def test_pending_one_with_its_target_pod_holds_a_slot() -> None:
    world = a_world()
    world.pods.append(a_launcher("target", age_seconds=2))

    assert holders(world) == ["team-a/web-1"]
    assert queue_of(world).waiting == ()


def test_scheduling_source_of_a_decentralized_one_holds_none() -> None:
    world = a_world("Scheduling")
    world.migration["spec"]["sendTo"] = {"migrationID": "x", "connectURL": "y"}

    assert holders(world) == []


ORDERS = {
    "older first": ([("a", "", 10), ("b", "", 20)], ["b", "a"]),
    "priority before age": ([("a", "", 900), ("b", "user-triggered", 10)], ["b", "a"]),
    "every priority": (
        [("a", "", 9), ("b", "system-maintenance", 9), ("c", "user-triggered", 9), ("d", "system-critical", 9)],
        ["d", "c", "b", "a"],
    ),
    "unknown priority is the lowest": ([("a", "vip", 9), ("b", "system-maintenance", 9)], ["b", "a"]),
    "same second by uid": ([("b", "", 9), ("a", "", 9)], ["a", "b"]),
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_turn_is_by_priority_then_age(order: tuple[list[tuple[str, str, int]], list[str]]) -> None:
    made, expected = order
    world = a_world()
    world.migrations = [a_migration(age_seconds=age, uid=uid, priority=priority) for uid, priority, age in made]

    assert list(queue_of(world).waiting) == expected


def test_place_in_the_queue_counts_from_one() -> None:
    found = Queue(waiting=("a", "b"))

    assert [found.position(uid) for uid in ("a", "b", "c")] == [1, 2, None]


def test_place_is_told_with_who_holds_the_slots() -> None:
    cause = cause_of(queue(a_copy(vm="one"), a_world(vm="two"), per_cluster=1, age_seconds=90), "ClusterLimitReached")

    assert cause is not None
    assert cause.summary == (
        "1 of 1 migration slots of the cluster are taken; it is number 1 of 2 that wait. They are held by team-a/one."
    )


def stuck(vm: str = "one") -> World:
    return worlds.node_down("src", vm=vm)


def unknown(vm: str = "one") -> World:
    world = a_copy(vm=vm)
    world.vmi["status"]["phase"] = 5
    return world


FATES: dict[str, tuple[tuple[World, ...], str]] = {
    "all move": ((a_copy(vm="one"), a_copy(vm="two")), "queued"),
    "one moves, one is stuck": ((a_copy(vm="one"), stuck("two")), "queued"),
    "one moves, one is unknown": ((a_copy(vm="one"), unknown("two")), "queued"),
    "all are stuck": ((stuck("one"), stuck("two")), "blocked"),
    "one is stuck, one is unknown": ((stuck("one"), unknown("two")), "unknown"),
    "all are unknown": ((unknown("one"), unknown("two")), "unknown"),
}


@pytest.mark.parametrize("row", FATES.values(), ids=FATES.keys())
def test_queue_moves_as_those_who_hold_the_slots(row: tuple[tuple[World, ...], str]) -> None:
    world, verdict = queue(*row[0], per_cluster=2), row[1]

    assert judged(world)[0] == verdict


@pytest.mark.parametrize(("seconds", "verdict"), [(59, "progressing"), (60, "blocked")], ids=["59 s", "60 s"])
def test_queue_behind_stuck_ones_is_blocked_after_60_seconds(seconds: int, verdict: str) -> None:
    assert judged(queue(stuck(), per_cluster=1, age_seconds=seconds)) == (verdict, "ClusterLimitReached")


LIMITS = {
    "cluster, one below": (1, 2, None, "progressing"),
    "cluster, reached": (2, 2, None, "queued"),
    "cluster, beyond": (3, 2, None, "queued"),
    "cluster, KubeVirt's default": (5, None, 99, "queued"),
    "cluster, below KubeVirt's default": (4, None, 99, "progressing"),
    "outbound, KubeVirt's default": (2, 99, None, "queued"),
    "outbound, below KubeVirt's default": (1, 99, None, "progressing"),
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS.keys())
def test_limits_are_kubevirts(limit: tuple[int, int | None, int | None, str]) -> None:
    running, per_cluster, outbound, verdict = limit
    copies = [worlds.leaving("node-1", a_copy(vm=f"vm-{number}")) for number in range(running)]

    world = queue(*copies, per_cluster=per_cluster, outbound=outbound, node="node-1", age_seconds=30)

    assert judged(world)[0] == verdict


@pytest.mark.parametrize("limit", [{"per_cluster": 0}, {"outbound": 0}, {"per_cluster": 0, "outbound": 0}], ids=str)
@pytest.mark.parametrize(("seconds", "verdict"), [(59, "progressing"), (60, "blocked")], ids=["59 s", "60 s"])
def test_limit_of_none_is_no_queue(limit: dict[str, int], seconds: int, verdict: str) -> None:
    world = queue(a_copy(vm="one"), age_seconds=seconds, node="src-one", **limit)

    assert judged(world) == (verdict, "UnworkableLimits")


def test_others_that_leave_other_nodes_do_not_count_as_outbound() -> None:
    world = queue(a_copy(vm="one"), a_copy(vm="two"), outbound=1, node="src-three", age_seconds=30)

    assert world.first().causes == ()


def test_ended_ones_hold_no_slot() -> None:
    world = queue(a_failed(vm="one"), a_world("Succeeded", vm="two"), per_cluster=1, age_seconds=30)

    assert judged(world)[0] == "progressing"


def test_one_with_its_target_pod_does_not_wait() -> None:
    world = together(a_world(age_seconds=20), a_copy(vm="one"), kubevirt=a_kubevirt(per_cluster=1))
    world.pods.append(a_launcher("target", age_seconds=2))

    assert cause_of(world, "ClusterLimitReached") is None


def test_long_lists_of_holders_are_cut() -> None:
    world = queue(*(a_copy(vm=f"vm-{number}") for number in range(7)), per_cluster=7)

    assert world.first().causes[0].summary.endswith("team-a/vm-4 and 2 more.")


def test_those_who_wait_are_not_unclear() -> None:
    found = queue_of(together(a_world(vm="one"), a_world(vm="two")))

    assert (found.unclear, found.nowhere) == ((), ())


def test_unclear_one_without_a_known_node_may_hold_a_slot_of_any() -> None:
    nowhere, here, there = (Unclear("u", "team-a/x", node, "it was not read") for node in ("", "node-a", "node-b"))

    assert Queue(unclear=(nowhere, here, there)).maybe_outbound("node-a") == (nowhere, here)


def test_holder_whose_node_is_known_is_somewhere_though_its_vm_was_not_read() -> None:
    world = a_copy()
    world.migration["status"]["migrationState"] = world.state
    found = queue_of_hidden(world)

    assert [holder.source_node for holder in found.holders] == ["src-web-1"]
    assert found.nowhere == ()


def test_holder_whose_vm_was_not_read_is_nowhere_for_the_first_rule() -> None:
    found = queue_of_hidden(a_world("Scheduling"))

    assert [one.why for one in found.nowhere] == [f"not allowed to {RULES[VMIS].sentence()}"]


def test_holder_without_a_node_that_was_read_is_not_unclear() -> None:
    world = a_world("Scheduling")
    world.vmi["status"]["nodeName"] = ""

    assert queue_of(world).nowhere == ()


def test_first_problem_of_one_with_an_odd_phase_is_said() -> None:
    world = a_world()
    world.migration["status"] = {"phase": 5, "migrationState": 5, "phaseTransitionTimestamps": []}

    assert [one.why for one in queue_of(world).unclear] == [
        "VirtualMachineInstanceMigration team-a/kubevirt-migrate-vm-mig-web-1: status.phase is not a string"
    ]
