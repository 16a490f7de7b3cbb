# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key `phases` of one migration: what it went through, against the time it had.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    seconds_between,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.timeline import find_timeline

__all__ = ["render_phases"]


def render_phases(judgement: Judgement) -> list[dict[str, Any]]:
    """One entry a phase, the oldest first; `until_at` is "" for the one that lasts, [] where no time is readable."""
    return [
        {
            "phase": one.phase,
            "since_at": format_timestamp(one.since),
            "until_at": format_timestamp(one.until),
            "seconds": seconds_between(one.since, one.until or judgement.case.now),
            "deadline_at": format_timestamp(one.deadline.at),
            "deadline_reason": one.deadline.reason,
        }
        for one in find_timeline(judgement)
    ]
