# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What migration_info answers about the test cluster, asked as one of its users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster import Cluster

RESOURCES = {
    "migrations": "/apis/kubevirt.io/v1/virtualmachineinstancemigrations",
    "vmis": "/apis/kubevirt.io/v1/virtualmachineinstances",
    "kubevirts": "/apis/kubevirt.io/v1/kubevirts",
    "pods": "/api/v1/pods",
    "nodes": "/api/v1/nodes",
    "events": "/api/v1/events",
    "leases": "/apis/coordination.k8s.io/v1/leases",
}


@contextmanager
def client_of(cluster: Cluster, user: str, **options: Any) -> Iterator[Any]:
    """A client of the collection's own, with the user's kubeconfig."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import connect
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from

    client = connect(settings_from({"kubeconfig": str(cluster.kubeconfig(user)), **options}, environ={}))
    try:
        yield client
    finally:
        client.close()


def look(cluster: Cluster, user: str = "admin", **params: Any) -> dict[str, Any]:
    """The result of migration_info for `params`, as `user`."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_info import run

    with client_of(cluster, user) as client:
        return run(client, params, Clock())


def take_evidence(cluster: Cluster, user: str = "admin", *, clock: Any = None, **params: Any) -> dict[str, Any]:
    """The result of migration_evidence for `params`, as `user`."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_evidence import run

    with client_of(cluster, user, impersonate_user=params.pop("played", None)) as client:
        return run(client, params, clock or Clock(), check_mode=bool(params.pop("check_mode", False)))


def look_at(src: Path, **params: Any) -> dict[str, Any]:
    """The result of migration_info for what lies at `src`, with what the module warns of besides."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_info import run
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.source import connect_or_open

    client = connect_or_open({"src": str(src)}, Clock())
    return {**run(client, params, Clock()), "said_of_the_source": client.warnings}


def raw_objects(cluster: Cluster) -> dict[str, list[dict[str, Any]]]:
    """Every object of the kinds that matter, as k8s_info would return them."""
    found = {}
    for name, path in RESOURCES.items():
        status, body = cluster.request("GET", path)
        assert status == 200, (path, body)
        assert isinstance(body, dict)
        found[name] = body["items"]
    return found


def by_vm(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The newest entry of each VM, by namespace/vm."""
    entries = sorted(result["migrations"], key=lambda entry: entry["created_at"])
    return {f"{entry['namespace']}/{entry['vm']}": entry for entry in entries}
