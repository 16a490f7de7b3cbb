# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether several VMs find a place at the same time: proven, disproven, or open.

This module is private to the collection and may change without notice.

Packing is hard, so two one-sided answers are given and the gap between them is said. "They cannot all fit" is proven by
counting: a set of VMs that can go to these nodes only needs more of a resource than is free there, or is more than the
nodes can take one by one. "A place for each was found" shows the places, found by putting the largest first and looking
at the neighbourhood anew after each. The scheduler may choose other places, and may then run out of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodNeeds,
    PodOnNode,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.units import CPU, Units
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.neighbours import HOSTNAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import find_candidates
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement_rules import (
    NOT_JUDGED,
    static_exclusions,
)

__all__ = ["CANNOT", "FITS", "OPEN", "Mover", "Places", "Room", "Together", "find_places_together"]

FITS = "fits"
CANNOT = "cannot"
OPEN = "open"
_MOST_SETS = 64
_PODS = "pods"

Key = tuple[str, str]


@dataclass(frozen=True)
class Mover:
    """One VM that is to move from `source`. `possible` are the nodes that could take it alone."""

    key: Key
    needs: PodNeeds
    source: str
    possible: tuple[str, ...]

    @property
    def owner(self) -> str:
        """The UID of its VMI, by which its pods are known."""
        return self.needs.owner


@dataclass(frozen=True)
class Places:
    """The nodes and the pods there, as find_candidates takes them. `closed` are nodes that none may go to."""

    nodes: Sequence[Node]
    pods: Mapping[str, Sequence[PodOnNode]]
    namespaces: Mapping[str, Mapping[str, str]]
    drained: Collection[str] = ()
    left_out: Collection[str] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}


@dataclass(frozen=True)
class Room:
    """Why `keys` cannot all find a place on `nodes`: of `resource` they need `needed` and `free` is left there; ""
    where it is only their number that is too large (`needed` VMs, `free` places)."""

    keys: tuple[Key, ...]
    nodes: tuple[str, ...]
    resource: str
    needed: int
    free: int


@dataclass(frozen=True)
class Together:
    """`answer` is FITS with a place for each, CANNOT with the proof, or OPEN with those for whom none was found."""

    answer: str
    places: Mapping[Key, str]
    unplaced: tuple[Key, ...] = ()
    proof: Room | None = None


def find_places_together(movers: Sequence[Mover], places: Places, /) -> Together:
    """Whether all of `movers` find a place, each of which has a possible node when it moves alone."""
    best: dict[Key, str] = {}
    for order in _ORDERS:
        found = _pack(sorted(movers, key=order), places)
        best = found if len(found) > len(best) else best
        if len(found) == len(movers):
            return Together(FITS, found)
    unplaced = tuple(mover.key for mover in movers if mover.key not in best)
    proof = next(_proofs(movers, places), None)
    return Together(CANNOT if proof else OPEN, best, unplaced, proof)


# -- a place for each


def _asks(mover: Mover, resource: str) -> int:
    return mover.needs.units.get(resource, 0)


_ORDERS: tuple[Callable[[Mover], tuple[int, int, int, Key]], ...] = (
    lambda mover: (-_asks(mover, "memory"), -_asks(mover, CPU), len(mover.possible), mover.key),
    lambda mover: (len(mover.possible), -_asks(mover, "memory"), -_asks(mover, CPU), mover.key),
    lambda mover: (-_asks(mover, CPU), -_asks(mover, "memory"), len(mover.possible), mover.key),
)


def _pack(movers: Sequence[Mover], places: Places) -> dict[Key, str]:
    """A place for as many as find one, each put on the node that it fills most; what has moved leaves its source."""
    pods = {name: list(some) for name, some in places.pods.items()}
    left = {name: _left(places.by_name[name], some) for name, some in pods.items() if name in places.by_name}
    # A source that is not drained takes others once its VM has left.
    wide = any(mover.source not in places.drained for mover in movers) or _looks_beyond_a_node(movers, places)
    found: dict[Key, str] = {}
    for mover in movers:
        fitting = _fitting_everywhere(mover, places, pods) if wide else _fitting_singly(mover, places, pods, left)
        target = min(fitting, key=lambda name: (left[name], name), default=None)
        if target is None:
            continue
        for some in (pods.get(mover.source, []), pods[target]):
            some[:] = [pod for pod in some if not (mover.owner and pod.owner == mover.owner)]
        pods[target].append(_moved(mover, target))
        for name in {mover.source, target} & set(left):
            left[name] = _left(places.by_name[name], pods[name])
        found[mover.key] = target
    return found


