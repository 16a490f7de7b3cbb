# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings asked as one of the test cluster's users, and the objects that it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_settings import run
from tests.cluster import Cluster
from tests.cluster.crds import OUR_CRDS, read_crds
from tests.cluster.simulator.hyperconverged import HyperConvergedOperator
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
# What max_downtime_ms needs.
GATE = ("MigrationStallDetection",)
GATES = {"developerConfiguration": {"featureGates": [*GATE]}}

Object = dict[str, Any]


def ask(
    cluster: Cluster,
    user: str = "admin",
    *,
    check_mode: bool = False,
    clock: Clock | None = None,
    impersonate: str | None = None,
    **params: Any,
) -> Object:
    """The result of migration_settings for `params`, as `user`, or as the one whom that user impersonates."""
    with client_of(cluster, user, impersonate_user=impersonate) as client:
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


def theirs(**values: Any) -> Object:
    """A merge patch of somebody else's that gives KubeVirt these settings."""
    return {"spec": {"configuration": {"migrations": values}}}


def version(cluster: Cluster, path: str = KUBEVIRT) -> str:
    """The object's resourceVersion: it changes with every write that changes anything."""
    return str(read(cluster, path)["metadata"]["resourceVersion"])


def events(cluster: Cluster, namespace: str = "kubevirt") -> list[Object]:
    """Our events there, oldest first."""
    found = read(cluster, f"/api/v1/namespaces/{namespace}/events")["items"]
    ours = [one for one in found if one["source"].get("component") == "kubevirt-ops-live-migration"]
    return sorted(ours, key=lambda one: int(one["metadata"]["resourceVersion"]))


# --- HyperConverged ---

# What its definition gives where nobody sets it.
DEFAULTS = {
    "allowAutoConverge": False,
    "allowPostCopy": False,
    "allowWorkloadDisruption": False,
    "completionTimeoutPerGiB": 20,
    "parallelMigrationsPerCluster": 5,
    "parallelOutboundMigrationsPerNode": 1,
    "progressTimeout": 150,
}
ANNOTATION = "kubevirt.kubevirt.io/jsonpatch"


@dataclass
class Managed:
    """A cluster whose KubeVirt HyperConverged makes. `operator` acts when it is told to, or while somebody waits."""

    cluster: Cluster
    operator: HyperConvergedOperator
    version: str

    def ask(self, user: str = "admin", **params: Any) -> Object:
        """migration_settings; the operator acts while it waits."""
        return ask(self.cluster, user, clock=ActingClock(self.operator.step), **params)

    def config(self) -> Object:
        """HyperConverged's settings, without what its definition gives anyway."""
        spec = read(self.cluster, self.operator.path)["spec"]
        config = (spec["virtualization"] if self.version == "v1" else spec)["liveMigrationConfig"]
        return {name: value for name, value in config.items() if DEFAULTS.get(name) != value}

    def body(self, **settings: Any) -> Object:
        """A merge patch of its settings."""
        inner = {"liveMigrationConfig": settings}
        return {"spec": {"virtualization": inner} if self.version == "v1" else inner}

    def annotation(self) -> str | None:
        """The text of its annotation for KubeVirt; None without one."""
        found: str | None = (read(self.cluster, self.operator.path)["metadata"].get("annotations") or {}).get(
            ANNOTATION
        )
        return found

    def annotate(self, text: str | None) -> None:
        """Somebody else writes that annotation."""
        change(self.cluster, self.operator.path, {"metadata": {"annotations": {ANNOTATION: text}}})

    def carried(self) -> Object:
        """What KubeVirt has of it, without what HyperConverged gives anyway."""
        found = read(self.cluster, self.operator.operand_path)["spec"]["configuration"]["migrations"]
        return {name: value for name, value in found.items() if DEFAULTS.get(name) != value}

    def state(self) -> Object:
        """Spec and annotations of HyperConverged."""
        return state(self.cluster, self.operator.path)


class ActingClock(Clock):
    """Waiting takes no time, and lets somebody act instead."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        # What was asked for in pauses, all together.
        self.pauses = 0.0

    def monotonic(self) -> float:
        return self.pauses

    def sleep(self, seconds: float) -> None:
        self.pauses += seconds
        self._act()


def managed(cluster: Cluster, *, version: str = "v1", settings: Object | None = None, **more: Any) -> Managed:
    """The usual world under HyperConverged with these settings and annotations."""
    world(cluster)
    operator = HyperConvergedOperator(cluster.simulator.api, version=version)
    operator.plant(settings, **more)
    return Managed(cluster, operator, version)


def definitions(folder: Path, *, alter: Callable[[dict[str, Object]], None]) -> Path:
    """Our definitions in `folder`, altered: `alter` gets them by kind."""
    found = {one["spec"]["names"]["kind"]: one for one in read_crds(OUR_CRDS)}
    alter(found)
    for kind, one in found.items():
        (folder / f"{kind}.yml").write_text(yaml.safe_dump(one), encoding="utf-8")
    return folder


def versions(definition: Object) -> dict[str, Object]:
    """The versions of a definition, by name."""
    return {one["name"]: one for one in definition["spec"]["versions"]}


def serve_v1beta1_alone(found: dict[str, Object]) -> None:
    """v1 is what is stored, nobody converts, and v1 is not served: what is written as v1beta1 is lost."""
    versions(found["HyperConverged"])["v1"]["served"] = False


def older(found: dict[str, Object]) -> None:
    """As before HyperConverged's v1, with a KubeVirt that knows less."""
    serve_v1beta1_alone(found)
    for one in versions(found["HyperConverged"]).values():
        one["storage"] = one["name"] == "v1beta1"
    for one in versions(found["KubeVirt"]).values():
        spec = one["schema"]["openAPIV3Schema"]["properties"]["spec"]
        spec["properties"]["configuration"]["properties"]["migrations"]["properties"].pop("utilityVolumesTimeout", None)
