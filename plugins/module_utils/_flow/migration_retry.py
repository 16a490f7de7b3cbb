# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_retry: look afresh, pass the gates, lock, migrate again, and see how far it comes.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.act_reads import migration_name_path
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.placement_reads import (
    PlacementReading,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import migrations_path
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_text
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import HOLDER
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import META, Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.act_options import (
    acting_from,
    names_from,
    number_from,
    parallel_from,
    targets_from,
    vms_from,
    wait_seconds,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.acts import PLANNED, Acts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.audit import post_event
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import Acting, Course, Target
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.retry_places import find_places
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import Record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import (
    Act,
    Done,
    Refused,
    Wait,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.retry import (
    CREATE_MIGRATION,
    RetryObserved,
    RetryWish,
    avoided_nodes,
    known_record,
    next_retry_step,
    plan_migration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.act import render_acts

__all__ = ["run"]

WAIT_FOR = ("created", "running", "finished")


def run(client: Client, params: Mapping[str, Any], clock: Clock, /, *, check_mode: bool = False) -> dict[str, Any]:
    """The result of migration_retry for the module's `params`. One bad VM does not stop the others.

    Raises WrongInput for options that cannot be used, and ClusterError only where nothing at all could be read.
    """
    with_due = bool(params.get("due"))
    named = targets_from(params, may_be_none=with_due)
    places, vms = names_from(params, "due_namespaces"), vms_from(params, "due_vms")
    parallel, wait = parallel_from(params), wait_seconds(params)
    acting = acting_from(client, params, clock, targets=len(named), check_mode=check_mode)
    due = _due(acting, places, named=named, vms=vms) if with_due else []
    if due:
        # They are found and not named: what is unreadable is not accepted for them.
        acting = replace(acting, is_one_vm=False)
    targets = (*named, *due)
    flow = _Retry(acting, params, wait=wait, parallel=parallel)
    courses = flow.carry_out([Course(target) for target in targets])
    for rules in (*acting.reads.reading.unseen.values(), *flow.places.unseen.values()):
        for rule in rules:
            acting.miss(rule)
    would = check_mode and any(one.outcome == PLANNED for one in courses)
    shown = render_acts(
        acting.records,
        courses,
        changed=acting.has_changed or would,
        coverage=Coverage((), client.requests - flow.places.requests, flow.places.requests).adding(acting.rules),
    )
    return shown | {"notes": list(dict.fromkeys(acting.notes))}


def _due(
    acting: Acting, namespaces: Sequence[str], *, named: Sequence[Target], vms: Sequence[tuple[str, str]]
) -> list[Target]:
    """The VMs of which a Lease says that a retry is due, besides those that were named; of `vms` alone, if given."""
    known = {(one.namespace, one.vm) for one in named}
    # Who has rights in one namespace alone and names a VM there is not asked for more.
    places = namespaces or (sorted({place for place, _name in vms}) if all(place for place, _name in vms) else ())
    found = [key for key in acting.reads.retries_due(places) if key not in known]
    return [Target(*key) for key in found if not vms or {key, ("", key[1])} & set(vms)]


def _avoid(params: Mapping[str, Any]) -> tuple[str, ...] | None:
    """None for auto."""
    given = names_from(params, "avoid_nodes")
    if "auto" in given and len(given) > 1:
        raise WrongInput("avoid_nodes: auto stands alone, as it finds the nodes itself.")
    return None if given == ("auto",) else given


class _Retry(Acts):
    """The retries of one run."""

    def __init__(self, acting: Acting, params: Mapping[str, Any], *, wait: int, parallel: int) -> None:
        super().__init__(acting, params, wait=wait, parallel=parallel)
        self.places = PlacementReading(acting.client)
        self.avoid = _avoid(params)
        self.backoff = number_from(params, "backoff", least=0)
        if params.get("wait_for") not in WAIT_FOR:
            raise WrongInput(f"wait_for: {params.get('wait_for')!r} is none of {', '.join(WAIT_FOR)}.")

    def _wish(self, course: Course) -> RetryWish:
        return RetryWish(
            namespace=course.target.namespace,
            vm=course.target.vm,
            after="" if course.created else course.target.uid,
            max_attempts=self.acting.limits.max_attempts,
            backoff=self.backoff,
            avoid_nodes=self.avoid,
            wait_for=str(self.params.get("wait_for")),
            accepted=self.acting.accepted,
        )

    # -- looks

    def find_many(self, courses: Sequence[Course]) -> None:
        """Nothing: each is looked at by its VM."""

    def resolve(self, course: Course) -> None:
        """Nothing to find: the VM is what is meant, and the migration that is repeated may be gone."""
        course.vmi, seen = self.acting.reads.vmi(course.key)
        if not seen:
            why = f"The VMI {course.target.vm} may not be read, so nothing is known of the VM."
            course.outcome = Refused("NotAllowed", why, can_accept=False)
        elif course.vmi is None and self.acting.reads.has_vm(course.key) is False:
            why = f"There is no VM {course.target.vm} in namespace {course.target.namespace}."
            course.outcome = Refused("VMIMissing", why, can_accept=False)

    def first_look(self, course: Course) -> None:
        self.read_lease(course)
        course.seen = self.observe(course)
        self._show(course, course.seen)
        found = self.next_now(course, course.seen)
        if isinstance(found, Refused):
            course.outcome = found

    def observe(self, course: Course, *, explain: bool = False) -> RetryObserved:
        """The VM's migrations, its VMI and its pods; where it could go only once nothing else is in the way."""
        reads = self.acting.reads
        migrations = tuple(self._as_planned(course, one) for one in reads.migrations_of(course.key))
        vmi = reads.vmi(course.key)[0]
        course.vmi = vmi or course.vmi
        own = [one for one in migrations if one.meta.annotations.get(HOLDER) == self.acting.holder]
        if own and not course.created:
            # Its create was answered by nothing, and made all the same.
            self._note_created(course, uid=own[0].meta.uid, name=own[0].meta.name)
        observed = RetryObserved(migrations=migrations, vmi=vmi, record=course.before or course.record)
        last = observed.last
        course.phase = last.phase if last else ""
        course.origin = last.origin if last else ""
        if course.created or vmi is None:
            return observed
        launchers = reads.launchers(course.target.namespace, vmi.meta.uid)
        if launchers is not None:
            pods = (Pod.from_object(obj) for obj in launchers)
            observed = replace(observed, pods=tuple(pod for pod in pods if not pod.is_finished))
        return self._with_places(course, observed, launchers)

    def _as_planned(self, course: Course, migration: Migration) -> Migration:
        """In check mode one whose cancel was planned counts as being cancelled."""
        is_meant = self.acting.check_mode and course.target.is_planned and migration.meta.uid == course.target.uid
        if not is_meant or migration.is_being_deleted:
            return migration
        return replace(migration, meta=replace(migration.meta, deleted_at=self.acting.now))

    def _with_places(
        self, course: Course, observed: RetryObserved, launchers: Sequence[Mapping[str, Any]] | None
    ) -> RetryObserved:
        wish = self._wish(course)
        curious = replace(wish, accepted=wish.accepted - {"PlacementUnseen"})
        until, now = self.acting.now, self.acting.now
        found = next_retry_step(observed, wish=curious, until=until, now=now)
        if observed.vmi is None or not (isinstance(found, Refused) and found.code == "PlacementUnseen"):
            return observed
        with self.acting.lock:
            if course.waited_for:
                # What has ended meanwhile has made room.
                self.places = self._read_places_anew()
            places = find_places(self.places, vmi=observed.vmi, launchers=launchers)
        return replace(
            observed,
            places=places.nodes,
            places_reason=places.reason,
            hostnames=places.hostnames,
            vm_selector=observed.vmi.node_selector,
            can_select=self.acting.reads.can_select_node() if avoided_nodes(observed, wish=wish) else None,
        )

    def _read_places_anew(self) -> PlacementReading:
        again = PlacementReading(self.acting.client)
        again.requests = self.places.requests
        return again

    def _show(self, course: Course, observed: RetryObserved) -> None:
        record = known_record(observed)
        course.shown = {
            "attempt": record.attempts + 1,
            "max_attempts": self.acting.limits.max_attempts,
            "avoided": list(avoided_nodes(observed, wish=self._wish(course))),
            "target_node": "",
            "candidates": list(observed.places or ()),
        }

    def next_step(
        self, course: Course, observed: RetryObserved, /, *, done: Sequence[str], until: datetime
    ) -> Act | Wait | Done | Refused:
        if CREATE_MIGRATION in done and not course.created:
            return PLANNED  # Check mode: what follows the create cannot be known.
        if course.is_replaced and not course.created:
            why = "The VM was started anew while it was looked at: look at it again."
            return Refused("VMIMissing", why, self.acting.now, can_accept=False)
        return next_retry_step(
            observed, wish=self._wish(course), created=course.created, until=until, now=self.acting.now
        )

    # -- the act

    def steps(self, course: Course) -> list[Step]:
        """The create, also where it has to wait for something to end first."""
        observed: RetryObserved = course.seen
        found = self.next_now(course, observed)
        if not isinstance(found, Wait):
            return super().steps(course)
        ended = replace(
            observed, migrations=tuple(one for one in observed.migrations if one.is_final), pods=observed.pods and ()
        )
        # Where it could go is judged only then: what still ends holds its place until it has.
        wish = self._wish(course)
        wish = replace(wish, accepted=wish.accepted | {"PlacementUnseen"})
        act = next_retry_step(ended, wish=wish, until=self.acting.now, now=self.acting.now)
        waits = f"It waits {found.why}."
        return [replace(self.step(course, act), not_yet=waits)] if isinstance(act, Act) else []

    def look_more(self, snapshot: Snapshot) -> Snapshot:
        """As it is."""
        return snapshot

    def situation(self, course: Course) -> dict[str, Any]:
        return {"act": "retry"}

    def known(self, course: Course, record: Record, /) -> Record:
        """As the cluster bears it out, by the migrations that are there."""
        migrations = tuple(self.acting.reads.migrations_of(course.key))
        return known_record(RetryObserved(migrations=migrations, vmi=course.vmi, record=record))

    def record(self, course: Course) -> Record:
        before = course.before or course.record
        return before.retried(course.created, at=self.acting.now, attempts=before.attempts + 1)

    def trace(self, course: Course) -> None:
        why = f": {self.acting.reason}" if self.acting.reason else ""
        count = f"attempt {course.shown['attempt']} of {course.shown['max_attempts']}"
        avoided = ", ".join(course.shown["avoided"])
        where = f", not to {avoided}" if avoided else ""
        text = f"Migrating again ({count}{where}) for {self.acting.actor}{why}"
        post_event(self.acting, course, reason="LiveMigrationRetrying", subject=count, text=text)

    def step(self, course: Course, act: Act, /) -> Step:
        if act.kind != CREATE_MIGRATION:
            return Step(
                action=act.kind,
                verb="delete",
                path=migration_name_path(act.namespace, act.subject),
                uid=act.uid,
                precondition=f"its UID is {act.uid}",
                expectation=act.why,
            )
        course.shown = {**course.shown, "target_node": act.node}
        hostname = course.seen.hostnames.get(act.node, "") if act.node else ""
        body = plan_migration(
            self._wish(course),
            hostname=hostname,
            actor=self.acting.actor,
            reason=self.acting.reason,
            holder=self.acting.holder,
        )
        return Step(
            action=act.kind,
            verb="create",
            path=migrations_path(act.namespace),
            body=body,
            precondition="the VM has no unfinished migration",
            expectation=act.why,
            undo="migration_cancel",
        )

    def note_answer(self, course: Course, act: Act, answer: Mapping[str, Any], /) -> None:
        if act.kind == CREATE_MIGRATION:
            uid, name = (META.uid.read(answer, of=as_text) or "", META.name.read(answer, of=as_text) or "")
            self._note_created(course, uid=uid, name=name)

    def may_wait_on(self, course: Course, /) -> bool:
        """Never: each look also tells how far it has come."""
        return False

    def note_doubt(self, course: Course, act: Act, /) -> None:
        """Nothing: the next look knows our own migration by its holder."""

    def _note_created(self, course: Course, *, uid: str, name: str) -> None:
        course.created, course.has_acted = uid, True
        course.target = replace(course.target, name=name, uid=uid)
        course.record = self.record(course)
