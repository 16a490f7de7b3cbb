# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The closed list of codes with which something is refused or warned of, and whether one may insist.

This module is private to the collection and may change without notice. A code is never renamed nor used again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import CATALOGUE

__all__ = ["RISKS", "Level"]


class Level(Enum):
    """FINAL: refused, whoever insists. REFUSED: refused unless it stands in accept_risks. WARNS: done, with a warning
    unless it stands there."""

    FINAL = "final"
    REFUSED = "refused"
    WARNS = "warns"


# Acting on migrations. A gate that could not be read has the same code, and is accepted for one named VM only; a pause
# that was read is final.
_ACTS: Final[Mapping[str, Level]] = {
    "ActingPaused": Level.REFUSED,
    "NotStuck": Level.REFUSED,
    "PostCopyActive": Level.FINAL,
    "OwnedByController": Level.REFUSED,
    "NotOptedIn": Level.REFUSED,
    "CoverageIncomplete": Level.REFUSED,
    "ClusterUnhealthy": Level.REFUSED,
    "ManyStuckOnNode": Level.REFUSED,
    "BudgetSpent": Level.REFUSED,
    "KubeVirtUpgrading": Level.REFUSED,
    "AttemptLimitReached": Level.REFUSED,
    "LockHeld": Level.REFUSED,
    # What a cancel or a retry meets besides.
    "EvacuationNotStoppable": Level.FINAL,
    "TargetPodUnseen": Level.FINAL,
    "SeveralMigrations": Level.FINAL,
    "NotAllowed": Level.FINAL,
    "AdmissionRefused": Level.FINAL,
    "BackoffRunning": Level.REFUSED,
    "AlreadyMoved": Level.FINAL,
    "MigrationActive": Level.FINAL,
    "StillEnding": Level.FINAL,
    "PlacementUnseen": Level.REFUSED,
    "NoPlace": Level.REFUSED,
    "AvoidNotSupported": Level.REFUSED,
    "SelectorTaken": Level.REFUSED,
    # Causes that no retry gets past.
    "VMIMissing": Level.FINAL,
    "VMINotRunning": Level.FINAL,
    "NotLiveMigratable": Level.FINAL,
}
# A cause against which a cancel does not help refuses it with its own code.
_CAUSES: Final[Mapping[str, Level]] = {entry.code: Level.REFUSED for entry in CATALOGUE if "C" not in entry.acts}

RISKS: Final[Mapping[str, Level]] = {
    **_CAUSES,
    **_ACTS,
    # What the cluster has does not allow it.
    "KubeVirtMissing": Level.FINAL,
    "KubeVirtAmbiguous": Level.FINAL,
    "HyperConvergedMissing": Level.FINAL,
    "HyperConvergedAmbiguous": Level.FINAL,
    "OwnerUnclear": Level.FINAL,
    "OwnedByHyperConverged": Level.FINAL,
    "SettingNotServed": Level.FINAL,
    "AnnotationUnreadable": Level.FINAL,
    "AnnotationOfOthers": Level.FINAL,
    "UnsupportedHCOModification": Level.REFUSED,
    # Values that a webhook lets through and that cannot be meant.
    "NegativeValue": Level.REFUSED,
    "ParallelismZero": Level.REFUSED,
    "BandwidthTooLow": Level.REFUSED,
    "PostCopyNeverApplies": Level.REFUSED,
    # What may be meant, and costs.
    "UnsafeMigration": Level.REFUSED,
    "PostCopyCanLoseVM": Level.WARNS,
    "VirtHandlerRestart": Level.WARNS,
    "NoCompletionTimeout": Level.WARNS,
    "NoWaitForUtilityVolumes": Level.WARNS,
    # What a MigrationPolicy can do besides.
    "ClusterWidePolicy": Level.REFUSED,
    "EffectUnknown": Level.REFUSED,
    "PolicyWithoutSettings": Level.WARNS,
    "PostCopyWithHostDevices": Level.WARNS,
    "SelectorChanges": Level.WARNS,
    # Undo.
    "ValueChangedSince": Level.FINAL,
    "UndoAmbiguous": Level.FINAL,
    "RecordUnreadable": Level.FINAL,
    "NothingToUndo": Level.REFUSED,
    # Alert rules.
    "SettingsUnreadable": Level.FINAL,
    "FieldConflict": Level.REFUSED,
    "NotOurs": Level.REFUSED,
    "NoPrometheusSelects": Level.WARNS,
    "ClusterMonitoringLabelMissing": Level.WARNS,
}
