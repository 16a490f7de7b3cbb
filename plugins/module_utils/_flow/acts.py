# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages that every act goes through, whatever it is: resolve, look, gates, lock, budget, trace, act, follow.

This module is private to the collection and may change without notice.

The order, the lock and the waiting are the same for all. All targets go side by side; an error ends one of them alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadRequest,
    ClusterError,
    Forbidden,
    NotFound,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.act_kind import ActKind
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.around import Around, read_around
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import (
    UNKNOWN_LOCK,
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
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.leases import VmLeases
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.waiting import (
    LISTED_FROM,
    due_for_a_look,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.act_gates import Situation, pass_gates
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import (
    Record,
    lease_name,
    read_held,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import (
    Act,
    Done,
    Refused,
    Wait,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step

__all__ = ["PLANNED", "Acts"]

PLANNED = Done("planned", "This is what would be done.")
_AGAIN_SECONDS = 1.0
# KubeVirt ends most within a tenth of a second: what is waited for is looked at so soon, then less and less often.
_SOON_SECONDS = 0.2
# KubeVirt's admission of a new migration (control plane seen: 400 without a reason, so the text decides).
_IN_FLIGHT = "in-flight migration detected"
_SOON = timedelta(seconds=60)


class Acts(ActKind):
    """One run of one kind of act over all of its targets."""

    def __init__(self, acting: Acting, params: Mapping[str, Any], *, wait: int, parallel: int) -> None:
        self.acting, self.params = acting, params
        self.wait_timeout, self.parallel = wait, parallel
        self.until: datetime | None = None
        self.gives_up_at = 0.0
        self.around = Around()
        self.leases = VmLeases(acting.reads)
        self.are_many = False
        self.is_around = False

    # -- the stages, in their order

    def carry_out(self, courses: list[Course]) -> list[Course]:
        """All of them, ended."""
        self.find_many(courses)
        self.all_of(self.resolve, courses)
        self._look_early([one for one in courses if one.outcome is None])
        self.all_of(self.first_look, courses)
        for course in courses:
            course.known_vmi = ()
        acts = [one for one in courses if one.outcome is None and not one.waited_for]
        if acts:
            self._try(self._pass_gates, acts)
        if self.acting.check_mode:
            planned = [one for one in acts if one.outcome is None]
            self._reserve(len(planned))
            self.all_of(self._plan, planned)
            for one in courses:
                one.outcome = one.outcome or Done("requested", "It is being cancelled already.")
            return courses
        self._begin([one for one in acts if one.outcome is None])
        self._follow(courses)
        return courses

    def all_of(self, work: Callable[[Course], None], courses: Sequence[Course], /) -> None:
        """`work` on each that has not ended, side by side; an error of the API ends that one alone."""

        def guarded(course: Course) -> None:
            try:
                work(course)
            except ClusterError as error:
                self.fail(course, error)

        open_ones = [one for one in courses if one.outcome is None]
        if open_ones:
            with ThreadPoolExecutor(max_workers=min(self.parallel, len(open_ones))) as pool:
                list(pool.map(guarded, open_ones))

    def fail(self, course: Course, error: ClusterError, /) -> None:
        """Ends it with an error: what is forbidden is a refusal."""
        if isinstance(error, Forbidden):
            self.acting.miss(error.rule)
            course.outcome = Refused("NotAllowed", str(error), can_accept=False)
        elif isinstance(error, BadRequest):
            course.outcome = Refused("AdmissionRefused", str(error), can_accept=False)
        else:
            course.outcome = Done("unknown", f"The API server did not answer as it should: {error}")

    def next_now(
        self, course: Course, observed: Any, /, *, done: Sequence[str] | None = None
    ) -> Act | Wait | Done | Refused:
        """What comes next, by a look that was just taken."""
        until = self.until or self.acting.now + timedelta(seconds=self.wait_timeout)
        return self.next_step(course, observed, done=course.done if done is None else done, until=until)

    # -- gates

    def _try(self, work: Callable[[Sequence[Course]], None], courses: Sequence[Course], /) -> None:
        """`work` on all of them; where what they are judged by could not be read at all, nothing is done."""
        try:
            work(courses)
        except ClusterError as error:
            for course in courses:
                if course.outcome is None:
                    self.fail(course, error)

    def _look_early(self, courses: Sequence[Course]) -> None:
        """Of many the look that the gates judge is the first one too; where it cannot be had each is looked at.

        Right before the act each is read anew.
        """
        if self.looks_early and len(courses) > LISTED_FROM:
            with contextlib.suppress(ClusterError):
                self._look_around(courses)
        for course in courses:
            judgement = self.around.judgements.get(course.target.uid)
            course.known_vmi = (judgement.case.vmi,) if judgement and judgement.case.vmi else ()

    def _look_around(self, courses: Sequence[Course]) -> None:
        """Reads what the gates judge."""
        acting = self.acting
        self.around = read_around(
            acting.reads,
            namespaces=[one.target.namespace for one in courses],
            min_healthy=str(self.params.get("min_healthy")),
            more=self.look_more,
        )
        self.is_around = True
        for rule in self.around.rules:
            acting.miss(rule)

    def _pass_gates(self, courses: Sequence[Course]) -> None:
        acting = self.acting
        if not self.is_around:
            self._look_around(courses)
        self.leases.list_for(courses)
        begun = 0
        for course in courses:
            situation = self._situation(course, begun=begun)
            course.passage = pass_gates(situation, accepted=acting.accepted, is_one_vm=acting.is_one_vm)
            if course.passage.allowed:
                begun += 1
                continue
            first = course.passage.refusals[0]
            course.outcome = Refused(first.code, first.reason, first.next_allowed_at, first.can_accept)
            for step in self.steps(course):
                skip(acting, course, step, outcome="refused", why=f"Refused: {first.code}.")

    def _situation(self, course: Course, *, begun: int) -> Situation:
        acting, around, namespace = self.acting, self.around, course.target.namespace
        why = self.read_lease(course)
        missing = {**around.missing, **({"lock": why, "attempts": why} if why else {})}
        return Situation(
            now=acting.now,
            limits=acting.limits,
            paused_at=around.paused_at(namespace),
            pause_unseen=around.pause_unseen(namespace),
            marks=around.marks(acting.reads, course=course) if self.params.get("only_opted_in") else None,
            guard=around.guard,
            stuck_by_node=around.stuck_by_node,
            budget=around.budget,
            acts_of_run=begun,
            kubevirt=around.kubevirt,
            attempts=course.record.attempts,
            lease=course.held,
            lease_seen=not why,
            holder=acting.holder,
            missing=missing,
            **self.situation(course),
        )

    def read_lease(self, course: Course) -> str:
        """Reads the VM's Lease; why it could not be read, "" where it could."""
        if course.vmi is None:
            return UNKNOWN_LOCK if course.is_vmi_unseen else ""
        try:
            found = self.leases.get(course.target.namespace, lease_name(course.vmi.meta.uid))
        except ClusterError as error:
            if isinstance(error, Forbidden):
                self.acting.miss(error.rule)
                return f"not allowed to {error.rule.sentence()}"
            return str(error)
        course.held = read_held(found) if found else None
        course.record = self.known(course, (course.held.record if course.held else None) or Record())
        return ""

    # -- acts

    def steps(self, course: Course) -> list[Step]:
        """The acts that would follow each other, were nothing else to happen meanwhile."""
        done, steps = list(course.done), []
        while isinstance(found := self.next_now(course, course.seen, done=done), Act):
            steps.append(self.step(course, found))
            done.append(found.kind)
        return steps

    def _plan(self, course: Course) -> None:
        """Check mode: every step in order, each that is possible now tried by the server."""
        refusal = self._lock(course)
        self.trace(course)
        for step in self.steps(course):
            if step.not_yet:
                skip(self.acting, course, step, outcome="not_possible_yet", why=step.not_yet)
            else:
                send(self.acting, course, step)
        plan_release(self.acting, course)
        course.outcome = refusal or PLANNED

    def release(self, course: Course) -> None:
        """Gives the lock back. What was not done is not remembered."""
        release_lock(self.acting, course, course.record if course.has_acted else course.before)

    def _lock(self, course: Course) -> Refused | None:
        course.before = course.before or course.record
        return take_lock(self.acting, course, self.record(course))

    def _begin(self, courses: Sequence[Course]) -> None:
        """Locks, then counts in the budget what is locked."""

        def lock(course: Course) -> None:
            course.outcome = self._lock(course)

        self.all_of(lock, courses)
        locked = [one for one in courses if one.outcome is None]
        allowed = self._reserve(len(locked))
        for course in locked[allowed:]:
            course.outcome = Refused("BudgetSpent", "Others have used the cluster's budget just now.", self.acting.now)
            self.release(course)

    def _reserve(self, acts: int) -> int:
        around = self.around
        try:
            return reserve_budget(self.acting, around.budget, place=around.kubevirt_namespace, acts=acts)
        except ClusterError as error:
            self.acting.notes.append(f"The cluster's budget could not be counted: {error}")
            return 0

    # -- and what becomes of them

    def _follow(self, courses: Sequence[Course]) -> None:
        """Turn by turn, all side by side, until each has ended or wait_timeout is over."""
        self.until = self.acting.now + timedelta(seconds=self.wait_timeout)
        self.gives_up_at = self.acting.clock.monotonic() + self.wait_timeout
        waits: dict[int, float] = {}
        pause = _SOON_SECONDS
        self.are_many = sum(one.outcome is None for one in courses) > LISTED_FROM

        def turn(course: Course) -> None:
            waits[id(course)] = self._turn(course)

        while any(one.outcome is None for one in courses):
            waits.clear()
            still = self.until is not None and self.acting.now < self.until
            self.all_of(turn, due_for_a_look(self.acting, courses, may_wait_on=self.may_wait_on if still else None))
            if any(one.outcome is None for one in courses):
                self.acting.clock.sleep(min([*waits.values(), pause]))
                # Where some have just ended, others soon will.
                pause = _SOON_SECONDS if 0.0 in waits.values() else min(2 * pause, _AGAIN_SECONDS)
        for course in courses:
            self.release(course)

    def _turn(self, course: Course) -> float:
        """As far as it goes without waiting; how long to wait then."""
        if course.passage is not None and not course.is_traced:
            # Right before the look that the act goes by.
            course.is_traced = True
            self.trace(course)
        while True:
            is_last = self.until is not None and self.acting.now >= self.until
            try:
                observed = self.observe(course, explain=is_last)
                # Time that runs out during a look ends nothing: the next one says why it hangs.
                until = self.until if is_last and self.until else self.acting.now + _SOON
                found = self._next(course, observed, until=until)
                course.note_seen(_said(found), at=self.acting.now)
            except ClusterError as error:
                return self._unread(course, error)
            if isinstance(found, Act):
                if not self._do(course, found):
                    return _AGAIN_SECONDS
                found = self.next_step(course, observed, done=course.done, until=until)
                # Of many the next list tells which of them have ended by then.
                if not (self.are_many and isinstance(found, Wait) and self.may_wait_on(course)):
                    continue
                self.release(course)
                course.waited_for = found.why
                return _SOON_SECONDS
            self.release(course)
            if isinstance(found, Wait):
                course.waited_for = found.why
                return found.seconds
            course.outcome = found
            return 0.0

    def _next(self, course: Course, observed: Any, /, *, until: datetime) -> Act | Wait | Done | Refused:
        """What comes next. One that was only joined has passed no gate: the acts are left to whoever began it."""
        found = self.next_step(course, observed, done=course.done, until=until)
        if isinstance(found, Act) and course.passage is None:
            return self.next_step(course, observed, done=[*course.done, found.kind], until=until)
        return found

    def _unread(self, course: Course, error: ClusterError) -> float:
        """The API server may be back in a moment: it is asked again until wait_timeout is over.

        What may not be read ends it at once; after something was sent that is no refusal any more.
        """
        if isinstance(error, Forbidden):
            if not course.has_acted:
                raise error
            self.acting.miss(error.rule)
            course.outcome = Done("unknown", f"It was begun, and what became of it may not be read: {error}")
            return 0.0
        if self.acting.clock.monotonic() >= self.gives_up_at:
            self.fail(course, error)
        return _AGAIN_SECONDS

    def _do(self, course: Course, act: Act) -> bool:
        """Carries out one act; whether to look again at once. What fails is tried again after a fresh look."""
        step = self.step(course, act)
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
            course.has_acted = True
            self.note_answer(course, act, answer)
            return True
        if answer.is_uncertain:
            course.has_acted = True
            self.note_doubt(course, act)
        if isinstance(answer, NotFound) and step.verb == "delete":
            return True
        # Admission says the same again; that another one is in flight the next look sees.
        is_final = isinstance(answer, BadRequest) and _IN_FLIGHT not in answer.reason
        if is_final or isinstance(answer, Forbidden) or self.acting.clock.monotonic() >= self.gives_up_at:
            self.fail(course, answer)
        return False


def _said(found: Act | Wait | Done | Refused) -> str:
    """One step of a protocol, for people."""
    if isinstance(found, Act):
        return f"{found.kind}: {found.why}"
    if isinstance(found, Wait):
        return f"waits {found.why}"
    return f"{found.state if isinstance(found, Done) else found.code}: {found.reason}"
