# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each cause says where it holds (`looks`), besides its sentence: since when, the names its advice needs, and
every piece of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MIGRATIONS = "VirtualMachineInstanceMigration team-a/kubevirt-migrate-vm-"
MIGRATION = f"{MIGRATIONS}mig-web-1"
VMI = "VirtualMachineInstance team-a/web-1"
POD = "Pod team-a/virt-launcher-web-1-target"
TEAM = {"namespace": "team-a"}
TARGET_POD = {"pod": "virt-launcher-web-1-target", "namespace": "team-a", "node": "dst-web-1"}
BOTH_NODES = {"source_node": "src-web-1", "target_node": "dst-web-1"}

# Object, field, value (None: the one in `looks`), and how many seconds ago.
Seen = tuple[str, str, str | None, int | None]


@dataclass(frozen=True)
class Said:
    """`seconds`: for how long it has held."""

    seconds: int
    names: Mapping[str, str]
    evidence: tuple[Seen, ...]
    confidence: str = "certain"


SAID: dict[str, Said] = {
    "VirtControllerSilent": Said(
        75, {"namespace": "kubevirt"}, (("Lease kubevirt/virt-controller", "spec.renewTime", None, 75),)
    ),
    "SourceNodeDown": Said(
        400, {"node": "src-web-1"}, (("Node src-web-1", "status.conditions[Ready].status", "Unknown", 400),)
    ),
    "TargetNodeDown": Said(
        400, {"node": "dst-web-1"}, (("Node dst-web-1", "status.conditions[Ready].status", "Unknown", 400),)
    ),
    "LeftoverLauncherPod": Said(
        90,
        {"pod": "virt-launcher-web-1-old", "namespace": "team-a", "node": "dst-web-1"},
        (("Pod team-a/virt-launcher-web-1-old", "status.phase", "Running", 4000),),
    ),
    "ClusterLimitReached": Said(
        90,
        {},
        (
            ("KubeVirt kubevirt/kubevirt", "spec.configuration.migrations.parallelMigrationsPerCluster", "1", None),
            (f"{MIGRATIONS}mig-one", "status.phase", "Running", None),
        ),
    ),
    "OutboundLimitReached": Said(
        90,
        {},
        (
            (
                "KubeVirt kubevirt/kubevirt",
                "spec.configuration.migrations.parallelOutboundMigrationsPerNode",
                "1",
                None,
            ),
            (f"{MIGRATIONS}mig-one", "status.phase", "Running", None),
        ),
    ),
    "ResourceQuotaExceeded": Said(
        90,
        {"namespace": "team-a", "quota": "compute"},
        (
            (MIGRATION, "status.conditions[migrationRejectedByResourceQuota].status", "True", 90),
            (
                VMI,
                "event FailedCreate",
                'failed to create virtual machine pod: pods "x" is forbidden: exceeded quota: compute, requested: 9Gi',
                5,
            ),
        ),
    ),
    "SELinuxContextMissing": Said(90, {"node": "src-web-1"}, ((VMI, "status.selinuxContext", "", None),)),
    "TargetPodUnschedulable": Said(
        90,
        {"pod": "virt-launcher-web-1-target", "namespace": "team-a", "node": ""},
        ((POD, "status.conditions[PodScheduled].message", None, 90),),
    ),
    "ImagePullFailing": Said(130, TARGET_POD, ((POD, "status.containerStatuses[compute].state.waiting", None, 130),)),
    "VolumeAttachFailing": Said(130, TARGET_POD, ((POD, "event FailedAttachVolume", None, 5),)),
    "TargetHandlerDown": Said(
        90,
        {"node": "dst-web-1", "pod": "virt-handler-dst-web-1", "namespace": "kubevirt"},
        (
            ("Pod kubevirt/virt-handler-dst-web-1", "status.conditions[Ready].status", "False", 90),
            ("Node dst-web-1", "metadata.annotations[kubevirt.io/heartbeat]", "2026-11-23T07:59:30Z", 30),
        ),
    ),
    "SourceHandlerDown": Said(
        90,
        {"node": "src-web-1", "pod": "virt-handler-src-web-1", "namespace": "kubevirt"},
        (
            ("Pod kubevirt/virt-handler-src-web-1", "status.conditions[Ready].status", "False", 90),
            ("Node src-web-1", "metadata.annotations[kubevirt.io/heartbeat]", "2026-11-23T07:59:30Z", 30),
        ),
    ),
    "TargetIsSourceNode": Said(
        90,
        {"node": "src-web-1"},
        (
            (VMI, "status.migrationState.sourceNode", "src-web-1", None),
            (VMI, "status.migrationState.targetNode", "src-web-1", None),
        ),
    ),
    "DeadlineNotEnforced": Said(
        60,
        BOTH_NODES,
        (
            (VMI, "status.migrationState.startTimestamp", "copy started", 1410),
            (VMI, "status.migrationState.migrationConfiguration.completionTimeoutPerGiB", "150", None),
        ),
        confidence="likely",
    ),
    "PostCopyActive": Said(50, BOTH_NODES, ((VMI, "status.migrationState.mode", "PostCopy", 1400),)),
    "CancelWaitsForPhase": Said(
        30,
        TARGET_POD,
        (
            (MIGRATION, "metadata.deletionTimestamp", "being deleted", 30),
            (MIGRATION, "status.phase", "PreparingTarget", 100),
        ),
    ),
    "CancelUnanswered": Said(
        61,
        {"node": "src-web-1"},
        (
            (VMI, "status.migrationState.abortRequested", "true", 61),
            (VMI, "status.migrationState.endTimestamp", "", None),
        ),
    ),
    "RecreatedByOwner": Said(
        5,
        {"origin": "evacuation", "vm": "web-1", "namespace": "team-a", "node": "src-web-1"},
        ((VMI, "status.evacuationNodeName", "src-web-1", None),),
    ),
    "FailingRepeatedly": Said(
        3000,
        {"target": "node-z", "reason": "the target pod ended before the copy began"},
        (
            (f"{MIGRATIONS}failed-2", "status.migrationState.failureReason", "Target pod is down", 3000),
            (f"{MIGRATIONS}failed-1", "status.migrationState.failureReason", "Target pod is down", 3000),
            (f"{MIGRATIONS}failed-0", "status.migrationState.failureReason", "Target pod is down", 3000),
        ),
    ),
    "BadTargetNode": Said(
        3000,
        {"node": "dst-web-1"},
        (
            (f"{MIGRATIONS}mig-two", "status.migrationState.failureReason", "Target pod is down", 3000),
            (f"{MIGRATIONS}mig-three", "status.migrationState.failureReason", "Target pod is down", 3000),
        ),
        confidence="likely",
    ),
    "LastAttemptFailed": Said(
        5,
        {"node": "dst-web-1", "owner": ""},
        ((MIGRATION, "status.migrationState.failureReason", "Target pod is down", 5),),
    ),
    "VirtApiUnavailable": Said(
        60,
        {"namespace": "kubevirt"},
        (
            (MIGRATION, "event FailedHandOver", None, 5),
            (MIGRATION, "status.phase", "Scheduled", 60),
        ),
    ),
    "CancelOrphaned": Said(
        61,
        TEAM,
        (
            (MIGRATION, "metadata.deletionTimestamp", "being deleted", 61),
            (VMI, "metadata.name", "there is no such object", None),
        ),
    ),
    "VMIMissing": Said(
        60, {**TEAM, "present": "web-1"}, ((VMI, "status.migrationState.migrationUid", "somebody-else", None),)
    ),
    "UnworkableLimits": Said(
        60,
        {"namespace": "kubevirt", "kubevirt": "kubevirt"},
        (("KubeVirt kubevirt/kubevirt", "spec.configuration.migrations.parallelMigrationsPerCluster", "0", None),),
    ),
    "AnotherMigrationActive": Said(
        89,
        {"older": "kubevirt-migrate-vm-mig-web-1", "namespace": "team-a"},
        ((MIGRATION, "status.phase", "Running", 90),),
    ),
    "VMINotRunning": Said(120, TEAM, ((VMI, "status.phase", "Scheduling", None),)),
    "BackupInProgress": Said(
        90, TEAM, ((MIGRATION, "status.conditions[migrationBlockedByBackup].status", "True", 90),)
    ),
    "UtilityVolumesPresent": Said(
        90, TEAM, ((MIGRATION, "status.conditions[migrationBlockedByUtilityVolumes].status", "True", 90),)
    ),
    "MigrationBackoff": Said(
        30,
        {},
        (
            (f"{MIGRATIONS}failed-0-web-1", "status.phase", "Failed", 31),
            (f"{MIGRATIONS}failed-1-web-1", "status.phase", "Failed", 131),
            (f"{MIGRATIONS}failed-2-web-1", "status.phase", "Failed", 231),
        ),
    ),
    "PodSecurityViolation": Said(60, TEAM, ((VMI, "event FailedCreate", None, 1),)),
    "TargetPodCreationRefused": Said(60, TEAM, ((VMI, "event FailedCreate", None, 1),)),
    "PodNetworkFailing": Said(120, TARGET_POD, ((POD, "event FailedCreatePodSandBox", None, 5),)),
    "TargetPodCrashing": Said(60, TARGET_POD, ((POD, "status.containerStatuses[compute].state", "terminated", 60),)),
    "TargetKubeletSilent": Said(
        60,
        TARGET_POD,
        (
            (POD, "status.containerStatuses", "none", 60),
            ("Node dst-web-1", "status.conditions[Ready].status", "Unknown", 110),
        ),
    ),
    "TargetPodNotAdmitted": Said(60, TARGET_POD, ((POD, "status.reason", None, 60),)),
    "HandOverFailed": Said(120, TEAM, ((MIGRATION, "event FailedHandOver", None, 5),)),
    "SyncFailed": Said(120, {"namespace": "team-a", "node": "dst-web-1"}, ((VMI, "event SyncFailed", None, 5),)),
    "TargetLauncherOverdue": Said(
        61, TARGET_POD, ((POD, "status.containerStatuses[compute].state.running.startedAt", "running", 420),)
    ),
    "GuestIOError": Said(60, TEAM, ((VMI, "status.conditions[Paused].reason", None, 60),)),
    "HotplugChangePending": Said(120, TEAM, ((VMI, "status.conditions[HotMemoryChange].status", "True", 420),)),
    "BackendStorageHandOff": Said(
        60,
        {"namespace": "team-a", "claim": "persistent-state-for-web-1"},
        (
            (VMI, "status.migrationState.targetNodeDomainReadyTimestamp", "ready on the target", 60),
            (VMI, "status.migrationState.sourcePersistentStatePVCName", None, None),
        ),
    ),
    "PausedForMigration": Said(150, BOTH_NODES, ((VMI, "status.migrationState.mode", "Paused", 1500),)),
    "SyncPeerMissing": Said(120, TEAM, ((MIGRATION, "status.phase", "Synchronizing", 120),)),
    "NotLiveMigratable": Said(
        90,
        {"namespace": "team-a", "node": "src-web-1"},
        (
            (
                VMI,
                "status.conditions[LiveMigratable]",
                "DisksNotLiveMigratable: cannot migrate VMI: PVC web-1-data is not shared",
                90,
            ),
            (VMI, "status.evacuationNodeName", "src-web-1", None),
        ),
    ),
}
