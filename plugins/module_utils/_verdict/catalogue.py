# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of causes: public codes, their order, and what follows from what. It holds no logic.

This module is private to the collection and may change without notice.

The order is the order in which causes are shown: the root stands before what follows from it. A code is public, is
never renamed and never reused.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CATALOGUE", "ORDER", "Entry", "entry_of"]


@dataclass(frozen=True)
class Entry:
    """One cause. `blocks`: whether it can make a migration `blocked`; `explains`: codes that follow from it;
    `acts`: what helps, of W wait, C cancel, R retry, T tune, F fix something outside the migration first."""

    code: str
    title: str
    acts: str
    explains: tuple[str, ...] = ()
    blocks: bool = True


CATALOGUE: tuple[Entry, ...] = (
    Entry(
        "VirtControllerSilent",
        "virt-controller does not work",
        "F",
        explains=("ClusterLimitReached", "OutboundLimitReached", "LeftoverLauncherPod"),
    ),
    Entry("VirtApiUnavailable", "virt-api does not answer", "F", explains=("HandOverFailed", "CancelUnanswered")),
    Entry("CancelOrphaned", "It is being deleted and its VMI is gone", "F", explains=("VMIMissing",)),
    Entry("VMIMissing", "The VM's instance is gone", "C"),
    Entry(
        "SourceNodeDown",
        "The node the VM runs on is down",
        "F",
        explains=(
            "SourceHandlerDown",
            "SyncFailed",
            "TargetLauncherOverdue",
            "NoDataFlow",
            "DeadlineNotEnforced",
            "CancelUnanswered",
        ),
    ),
    Entry(
        "TargetNodeDown",
        "The node the VM moves to is down",
        "F",
        explains=(
            "TargetKubeletSilent",
            "TargetHandlerDown",
            "SyncFailed",
            "TargetLauncherOverdue",
            "NoDataFlow",
            "DeadlineNotEnforced",
            "CancelWaitsForPhase",
        ),
    ),
    Entry("UnworkableLimits", "The configuration lets no migration work", "T", explains=("BandwidthTooLow",)),
    Entry("AnotherMigrationActive", "An older migration of the VM has not ended", "WC"),
    Entry("VMINotRunning", "The VM is not running", "F"),
    Entry("BackupInProgress", "A backup of the VM is running", "W"),
    Entry("UtilityVolumesPresent", "Utility volumes are attached", "WF"),
    Entry("MigrationBackoff", "KubeVirt waits after failures", "WF"),
    Entry("LeftoverLauncherPod", "A left-over launcher pod holds the migration back", "F"),
    Entry("ClusterLimitReached", "All migration slots of the cluster are taken", "WT"),
    Entry("OutboundLimitReached", "All outbound migration slots of the source node are taken", "WT"),
    Entry("ResourceQuotaExceeded", "A quota refuses the target pod", "F"),
    Entry("PodSecurityViolation", "Pod Security refuses the target pod", "F"),
    Entry("TargetPodCreationRefused", "The target pod cannot be made", "F"),
    Entry("SELinuxContextMissing", "KubeVirt waits for the VM's SELinux context", "F"),
    Entry("HostModelUnknown", "The source node does not say what CPU model its host has", "F"),
    Entry("HotplugAttachmentPending", "A hot-plugged volume is not attached on the target", "F"),
    Entry(
        "CPUModelMismatch",
        "No node has the CPU that the VM needs",
        "F",
        explains=("TargetPodUnschedulable",),
    ),
    Entry(
        "InsufficientNodeResources",
        "No node has room for the target pod",
        "F",
        explains=("TargetPodUnschedulable",),
    ),
    Entry("NodesClosed", "The nodes that fit are closed", "F", explains=("TargetPodUnschedulable",)),
    Entry("TargetPodUnschedulable", "No node takes the target pod", "FR"),
    Entry("ImagePullFailing", "The target pod's image cannot be pulled", "F"),
    Entry("VolumeAttachFailing", "A volume cannot be attached or mounted on the target", "F"),
    Entry("PodNetworkFailing", "The target pod's network cannot be made", "F"),
    Entry("TargetPodCrashing", "The target launcher ended", "CR"),
    Entry(
        "TargetKubeletSilent",
        "The target's kubelet does not answer",
        "CR",
        explains=("TargetHandlerDown", "SyncFailed", "TargetLauncherOverdue"),
    ),
    Entry("TargetPodNotAdmitted", "The target's kubelet refused the pod", "CR"),
    Entry("HandOverFailed", "The VM cannot be handed over to the nodes", "F"),
    Entry(
        "TargetHandlerDown",
        "virt-handler on the target node does not work",
        "CR",
        explains=("SyncFailed", "TargetLauncherOverdue", "NoDataFlow", "CancelWaitsForPhase"),
    ),
    Entry(
        "SourceHandlerDown",
        "virt-handler on the source node does not work",
        "F",
        explains=(
            "SyncFailed",
            "TargetLauncherOverdue",
            "NoDataFlow",
            "DeadlineNotEnforced",
            "CancelWaitsForPhase",
            "CancelUnanswered",
        ),
    ),
    Entry(
        "TargetIsSourceNode",
        "Source and target are the same node",
        "CR",
        explains=("TargetLauncherOverdue", "CancelWaitsForPhase"),
    ),
    Entry(
        "SyncFailed",
        "virt-handler cannot go on",
        "FR",
        explains=("TargetLauncherOverdue", "CancelWaitsForPhase"),
    ),
    Entry(
        "TargetLauncherOverdue",
        "The target launcher should have given up",
        "CR",
        explains=("CancelWaitsForPhase",),
    ),
    Entry("GuestIOError", "The guest is paused by an I/O error", "F", explains=("DeadlineNotEnforced",)),
    # The first and the third prove that the copy makes no progress: the verdict `stalled`, and not `blocked`.
    Entry("NoDataFlow", "No data of the copy flows", "FCR", blocks=False),
    Entry(
        "BandwidthTooLow",
        "The bandwidth is too low for the time that the copy has",
        "TCR",
        explains=("NotConverging",),
    ),
    Entry("NotConverging", "The guest writes as fast as it is copied", "TCR", blocks=False),
    Entry("SlowButConverging", "The copy is slow, and will end", "WT", blocks=False),
    Entry("HotplugChangePending", "A hot-plugged change is not applied yet", "F"),
    Entry("BackendStorageHandOff", "The persistent state is not handed over", "F"),
    Entry(
        "DeadlineNotEnforced",
        "KubeVirt's own deadline has passed and the copy goes on",
        "F",
        explains=("CancelUnanswered",),
    ),
    Entry("PostCopyActive", "The copy is in post-copy", "W", blocks=False),
    Entry("PausedForMigration", "The guest is suspended for the copy", "W", blocks=False),
    Entry("SyncPeerMissing", "The other cluster's side does not answer", "F"),
    Entry("CancelWaitsForPhase", "The cancel waits for the next phase", "C", blocks=False),
    Entry("CancelUnanswered", "Nobody answers the cancel", "F"),
    Entry("NotLiveMigratable", "The VM cannot be migrated", "F", explains=("RecreatedByOwner",), blocks=False),
    Entry("RecreatedByOwner", "Its owner makes it again", "F", blocks=False),
    Entry(
        "FailingRepeatedly",
        "Its migrations fail again and again",
        "F",
        explains=("LastAttemptFailed",),
        blocks=False,
    ),
    Entry(
        "BadTargetNode",
        "Migrations of several VMs fail on the target node",
        "FR",
        explains=("LastAttemptFailed",),
        blocks=False,
    ),
    Entry("LastAttemptFailed", "The last migration failed", "", blocks=False),
    Entry("Unknown", "Nothing that is known explains it", "", blocks=False),
)
ORDER: dict[str, int] = {entry.code: place for place, entry in enumerate(CATALOGUE)}
_BY_CODE = {entry.code: entry for entry in CATALOGUE}


def entry_of(code: str) -> Entry:
    """The entry of `code`; KeyError for a code that is not in the catalogue."""
    return _BY_CODE[code]
