# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Earlier migrations of the same VM, as far as KubeVirt keeps them (five finished ones).

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go (garbageCollectFinalizedMigrations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.failure import (
    CANCELLED,
    Failure,
    read_failure,
)

__all__ = [
    "Attempt",
    "attempt_number",
    "common_reason",
    "common_target",
    "failures_in_a_row",
    "find_previous",
    "read_attempt",
]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Attempt:
    """One finished migration of the VM. `was_cancelled`: a person or a controller asked for its end.

    `failure_reason` is KubeVirt's text, `failure` what it means; None for one that succeeded.
    """

    name: str
    uid: str
    phase: str
    ended_at: datetime | None
    target_node: str
    failure_reason: str
    was_cancelled: bool
    failure: Failure | None

    @property
    def has_failed(self) -> bool:
        """Whether it failed by itself: what was cancelled is no failure."""
        return self.phase == "Failed" and not self.was_cancelled


def find_previous(snapshot: Snapshot, migration: Migration, /) -> tuple[Attempt, ...]:
    """Finished migrations of the same VM that were made before `migration`, newest first."""
    mine = migration.meta.created_at
    return tuple(
        read_attempt(other)
        for other in snapshot.by_vm.get(migration.key, ())
        if other.is_final
        and other.meta.uid != migration.meta.uid
        and (mine is None or (other.meta.created_at or _LONG_AGO) <= mine)
    )


def read_attempt(migration: Migration) -> Attempt:
    """How `migration` ended. Its own copy of the state counts: the VMI's may belong to a later one."""
    state = migration.state
    reason = state.failure_reason if state else ""
    asked = "migrationAbortRequested" in migration.conditions or bool(state and state.abort_requested)
    failure = read_failure(reason, was_cancelled=asked) if migration.phase == "Failed" else None
    return Attempt(
        name=migration.meta.name,
        uid=migration.meta.uid,
        phase=migration.phase,
        ended_at=migration.phase_since,
        target_node=state.target_node if state else "",
        failure_reason=reason,
        was_cancelled=asked or (failure is not None and failure.kind == CANCELLED),
        failure=failure,
    )


def failures_in_a_row(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Of `attempts`, newest first, those that failed since the last success; cancelled ones are passed over.

    KubeVirt keeps the five newest finished migrations of a VM, so there may have been more.
    """
    found = []
    for attempt in attempts:
        if attempt.phase == "Succeeded":
            break
        if attempt.has_failed:
            found.append(attempt)
    return tuple(found)


def common_reason(failures: Sequence[Attempt]) -> str:
    """The reason of the newest in plain words when all failed alike, else ""."""
    kinds = {attempt.failure.kind if attempt.failure else "" for attempt in failures}
    newest = failures[0].failure if failures else None
    return newest.words if newest is not None and len(kinds) == 1 else ""


def common_target(failures: Sequence[Attempt]) -> str:
    """The node that all of them went to, "" when they differ or one never had a target."""
    nodes = {attempt.target_node for attempt in failures}
    return nodes.pop() if len(nodes) == 1 else ""


def attempt_number(previous: tuple[Attempt, ...]) -> int:
    """1, and one more for each failure since the last success; what was cancelled is no failure."""
    return 1 + len(failures_in_a_row(previous))
