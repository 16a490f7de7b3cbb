# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of room: on nodes, and for all VMs of a drain together."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.room import (
    find_together,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Found,
    Subject,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.together import (
    CANNOT,
    FITS,
    OPEN,
    Room,
    Together,
)
from tests.unit.builders import a_handler, ago
from tests.unit.draining import RULES, SOURCE, Drain, a_guest, a_target_node, its_pod
from tests.unit.placing import SCHEDULABLE

GIB = 2**30
KEYS = tuple(("team-a", f"vm-{number}") for number in range(8))
NODES = tuple(f"n{number}" for number in range(8))
OPEN_NODE = [a_target_node(SOURCE), a_target_node("node-1", amounts={"memory": "x"})]
SELECTOR = {SCHEDULABLE: "true", "rack": "b", "row": "1"}


def room_of(drain: Drain) -> list[Found]:
    """What is found of the target pod's place."""
    outlook = drain.only()
    return [
        one
        for one in (*outlook.reasons, *outlook.gaps)
        if one.code in ("TargetPodUnschedulable", "TargetNodesUnhealthy")
    ]


@pytest.mark.parametrize(
    ("drain", "rules", "sentence"),
    [
        (Drain(launchers=[]), (), "its launcher pod was not found"),
        (
            Drain(hidden=("pods/team-a",)),
            (RULES["pods/team-a"],),
            "not allowed to list pods in namespace team-a",
        ),
        (Drain(hidden=("placement/nodes",)), (RULES["placement/nodes"],), "not allowed to list nodes"),
        (Drain(hidden=("placement/pods",)), (RULES["placement/pods"],), "not allowed to list pods"),
        (
            Drain(nodes=OPEN_NODE),
            (),
            "where its target pod could go: a node cannot be judged: an amount in status.allocatable cannot be read",
        ),
        (
            Drain(launchers=[its_pod(nodeSelector=SELECTOR)]),
            (),
            "its pod selects nodes by rack, row, which the next one may not: no other node has that",
        ),
    ],
    ids=["no pod", "pods hidden", "nodes hidden", "other pods hidden", "node spoilt", "selectors of the last time"],
)
def test_why_a_place_is_not_known(drain: Drain, rules: Any, sentence: str) -> None:
    (gap,) = room_of(drain)

    assert isinstance(gap, Gap)
    assert (gap.code, gap.rules) == ("TargetPodUnschedulable", rules)
    assert gap.sentence().startswith(sentence)


def test_a_selector_of_the_last_time_is_not_blamed_for_nodes_that_are_too_small_anyway() -> None:
    nodes = [a_target_node(SOURCE), a_target_node("node-1", amounts={"memory": "4Gi"})]

    (found,) = room_of(Drain(nodes=nodes, launchers=[its_pod(nodeSelector=SELECTOR)]))

    assert isinstance(found, Cause)


def test_a_selector_of_the_last_time_leaves_a_node_open_that_cannot_be_judged_either() -> None:
    (found,) = room_of(Drain(nodes=OPEN_NODE, launchers=[its_pod(nodeSelector=SELECTOR)]))

    assert isinstance(found, Gap)
    assert "rack, row" in found.why


def test_a_selector_of_the_last_time_does_not_matter_where_the_other_nodes_are_drained_too() -> None:
    drain = Drain(drained=(SOURCE, "node-1", "node-2"), launchers=[its_pod(nodeSelector=SELECTOR)])

    assert isinstance(room_of(drain)[0], Cause)


def test_no_node_takes_it_says_why_of_each() -> None:
    nodes = [a_target_node(SOURCE), a_target_node("node-1", amounts={"memory": "4Gi"})]
    nodes.append(a_target_node("node-2", cordoned=True))

    (found,) = room_of(Drain(nodes=nodes))

    assert isinstance(found, Cause)
    assert found.summary == (
        "No other node takes the VM: 0 of 3 nodes: 1 cordoned, 1 to be drained, 1 has less than 9 GiB memory free."
    )
    assert (found.code, found.time_cures) == ("TargetPodUnschedulable", "maybe")
    assert found.names == {"node": SOURCE, "namespace": "team-a"}
    assert [(one.object, one.field, one.value) for one in found.evidence] == [
        (
            "Node node-1",
            "status.allocatable[memory]",
            "4Gi (has less than 9 GiB memory free: it has 4 GiB at all, 5 GiB too little)",
        ),
        ("Node node-2", "spec.unschedulable", "true (is cordoned)"),
        ("Node node-7", "", "is to be drained"),
    ]


