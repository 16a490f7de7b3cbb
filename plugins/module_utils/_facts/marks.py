# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection leaves on objects.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = [
    "ACTOR",
    "COMPONENT",
    "HOLDER",
    "LEASE_OF",
    "MEMORY",
    "PAUSE",
    "PREFIX",
    "REASON",
    "RECORD",
    "REMEDIATE",
    "RETRY_DUE",
    "UNDONE",
    "is_paused",
    "wants_remediation",
]

# Before every annotation and label of ours. Not below kubevirt.io: KubeVirt reserves such names.
PREFIX: Final = "live-migration.kubevirt-ops/"
# The last change that was made to an object: who, when, why, and what stood there before.
RECORD: Final = f"{PREFIX}last-change"
# Who reports the events of ours.
COMPONENT: Final = "kubevirt-ops-live-migration"
# The reason of the event that a policy's last change was taken back.
UNDONE: Final = "PolicyChangeUndone"
# The switch that stops every act, on the VM's namespace or on KubeVirt's.
PAUSE: Final = f"{PREFIX}pause"
# Who wants automation to act: a label of the VM or its VMI, or an annotation of the namespace.
REMEDIATE: Final = f"{PREFIX}remediate"
# On a migration that is cancelled or was made: for people, as it is gone with the object.
ACTOR: Final = f"{PREFIX}actor"
REASON: Final = f"{PREFIX}reason"
# The run that made a migration, so that it knows its own again where the answer to its create was lost.
HOLDER: Final = f"{PREFIX}holder"
# On Leases: the annotation with what they remember, and labels that say what for (vm or budget) and what is due.
MEMORY: Final = f"{PREFIX}memory"
LEASE_OF: Final = f"{PREFIX}lease-of"
RETRY_DUE: Final = f"{PREFIX}retry-due"


def is_paused(annotations: Mapping[str, str], /) -> bool:
    """Whether acting is paused: the annotation is there, with any value but "false". Who mistypes it wants a pause."""
    return annotations.get(PAUSE, "false").strip().lower() != "false"


def wants_remediation(marks: Mapping[str, str], /) -> bool | None:
    """Whether automation may act, as a label or annotation says; None where there is none. Only "true" is yes."""
    value = marks.get(REMEDIATE)
    return None if value is None else value.strip().lower() == "true"
