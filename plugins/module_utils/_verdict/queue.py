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

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import lacking
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import (
    KNOWN_PHASES,
    RUNNING_PHASES,
    Migration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case

__all__ = ["Fate", "Holder", "Queue", "Unclear", "judge_queue"]

PRIORITIES = {"system-critical": 100, "user-triggered": 50, "system-maintenance": 20}


@dataclass(frozen=True)
class Fate:
    """Whether a migration is stuck; None where its verdict is unknown, and `why`."""

    is_stuck: bool | None
    why: str = ""


@dataclass(frozen=True)
class Holder:
    """A migration that holds a slot; `label` is namespace/vm. `is_stuck` None: its own verdict is unknown (`why`)."""

    label: str
    object: str
    phase: str
    source_node: str
    is_stuck: bool | None
    why: str = ""


@dataclass(frozen=True)
class Unclear:
    """A migration of which it is not known whether it holds a slot, or (`source_node` "") which node its VM leaves."""

    uid: str
    label: str
    source_node: str
    why: str


@dataclass(frozen=True)
class Queue:
    """All slots of the cluster and those who wait, first come first. `unclear` may hold slots; `nowhere` do, but the
    node that they leave could not be read."""

    holders: tuple[Holder, ...] = ()
    waiting: tuple[str, ...] = ()
    unclear: tuple[Unclear, ...] = ()
    nowhere: tuple[Unclear, ...] = ()

    def maybe_outbound(self, node: str) -> tuple[Unclear, ...]:
        """Those of which it is not known whether they hold an outbound slot of `node`."""
        return (*self.nowhere, *(one for one in self.unclear if one.source_node in ("", node)))

    def outbound(self, node: str) -> tuple[Holder, ...]:
        """Those whose VM leaves `node`."""
        return tuple(holder for holder in self.holders if node and holder.source_node == node)

    def position(self, uid: str) -> int | None:
        """1 for the next to run; None where it does not wait."""
        return self.waiting.index(uid) + 1 if uid in self.waiting else None


def judge_queue(cases: Iterable[Case], *, fate_of: Callable[[Migration], Fate]) -> Queue:
    """The queue over all unfinished migrations of the cluster. `fate_of` gives the verdict of a running one."""
    holders, waiting, unclear, nowhere = [], [], [], []
    for case in cases:
        migration, unread = case.migration, _unread(case)
        if _runs(case):
            fate = fate_of(migration)
            node = case.source_node
            holders.append(Holder(migration.label, case.name, migration.phase, node, fate.is_stuck, fate.why))
            if unread and not node:
                nowhere.append(_unclear(case, unread))
            continue
        if migration.phase == "Pending":
            waiting.append(migration)
        if unread:
            unclear.append(_unclear(case, unread))
    return Queue(
        holders=tuple(sorted(holders, key=lambda holder: (holder.label, holder.object))),
        waiting=tuple(migration.meta.uid for migration in sorted(waiting, key=_turn)),
        unclear=tuple(unclear),
        nowhere=tuple(nowhere),
    )


def _unclear(case: Case, why: str) -> Unclear:
    return Unclear(case.migration.meta.uid, case.migration.label, case.source_node, why)


def _unread(case: Case) -> str:
    """Why it is not known whether the migration holds a slot and of which node; "" where it is known."""
    if case.migration.phase not in KNOWN_PHASES or (not case.migration.phase and case.migration.problems):
        return f"{case.name}: {case.migration.problems[0]}"
    namespace = case.migration.meta.namespace
    rules = case.snapshot.unseen_for("vmis", namespace=namespace) or case.snapshot.unseen_for(
        "pods", namespace=namespace
    )
    return lacking(rules[:1]) if case.migration.phase else ""


def _runs(case: Case) -> bool:
    """What KubeVirt counts: a running phase (of a decentralized source Scheduling does not count), or Pending with
    a target pod."""
    migration = case.migration
    if migration.phase == "Scheduling" and migration.other_side == "target":
        return False
    return migration.phase in RUNNING_PHASES or (migration.phase == "Pending" and case.target_pod is not None)


def _turn(migration: Migration) -> tuple[int, datetime, str]:
    created = migration.meta.created_at or datetime.max.replace(tzinfo=timezone.utc)
    return -PRIORITIES.get(migration.priority, 0), created, migration.meta.uid
