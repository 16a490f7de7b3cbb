# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other VMs do between other nodes, below all limits, changes nothing that is said of a migration."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.unit.builders import a_migration, a_state
from tests.unit.table import TABLE
from tests.unit.worlds import World, a_failed, a_world, cause_of, judged, together

RUNNING = ("Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running")
OTHERS: dict[str, Callable[[], World]] = {
    **{f"one in {phase}": partial(a_world, phase, vm="other") for phase in RUNNING},
    "one that succeeded": lambda: a_world("Succeeded", vm="other"),
    "one that failed": lambda: a_failed(vm="other"),
    "one that failed at the same node": lambda: at_the_same_node(a_failed(vm="other")),
}
FINISHED = {name: build for name, build in OTHERS.items() if name.startswith(("one that succeeded", "one that failed"))}


def at_the_same_node(world: World) -> World:
    """The same, with the nodes of the VM that the table is about."""
    for migration in world.migrations:
        migration["status"]["migrationState"] |= {"sourceNode": "src-web-1", "targetNode": "dst-web-1"}
    return world


# There the limit is 1, so that one more is not below it.
AT_THE_LIMIT = {name for name, row in TABLE.items() if cause_of(row[0](), "ClusterLimitReached")}


def test_rows_at_the_limit_are_few() -> None:
    assert {"queued", "queued-behind-stuck"} <= AT_THE_LIMIT
    assert len(AT_THE_LIMIT) < 6


# There every node counts, as one more may take the target pod.
UNPLACED = {name for name, row in TABLE.items() if cause_of(row[0](), "TargetPodUnschedulable")}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("name", [name for name in TABLE if name not in AT_THE_LIMIT | UNPLACED])
def test_others_change_no_verdict(name: str, other: Callable[[], World]) -> None:
    world = TABLE[name][0]()
    alone = world.first()

    beside = together(world, other()).first()

    assert (beside.verdict, beside.reason) == (alone.verdict, alone.reason)
    assert [cause.code for cause in beside.causes] == [cause.code for cause in alone.causes]


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("name", sorted(UNPLACED))
def test_others_on_nodes_that_are_not_for_the_vm_change_no_verdict(name: str, other: Callable[[], World]) -> None:
    world, more = TABLE[name][0](), other()
    alone = world.first()
    for node in more.nodes:
        del node["metadata"]["labels"]["kubevirt.io/schedulable"]

    beside = together(world, more).first()

    assert beside.verdict == alone.verdict
    assert [cause.code for cause in beside.causes] == [cause.code for cause in alone.causes]


@pytest.mark.parametrize("other", FINISHED.values(), ids=FINISHED.keys())
@pytest.mark.parametrize("name", sorted(AT_THE_LIMIT))
def test_one_that_has_ended_takes_no_slot(name: str, other: Callable[[], World]) -> None:
    world = TABLE[name][0]()

    assert judged(together(world, other())) == judged(world)


def before(world: World, phase: str) -> World:
    """The same, after a migration of the same VM that has ended."""
    vm = world.migration["spec"]["vmiName"]
    state = a_state(vm, started_seconds=7000, ended_seconds=6000, migrationUid="earlier")
    state |= {"failed": True, "failureReason": "Target pod is down"} if phase == "Failed" else {}
    earlier = a_migration(phase, vm=vm, uid="earlier", age_seconds=7100, phase_seconds=6000, state=state)
    return together(world, World(migrations=[earlier], vmis=[], pods=[], nodes=[], events=[]))


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize("name", TABLE)
def test_what_the_vm_did_before_changes_no_verdict(name: str, phase: str) -> None:
    after = before(TABLE[name][0](), phase)

    assert judged(after) == judged(TABLE[name][0]())
