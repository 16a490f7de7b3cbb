# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What acts on a node: the scheduler's binding, the kubelet, virt-handler and the launcher's report."""

from __future__ import annotations

from datetime import datetime

from .api import Api, Object
from .clock import stamp
from .events import HANDLER, KUBELET, SCHEDULER, post_event
from .machines import without_eviction
from .pods import running_status, succeeded_status, unscheduled_status, waiting_status
from .stage import address_of

__all__ = ["Kubelet", "VirtHandler", "bind", "is_over", "reject"]

PORTS = {"40237": 0, "41075": 49152}
ABORTED = "Live migration has been aborted"


def bind(api: Api, pod: Object, *, node: str, at: datetime) -> Object:
    """The scheduler's binding of a pod to a node."""
    meta = pod["metadata"]
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}, "target": target}
    api.request("POST", path=f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/binding", body=binding)
    said = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
    post_event(api, pod, reason="Scheduled", message=said, at=at, source=SCHEDULER)
    return {**pod, "spec": {**pod["spec"], "nodeName": node}}


def reject(api: Api, pod: Object, *, message: str, at: datetime, last: datetime | None = None) -> Object:
    """The scheduler's words that no node takes the pod."""
    post_event(api, pod, reason="FailedScheduling", message=message, at=at, last=last, warning=True, source=SCHEDULER)
    return api.patch(pod, {"status": unscheduled_status(at, message=message)}, sub="status")


def is_over(pod: Object | None) -> bool:
    """Whether a pod has ended (or is gone): only then it no longer counts as active."""
    return pod is None or pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


class Kubelet:
    """The states of the pods of a node."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def start(self, pod: Object, *, at: datetime) -> Object:
        """All containers run and are ready."""
        status = running_status(at, ip=address_of(pod["metadata"]["name"], net="10.2"))
        return self._api.patch(pod, {"status": status}, sub="status")

    def hold(self, pod: Object, *, at: datetime, reason: str = "ContainerCreating", message: str = "") -> Object:
        """The containers do not start, for this reason."""
        status = waiting_status(at, reason=reason, message=message)
        return self._api.patch(pod, {"status": status}, sub="status")

    def pulling(self, pod: Object, *, at: datetime) -> None:
        """Say that the image is being pulled."""
        image = pod["spec"]["containers"][0]["image"]
        post_event(self._api, pod, reason="Pulling", message=f'Pulling image "{image}"', at=at, source=KUBELET)

    def finish(self, pod: Object, *, at: datetime) -> Object:
        """The launcher has ended by itself; the pod object stays."""
        return self._api.patch(pod, {"status": succeeded_status(at)}, sub="status")

    def remove(self, pod: Object) -> None:
        """The last word of a kubelet on a pod that is being deleted."""
        self._api.delete(pod, grace=0)


class VirtHandler:
    """What virt-handler of the source or the target writes to the VMI."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def _write(self, vmi: Object, **state: object) -> Object:
        return self._api.patch(vmi, {"status": {"migrationState": state}})

    def prepare_target(self, vmi: Object, *, at: datetime) -> Object:
        """The target listens."""
        address = address_of(vmi["status"]["migrationState"]["targetNode"])
        said = "VirtualMachineInstance Migration Target Prepared."
        post_event(self._api, vmi, reason="PreparingTarget", message=said, at=at, source=HANDLER)
        ports = ", ".join(sorted(PORTS))
        said = f"Migration Target is listening at {address}, on ports: {ports}"
        post_event(self._api, vmi, reason="PreparingTarget", message=said, at=at, source=HANDLER)
        return self._write(vmi, targetNodeAddress=address, targetDirectMigrationNodePorts=PORTS)

    def start_copy(self, vmi: Object, *, at: datetime, mode: str = "PreCopy") -> Object:
        """The source copies; the VM says Migrating from now on."""
        said = "VirtualMachineInstance is migrating."
        post_event(self._api, vmi, reason="Migrating", message=said, at=at, source=HANDLER)
        vmi = self._write(vmi, startTimestamp=stamp(at), mode=mode)
        self._print(vmi, status="Migrating")
        return vmi

    def detect_target(self, vmi: Object, *, at: datetime) -> Object:
        """The domain runs on the target."""
        return self._write(vmi, targetNodeDomainDetected=True, targetNodeDomainReadyTimestamp=stamp(at))

    def complete(self, vmi: Object, *, at: datetime) -> Object:
        """The guest runs on the target, which becomes the VMI's node; an evacuation is over with that."""
        target = vmi["status"]["migrationState"]["targetNode"]
        vmi = self._api.patch(vmi, {"metadata": {"labels": {"kubevirt.io/nodeName": target}}})
        state = {"endTimestamp": stamp(at), "completed": True}
        left = without_eviction(vmi)
        change = {"nodeName": target, "migrationState": state, "evacuationNodeName": None}
        vmi = self._api.set_conditions(self._api.patch(vmi, {"status": change}), left)
        said = f"The VirtualMachineInstance migrated to node {target}."
        post_event(self._api, vmi, reason="Migrated", message=said, at=at, source=HANDLER)
        self._print(vmi, status="Running", conditions=left)
        return vmi

    def fail(self, vmi: Object, *, at: datetime, reason: str, aborted: bool = False) -> Object:
        """The source reports a failure; `aborted` by request."""
        state: dict[str, object] = {"failed": True, "completed": True, "failureReason": reason}
        state |= {"endTimestamp": stamp(at), **({"abortStatus": "Succeeded"} if aborted else {})}
        vmi = self._write(vmi, **state)
        uid = vmi["status"]["migrationState"]["migrationUid"]
        said = f"VirtualMachineInstance migration uid {uid} failed. reason:{reason}"
        post_event(self._api, vmi, reason="Migrated", message=said, at=at, warning=True, source=HANDLER)
        self._print(vmi, status="Running")
        return vmi

    def _print(self, vmi: Object, *, status: str, conditions: list[Object] | None = None) -> None:
        """The VM's own line follows the VMI; a VMI without a VM has none."""
        meta = vmi["metadata"]
        vm = self._api.get("VirtualMachine", name=meta["name"], namespace=meta["namespace"])
        if vm is None:
            return
        self._api.patch(vm, {"status": {"printableStatus": status}}, sub="status")
        if conditions is not None:
            self._api.set_conditions(vm, conditions, sub="status")
