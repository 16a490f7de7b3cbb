# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which target pods are looked at for a node, and that what is read for them is bounded."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.placement_reads import (
    PlacementReading,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.unschedulable import (
    MOST_PODS,
    find_unplaced,
    with_places,
)
from tests.unit import held, worlds
from tests.unit.placing import a_place
from tests.unit.worlds import World, together


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        (worlds.unschedulable(60), ("pod-web-1-target",)),
        (worlds.unschedulable(59), ()),
        (worlds.image_pull(200), ()),
        (worlds.quota(200), ()),
    ],
    ids=["refused for 60 s", "not yet", "bound", "no pod"],
)
def test_pods_that_have_been_refused_for_long_enough_are_looked_at(world: World, expected: tuple[str, ...]) -> None:
    assert find_unplaced(world.judge()) == expected


def test_of_many_the_longest_waiting_are_looked_at() -> None:
    many = [worlds.unschedulable(100 + number, vm=f"vm-{number}") for number in range(MOST_PODS + 5)]
    found = find_unplaced(together(*many).judge())
    assert found == tuple(f"pod-vm-{number}-target" for number in reversed(range(5, MOST_PODS + 5)))


class Given:
    """A PlacementReading of two nodes without pods, or of none that may be read."""

    def __init__(self, *, refused: bool = False) -> None:
        self.refused, self.asked = refused, 0
        self.unseen = {"placement/nodes": (Rule("list", "", "nodes"),)} if refused else {}

    def nodes(self) -> Any:
        self.asked += 1
        return None if self.refused else (Node.from_object(a_place("x")), Node.from_object(a_place("y")))

    def pods_on(self, names: Any) -> dict[str, Any]:
        return dict.fromkeys(names, ())

    def namespace_labels(self, names: Any) -> dict[str, Any]:
        return {name: {} for name in names}


def placed(given: Given, *uids: str) -> Any:
    world = together(held.other_cpu(), worlds.unschedulable(vm="two"))
    return with_places(cast(PlacementReading, given), world.snapshot(), uids=uids)


def test_only_the_pods_asked_for_are_placed() -> None:
    found = placed(Given(), "pod-web-1-target")
    assert set(found.needs) == {"pod-web-1-target"}
    assert [node.name for node in found.places.nodes] == ["x", "y"]


def test_refused_nodes_are_no_places_and_stand_with_what_was_not_seen() -> None:
    found = placed(Given(refused=True), "pod-web-1-target")
    assert found.places is None
    assert [rule.resource for rule in found.unseen_for("placement/nodes")] == ["nodes"]


def test_nothing_is_read_for_a_pod_whose_needs_are_not_known() -> None:
    given = Given()
    assert placed(given, "pod-of-another").places is None
    assert given.asked == 0
