# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection itself writes into a cluster, and how it knows it again.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "ANNOTATION_ACTOR",
    "ANNOTATION_PAUSE",
    "ANNOTATION_REASON",
    "ANNOTATION_RECORD",
    "ANNOTATION_VM",
    "LABEL_RECORD",
    "LABEL_RETRY_DUE",
    "PREFIX",
    "is_paused",
]

PREFIX = "kubevirt-ops.live-migration"
# The switch that stops every act, on the VM's namespace or on KubeVirt's.
ANNOTATION_PAUSE = f"{PREFIX}/pause"
# On a migration that is cancelled or was made: for people, as it is gone with the object.
ANNOTATION_ACTOR = f"{PREFIX}/actor"
ANNOTATION_REASON = f"{PREFIX}/reason"
# On our Leases.
ANNOTATION_RECORD = f"{PREFIX}/record"
ANNOTATION_VM = f"{PREFIX}/vm"
LABEL_RECORD = f"{PREFIX}/record"
LABEL_RETRY_DUE = f"{PREFIX}/retry-due"


def is_paused(annotations: Mapping[str, str], /) -> bool:
    """Whether acting is paused: the annotation is there, with any value but "false". Who mistypes it wants a pause."""
    return annotations.get(ANNOTATION_PAUSE, "false").strip().lower() != "false"
