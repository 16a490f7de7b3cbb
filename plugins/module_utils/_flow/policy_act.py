# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a MigrationPolicy as it is wanted, or has the server try it, and says what became of it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadRequest,
    ClusterError,
    Conflict,
    NotFound,
    ResourceMissing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.settings_reads import read_user
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import UNDONE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy_spec import option_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.execute import Execution, execute_plan
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.policy_effect import PolicyLook
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.event import LONGEST_MESSAGE, plan_event
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy import (
    API_VERSION,
    KIND,
    WantedPolicy,
    differing_fields,
    metadata_of,
    same_spec,
    spec_after,
    spec_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_record import PolicyRecord
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_risks import find_policy_risks
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_steps import (
    ITEM,
    note_in,
    note_of,
    plan_policy_steps,
    unknown_fields,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import Who
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import (
    Plan,
    Refusal,
    Step,
    judge_risks,
)

__all__ = ["Act", "Case", "Manner", "act", "blame_others", "is_untouched", "read_policy"]

# verb of the write -> reason of the event, and what its message says.
_EVENTS = {
    "create": ("PolicyCreated", "created"),
    "patch": ("PolicyChanged", "changed"),
    "delete": ("PolicyDeleted", "deleted"),
}

Object = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """The object found (None: there is none) with its spec, and the spec that it is to get (None: none) as `wanted`.

    `record` is that of the last change, `undoes` whether that one is taken back, `refusals` what keeps it from that,
    `notes` why nothing is to be taken back.
    """

    wanted: WantedPolicy
    found: Object | None
    before: Object | None
    after: Object | None
    record: PolicyRecord | None = None
    undoes: bool = False
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.wanted.name

    @property
    def is_changing(self) -> bool:
        """Whether anything is to be written, or would be if it were not refused."""
        return bool(self.refusals) or not same_spec(self.before, self.after)

    def note(self, who: Who, /) -> str:
        """The record that the policy gets."""
        if self.undoes and self.record is not None:
            return self.record.undone_by(who).render()
        return PolicyRecord(who, self.before, self.after or {}).render()


@dataclass
class Act:
    """What became of it. `records` is the result's `plan`; `policy` the object as it is now or, in check mode, would be
    (empty: there is none); `error` what ended it; `may_try_again`: somebody changed other fields in between; `undone`
    is the change that an undo took back with the policy, so that nothing carries its record any more."""

    policy: Object = field(default_factory=dict)
    records: list[Object] = field(default_factory=list)
    refusals: tuple[Refusal, ...] = ()
    notes: list[str] = field(default_factory=list)
    has_changed: bool = False
    error: ClusterError | None = None
    may_try_again: bool = False
    undone: PolicyRecord | None = None


@dataclass(frozen=True)
class Manner:
    """How it is to be done: on whose account, what is accepted, for good or as a dry run."""

    accepted: tuple[str, ...] = ()
    reason: str = ""
    requested_by: str = ""
    check_mode: bool = False


def act(client: Client, case: Case, look: PolicyLook, /, *, manner: Manner) -> Act:
    """Carry out the change, or let the server try it in check mode. Raises nothing for an answer of the server."""
    if not case.is_changing:
        return Act(policy=case.found or {}, notes=list(case.notes))
    user, at = read_user(client), format_timestamp(client.server_time)
    who = Who(at, user=user, requested_by=manner.requested_by, reason=manner.reason)
    risks = find_policy_risks(look.case)
    steps = plan_policy_steps(case.name, found=case.found, after=case.after, note=case.note(who))
    # An undo puts back what stood there: it is warned of what that costs, and never refused for it.
    found_risks, warned = (case.refusals, risks) if case.undoes else (risks, ())
    plan = replace(judge_risks(found_risks, accept_risks=manner.accepted, warned=warned), steps=steps)
    done = execute_plan(client, plan, check_mode=manner.check_mode)
    found = Act(case.found or {}, done.records, plan.refusals, done.notes)
    if plan.is_refused:
        return found
    done = _settled(client, case, done, steps[0])
    if done.error is not None:
        return _failed(client, case, found, done.error)
    found = replace(found, policy=_object(case, done), records=done.records)
    return _succeeded(client, case, found, who=who, check_mode=manner.check_mode)


def read_policy(client: Client, name: str, /) -> Object | None:
    """The policy of this name, None where there is none. Raises ResourceMissing where the kind is not served."""
    try:
        return client.get(ITEM.format(name=name))
    except ResourceMissing:
        raise
    except NotFound:
        return None


def _settled(client: Client, case: Case, done: Execution, step: Step) -> Execution:
    """Where the answer to our own write was lost, the object itself tells whether it was done: it has our record."""
    if done.error is None or not done.error.is_uncertain:
        return done
    now = read_policy(client, case.name)
    is_ours = now is None if step.verb == "delete" else now is not None and note_of(now) == note_in(step.body)
    if not is_ours:
        return done
    records = [{**one, "outcome": "done", "answer": "done; its answer was lost"} for one in done.records]
    return replace(done, records=records, answers={0: now or {}}, error=None)


def _object(case: Case, done: Execution) -> Object:
    """The policy after the write, as the server gave it; the answer to a delete is none."""
    return {} if case.after is None else dict(done.answers.get(0, {}))


# -- what went wrong


def _failed(client: Client, case: Case, found: Act, error: ClusterError) -> Act:
    fields = unknown_fields(error.reason) if isinstance(error, BadRequest) else ()
    if fields:
        return replace(found, refusals=tuple(_not_served(one) for one in fields))
    causes = [cause for cause in getattr(error, "causes", ()) if cause.field]
    if causes:
        named = [f"{option_of(cause.field.rpartition('.')[2])} ({cause.message})" for cause in causes]
        error.remedy = f"It is about {', '.join(named)}."
    if isinstance(error, Conflict) and not error.is_uncertain:
        now = read_policy(client, case.name)
        blame_others(error, case, now=now)
        found = replace(found, may_try_again=is_untouched(case, now))
    return replace(found, error=error, has_changed=error.is_uncertain)


def _not_served(name: str) -> Refusal:
    return Refusal(
        "SettingNotServed",
        f"{option_of(name)}: the {KIND} of this cluster has no field spec.{name}; its KubeVirt is too old for it, and "
        "the API server would drop it without a word.",
    )


def blame_others(error: ClusterError, case: Case, /, *, now: Object | None) -> None:
    """Has `error` say what somebody else did to the policy, which is `now` like that, and what to do about it."""
    error.remedy = f"{_what_changed(case, now)} Nothing was written. Look at it, then run again."


def _what_changed(case: Case, now: Object | None) -> str:
    if now is None or case.found is None:
        return f"Somebody else {'deleted' if now is None else 'made'} {KIND} {case.name} in between."
    fields = differing_fields(case.before or {}, spec_of(now))
    what = ", ".join(f"spec.{one}" for one in fields) or "the object"
    return f"Somebody else changed {what} in between."


def is_untouched(case: Case, now: Object | None, /) -> bool:
    """Whether it is the same policy still, and nobody else changed what was to be changed, or would be now."""
    if now is None or case.found is None or case.after is None or case.undoes:
        return False
    if metadata_of(now).get("uid") != metadata_of(case.found).get("uid"):
        return False
    theirs = differing_fields(case.before or {}, spec_of(now))
    again = spec_after(case.wanted, found=spec_of(now)) or {}
    ours = (*differing_fields(case.before or {}, case.after), *differing_fields(spec_of(now), again))
    return not set(theirs) & set(ours)


# -- what went well


def _succeeded(client: Client, case: Case, found: Act, *, who: Who, check_mode: bool) -> Act:
    dropped = differing_fields(case.after or {}, spec_of(found.policy)) if case.after is not None else ()
    if dropped and check_mode:
        return replace(found, policy=case.found or {}, refusals=tuple(_not_served(one) for one in dropped))
    found.has_changed = True
    if case.undoes and case.after is None and case.record is not None:
        found.undone = case.record.undone_by(who)
    if dropped:
        fields = ", ".join(f"spec.{one}" for one in dropped)
        found.error = ClusterError(
            f"The API server took the change of {KIND} {case.name} and dropped {fields} without a word.",
            remedy="Its KubeVirt is too old for that setting. The result's undo brings the old state back.",
        )
        return found
    _note_event(client, case, found, who=who, check_mode=check_mode)
    if case.after is None and not case.undoes:
        found.notes.append(_gone_for_good(case, check_mode=check_mode))
    return found


def _gone_for_good(case: Case, *, check_mode: bool) -> str:
    record = "goes" if check_mode else "went"
    return (
        f"The record of the changes of {KIND} {case.name} {record} with it, so undo cannot bring it back from the "
        "cluster: keep undo_manifest of this result, which makes it again."
    )


def _note_event(client: Client, case: Case, found: Act, *, who: Who, check_mode: bool) -> None:
    """An event about the policy; in check mode the server tries it where there is a policy already."""
    verb = str(found.records[0]["verb"])
    about = {"kind": KIND, "apiVersion": API_VERSION, **(case.found or {}), **found.policy}
    is_early = check_mode and verb == "create"
    if is_early:
        # What a dry run creates has a UID that nothing will ever have.
        about["metadata"] = {"name": case.name}
    reason = UNDONE if case.undoes else _EVENTS[verb][0]
    step = plan_event(about, reason=reason, message=_message(case, verb, who), who=who)
    step = replace(step, not_yet="the policy that it is about is not there yet" if is_early else "")
    recorded = execute_plan(client, Plan(steps=(step,)), check_mode=check_mode)
    found.records += recorded.records
    found.notes += recorded.notes


def _message(case: Case, verb: str, who: Who) -> str:
    fields = differing_fields(case.before or {}, case.after or {}) if verb == "patch" else ()
    told = f" ({', '.join(option_of(one) for one in fields)})" if fields else ""
    by = " for ".join(name for name in (who.user, who.requested_by) if name)
    what = f"Undone, {_EVENTS[verb][1]}" if case.undoes else _EVENTS[verb][1].capitalize()
    message = f"{what}{told} by {by or 'somebody'}{': ' + who.reason if who.reason else ''}"
    # Nothing else in the cluster tells what was deleted.
    spec = f". Its spec was {json.dumps(case.before, sort_keys=True)}" if verb == "delete" else ""
    return f"{message}{spec}" if len(message) + len(spec) <= LONGEST_MESSAGE else message
