# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""virt-launcher pods as virt-controller creates them, and their states as a kubelet writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .api import Object
from .clock import stamp

__all__ = [
    "attachment_pod",
    "bound_status",
    "crashed_status",
    "launcher_pod",
    "not_ready",
    "refused_status",
    "running_status",
    "succeeded_status",
    "unattached_status",
    "unscheduled_status",
    "waiting_status",
]

IMAGE = "quay.io/kubevirt/virt-launcher:v1.9.0"
SIDECAR = "guest-console-log"
HOTPLUG = "hotplug-disk"
_JOB_UID = "kubevirt.io/migrationJobUID"
_JOB_NAME = "kubevirt.io/migrationJobName"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
UNPAUSED = "kubevirt.io/virtual-machine-unpaused"
# Of 240 s and up to 119 s more (virt-launcher's --qemu-timeout), one value, so that runs are alike.
QEMU_TIMEOUT = "293s"
_MIB = 1024 * 1024
_QEMU = 107


def overhead_mib(memory_bytes: int) -> int:
    """What KubeVirt adds to the guest's memory in the pod's request: 292 Mi for a guest of 2 GiB."""
    return 288 + memory_bytes // 512 // _MIB


def launcher_pod(vmi: Object, *, memory_bytes: int, node: str | None = None, migration: Object | None = None) -> Object:
    """A launcher pod of the VMI; with `migration` its target pod, which must not land beside the source."""
    meta = vmi["metadata"]
    labels = {
        **{key: value for key, value in meta.get("labels", {}).items() if key != "kubevirt.io/migrationTargetNodeName"},
        "kubevirt.io": "virt-launcher",
        "kubevirt.io/created-by": meta["uid"],
        "vm.kubevirt.io/name": meta["name"],
        "vmi.kubevirt.io/id": meta["name"],
    }
    annotations = _annotations(meta, memory_bytes=memory_bytes)
    if migration is not None:
        annotations["kubevirt.io/nonroot"] = "true"
        labels[_JOB_UID] = migration["metadata"]["uid"]
        annotations[_JOB_NAME] = migration["metadata"]["name"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"virt-launcher-{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [_owner(vmi)],
        },
        "spec": _spec(vmi, memory_bytes=memory_bytes, node=node, migration=migration),
    }


