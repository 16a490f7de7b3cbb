# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes between two requests of one look never makes a migration look stuck."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.looking import client_of

NAMESPACE = "/apis/kubevirt.io/v1/namespaces/team-a"
VMI = f"{NAMESPACE}/virtualmachineinstances/web-1"
MIGRATIONS = f"{NAMESPACE}/virtualmachineinstancemigrations"


def _look_while(cluster: Cluster, happens: Callable[[], None]) -> dict[str, Any]:
    """migration_info, with `happens` after the migrations and before the VMIs are read."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_info import run

    with client_of(cluster, "admin") as client:
        read = client.get_many

        def late(paths: Any, **options: Any) -> Any:
            client.get_many = read
            happens()
            return read(paths, **options)

        client.get_many = late
        return run(client, {"include_finished": True}, Clock())


@pytest.fixture
def moving(cluster: Cluster) -> Cluster:
    """A VM that has been copying for ten minutes."""
    cluster.simulator.play(
        {
            "title": "One VM copies",
            "nodes": [{"name": "node-a"}, {"name": "node-b"}],
            "vms": [{"name": "team-a/web-1", "node": "node-a", "memory": "32Gi"}],
            "migrations": [{"vm": "team-a/web-1", "phase": "Running", "since": 600, "target": "node-b"}],
        }
    )
    return cluster


def _end(cluster: Cluster, phase: str) -> None:
    body = cluster.request("GET", MIGRATIONS)[1]
    assert isinstance(body, dict)
    (migration,) = body["items"]
    times = migration["status"]["phaseTransitionTimestamps"]
    entered = {**times[-1], "phase": phase}

    def ended(obj: dict[str, Any]) -> dict[str, Any]:
        obj["status"]["phase"] = phase
        obj["status"]["phaseTransitionTimestamps"].append(entered)
        return obj

    cluster.rewrite(f"{MIGRATIONS}/{migration['metadata']['name']}", ended)


def test_vm_that_is_stopped_meanwhile_is_not_called_stuck(moving: Cluster) -> None:
    def stop() -> None:
        _end(moving, "Failed")
        moving.rewrite(VMI, lambda obj: (obj["metadata"].pop("finalizers", None), obj)[1])
        assert moving.request("DELETE", VMI)[0] == 200

    (entry,) = _look_while(moving, stop)["migrations"]

    assert (entry["verdict"], entry["stuck"]) == ("failed", False)


def test_next_migration_that_is_handed_over_meanwhile_accuses_nobody(moving: Cluster) -> None:
    def another(obj: dict[str, Any]) -> dict[str, Any]:
        obj["status"]["migrationState"]["migrationUid"] = "00000000-0000-4000-8000-000000000000"
        return obj

    def go_on() -> None:
        _end(moving, "Succeeded")
        moving.rewrite(VMI, another)

    (entry,) = _look_while(moving, go_on)["migrations"]

    assert (entry["verdict"], entry["cause"]) == ("succeeded", "")
