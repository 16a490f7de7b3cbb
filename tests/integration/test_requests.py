# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look costs, counted in the API server's own audit log."""

from __future__ import annotations

from typing import Any

from tests.cluster import Cluster
from tests.integration.looking import look

NODES = [{"name": "node-a"}, {"name": "node-b"}]
MOVING = {"vm": "team-a/web-1", "phase": "Running", "since": 100, "target": "node-b"}


def _world(cluster: Cluster, *, vms: list[str], migrations: list[dict[str, Any]]) -> None:
    cluster.reset()
    cluster.simulator.play(
        {
            "title": "Counting",
            "nodes": NODES,
            "vms": [{"name": name, "node": "node-a"} for name in ["team-a/web-1", *vms]],
            "migrations": [MOVING, *migrations],
        }
    )


def _requests(cluster: Cluster, **params: Any) -> list[str]:
    mark = cluster.audit_mark()
    result = look(cluster, **params)
    seen = [entry["requestURI"] for entry in cluster.audit_since(mark) if entry["user"] == "admin"]
    assert result["coverage"]["requests"] + result["coverage"]["requests_for_placement"] == len(seen)
    return seen


def test_idle_vms_and_finished_migrations_cost_no_request(cluster: Cluster) -> None:
    _world(cluster, vms=[], migrations=[])
    alone = _requests(cluster)
    idle = [f"shop/idle-{number}" for number in range(12)]
    _world(
        cluster,
        vms=idle,
        migrations=[{"vm": vm, "phase": "Succeeded", "since": 60, "target": "node-b"} for vm in idle],
    )
    crowded = _requests(cluster)

    assert len(crowded) == len(alone)
    assert not [uri for uri in crowded if "idle-" in uri]


def test_one_vm_costs_at_most_twelve_requests_behind_a_long_queue(cluster: Cluster) -> None:
    waiting = [f"shop/waits-{number}" for number in range(15)]
    _world(cluster, vms=waiting, migrations=[{"vm": vm, "phase": "Pending", "since": 90} for vm in waiting])

    assert len(_requests(cluster, vms=["shop/waits-9"])) <= 12


def test_one_vm_with_two_migrations_costs_at_most_twelve_requests(cluster: Cluster) -> None:
    older = {**MOVING, "vm": "shop/cart-1"}
    starting = {"vm": "shop/cart-2", "phase": "Scheduling", "since": 20, "target": "node-b"}
    both = [older, {"vm": "shop/cart-1", "phase": "Pending", "since": 90, "beside": True}]
    _world(cluster, vms=["shop/cart-1", "shop/cart-2"], migrations=[*both, starting])

    assert len(_requests(cluster, vms=["shop/cart-1"])) <= 12


def test_one_namespace_asks_for_no_other_namespaces_objects(cluster: Cluster) -> None:
    _world(cluster, vms=["shop/cart-1"], migrations=[{**MOVING, "vm": "shop/cart-1"}])

    assert not [uri for uri in _requests(cluster, namespaces=["team-a"]) if "shop" in uri or "cart-1" in uri]
