# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What virt-controller writes: phases, target pods, hand-off, the end, and its answers to a deletion.

Texts, reasons and order as recorded from KubeVirt's own (pkg/virt-controller/watch/migration/migration.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .api import Object, Refused
from .clock import stamp
from .events import post_event
from .machines import memory_bytes
from .migrations import (
    FINALIZER,
    OBSERVED,
    effective_configuration,
    handed_over,
    in_phase,
    new_migration,
    winning_policy,
    with_condition,
)
from .nodes import cpu_selectors
from .pods import launcher_pod
from .stage import Stage

__all__ = ["VirtController", "guest_bytes", "is_rejected"]


def guest_bytes(vmi: Object) -> int:
    """The guest's memory."""
    return memory_bytes(vmi["spec"]["domain"]["memory"]["guest"])


REJECTED = "migrationRejectedByResourceQuota"


def is_rejected(vmim: Object) -> bool:
    """Whether a quota was in the target pod's way when it was last asked for."""
    return any(found["type"] == REJECTED for found in (vmim.get("status") or {}).get("conditions", []))


class VirtController:
    """One method for each thing that virt-controller does; every one returns the object as it is afterwards."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._api = stage.api

    def create(
        self, vmi: Object, *, at: datetime, origin: str = "user", name: str | None = None, peer: str | None = None
    ) -> Object:
        """Create a migration of the VMI as the given kind of owner does."""
        meta = vmi["metadata"]
        node = vmi["status"]["nodeName"]
        wanted = new_migration(
            meta["name"], namespace=meta["namespace"], origin=origin, node=node, name=name, peer=peer
        )
        made = self._stage.plant(wanted, born=at)
        if origin == "evacuation":
            said = f"Created Migration {made['metadata']['name']}"
            post_event(self._api, vmi, reason="SuccessfulCreate", message=said, at=at, source="evacuation-controller")
        return made

    def accept(self, vmim: Object, *, source_pod: str, at: datetime) -> Object:
        """From no phase to Pending."""
        self._api.patch(vmim, {"metadata": {"annotations": OBSERVED}})
        status = in_phase(vmim, phase="Pending", at=at) | {"migrationState": {"sourcePod": source_pod}}
        return self._api.patch(vmim, {"status": status}, sub="status")

    def move(self, vmim: Object, *, phase: str, at: datetime) -> Object:
        """Into the next phase."""
        return self._api.patch(vmim, {"status": in_phase(vmim, phase=phase, at=at)}, sub="status")

    def create_target_pod(self, vmim: Object, *, vmi: Object, at: datetime) -> Object | None:
        """The target pod; None where the API server refuses it, which an event (and for quotas a condition) says, or
        where the source node does not say what CPU its host has, which nothing says."""
        wanted = launcher_pod(vmi, memory_bytes=guest_bytes(vmi), migration=vmim)
        node = self._api.get("Node", name=vmi["status"]["nodeName"]) or {"metadata": {}}
        selectors = cpu_selectors(node["metadata"].get("labels", {}))
        if selectors is None:
            return None  # "unable to locate host cpu model", in virt-controller's log only
        wanted["spec"]["nodeSelector"] |= selectors
        try:
            pod = self._stage.plant(wanted, born=at)
        except Refused as refusal:
            if refusal.status != 403:
                raise
            self.refused_pod(vmim, vmi=vmi, message=refusal.message, at=at)
            return None
        said = f"Created migration target pod {pod['metadata']['name']}"
        post_event(self._api, vmim, reason="SuccessfulCreate", message=said, at=at)
        self._api.patch(vmi, {"status": {"activePods": {pod["metadata"]["uid"]: ""}}})
        if is_rejected(vmim):
            left = [found for found in vmim["status"]["conditions"] if found["type"] != REJECTED]
            self._api.set_conditions(vmim, left, sub="status")
        return pod

    def is_let_in(self, vmim: Object, *, vmi: Object) -> bool:
        """Whether the API server would take the target pod now."""
        try:
            self._api.create(launcher_pod(vmi, memory_bytes=guest_bytes(vmi), migration=vmim), dry_run=True)
        except Refused:
            return False
        return True

    def refused_pod(
        self, vmim: Object, *, vmi: Object, message: str, at: datetime, last: datetime | None = None, count: int = 1
    ) -> None:
        """Say that the target pod could not be made."""
        if "exceeded quota" in message:
            conditions = with_condition(vmim, kind=REJECTED, at=at)
            self._api.set_conditions(vmim, conditions, sub="status")
        said = f"Error creating pod: {message}"
        post_event(self._api, vmi, reason="FailedCreate", message=said, at=at, last=last, count=count, warning=True)

    def unschedulable(self, vmim: Object, *, at: datetime) -> None:
        """Say that no node takes the target pod."""
        meta = vmim["metadata"]
        vmi = f"{meta['namespace']}/{vmim['spec']['vmiName']}"
        said = f"Migration target pod for VMI [{vmi}] is currently unschedulable."
        post_event(self._api, vmim, reason="migrationTargetPodUnschedulable", message=said, at=at, warning=True)

    def hand_over(self, vmim: Object, *, vmi: Object, pod: Object, at: datetime) -> tuple[Object, Object]:
        """From Scheduled to PreparingTarget: the VMI now names this migration. Returns migration and VMI."""
        configuration, policy = self._configuration(vmi)
        state = handed_over(
            vmim, vmi=vmi, pod=pod, configuration=configuration, policy=policy, memory_bytes=guest_bytes(vmi)
        )
        target = pod["spec"]["nodeName"]
        change = [
            {"op": "add", "path": "/status/migrationState", "value": state},
            {"op": "add", "path": "/metadata/labels/kubevirt.io~1migrationTargetNodeName", "value": target},
            {"op": "add", "path": f"/status/activePods/{pod['metadata']['uid']}", "value": target},
        ]
        vmi = self._api.patch(vmi, change)
        said = "Migration target pod is ready for preparation by virt-handler."
        post_event(self._api, vmim, reason="SuccessfulHandOver", message=said, at=at)
        return self.move(vmim, phase="PreparingTarget", at=at), vmi

    def _configuration(self, vmi: Object) -> tuple[Object, str | None]:
        kubevirt = self._api.get("KubeVirt", name="kubevirt", namespace="kubevirt") or {}
        policies = self._api.find("MigrationPolicy")
        namespace = self._api.get("Namespace", name=vmi["metadata"]["namespace"]) if policies else None
        policy = winning_policy(
            policies,
            vmi_labels=vmi["metadata"].get("labels") or {},
            namespace_labels=((namespace or {}).get("metadata") or {}).get("labels") or {},
        )
        configured: Mapping[str, Any] = kubevirt.get("spec", {}).get("configuration", {}).get("migrations") or {}
        return effective_configuration(configured, policy=policy), policy["metadata"]["name"] if policy else None

    def end(self, vmim: Object, *, vmi: Object, at: datetime) -> Object:
        """The source node has reported: Succeeded or Failed, with a full copy of the VMI's migration state."""
        state = vmi["status"]["migrationState"]
        if not state.get("failed"):
            said = "Source node reported migration succeeded"
            post_event(self._api, vmim, reason="SuccessfulMigration", message=said, at=at)
            return self._final(vmim, phase="Succeeded", at=at, state=state)
        return self.fail(vmim, message="source node reported migration failed", at=at, state=state)

    def fail(self, vmim: Object, *, message: str, at: datetime, state: Mapping[str, Any] | None = None) -> Object:
        """Failed, with KubeVirt's words for it."""
        post_event(self._api, vmim, reason="FailedMigration", message=message, at=at, warning=True)
        return self._final(vmim, phase="Failed", at=at, state=state)

    def _final(self, vmim: Object, *, phase: str, at: datetime, state: Mapping[str, Any] | None) -> Object:
        status = in_phase(vmim, phase=phase, at=at)
        if state:
            status["migrationState"] = dict(state)
        if "deletionTimestamp" in vmim["metadata"]:
            vmim = self.acknowledge_abort(vmim, at=at)
        return self.release(self._api.patch(vmim, {"status": status}, sub="status"))

    def release(self, vmim: Object) -> Object:
        """Take the finalizer off; a migration that is being deleted is gone with it."""
        left = [name for name in vmim["metadata"].get("finalizers", []) if name != FINALIZER]
        return self._api.patch(vmim, {"metadata": {"finalizers": left or None}})

    def acknowledge_abort(self, vmim: Object, *, at: datetime) -> Object:
        """The condition that answers a deletion; it stands once."""
        conditions = with_condition(vmim, kind="migrationAbortRequested", at=at)
        if conditions == (vmim.get("status") or {}).get("conditions"):
            return vmim
        return self._api.set_conditions(vmim, conditions, sub="status")

    def request_abort(self, vmim: Object, *, vmi: Object, at: datetime) -> Object:
        """Ask the source node to abort the copy; the VMI as it is then. A refusal of the patch is an event."""
        try:
            vmi = self._api.patch(vmi, {"status": {"migrationState": {"abortRequested": True}}})
        except Refused as refusal:
            said = f"failed to set MigrationState in VMI status. :{refusal.message}"
            post_event(self._api, vmim, reason="FailedAbortMigration", message=said, at=at, warning=True)
            return vmi
        said = "Migration is ready to be canceled by virt-handler."
        post_event(self._api, vmim, reason="SuccessfulAbortMigration", message=said, at=at)
        return vmi

    def target_down(self, vmim: Object, *, vmi: Object, removed: bool, at: datetime) -> Object:
        """The target pod ended (or was `removed`) under a migration that was handed off."""
        was = vmi["status"]["migrationState"]
        state = {**was, "failed": True, "completed": True, "endTimestamp": stamp(at)}
        state |= {"failureReason": "Target pod is down", "startTimestamp": was.get("startTimestamp") or stamp(at)}
        self._api.patch(vmi, {"status": {"migrationState": state}})
        said = f"VirtualMachineInstance migration uid {vmim['metadata']['uid']} failed. reason: Target pod is down"
        post_event(self._api, vmi, reason="FailedMigration", message=said, at=at, warning=True)
        return self.target_lost(vmim, removed=removed, at=at, state=state)

    def target_lost(
        self, vmim: Object, *, removed: bool, at: datetime, state: Mapping[str, Any] | None = None
    ) -> Object:
        """The same for the migration alone, as before the hand-off."""
        ended = "Migration failed because target pod shutdown during migration"
        gone = "Migration target pod was removed during active migration."
        return self.fail(vmim, message=gone if removed else ended, at=at, state=state)

    def delete_target_pod(self, vmim: Object, *, pod: Object, why: str, at: datetime) -> None:
        """Delete the target pod, saying why."""
        if self._stage.delete(pod, at=at) is None and self._stage.again(pod) is not None:
            return
        post_event(self._api, vmim, reason="SuccessfulDelete", message=why, at=at)
