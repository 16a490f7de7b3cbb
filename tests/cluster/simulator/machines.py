# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VirtualMachines and VirtualMachineInstances as KubeVirt leaves them once the guest runs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .api import Object
from .clock import stamp
from .pods import overhead_mib

__all__ = ["claim", "condition", "memory_bytes", "virtual_machine", "virtual_machine_instance", "without_eviction"]

_UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9}
_OBSERVED = {
    "kubevirt.io/latest-observed-api-version": "v1",
    "kubevirt.io/storage-observed-api-version": "v1",
}
_TOPOLOGY = {"kubevirt.io/pci-topology-version": "v3"}
VM_FINALIZER = "kubevirt.io/virtualMachineControllerFinalize"


def memory_bytes(quantity: str) -> int:
    """Bytes of a whole quantity such as 2Gi; ValueError for anything else."""
    match = re.fullmatch(r"(\d+)(Ki|Mi|Gi|Ti|k|M|G|)", quantity)
    if match is None:
        raise ValueError(f"not a whole quantity: {quantity!r}")
    return int(match[1]) * _UNITS[match[2]]


def condition(
    kind: str, *, status: str = "True", at: datetime | None = None, why: Mapping[str, str] | None = None
) -> Object:
    """A condition of a VM or VMI: KubeVirt writes null for a time that it does not set."""
    when = stamp(at) if at else None
    return {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": when, **(why or {})}


def conditions(
    *, ready_at: datetime, blocked: Mapping[str, str] | None = None, evicted_at: datetime | None = None
) -> list[Object]:
    """The conditions of a running VMI; `blocked` is the reason and message of LiveMigratable=False."""
    found = [condition("Ready", at=ready_at)]
    if blocked:
        found.append(condition("LiveMigratable", status="False", why=blocked))
        found.append(condition("StorageLiveMigratable", status="False", why={"reason": "NotMigratable"}))
    else:
        found += [condition("LiveMigratable"), condition("StorageLiveMigratable")]
    if evicted_at:
        found.append(eviction_requested(evicted_at))
    return found


def eviction_requested(at: datetime) -> Object:
    """The condition that mirrors status.evacuationNodeName."""
    said = {"reason": "EvictionRequested", "message": "VMI is marked for eviction"}
    return condition("EvictionRequested", at=at, why=said) | {"lastProbeTime": stamp(at)}


def without_eviction(vmi: Object) -> list[Object]:
    """The VMI's conditions once its evacuation is over."""
    return [found for found in vmi["status"].get("conditions", []) if found["type"] != "EvictionRequested"]


def virtual_machine(
    name: str,
    *,
    namespace: str,
    memory: str,
    running: bool,
    conditions: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
    node_selector: Mapping[str, str],
    claims: Sequence[str] = (),
    eviction: str = "LiveMigrate",
) -> Object:
    """A VM; without `running` it is halted and has no VMI. `eviction`: its strategy, "" for none."""
    strategy = "Always" if running else "Halted"
    status: Object = {
        "conditions": list(conditions),
        "created": running,
        "ready": running,
        "desiredGeneration": 1,
        "observedGeneration": 1,
        "printableStatus": "Running" if running else "Stopped",
        "runStrategy": strategy,
    }
    spec = _domain(memory, identity=f"{namespace}/{name}", claims=claims)
    if eviction:
        spec["evictionStrategy"] = eviction
    if node_selector:
        spec["nodeSelector"] = dict(node_selector)
    template: Object = {"metadata": {"labels": dict(labels), "annotations": _TOPOLOGY}, "spec": spec}
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": name, "namespace": namespace, "annotations": _OBSERVED, "finalizers": [VM_FINALIZER]},
        "spec": {"runStrategy": strategy, "template": template},
        "status": status,
    }


def _domain(memory: str, *, identity: str, claims: Sequence[str]) -> Object:
    spec: Object = {
        "architecture": "amd64",
        "domain": {
            "devices": {},
            "firmware": {
                "serial": str(uuid.uuid5(uuid.NAMESPACE_DNS, identity)),
                "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, identity)),
            },
            "machine": {"type": "q35"},
            "memory": {"guest": memory},
            "resources": {"requests": {"memory": memory}},
        },
        "terminationGracePeriodSeconds": 30,
    }
    if claims:
        spec["domain"]["devices"]["disks"] = [{"name": name, "disk": {"bus": "virtio"}} for name in claims]
        spec["volumes"] = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    return spec


