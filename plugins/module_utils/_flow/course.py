# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One act on one VM as it runs: what was asked, what was sent, how it ended; and the lock that it holds meanwhile.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.act_reads import (
    ActReads,
    lease_path,
    leases_path,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Conflict,
    Forbidden,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.execute import write_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.act_gates import Limits, Passage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.budget import (
    BUDGET_NAME,
    Budget,
    plan_budget_lease,
    read_budget,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import (
    Held,
    Record,
    lease_name,
    plan_lease,
    read_held,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import Done, Refused
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step

__all__ = [
    "UNKNOWN_LOCK",
    "Acting",
    "Course",
    "Target",
    "may_act",
    "plan_release",
    "release_lock",
    "reserve_budget",
    "send",
    "skip",
    "take_lock",
]

# A request ends within request_timeout; the lock outlives so many of them, and is not trusted for its last one.
LOCK_REQUESTS = 5
_BUDGET_TRIES = 8
UNKNOWN_LOCK = "the VMI may not be read, and the lock is named from its UID"
_MOST_SEEN = 60
_BESIDES = frozenset({"take_lock", "release_lock", "reserve_budget", "annotate_migration", "post_event"})


@dataclass(frozen=True)
class Target:
    """Which migration of which VM. `name` and `uid` are "" where only the VM was named.

    `is_planned`: its cancel was planned in check mode.
    """

    namespace: str
    vm: str
    name: str = ""
    uid: str = ""
    is_planned: bool = False


@dataclass
class Acting:
    """What all acts of one run share."""

    client: Client
    clock: Clock
    reads: ActReads
    limits: Limits
    check_mode: bool
    accepted: frozenset[str]
    holder: str
    actor: str
    reason: str
    request_timeout: float
    is_one_vm: bool
    records: list[tuple[Course | None, dict[str, Any]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def now(self) -> datetime:
        """The cluster's time, of the newest answer."""
        return self.client.server_time or self.clock.now()

    @property
    def has_changed(self) -> bool:
        """Whether an act was sent and may have changed something: locks and traces alone are no change."""
        sent = [one for _course, one in self.records if one["action"] not in _BESIDES]
        return any(one["outcome"] in ("done", "unknown") for one in sent)

    @property
    def lock_seconds(self) -> int:
        """How long a lock is taken for."""
        return int(self.request_timeout * LOCK_REQUESTS)

    def note(self, course: Course | None, record: dict[str, Any], /) -> None:
        """Keeps what became of a step, in the order in which it was done."""
        with self.lock:
            self.records.append((course, record))

    def miss(self, rule: Rule) -> None:
        """Keeps a rule that was missing."""
        with self.lock:
            if rule not in self.rules:
                self.rules.append(rule)


@dataclass
class Course:
    """One target on its way. Only one thread has it at a time.

    `is_vmi_unseen`: whether there is a VMI may not be read. `locked_vmi` is the VMI whose Lease was taken: one of its
    name may have come in its place meanwhile. `known` holds what was just read under the migration's name, None for
    nothing, and `known_vmi` the VMI that was: the next look takes them as they are.
    """

    target: Target
    phase: str = ""
    origin: str = ""
    vmi: Vmi | None = None
    is_vmi_unseen: bool = False
    done: list[str] = field(default_factory=list)
    failures: int = 0
    passage: Passage | None = None
    held: Held | None = None
    record: Record = field(default_factory=Record)
    locked_until: float = 0.0
    locked_vmi: Vmi | None = None
    is_lock_waived: bool = False
    seen: Any = None
    created: str = ""
    before: Record | None = None
    has_acted: bool = False
    shown: dict[str, Any] = field(default_factory=dict)
    outcome: Done | Refused | None = None
    waited_for: str = ""
    known: tuple[Migration | None, ...] = ()
    known_vmi: tuple[Vmi, ...] = ()
    is_traced: bool = False
    timeline: list[dict[str, str]] = field(default_factory=list)

    def note_seen(self, what: str, /, *, at: datetime) -> None:
        """Keeps what was seen of it while it was waited for, each change once; of very many the first and the last."""
        entry = {"at": format_timestamp(at), "phase": self.phase, "what": what}
        last = self.timeline[-1] if self.timeline else {}
        if (last.get("phase"), last.get("what")) != (self.phase, what):
            del self.timeline[_MOST_SEEN - 1 :]
            self.timeline.append(entry)

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, VM)."""
        return self.target.namespace, self.target.vm

    @property
    def is_replaced(self) -> bool:
        """Whether another VMI runs now than the one whose Lease was taken."""
        locked = self.locked_vmi
        return locked is not None and self.vmi is not None and self.vmi.meta.uid != locked.meta.uid


def send(acting: Acting, course: Course | None, step: Step, /) -> Mapping[str, Any] | ClusterError:
    """Sends one step, or in check mode has the server try it, and keeps what became of it."""
    try:
        written = acting.client.write(write_of(step), dry_run=acting.check_mode)
    except ClusterError as error:
        if isinstance(error, Forbidden):
            acting.miss(error.rule)
        forbidden = isinstance(error, Forbidden) and acting.check_mode
        outcome = "unknown" if error.is_uncertain else "failed"
        word = ("forbidden" if forbidden else "refused") if acting.check_mode else ""
        acting.note(course, _entry(acting, step, outcome=outcome, answer=str(error), dry_run=word))
        return error
    outcome, answer = ("dry_run", "accepted, nothing stored") if acting.check_mode else ("done", "accepted")
    acting.note(
        course, _entry(acting, step, outcome=outcome, answer=answer, dry_run="accepted" if acting.check_mode else "")
    )
    return written.obj


def skip(acting: Acting, course: Course | None, step: Step, /, *, outcome: str, why: str) -> None:
    """Keeps a step that was not sent."""
    word = "not_possible" if outcome == "not_possible_yet" else ""
    acting.note(course, _entry(acting, step, outcome=outcome, answer=why, dry_run=word))


def _entry(acting: Acting, step: Step, *, outcome: str, answer: str, dry_run: str) -> dict[str, Any]:
    at = format_timestamp(acting.now)
    return {**step.to_result(outcome=outcome, answer=answer, at=at), "dry_run": dry_run}


# -- the lock of a VM


def take_lock(acting: Acting, course: Course, record: Record, /) -> Refused | None:
    """Writes the VM's Lease with `record` before the act; why not, where somebody else has it or it cannot be written.

    Without a VMI there is nothing to lock: nobody can migrate such a VM.
    """
    if course.vmi is None:
        if course.is_vmi_unseen:
            return _waive(acting, course, f"{UNKNOWN_LOCK}.")
        course.is_lock_waived = True
        return None
    step = _lease_step(acting, course, course.vmi, record, holder=acting.holder, action="take_lock")
    answer = send(acting, course, step)
    if isinstance(answer, Conflict):
        return _lost(acting, course)
    if isinstance(answer, ClusterError):
        return _waive(acting, course, str(answer))
    if not acting.check_mode:
        course.held, course.record, course.locked_vmi = read_held(answer), record, course.vmi
        course.locked_until = acting.clock.monotonic() + acting.lock_seconds - acting.request_timeout
    return None


def _waive(acting: Acting, course: Course, why: str) -> Refused | None:
    """Goes on without a lock that cannot be had, where somebody insists on that for one named VM."""
    course.is_lock_waived = "LockHeld" in acting.accepted and acting.is_one_vm
    if not course.is_lock_waived:
        return Refused("LockHeld", f"The lock could not be written: {why}")
    acting.notes.append(f"{course.target.namespace}/{course.target.vm}: it acts without the lock: {why}")
    return None


def _lost(acting: Acting, course: Course) -> Refused:
    """Somebody else wrote the Lease first."""
    why = "Somebody else has taken the VM's lock just now."
    if course.vmi is None:
        return Refused("LockHeld", why, can_accept=False)
    try:
        found = acting.reads.lease(course.vmi.meta.namespace, lease_name(course.vmi.meta.uid))
    except ClusterError:
        found = None
    held = read_held(found) if found else None
    if held is not None and held.holder == acting.holder:
        why = "Another target of this run is the same VM."
    refusal = held.refusal(holder=acting.holder, now=acting.now) if held else None
    return refusal or Refused("LockHeld", why, acting.now, can_accept=False)


def _lease_step(acting: Acting, course: Course, vmi: Vmi, record: Record, *, holder: str, action: str) -> Step:
    meta, held = vmi.meta, course.held
    seconds = acting.lock_seconds if holder else 1
    body = plan_lease(vmi, record, held=held, holder=holder, seconds=seconds, now=acting.now)
    name = lease_name(meta.uid)
    return Step(
        action=action,
        verb="merge" if held else "create",
        path=lease_path(meta.namespace, name) if held else leases_path(meta.namespace),
        body=body,
        resource_version=held.version if held else "",
        precondition="the Lease is as it was read" if held else "there is no such Lease yet",
        expectation="nobody else acts on the VM meanwhile" if holder else "others may act on the VM",
        undo=f"kubectl delete lease -n {meta.namespace} {name}",
    )


def release_lock(acting: Acting, course: Course, record: Record | None = None, /) -> None:
    """Gives the lock back, with what is to be remembered. That it fails is a warning: it expires by itself."""
    if course.locked_vmi is None or course.held is None or not course.locked_until:
        return
    kept = record or course.record
    step = _lease_step(acting, course, course.locked_vmi, kept, holder="", action="release_lock")
    answer = send(acting, course, replace(step, is_optional=True))
    course.locked_until = 0.0
    if isinstance(answer, ClusterError):
        acting.notes.append(f"{course.target.namespace}/{course.target.vm}: the lock was not given back: {answer}")
    else:
        course.held, course.record = read_held(answer), kept


def plan_release(acting: Acting, course: Course, /) -> None:
    """In check mode: that the lock would be given back."""
    if course.vmi is not None and not course.is_lock_waived:
        step = _lease_step(acting, course, course.vmi, course.record, holder="", action="release_lock")
        skip(acting, course, step, outcome="not_possible_yet", why="The lock that it gives back is not taken.")


def may_act(acting: Acting, course: Course, /) -> bool:
    """Whether the lock is still ours for as long as a request takes, or there is none to take and that was accepted."""
    return course.is_lock_waived or acting.clock.monotonic() < course.locked_until


# -- the budget of the cluster


def reserve_budget(acting: Acting, budget: Budget | None, /, *, place: str, acts: int) -> int:
    """Counts `acts` in the cluster's budget before they are made; how many of them it allows.

    Where the budget could not be read, its gate was accepted: then all are.
    """
    if budget is None or not place or acts == 0:
        return acts
    for _try in range(_BUDGET_TRIES):
        allowed = min(acts, budget.left(acting.now, per_hour=acting.limits.max_acts_per_hour))
        if allowed == 0:
            return 0
        answer = send(acting, None, _budget_step(acting, budget, place=place, acts=allowed))
        if not isinstance(answer, Conflict):
            return _reserved(acting, answer, allowed=allowed)
        found = acting.reads.lease(place, BUDGET_NAME)
        again = Budget() if found is None else read_budget(found)
        if again is None:
            return 0
        budget = again
    return 0


def _reserved(acting: Acting, answer: Mapping[str, Any] | ClusterError, *, allowed: int) -> int:
    if not isinstance(answer, ClusterError) or acting.check_mode:
        return allowed
    if "BudgetSpent" not in acting.accepted or not acting.is_one_vm:
        return 0
    acting.notes.append(f"This act is not counted in the cluster's budget: {answer}")
    return allowed


def _budget_step(acting: Acting, budget: Budget, *, place: str, acts: int) -> Step:
    body = plan_budget_lease(budget, namespace=place, acts=acts, holder=acting.holder, now=acting.now)
    return Step(
        action="reserve_budget",
        verb="merge" if budget.version else "create",
        path=lease_path(place, BUDGET_NAME) if budget.version else leases_path(place),
        body=body,
        resource_version=budget.version,
        precondition="the Lease is as it was read" if budget.version else "there is no such Lease yet",
        expectation=f"{acts} acts are counted in this hour",
    )
