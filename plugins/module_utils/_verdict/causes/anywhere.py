# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes that can hold a migration in any phase.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go; a dead virt-api and a VMI that vanished were
seen on KubeVirt's own controllers.
"""

from __future__ import annotations

from datetime import timedelta

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    migration as migration_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    surroundings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    vmi as vmi_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import HANDED_OVER_PHASES
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.sightings import (
    newest,
    since_first,
    unreadable_event,
)

__all__ = ["find_virt_api_unavailable", "find_virt_controller_silent", "find_vmi_missing"]

SILENT_SECONDS = 60

_WEBHOOK = "failed calling webhook"


def find_virt_controller_silent(case: Case) -> Cause | Gap | None:
    """The phase is unset for 60 s, or virt-controller's lease was not renewed for 60 s beyond its duration."""
    migration, lease = case.migration, case.snapshot.lease
    created = migration.meta.created_at
    if migration.phase == "" and created and case.now - created > timedelta(seconds=SILENT_SECONDS):
        seen = Evidence(case.name, migration_facts.PHASE.path, "", created)
        summary = "virt-controller has not taken this migration up: it has no phase yet."
        return Cause("VirtControllerSilent", summary, "no", created, (seen,), names=_where(case))
    rules = case.snapshot.unseen_for("lease") or case.snapshot.unseen_for("kubevirt")
    if rules:
        return Gap("VirtControllerSilent", rules)
    if lease is None:
        return Gap("VirtControllerSilent", (), why=case.why_no_place) if case.why_no_place else None
    if lease.problems or lease.renewed_at is None:
        return Gap("VirtControllerSilent", (), why=f"virt-controller's lease: {(*lease.problems, 'no renewTime')[0]}")
    if (case.now - lease.renewed_at).total_seconds() - lease.seconds < SILENT_SECONDS:
        return None
    seen = Evidence(
        f"Lease {lease.meta.namespace}/{lease.meta.name}",
        surroundings.RENEWED.path,
        f"held by {lease.holder}" if lease.holder else "held by nobody",
        lease.renewed_at,
    )
    silent = int((case.now - lease.renewed_at).total_seconds())
    summary = f"virt-controller has not renewed its lease for {silent} s: no migration goes on without it."
    since = case.later(lease.renewed_at, created)
    return Cause("VirtControllerSilent", summary, "no", since, (seen,), names=_where(case))


def _where(case: Case) -> dict[str, str]:
    kubevirt = case.snapshot.kubevirt
    return {"namespace": kubevirt.meta.namespace} if kubevirt else {}


def find_vmi_missing(case: Case, /) -> Cause | Gap | None:
    """There is no VMI of that name any more, or another one than the one that the migration was handed to."""
    migration = case.migration
    if migration.key not in case.snapshot.vmis:
        return None
    names = {"namespace": migration.meta.namespace}
    if case.vmi is None:
        seen = Evidence(case.vmi_name, "metadata.name", "there is no such object")
        summary = f"{case.vmi_name} does not exist any more: nothing can be migrated."
        return Cause("VMIMissing", summary, "no", migration.phase_since, (seen,), names=names)
    state = case.vmi.state
    if migration.phase not in HANDED_OVER_PHASES:
        return None
    if state and state.migration_uid == migration.meta.uid:
        return None
    if migration.other_side:
        return None  # Both sides write into the state there.
    found = state.migration_uid if state else ""
    seen = Evidence(case.vmi_name, vmi_facts.STATE.migration_uid.path, found)
    whose = "of another migration" if found else "of none: it was started anew"
    summary = f"The VMI was handed to this migration and now carries the state {whose}."
    names["present"] = case.vmi.meta.name
    return Cause("VMIMissing", summary, "no", migration.phase_since, (seen,), names=names)


def find_virt_api_unavailable(case: Case, /) -> Cause | Gap | None:
    """virt-api's webhook does not answer, so virt-controller can neither hand over nor abort: its events say so."""
    migration = case.migration
    if not (migration.is_being_deleted or migration.phase == "Scheduled"):
        return None
    rules = case.snapshot.unseen_for("events", namespace=migration.meta.namespace)
    if rules:
        return Gap("VirtApiUnavailable", rules)
    about = case.snapshot.events_about(migration.meta.uid)
    # A refused hand-over is over in any later phase.
    reason = "FailedHandOver" if migration.phase == "Scheduled" else "FailedAbortMigration"
    failed = [one for one in about if one.reason == reason and _WEBHOOK in one.message]
    last = newest(failed)
    if case.state and case.state.abort_requested:
        return None
    if last is None:
        return unreadable_event(case, "VirtApiUnavailable", uid=migration.meta.uid)
    seen = Evidence(case.name, f"event {last.reason}", last.message, last.last_at)
    summary = f"virt-api does not answer, so KubeVirt cannot go on: {last.message.rstrip('.')}."
    since = case.later(since_first(failed), migration.meta.deleted_at or migration.phase_since)
    place = case.snapshot.kubevirt.meta.namespace if case.snapshot.kubevirt else ""
    phase = Evidence(case.name, migration_facts.PHASE.path, migration.phase, migration.phase_since)
    return Cause("VirtApiUnavailable", summary, "no", since, (seen, phase), names={"namespace": place})
