# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage classes that late and stuck migrations share: read where that could be said, and only then."""

from __future__ import annotations

from typing import Any

from tests.cluster import Cluster
from tests.integration.looking import look

NODES = [{"name": "node-a"}, {"name": "node-b"}]
CLAIMS = "/persistentvolumeclaims"


def _world(cluster: Cluster, *, stuck: int, well: int, places: int = 1) -> None:
    vms, migrations = [], []
    for number in range(stuck + well):
        name, is_stuck = f"team-{chr(97 + number % places)}/db-{number}", number < stuck
        storage_class = "slow" if is_stuck else "fast"
        vms.append({"name": name, "node": "node-a", "claims": [f"disk-{number}"], "storage_class": storage_class})
        migrations.append({"vm": name, "phase": "Running", "since": 1500 if is_stuck else 60, "target": "node-b"})
    cluster.reset()
    limits = {"parallelMigrationsPerCluster": 40, "parallelOutboundMigrationsPerNode": 40}
    cluster.simulator.play(
        {
            "title": "Storage classes",
            "configuration": {"migrations": limits},
            "nodes": NODES,
            "vms": vms,
            "migrations": migrations,
        }
    )


def _look(cluster: Cluster, user: str = "admin", **params: Any) -> tuple[dict[str, Any], list[str]]:
    mark = cluster.audit_mark()
    result = look(cluster, user, **params)
    uris = [one["requestURI"] for one in cluster.audit_since(mark) if one["user"] == user]
    return result, [uri for uri in uris if CLAIMS in uri]


def test_shared_class_is_found_in_one_request_for_a_namespace(cluster: Cluster) -> None:
    _world(cluster, stuck=2, well=2)

    result, asked = _look(cluster)

    found = {one["kind"]: one["summary"] for one in result["correlations"]}
    assert found["storage_class"].startswith(
        "2 of 2 migrations of VMs with storage class slow are late or stuck, 0 of 2"
    )
    assert len(asked) == 1
    assert result["coverage"]["complete"] is True


def test_nothing_is_read_where_nothing_could_be_said(cluster: Cluster) -> None:
    for stuck, well in ((1, 2), (2, 0), (0, 2)):
        _world(cluster, stuck=stuck, well=well)
        assert _look(cluster)[1] == [], (stuck, well)


def test_at_most_eight_namespaces_are_read(cluster: Cluster) -> None:
    _world(cluster, stuck=9, well=3, places=10)

    assert len(_look(cluster)[1]) == 8


def test_shipped_rights_suffice(cluster: Cluster) -> None:
    _world(cluster, stuck=2, well=2)

    assert _look(cluster, "operator")[0]["coverage"]["complete"] is True
    assert len(_look(cluster, "tenant", namespaces=["team-a"])[1]) == 1