def test_a_cluster_without_nodes_is_called_that() -> None:
    assert "No other node takes the VM: the cluster has no node." in [
        one.summary for one in Drain(nodes=[]).only().reasons
    ]


def test_evidence_of_many_nodes_ends_after_ten() -> None:
    nodes = [a_target_node(f"node-{number}", cordoned=True) for number in range(7, 20)]

    (found,) = room_of(Drain(nodes=nodes))

    assert isinstance(found, Cause)
    assert [one.object for one in found.evidence] == [f"Node node-{number}" for number in range(10, 20)]


def sick(*numbers: int) -> list[Any]:
    """All of virt-handler: that on these nodes is not ready."""
    return [a_handler(name) for name in (SOURCE, "node-9")] + [
        a_handler(f"node-{number}", ready=False, since_seconds=600 + number) for number in numbers
    ]


def drain_to(*numbers: int, **more: Any) -> Drain:
    nodes = [a_target_node(SOURCE), *(a_target_node(f"node-{number}") for number in numbers)]
    return Drain(nodes=nodes, **more)


def test_nodes_in_trouble_are_named_three_of_them() -> None:
    (found,) = room_of(drain_to(1, 2, 3, 4, handlers=sick(1, 2, 3, 4)))

    assert isinstance(found, Cause)
    assert (found.code, found.time_cures, found.names) == ("TargetNodesUnhealthy", "maybe", {"node": "node-1"})
    said = [
        f"node-{number} is unhealthy: virt-handler (virt-handler-node-{number}) has not been Ready for 60{number} s "
        "(limit 60 s)"
        for number in (1, 2, 3)
    ]
    assert found.summary == f"Only nodes in trouble take the VM: {'; '.join(said)}."
    assert [one.object for one in found.evidence] == [
        f"Pod virt-handler-node-{number} on node-{number}" for number in (1, 2, 3, 4)
    ]


def test_the_worst_of_a_nodes_troubles_speaks_for_it() -> None:
    late = a_target_node("node-1")
    late["metadata"]["annotations"] = {"kubevirt.io/heartbeat": ago(200)}

    (found,) = room_of(Drain(nodes=[a_target_node(SOURCE), late], handlers=sick(1)))

    assert isinstance(found, Cause)
    assert "virt-handler (virt-handler-node-1) has not been Ready" in found.summary
    assert [one.object for one in found.evidence] == ["Pod virt-handler-node-1 on node-1"]


def test_one_good_node_is_enough() -> None:
    assert not room_of(drain_to(1, 9, handlers=sick(1)))


def test_evidence_of_nodes_in_trouble_ends_after_ten() -> None:
    numbers = range(10, 22)

    (found,) = room_of(drain_to(*numbers, handlers=sick(*numbers)))

    assert isinstance(found, Cause)
    assert len(found.evidence) == 10


# -- together


VM = Subject(Guest.from_object(a_guest("vm-1")))


def room_for(
    vms: int = 2, nodes: int = 1, *, resource: str = "memory", needed: int = 9 * GIB, free: int = 8 * GIB
) -> Room:
    return Room(KEYS[:vms], NODES[:nodes], resource, needed, free)


TWO = "Not all of team-a/vm-0, team-a/vm-1 find a place: they can go to n0 only, and "
SEVEN = "Not all of team-a/vm-0, team-a/vm-1, team-a/vm-2, team-a/vm-3, team-a/vm-4 and 2 more find a place: "
FIVE = "Not all of team-a/vm-0, team-a/vm-1, team-a/vm-2, team-a/vm-3, team-a/vm-4 find a place: "


