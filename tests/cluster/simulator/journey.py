# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a planted migration: when it entered each phase, and what stands there that it cannot pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from .api import Object, Refused
from .course import Course
from .events import post_event
from .migrations import BETWEEN_CLUSTERS, FINAL, ORDER, phase_of, with_condition
from .node_agents import Kubelet, reject
from .pods import attachment_pod, bound_status, crashed_status, launcher_pod, refused_status, unattached_status
from .scenario import Event, Migration, PodTrouble, ScenarioError
from .stage import Stage, address_of
from .virt_controller import VirtController, guest_bytes

__all__ = ["Journey", "timeline"]

# Seconds after its creation at which a migration that nothing hinders enters each phase.
_USUAL = {"": 0, "Pending": 0, "Scheduling": 0, "Scheduled": 4, "PreparingTarget": 4, "TargetReady": 6, "Running": 7}
_TRIES = 40


def timeline(migration: Migration, *, now: datetime) -> dict[str, datetime]:
    """The moment at which the migration entered each phase, so that it is `since` seconds in its own."""
    after = {**_USUAL, **dict.fromkeys(BETWEEN_CLUSTERS, 0), **migration.seconds}
    for phase in FINAL:
        after[phase] = after["Running"] + migration.ran
    created = now - timedelta(seconds=migration.since + after[migration.phase])
    return {phase: created + timedelta(seconds=seconds) for phase, seconds in after.items()}