def attachment_pod(target: Object, *, vmi: Object) -> Object:
    """The pod that attaches the VMI's hot-plugged volumes beside the target pod."""
    meta, node = target["metadata"], target["spec"]["nodeName"]
    job = {key: meta[kind][key] for kind, key in (("labels", _JOB_UID), ("annotations", _JOB_NAME))}
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    container = {"name": HOTPLUG, "image": IMAGE, "command": ["/bin/sh", "-c", "/usr/bin/container-disk"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "hp-volume-",
            "namespace": meta["namespace"],
            "labels": {"kubevirt.io": HOTPLUG, _JOB_UID: job[_JOB_UID]},
            "annotations": {"kubevirt.io/owner-vmi-name": vmi["metadata"]["name"], _JOB_NAME: job[_JOB_NAME]},
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": {
            "affinity": {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": [here]}}},
            "automountServiceAccountToken": False,
            "containers": [{**container, "securityContext": _confined()}],
            "nodeName": node,
        },
    }


def _annotations(meta: Mapping[str, Any], *, memory_bytes: int) -> dict[str, str]:
    freezer = ["/usr/bin/virt-freezer", "--name", meta["name"], "--namespace", meta["namespace"]]
    hooks = {}
    for when, action in (("pre", "--freeze"), ("post", "--unfreeze")):
        hooks[f"{when}.hook.backup.velero.io/command"] = json.dumps([freezer[0], action, *freezer[1:]])
        hooks[f"{when}.hook.backup.velero.io/container"] = "compute"
    return hooks | {
        "pre.hook.backup.velero.io/timeout": "60s",
        "descheduler.alpha.kubernetes.io/request-evict-only": "",
        "kubectl.kubernetes.io/default-container": "compute",
        "kubevirt.io/domain": meta["name"],
        "kubevirt.io/memory-overhead-bytes": str(overhead_mib(memory_bytes) * _MIB),
        "kubevirt.io/migrationTransportUnix": "true",
        "kubevirt.io/pci-topology-version": "v3",
        "kubevirt.io/vm-generation": "1",
    }


def _confined(*added: str) -> Object:
    """A container's security context: qemu's user, no capability but those added."""
    capabilities: Object = {"drop": ["ALL"]} | ({"add": list(added)} if added else {})
    return {"allowPrivilegeEscalation": False, "capabilities": capabilities, "runAsNonRoot": True, "runAsUser": _QEMU}


def _owner(vmi: Object) -> Object:
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "name": vmi["metadata"]["name"],
        "uid": vmi["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _spec(vmi: Object, *, memory_bytes: int, node: str | None, migration: Object | None) -> Object:
    claims = [volume for volume in vmi["spec"].get("volumes", []) if "persistentVolumeClaim" in volume]
    selector = {"kubernetes.io/arch": "amd64", "kubevirt.io/schedulable": "true"}
    selector |= {"machine-type.node.kubevirt.io/q35": "true"} | vmi["spec"].get("nodeSelector", {})
    if migration is not None:
        selector |= migration["spec"].get("addedNodeSelector") or {}
    spec: Object = {
        "affinity": _affinity(vmi["metadata"]["uid"] if migration is not None else None),
        "automountServiceAccountToken": False,
        "containers": [_compute(vmi, memory_bytes=memory_bytes, claims=claims)],
        "initContainers": [_console()],
        "enableServiceLinks": False,
        "hostname": vmi["metadata"]["name"],
        "nodeSelector": selector,
        "readinessGates": [{"conditionType": UNPAUSED}],
        "restartPolicy": "Never",
        "securityContext": {"fsGroup": _QEMU, "runAsGroup": _QEMU, "runAsNonRoot": True, "runAsUser": _QEMU},
        "terminationGracePeriodSeconds": 60,
        "volumes": [{"name": "private", "emptyDir": {}}, *claims],
    }
    return spec | ({"nodeName": node} if node else {})


def _affinity(created_by: str | None) -> Object:
    fit = [{"matchExpressions": [{"key": "node-labeller.kubevirt.io/obsolete-host-model", "operator": "DoesNotExist"}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": fit}}
    affinity: Object = {"nodeAffinity": required}
    if created_by:
        other = {"matchLabels": {"kubevirt.io/created-by": created_by}}
        apart = [{"labelSelector": other, "topologyKey": "kubernetes.io/hostname"}]
        affinity["podAntiAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": apart}
    return affinity


def _compute(vmi: Object, *, memory_bytes: int, claims: Sequence[Mapping[str, Any]]) -> Object:
    meta = vmi["metadata"]
    devices = {f"devices.kubevirt.io/{name}": "1" for name in ("kvm", "tun", "vhost-net")}
    memory = f"{memory_bytes // _MIB + overhead_mib(memory_bytes)}Mi"
    args = ["--qemu-timeout", QEMU_TIMEOUT, "--name", meta["name"], "--uid", meta["uid"], "--namespace"]
    mounts = [{"name": "private", "mountPath": "/var/run/kubevirt-private"}]
    disks = "/var/run/kubevirt-private/vmi-disks"
    mounts += [{"name": claim["name"], "mountPath": f"{disks}/{claim['name']}"} for claim in claims]
    return {
        "name": "compute",
        "image": IMAGE,
        "command": ["/usr/bin/virt-launcher-monitor"],
        "args": [*args, meta["namespace"], "--hypervisor", "kvm", "--run-as-nonroot"],
        "env": [{"name": "XDG_CACHE_HOME", "value": "/var/run/kubevirt-private"}],
        "securityContext": _confined("NET_BIND_SERVICE") | {"runAsGroup": _QEMU},
        "resources": {
            "limits": devices,
            "requests": {"cpu": "100m", "memory": memory, "ephemeral-storage": "50M", **devices},
        },
        "volumeMounts": mounts,
    }


def _console() -> Object:
    return {
        "name": SIDECAR,
        "image": IMAGE,
        "command": ["/usr/bin/virt-tail"],
        "args": ["--logfile", "/var/run/kubevirt-private/virt-serial0-log"],
        "restartPolicy": "Always",
        "securityContext": _confined(),
        "volumeMounts": [{"name": "private", "mountPath": "/var/run/kubevirt-private", "readOnly": True}],
        "resources": {"limits": {"cpu": "15m", "memory": "60M"}, "requests": {"cpu": "5m", "memory": "35M"}},
    }


def _condition(kind: str, *, at: datetime, status: str = "True", **more: str) -> Object:
    return {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": stamp(at), **more}


def _state(name: str, *, state: Mapping[str, Any], ready: bool, image: str) -> Object:
    started = "running" in state
    identity = f"{image}@sha256:5d1f" if started else ""
    return {
        "name": name,
        "image": image,
        "imageID": identity,
        "lastState": {},
        "ready": ready,
        "started": started,
        "restartCount": 0,
        "state": dict(state),
    }


def running_status(
    at: datetime, *, ip: str, container: str = "compute", image: str = IMAGE, ready: bool = True
) -> Object:
    """A pod whose container runs since `at`, ready or not."""
    unready = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{container}]"}
    why = {} if ready else unready
    state = {"running": {"startedAt": stamp(at)}}
    status: Object = {
        "phase": "Running",
        "conditions": [
            _condition("PodScheduled", at=at),
            _condition("Initialized", at=at),
            _condition("ContainersReady", at=at, status=str(ready), **why),
            _condition("Ready", at=at, status=str(ready), **why),
        ],
        "containerStatuses": [_state(container, state=state, ready=ready, image=image)],
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": stamp(at),
    }
    if container == "compute":
        status["initContainerStatuses"] = [_state(SIDECAR, state=state, ready=True, image=IMAGE)]
        unpaused = _condition(UNPAUSED, at=at, reason="NotPaused", message="the virtual machine is not paused")
        status["conditions"].append(unpaused | {"lastProbeTime": stamp(at)})
    return status


def unattached_status(at: datetime, *, reason: str) -> Object:
    """An attachment pod that is bound since `at` and does not start, for this reason."""
    unready = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{HOTPLUG}]"}
    return {
        "phase": "Pending",
        "conditions": [_condition("PodScheduled", at=at), _condition("Ready", at=at, status="False", **unready)],
        "containerStatuses": [_state(HOTPLUG, state={"waiting": {"reason": reason}}, ready=False, image=IMAGE)],
        "startTime": stamp(at),
    }


def waiting_status(at: datetime, *, reason: str = "ContainerCreating", message: str = "") -> Object:
    """A pod that is bound since `at` and whose containers do not start, for this reason."""
    unready = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{SIDECAR} compute]"}
    waiting = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    behind = {"waiting": {"reason": "PodInitializing"}}
    return {
        "phase": "Pending",
        "conditions": [
            _condition("PodScheduled", at=at),
            _condition("Initialized", at=at, status="False", reason="ContainersNotInitialized"),
            _condition("ContainersReady", at=at, status="False", **unready),
            _condition("Ready", at=at, status="False", **unready),
        ],
        "containerStatuses": [_state("compute", state=waiting, ready=False, image=IMAGE)],
        "initContainerStatuses": [_state(SIDECAR, state=waiting if message else behind, ready=False, image=IMAGE)],
        "startTime": stamp(at),
    }


def unscheduled_status(at: datetime, *, message: str) -> Object:
    """A pod that the scheduler found no node for, in the scheduler's words."""
    said = _condition("PodScheduled", at=at, status="False", reason="Unschedulable", message=message)
    return {"phase": "Pending", "conditions": [said]}


def succeeded_status(at: datetime) -> Object:
    """What changes in a pod whose containers have ended."""
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": stamp(at)}}
    state = _state("compute", state=ended, ready=False, image=IMAGE)
    unready = [_condition(kind, at=at, status="False", reason="PodCompleted") for kind in ("ContainersReady", "Ready")]
    scheduled = [_condition(kind, at=at) for kind in ("PodScheduled", "Initialized")]
    return {"phase": "Succeeded", "conditions": [*scheduled, *unready], "containerStatuses": [state]}


def crashed_status(started: datetime, *, ended: datetime, exit_code: int, ip: str) -> Object:
    """A pod whose launcher has ended while its sidecar lives on."""
    status = running_status(started, ip=ip, ready=False)
    said = {"exitCode": exit_code, "reason": "Error", "startedAt": stamp(started), "finishedAt": stamp(ended)}
    status["containerStatuses"] = [_state("compute", state={"terminated": said}, ready=False, image=IMAGE)]
    return status


def refused_status(at: datetime, *, reason: str, message: str) -> Object:
    """A pod that was bound at `at` and that its kubelet does not admit."""
    bound = _condition("PodScheduled", at=at)
    return {"phase": "Failed", "conditions": [bound], "startTime": stamp(at), "reason": reason, "message": message}


def bound_status(at: datetime) -> Object:
    """A pod that was bound at `at`; its kubelet has not said anything."""
    return {"phase": "Pending", "conditions": [_condition("PodScheduled", at=at)]}


def not_ready(status: Object, *, at: datetime) -> Object:
    """The status after the node lifecycle controller found the pod's node not ready: Ready turns False, no more."""
    conditions = [
        {**condition, "status": "False", "lastTransitionTime": stamp(at)} if condition["type"] == "Ready" else condition
        for condition in status["conditions"]
    ]
    return {**status, "conditions": conditions}
