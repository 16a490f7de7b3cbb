# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One half of a migration to or from another cluster: nothing is said of what lies in the other one."""

from __future__ import annotations

import pytest

from tests.unit.worlds import World, a_copy, a_world, handler_down, judged, node_down, same_node

HALVES = {"target": {"sendTo": {"migrationID": "x", "connectURL": "y"}}, "source": {"receive": {"migrationID": "x"}}}


def half(world: World, *, other: str) -> World:
    """Its `other` side is in another cluster."""
    world.migration["spec"] |= HALVES[other]
    return world


def without_node(world: World, role: str) -> World:
    name = world.state[f"{role}Node"]
    world.nodes = [node for node in world.nodes if node["metadata"]["name"] != name]
    world.pods = [pod for pod in world.pods if pod["spec"]["nodeName"] != name]
    return world


@pytest.mark.parametrize("other", ["source", "target"])
def test_node_of_another_cluster_is_not_missed_here(other: str) -> None:
    world = without_node(half(a_copy(), other=other), other)

    assert judged(world) == ("progressing", "")


@pytest.mark.parametrize(("other", "side"), [("target", "dst"), ("source", "src")])
def test_node_of_the_same_name_here_is_another_one(other: str, side: str) -> None:
    assert judged(half(node_down(side), other=other)) == ("progressing", "")


@pytest.mark.parametrize(("other", "side"), [("source", "dst"), ("target", "src")])
def test_node_on_this_side_is_judged(other: str, side: str) -> None:
    verdict, _cause = judged(half(node_down(side), other=other))

    assert verdict == "blocked"


def test_virt_handler_of_another_cluster_is_not_missed_here() -> None:
    assert judged(half(handler_down("src"), other="source")) == ("progressing", "")
    assert judged(half(handler_down("src"), other="target")) == ("blocked", "SourceHandlerDown")


@pytest.mark.parametrize("other", ["source", "target"])
def test_nodes_of_one_name_in_two_clusters_are_two(other: str) -> None:
    assert judged(same_node()) == ("blocked", "TargetIsSourceNode")
    assert judged(half(same_node(), other=other))[1] != "TargetIsSourceNode"


@pytest.mark.parametrize("phase", ["Scheduling", "PreparingTarget", "TargetReady"])
def test_target_pod_of_another_cluster_is_not_missed_here(phase: str) -> None:
    world = half(a_world(phase, age_seconds=290), other="target")
    world.pods = [pod for pod in world.pods if not pod["metadata"]["name"].endswith("-target")]

    assert judged(world) == ("progressing", "")
