# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All causes of one migration, the root first.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import ORDER, entry_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes import (
    anywhere,
    cancel,
    convergence,
    copy,
    handover,
    limits,
    nodes,
    pending,
    placement,
    repeated,
    scheduling,
    waiting,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import Queue

__all__ = ["BEFORE_HAND_OVER_CAUSES", "CASE_CAUSES", "QUEUE_CAUSES", "Findings", "blocking_cause", "find_causes"]

# What holds a migration back before it is handed over. It says nothing of one that is being deleted: KubeVirt ends that
# at once there, so where it does not, it is the cancel that fails.
BEFORE_HAND_OVER_CAUSES: dict[str, Callable[[Case], Cause | Gap | None]] = {
    "UnworkableLimits": limits.find_unworkable_limits,
    "AnotherMigrationActive": waiting.find_another_migration_active,
    "VMINotRunning": waiting.find_vmi_not_running,
    "BackupInProgress": waiting.find_backup_in_progress,
    "UtilityVolumesPresent": waiting.find_utility_volumes_present,
    "MigrationBackoff": waiting.find_migration_backoff,
    "LeftoverLauncherPod": pending.find_leftover_launcher_pod,
    "ResourceQuotaExceeded": pending.find_resource_quota_exceeded,
    "PodSecurityViolation": pending.find_pod_security_violation,
    "TargetPodCreationRefused": pending.find_target_pod_creation_refused,
    "SELinuxContextMissing": pending.find_selinux_context_missing,
    "HostModelUnknown": pending.find_host_model_unknown,
    "HotplugAttachmentPending": scheduling.find_hotplug_attachment_pending,
    "CPUModelMismatch": placement.of_case("CPUModelMismatch", placement.find_cpu_model_mismatch),
    "InsufficientNodeResources": placement.of_case(
        "InsufficientNodeResources",
        placement.find_insufficient_node_resources,
        needs_pods=True,
        time_cures="maybe",
    ),
    "NodesClosed": placement.of_case("NodesClosed", placement.find_nodes_closed),
    "TargetPodUnschedulable": scheduling.find_target_pod_unschedulable,
    "ImagePullFailing": scheduling.find_image_pull_failing,
    "VolumeAttachFailing": scheduling.find_volume_attach_failing,
    "PodNetworkFailing": scheduling.find_pod_network_failing,
    "TargetPodCrashing": scheduling.find_target_pod_crashing,
    "TargetKubeletSilent": scheduling.find_target_kubelet_silent,
    "TargetPodNotAdmitted": scheduling.find_target_pod_not_admitted,
}
CASE_CAUSES: dict[str, Callable[[Case], Cause | Gap | None]] = {
    "VirtControllerSilent": anywhere.find_virt_controller_silent,
    "VirtApiUnavailable": anywhere.find_virt_api_unavailable,
    "CancelOrphaned": cancel.find_cancel_orphaned,
    "VMIMissing": anywhere.find_vmi_missing,
    "SourceNodeDown": nodes.find_source_node_down,
    "TargetNodeDown": nodes.find_target_node_down,
    "HandOverFailed": handover.find_hand_over_failed,
    "TargetHandlerDown": nodes.find_target_handler_down,
    "SourceHandlerDown": nodes.find_source_handler_down,
    "TargetIsSourceNode": nodes.find_target_is_source_node,
    "SyncFailed": handover.find_sync_failed,
    "TargetLauncherOverdue": handover.find_target_launcher_overdue,
    "GuestIOError": copy.find_guest_io_error,
    "NoDataFlow": convergence.find_no_data_flow,
    "BandwidthTooLow": convergence.find_bandwidth_too_low,
    "NotConverging": convergence.find_not_converging,
    "SlowButConverging": convergence.find_slow_but_converging,
    "HotplugChangePending": copy.find_hotplug_change_pending,
    "BackendStorageHandOff": copy.find_backend_storage_hand_off,
    "DeadlineNotEnforced": copy.find_deadline_not_enforced,
    "PostCopyActive": copy.find_post_copy_active,
    "PausedForMigration": copy.find_paused_for_migration,
    "SyncPeerMissing": cancel.find_sync_peer_missing,
    "CancelWaitsForPhase": cancel.find_cancel_waits_for_phase,
    "CancelUnanswered": cancel.find_cancel_unanswered,
}
QUEUE_CAUSES: dict[str, Callable[[Case, Queue], Cause | Gap | None]] = {
    "ClusterLimitReached": pending.find_cluster_limit_reached,
    "OutboundLimitReached": pending.find_outbound_limit_reached,
}
# Those that say something of a migration that has ended, too.
ENDED_CAUSES: dict[str, Callable[[Case], Cause | Gap | None]] = {
    "NotLiveMigratable": cancel.find_not_live_migratable,
    "RecreatedByOwner": cancel.find_recreated_by_owner,
    "FailingRepeatedly": repeated.find_failing_repeatedly,
    "BadTargetNode": repeated.find_bad_target_node,
    "LastAttemptFailed": repeated.find_last_attempt_failed,
}

