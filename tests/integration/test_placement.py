# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we say a pod could go to, against what the real scheduler says, over random clusters and launcher pods.

LIVE_MIGRATION_PLACEMENT_WORLDS: how many clusters (30).
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodNeeds,
    PodOnNode,
    group_by_node,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import (
    Placement,
    find_candidates,
    nodes_to_read,
)
from tests.cluster import Cluster
from tests.integration.placement_worlds import NAMESPACES, ROLE, TRIED, Object, PlacementWorld, a_world
from tests.integration.scheduler import Scheduler, running_scheduler

WORLDS = int(os.environ.get("LIVE_MIGRATION_PLACEMENT_WORLDS", "30"))
PODS = "/api/v1/pods"
NODES = "/api/v1/nodes"


@pytest.fixture(scope="module")
def bare_cluster() -> Iterator[Cluster]:
    """Without the simulator: its pods are none of the scheduler's business, and the scheduler none of theirs."""
    with Cluster.start() as running:
        for name, labels in NAMESPACES.items():
            send(running, "POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        yield running


@pytest.fixture(scope="module")
def scheduler(bare_cluster: Cluster) -> Iterator[Scheduler]:
    with running_scheduler(bare_cluster) as running:
        yield running


@pytest.fixture
def empty_cluster(bare_cluster: Cluster) -> Cluster:
    bare_cluster.etcd_delete_prefix("/registry/pods/")
    bare_cluster.etcd_delete_prefix("/registry/minions/")
    return bare_cluster


def send(cluster: Cluster, method: str, path: str, body: Any) -> Any:
    status, answer = cluster.request(method, path, body=body)
    assert status < 300, f"{method} {path}: {answer.get('message')}"
    return answer


def items(cluster: Cluster, path: str) -> list[Object]:
    status, answer = cluster.request("GET", path)
    assert status == 200, answer
    found: list[Object] = answer["items"]
    return found


def fill(cluster: Cluster, world: PlacementWorld) -> None:
    for node in world.nodes:
        send(cluster, "POST", NODES, node)
    for pod in world.pods:
        name, path = pod["metadata"]["name"], f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods"
        if name in world.deleted:
            pod = copy.deepcopy(pod)
            pod["metadata"]["finalizers"] = ["test.invalid/stays"]
        send(cluster, "POST", path, pod)
        if name in world.finished:
            send(cluster, "PATCH", f"{path}/{name}/status", {"status": {"phase": "Succeeded"}})
        if name in world.deleted:
            send(cluster, "DELETE", f"{path}/{name}", {"gracePeriodSeconds": 30})


def try_pods(cluster: Cluster, scheduler: Scheduler, launchers: list[Object], /) -> dict[str, frozenset[str]]:
    """The nodes left for each launcher pod, by its name, once the scheduler has seen everything made before."""
    wait_for_all_nodes(cluster, scheduler)
    for pod in launchers:
        send(cluster, "POST", f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods", pod)
    return scheduler.nodes_left(PODS, selector=TRIED)


def wait_for_all_nodes(cluster: Cluster, scheduler: Scheduler) -> None:
    """A last node, and a pod that fits there alone: seen together, so all that was made before was seen too."""
    name = f"last-{len(items(cluster, NODES))}-{os.urandom(3).hex()}"
    send(cluster, "POST", NODES, {"metadata": {"name": name}, "status": {"allocatable": {"pods": "9"}}})
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    pod = {
        "metadata": {"name": name, "labels": {ROLE: name}},
        "spec": {"containers": [{"name": "c", "image": "none.invalid/x"}], "affinity": {"nodeAffinity": required}},
    }
    path = "/api/v1/namespaces/default/pods"
    for _attempt in range(200):
        send(cluster, "POST", path, pod)
        if scheduler.nodes_left(path, selector=f"{ROLE}={name}") == {name: frozenset({name})}:
            return
        send(cluster, "DELETE", f"{path}/{name}", {"gracePeriodSeconds": 0})
    raise AssertionError(f"the scheduler does not see the node {name}")


def placements(cluster: Cluster, *, cheap: bool = False) -> dict[str, Placement]:
    """Our answer for each launcher pod, from what the API gives. `cheap`: pods of the needed nodes alone."""
    nodes = [Node.from_object(item) for item in items(cluster, NODES)]
    raw = items(cluster, PODS)
    there = [PodOnNode.from_object(item) for item in raw if item["spec"].get("nodeName")]
    found = {}
    for item in raw:
        if item["metadata"].get("labels", {}).get(ROLE) != "tried":
            continue
        needs = PodNeeds.from_object(item)
        read = group_by_node(there, names=nodes_to_read(needs, nodes) if cheap else [node.name for node in nodes])
        found[needs.meta.name] = find_candidates(needs, nodes, pods_by_node=read, namespaces=NAMESPACES)
    return found


def differences(ours: dict[str, Placement], theirs: dict[str, frozenset[str]]) -> list[str]:
    assert ours.keys() == theirs.keys()
    found = []
    for name, placement in ours.items():
        for node in sorted(set(placement.possible) ^ theirs[name]):
            why = "; ".join(one.text for one in placement.reasons[node]) or "possible"
            found.append(f"{name} on {node}: we say {why}, the scheduler {'takes' if node in theirs[name] else 'not'}")
    return found


@pytest.mark.parametrize("seed", range(WORLDS))
def test_possible_nodes_are_those_the_scheduler_leaves(empty_cluster: Cluster, scheduler: Scheduler, seed: int) -> None:
    world = a_world(seed)
    fill(empty_cluster, world)
    theirs = try_pods(empty_cluster, scheduler, world.launchers)
    ours = placements(empty_cluster)
    assert len(ours) == len(world.launchers)
    assert differences(ours, theirs) == []
    # Nodes whose pods need not be read decide nothing, but for a wide anti-affinity of their pods: then that is said.
    for name, placement in placements(empty_cluster, cheap=True).items():
        extra = set(placement.possible) - theirs[name]
        assert theirs[name] <= set(placement.possible)
        assert not extra or any("anti-affinity" in sentence for sentence in placement.not_judged)
