# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can keep a VM from leaving its node: public codes, their order, and what each makes of the VM's outlook.

This module is private to the collection and may change without notice. It holds no logic.

The order is the order in which reasons are shown. Codes are shared with the catalogue of causes where they mean the
same thing; none is ever renamed or reused.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "AT_RISK",
    "ORDER",
    "REASONS",
    "REMARK",
    "UNKNOWN",
    "VERDICTS",
    "WOULD_MIGRATE",
    "WOULD_NOT_MIGRATE",
    "WOULD_STOP",
    "WOULD_WAIT",
    "Entry",
    "effect_of",
]

WOULD_STOP = "would_stop"
WOULD_NOT_MIGRATE = "would_not_migrate"
UNKNOWN = "unknown"
AT_RISK = "at_risk"
WOULD_WAIT = "would_wait"
WOULD_MIGRATE = "would_migrate"
# Worst first: a VM that is shut down is worse than a drain that hangs.
VERDICTS = (WOULD_STOP, WOULD_NOT_MIGRATE, UNKNOWN, AT_RISK, WOULD_WAIT, WOULD_MIGRATE)
REMARK = ""


@dataclass(frozen=True)
class Entry:
    """One reason. `effect` is the verdict that it alone leads to; REMARK: none, it only should be known."""

    code: str
    title: str
    effect: str


REASONS: tuple[Entry, ...] = (
    Entry("EvictionStopsVM", "The drain shuts the VM down", WOULD_STOP),
    Entry("DisruptionBudgetBlocks", "A disruption budget holds the drain", WOULD_NOT_MIGRATE),
    Entry("NotLiveMigratable", "The VM cannot be migrated", WOULD_NOT_MIGRATE),
    Entry("ExternalEviction", "Somebody else is to move the VM", WOULD_NOT_MIGRATE),
    Entry("VirtControllerSilent", "virt-controller does not work", WOULD_NOT_MIGRATE),
    Entry("SourceNodeDown", "The node the VM runs on is down", WOULD_NOT_MIGRATE),
    Entry("SourceHandlerDown", "virt-handler on the VM's node does not work", WOULD_NOT_MIGRATE),
    Entry("UnworkableLimits", "The configuration lets no migration start", WOULD_NOT_MIGRATE),
    Entry("MigrationStuck", "The VM has a migration that is stuck", WOULD_NOT_MIGRATE),
    Entry("LeftoverLauncherPod", "A left-over launcher pod holds migrations back", WOULD_NOT_MIGRATE),
    Entry("SELinuxContextMissing", "KubeVirt waits for the VM's SELinux context", WOULD_NOT_MIGRATE),
    Entry("HostModelUnknown", "The VM's node does not say which CPU it has", WOULD_NOT_MIGRATE),
    Entry("TargetPodUnschedulable", "No other node takes the VM", WOULD_NOT_MIGRATE),
    Entry("ResourceQuotaExceeded", "A quota has no room for the target pod", WOULD_NOT_MIGRATE),
    Entry("SlotsHeldByStuck", "All migration slots are held by stuck migrations", WOULD_NOT_MIGRATE),
    Entry("NodesCannotHoldAll", "The other nodes cannot hold all of the VMs", AT_RISK),
    Entry("PlacementNotProven", "No place for all of the VMs together was found", AT_RISK),
    Entry("TargetNodesUnhealthy", "Every node that takes the VM is in trouble", AT_RISK),
    Entry("BandwidthTooLow", "The copy may not end within its limit", AT_RISK),
    Entry("FailingRepeatedly", "Its migrations fail again and again", AT_RISK),
    Entry("BackupInProgress", "A backup of the VM is running", AT_RISK),
    Entry("HotplugChangePending", "A change of the VM is not applied yet", AT_RISK),
    Entry("AnotherMigrationActive", "The VM is being migrated already", WOULD_WAIT),
    Entry("ClusterLimitReached", "All migration slots of the cluster are taken", WOULD_WAIT),
    Entry("OutboundLimitReached", "All outbound migration slots of the node are taken", WOULD_WAIT),
    Entry("ResourceQuotaTight", "A quota lets only some of the VMs move at a time", WOULD_WAIT),
    Entry("UtilityVolumesPresent", "Utility volumes are attached", WOULD_WAIT),
    Entry("VMINotRunning", "The VM is starting or stopping", WOULD_WAIT),
    Entry("PostCopyExpected", "The copy would end in post-copy", REMARK),
    Entry("LauncherOutdated", "The VM runs in a launcher of another version", REMARK),
)
ORDER: dict[str, int] = {entry.code: place for place, entry in enumerate(REASONS)}
_BY_CODE = {entry.code: entry for entry in REASONS}


def effect_of(code: str, /) -> str:
    """The verdict that a reason alone leads to, REMARK for none; KeyError for a code that is not listed."""
    return _BY_CODE[code].effect
