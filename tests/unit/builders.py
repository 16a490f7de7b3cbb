# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw objects as Kubernetes and KubeVirt write them, each told only what matters for a test.

All ages are seconds before NOW. UIDs follow from names: VM `web-1` has the VMI `vmi-web-1` and the migration
`mig-web-1`, leaves `src-web-1` and goes to `dst-web-1`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=timezone.utc)
NAMESPACE = "team-a"
PHASES = ("Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running", "Succeeded")
CONFIGURATION = {
    "allowAutoConverge": False,
    "allowPostCopy": False,
    "bandwidthPerMigration": "0",
    "completionTimeoutPerGiB": 150,
    "parallelMigrationsPerCluster": 5,
    "parallelOutboundMigrationsPerNode": 2,
    "progressTimeout": 150,
}

Object = dict[str, Any]


def ago(seconds: float) -> str:
    """That long before NOW, as the API writes it."""
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def a_migration(
    phase: str = "Pending",
    *,
    age_seconds: int = 30,
    phase_seconds: int | None = None,
    vm: str = "web-1",
    uid: str = "",
    deleted_seconds: int | None = None,
    reached: Mapping[str, int] | None = None,
    **more: Any,
) -> Object:
    """In `phase` for `phase_seconds` (default: since its creation). `reached` holds ages of earlier phases, `more`
    labels, annotations, conditions, state, priority."""
    uid = uid or f"mig-{vm}"
    metadata: Object = {
        "name": f"kubevirt-migrate-vm-{uid}",
        "namespace": NAMESPACE,
        "uid": uid,
        "creationTimestamp": ago(age_seconds),
        "labels": {"kubevirt.io/vmi-name": vm, **more.get("labels", {})},
        "annotations": dict(more.get("annotations", {})),
        "finalizers": ["kubevirt.io/migrationJobFinalize"],
    }
    if deleted_seconds is not None:
        metadata |= {"deletionTimestamp": ago(deleted_seconds), "deletionGracePeriodSeconds": 0}
    spec: Object = {"vmiName": vm}
    if "priority" in more:
        spec["priority"] = more["priority"]
    status: Object = {"migrationState": {"sourcePod": f"virt-launcher-{vm}-source", **more.get("state", {})}}
    if phase:
        last = age_seconds if phase_seconds is None else phase_seconds
        status |= {"phase": phase, "phaseTransitionTimestamps": _transitions(phase, age_seconds, last, reached or {})}
    if "conditions" in more:
        status["conditions"] = more["conditions"]
    kind = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration"}
    return {**kind, "metadata": metadata, "spec": spec, "status": status}


def _transitions(phase: str, first: int, last: int, reached: Mapping[str, int]) -> list[Object]:
    earlier = PHASES[: PHASES.index(phase)] if phase in PHASES else PHASES[:1]
    ages = {name: reached.get(name, first) for name in earlier} | {phase: last}
    return [{"phase": name, "phaseTransitionTimestamp": ago(age)} for name, age in ages.items()]


def a_state(
    vm: str = "web-1", *, started_seconds: int | None = None, ended_seconds: int | None = None, **more: Any
) -> Object:
    """migrationState after the hand-off. `more`: fields by KubeVirt's own names."""
    found: Object = {
        "migrationUid": f"mig-{vm}",
        "sourceNode": f"src-{vm}",
        "sourcePod": f"virt-launcher-{vm}-source",
        "targetNode": f"dst-{vm}",
        "targetPod": f"virt-launcher-{vm}-target",
        "migrationConfiguration": dict(CONFIGURATION),
    }
    if started_seconds is not None:
        found |= {"startTimestamp": ago(started_seconds), "targetNodeAddress": "10.1.0.2", "mode": "PreCopy"}
    if ended_seconds is not None:
        found |= {"endTimestamp": ago(ended_seconds), "completed": True}
    return found | more


def a_vmi(vm: str = "web-1", *, memory: str = "8Gi", state: Object | None = None, **status: Any) -> Object:
    """A running VMI. `status`: fields by KubeVirt's own names."""
    found: Object = {
        "phase": "Running",
        "nodeName": f"src-{vm}",
        "selinuxContext": "system_u:object_r:container_file_t:s0:c1,c2",
        "migrationMethod": "LiveMigration",
        "conditions": [
            {"type": "Ready", "status": "True", "lastProbeTime": None, "lastTransitionTime": ago(9000)},
            {"type": "LiveMigratable", "status": "True", "lastProbeTime": None, "lastTransitionTime": None},
        ],
    }
    if state is not None:
        found["migrationState"] = state
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {
            "name": vm,
            "namespace": NAMESPACE,
            "uid": f"vmi-{vm}",
            "creationTimestamp": ago(9000),
            "labels": {"kubevirt.io/nodeName": f"src-{vm}"},
        },
        "spec": {"domain": {"memory": {"guest": memory}, "resources": {"requests": {"memory": memory}}}},
        "status": {**found, **status},
    }


def a_condition(kind: str, status: str, *, seconds: int, reason: str = "", message: str = "") -> Object:
    """A condition that became so `seconds` ago."""
    found = {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": ago(seconds)}
    return found | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})


