# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings asked as one of the test cluster's users, and the objects that it changes."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_settings import run
from tests.cluster import Cluster
from tests.integration.looking import client_of
from tests.integration.simulated import done, read

KUBEVIRT = "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts/kubevirt"
RECORD = "live-migration.kubevirt-ops/last-change"
# Of another value than the default, each of the kind that the option takes.
EVERY: dict[str, tuple[str, Any]] = {
    "allow_auto_converge": ("allowAutoConverge", True),
    "allow_post_copy": ("allowPostCopy", True),
    "allow_workload_disruption": ("allowWorkloadDisruption", True),
    "bandwidth_per_migration": ("bandwidthPerMigration", "64Mi"),
    "completion_timeout_per_gib": ("completionTimeoutPerGiB", 300),
    "disable_tls": ("disableTLS", True),
    "match_selinux_level_on_migration": ("matchSELinuxLevelOnMigration", False),
    "max_downtime_ms": ("maxDowntimeMs", 500),
    "network": ("network", "migration-net"),
    "node_drain_taint_key": ("nodeDrainTaintKey", "example.org/empty"),
    "parallel_migrations_per_cluster": ("parallelMigrationsPerCluster", 9),
    "parallel_outbound_migrations_per_node": ("parallelOutboundMigrationsPerNode", 3),
    "progress_timeout": ("progressTimeout", 240),
    "unsafe_migration_override": ("unsafeMigrationOverride", True),
    "utility_volumes_timeout": ("utilityVolumesTimeout", 33),
}
SOME = {"progress_timeout": 240, "bandwidth_per_migration": "64Mi"}
INSISTING = ["UnsafeMigration", "UnsupportedHCOModification", "PostCopyNeverApplies"]
GATES = {"developerConfiguration": {"featureGates": ["MigrationStallDetection"]}}

Object = dict[str, Any]


def ask(cluster: Cluster, user: str = "admin", *, check_mode: bool = False, clock: Any = None, **params: Any) -> Object:
    """The result of migration_settings for `params`, as `user`."""
    with client_of(cluster, user) as client:
        return run(client, params, clock or Clock(), check_mode=check_mode)


def world(cluster: Cluster, *, configuration: Object | None = None, **more: Any) -> None:
    """Two nodes, one VM, KubeVirt with this configuration."""
    cluster.reset()
    cluster.simulator.play(
        {
            "title": "Settings",
            "configuration": configuration or {},
            "nodes": [{"name": "node-a"}, {"name": "node-b"}],
            "vms": [{"name": "team-a/web-1", "node": "node-a"}],
            **more,
        }
    )


def state(cluster: Cluster, path: str = KUBEVIRT) -> Object:
    """Spec and annotations of an object, as they are now."""
    found = read(cluster, path)
    return {"spec": found["spec"], "annotations": found["metadata"].get("annotations")}


def migrations(cluster: Cluster) -> Object | None:
    """spec.configuration.migrations of KubeVirt; None where it is not there."""
    found: Object | None = read(cluster, KUBEVIRT)["spec"]["configuration"].get("migrations")
    return found


def change(cluster: Cluster, path: str, body: Any) -> Object:
    """Somebody else's merge patch."""
    return done(cluster.request("PATCH", path, body=body))


def version(cluster: Cluster, path: str = KUBEVIRT) -> str:
    """The object's resourceVersion: it changes with every write that changes anything."""
    return str(read(cluster, path)["metadata"]["resourceVersion"])


def events(cluster: Cluster, namespace: str = "kubevirt") -> list[Object]:
    """Our events there, oldest first."""
    found = read(cluster, f"/api/v1/namespaces/{namespace}/events")["items"]
    ours = [one for one in found if one["source"].get("component") == "kubevirt-ops-live-migration"]
    return sorted(ours, key=lambda one: int(one["metadata"]["resourceVersion"]))
