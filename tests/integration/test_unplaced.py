# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where target pods could go that no node takes: what is said, what it costs, and who may see it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.looking import by_vm, look

REFUSAL = "0/4 nodes are available: 2 Insufficient memory, 1 node(s) were unschedulable, 1 node(s) didn't match."
NODES = [
    {"name": "node-a"},
    {"name": "node-b", "memory": "8Gi"},
    {"name": "node-c", "cordoned": True},
    {"name": "node-d", "cpu_model": "Haswell"},
]


def _world(cluster: Cluster, *, nodes: list[dict[str, Any]] | None = None, vms: int = 1, since: int = 200) -> None:
    names = [f"team-a/web-{number}" for number in range(1, vms + 1)]
    cluster.reset()
    cluster.simulator.play(
        {
            "title": "No node for the target pod",
            "nodes": nodes or NODES,
            "vms": [
                *({"name": name, "node": "node-a", "memory": "4Gi"} for name in names),
                {"name": "shop/cache-1", "node": "node-b", "memory": "4Gi"},
            ],
            "migrations": [
                {"vm": name, "phase": "Scheduling", "since": since, "pod": {"unschedulable": REFUSAL}} for name in names
            ],
        }
    )


def _uris(cluster: Cluster, user: str = "admin", **params: Any) -> tuple[dict[str, Any], list[str]]:
    mark = cluster.audit_mark()
    result = look(cluster, user, **params)
    return result, [one["requestURI"] for one in cluster.audit_since(mark) if one["user"] == user]


def test_every_node_has_its_reason_and_the_sentence_sums_them_up(cluster: Cluster) -> None:
    _world(cluster)

    found = by_vm(look(cluster))["team-a/web-1"]

    reasons = {one["node"]: one["code"] for one in found["placement"]["excluded"]}
    assert reasons == {
        "node-a": "VMRunsHere",
        "node-b": "InsufficientMemory",
        "node-c": "Cordoned",
        "node-d": "CPUModelMissing",
    }
    assert found["placement"]["summary"].startswith("0 of 4 nodes: ")
    assert [cause["code"] for cause in found["causes"]] == [
        "CPUModelMismatch",
        "InsufficientNodeResources",
        "NodesClosed",
        "TargetPodUnschedulable",
    ]
    assert "0 of 4 nodes" in found["causes"][-1]["summary"]


def test_node_that_has_room_by_now_is_possible_and_no_cause(cluster: Cluster) -> None:
    _world(cluster, nodes=[*NODES, {"name": "node-e"}])

    found = by_vm(look(cluster))["team-a/web-1"]

    assert found["placement"]["possible"] == ["node-e"]
    assert [cause["code"] for cause in found["causes"]] == ["TargetPodUnschedulable"]


def test_pods_are_read_only_where_the_node_itself_fits_and_counted_apart(cluster: Cluster) -> None:
    _world(cluster)
    plain, without = _uris(cluster, placement="never")

    result, seen = _uris(cluster)

    asked = [uri for uri in seen if "spec.nodeName" in uri and "status.phase" in uri]
    assert sorted(uri.split("spec.nodeName%3D")[1].split("%2C")[0] for uri in asked) == ["node-a", "node-b"]
    assert result["coverage"]["requests_for_placement"] == 3
    assert result["coverage"]["requests"] == plain["coverage"]["requests"] == len(without) == len(seen) - 3


def test_many_target_pods_cost_no_more_than_one(cluster: Cluster) -> None:
    _world(cluster, vms=6)

    result = look(cluster)

    assert result["coverage"]["requests_for_placement"] == 3
    assert all(entry["placement"]["summary"] for entry in result["migrations"])


@pytest.mark.parametrize(
    ("since", "params"), [(20, {}), (200, {"placement": "never"})], ids=["refused only now", "not wanted"]
)
def test_nothing_is_read_for_it(cluster: Cluster, since: int, params: dict[str, Any]) -> None:
    _world(cluster, since=since)

    result, seen = _uris(cluster, **params)

    assert result["coverage"]["requests_for_placement"] == 0
    assert result["coverage"]["complete"] is True
    assert [entry["placement"] for entry in result["migrations"]] == [{}]
    assert not [uri for uri in seen if uri.startswith("/api/v1/nodes?")]


def test_tenant_gets_the_verdict_and_the_rule_that_would_show_more(cluster: Cluster) -> None:
    _world(cluster)

    result = look(cluster, "tenant", namespaces=["team-a"])

    found = by_vm(result)["team-a/web-1"]
    assert (found["verdict"], found["cause"]) == ("blocked", "TargetPodUnschedulable")
    assert found["placement"] == {}
    assert ("list", "nodes") in {(rule["verb"], rule["resource"]) for rule in result["coverage"]["missing"]}


def test_namespaces_are_read_where_an_affinity_selects_them(cluster: Cluster) -> None:
    _world(cluster)
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"kubevirt.io": "virt-launcher"}}}
    term["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": "team-a"}}
    guard = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "guard", "namespace": "shop"},
        "spec": {
            "nodeName": "node-b",
            "containers": [{"name": "guard", "image": "guard"}],
            "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
        },
    }
    status, body = cluster.request("POST", "/api/v1/namespaces/shop/pods", body=guard)
    assert status == 201, body

    result, seen = _uris(cluster)

    found = by_vm(result)["team-a/web-1"]["placement"]["excluded"]
    codes = {one["node"]: {one["code"], *(more["code"] for more in one["also"])} for one in found}
    assert "PodAntiAffinity" in codes["node-b"]
    assert any(uri.partition("?")[0] == "/api/v1/namespaces/team-a" for uri in seen)
