# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection leaves on objects.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from typing import Final

__all__ = ["COMPONENT", "PREFIX", "RECORD"]

# Before every annotation and label of ours. Not below kubevirt.io: KubeVirt reserves such names.
PREFIX: Final = "live-migration.kubevirt-ops/"
# The last change that was made to an object: who, when, why, and what stood there before.
RECORD: Final = f"{PREFIX}last-change"
# Who reports the events of ours.
COMPONENT: Final = "kubevirt-ops-live-migration"