class Journey:
    """Takes one migration of a scenario from its creation to the phase where it is to be found."""

    def __init__(
        self, stage: Stage, *, vmi: Object, migration: Migration, now: datetime, rivals: Sequence[Object] = ()
    ) -> None:
        self._stage = stage
        self._api = stage.api
        self._vmi = vmi
        self._plan = migration
        self._now = now
        self._rivals = [rival for rival in rivals if migration.beside and phase_of(rival) not in FINAL]
        self._at = timeline(migration, now=now)
        self._controller = VirtController(stage)

    def travel(self, *, quota: bool) -> Course:
        """The whole way; with `quota` a Pending migration's target pod has been refused."""
        plan = self._plan
        course = Course(self._stage, vmim=self._create(), vmi=self._vmi)
        for phase in ORDER[1:] if plan.phase not in BETWEEN_CLUSTERS else ():
            if phase_of(course.vmim) == plan.phase or (plan.phase == "Failed" and phase == "Succeeded"):
                break
            self._enter(course, phase=phase)
        if plan.phase == "Failed":
            course.fail(at=self._at["Failed"], reason=plan.failure)
        if plan.phase == "Pending" and quota:
            self._meet_quota(course)
        if plan.pod is not None and plan.pod.attachment:
            self._attach(course, reason=plan.pod.attachment)
        self._tell(course)
        if plan.deleted is not None:
            self._cancel(course)
        return course

    def _create(self) -> Object:
        """The migration, past admission where it was made at once with another one: that one looks ended meanwhile."""
        plan = self._plan
        for rival in self._rivals:
            self._api.patch(rival, {"status": {"phase": "Failed"}}, sub="status")
        made = self._controller.create(self._vmi, at=self._at[""], origin=plan.origin, name=plan.name, peer=plan.peer)
        for rival in self._rivals:
            self._api.patch(rival, {"status": {"phase": phase_of(rival)}}, sub="status")
        return made

    def _tell(self, course: Course) -> None:
        """What stands in the API beside the phase."""
        plan = self._plan
        if plan.phase in BETWEEN_CLUSTERS:
            course.vmim = self._controller.move(course.vmim, phase=plan.phase, at=self._at[plan.phase])
        if plan.mode != "PreCopy":
            course.mode(plan.mode)
        if plan.moved is not None:
            course.arrive(at=self._ago(plan.moved))
        for kind in plan.conditions:
            conditions = with_condition(course.vmim, kind=kind, at=self._at[plan.phase])
            course.vmim = self._api.set_conditions(course.vmim, conditions, sub="status")
        self._events(course.vmim, events=plan.events)

    def _enter(self, course: Course, *, phase: str) -> None:
        at, plan = self._at[phase], self._plan
        if phase == "Pending":
            course.accept(at=at, source_pod=self._source_pod())
        elif phase == "Scheduling":
            if not course.ask_for_pod(at=at):
                raise ScenarioError(f"migration of {plan.vm}: the API server refuses its target pod")
            self._schedule(course)
        elif phase == "Scheduled":
            course.pod_starts(at=at)
        elif phase == "PreparingTarget":
            course.hand_over(at=at)
        elif phase == "TargetReady":
            course.target_listens(at=at)
        elif phase == "Running":
            course.copy_starts(at=at)
        else:
            course.succeed(at=at)

    def _source_pod(self) -> str:
        uid = self._vmi["metadata"]["uid"]
        labels = f"kubevirt.io/created-by={uid}"
        found = self._api.find("Pod", namespace=self._vmi["metadata"]["namespace"], labels=labels)
        here = [pod for pod in found if pod["spec"].get("nodeName") == self._vmi["status"]["nodeName"]]
        oldest = min(here, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
        return str(oldest["metadata"]["name"])

    def _schedule(self, course: Course) -> None:
        at, plan = self._at["Scheduling"], self._plan
        trouble = plan.pod or PodTrouble()
        if trouble.unschedulable and course.pod is not None:
            course.pod = reject(self._api, course.pod, message=trouble.unschedulable, at=at)
            self._controller.unschedulable(course.vmim, at=at)
            return
        course.schedule(at=at, target=str(plan.target))
        if plan.phase != "Scheduling" or course.pod is None:
            return
        if status := self._told_by_kubelet(course.pod, trouble=trouble):
            course.pod = self._api.patch(course.pod, {"status": status}, sub="status")
            return
        kubelet = Kubelet(self._api)
        reason = trouble.waiting or "ContainerCreating"
        course.pod = kubelet.hold(course.pod, at=at, reason=reason, message=trouble.message)
        if not trouble.events:
            kubelet.pulling(course.pod, at=at)
        self._events(course.pod, events=trouble.events)

    def _attach(self, course: Course, *, reason: str) -> None:
        """The target pod runs, and the pod for its hot-plugged volumes waits; so the migration is still Pending."""
        at = self._at["Pending"]
        course.pod = self._controller.create_target_pod(course.vmim, vmi=course.vmi, at=at)
        if course.pod is None:
            raise ScenarioError(f"migration of {self._plan.vm}: the API server refuses its target pod")
        course.schedule(at=at, target=str(self._plan.target))
        running = Kubelet(self._api).start(course.pod, at=at)
        course.pod = {**running, "spec": course.pod["spec"]}
        wanted = attachment_pod(course.pod, vmi=course.vmi) | {"status": unattached_status(at, reason=reason)}
        made = self._stage.plant(wanted, born=at)
        said = f"Created attachment pod {made['metadata']['name']}"
        post_event(self._api, course.vmim, reason="SuccessfulCreate", message=said, at=at)

    def _told_by_kubelet(self, pod: Object, *, trouble: PodTrouble) -> Object | None:
        """The pod's status where its kubelet refused it, its launcher ended, or nobody has taken it up."""
        at = self._at["Scheduling"]
        if trouble.silent:
            return bound_status(at)
        if trouble.failed:
            return refused_status(at, reason=trouble.failed["reason"], message=trouble.failed["message"])
        if trouble.exit_code is not None:
            ip = address_of(pod["metadata"]["name"], net="10.2")
            return crashed_status(at, ended=self._ago(trouble.ended), exit_code=trouble.exit_code, ip=ip)
        return None

    def _events(self, about: Object, *, events: Sequence[Event]) -> None:
        for event in events:
            post_event(
                self._api, about, reason=event.reason, message=event.message, at=self._ago(event.first),
                last=self._ago(event.last), count=event.count, warning=event.warning, source=event.source,
            )  # fmt: skip

    def _ago(self, seconds: int) -> datetime:
        return self._now - timedelta(seconds=seconds)

    def _meet_quota(self, course: Course) -> None:
        """Ask for the target pod, in dry run, until the API server's own quota check refuses it, then say so."""
        wanted = launcher_pod(course.vmi, memory_bytes=guest_bytes(course.vmi), migration=course.vmim)
        for _attempt in range(_TRIES):
            try:
                self._api.create(wanted, dry_run=True)
            except Refused as refusal:
                at = self._at["Pending"]
                self._controller.refused_pod(
                    course.vmim, vmi=course.vmi, message=refusal.message, at=at, last=self._ago(10), count=9
                )
                return
            time.sleep(0.05)  # The API server hears of a new quota by its own watch.
        raise ScenarioError(f"migration of {self._plan.vm}: the quota of its namespace lets the target pod in")

    def _cancel(self, course: Course) -> None:
        at = self._ago(self._plan.deleted or 0)
        left = self._stage.delete(course.vmim, at=at)
        if left is None:
            raise ScenarioError(f"migration of {self._plan.vm}: deleted in {self._plan.phase!r} it is gone at once")
        course.vmim = left
        if phase_of(left) in ("PreparingTarget", "TargetReady", "Running"):
            course.vmim = self._controller.acknowledge_abort(left, at=at)
        refused = any(event.reason == "FailedAbortMigration" for event in self._plan.events)
        if phase_of(left) == "Running" and not refused:
            course.vmi = self._controller.request_abort(course.vmim, vmi=course.vmi, at=at)
