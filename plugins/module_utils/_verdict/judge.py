# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts on all migrations of one look, those that wait after those they wait for.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case, PodIndex
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import (
    LATE_AFTER_SECONDS,
    STUCK,
    Judgement,
    judge_migration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import Fate, judge_queue

__all__ = ["judge_snapshot"]


def judge_snapshot(snapshot: Snapshot, *, late_after: int = LATE_AFTER_SECONDS) -> tuple[Judgement, ...]:
    """A judgement for every subject of `snapshot`, in the order of its migrations.

    Running ones are judged first: a queue is blocked when those who hold its slots are stuck.
    """
    index = PodIndex.of(snapshot.pods)
    cases = [Case(snapshot, migration, index) for migration in snapshot.migrations]
    active = [case for case in cases if not case.migration.is_final]
    # By the object, as a spoilt one may have no UID or another's.
    running = {
        id(case.migration): judge_migration(case, late_after=late_after)
        for case in active
        if case.migration.phase != "Pending"
    }

    def fate_of(migration: Migration) -> Fate:
        judgement = running.get(id(migration))
        if judgement is None or judgement.verdict == "unknown":
            return Fate(None, judgement.reason if judgement else "")
        return Fate(judgement.verdict in STUCK)

    queue = judge_queue(active, fate_of=fate_of)
    return tuple(
        running.get(id(case.migration)) or judge_migration(case, late_after=late_after, queue=queue)
        for case in cases
        if snapshot.is_subject(case.migration)
    )
