# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a migration can be cancelled or made again now, and why not.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go; the admission of a new migration refuses while
any other of the VM has not ended, also one that is being deleted.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import MODE_POST_COPY
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement

__all__ = ["Answer", "can_cancel", "can_retry"]

_BEFORE_HAND_OFF = ("", "Pending", "Scheduling", "Scheduled")
_NOT_RETRIED = {
    "evacuation": "The evacuation controller makes the next one itself.",
    "workload_update": "The workload updater makes the next one itself.",
    "volume_update": "The volume update makes the next one itself.",
    "decentralized": "A cross-cluster migration is made on both sides.",
}


@dataclass(frozen=True)
class Answer:
    """Yes or no, and the reason in one sentence."""

    allowed: bool
    reason: str


# Whoever would have to act on a cancel, and the causes that say it does not work.
_SOURCE_SILENT = frozenset({"SourceNodeDown", "SourceHandlerDown"})
_TARGET_SILENT = frozenset({"TargetNodeDown", "TargetHandlerDown"})


def can_cancel(judgement: Judgement) -> Answer:
    """Whether deleting the migration ends it, as KubeVirt answers a delete in its phase and as far as those who must
    act on it work."""
    refusal = _nobody_acts(judgement)
    return Answer(False, refusal) if refusal else _by_phase(judgement)


def _nobody_acts(judgement: Judgement) -> str:
    codes = {cause.code for cause in judgement.causes}
    migration = judgement.case.migration
    if migration.is_final or migration.is_being_deleted:
        return ""
    if migration.key in judgement.case.snapshot.vmis and judgement.case.vmi is None:
        return "Its VMI is gone, and KubeVirt takes the finalizer off only where there is one: the cancel would hang."
    if "VirtControllerSilent" in codes:
        return "virt-controller would have to act on it and does not work."
    if migration.phase == "Running" and codes & _SOURCE_SILENT:
        return "The source node would have to abort the copy and does not answer: the cancel would hang."
    return ""


def _by_phase(judgement: Judgement) -> Answer:
    case = judgement.case
    migration = case.migration
    if migration.is_final:
        return Answer(False, "It has ended.")
    if case.state and case.state.mode == MODE_POST_COPY:
        return Answer(False, "Post-copy cannot be cancelled: the guest runs on the target already.")
    if migration.is_being_deleted:
        return Answer(False, "It is being cancelled already.")
    if migration.origin == "volume_update":
        return Answer(False, "It is made again until the VM's volumes are reverted.")
    if migration.phase in _BEFORE_HAND_OFF or migration.phase in ("WaitingForSync", "Synchronizing"):
        return Answer(True, _owned(case, "Before the copy KubeVirt ends it at once; the VM keeps running."))
    if migration.phase in ("PreparingTarget", "TargetReady"):
        silent = {cause.code for cause in judgement.causes} & _TARGET_SILENT
        how = "KubeVirt acts on it once the copy runs or the target pod has ended"
        until = ", and the target node does not answer: expect it to hang until then." if silent else "."
        return Answer(True, _owned(case, how + until))
    if migration.phase == "Running" and case.state is None:
        return Answer(False, "Whether it is in post-copy, which cannot be cancelled, could not be seen.")
    if migration.phase == "Running" and case.state is not None and case.state.ended_at is not None:
        return Answer(False, "The copy has ended: there is nothing left to abort.")
    if migration.phase == "Running":
        return Answer(True, _owned(case, "The source node aborts the copy; the VM keeps running there."))
    return Answer(False, f"What a cancel does in phase {migration.phase[:60]} is not known here.")


def _owned(case: Case, reason: str) -> str:
    again = _NOT_RETRIED.get(case.migration.origin)
    return f"{reason} {again}" if again else reason


def can_retry(case: Case) -> Answer:
    """Whether a new migration of the VM would be admitted and makes sense."""
    migration = case.migration
    if not migration.is_final:
        return Answer(False, "This migration has not ended.")
    if migration.phase == "Succeeded":
        return Answer(False, "It succeeded.")
    if migration.origin in _NOT_RETRIED:
        return Answer(False, _NOT_RETRIED[migration.origin])
    if any(other.key == migration.key and not other.is_final for other in case.snapshot.migrations):
        return Answer(False, "Another migration of the VM has not ended.")
    if case.vmi is None:
        return Answer(False, "Its VMI does not exist, or could not be read.")
    movable = case.vmi.conditions.get("LiveMigratable")
    if movable is not None and movable.status == "False":
        return Answer(False, f"The VM cannot be migrated: {movable.message or movable.reason}")
    if case.vmi.phase != "Running":
        return Answer(False, f"The VM is not running: its VMI is {case.vmi.phase[:60] or 'without a phase'}.")
    return Answer(True, "It has ended, and nothing speaks against another attempt.")