def _looks_beyond_a_node(movers: Iterable[Mover], places: Places) -> bool:
    """Whether a rule of any pod looks at other nodes than the one that is asked for."""
    terms = [term for mover in movers for term in mover.needs.anti_affinity]
    terms += [term for some in places.pods.values() for pod in some for term in pod.anti_affinity]
    hostnames = [node.labels.get(HOSTNAME) for node in places.nodes]
    return (
        any(mover.needs.affinity or mover.needs.spread for mover in movers)
        or any(term.topology_key != HOSTNAME for term in terms)
        or len(set(hostnames)) < len(hostnames)
    )


def _fitting_everywhere(mover: Mover, places: Places, pods: Mapping[str, list[PodOnNode]]) -> list[str]:
    placement = find_candidates(
        mover.needs,
        places.nodes,
        pods_by_node=pods,
        namespaces=places.namespaces,
        left_out=places.left_out,
        drained=places.drained,
    )
    return list(placement.possible)


def _fitting_singly(
    mover: Mover, places: Places, pods: Mapping[str, list[PodOnNode]], left: Mapping[str, int]
) -> tuple[str, ...]:
    """Of the nodes that would take it alone the fullest that still does: no rule looks further, and that was judged
    before."""
    roomy = (name for name in mover.possible if left[name] >= _asks(mover, "memory"))
    for name in sorted(roomy, key=lambda name: (left[name], name)):
        there = {name: pods[name]}
        node = places.by_name[name]
        placement = find_candidates(mover.needs, [node], pods_by_node=there, namespaces=places.namespaces)
        if placement.possible:
            return placement.possible
    return ()


def _left(node: Node, pods: Iterable[PodOnNode]) -> int:
    room = node.allocatable_units or {}
    return room.get("memory", 0) - sum(pod.units.get("memory", 0) for pod in pods)


def _moved(mover: Mover, node: str) -> PodOnNode:
    needs = mover.needs
    return PodOnNode(needs.meta, node, False, needs.units, needs.anti_affinity, ())


# -- no place for all


def _proofs(movers: Sequence[Mover], places: Places) -> Iterator[Room]:
    """Sets of VMs that can go nowhere else and are too much for where they can go."""
    free = {node.name: _free(node, movers, places) for node in places.nodes}
    open_to = {mover.key: _open_to(mover, places) for mover in movers}
    sets = sorted(set(open_to.values()), key=lambda names: (len(names), sorted(names)))[:_MOST_SETS]
    for nodes in dict.fromkeys((*sets, frozenset().union(*sets))):
        bound = [mover for mover in movers if open_to[mover.key] <= nodes]
        yield from _too_much(bound, sorted(nodes), free)


def _open_to(mover: Mover, places: Places) -> frozenset[str]:
    """Nodes that are not known to be closed to the VM, whatever the other pods do. What cannot be judged is open."""
    shut = {*places.drained, *places.left_out, mover.source}
    return frozenset(
        node.name
        for node in places.nodes
        if node.name not in shut and all(one.code == NOT_JUDGED for one in static_exclusions(mover.needs, node))
    )


def _free(node: Node, movers: Iterable[Mover], places: Places) -> Units | None:
    """What would be free there once all that move have left; None where that is not known."""
    room = node.allocatable_units
    if room is None or node.name not in places.pods:
        return None
    leaving = {mover.owner for mover in movers} - {""}
    free = dict(room)
    for pod in places.pods[node.name]:
        if pod.owner not in leaving:
            for name, amount in {**pod.units, _PODS: 1}.items():
                free[name] = free.get(name, 0) - amount
    return free


def _too_much(movers: Sequence[Mover], nodes: Sequence[str], free: Mapping[str, Units | None]) -> Iterator[Room]:
    rooms = [room for name in nodes if (room := free[name]) is not None]
    if len(rooms) < len(nodes) or any(mover.needs.problems for mover in movers):
        return
    keys = tuple(mover.key for mover in movers)
    for resource in sorted({name for mover in movers for name in mover.needs.units} | {_PODS}):
        asked = sorted(1 if resource == _PODS else _asks(mover, resource) for mover in movers)
        left = [max(room.get(resource, 0), 0) for room in rooms]
        if sum(asked) > sum(left):
            yield Room(keys, tuple(nodes), resource, sum(asked), sum(left))
            continue
        most = sum(_how_many(asked, room) for room in left)
        if most < len(movers):
            yield Room(keys, tuple(nodes), "", len(movers), most)


def _how_many(asked: Sequence[int], room: int) -> int:
    """How many of the smallest of `asked` go into `room`: no choice of them could be more."""
    return sum(used <= room for used in accumulate(asked))
