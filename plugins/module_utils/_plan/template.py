# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one piece of advice is made of.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CANCEL", "NOTHING_LOST", "VMI", "VMIM", "Template"]

NOTHING_LOST = "none: the VM keeps running where it is"
VMIM = "virtualmachineinstancemigration"
VMI = "virtualmachineinstance"


@dataclass(frozen=True)
class Template:
    """Advice with `{names}` of the migration (ns, migration, vm) and of its cause. `needs`: only where the cause has
    that name; `unless`: only where it has not. `command` is a list of words in one string."""

    action: str
    why: str
    risk: str = NOTHING_LOST
    command: str = ""
    needs: str = ""
    unless: str = ""


CANCEL = Template(
    "Or cancel the migration; deleting it is how.",
    "Then it no longer waits, and can be made again when the cause is gone.",
    command=f"kubectl delete {VMIM} -n {{ns}} {{migration}} --wait=false",
)
