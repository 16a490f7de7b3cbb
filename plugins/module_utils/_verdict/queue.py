# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt's migration queue: who runs, who waits, and in which order.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go (findRunningMigrations,
outboundMigrationsOnNode) and pkg/util/migrations/migrations.go (priorities).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import (
    RUNNING_PHASES,
    Migration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case

__all__ = ["Holder", "Queue", "judge_queue"]

PRIORITIES = {"system-critical": 100, "user-triggered": 50, "system-maintenance": 20}


@dataclass(frozen=True)
class Holder:
    """A migration that holds a slot; `label` is namespace/vm. `is_stuck` None: its own verdict is unknown."""

    label: str
    object: str
    phase: str
    source_node: str
    is_stuck: bool | None


@dataclass(frozen=True)
class Queue:
    """All slots of the cluster and those who wait, first come first."""

    holders: tuple[Holder, ...] = ()
    waiting: tuple[str, ...] = ()

    def outbound(self, node: str) -> tuple[Holder, ...]:
        """Those whose VM leaves `node`."""
        return tuple(holder for holder in self.holders if node and holder.source_node == node)

    def position(self, uid: str) -> int | None:
        """1 for the next to run; None where it does not wait."""
        return self.waiting.index(uid) + 1 if uid in self.waiting else None


def judge_queue(cases: Iterable[Case], *, is_stuck: Callable[[Migration], bool | None]) -> Queue:
    """The queue over all unfinished migrations of the cluster. `is_stuck` gives the verdict of a running one."""
    holders, waiting = [], []
    for case in cases:
        if _runs(case):
            migration = case.migration
            holders.append(Holder(migration.label, case.name, migration.phase, case.source_node, is_stuck(migration)))
        elif case.migration.phase == "Pending":
            waiting.append(case.migration)
    return Queue(
        holders=tuple(sorted(holders, key=lambda holder: (holder.label, holder.object))),
        waiting=tuple(migration.meta.uid for migration in sorted(waiting, key=_turn)),
    )


def _runs(case: Case) -> bool:
    """What KubeVirt counts: a running phase (of a decentralized source Scheduling does not count), or Pending with
    a target pod."""
    migration = case.migration
    if migration.phase == "Scheduling" and migration.is_decentralized:
        return False
    return migration.phase in RUNNING_PHASES or (migration.phase == "Pending" and case.target_pod is not None)


def _turn(migration: Migration) -> tuple[int, datetime, str]:
    created = migration.meta.created_at or datetime.max.replace(tzinfo=timezone.utc)
    return -PRIORITIES.get(migration.priority, 0), created, migration.meta.uid
