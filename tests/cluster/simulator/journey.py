# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a planted migration: when it entered each phase, and what stands there that it cannot pass."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from .api import Object, Refused
from .course import Course
from .events import post_event
from .migrations import FINAL, ORDER, phase_of
from .node_agents import Kubelet, reject
from .pods import launcher_pod
from .scenario import Migration, PodTrouble, ScenarioError
from .stage import Stage
from .virt_controller import VirtController, guest_bytes

__all__ = ["Journey", "timeline"]

# Seconds after its creation at which a migration that nothing hinders enters each phase.
_USUAL = {"": 0, "Pending": 0, "Scheduling": 0, "Scheduled": 4, "PreparingTarget": 4, "TargetReady": 6, "Running": 7}
_TRIES = 40


def timeline(migration: Migration, *, now: datetime) -> dict[str, datetime]:
    """The moment at which the migration entered each phase, so that it is `since` seconds in its own."""
    after = {**_USUAL, **migration.seconds}
    for phase in FINAL:
        after[phase] = after["Running"] + migration.ran
    created = now - timedelta(seconds=migration.since + after[migration.phase])
    return {phase: created + timedelta(seconds=seconds) for phase, seconds in after.items()}


class Journey:
    """Takes one migration of a scenario from its creation to the phase where it is to be found."""

    def __init__(self, stage: Stage, *, vmi: Object, migration: Migration, now: datetime) -> None:
        self._stage = stage
        self._api = stage.api
        self._vmi = vmi
        self._plan = migration
        self._now = now
        self._at = timeline(migration, now=now)
        self._controller = VirtController(stage)

    def travel(self, *, quota: bool) -> Course:
        """The whole way; with `quota` a Pending migration's target pod has been refused."""
        plan = self._plan
        vmim = self._controller.create(self._vmi, at=self._at[""], origin=plan.origin, name=plan.name)
        course = Course(self._stage, vmim=vmim, vmi=self._vmi)
        for phase in ORDER[1:]:
            if phase_of(course.vmim) == plan.phase or (plan.phase == "Failed" and phase == "Succeeded"):
                break
            self._enter(course, phase=phase)
        if plan.phase == "Failed":
            course.fail(at=self._at["Failed"], reason=plan.failure)
        if plan.phase == "Pending" and quota:
            self._meet_quota(course)
        if plan.mode != "PreCopy":
            course.mode(plan.mode)
        if plan.deleted is not None:
            self._cancel(course)
        return course

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
        kubelet = Kubelet(self._api)
        reason = trouble.waiting or "ContainerCreating"
        course.pod = kubelet.hold(course.pod, at=at, reason=reason, message=trouble.message)
        if not trouble.events:
            kubelet.pulling(course.pod, at=at)
        self._pod_events(course.pod, trouble=trouble)

    def _pod_events(self, pod: Object, *, trouble: PodTrouble) -> None:
        for event in trouble.events:
            post_event(
                self._api, pod, reason=event.reason, message=event.message, at=self._ago(event.first),
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
        if phase_of(left) == "Running":
            course.vmi = self._controller.request_abort(course.vmim, vmi=course.vmi, at=at)
