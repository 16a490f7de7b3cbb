# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_cancel: look afresh, pass the gates, lock, cancel, and see what KubeVirt makes of it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.act_reads import (
    SUBRESOURCES,
    migration_name_path,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    NotFound,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.act_options import (
    acting_from,
    parallel_from,
    targets_from,
    wait_seconds,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.around import Around, read_around
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.audit import (
    annotate_migration,
    post_event,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import (
    Acting,
    Course,
    may_act,
    plan_release,
    release_lock,
    reserve_budget,
    send,
    skip,
    take_lock,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.act_gates import Situation, pass_gates
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.cancel import (
    CANCEL_EVACUATION,
    DELETE_MIGRATION,
    JOINED,
    CancelObserved,
    CancelWish,
    next_cancel_step,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import (
    Act,
    Done,
    Refused,
    Wait,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import lease_name, read_held
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.act import render_acts

__all__ = ["run"]

# What the protocol refuses beyond the gates is said before anything is written.
_BEYOND_GATES = frozenset({"EvacuationNotStoppable", "TargetPodUnseen"})
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
    parallel, wait = parallel_from(params), wait_seconds(params)
    acting = acting_from(client, params, clock, targets=len(targets), check_mode=check_mode)
    flow = _Cancel(acting, params, wait=wait, parallel=parallel)
    courses = flow.carry_out([Course(target) for target in targets])
    changed = any(
        "delete" in record["verb"] and record["outcome"] in ("done", "unknown") for _c, record in acting.records
    )
    would = check_mode and any(one.outcome == PLANNED for one in courses)
    return render_acts(
        acting.records, courses, changed=changed or would, rules=acting.rules, requests=client.requests
    ) | {"notes": list(dict.fromkeys(acting.notes))}


_AGAIN_SECONDS = 1.0
_JOINED_SECONDS = 1.0
PLANNED = Done("planned", "This is what would be done.")


class _Cancel:
    """The stages of one run, in their order."""

    def __init__(self, acting: Acting, params: Mapping[str, Any], *, wait: int, parallel: int) -> None:
        self.acting, self.params = acting, params
        self.wait_timeout, self.parallel = wait, parallel
        self.until: datetime | None = None
        self.gives_up_at = 0.0

    def carry_out(self, courses: list[Course]) -> list[Course]:
        """All of them, ended."""
        self._all(self._resolve, courses)
        self._all(self._first_look, courses)
        acts = [one for one in courses if one.outcome is None and not one.waited_for]
        if acts:
            self._pass_gates(acts)
        if self.acting.check_mode:
            self._all(self._plan, [one for one in acts if one.outcome is None])
            for one in courses:
                one.outcome = one.outcome or Done("requested", "It is being cancelled already.")
            return courses
        self._begin([one for one in acts if one.outcome is None])
        self._follow(courses)
        return courses

    def _all(self, work: Callable[[Course], None], courses: Sequence[Course]) -> None:
        """`work` on each that has not ended, side by side; an error of the API ends that one alone."""

        def guarded(course: Course) -> None:
            try:
                work(course)
            except ClusterError as error:
                self._fail(course, error)

        open_ones = [one for one in courses if one.outcome is None]
        if open_ones:
            with ThreadPoolExecutor(max_workers=min(self.parallel, len(open_ones))) as pool:
                list(pool.map(guarded, open_ones))

    def _fail(self, course: Course, error: ClusterError) -> None:
        if isinstance(error, Forbidden):
            self.acting.miss(error.rule)
            course.outcome = Refused("NotAllowed", str(error), can_accept=False)
        else:
            course.outcome = Done("unknown", f"The API server did not answer as it should: {error}")

    # -- which migration

    def _resolve(self, course: Course) -> None:
        target, reads = course.target, self.acting.reads
        if target.name:
            found = reads.migration(target.namespace, target.name)
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
            meta = unfinished[0].meta
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
            found = next_cancel_step(observed, wish=self._wish(course), until=self.acting.now, now=self.acting.now)
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

    def _observe(self, course: Course, *, explain: bool = False) -> CancelObserved:
        """One fresh look: the migration, its VMI, and between hand-off and copy the target pod."""
        target, reads = course.target, self.acting.reads
        found = reads.migration(target.namespace, target.name)
        vmi, seen = reads.vmi(course.key)
        course.vmi = vmi or course.vmi
        observed = CancelObserved(migration=found, vmi=vmi, vmi_seen=seen)
        if found is None or found.meta.uid != target.uid:
            return observed
        course.phase, course.origin = found.phase, found.origin
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

    def _next(
        self, course: Course, observed: CancelObserved, *, done: Sequence[str] | None = None
    ) -> Act | Wait | Done | Refused:
        now = self.acting.now
        until = self.until or now + timedelta(seconds=self.wait_timeout)
        sent = course.done if done is None else done
        return next_cancel_step(observed, wish=self._wish(course), done=sent, until=until, now=now)

    def _first_look(self, course: Course) -> None:
        """Ends what needs no act, and marks what has only to be waited for."""
        course.seen = self._observe(course)
        found = self._next(course, course.seen)
        if isinstance(found, Done) or (isinstance(found, Refused) and found.code in _BEYOND_GATES):
            course.outcome = found
        elif isinstance(found, Wait):
            course.waited_for = found.why
            course.done.append(JOINED)

    # -- gates

    def _pass_gates(self, courses: Sequence[Course]) -> None:
        acting = self.acting
        around = read_around(
            acting.reads,
            namespaces=[one.target.namespace for one in courses],
            min_healthy=str(self.params.get("min_healthy")),
        )
        self.around = around
        for rule in around.rules:
            acting.miss(rule)
        begun = 0
        for course in courses:
            course.passage = pass_gates(
                self._situation(course, around, begun=begun), accepted=acting.accepted, is_one_vm=acting.is_one_vm
            )
            if course.passage.allowed:
                begun += 1
                continue
            first = course.passage.refusals[0]
            course.outcome = Refused(first.code, first.reason, first.next_allowed_at, first.can_accept)
            for step in self._steps(course):
                skip(acting, course, step, outcome="refused", why=f"Refused: {first.code}.")

    def _situation(self, course: Course, around: Around, *, begun: int) -> Situation:
        acting, target = self.acting, course.target
        lease_seen = self._read_lease(course, around)
        return Situation(
            act="cancel",
            now=acting.now,
            limits=acting.limits,
            wish=self._wish(course),
            judgement=around.judgements.get(target.uid),
            paused_at=around.paused_at(target.namespace),
            pause_unseen=around.pause_unseen(target.namespace),
            guard=around.guard,
            stuck_by_node=around.stuck_by_node,
            budget=around.budget,
            acts_of_run=begun,
            kubevirt=around.kubevirt,
            lease=course.held,
            lease_seen=lease_seen,
            holder=acting.holder,
            missing=around.missing,
        )

    def _read_lease(self, course: Course, around: Around) -> bool:
        """The VM's Lease; whether it could be read."""
        if course.vmi is None:
            return True
        try:
            found = self.acting.reads.lease(course.target.namespace, lease_name(course.vmi.meta.uid))
        except ClusterError as error:
            if isinstance(error, Forbidden):
                self.acting.miss(error.rule)
            around.missing = {**around.missing, "lock": str(error), "attempts": str(error)}
            return False
        course.held = read_held(found) if found else None
        course.record = (course.held.record if course.held else None) or course.record
        return True

    # -- acts

    def _steps(self, course: Course) -> list[Step]:
        """The acts that would follow each other, were nothing else to happen meanwhile."""
        observed, done, steps = course.seen, list(course.done), []
        while isinstance(found := self._next(course, observed, done=done), Act):
            steps.append(self._step(course, found))
            done.append(found.kind)
        return steps

    def _plan(self, course: Course) -> None:
        """Check mode: every step in order, each that is possible now tried by the server."""
        refusal = self._lock(course)
        reserve_budget(self.acting, self.around.budget, place=self.around.kubevirt_namespace, acts=1)
        self._trace(course)
        for step in self._steps(course):
            send(self.acting, course, step)
        plan_release(self.acting, course)
        course.outcome = refusal or PLANNED

    def _begin(self, courses: Sequence[Course]) -> None:
        """Locks, then counts in the budget what is locked, then leaves the traces."""

        def lock(course: Course) -> None:
            course.outcome = self._lock(course)

        self._all(lock, courses)
        locked = [one for one in courses if one.outcome is None]
        if not locked:
            return
        around = self.around
        try:
            allowed = reserve_budget(self.acting, around.budget, place=around.kubevirt_namespace, acts=len(locked))
        except ClusterError as error:
            allowed = 0
            self.acting.notes.append(f"The cluster's budget could not be counted: {error}")
        for course in locked[allowed:]:
            course.outcome = Refused("BudgetSpent", "Others have used the cluster's budget just now.", self.acting.now)
            release_lock(self.acting, course)
        self._all(self._trace, locked[:allowed])

    def _lock(self, course: Course) -> Refused | None:
        judgement = self.around.judgements.get(course.target.uid)
        cause = judgement.causes[0].code if judgement and judgement.causes else ""
        bad = judgement.case.target_node if judgement and cause in _TARGET_TO_BLAME else ""
        record = course.record.cancelled(
            course.target.uid,
            at=self.acting.now,
            retry_follows=bool(self.params.get("retry_follows")),
            bad_target=bad,
        )
        return take_lock(self.acting, course, record)

    def _trace(self, course: Course) -> None:
        judgement = self.around.judgements.get(course.target.uid)
        said = f"{judgement.verdict}" if judgement else "not judged"
        cause = judgement.causes[0].code if judgement and judgement.causes else "no known cause"
        why = f": {self.acting.reason}" if self.acting.reason else ""
        text = f"Cancelling migration {course.target.name} ({said}, {cause}) for {self.acting.actor}{why}"
        annotate_migration(self.acting, course, uid=course.target.uid)
        post_event(self.acting, course, reason="LiveMigrationCancelling", subject=course.target.uid, text=text)

    def _step(self, course: Course, act: Act) -> Step:
        if act.kind == DELETE_MIGRATION:
            path, verb, body = migration_name_path(act.namespace, act.subject), "delete", None
        elif act.kind == CANCEL_EVACUATION:
            path, verb = _evacuate_cancel_path(act), "call"
            body = {"evacuationNodeName": act.node}
        else:
            path = paths.item("", version="v1", plural="pods", namespace=act.namespace, name=act.subject)
            verb, body = "delete", None
        return Step(
            action=act.kind,
            verb=verb,
            path=path,
            body=body,
            uid=act.uid,
            precondition=f"its UID is {act.uid}" if act.uid else f"the VMI is being evacuated from {act.node}",
            expectation=act.why,
            undo="" if act.kind != DELETE_MIGRATION else "migration_retry makes a new one",
            is_harmless=act.kind == CANCEL_EVACUATION,
        )

    # -- and what becomes of them

    def _follow(self, courses: Sequence[Course]) -> None:
        """Turn by turn, all side by side, until each has ended or wait_timeout is over."""
        self.until = self.acting.now + timedelta(seconds=self.wait_timeout)
        self.gives_up_at = self.acting.clock.monotonic() + self.wait_timeout
        waits: dict[int, float] = {}

        def turn(course: Course) -> None:
            waits[id(course)] = self._turn(course)

        while any(one.outcome is None for one in courses):
            waits.clear()
            self._all(turn, courses)
            if any(one.outcome is None for one in courses):
                self.acting.clock.sleep(min(waits.values(), default=1.0))
        for course in courses:
            release_lock(self.acting, course)

    def _turn(self, course: Course) -> float:
        """As far as it goes without waiting; how long to wait then."""
        while True:
            explain = self.until is not None and self.acting.now >= self.until
            try:
                found = self._next(course, self._observe(course, explain=explain))
            except Forbidden:
                raise
            except ClusterError as error:
                return self._unread(course, error)
            if isinstance(found, Act):
                if course.passage is None:
                    return _JOINED_SECONDS
                if not self._do(course, found):
                    return _AGAIN_SECONDS
                continue
            release_lock(self.acting, course)
            if isinstance(found, Wait):
                course.waited_for = found.why
                return found.seconds
            course.outcome = found
            return 0.0

    def _unread(self, course: Course, error: ClusterError) -> float:
        """The API server may be back in a moment: it is asked again until wait_timeout is over."""
        if self.acting.clock.monotonic() >= self.gives_up_at:
            self._fail(course, error)
        return _AGAIN_SECONDS

    def _do(self, course: Course, act: Act) -> bool:
        """Carries out one act; whether to look again at once. What fails is tried again after a fresh look."""
        step = self._step(course, act)
        if not course.locked_until and not course.is_lock_waived:
            course.outcome = self._lock(course)
        if course.outcome is None and not may_act(self.acting, course):
            course.outcome = Refused("LockHeld", "The lock ran out before the act: run again.", can_accept=False)
        if course.outcome is not None:
            skip(self.acting, course, step, outcome="not_tried", why="The VM's lock is not ours.")
            return False
        answer = send(self.acting, course, step)
        if not isinstance(answer, ClusterError):
            course.done.append(act.kind)
            return True
        if isinstance(answer, NotFound) and act.kind != CANCEL_EVACUATION:
            return True
        if isinstance(answer, Forbidden) or self.acting.clock.monotonic() >= self.gives_up_at:
            self._fail(course, answer)
        return False


def _evacuate_cancel_path(act: Act) -> str:
    return paths.item(
        SUBRESOURCES,
        version="v1",
        plural="virtualmachineinstances",
        namespace=act.namespace,
        name=act.subject,
        subresource="evacuate/cancel",
    )
