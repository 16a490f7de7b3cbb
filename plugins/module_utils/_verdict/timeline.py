# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases that a migration went through, each with the time that it had for it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import (
    ANNOTATION_PENDING_TIMEOUT,
    FINAL_PHASES,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import (
    PENDING_POD_SECONDS,
    SCHEDULED_SECONDS,
    UNSET_SECONDS,
    Deadline,
    copy_limit,
    launcher_deadline,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement

__all__ = ["MOST_STRETCHES", "Stretch", "find_timeline"]

# KubeVirt passes nine; an object that was tampered with may list any number.
MOST_STRETCHES = 16


@dataclass(frozen=True)
class Stretch:
    """One phase from `since` to `until` (None: it lasts). `deadline` is what KubeVirt allowed for it."""

    phase: str
    since: datetime
    until: datetime | None
    deadline: Deadline


def find_timeline(judgement: Judgement) -> tuple[Stretch, ...]:
    """The phases in the order of their times, the newest 16; a phase without a readable time is left out.

    The deadline of a phase that is over is what it would be for any migration: by which of the target pod's two
    timeouts Scheduling was bound shows only while the pod waits, so the longer one counts. A final phase has no length.
    """
    case = judgement.case
    began = [(at, phase) for phase, at in case.migration.transitions if at is not None]
    began.sort(key=lambda one: one[0])
    created = case.migration.meta.created_at
    if created is not None and (not began or (began[0][0] - created).total_seconds() >= 1):
        began.insert(0, (created, ""))
    ends = [*(at for at, _phase in began[1:]), None]
    found = [_stretch(judgement, phase, since, until) for (since, phase), until in zip(began, ends, strict=False)]
    return tuple(found[-MOST_STRETCHES:])


def _stretch(judgement: Judgement, phase: str, since: datetime, until: datetime | None) -> Stretch:
    if phase in FINAL_PHASES:
        return Stretch(phase, since, since, Deadline(None, ""))
    if until is None and phase == judgement.case.migration.phase:
        return Stretch(phase, since, None, judgement.deadline)
    find = _LIMITS.get(phase)
    return Stretch(phase, since, until, find(judgement.case, since) if find else Deadline(None, ""))


def _for(seconds: int | None, since: datetime, reason: str) -> Deadline:
    try:
        return Deadline(None if seconds is None else since + timedelta(seconds=seconds), reason)
    except OverflowError:
        return Deadline(None, f"{reason}: beyond any date")


def _unset(_case: Case, since: datetime) -> Deadline:
    return _for(UNSET_SECONDS, since, "virt-controller takes a migration up within 60 s")


def _scheduling(case: Case, since: datetime) -> Deadline:
    seconds = case.migration.seconds_from(ANNOTATION_PENDING_TIMEOUT, default=PENDING_POD_SECONDS)
    return _for(seconds, since, f"KubeVirt gives a pending target pod {seconds} s")


def _scheduled(_case: Case, since: datetime) -> Deadline:
    return _for(SCHEDULED_SECONDS, since, "virt-controller hands over within 60 s")


def _launcher(case: Case, _since: datetime) -> Deadline:
    return launcher_deadline(case)


def _copy(case: Case, since: datetime) -> Deadline:
    seconds, reason = copy_limit(case)
    started = case.state.started_at if case.state else None
    return _for(seconds, started or since, reason)


_LIMITS: dict[str, Callable[[Case, datetime], Deadline]] = {
    "": _unset,
    "Scheduling": _scheduling,
    "Scheduled": _scheduled,
    "PreparingTarget": _launcher,
    "TargetReady": _launcher,
    "Running": _copy,
}
