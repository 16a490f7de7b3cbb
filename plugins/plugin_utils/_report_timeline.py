# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of one migration against their deadlines, as rows of a chart that are complete without it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_int, as_list, as_map
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    parse_timestamp,
    seconds_between,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import visible
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import duration

__all__ = ["SCALE", "Phase", "phases_line", "read_phases"]

# Bars are drawn in whole thousandths of the chart's width: short numbers, and nothing in them comes from a cluster.
SCALE = 1000
_MOST = 16


@dataclass(frozen=True)
class Phase:
    """One phase. `limit_seconds` None: it has no limit, or that is not known. `begin`, `end` and `limit` are places
    on the chart; `limit` None: not on it."""

    name: str
    began_at: str
    seconds: int | None
    limit_seconds: int | None
    reason: str
    lasts: bool
    begin: int
    end: int
    limit: int | None

    @property
    def over_seconds(self) -> int:
        """By how much it took longer than it might; 0 for within its limit, or none."""
        if self.seconds is None or self.limit_seconds is None:
            return 0
        return max(0, self.seconds - self.limit_seconds)

    @property
    def limit_words(self) -> str:
        """`15m`, or `none`, which also says that it is not known."""
        if self.limit_seconds is None:
            return "none" if not self.reason else f"none: {self.reason}"
        return duration(max(0, self.limit_seconds))

    @property
    def outcome(self) -> str:
        """`4m over`, `5m left`, `in time`; "" without a limit."""
        if self.limit_seconds is None or self.seconds is None:
            return ""
        if self.over_seconds:
            return f"{duration(self.over_seconds)} over"
        return f"{duration(self.limit_seconds - self.seconds)} left" if self.lasts else "in time"


def phases_line(phases: Sequence[Phase]) -> str:
    """`Pending 4s, Scheduling 9m (4m past its deadline at 5m)`; "" for none."""
    return ", ".join(_in_line(one) for one in phases)


def _in_line(phase: Phase) -> str:
    took = f"{phase.name} {duration(phase.seconds)}"
    if phase.over_seconds and phase.limit_seconds is not None:
        return f"{took} ({duration(phase.over_seconds)} past its deadline at {phase.limit_words})"
    if phase.lasts and phase.limit_seconds is not None:
        return f"{took} of {phase.limit_words}"
    return took


def read_phases(value: Any, *, now: datetime | None) -> tuple[Phase, ...]:
    """The phases in `value`, the key `phases` of a result; one without a readable begin is left out."""
    entries = [as_map(entry) or {} for entry in as_list(value) or ()][-_MOST:]
    found = [(begin, given) for given in entries if (begin := parse_timestamp(given.get("since_at"))) is not None]
    if not found:
        return ()
    first = min(begin for begin, _given in found)
    ends = [_end_of(given, begin=begin, first=first, now=now) for begin, given in found]
    span = max(1, *ends, _room_for_deadline(found[-1][1], first=first, elapsed=max(ends)))
    return tuple(
        _phase(given, begin=begin, first=first, end=end, span=span)
        for (begin, given), end in zip(found, ends, strict=True)
    )


def _end_of(given: Mapping[str, Any], *, begin: datetime, first: datetime, now: datetime | None) -> int:
    """Seconds from the begin of the chart to the end of the phase."""
    start = seconds_between(first, begin) or 0
    until = parse_timestamp(given.get("until_at")) or now
    took = as_int(given.get("seconds")) if until is None else seconds_between(begin, until)
    return start + max(0, took or 0)


def _room_for_deadline(given: Mapping[str, Any], *, first: datetime, elapsed: int) -> int:
    """A deadline to come is shown while it does not squeeze what has happened into less than a third of the chart."""
    deadline = parse_timestamp(given.get("deadline_at"))
    ahead = (seconds_between(first, deadline) or 0) if deadline is not None else 0
    return ahead if ahead <= 3 * elapsed else 0


def _phase(given: Mapping[str, Any], *, begin: datetime, first: datetime, end: int, span: int) -> Phase:
    start = seconds_between(first, begin) or 0
    deadline = parse_timestamp(given.get("deadline_at"))
    at = None if deadline is None else seconds_between(first, deadline)
    seconds = as_int(given.get("seconds"))
    return Phase(
        name=visible(given.get("phase")) or "(not taken up)",
        began_at=visible(given.get("since_at")),
        seconds=end - start if seconds is None else seconds,
        limit_seconds=None if deadline is None else seconds_between(begin, deadline),
        reason=visible(given.get("deadline_reason")),
        lasts=not given.get("until_at"),
        begin=start * SCALE // span,
        end=min(SCALE, -(-end * SCALE // span)),
        limit=at * SCALE // span if at is not None and start <= at <= span else None,
    )
