# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes, the virt-handler on each, and what KubeVirt itself consists of, as their controllers write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .api import Object
from .clock import micro, stamp
from .pods import running_status

__all__ = ["HOST_MODEL", "budget", "cpu_selectors", "daemon_set", "handler_pod", "kubevirt", "lease", "node", "quota"]

IMAGE = "quay.io/kubevirt/virt-handler:v1.9.0"
VERSION = "v1.9.0"
HOST_MODEL = "host-model-cpu.node.kubevirt.io/"
_QUIET = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
}
_PRESSED = {
    "MemoryPressure": ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
    "DiskPressure": ("KubeletHasDiskPressure", "kubelet has disk pressure"),
    "PIDPressure": ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
}
_READY = {
    "True": ("KubeletReady", "kubelet is posting ready status"),
    "False": ("KubeletNotReady", "container runtime is down"),
    "Unknown": ("NodeStatusUnknown", "Kubelet stopped posting node status."),
}
_TAINTS = {"False": "node.kubernetes.io/not-ready", "Unknown": "node.kubernetes.io/unreachable"}
_BOOTED = timedelta(days=30)
# The node lifecycle controller gives a silent kubelet so long before it writes Unknown.
_GRACE = timedelta(seconds=50)


def node(
    name: str,
    *,
    now: datetime,
    ready: str,
    since: datetime,
    heartbeat: datetime,
    schedulable: bool,
    address: str,
    cpu: str = "16",
    memory: str = "64Gi",
    cpu_model: str = "Skylake-Server-IBRS",
    host_model: bool = True,
    cordoned: bool = False,
    worker: bool = True,
    devices: bool = True,
    pressures: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    taints: Sequence[Mapping[str, str]] = (),
) -> Object:
    """A node that has been `ready` (True, False, Unknown) `since` then; `heartbeat` is virt-handler's last."""
    resources = {"cpu": cpu, "memory": memory, "pods": "110", "ephemeral-storage": "200Gi", "hugepages-2Mi": "0"}
    resources |= {f"devices.kubevirt.io/{d}": "1k" if devices else "0" for d in ("kvm", "tun", "vhost-net")}
    spec: Object = {"unschedulable": True} if cordoned else {}
    if tainted := _taints(ready, since=since, cordoned=cordoned, more=taints):
        spec["taints"] = tainted
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                **_labels(name, schedulable=schedulable, cpu_model=cpu_model, worker=worker),
                **({f"{HOST_MODEL}{cpu_model}": "true"} if host_model else {}),
                **(labels or {}),
            },
            "annotations": {"kubevirt.io/heartbeat": stamp(heartbeat)},
        },
        "spec": spec,
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "allocatable": resources,
            "capacity": resources,
            "conditions": _conditions(now, ready=ready, since=since, pressures=pressures),
            "nodeInfo": _node_info(name),
        },
    }


def _labels(name: str, *, schedulable: bool, cpu_model: str, worker: bool) -> dict[str, str]:
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
        "kubevirt.io/schedulable": "true" if schedulable else "false",
        "kubevirt.io/cpumanager": "false",
        "cpumanager": "false",
        f"cpu-model.node.kubevirt.io/{cpu_model}": "true",
        f"cpu-model-migration.node.kubevirt.io/{cpu_model}": "true",
        "cpu-vendor.node.kubevirt.io/Intel": "true",
        "machine-type.node.kubevirt.io/q35": "true",
    }
    return labels | ({"node-role.kubernetes.io/worker": ""} if worker else {})


def cpu_selectors(labels: Mapping[str, str]) -> dict[str, str] | None:
    """What a host-model VM's target pod selects for its source node's CPU (migration.go getHostCpuModelFromMap); None
    where the node does not say what that is."""
    needed = {
        HOST_MODEL: "cpu-model-migration.node.kubevirt.io/",
        "host-model-required-features.node.kubevirt.io/": "cpu-feature.node.kubevirt.io/",
        "cpu-vendor.node.kubevirt.io/": "cpu-vendor.node.kubevirt.io/",
    }
    if not any(label.startswith(HOST_MODEL) for label in labels):
        return None
    return {
        wanted + label.removeprefix(prefix): value
        for label, value in labels.items()
        for prefix, wanted in needed.items()
        if label.startswith(prefix)
    }


