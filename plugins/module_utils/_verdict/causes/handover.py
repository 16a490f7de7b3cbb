# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes between the ready target pod and the start of the copy.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go, pkg/virt-handler/migration-target.go;
FailedHandOver alone is often noise, as a conflict is followed by a hand-off (seen on KubeVirt's own controllers).
"""

from __future__ import annotations

from datetime import datetime, timezone

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    migration as migration_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    pod as pod_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import (
    HOLD_SECONDS,
    Cause,
    Evidence,
    Gap,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import launcher_deadline
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.sightings import (
    events_unseen,
    is_still_tried,
    newest,
    since_first,
    unreadable_event,
)

__all__ = ["find_hand_over_failed", "find_sync_failed", "find_target_launcher_overdue"]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)
_PREPARING = ("PreparingTarget", "TargetReady")


def find_hand_over_failed(case: Case) -> Cause | Gap | None:
    """virt-controller could not hand the VMI over, and no later event says that it did."""
    migration = case.migration
    if migration.phase != "Scheduled":
        return None
    gap = events_unseen(case, "HandOverFailed", after=HOLD_SECONDS["maybe"])
    about = case.snapshot.events_about(migration.meta.uid)
    failed = [one for one in about if one.reason == "FailedHandOver"]
    last, done = newest(failed), newest([one for one in about if one.reason == "SuccessfulHandOver"])
    if gap or last is None:
        return gap or unreadable_event(case, "HandOverFailed", uid=migration.meta.uid, after=HOLD_SECONDS["maybe"])
    if done is not None and (done.last_at or _LONG_AGO) >= (last.last_at or _LONG_AGO):
        return None
    seen = Evidence(case.name, f"event {last.reason}", last.message, last.last_at)
    summary = f"virt-controller cannot hand the VM over to the nodes: {last.message.rstrip('.')}."
    since = case.later(since_first(failed), migration.phase_since)
    return Cause("HandOverFailed", summary, "maybe", since, (seen,), names={"namespace": migration.meta.namespace})


def find_sync_failed(case: Case) -> Cause | Gap | None:
    """virt-handler of one of the nodes says on the VMI that it cannot prepare or start the migration."""
    migration = case.migration
    if migration.phase not in _PREPARING or case.vmi is None:
        return None
    gap = events_unseen(case, "SyncFailed", after=HOLD_SECONDS["maybe"])
    since = migration.phase_since or _LONG_AGO  # What went wrong in the phase before is over.
    failed = [
        one
        for one in case.snapshot.events_about(case.vmi.meta.uid)
        if one.reason == "SyncFailed" and (one.last_at or _LONG_AGO) >= since
    ]
    last = newest(failed)
    if gap or last is None:
        return gap or unreadable_event(case, "SyncFailed", uid=case.vmi.meta.uid, after=HOLD_SECONDS["maybe"])
    if not is_still_tried(failed, now=case.now):
        return None
    seen = Evidence(case.vmi_name, f"event {last.reason}", last.message, last.last_at)
    summary = f"virt-handler cannot go on with the migration: {last.message.rstrip('.')}."
    names = {"namespace": migration.meta.namespace, "node": case.target_node}
    return Cause("SyncFailed", summary, "maybe", case.later(since_first(failed), since), (seen,), names=names)


def find_target_launcher_overdue(case: Case) -> Cause | Gap | None:
    """The target launcher should have given up by itself: 240 to 359 s after its start no copy has begun."""
    migration = case.migration
    if migration.phase not in _PREPARING:
        return None
    deadline = launcher_deadline(case)
    if deadline.at is None or case.now <= deadline.at:
        return None
    pod = case.target_pod
    seen = (
        Evidence(
            pod.label if pod else case.name,
            f"{pod_facts.STATUSES.path}[compute].state.running.startedAt" if pod else migration_facts.PHASE.path,
            "running" if pod and pod.launcher_started_at else migration.phase,
            (pod.launcher_started_at if pod else None) or migration.reached_at("PreparingTarget"),
        ),
    )
    over = int((case.now - deadline.at).total_seconds())
    summary = f"The target launcher should have given up {over} s ago and has not: no copy has begun."
    names = {"pod": case.target_pod_name, "namespace": migration.meta.namespace, "node": case.target_node}
    return Cause("TargetLauncherOverdue", summary, "no", deadline.at, seen, names=names)
