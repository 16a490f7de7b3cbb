# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of everybody: what virt-controller, the kubelets, virt-handlers and the evacuation controller do next.

A migration goes one phase further a step, where nothing holds it; an answer to a deletion goes through at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from .api import Object, Refused
from .clock import micro, moment, stamp
from .course import Course
from .events import post_event
from .machines import eviction_requested
from .migrations import DEFAULTS, FINALIZER, is_final, is_handed_over, phase_of, since
from .node_agents import ABORTED, Kubelet, bind, is_over, reject
from .plans import Plan
from .stage import Stage
from .view import View
from .virt_controller import VirtController, guest_bytes, is_rejected

__all__ = ["Reconciler"]

KEPT = 5
_UNSCHEDULABLE = ("kubevirt.io/migrationUnschedulablePodTimeoutSeconds", 300, "unschedulable")
_PENDING = ("kubevirt.io/migrationPendingPodTimeoutSeconds", 900, "pending")
_BACKOFF = timedelta(seconds=20)
# A migration network of about 4 Gbit/s.
_SECONDS_PER_GIB = 2
_NO_PLAN = Plan()


class Reconciler:
    """Acts on one view of the cluster."""

    def __init__(self, stage: Stage, *, view: View, plans: dict[str, Plan]) -> None:
        self._stage = stage
        self._api = stage.api
        self.view = self._view = view
        self._plans = plans
        self._at = view.now
        self._controller = VirtController(stage)
        self._kubelet = Kubelet(stage.api)

    def kubelets(self) -> None:
        """Pods that are being deleted end, unless their kubelet is silent."""
        for pod in self._view.launchers:
            if "deletionTimestamp" in pod["metadata"] and self._view.is_alive(pod["spec"].get("nodeName")):
                self._kubelet.remove(pod)

    def evacuations(self) -> None:
        """VMIs that are asked to leave their node get the condition, and a migration where none is under way."""
        for vmi in self._view.vmis.values():
            status = vmi["status"]
            if not status.get("evacuationNodeName"):
                continue
            if not any(found["type"] == "EvictionRequested" for found in status["conditions"]):
                self._mark(vmi)
            here = status["evacuationNodeName"] == status.get("nodeName")
            if here and _may_move(vmi) and not self._view.unfinished(vmi) and len(self._view.active_pods(vmi)) == 1:
                self._controller.create(vmi, at=self._at, origin="evacuation")

    def _mark(self, vmi: Object) -> None:
        conditions = [*vmi["status"]["conditions"], eviction_requested(self._at)]
        self._api.set_conditions(vmi, conditions)
        vm = {"kind": "VirtualMachine", "metadata": vmi["metadata"], "status": {}}
        self._api.set_conditions(vm, conditions, sub="status")

    def migration(self, vmim: Object) -> None:
        """One migration's turn."""
        vmi = self._view.vmi_of(vmim)
        if vmi is None:
            # virt-controller deletes it and never comes to the finalizer: it hangs until such a VMI exists again.
            if "deletionTimestamp" not in vmim["metadata"]:
                self._api.delete(vmim)
        elif is_final(vmim):
            self._after_the_end(vmim, vmi=vmi)
        else:
            course = Course(self._stage, vmim=vmim, vmi=vmi, pod=self._view.target_pod(vmim))
            self._on_its_way(course)

    def _after_the_end(self, vmim: Object, *, vmi: Object) -> None:
        if FINALIZER in vmim["metadata"].get("finalizers", []):
            self._controller.release(vmim)
        done = [other for other in self._view.migrations if self._view.vmi_of(other) is vmi and is_final(other)]
        newest = sorted(done, key=lambda other: str(other["metadata"]["creationTimestamp"]), reverse=True)
        if vmim in newest[KEPT:]:
            self._api.delete(vmim)

    def _on_its_way(self, course: Course) -> None:
        phase = phase_of(course.vmim)
        if course.vmi["status"].get("phase") in ("Succeeded", "Failed"):
            said = "Migration failed vmi shutdown during migration."
            self._api.delete(self._controller.fail(course.vmim, message=said, at=self._at))
        elif self._target_is_down(course, phase=phase):
            self._end_by_target(course)
        elif "deletionTimestamp" in course.vmim["metadata"]:
            self._cancel(course, phase=phase)
        elif not self._plan(course).stays:
            self._advance(course, phase=phase)

    def _plan(self, course: Course) -> Plan:
        return self._plans.get(course.vmim["metadata"]["uid"], _NO_PLAN)

    def _target_is_down(self, course: Course, *, phase: str) -> bool:
        return phase not in ("", "Pending") and is_over(course.pod)

    def _end_by_target(self, course: Course) -> None:
        removed = course.pod is None
        if is_handed_over(course.vmim, vmi=course.vmi):
            self._controller.target_down(course.vmim, vmi=course.vmi, removed=removed, at=self._at)
        else:
            self._controller.target_lost(course.vmim, removed=removed, at=self._at)

    def _cancel(self, course: Course, *, phase: str) -> None:
        if not is_handed_over(course.vmim, vmi=course.vmi):
            with self._stage.controllers:
                self._cancel_before_hand_off(course)
            return
        with self._stage.controllers:
            course.vmim = self._controller.acknowledge_abort(course.vmim, at=self._at)
        if phase != "Running":
            if not self._plan(course).stays:
                self._advance(course, phase=phase)
            return
        if not course.vmi["status"]["migrationState"].get("abortRequested"):
            with self._stage.controllers:
                course.vmi = self._controller.request_abort(course.vmim, vmi=course.vmi, at=self._at)
        self._answer_abort(course)

    def _cancel_before_hand_off(self, course: Course) -> None:
        if course.pod is not None:
            meta = course.pod["metadata"]
            said = f"migration canceled and pod {meta['namespace']}/{meta['name']} is deleted"
            self._controller.delete_target_pod(course.vmim, pod=course.pod, why=said, at=self._at)
        self._controller.fail(course.vmim, message="Migration failed due to being canceled", at=self._at)

    def _answer_abort(self, course: Course) -> None:
        """The source node aborts, unless it is silent, or in post-copy, where libvirt refuses."""
        state = course.vmi["status"]["migrationState"]
        answers = self._view.has_handler(state["sourceNode"]) and not self._plan(course).stays
        if answers and state.get("abortRequested") and state.get("mode") != "PostCopy":
            target = self._view.is_alive(state["targetNode"])
            course.fail(at=self._at, reason=ABORTED, aborted=True, launcher_ends=target)

    def _advance(self, course: Course, *, phase: str) -> None:
        if phase == "":
            course.accept(at=self._at, source_pod=self._view.source_pod(course.vmi))
        elif phase == "Pending":
            self._leave_pending(course)
        elif phase == "Scheduling":
            self._leave_scheduling(course)
        elif phase == "Scheduled":
            course.hand_over(at=self._at)
        else:
            self._between_nodes(course, phase=phase)

    def _leave_pending(self, course: Course) -> None:
        vmi = course.vmi
        free = self._has_slot(vmi) and len(self._view.active_pods(vmi)) == 1 and not self._backs_off(course)
        if is_rejected(course.vmim) and not self._controller.is_let_in(course.vmim, vmi=vmi):
            return  # KubeVirt tries on with growing pauses, and gathers its events about it.
        if free and vmi["status"].get("phase") == "Running" and vmi["status"].get("selinuxContext"):
            course.ask_for_pod(at=self._at)
            # The slot is taken now, also for those whose turn comes later in this step.
            course.vmim["kind"] = "VirtualMachineInstanceMigration"
            self._view.migrations = [
                course.vmim if other["metadata"]["uid"] == course.vmim["metadata"]["uid"] else other
                for other in self._view.migrations
            ]

    def _limit(self, name: str) -> int:
        value = self._view.configuration.get(name, DEFAULTS[name])
        return value if isinstance(value, int) else int(DEFAULTS[name])

    def _has_slot(self, vmi: Object) -> bool:
        cluster = self._limit("parallelMigrationsPerCluster")
        node = self._limit("parallelOutboundMigrationsPerNode")
        leaving = self._view.leaving(str(vmi["status"].get("nodeName")))
        return len(self._view.in_course()) < cluster and leaving < node

    def _backs_off(self, course: Course) -> bool:
        """A migration of an evacuation or an update waits after failures before it: 20 s, doubling."""
        if not course.vmim["spec"].get("priority"):
            return False
        failures, last = self._failures_before(course)
        if last is None or self._at >= last + self._stage.clock.lasts((_BACKOFF * 2 ** (failures - 1)).total_seconds()):
            return False
        meta = course.vmi["metadata"]
        said = f"backoff migrating vmi {meta['namespace']}/{meta['name']}"
        post_event(self._api, course.vmi, reason="MigrationBackoff", message=said, at=self._at, warning=True)
        return True

    def _failures_before(self, course: Course) -> tuple[int, datetime | None]:
        """How many in a row failed just before, and when the last of them did."""
        mine = [other for other in self._view.migrations if self._view.vmi_of(other) is course.vmi and is_final(other)]
        count, last = 0, None
        for other in sorted(mine, key=lambda item: str(item["metadata"]["creationTimestamp"]), reverse=True):
            if phase_of(other) != "Failed":
                break
            count, last = count + 1, last or since(other, phase="Failed")
        return count, last

    def _leave_scheduling(self, course: Course) -> None:
        pod = course.pod
        if pod is None or self._time_is_up(course, pod=pod) or self._plan(course).troubled:
            return
        node = pod["spec"].get("nodeName")
        if node is None:
            self._schedule(course, pod=pod)
        elif self._view.is_alive(node) and "deletionTimestamp" not in pod["metadata"]:
            course.pod_starts(at=self._at)

    def _schedule(self, course: Course, *, pod: Object) -> None:
        apart = {str(other["spec"].get("nodeName")) for other in self._view.active_pods(course.vmi)}
        takers = self._view.takers(pod, apart_from=apart)
        if takers:
            bind(self._api, pod, node=min(takers, key=self._load), at=self._at)
        elif not _is_rejected(pod):
            total = len(self._view.nodes)
            said = f"0/{total} nodes are available: {total} node(s) didn't match Pod's node affinity/selector."
            reject(self._api, pod, message=said, at=self._at)
            self._controller.unschedulable(course.vmim, at=self._at)

    def _load(self, node: str) -> tuple[int, str]:
        return sum(1 for pod in self._view.launchers if pod["spec"].get("nodeName") == node), node

    def _time_is_up(self, course: Course, *, pod: Object) -> bool:
        """KubeVirt deletes a target pod that does not come to run; annotations of the migration say when."""
        annotation, seconds, word = _UNSCHEDULABLE if _is_rejected(pod) else _PENDING
        given = (course.vmim["metadata"].get("annotations") or {}).get(annotation, str(seconds))
        limit = self._stage.clock.lasts(int(given) if given.isdigit() else seconds)
        if not self._view.is_older(moment(pod["metadata"]["creationTimestamp"]), than=limit):
            return False
        meta = pod["metadata"]
        said = f"{word} pod {meta['namespace']}/{meta['name']} timeout period exceeded"
        self._controller.delete_target_pod(course.vmim, pod=pod, why=said, at=self._at)
        return True

    def _between_nodes(self, course: Course, *, phase: str) -> None:
        state = course.vmi["status"]["migrationState"]
        source, target = state["sourceNode"], state["targetNode"]
        if phase == "PreparingTarget" and source != target and self._view.has_handler(target):
            course.target_listens(at=self._at)
        elif phase == "TargetReady" and self._view.has_handler(source):
            course.copy_starts(at=self._at)
        elif phase == "Running" and self._is_copied(course) and all(map(self._view.has_handler, (source, target))):
            course.succeed(at=self._at)

    def _is_copied(self, course: Course) -> bool:
        uid = course.vmim["metadata"]["uid"]
        if uid in self._plans:
            ends = moment(self._plans[uid].ends_at)
            return ends is not None and self._at >= ends
        started = moment(course.vmi["status"]["migrationState"].get("startTimestamp"))
        takes = self._stage.clock.lasts(_SECONDS_PER_GIB * guest_bytes(course.vmi) / 2**30)
        return self._view.is_older(started, than=takes)

    def sign_of_life(self, *, controller: bool) -> None:
        """The lease, and the heartbeats of nodes and handlers that live, anew where they are half a minute old."""
        half = timedelta(seconds=30)
        for name, node in self._view.nodes.items():
            beat = moment(node["metadata"].get("annotations", {}).get("kubevirt.io/heartbeat"))
            if self._view.has_handler(name) and self._view.is_older(beat, than=half):
                self._api.patch(node, {"metadata": {"annotations": {"kubevirt.io/heartbeat": stamp(self._at)}}})
            if self._view.is_alive(name) and self._view.is_older(_kubelet_beat(node), than=half):
                conditions = [{**found, "lastHeartbeatTime": stamp(self._at)} for found in node["status"]["conditions"]]
                self._api.patch(node, {"status": {"conditions": conditions}}, sub="status")
        if controller:
            lease = {"kind": "Lease", "metadata": {"name": "virt-controller", "namespace": "kubevirt"}}
            try:
                self._api.patch(lease, {"spec": {"renewTime": micro(self._at)}})
            except Refused as refusal:
                if refusal.status != 404:
                    raise


def _kubelet_beat(node: Object) -> datetime | None:
    beats = [moment(found.get("lastHeartbeatTime")) for found in node["status"].get("conditions", [])]
    return max((beat for beat in beats if beat), default=None)


def _is_rejected(pod: Object) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(found["type"] == "PodScheduled" and found.get("reason") == "Unschedulable" for found in conditions)


def _may_move(vmi: Object) -> bool:
    conditions = vmi["status"]["conditions"]
    return any(found["type"] == "LiveMigratable" and found["status"] == "True" for found in conditions)
