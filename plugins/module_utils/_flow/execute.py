# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a plan step by step, or in check mode lets the server try each step that is possible now.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Write
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Plan, Step

__all__ = ["Execution", "execute_plan", "write_of"]


@dataclass
class Execution:
    """What became of a plan. `records` is the result's `plan`; `answers` the object that each step that was sent gave,
    by its place in the plan; `error` what ended it early."""

    records: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: ClusterError | None = None

    @property
    def has_changed(self) -> bool:
        """Whether anything was changed in the cluster, or may have been."""
        return any(one["outcome"] in ("done", "unknown") for one in self.records)


def execute_plan(client: Client, plan: Plan, /, *, check_mode: bool) -> Execution:
    """Every step in its order, each recorded with its time by the cluster's clock and its answer; never raises for an
    answer of the server.

    Refused: nothing is sent. The first step that fails ends it and those after it are `not_tried`, unless the step is
    optional. In check mode a step that rests on one before it is not sent and says so.
    """
    done = Execution(notes=list(plan.notes))
    for place, step in enumerate(plan.steps):
        if plan.is_refused:
            done.records.append(step.to_result(outcome="refused"))
        elif done.error is not None:
            done.records.append(step.to_result(outcome="not_tried"))
        elif check_mode and step.not_yet:
            done.records.append(step.to_result(outcome="not_possible_yet", answer=step.not_yet))
        else:
            _send(client, step, done=done, place=place, check_mode=check_mode)
    return done


def _send(client: Client, step: Step, /, *, done: Execution, place: int, check_mode: bool) -> None:
    try:
        written = client.write(write_of(step), dry_run=check_mode)
    except ClusterError as error:
        outcome = "unknown" if error.is_uncertain else "failed"
        done.records.append(step.to_result(outcome=outcome, answer=str(error), at=_now(client)))
        if step.is_optional:
            done.notes.append(f"{step.action}: {error}")
        else:
            done.error = error
        return
    done.answers[place] = written.obj
    done.notes += written.warnings
    answer = "accepted, nothing stored" if check_mode else "accepted"
    warned = "".join(f"; {text}" for text in written.warnings)
    outcome = "dry_run" if check_mode else "done"
    done.records.append(step.to_result(outcome=outcome, answer=answer + warned, at=_now(client)))


def write_of(step: Step, /) -> Write:
    """The client's write for this step."""
    return Write(
        verb=step.verb,
        path=step.path,
        body=step.body,
        uid=step.uid,
        resource_version=step.resource_version,
        is_strict=step.is_strict,
        is_forced=step.is_forced,
        is_harmless=step.is_harmless,
    )


def _now(client: Client) -> str:
    return format_timestamp(client.server_time)
