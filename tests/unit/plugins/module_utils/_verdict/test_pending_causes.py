# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds a Pending migration: which pod is left over, who holds the slots, and what was refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.pending import (
    find_cluster_limit_reached,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import Holder, Queue
from tests.unit import worlds
from tests.unit.builders import a_kubevirt, a_launcher
from tests.unit.mangling import hide
from tests.unit.worlds import World, a_copy, a_world, cause_of, gaps_of


def test_of_two_left_over_pods_the_first_by_name_is_said() -> None:
    world = worlds.leftover()
    world.pods.append(a_launcher("older", age_seconds=5000))

    cause = cause_of(world, "LeftoverLauncherPod")

    assert cause is not None
    assert cause.names["pod"] == "virt-launcher-web-1-old"


def test_left_over_pod_without_a_node_says_so() -> None:
    world = worlds.leftover()
    world.pod("-old")["spec"]["nodeName"] = ""

    cause = cause_of(world, "LeftoverLauncherPod")

    assert cause is not None
    assert "virt-launcher-web-1-old on no node is left over" in cause.summary


def test_only_pod_of_a_vm_is_never_left_over() -> None:
    world = a_world("Pending", age_seconds=90)
    world.pod("-web-1-source")["spec"]["nodeName"] = "elsewhere"

    assert cause_of(world, "LeftoverLauncherPod") is None
    assert "LeftoverLauncherPod" not in gaps_of(world)


LIMITS: dict[str, tuple[str, dict[str, int]]] = {
    "cluster": ("ClusterLimitReached", {"per_cluster": 0}),
    "outbound": ("OutboundLimitReached", {"outbound": 0}),
}


@pytest.mark.parametrize("row", LIMITS.values(), ids=LIMITS.keys())
def test_limit_of_none_is_no_queue(row: tuple[str, dict[str, int]]) -> None:
    code, limits = row
    world = worlds.queue(a_copy(vm="one"), node="src-one", **limits)

    assert cause_of(world, code) is None
    assert cause_of(world, "UnworkableLimits") is not None


def behind_unclear(count: int, **limits: int) -> World:
    """A queue on node src-waiting, with so many beside it of which nobody can tell whether they hold a slot."""
    others = [a_copy(vm=f"vm-{number}") for number in range(count)]
    world = worlds.queue(*others, age_seconds=20, **limits)
    for number, migration in enumerate(world.migrations[1:]):
        migration["status"]["phase"] = f"Odd{number}"
        world.vmis[number + 1]["status"]["nodeName"] = "src-waiting"
        world.vmis[number + 1]["status"]["migrationState"]["sourceNode"] = "src-waiting"
    return world


def gap_of(world: World, code: str) -> Gap | None:
    return next((gap for gap in world.first().gaps if gap.code == code), None)


@pytest.mark.parametrize(
    ("code", "limit"),
    [("ClusterLimitReached", "per_cluster"), ("OutboundLimitReached", "outbound")],
    ids=["cluster", "outbound"],
)
@pytest.mark.parametrize(("free", "is_gap"), [(1, True), (2, True), (3, False)], ids=["1 free", "2 free", "3 free"])
def test_two_unclear_ones_may_fill_two_slots_and_not_three(code: str, limit: str, free: int, is_gap: bool) -> None:
    gap = gap_of(behind_unclear(2, **{limit: free}), code)

    assert (gap is not None) is is_gap
    assert gap is None or gap.after_seconds == 0


@pytest.mark.parametrize(
    ("code", "limit"),
    [("ClusterLimitReached", "per_cluster"), ("OutboundLimitReached", "outbound")],
    ids=["cluster", "outbound"],
)
def test_gap_of_a_queue_names_five_that_are_unclear_and_the_first_reason(code: str, limit: str) -> None:
    gap = gap_of(behind_unclear(7, **{limit: 1}), code)

    assert gap is not None
    names = ", ".join(f"team-a/vm-{number}" for number in range(5))
    assert f"whether {names} holds a slot" in gap.sentence()
    assert "Odd0" in gap.sentence()