def virtual_machine_instance(
    vm: Object, *, node: str, phase: str, started: datetime, ip: str, selinux: bool, evacuate_from: str | None
) -> Object:
    """The VMI of a VM, on its node since `started`. Without `selinux` its status has no SELinux context."""
    meta, template = vm["metadata"], vm["spec"]["template"]
    status = _status(template["spec"], node=node, phase=phase, started=started, ip=ip)
    status["conditions"] = [dict(found) for found in vm["status"]["conditions"]]
    status["virtualMachineRevisionName"] = f"revision-start-vm-{meta['uid']}-1"
    if selinux:
        status["selinuxContext"] = "none"
    if evacuate_from:
        status["evacuationNodeName"] = evacuate_from
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "annotations": {
                **_OBSERVED,
                **_TOPOLOGY,
                "kubevirt.io/nonroot": "true",
                "kubevirt.io/vm-generation": "1",
            },
            "labels": {**template["metadata"]["labels"], "kubevirt.io/nodeName": node},
            "finalizers": [VM_FINALIZER, "kubevirt.io/foregroundDeleteVirtualMachine"],
            "ownerReferences": [_owner(vm)],
        },
        "spec": _running_spec(template["spec"]),
        "status": status,
    }


def _owner(vm: Object) -> Object:
    meta = vm["metadata"]
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _running_spec(spec: Object) -> Object:
    """What the VMI's own defaults add to the template's."""
    domain = spec["domain"]
    devices = {**domain["devices"], "interfaces": [{"name": "default", "bridge": {}}]}
    cpu = {"cores": 1, "sockets": 1, "threads": 1, "maxSockets": 4, "model": "host-model"}
    guest = domain["memory"]["guest"]
    largest = f"{4 * memory_bytes(guest) // 2**20}Mi"
    return {
        **spec,
        "domain": {
            **domain,
            "cpu": cpu,
            "devices": devices,
            "features": {"acpi": {"enabled": True}},
            "memory": {"guest": guest, "maxGuest": largest},
        },
        "networks": [{"name": "default", "pod": {}}],
    }


def _status(spec: Object, *, node: str, phase: str, started: datetime, ip: str) -> Object:
    guest = spec["domain"]["memory"]["guest"]
    memory = {"guestAtBoot": guest, "guestCurrent": guest, "guestRequested": guest}
    memory["memoryOverhead"] = f"{overhead_mib(memory_bytes(guest))}Mi"
    passed = ["Pending", "Scheduling", "Scheduled", "Running"]
    passed = passed[: passed.index(phase) + 1] if phase in passed else passed
    status: Object = {
        "phase": phase,
        "phaseTransitionTimestamps": [{"phase": p, "phaseTransitionTimestamp": stamp(started)} for p in passed],
        "nodeName": node,
        "activePods": {},
        "currentCPUTopology": {"cores": 1, "sockets": 1, "threads": 1},
        "guestOSInfo": {},
        "interfaces": [{"name": "default", "podInterfaceName": "eth0", "ipAddress": ip, "ipAddresses": [ip]}],
        "launcherContainerImageVersion": "quay.io/kubevirt/virt-launcher:v1.9.0",
        "memory": memory,
        "migrationMethod": "LiveMigration",
        "migrationTransport": "Unix",
        "qosClass": "Burstable",
        "runtimeUser": 107,
    }
    if volumes := spec.get("volumes"):
        status["volumeStatus"] = [{"name": v["name"], "target": f"vd{chr(97 + i)}"} for i, v in enumerate(volumes)]
    return status


def claim(name: str, *, namespace: str, storage_class: str, volume: str, access: str = "ReadWriteMany") -> Object:
    """A bound claim."""
    capacity = {"storage": "50Gi"}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "accessModes": [access],
            "resources": {"requests": capacity},
            "storageClassName": storage_class,
            "volumeMode": "Block",
            "volumeName": volume,
        },
        "status": {"phase": "Bound", "accessModes": [access], "capacity": capacity},
    }
