# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_cancel: look afresh, pass the gates, lock, cancel, and see what KubeVirt makes of it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.act_reads import (
    SUBRESOURCES,
    migration_name_path,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.act_options import (
    acting_from,
    parallel_from,
    targets_from,
    wait_seconds,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.acts import PLANNED, Acts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.audit import (
    annotate_migration,
    post_event,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import Course
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.progress import (
    check_progress,
    look_at_progress,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.show_look import show_look
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.waiting import LISTED_FROM
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.cancel import (
    CANCEL_EVACUATION,
    DELETE_MIGRATION,
    JOINED,
    CancelObserved,
    CancelWish,
    next_cancel_step,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.ladder import (
    LADDER,
    ladder_from,
    rung_of_judgement,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import Record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import (
    Act,
    Done,
    Refused,
    Wait,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.act import render_acts

__all__ = ["run"]

# What the protocol refuses beyond the gates is said before anything is written.
_BEYOND_GATES = frozenset({"EvacuationNotStoppable", "TargetPodUnseen"})
# The gates that somebody overrides who knows better what ails it.
_SPEAK_AGAINST = frozenset({"stuck", "cause"})
# The causes that speak against the node it goes to.
_TARGET_TO_BLAME = frozenset(
    {
        "TargetNodeDown",
        "TargetHandlerDown",
        "TargetKubeletSilent",
        "TargetPodCrashing",
        "TargetPodNotAdmitted",
        "TargetLauncherOverdue",
        "BadTargetNode",
    }
)


def run(client: Client, params: Mapping[str, Any], clock: Clock, /, *, check_mode: bool = False) -> dict[str, Any]:
    """The result of migration_cancel for the module's `params`. One bad VM does not stop the others.

    Raises WrongInput for options that cannot be used, and ClusterError only where nothing at all could be read.
    """
    targets = targets_from(params)
    check_progress(params)
    ladder = ladder_from(params.get("ladder"))
    parallel, wait = parallel_from(params), wait_seconds(params)
    acting = acting_from(client, params, clock, targets=len(targets), check_mode=check_mode)
    flow = _Cancel(acting, params, wait=wait, parallel=parallel)
    flow.ladder = ladder
    courses = flow.carry_out([Course(target) for target in targets])
    for rules in acting.reads.reading.unseen.values():
        for rule in rules:
            acting.miss(rule)
    for course in courses:
        course.shown = flow.judged(course)
    would = check_mode and any(one.outcome == PLANNED for one in courses)
    shown = render_acts(
        acting.records,
        courses,
        changed=acting.has_changed or would,
        coverage=Coverage(requests=client.requests, requests_to_prometheus=flow.prometheus).adding(acting.rules),
    )
    looked = flow.looked(courses) if params.get("look") else {}
    return shown | {"looked": looked, "notes": list(dict.fromkeys(acting.notes))}


class _Cancel(Acts):
    """The cancels of one run. `prometheus` counts requests to a Prometheus; `ladder` has the rung of each cause."""

    looks_early = True
    prometheus = 0
    ladder: Mapping[str, str] = LADDER

    # -- which migration

    def find_many(self, courses: Sequence[Course]) -> None:
        for namespace in {one.target.namespace for one in courses}:
            there = [one for one in courses if one.target.namespace == namespace]
            if len(there) > LISTED_FROM:
                self._list(namespace, there)

    def _list(self, namespace: str, courses: Sequence[Course]) -> None:
        """Those that are listed are known; whoever may not list reads each by itself."""
        try:
            found = self.acting.reads.reading.migrations_of([one.target.vm for one in courses], namespace=namespace)
        except ClusterError:
            return
        by_name = {one.meta.name: one for one in found}
        for course in courses:
            course.known = (by_name[course.target.name],) if course.target.name in by_name else ()

    def resolve(self, course: Course) -> None:
        target, reads = course.target, self.acting.reads
        known, course.known = course.known, ()
        if target.name:
            found = known[0] if known else reads.migration(target.namespace, target.name)
            unfinished = [found] if found and (not target.uid or found.meta.uid == target.uid) else []
        else:
            unfinished = [one for one in reads.migrations_of(course.key) if not one.is_final]
        if len(unfinished) > 1:
            names = ", ".join(sorted(one.meta.name for one in unfinished))
            why = f"The VM has several unfinished migrations ({names}): name the one that is meant."
            course.outcome = Refused("SeveralMigrations", why, can_accept=False)
        elif unfinished and unfinished[0].vmi_name != target.vm:
            why = f"{target.name} is a migration of {unfinished[0].vmi_name or 'no VM'}, not of {target.vm}."
            course.outcome = Refused("SeveralMigrations", why, can_accept=False)
        elif unfinished:
            meta, course.known = unfinished[0].meta, (unfinished[0],)
            course.target = replace(target, name=meta.name, uid=target.uid or meta.uid)
        else:
            course.outcome = self._nothing_there(course)

    def _nothing_there(self, course: Course) -> Done:
        """Nothing to cancel; for a target with a UID the VMI may say how it ended."""
        target, reads = course.target, self.acting.reads
        vmi, seen = reads.vmi(course.key)
        course.vmi = vmi
        if target.uid:
            observed = CancelObserved(migration=None, vmi=vmi, vmi_seen=seen)
            found = self.next_step(course, observed, done=(), until=self.acting.now)
            if isinstance(found, Done):
                return found
        if vmi is None and seen and reads.has_vm(course.key) is False:
            return Done("gone", f"There is no VM {target.vm} in namespace {target.namespace}.")
        return Done("gone", "The VM has no unfinished migration.")

    def _wish(self, course: Course) -> CancelWish:
        target = course.target
        return CancelWish(
            namespace=target.namespace,
            name=target.name,
            uid=target.uid,
            free_target_pod=bool(self.params.get("free_target_pod")),
            stop_evacuation=bool(self.params.get("stop_evacuation")),
            wait=bool(self.params.get("wait")),
            accepted=self.acting.accepted,
        )

    # -- looks

    def first_look(self, course: Course) -> None:
        """Ends what needs no act, and marks what has only to be waited for."""
        course.seen = self.observe(course)
        found = self.next_now(course, course.seen)
        if isinstance(found, Done) or (isinstance(found, Refused) and found.code in _BEYOND_GATES):
            course.outcome = found
        elif isinstance(found, Wait):
            course.waited_for = found.why

    def observe(self, course: Course, *, explain: bool = False) -> CancelObserved:
        """The migration, its VMI, and between hand-off and copy the target pod."""
        target, reads = course.target, self.acting.reads
        known, course.known = course.known, ()
        known_vmi, course.known_vmi = course.known_vmi, ()
        found = known[0] if known else reads.migration(target.namespace, target.name)
        vmi, seen = (known_vmi[0], True) if known_vmi else reads.vmi(course.key)
        course.vmi, course.is_vmi_unseen = vmi or course.vmi, not seen
        observed = CancelObserved(migration=found, vmi=vmi, vmi_seen=seen)
        if found is None or found.meta.uid != target.uid:
            return observed
        course.phase, course.origin = found.phase, found.origin
        if found.is_being_deleted and DELETE_MIGRATION not in course.done and JOINED not in course.done:
            course.done.append(JOINED)
        state = observed.state_of(target.uid)
        if state is not None and state.started_at is None and (explain or self.params.get("free_target_pod")):
            pod, pods_seen = reads.target_pod(target.namespace, target.uid)
            observed = replace(observed, target_pod=pod, pods_seen=pods_seen)
        if explain:
            node = observed.target_pod.node if observed.target_pod else ""
            events = reads.events_about(target.namespace, target.uid)
            observed = replace(observed, events=events, target_answers=reads.node_answers(node))
        if self.params.get("stop_evacuation") and found.origin == "evacuation" and CANCEL_EVACUATION not in course.done:
            observed = replace(observed, can_stop_evacuation=reads.can_stop_evacuations())
        return observed

    def next_step(
        self, course: Course, observed: CancelObserved, /, *, done: Sequence[str], until: datetime
    ) -> Act | Wait | Done | Refused:
        return next_cancel_step(observed, wish=self._wish(course), done=done, until=until, now=self.acting.now)

    # -- the act

    def look_more(self, snapshot: Snapshot) -> Snapshot:
        """With how far copies are, where that was asked for: only so a stalled one is known as such."""
        found = look_at_progress(
            self.acting.client, snapshot, self.params, clock=self.acting.clock, namespaces=self.namespaces
        )
        self.prometheus = found.requests
        self.acting.notes += found.notes
        for rule in found.missing:
            self.acting.miss(rule)
        return replace(snapshot, progress=found.progress)

    @property
    def namespaces(self) -> list[str]:
        """Those of the targets, as a Prometheus that answers for one namespace at a time wants to know."""
        return sorted({one.namespace for one in targets_from(self.params)})

    def situation(self, course: Course) -> dict[str, Any]:
        judgement = self.around.judgements.get(course.target.uid)
        return {"act": "cancel", "wish": self._wish(course), "judgement": judgement, "ladder": self.ladder}

    def judged(self, course: Course) -> dict[str, str]:
        """What the fresh look said of it, and how far to go; "" and wait where it was not looked at.

        Where somebody insists against the verdict or the cause, all that was asked for is wanted.
        """
        judgement = self.around.judgements.get(course.target.uid)
        insisted = {one.gate for one in course.passage.overridden} if course.passage else set()
        rung = "retry" if insisted & _SPEAK_AGAINST else rung_of_judgement(judgement, ladder=self.ladder)
        return {
            "verdict": judgement.verdict if judgement else "",
            "cause": judgement.causes[0].code if judgement and judgement.causes else "",
            "rung": rung,
        }

    def looked(self, courses: Sequence[Course]) -> dict[str, Any]:
        """What the look that the gates judge says of the targets, as migration_info does; {} where there was none."""
        snapshot, judgements = self.around.snapshot, self.around.judgements
        targets = [judgements[one.target.uid] for one in courses if one.target.uid in judgements]
        if snapshot is None or not targets:
            return {}
        client = self.acting.client
        try:
            found, rules = show_look(client, snapshot, list(judgements.values()), shown=targets, ladder=self.ladder)
        except ClusterError as error:
            # What was done has to be told all the same.
            self.acting.notes.append(f"What the look before it said is left out: {error}")
            return {}
        self.acting.notes += found.pop("notes")
        coverage = Coverage(requests=client.requests, requests_to_prometheus=self.prometheus).adding(rules)
        return {**found, "coverage": coverage.to_result()}

    def known(self, course: Course, record: Record, /) -> Record:
        return record

    def record(self, course: Course) -> Record:
        judgement = self.around.judgements.get(course.target.uid)
        cause = judgement.causes[0].code if judgement and judgement.causes else ""
        return (course.before or course.record).cancelled(
            course.target.uid,
            at=self.acting.now,
            retry_follows=bool(self.params.get("retry_follows")) and self.judged(course)["rung"] == "retry",
            bad_target=judgement.case.target_node if judgement and cause in _TARGET_TO_BLAME else "",
        )

    def trace(self, course: Course) -> None:
        judgement = self.around.judgements.get(course.target.uid)
        verdict = judgement.verdict if judgement else "not judged"
        cause = judgement.causes[0].code if judgement and judgement.causes else "no known cause"
        why = f": {self.acting.reason}" if self.acting.reason else ""
        text = f"Cancelling migration {course.target.name} ({verdict}, {cause}) for {self.acting.actor}{why}"
        post_event(self.acting, course, reason="LiveMigrationCancelling", subject=course.target.uid, text=text)
        annotated = annotate_migration(self.acting, course, uid=course.target.uid)
        course.known = (annotated,) if annotated else ()

    def step(self, course: Course, act: Act, /) -> Step:
        body, verb = None, "delete"
        if act.kind == DELETE_MIGRATION:
            path = migration_name_path(act.namespace, act.subject)
        elif act.kind == CANCEL_EVACUATION:
            path, verb, body = _evacuate_cancel_path(act), "call", {"evacuationNodeName": act.node}
        else:
            path = paths.item("", version="v1", plural="pods", namespace=act.namespace, name=act.subject)
        return Step(
            action=act.kind,
            verb=verb,
            path=path,
            body=body,
            uid=act.uid,
            precondition=f"its UID is {act.uid}" if act.uid else f"the VMI is being evacuated from {act.node}",
            expectation=act.why,
            undo="migration_retry makes a new one" if act.kind == DELETE_MIGRATION else "",
            is_harmless=act.kind == CANCEL_EVACUATION,
        )

    def note_answer(self, course: Course, act: Act, answer: Mapping[str, Any], /) -> None:
        """Nothing: what became of a delete is seen by looking again."""

    def may_wait_on(self, course: Course, /) -> bool:
        """Once it is deleted, unless its target pod may still have to be freed."""
        asked = DELETE_MIGRATION in course.done or JOINED in course.done
        return asked and not self.params.get("free_target_pod")

    def note_doubt(self, course: Course, act: Act, /) -> None:
        """That it may be being deleted: gone then means cancelled, and not that there was none."""
        if act.kind == DELETE_MIGRATION and JOINED not in course.done:
            course.done.append(JOINED)


def _evacuate_cancel_path(act: Act) -> str:
    return paths.item(
        SUBRESOURCES,
        version="v1",
        plural="virtualmachineinstances",
        namespace=act.namespace,
        name=act.subject,
        subresource="evacuate/cancel",
    )
