# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes of a cancel that does not end, and of migrations that come back.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go (abortRequested is set in Running only),
pkg/virt-controller/watch/drain/evacuation/evacuation.go and workload-updater.go (who makes the next one); seen on
KubeVirt's own controllers: a delete in PreparingTarget or TargetReady adds a condition and nothing else.
"""

from __future__ import annotations

from datetime import timedelta

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    migration as migration_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    state as state_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    vmi as vmi_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import shortened
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import CANCEL_SECONDS

__all__ = [
    "find_cancel_orphaned",
    "find_cancel_unanswered",
    "find_cancel_waits_for_phase",
    "find_not_live_migratable",
    "find_recreated_by_owner",
    "find_sync_peer_missing",
]

_OWNERS = {
    "evacuation": "the evacuation controller",
    "workload_update": "the workload updater",
    "volume_update": "the volume update",
}


def find_cancel_waits_for_phase(case: Case) -> Cause | Gap | None:
    """Being deleted in PreparingTarget or TargetReady: KubeVirt aborts only in Running or when the target pod ends."""
    migration = case.migration
    deleted = migration.meta.deleted_at
    if deleted is None or migration.phase not in ("PreparingTarget", "TargetReady"):
        return None
    seen = (
        Evidence(case.name, migration_facts.META.deleted.path, "being deleted", deleted),
        Evidence(case.name, migration_facts.PHASE.path, migration.phase, migration.phase_since),
    )
    summary = (
        f"It is being cancelled in {migration.phase}: KubeVirt acts on that only once the copy runs "
        "or the target pod has ended."
    )
    names = {"pod": case.target_pod_name, "namespace": migration.meta.namespace, "node": case.target_node}
    return Cause("CancelWaitsForPhase", summary, "maybe", deleted, seen, names=names)


def find_cancel_unanswered(case: Case) -> Cause | Gap | None:
    """The abort was requested more than 60 s ago and the copy has not ended. Not said of post-copy, which no abort
    can end."""
    deleted, handed = case.migration.meta.deleted_at, case.state
    if deleted is None or case.migration.phase != "Running" or handed is None:
        return None
    if not handed.abort_requested or handed.ended_at or handed.mode == state_facts.MODE_POST_COPY:
        return None
    if case.now - deleted <= timedelta(seconds=CANCEL_SECONDS):
        return None
    seen = (
        Evidence(case.vmi_name, vmi_facts.STATE.abort_requested.path, "true", deleted),
        Evidence(case.vmi_name, vmi_facts.STATE.ended.path, "", None),
    )
    seconds = int((case.now - deleted).total_seconds())
    summary = (
        f"The abort was requested {seconds} s ago and nobody has answered: virt-handler and the launcher on "
        f"{case.source_node or 'the source node'} must do it."
    )
    return Cause("CancelUnanswered", summary, "no", deleted, seen, names={"node": case.source_node})


def find_recreated_by_owner(case: Case) -> Cause | Gap | None:
    """Cancelled or failed, and its owner still wants the VM moved, so the next one comes by itself."""
    migration = case.migration
    owner = _OWNERS.get(migration.origin)
    if owner is None or not (migration.is_being_deleted or migration.phase == "Failed"):
        return None
    if case.is_followed:
        return None
    since = migration.meta.deleted_at or migration.reached_at("Failed")
    ended = "is being cancelled" if migration.is_being_deleted else "has failed"
    summary = f"It {ended}, but {owner} makes the next one: stop that first."
    names = {"origin": migration.origin, "vm": migration.vmi_name, "namespace": migration.meta.namespace}
    if migration.origin != "evacuation":
        label = Evidence(case.name, *_mark_of_owner(migration))
        return Cause("RecreatedByOwner", summary, "no", since, (label,), confidence="likely", names=names)
    if case.vmi is None or not case.vmi.evacuation_node:
        return None
    seen = Evidence(case.vmi_name, vmi_facts.EVACUATION_NODE.path, case.vmi.evacuation_node)
    names["node"] = case.vmi.evacuation_node
    return Cause("RecreatedByOwner", summary, "no", since, (seen,), names=names)


def _mark_of_owner(migration: Migration) -> tuple[str, str]:
    """The field that says who made it, and its value."""
    if migration.origin == "volume_update":
        mark = migration_facts.LABEL_VOLUME_UPDATE
        return f"{migration_facts.META.labels.path}[{mark}]", migration.meta.labels.get(mark, "")
    mark = migration_facts.ANNOTATION_WORKLOAD_UPDATE
    return f"{migration_facts.META.annotations.path}[{mark}]", shortened(migration.meta.annotations.get(mark, ""))


def find_cancel_orphaned(case: Case) -> Cause | Gap | None:
    """Being deleted while its VMI is gone: virt-controller does not take its finalizer off any more."""
    migration = case.migration
    deleted = migration.meta.deleted_at
    if deleted is None or migration.key not in case.snapshot.vmis or case.vmi is not None:
        return None
    seen = (
        Evidence(case.name, migration_facts.META.deleted.path, "being deleted", deleted),
        Evidence(case.vmi_name, "metadata.name", "there is no such object"),
    )
    summary = "It is being deleted and its VMI is gone: nobody takes its finalizer off."
    return Cause("CancelOrphaned", summary, "no", deleted, seen, names={"namespace": migration.meta.namespace})


def find_not_live_migratable(case: Case) -> Cause | Gap | None:
    """It has failed, the VM is still to leave its node and cannot be migrated any more, so no next one is let in.

    Not said of one that is on its way: KubeVirt looks at LiveMigratable only when a migration is created.
    """
    vmi = case.vmi
    if case.migration.phase != "Failed" or case.is_followed:
        return None
    movable = vmi.conditions.get("LiveMigratable") if vmi else None
    if vmi is None or movable is None or movable.status != "False" or not vmi.evacuation_node:
        return None
    path = f"{vmi_facts.CONDITIONS.list.path}[LiveMigratable]"
    said = f"{movable.reason}: {movable.message}".strip(": ")
    seen = (
        Evidence(case.vmi_name, path, said, movable.changed_at),
        Evidence(case.vmi_name, vmi_facts.EVACUATION_NODE.path, vmi.evacuation_node),
    )
    summary = f"The VM is to leave {vmi.evacuation_node} and cannot be migrated: {said.rstrip('.')}."
    since = case.later(movable.changed_at, case.migration.meta.created_at)
    names = {"namespace": case.migration.meta.namespace, "node": vmi.evacuation_node}
    return Cause("NotLiveMigratable", summary, "no", since, seen, names=names)


def find_sync_peer_missing(case: Case) -> Cause | Gap | None:
    """A migration between clusters waits for its other side."""
    migration = case.migration
    if migration.phase not in ("WaitingForSync", "Synchronizing"):
        return None
    blocked = migration.conditions.get("decentralizedMigrationBlocked")
    said = f": {blocked.message.rstrip('.')}" if blocked and blocked.status == "True" and blocked.message else ""
    seen = [Evidence(case.name, migration_facts.PHASE.path, migration.phase, migration.phase_since)]
    if blocked is not None:
        path = f"{migration_facts.CONDITIONS.list.path}[decentralizedMigrationBlocked].status"
        seen.append(Evidence(case.name, path, blocked.status, blocked.probed_at))
    summary = f"The other cluster's side of this migration has not answered{said}."
    names = {"namespace": migration.meta.namespace}
    return Cause("SyncPeerMissing", summary, "maybe", migration.phase_since, tuple(seen), names=names)
