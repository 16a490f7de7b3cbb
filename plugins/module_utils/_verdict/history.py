# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Earlier migrations of the same VM, as far as KubeVirt keeps them (five finished ones).

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go (garbageCollectFinalizedMigrations).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot

__all__ = ["Attempt", "attempt_number", "find_previous"]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Attempt:
    """One finished migration of the VM. `was_cancelled`: a person or a controller asked for its end."""

    name: str
    uid: str
    phase: str
    ended_at: datetime | None
    target_node: str
    failure_reason: str
    was_cancelled: bool


def find_previous(snapshot: Snapshot, migration: Migration, /) -> tuple[Attempt, ...]:
    """Finished migrations of the same VM that were made before `migration`, newest first."""
    mine = migration.meta.created_at
    found = [
        other
        for other in snapshot.migrations
        if other.is_final
        and other.key == migration.key
        and other.meta.uid != migration.meta.uid
        and (mine is None or (other.meta.created_at or _LONG_AGO) <= mine)
    ]
    found.sort(key=lambda other: (other.meta.created_at or _LONG_AGO, other.meta.uid), reverse=True)
    return tuple(_attempt(other) for other in found)


def _attempt(migration: Migration) -> Attempt:
    state = migration.state
    return Attempt(
        name=migration.meta.name,
        uid=migration.meta.uid,
        phase=migration.phase,
        ended_at=migration.phase_since,
        target_node=state.target_node if state else "",
        failure_reason=state.failure_reason if state else "",
        was_cancelled="migrationAbortRequested" in migration.conditions or bool(state and state.abort_requested),
    )


def attempt_number(previous: tuple[Attempt, ...]) -> int:
    """1, and one more for each failure since the last success; what was cancelled is no failure."""
    failures = 0
    for attempt in previous:
        if attempt.phase == "Succeeded":
            break
        failures += 0 if attempt.was_cancelled else 1
    return 1 + failures