GUESS = "HostModelUnknown"
Answers: TypeAlias = "dict[str, Cause | Gap | None]"


@dataclass(frozen=True)
class Findings:
    """`causes`, the root first; `gaps`, causes that could not be looked for; `checked`, codes that were ruled out."""

    causes: tuple[Cause, ...]
    gaps: tuple[Gap, ...]
    checked: tuple[str, ...]


def find_causes(case: Case, *, queue: Queue | None = None) -> Findings:
    """Runs every cause function over `case`; those of the queue only where `queue` is given."""
    answers: Answers = {}
    if not case.migration.is_final:
        answers = {code: find(case) for code, find in CASE_CAUSES.items()}
    if not case.migration.is_final and not case.migration.is_being_deleted:
        answers.update({code: find(case) for code, find in BEFORE_HAND_OVER_CAUSES.items()})
        if queue is not None:
            answers.update({code: find(case, queue) for code, find in QUEUE_CAUSES.items()})
    answers = _without_guess(answers)
    answers.update({code: find(case) for code, find in ENDED_CAUSES.items()})
    causes = [answer for answer in answers.values() if isinstance(answer, Cause)]
    return Findings(
        causes=_with_explains(_sorted(causes, case)),
        gaps=tuple(answer for answer in answers.values() if isinstance(answer, Gap)),
        checked=tuple(sorted((code for code, answer in answers.items() if answer is None), key=ORDER.__getitem__)),
    )


def _without_guess(answers: Answers) -> Answers:
    """HostModelUnknown is concluded from silence: it counts where nothing else holds the migration, and blocks it only
    where nothing else could."""
    guess = answers.get(GUESS)
    others = [answer for code, answer in answers.items() if code != GUESS]
    if not isinstance(guess, Cause):
        return answers
    if any(isinstance(other, Cause) for other in others):
        return {code: answer for code, answer in answers.items() if code != GUESS}
    if any(isinstance(other, Gap) for other in others):
        return {**answers, GUESS: replace(guess, holds_since=None, confidence="possible")}
    return answers


def _sorted(causes: list[Cause], case: Case) -> list[Cause]:
    """In the catalogue's order; what has held long enough to block stands before what has not."""
    return sorted(causes, key=lambda cause: (not _blocks(cause, case), ORDER[cause.code]))


def _blocks(cause: Cause, case: Case) -> bool:
    return entry_of(cause.code).blocks and cause.has_held(now=case.now)


def blocking_cause(findings: Findings, case: Case, /) -> Cause | None:
    """The first cause that makes the migration blocked, or None."""
    return next((cause for cause in findings.causes if _blocks(cause, case)), None)


def _with_explains(causes: list[Cause]) -> tuple[Cause, ...]:
    codes = [cause.code for cause in causes]
    return tuple(
        replace(cause, explains=tuple(code for code in entry_of(cause.code).explains if code in codes[place + 1 :]))
        for place, cause in enumerate(causes)
    )