def _taints(ready: str, *, since: datetime, cordoned: bool, more: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    found = [dict(taint) for taint in more]
    if cordoned:
        found.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
    if key := _TAINTS.get(ready):
        found += [{"key": key, "effect": effect, "timeAdded": stamp(since)} for effect in ("NoSchedule", "NoExecute")]
    return found


def _conditions(now: datetime, *, ready: str, since: datetime, pressures: Sequence[str]) -> list[Object]:
    silent = ready == "Unknown"
    beat = since - _GRACE if silent else now - timedelta(seconds=20)
    conditions = []
    for kind, quiet in _QUIET.items():
        status, (reason, message) = ("True", _PRESSED[kind]) if kind in pressures else ("False", quiet)
        changed = since if silent or kind in pressures else now - _BOOTED
        if silent:
            status, (reason, message) = "Unknown", _READY["Unknown"]
        conditions.append(_condition(kind, status=status, reason=reason, message=message, beat=beat, changed=changed))
    changed = since if not pressures or ready != "True" else now - _BOOTED
    reason, message = _READY[ready]
    return [*conditions, _condition("Ready", status=ready, reason=reason, message=message, beat=beat, changed=changed)]


def _condition(
    kind: str, *, status: str, reason: str, message: str, beat: datetime, changed: datetime
) -> dict[str, str]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": stamp(beat),
        "lastTransitionTime": stamp(changed),
    }


def _node_info(name: str) -> dict[str, str]:
    return {
        "architecture": "amd64",
        "operatingSystem": "linux",
        "osImage": "Red Hat Enterprise Linux CoreOS 9.6",
        "kernelVersion": "5.14.0-570.el9.x86_64",
        "kubeletVersion": "v1.36.3",
        "kubeProxyVersion": "",
        "containerRuntimeVersion": "cri-o://1.36.0",
        "machineID": name,
        "systemUUID": name,
        "bootID": name,
    }


def handler_pod(node_name: str, *, suffix: str, ready: bool, since: datetime, crashing: bool, ip: str) -> Object:
    """The virt-handler of a node; not `ready`: its container runs but answers no probe, or is `crashing`."""
    status = running_status(since, ip=ip, container="virt-handler", image=IMAGE, ready=ready)
    if crashing:
        waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container=virt-handler"}
        status["containerStatuses"][0] |= {"state": {"waiting": waiting}, "started": False, "restartCount": 7}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"virt-handler-{suffix}",
            "namespace": "kubevirt",
            "labels": {"kubevirt.io": "virt-handler"},
        },
        "spec": {
            "nodeName": node_name,
            "containers": [{"name": "virt-handler", "image": IMAGE, "resources": {"requests": {"cpu": "10m"}}}],
            "tolerations": [{"operator": "Exists"}],
            "terminationGracePeriodSeconds": 15,
        },
        "status": status,
    }


def daemon_set(*, desired: int, ready: int) -> Object:
    """The DaemonSet of virt-handler."""
    labels = {"kubevirt.io": "virt-handler"}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "virt-handler", "namespace": "kubevirt", "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "virt-handler", "image": IMAGE}]},
            },
        },
        "status": {
            "currentNumberScheduled": desired,
            "desiredNumberScheduled": desired,
            "updatedNumberScheduled": desired,
            "numberMisscheduled": 0,
            "numberReady": ready,
            "numberAvailable": ready,
            "numberUnavailable": desired - ready,
            "observedGeneration": 1,
        },
    }


def kubevirt(configuration: Mapping[str, Any]) -> Object:
    """The KubeVirt object, deployed; its status holds no defaults, as KubeVirt does not write them there."""
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "KubeVirt",
        "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
        "spec": {"configuration": dict(configuration)},
        "status": {
            "phase": "Deployed",
            "observedKubeVirtVersion": VERSION,
            "operatorVersion": VERSION,
            "targetKubeVirtVersion": VERSION,
            "outdatedVirtualMachineInstanceWorkloads": 0,
        },
    }


def lease(*, renewed: datetime, acquired: datetime) -> Object:
    """The leader lease of virt-controller."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "virt-controller", "namespace": "kubevirt"},
        "spec": {
            "holderIdentity": "virt-controller-7d9c5b8f6d-hx2kq",
            "leaseDurationSeconds": 15,
            "leaseTransitions": 0,
            "acquireTime": micro(acquired),
            "renewTime": micro(renewed),
        },
    }


def quota(name: str, *, namespace: str, hard: Mapping[str, str]) -> Object:
    """A ResourceQuota; its status is written as the quota controller does, else admission would ignore it."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"hard": dict(hard)},
    }


def budget(name: str, *, namespace: str, labels: Mapping[str, str]) -> Object:
    """A PodDisruptionBudget; whoever plants it writes its status as the disruption controller does."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": dict(labels)}},
    }
