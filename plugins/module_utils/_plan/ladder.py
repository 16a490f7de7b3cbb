# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far to go against each cause: wait, tune, cancel, retry.

This module is private to the collection and may change without notice.

The table follows the catalogue: what a cancel helps against has a C there, and what a new migration helps against
after it an R. Where something outside of the migration must be fixed first, nothing is done: the next one would meet
the same.
"""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import CATALOGUE

__all__ = ["LADDER", "RUNGS", "may_cancel", "rung_of"]

# In their order: who may go to one may go to those before it.
RUNGS = ("wait", "tune", "cancel", "retry")


def _highest(acts: str) -> str:
    if "C" in acts:
        return "retry" if "R" in acts else "cancel"
    return "tune" if "T" in acts else "wait"


LADDER: dict[str, str] = {entry.code: _highest(entry.acts) for entry in CATALOGUE}


def rung_of(code: str) -> str:
    """The highest rung against this cause; wait for a code that is not known, and for no cause."""
    return LADDER.get(code, "wait")


def may_cancel(code: str) -> bool:
    """Whether a cancel helps against this cause."""
    return RUNGS.index(rung_of(code)) >= RUNGS.index("cancel")
