# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of every placement, over random clusters and over objects that no API server would give."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import Placement
from tests.integration.placement_worlds import NAMESPACES, PlacementWorld, a_world
from tests.unit.mangling import at, dropped, paths_of, replaced
from tests.unit.placing import place

CALM = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 10_000)
STRANGE = [7, "x", [], {}, True, 1.5, [7], {"x": 7}]
# Numbers and text are both amounts.
NO_AMOUNTS: list[Any] = [[], {}, True, [7]]
AMOUNTS = ("allocatable", "capacity", "requests", "limits")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def a_small_world(seed: int) -> PlacementWorld:
    """With so few launcher pods that each change of the world is seen soon."""
    world = a_world(seed)
    return PlacementWorld(**{**world.__dict__, "launchers": world.launchers[:2]})


def placed(world: PlacementWorld) -> list[Placement]:
    return [place(pod, world.nodes, world.pods, namespaces=NAMESPACES) for pod in world.launchers]


def spoil(world: PlacementWorld, random: Random, /, change: Any) -> PlacementWorld:
    """One object of the world with one place changed."""
    kind = random.choice([name for name in ("nodes", "pods", "launchers") if getattr(world, name)])
    items = copy.deepcopy(getattr(world, kind))
    number = random.randrange(len(items))
    path = random.choice(list(paths_of(items[number])))
    items[number] = change(items[number], path)
    return PlacementWorld(**{**world.__dict__, kind: items})


@CALM
@given(SEEDS, st.randoms(use_true_random=False))
def test_value_of_another_type_never_opens_a_node(seed: int, random: Random) -> None:
    world = a_small_world(seed)

    def change(obj: Any, path: tuple[Any, ...]) -> Any:
        old = at(obj, path)
        allowed = NO_AMOUNTS if len(path) > 1 and path[-2] in AMOUNTS else STRANGE
        return replaced(obj, path, random.choice([new for new in allowed if type(new) is not type(old)]))

    for before, after in zip(placed(world), placed(spoil(world, random, change)), strict=True):
        assert set(after.possible) <= set(before.possible)


@CALM
@given(SEEDS, st.randoms(use_true_random=False), JSON)
def test_no_object_makes_a_traceback(seed: int, random: Random, value: Any) -> None:
    world = a_small_world(seed)
    for change in (dropped, lambda obj, path: replaced(obj, path, value)):
        for placement in placed(spoil(world, random, change)):
            assert len(placement.possible) + len(placement.excluded) == len(placement.reasons)
            assert all(one.text for one in placement.excluded)


@CALM
@given(SEEDS, st.randoms(use_true_random=False))
def test_order_of_lists_means_nothing(seed: int, random: Random) -> None:
    world = a_small_world(seed)
    nodes, pods = list(world.nodes), list(world.pods)
    random.shuffle(nodes)
    random.shuffle(pods)
    shuffled = PlacementWorld(**{**world.__dict__, "nodes": nodes, "pods": pods})
    for before, after in zip(placed(world), placed(shuffled), strict=True):
        assert {name: [one.code for one in found] for name, found in before.reasons.items()} == {
            name: [one.code for one in found] for name, found in after.reasons.items()
        }
        assert before.summary == after.summary


@CALM
@given(SEEDS, st.randoms(use_true_random=False))
def test_reading_fewer_pods_never_opens_a_node_it_did_not_warn_of(seed: int, random: Random) -> None:
    world = a_small_world(seed)
    names = [node["metadata"]["name"] for node in world.nodes]
    read = random.sample(names, random.randint(0, len(names)))
    for pod in world.launchers:
        whole = place(pod, world.nodes, world.pods, namespaces=NAMESPACES)
        part = place(pod, world.nodes, world.pods, namespaces=NAMESPACES, read=read)
        assert set(part.possible) <= set(read)
        for name in set(part.possible) - set(whole.possible):
            assert {one.code for one in whole.reasons[name]} <= {"PodAntiAffinity", "VMRunsHere"}
            assert any("anti-affinity" in sentence for sentence in part.not_judged)
