# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key `progress` of one migration: the figures of its copy, empty where none were read.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Sample
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    seconds_between,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import (
    copy_state,
    ends_in_time,
    find_outlook,
    needed_rate,
)

__all__ = ["SAMPLES", "render_progress"]

# The newest ones: two minutes of virt-handler's measurements.
SAMPLES = 24


def render_progress(case: Case) -> dict[str, Any]:
    """What was measured and what follows from it; {} where nothing was read. Figures that are not known are null."""
    outlook, state = find_outlook(case), copy_state(case)
    if outlook is None or state is None:
        return {}
    needed = needed_rate(state)
    last = outlook.samples[-1] if outlook.samples else None
    return {
        "source": outlook.source,
        "problem": outlook.problem,
        "at": format_timestamp(outlook.at),
        "remaining_bytes": outlook.remaining_bytes,
        "processed_bytes": last.processed_bytes if last and outlook.at else None,
        "total_bytes": last.total_bytes if last and outlook.at else None,
        "transfer_bytes_per_second": _rounded(outlook.transfer_rate),
        "dirty_bytes_per_second": _rounded(outlook.dirty_rate),
        "needed_bytes_per_second": _rounded(needed),
        "trend": outlook.trend,
        "is_stalled": outlook.is_stalled,
        "estimated_end_at": format_timestamp(outlook.end_at),
        "seconds_to_end": seconds_between(case.now, outlook.end_at),
        "ends_before_deadline": ends_in_time(case, outlook),
        "samples_total": len(outlook.samples),
        "samples": [_sample(one) for one in outlook.samples[-SAMPLES:]],
    }


def _rounded(rate: float | None) -> int | None:
    return None if rate is None else round(rate)


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "at": format_timestamp(sample.at),
        "remaining_bytes": sample.remaining_bytes,
        "processed_bytes": sample.processed_bytes,
        "transfer_bytes_per_second": sample.transfer_bytes_per_second,
        "dirty_bytes_per_second": sample.dirty_bytes_per_second,
    }