def a_launcher(
    role: str = "source", *, vm: str = "web-1", age_seconds: int = 9000, node: str | None = None, **more: Any
) -> Object:
    """A running virt-launcher pod, Ready on its node. `role` source or target, or any other for a left-over one;
    `more`: labels and `started_seconds` of the compute container."""
    labels = {"kubevirt.io": "virt-launcher", "kubevirt.io/created-by": f"vmi-{vm}"}
    if role != "source":
        labels["kubevirt.io/migrationJobUID"] = f"mig-{vm}" if role == "target" else f"mig-{vm}-{role}"
    started = ago(more.get("started_seconds", age_seconds))
    compute = {"name": "compute", "ready": True, "state": {"running": {"startedAt": started}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"virt-launcher-{vm}-{role}",
            "namespace": NAMESPACE,
            "uid": f"pod-{vm}-{role}",
            "creationTimestamp": ago(age_seconds),
            "labels": labels | more.get("labels", {}),
        },
        "spec": {"nodeName": (f"{'src' if role == 'source' else 'dst'}-{vm}" if node is None else node)},
        "status": {
            "phase": "Running",
            "conditions": [
                a_condition("PodScheduled", "True", seconds=age_seconds),
                a_condition("Ready", "True", seconds=age_seconds),
            ],
            "containerStatuses": [compute],
        },
    }


def a_starting_launcher(*, vm: str = "web-1", age_seconds: int = 20, reason: str = "ContainerCreating") -> Object:
    """A target pod that has its node and whose container waits."""
    pod = a_launcher("target", vm=vm, age_seconds=age_seconds)
    waiting = {"name": "compute", "ready": False, "state": {"waiting": {"reason": reason, "message": "it waits"}}}
    pod["status"] = {
        "phase": "Pending",
        "conditions": [
            a_condition("PodScheduled", "True", seconds=age_seconds),
            a_condition("Ready", "False", seconds=age_seconds, reason="ContainersNotReady"),
        ],
        "containerStatuses": [waiting],
    }
    return pod


def an_unschedulable_launcher(*, vm: str = "web-1", age_seconds: int = 90, since_seconds: int | None = None) -> Object:
    """A target pod that no node takes."""
    pod = a_launcher("target", vm=vm, age_seconds=age_seconds, node="")
    since = age_seconds if since_seconds is None else since_seconds
    message = "0/6 nodes are available: 6 Insufficient memory."
    scheduled = a_condition("PodScheduled", "False", seconds=since, reason="Unschedulable", message=message)
    pod["status"] = {"phase": "Pending", "conditions": [scheduled]}
    return pod


def a_handler(
    node: str, *, ready: bool = True, since_seconds: int = 9000, deleted_seconds: int | None = None
) -> Object:
    """virt-handler on `node`."""
    metadata: Object = {
        "name": f"virt-handler-{node}",
        "namespace": "kubevirt",
        "uid": f"handler-{node}",
        "creationTimestamp": ago(9000),
        "labels": {"kubevirt.io": "virt-handler"},
    }
    if deleted_seconds is not None:
        metadata["deletionTimestamp"] = ago(deleted_seconds)
    conditions = [a_condition("Ready", "True" if ready else "False", seconds=since_seconds)]
    status = {"phase": "Running", "conditions": conditions}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"nodeName": node}, "status": status}


def a_node(name: str, *, ready: str = "True", since_seconds: int = 9000, heartbeat_seconds: int | None = 30) -> Object:
    """A node; without the annotation where `heartbeat_seconds` is None."""
    beat = {} if heartbeat_seconds is None else {"kubevirt.io/heartbeat": ago(heartbeat_seconds)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": beat, "labels": {"kubevirt.io/schedulable": "true"}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110", "devices.kubevirt.io/kvm": "1k"},
            "conditions": [a_condition("Ready", ready, seconds=since_seconds)],
        },
    }


def a_kubevirt(*, per_cluster: Any = None, outbound: Any = None) -> Object:
    """The KubeVirt object; limits that are not given are unset, so KubeVirt's own hold."""
    limits = {"parallelMigrationsPerCluster": per_cluster, "parallelOutboundMigrationsPerNode": outbound}
    migrations = {name: value for name, value in limits.items() if value is not None}
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "KubeVirt",
        "metadata": {"name": "kubevirt", "namespace": "kubevirt", "uid": "kubevirt"},
        "spec": {"configuration": {"migrations": migrations} if migrations else {}},
        "status": {"observedKubeVirtVersion": "v1.9.0", "phase": "Deployed"},
    }


def a_policy(
    name: str = "fast", *, vmi: Mapping[str, Any] | None = None, namespace: Mapping[str, Any] | None = None, **spec: Any
) -> Object:
    """A MigrationPolicy with selectors, empty unless given. `spec`: fields by KubeVirt's own names."""
    selectors = {"virtualMachineInstanceSelector": vmi, "namespaceSelector": namespace}
    return {
        "apiVersion": "migrations.kubevirt.io/v1alpha1",
        "kind": "MigrationPolicy",
        "metadata": {"name": name},
        "spec": {"selectors": {key: dict(value) for key, value in selectors.items() if value is not None}, **spec},
    }


def a_lease(*, renewed_seconds: int = 2, lease_seconds: Any = 15) -> Object:
    """virt-controller's lease."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "virt-controller", "namespace": "kubevirt"},
        "spec": {
            "holderIdentity": "virt-controller-1",
            "leaseDurationSeconds": lease_seconds,
            "renewTime": ago(renewed_seconds).replace("Z", ".000000Z"),
        },
    }


def an_event(uid: str, reason: str, message: str = "", *, first_seconds: int = 60, last_seconds: int = 5) -> Object:
    """A warning about the object with `uid`."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{uid}.{reason}", "namespace": NAMESPACE, "creationTimestamp": ago(first_seconds)},
        "involvedObject": {"uid": uid},
        "reason": reason,
        "message": message or reason,
        "type": "Warning",
        "count": 3,
        "eventTime": None,
        "firstTimestamp": ago(first_seconds),
        "lastTimestamp": ago(last_seconds),
    }
