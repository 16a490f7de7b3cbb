# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue is public: no code goes or is renamed, a root stands before what follows, what helps is kept."""

from __future__ import annotations

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import ORDER, entry_of

# Code -> what helps (W wait, C cancel, R retry, T tune, F fix something first), in the order in which causes are shown.
ACTS = {
    "VirtControllerSilent": "F",
    "VirtApiUnavailable": "F",
    "CancelOrphaned": "F",
    "VMIMissing": "C",
    "SourceNodeDown": "F",
    "TargetNodeDown": "F",
    "UnworkableLimits": "T",
    "AnotherMigrationActive": "WC",
    "VMINotRunning": "F",
    "BackupInProgress": "W",
    "UtilityVolumesPresent": "WF",
    "MigrationBackoff": "WF",
    "LeftoverLauncherPod": "F",
    "ClusterLimitReached": "WT",
    "OutboundLimitReached": "WT",
    "ResourceQuotaExceeded": "F",
    "PodSecurityViolation": "F",
    "TargetPodCreationRefused": "F",
    "SELinuxContextMissing": "F",
    "TargetPodUnschedulable": "FR",
    "ImagePullFailing": "F",
    "VolumeAttachFailing": "F",
    "PodNetworkFailing": "F",
    "TargetPodCrashing": "CR",
    "TargetKubeletSilent": "CR",
    "TargetPodNotAdmitted": "CR",
    "HandOverFailed": "F",
    "TargetHandlerDown": "CR",
    "SourceHandlerDown": "F",
    "TargetIsSourceNode": "CR",
    "SyncFailed": "FR",
    "TargetLauncherOverdue": "CR",
    "GuestIOError": "F",
    "HotplugChangePending": "F",
    "BackendStorageHandOff": "F",
    "DeadlineNotEnforced": "F",
    "PostCopyActive": "W",
    "PausedForMigration": "W",
    "SyncPeerMissing": "F",
    "CancelWaitsForPhase": "C",
    "CancelUnanswered": "F",
    "NotLiveMigratable": "F",
    "RecreatedByOwner": "F",
    "FailingRepeatedly": "F",
    "BadTargetNode": "FR",
    "LastAttemptFailed": "",
    "Unknown": "",
}
NEVER_BLOCKS = {
    "PostCopyActive",
    "PausedForMigration",
    "CancelWaitsForPhase",
    "NotLiveMigratable",
    "RecreatedByOwner",
    "FailingRepeatedly",
    "BadTargetNode",
    "LastAttemptFailed",
    "Unknown",
}
# What follows from a cause; others may be added.
FOLLOWS: dict[str, set[str]] = {
    "VirtControllerSilent": {"OutboundLimitReached", "LeftoverLauncherPod", "ClusterLimitReached"},
    "VirtApiUnavailable": {"HandOverFailed", "CancelUnanswered"},
    "CancelOrphaned": {"VMIMissing"},
    "SourceNodeDown": {
        "SyncFailed",
        "DeadlineNotEnforced",
        "TargetLauncherOverdue",
        "SourceHandlerDown",
        "CancelUnanswered",
    },
    "TargetNodeDown": {
        "SyncFailed",
        "TargetKubeletSilent",
        "DeadlineNotEnforced",
        "CancelWaitsForPhase",
        "TargetLauncherOverdue",
        "TargetHandlerDown",
    },
    "TargetKubeletSilent": {"TargetHandlerDown", "SyncFailed", "TargetLauncherOverdue"},
    "DeadlineNotEnforced": {"CancelUnanswered"},
    "TargetHandlerDown": {"CancelWaitsForPhase", "SyncFailed", "TargetLauncherOverdue"},
    "SourceHandlerDown": {
        "SyncFailed",
        "DeadlineNotEnforced",
        "TargetLauncherOverdue",
        "CancelWaitsForPhase",
        "CancelUnanswered",
    },
    "TargetIsSourceNode": {"CancelWaitsForPhase", "TargetLauncherOverdue"},
    "SyncFailed": {"CancelWaitsForPhase", "TargetLauncherOverdue"},
    "TargetLauncherOverdue": {"CancelWaitsForPhase"},
    "GuestIOError": {"DeadlineNotEnforced"},
    "NotLiveMigratable": {"RecreatedByOwner"},
    "FailingRepeatedly": {"LastAttemptFailed"},
    "BadTargetNode": {"LastAttemptFailed"},
}


def test_codes_are_kept_in_their_order() -> None:
    assert [code for code in ORDER if code in ACTS] == list(ACTS)


@pytest.mark.parametrize("code", ACTS)
def test_cause_helps_and_blocks_as_is_known(code: str) -> None:
    entry = entry_of(code)

    assert (entry.acts, entry.blocks) == (ACTS[code], code not in NEVER_BLOCKS)


@pytest.mark.parametrize("code", FOLLOWS)
def test_what_follows_from_a_cause_is_kept(code: str) -> None:
    assert set(entry_of(code).explains) >= FOLLOWS[code]