@pytest.mark.parametrize(
    ("proof", "summary", "evidence"),
    [
        (
            room_for(),
            f"{TWO}together they ask for 9 GiB memory, and 8 GiB is free there.",
            ("Nodes n0", "memory", str(8 * GIB)),
        ),
        (
            room_for(resource="cpu", needed=4500, free=4000),
            f"{TWO}together they ask for 4500m cpu, and 4 is free there.",
            ("Nodes n0", "cpu", "4000"),
        ),
        (
            room_for(resource="ephemeral-storage"),
            f"{TWO}together they ask for 9 GiB ephemeral-storage, and 8 GiB is free there.",
            ("Nodes n0", "ephemeral-storage", str(8 * GIB)),
        ),
        (
            room_for(resource="hugepages-2Mi"),
            f"{TWO}together they ask for 9 GiB hugepages-2Mi, and 8 GiB is free there.",
            ("Nodes n0", "hugepages-2Mi", str(8 * GIB)),
        ),
        (
            room_for(resource="devices.kubevirt.io/kvm", needed=2, free=1),
            f"{TWO}together they ask for 2 devices.kubevirt.io/kvm, and 1 is free there.",
            ("Nodes n0", "devices.kubevirt.io/kvm", "1"),
        ),
        (
            room_for(resource="", needed=2, free=1),
            f"{TWO}there is room for 1 of these 2 at most.",
            ("Nodes n0", "places for these VMs", "1"),
        ),
        (
            room_for(7, 7, resource="", needed=7, free=6),
            f"{SEVEN}they can go to n0, n1, n2, n3, n4 and 2 more only, and there is room for 6 of these 7 at most.",
            ("Nodes n0, n1, n2, n3, n4 and 2 more", "places for these VMs", "6"),
        ),
        (
            room_for(5, 5, resource="", needed=5, free=4),
            f"{FIVE}they can go to n0, n1, n2, n3, n4 only, and there is room for 4 of these 5 at most.",
            ("Nodes n0, n1, n2, n3, n4", "places for these VMs", "4"),
        ),
    ],
    ids=["memory", "cpu", "ephemeral storage", "hugepages", "devices", "one by one", "many", "as many as are named"],
)
def test_proof_that_not_all_fit_is_told_in_the_units_of_the_resource(
    proof: Room, summary: str, evidence: tuple[str, str, str]
) -> None:
    found = list(find_together(Together(CANNOT, {}, (), proof), VM, total=2))

    assert found == [Cause("NodesCannotHoldAll", summary, "maybe", None, (Evidence(*evidence),))]


def test_six_names_are_five_and_one_more() -> None:
    (found,) = find_together(Together(CANNOT, {}, (), room_for(6, 6)), VM, total=6)

    assert isinstance(found, Cause)
    assert found.summary.count("4 and 1 more") == 2


LEFT_OVER = Cause(
    "PlacementNotProven",
    "Alone it finds a place, but no way was found to place all 5 VMs: this one was left over when 4 had their place. "
    "Whether there is a way is not proven.",
    "maybe",
    None,
    (),
    confidence="possible",
)


@pytest.mark.parametrize(
    ("together", "found"),
    [
        (None, []),
        (Together(FITS, dict(zip(KEYS[:2], NODES[:2], strict=True))), []),
        (Together(OPEN, {}, (("team-a", "vm-1"),)), [LEFT_OVER]),
        (Together(OPEN, {}, (("team-a", "vm-7"),)), []),
        (Together(CANNOT, {}, (("team-a", "vm-1"),), Room((("team-a", "vm-7"),), NODES[:1], "", 2, 1)), [LEFT_OVER]),
        (Together(CANNOT, {}, (), Room((("team-a", "vm-7"),), NODES[:1], "", 2, 1)), []),
    ],
    ids=["nothing to place", "fits", "left over", "another one is", "left over beside a proof", "proof about others"],
)
def test_only_a_vm_that_is_left_over_is_called_that(together: Together | None, found: list[Found]) -> None:
    assert list(find_together(together, VM, total=5)) == found
