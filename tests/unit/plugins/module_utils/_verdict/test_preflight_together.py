# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether several VMs find a place: held against every assignment there is in small worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodNeeds,
    PodOnNode,
    group_by_node,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import find_candidates
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.together import (
    CANNOT,
    FITS,
    OPEN,
    Mover,
    Places,
    Together,
    find_places_together,
)
from tests.unit.builders import NAMESPACE
from tests.unit.placing import OWNER, ZONE, a_place, a_pod_there, a_target, a_term, requests

CALM = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SOURCE = "source"
GIB = 2**30
NAMES = ("n0", "n1", "n2")
# What another pod holds of each node.
HELD = 3


@dataclass(frozen=True)
class Vm:
    """A VM of so many GiB. `apart`: no two of those with the same word share a node (or a zone, where `wide`)."""

    memory: int
    only: tuple[str, ...] = NAMES
    apart: str = ""
    wide: bool = False


@dataclass(frozen=True)
class World:
    """Free GiB by node, the zone of each, and the VMs on the node that is drained."""

    free: Mapping[str, int]
    zones: Mapping[str, str]
    vms: Sequence[Vm]


def needs_of(number: int, vm: Vm) -> dict[str, Any]:
    """The target pod of a VM as the API would show it."""
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": list(vm.only)}]}]
    spec: dict[str, Any] = {"containers": [requests(memory=f"{vm.memory}Gi")], "affinity": {}}
    spec["affinity"]["nodeAffinity"] = {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms},
    }
    if vm.apart:
        selector = {"labelSelector": {"matchLabels": {"apart": vm.apart}}}
        term = a_term(ZONE if vm.wide else "kubernetes.io/hostname", **selector)
        spec["affinity"]["podAntiAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    pod = a_target(**spec)
    pod["metadata"] |= {"name": f"pod-{number}", "uid": "", "labels": {OWNER: f"vmi-{number}", "apart": vm.apart}}
    return pod


def together(world: World) -> tuple[Together, list[Mover]]:
    nodes = [
        Node.from_object(a_place(name, labels={ZONE: world.zones[name]}, amounts={"memory": f"{free + HELD}Gi"}))
        for name, free in world.free.items()
    ]
    nodes.append(Node.from_object(a_place(SOURCE, labels={ZONE: "elsewhere"})))
    held = [a_pod_there(f"held-{name}", name, containers=[requests(memory=f"{HELD}Gi")]) for name in world.free]
    pods = group_by_node([PodOnNode.from_object(pod) for pod in held], names=[*world.free, SOURCE])
    places = Places(nodes, pods, {}, drained=frozenset({SOURCE}))
    movers = []
    for number, vm in enumerate(world.vms):
        needs = PodNeeds.from_object(needs_of(number, vm))
        placement = find_candidates(needs, nodes, pods_by_node=pods, drained=places.drained)
        if placement.possible:
            movers.append(Mover((NAMESPACE, f"vm-{number}"), needs, SOURCE, placement.possible))
    return find_places_together(movers, places), movers


def is_right(world: World, chosen: Mapping[int, str]) -> bool:
    """Whether this assignment holds, by arithmetic of its own."""
    for name, free in world.free.items():
        if sum(world.vms[number].memory for number, node in chosen.items() if node == name) > free:
            return False
    for number, node in chosen.items():
        vm = world.vms[number]
        if node not in vm.only:
            return False
        for other, there in chosen.items():
            same = world.zones[there] == world.zones[node] if vm.wide else there == node
            if other != number and vm.apart and world.vms[other].apart == vm.apart and same:
                return False
    return True


def has_assignment(world: World, numbers: Sequence[int]) -> bool:
    """By trying all of them."""
    return any(
        is_right(world, dict(zip(numbers, chosen, strict=True))) for chosen in product(world.free, repeat=len(numbers))
    )


VMS = st.builds(
    Vm,
    memory=st.integers(1, 6),
    only=st.sampled_from([NAMES, NAMES, ("n0",), ("n0", "n1"), ("n1", "n2")]),
    apart=st.sampled_from(["", "", "red", "blue"]),
    wide=st.booleans(),
)
WORLDS = st.builds(
    World,
    free=st.fixed_dictionaries({name: st.integers(0, 12) for name in NAMES}),
    zones=st.fixed_dictionaries({name: st.sampled_from(["east", "west"]) for name in NAMES}),
    vms=st.lists(VMS, min_size=1, max_size=5),
)


@CALM
@given(WORLDS)
def test_neither_answer_is_ever_wrong(world: World) -> None:
    answer, movers = together(world)
    numbers = [int(mover.key[1].removeprefix("vm-")) for mover in movers]
    if answer.answer == FITS:
        chosen = {int(key[1].removeprefix("vm-")): node for key, node in answer.places.items()}
        assert sorted(chosen) == numbers
        assert is_right(world, chosen)
    elif answer.answer == CANNOT:
        assert answer.proof is not None
        assert not has_assignment(world, numbers)
        assert not has_assignment(world, [int(key[1].removeprefix("vm-")) for key in answer.proof.keys])
    else:
        assert answer.unplaced


def a_world(*vms: Vm, free: Sequence[int] = (9, 9, 0)) -> World:
    return World(dict(zip(NAMES, free, strict=True)), dict.fromkeys(NAMES, "east"), vms)


@pytest.mark.parametrize(
    ("world", "answer", "resource"),
    [
        (a_world(Vm(4), Vm(4), Vm(5)), FITS, None),
        (a_world(Vm(7), Vm(7), Vm(7)), CANNOT, "memory"),
        (a_world(Vm(5), Vm(5), Vm(5)), CANNOT, ""),
        (a_world(Vm(5, only=("n0",)), Vm(5, only=("n0",)), free=(9, 9, 9)), CANNOT, "memory"),
        (a_world(Vm(1, apart="red"), Vm(1, apart="red"), Vm(1, apart="red")), OPEN, None),
        (a_world(Vm(5), Vm(4), Vm(4), Vm(3), Vm(2)), FITS, None),
    ],
    ids=["fits", "sum too large", "pieces too large", "two for one node", "kept apart", "exactly full"],
)
def test_answer_and_its_proof(world: World, answer: str, resource: str | None) -> None:
    found, _movers = together(world)

    assert found.answer == answer
    assert (found.proof.resource if found.proof else None) == resource


def test_a_node_whose_pods_were_not_read_is_never_part_of_a_proof() -> None:
    nodes = [Node.from_object(a_place(name, amounts={"memory": "9Gi"})) for name in ("n0", "n1")]
    movers = [
        Mover((NAMESPACE, f"vm-{number}"), PodNeeds.from_object(needs_of(number, Vm(8))), SOURCE, ("n0",))
        for number in range(2)
    ]
    read = Places(nodes, {"n0": []}, {})

    assert find_places_together(movers, read).answer == OPEN


def test_what_moves_away_leaves_its_room_to_the_others() -> None:
    """Two VMs that change places: one of them goes first."""
    names = ("n0", "n1", "n2")
    nodes = [Node.from_object(a_place(name, amounts={"memory": "9Gi"})) for name in names]
    there = [
        a_pod_there(f"pod-{number}", name, labels={OWNER: f"vmi-{number}"}, containers=[requests(memory="8Gi")])
        for number, name in enumerate(names[:2])
    ]
    pods = group_by_node([PodOnNode.from_object(pod) for pod in there], names=names)
    places = Places(nodes, pods, {}, left_out=())
    needs = [PodNeeds.from_object(needs_of(number, Vm(8))) for number in range(2)]
    movers = [Mover((NAMESPACE, f"vm-{n}"), needs[n], names[n], ("n2",)) for n in range(2)]
    found = find_places_together(movers, places)

    # Only n2 takes either of them alone; the second finds its place where the first has left.
    assert found.answer == FITS
    assert sorted(found.places.values()) in (["n0", "n2"], ["n1", "n2"])


@pytest.mark.parametrize(
    ("world", "resource", "needed", "free"),
    [
        (a_world(Vm(7), Vm(7), Vm(7)), "memory", 21 * GIB, 18 * GIB),
        (a_world(Vm(2), Vm(2), free=(2, 1, -1)), "memory", 4 * GIB, 3 * GIB),
        (a_world(Vm(3), Vm(3), Vm(2), free=(4, 4, 0)), "", 3, 2),
        (a_world(Vm(5), Vm(5), Vm(5), Vm(5), free=(10, 9, 4)), "", 4, 3),
    ],
    ids=["sum too large", "a node overdrawn", "sum exactly there", "a node exactly full"],
)
def test_a_proof_shows_what_is_needed_and_free(world: World, resource: str, needed: int, free: int) -> None:
    proof = together(world)[0].proof

    assert proof is not None
    assert (proof.resource, proof.needed, proof.free) == (resource, needed, free)


def test_those_without_a_place_are_named_where_nothing_is_proven() -> None:
    """As many places as VMs, were they not kept apart."""
    found, movers = together(a_world(*[Vm(1, apart="red")] * 3, free=(2, 1, 0)))

    assert (found.answer, found.proof, len(found.places), len(found.unplaced)) == (OPEN, None, 2, 1)
    assert sorted((*found.places, *found.unplaced)) == [mover.key for mover in movers]


@pytest.mark.parametrize(
    ("world", "answer"),
    [
        (a_world(Vm(1)), "fits"),
        (a_world(Vm(9), Vm(9), Vm(9)), "cannot"),
        (a_world(*[Vm(1, apart="red")] * 3), "open"),
    ],
    ids=["fits", "cannot", "open"],
)
def test_the_answers_are_what_the_report_calls_them(world: World, answer: str) -> None:
    assert together(world)[0].answer == answer


def movers_to(*nodes: str, number: int = 2, owner: bool = True, **amounts: str) -> list[Mover]:
    """VMs that can go to these nodes; `amounts`: what the first of them asks for besides memory."""
    found = []
    for one in range(number):
        pod = needs_of(one, Vm(1))
        if one == 0:
            pod["spec"]["containers"].append(requests(**amounts))
        if not owner:
            pod["metadata"]["labels"] = {}
        found.append(Mover((NAMESPACE, f"vm-{one}"), PodNeeds.from_object(pod), SOURCE, nodes))
    return found


def test_a_proof_by_the_number_of_pods_counts_those_that_stay() -> None:
    node = Node.from_object(a_place("n0", amounts={"pods": "2"}))
    there = PodOnNode.from_object(a_pod_there("stays", "n0"))

    found = find_places_together(movers_to("n0"), Places([node], {"n0": [there]}, {}))

    assert found.proof is not None
    assert (found.proof.resource, found.proof.needed, found.proof.free) == ("pods", 2, 1)


def test_pods_without_an_owner_do_not_leave_with_vms_without_one() -> None:
    node = Node.from_object(a_place("n0", amounts={"memory": "3Gi"}))
    there = PodOnNode.from_object(a_pod_there("stays", "n0", containers=[requests(memory="2Gi")]))

    found = find_places_together(movers_to("n0", owner=False), Places([node], {"n0": [there]}, {}))

    assert found.proof is not None
    assert (found.proof.resource, found.proof.needed, found.proof.free) == ("memory", 2 * GIB, GIB)


def test_a_vm_that_asks_for_none_of_a_resource_is_no_part_of_its_sum() -> None:
    node = Node.from_object(a_place("n0", amounts={"a.io/gpu": "1"}))
    movers = movers_to("n0", **{"a.io/gpu": "1"})

    assert find_places_together(movers, Places([node], {"n0": []}, {})).answer == FITS
    # Full by memory: that the other one asks for no device neither adds to the sum of devices nor takes from it.
    small = Node.from_object(a_place("n0", amounts={"a.io/gpu": "1", "memory": "1Gi"}))
    proof = find_places_together(movers, Places([small], {"n0": []}, {})).proof
    assert proof is not None
    assert (proof.resource, proof.needed, proof.free) == ("memory", 2 * GIB, GIB)


def test_the_fullest_node_that_still_takes_a_vm_is_filled_first() -> None:
    """So that a large VM finds the emptiest one; the node that is full already is left alone."""
    found, _movers = together(a_world(Vm(4), free=(9, 5, 3)))

    assert dict(found.places) == {(NAMESPACE, "vm-0"): "n1"}


def test_pod_affinity_looks_beyond_a_node() -> None:
    """A VM that wants to be near another one finds its place by the zone, not by the node alone."""
    near = needs_of(0, Vm(1))
    near["spec"]["affinity"]["podAffinity"] = {
        "requiredDuringSchedulingIgnoredDuringExecution": [a_term(ZONE, labelSelector={"matchLabels": {"app": "db"}})]
    }
    nodes = [Node.from_object(a_place(name, labels={ZONE: "east"})) for name in ("n0", "n1")]
    there = PodOnNode.from_object(a_pod_there("db", "n1", labels={"app": "db"}))
    mover = Mover((NAMESPACE, "vm-0"), PodNeeds.from_object(near), SOURCE, ("n0",))

    places = Places(nodes, {"n0": [], "n1": [there]}, {}, drained=frozenset({SOURCE}))

    assert find_places_together([mover], places).answer == FITS


def places_of(*nodes: tuple[str, str, str]) -> Places:
    """Nodes by name, memory, and what a pod there asks for of it."""
    facts = [Node.from_object(a_place(name, amounts={"memory": memory})) for name, memory, _held in nodes]
    pods = {
        name: [PodOnNode.from_object(a_pod_there(f"there-{name}", name, containers=[requests(memory=held)]))]
        for name, _memory, held in nodes
    }
    return Places(facts, pods, {}, drained=frozenset({SOURCE}))


def test_the_fullest_node_is_told_by_what_its_pods_leave() -> None:
    found = find_places_together(
        movers_to("n0", "n1", number=1), places_of(("n0", "12Gi", "9Gi"), ("n1", "9Gi", "3Gi"))
    )

    assert list(found.places.values()) == ["n0"]


def test_a_pod_that_asks_for_no_memory_takes_none() -> None:
    places = places_of(("n0", "1Gi", "0"))
    there = PodOnNode.from_object(a_pod_there("there", "n0", containers=[requests(cpu="1")]))

    found = find_places_together(movers_to("n0", number=1), replace(places, pods={"n0": [there]}))

    assert found.answer == FITS


def test_vms_kept_apart_by_zone_do_not_share_one_on_two_nodes() -> None:
    found, _movers = together(a_world(*[Vm(1, apart="red", wide=True)] * 2))

    assert (found.answer, len(found.places)) == (OPEN, 1)
