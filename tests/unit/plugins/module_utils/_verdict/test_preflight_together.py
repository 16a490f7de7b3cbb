# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether several VMs find a place: held against every assignment there is in small worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
