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
from pathlib import Path
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
from tests.cluster import Cluster, build
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
        if name in world.statuses:
            send(cluster, "PATCH", f"{path}/{name}/status", {"status": world.statuses[name]})
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


UNSUPPORTED: dict[str, tuple[Object, str]] = {
    "host_port": (
        {"containers": [{"name": "c", "image": "x", "ports": [{"containerPort": 8080, "hostPort": 8080}]}]},
        "the pod asks for ports of its host, which are not compared",
    ),
    "host_network": (
        {"hostNetwork": True, "containers": [{"name": "c", "image": "x", "ports": [{"containerPort": 8080}]}]},
        "the pod asks for ports of its host, which are not compared",
    ),
}


@pytest.mark.parametrize(("spec", "why"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_is_not_judged_is_said_where_the_scheduler_would_take_it(
    empty_cluster: Cluster, scheduler: Scheduler, spec: Object, why: str
) -> None:
    """All that we know to differ: there the scheduler takes a node and we say that we do not know."""
    send(empty_cluster, "POST", NODES, {"metadata": {"name": "free"}, "status": {"allocatable": {"pods": "9"}}})
    pod = {"metadata": {"name": "odd", "namespace": "place-a", "labels": {ROLE: "tried"}}, "spec": spec}
    theirs = try_pods(empty_cluster, scheduler, [pod])
    ours = placements(empty_cluster)["odd"]
    assert "free" in theirs["odd"]
    assert ours.possible == ()
    assert {one.text for one in ours.excluded} == {f"cannot be judged: {why}"}


def test_bound_pod_of_a_resize_that_cannot_be_done_counts_in_full(empty_cluster: Cluster, scheduler: Scheduler) -> None:
    """The other known difference: the scheduler leaves the wanted amount out, we count it."""
    allocatable = {"pods": "9", "cpu": "4"}
    send(empty_cluster, "POST", NODES, {"metadata": {"name": "n"}, "status": {"allocatable": allocatable}})
    container = {"name": "c", "image": "x", "resources": {"requests": {"cpu": "3"}}}
    path = "/api/v1/namespaces/place-a/pods"
    send(empty_cluster, "POST", path, {"metadata": {"name": "b"}, "spec": {"nodeName": "n", "containers": [container]}})
    amounts = {"cpu": "1"}
    given = {"name": "c", "image": "x", "imageID": "", "ready": True, "restartCount": 0, "allocatedResources": amounts}
    status = {
        "phase": "Running",
        "containerStatuses": [{**given, "resources": {"requests": amounts}}],
        "conditions": [{"type": "PodResizePending", "status": "True", "reason": "Infeasible"}],
    }
    send(empty_cluster, "PATCH", f"{path}/b/status", {"status": status})
    wanting = {"name": "c", "image": "x", "resources": {"requests": {"cpu": "2"}}}
    pod = {
        "metadata": {"name": "t", "namespace": "place-a", "labels": {ROLE: "tried"}},
        "spec": {"containers": [wanting]},
    }
    theirs = try_pods(empty_cluster, scheduler, [pod])
    assert theirs["t"] == {"n"}
    assert placements(empty_cluster)["t"].reasons["n"][0].code == "InsufficientCPU"


def test_given_scheduler_is_taken_and_a_missing_one_is_built_into_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    monkeypatch.setattr(build, "_build", lambda _tool, *, target, **_: target.touch())
    built = build.ensure_scheduler(report=lambda _line: None)
    assert built.is_relative_to(tmp_path / "cache")
    assert built.is_file()
    given = tmp_path / "kube-scheduler"
    given.touch(mode=0o755)
    assert build.ensure_scheduler() == given
