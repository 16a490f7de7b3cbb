# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings: find who owns the settings, plan the change, let the server try it, make it, look again.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ChangedMeanwhile,
    ClusterError,
    Conflict,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.settings_reads import (
    read_owners,
    read_served,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import in_doubt
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import RECORD
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import (
    KUBEVIRT_KIND,
    KUBEVIRT_STEPS,
    Target,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.execute import Execution, execute_plan
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.in_flight import read_in_flight
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.settings_options import (
    Asked,
    parse_options,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.settings_try import Tried, try_change
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.settings_wait import (
    as_answered,
    check_kept,
    wait_until_carried,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.effective import effective_settings
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.owner import find_target
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import parse_record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.settings import (
    find_others,
    plan_settings,
    plan_undo,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Plan, Refusal, judge_risks
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.settings import (
    empty_settings_result,
    settings_result,
)

__all__ = ["run"]

# So many VMs are named in a warning; all of them stand in `in_flight`.
_NAMED: Final = 5


def run(client: Client, params: Mapping[str, Any], clock: Clock, /, *, check_mode: bool) -> dict[str, Any]:
    """The result of migration_settings for the module's `params`.

    Where somebody else changes other parts of the object in between it is read again and planned anew, once; a change
    of what was asked for is an error. Raises ClusterError with what was done so far in its `result`, WrongInput for
    options without meaning (before any request).
    """
    asked = parse_options(params)
    first = _Attempt(client, asked, clock=clock, check_mode=check_mode)
    try:
        return first.run()
    except Conflict as error:
        first.conflict = error
        return _Attempt(client, asked, clock=clock, check_mode=check_mode, earlier=first).run()


@dataclass
class _Attempt:
    """One reading of the cluster and what is done on it. `earlier` is the attempt before this one, which met a
    `conflict`: somebody else changed what it rests on, or its answer was lost and the change made."""

    client: Client
    asked: Asked
    clock: Clock = field(kw_only=True)
    check_mode: bool = field(kw_only=True)
    earlier: _Attempt | None = field(default=None, kw_only=True)
    target: Target | None = field(default=None, init=False)
    tried: Tried | None = field(default=None, init=False)
    conflict: Conflict | None = field(default=None, init=False)
    result: dict[str, Any] = field(default_factory=empty_settings_result, init=False)

    def __post_init__(self) -> None:
        self.reading = Reading(self.client)

    def run(self) -> dict[str, Any]:
        """The result; see the function `run`."""
        self._tell(Plan(), Execution())
        try:
            found = find_target(read_owners(self.reading), owner=self.asked.owner)
            if isinstance(found, Refusal):
                self._tell(judge_risks((found,), accept_risks=self.asked.accept_risks), Execution())
            else:
                self._change(self._with_served(found))
        except ClusterError as error:
            error.result = self.result
            raise
        self.result["coverage"] = self._coverage()
        return self.result

    def _with_served(self, target: Target, /) -> Target:
        """The target with the settings that its served version has; not asked where nothing shall be set."""
        if not self.asked.wish.values:
            return target
        known = read_served(self.client, api_version="kubevirt.io/v1", kind=KUBEVIRT_KIND, steps=KUBEVIRT_STEPS)
        if not target.is_hyperconverged:
            return replace(target, fields=known, kubevirt_fields=known)
        own = read_served(self.client, api_version=target.api_version, kind=target.kind, steps=target.steps)
        return replace(target, fields=own, kubevirt_fields=known)

    def _change(self, target: Target, /) -> None:
        text = target.annotations.get(RECORD)
        record = parse_record(text)
        self.target = target
        self.result |= settings_result(target, target)
        sent = self.earlier.tried if self.earlier is not None else None
        if sent is not None and target.annotations.get(RECORD) == sent.record_text:
            # The answer was lost and the change was made: it stands there with our own record.
            tried, done = sent, self._finish(sent)
            before = tried.before
        else:
            self._check_others(target)
            before = target
            wanted = plan_undo(target, text) if self.asked.undo else plan_settings(target, self.asked.wish)
            self.tried = tried = try_change(
                self.client, self.reading, target, change=wanted, asked=self.asked, record=record
            )
            done = execute_plan(self.client, tried.plan, check_mode=self.check_mode)
        after = as_answered(target, done.answers[0]) if 0 in done.answers else tried.answered
        shown = {"patch": tried.patch, "undo_patch": tried.undo_patch}
        self.result |= settings_result(before, after) | shown
        self._tell(tried.plan, done)
        if done.error is not None:
            raise done.error
        self._look_again(tried, after=after, done=done)
        names = tuple(record.changes) if self.asked.undo and record is not None else self.asked.wish.names
        effective = effective_settings(after)
        self.result["in_flight"] = read_in_flight(self.reading, names=names, effective=effective)
        if self.result["changed"] and self.result["in_flight"]:
            is_blind = "policies" in self.reading.unseen
            self.result["notes"].append(_in_flight_note(self.result["in_flight"], is_blind=is_blind))

    def _check_others(self, target: Target, /) -> None:
        """Raises ChangedMeanwhile where somebody else has changed what is asked for since the attempt before this."""
        earlier = self.earlier
        if earlier is None or earlier.target is None or earlier.conflict is None:
            return
        changed = find_others(earlier.target, target, names=self.asked.wish.names, undo=self.asked.undo)
        if not changed:
            return
        self.result |= {key: earlier.result[key] for key in ("plan", "changed")}
        error = ChangedMeanwhile(
            f"Somebody else changed {target.label} in between: {'; '.join(changed)}.",
            method=earlier.conflict.method,
            path=earlier.conflict.path,
            status=earlier.conflict.status,
            reason=earlier.conflict.reason,
            remedy="Nothing was overwritten. Look who wants what, then run again: it starts from what is there then.",
        )
        raise in_doubt(error) if earlier.conflict.is_uncertain else error

    def _finish(self, tried: Tried, /) -> Execution:
        """The steps that come after one whose answer was lost."""
        first, *rest = tried.plan.steps
        done = execute_plan(self.client, replace(tried.plan, steps=tuple(rest)), check_mode=self.check_mode)
        answer = "its answer was lost; the object holds the change"
        done.records.insert(0, first.to_result(outcome="done", answer=answer))
        done.answers.clear()
        return done

    def _look_again(self, tried: Tried, /, *, after: Target, done: Execution) -> None:
        if 0 in done.answers:
            check_kept(tried.wanted, after, dry_run=self.check_mode)
        if not self.check_mode and (done.has_changed or self.asked.wait_seconds):
            wait_until_carried(self.client, after, clock=self.clock, seconds=self.asked.wait_seconds)

    def _tell(self, plan: Plan, done: Execution, /) -> None:
        """The keys that every result has."""
        would_change = self.check_mode and bool(plan.steps) and not plan.is_refused
        self.result |= {
            "changed": done.has_changed or would_change,
            "plan": done.records,
            "refused": plan.is_refused,
            "refusals": [refusal.to_result() for refusal in plan.refusals],
            "coverage": self._coverage(),
            "notes": done.notes or list(plan.notes),
        }

    def _coverage(self) -> dict[str, Any]:
        missing = [rule for rules in self.reading.unseen.values() for rule in rules]
        return Coverage(requests=self.client.requests).adding(missing).to_result()


def _in_flight_note(in_flight: Sequence[Mapping[str, Any]], /, *, is_blind: bool) -> str:
    """`is_blind`: what policies set could not be read."""
    names = ", ".join(f"{one['namespace']}/{one['vm']}" for one in in_flight[:_NAMED])
    more = f" and {len(in_flight) - _NAMED} more" if len(in_flight) > _NAMED else ""
    told = f"Migrations under way keep the settings of before ({names}{more})"
    policies = sorted({str(one["policy"]) for one in in_flight if one["policy"]}) if is_blind else []
    but = f", but for what their MigrationPolicy ({', '.join(policies[:_NAMED])}) sets itself" if policies else ""
    return f"{told}: only a cancel and a new migration gives them the new ones{but}."