def test_queue_that_may_not_be_read_is_a_gap_from_the_first_second_on() -> None:
    found = judge_snapshot(hide(a_world("Pending", age_seconds=1).snapshot(), ["queue"]))[0]

    assert {gap.after_seconds for gap in found.gaps if gap.code.endswith("LimitReached")} == {0}


def test_limits_that_cannot_be_read_are_a_gap_from_the_first_second_on_that_gives_the_first_reason() -> None:
    world = a_world("Pending", age_seconds=1)
    limits = {"parallelMigrationsPerCluster": "5", "parallelOutboundMigrationsPerNode": "2"}
    world.kubevirt = a_kubevirt()
    world.kubevirt["spec"]["configuration"]["migrations"] = limits

    gap = gap_of(world, "ClusterLimitReached")

    assert gap is not None
    assert gap.after_seconds == 0
    assert gap.sentence().endswith("parallelMigrationsPerCluster is not an integer")


def test_slots_held_by_one_that_cannot_be_judged_are_a_gap_that_says_why() -> None:
    world = worlds.queue(a_copy(vm="one"), per_cluster=1, age_seconds=1)
    world.vmis[1]["status"]["phase"] = 5

    gap = gap_of(world, "ClusterLimitReached")

    assert gap is not None
    assert gap.after_seconds == 0
    assert gap.sentence().startswith("it is not known whether team-a/one goes on (it cannot be judged: ")


@pytest.mark.parametrize(("count", "more"), [(5, "vm-4."), (6, "vm-4 and 1 more.")], ids=["5", "6"])
def test_five_holders_are_named_and_more_counted(count: int, more: str) -> None:
    holders = [a_copy(vm=f"vm-{number}") for number in range(count)]

    cause = cause_of(worlds.queue(*holders, per_cluster=count), "ClusterLimitReached")

    assert cause is not None
    assert cause.summary.endswith(f"team-a/{more}")


def test_ten_holders_are_shown() -> None:
    holders = [a_copy(vm=f"vm-{number}") for number in range(12)]

    cause = cause_of(worlds.queue(*holders, per_cluster=12), "ClusterLimitReached")

    assert cause is not None
    assert len(cause.evidence) == 1 + 10


@pytest.mark.parametrize(("is_unread", "says_place"), [(True, False), (False, True)], ids=["in part", "all"])
def test_place_in_the_queue_is_said_where_all_who_wait_were_read(is_unread: bool, says_place: bool) -> None:
    world = worlds.queue(a_copy(vm="one"), per_cluster=1)
    found = judge_snapshot(replace(world.snapshot(), waiting_unread=is_unread))[0]

    assert ("it is number 1 of 1" in found.causes[0].summary) is says_place


def test_holder_of_which_nothing_is_known_is_a_gap_without_a_reason() -> None:
    case = worlds.queue(a_copy(vm="one"), per_cluster=1).first().case
    holder = Holder("team-a/one", "VirtualMachineInstanceMigration team-a/one", "Running", "src-one", None)

    gap = find_cluster_limit_reached(case, Queue(holders=(holder,)))

    assert isinstance(gap, Gap)
    assert gap.sentence() == "it is not known whether team-a/one goes on"


def test_quota_of_a_vm_that_is_gone_is_told_by_no_event() -> None:
    world = worlds.quota()
    world.vmi_is_gone = True

    cause = cause_of(world, "ResourceQuotaExceeded")

    assert cause is not None
    assert cause.summary == "A ResourceQuota refuses the target pod."


def test_pending_holder_of_a_slot_is_a_gap_without_a_reason() -> None:
    holder = a_world("Pending", vm="one")
    holder.pods.append(a_launcher("target", vm="one", age_seconds=5))

    gap = gap_of(worlds.queue(holder, per_cluster=1, age_seconds=1), "ClusterLimitReached")

    assert gap is not None
    assert gap.sentence() == "it is not known whether team-a/one goes on"
