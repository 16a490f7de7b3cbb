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

__all__ = ["RISKS", "Level"]


class Level(Enum):
    """FINAL: refused, whoever insists. REFUSED: refused unless it stands in accept_risks. WARNS: done, with a warning
    unless it stands there."""

    FINAL = "final"
    REFUSED = "refused"
    WARNS = "warns"


RISKS: Final[Mapping[str, Level]] = {
    # What the cluster has does not allow it.
    "KubeVirtMissing": Level.FINAL,
    "KubeVirtAmbiguous": Level.FINAL,
    "HyperConvergedMissing": Level.FINAL,
    "HyperConvergedAmbiguous": Level.FINAL,
    "OwnerUnclear": Level.FINAL,
    "OwnedByHyperConverged": Level.FINAL,
    "SettingNotServed": Level.FINAL,
    "AnnotationUnreadable": Level.FINAL,
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
    # Undo.
    "ValueChangedSince": Level.FINAL,
}
