# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes that keep a migration Pending by KubeVirt's own checks, apart from slots and pods.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go, in the order of its checks: backup, backoff,
utility volumes; a migration that lost the race at its creation waits until the older one has ended and moves the VM
again (seen on KubeVirt's own controllers).
"""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    migration as migration_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    vmi as vmi_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import (
    ANNOTATION_UTILITY_TIMEOUT,
    Migration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    later_by,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.history import (
    failures_in_a_row,
    find_previous,
)

__all__ = [
    "find_another_migration_active",
    "find_backup_in_progress",
    "find_migration_backoff",
    "find_utility_volumes_present",
    "find_vmi_not_running",
]

BACKOFF_SECONDS = 20
# KubeVirt keeps five finished ones, and counts those.
KEPT = 5
UTILITY_SECONDS = 150
_STARTING = ("Pending", "Scheduling", "Scheduled")


def find_another_migration_active(case: Case, /) -> Cause | Gap | None:
    """An older unfinished migration of the same VM: when it ends, this one moves the VM once more."""
    if case.migration.phase != "Pending":
        return None
    older = [one for one in case.snapshot.by_vm.get(case.migration.key, ()) if _is_older(one, case.migration)]
    if not older:
        return None
    first = min(older, key=lambda one: (one.meta.created_at or case.now, one.meta.name))
    seen = Evidence(
        f"VirtualMachineInstanceMigration {first.meta.namespace}/{first.meta.name}",
        migration_facts.PHASE.path,
        first.phase,
        first.meta.created_at,
    )
    summary = f"An older migration of the VM, {first.meta.name}, has not ended; then this one moves the VM once more."
    names = {"older": first.meta.name, "namespace": first.meta.namespace}
    return Cause("AnotherMigrationActive", summary, "yes", case.migration.phase_since, (seen,), names=names)


def _is_older(other: Migration, mine: Migration) -> bool:
    if other.is_final or other.meta.name == mine.meta.name:
        return False
    if other.phase not in ("", "Pending"):
        return True
    return bool(other.meta.created_at and mine.meta.created_at and other.meta.created_at < mine.meta.created_at)


def find_vmi_not_running(case: Case, /) -> Cause | Gap | None:
    """The VMI is not Running: while it is starting KubeVirt waits without a word, and goes on by itself."""
    vmi = case.vmi
    if case.migration.phase != "Pending" or vmi is None or vmi.phase == "Running" or case.migration.other_side:
        return None
    seen = Evidence(case.vmi_name, vmi_facts.PHASE.path, vmi.phase)
    cures = "yes" if vmi.phase in _STARTING else "maybe"
    summary = f"The VM is not running yet: its VMI is {vmi.phase or 'without a phase'}."
    names = {"namespace": case.migration.meta.namespace}
    return Cause("VMINotRunning", summary, cures, case.migration.phase_since, (seen,), names=names)


def find_backup_in_progress(case: Case, /) -> Cause | Gap | None:
    """A backup of the VM is running: KubeVirt waits for it."""
    summary = "A backup of the VM is running; KubeVirt waits for its end."
    return _by_condition(case, "BackupInProgress", "migrationBlockedByBackup", summary)


def find_utility_volumes_present(case: Case, /) -> Cause | Gap | None:
    """Utility volumes are attached: KubeVirt waits until they are gone, and fails the migration after its timeout."""
    seconds = _utility_limit(case)
    until = later_by(case.migration.meta.created_at, seconds) if seconds is not None else None
    limit = f" up to {seconds} s" if seconds is not None else ""
    ends = f", until {format_timestamp(until)}" if until else ""
    summary = f"Utility volumes are attached to the VM; KubeVirt waits{limit} for them to go{ends}."
    return _by_condition(case, "UtilityVolumesPresent", "migrationBlockedByUtilityVolumes", summary)


def _utility_limit(case: Case) -> int | None:
    """The migration's own annotation, else utilityVolumesTimeout of the KubeVirt object, else its default; None where
    that object was not read."""
    kubevirt = case.snapshot.kubevirt
    settings = kubevirt.settings if kubevirt else None
    given = UTILITY_SECONDS if settings is None else settings.get("utilityVolumesTimeout", UTILITY_SECONDS)
    seconds = case.migration.seconds_from(ANNOTATION_UTILITY_TIMEOUT, default=-1)
    if seconds >= 0:
        return seconds
    return None if settings is None or not isinstance(given, int) else given


def _by_condition(case: Case, code: str, condition: str, summary: str) -> Cause | None:
    found = case.migration.conditions.get(condition)
    if case.migration.phase != "Pending" or found is None or found.status != "True":
        return None
    path = f"{migration_facts.CONDITIONS.list.path}[{condition}].status"
    seen = Evidence(case.name, path, found.status, found.probed_at)
    names = {"namespace": case.migration.meta.namespace}
    since = found.changed_at or found.probed_at or case.migration.phase_since
    return Cause(code, summary, "yes", since, (seen,), names=names)


def find_migration_backoff(case: Case, /) -> Cause | Gap | None:
    """A controller's migration waits after failures: 20 s, doubled for each one in a row, from the last failure on."""
    migration = case.migration
    if migration.phase != "Pending" or migration.origin not in ("evacuation", "workload_update", "volume_update"):
        return None
    failures = failures_in_a_row(find_previous(case.snapshot, migration))
    last = failures[0].ended_at if failures else None
    if last is None:
        return None
    until = later_by(last, BACKOFF_SECONDS * 2 ** (min(len(failures), KEPT) - 1))
    if until is None or case.now >= until:
        return None
    kind = f"VirtualMachineInstanceMigration {migration.meta.namespace}"
    path = migration_facts.PHASE.path
    seen = tuple(Evidence(f"{kind}/{one.name}", path, one.phase, one.ended_at) for one in failures[:5])
    count = "once" if len(failures) == 1 else f"{len(failures)} times in a row"
    summary = f"Its owner's migrations of this VM failed {count}; KubeVirt starts it at {format_timestamp(until)}."
    return Cause("MigrationBackoff", summary, "yes", migration.phase_since, seen)
