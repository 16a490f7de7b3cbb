# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RFC 3339 times as Kubernetes writes them (metav1.Time in seconds, metav1.MicroTime, Go's nanoseconds).

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

__all__ = ["format_timestamp", "later_by", "parse_timestamp", "seconds_between"]

_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,12}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
# What is longer is no time, and is not kept.
_LONGEST = len("2026-11-23T08:00:00.123456789012+00:00")


def parse_timestamp(value: Any) -> datetime | None:
    """An aware UTC datetime, or None where `value` is absent or not an RFC 3339 time.

    Digits beyond microseconds are cut; a zero time (year 1, Go's unset time) is None, as it says nothing.
    """
    text = value.strip() if isinstance(value, str) else ""
    return _moment(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=8192)
def _moment(text: str) -> datetime | None:
    """Objects of one time carry the same few times again and again."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micro = int((fraction or "0").ljust(6, "0")[:6])
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), micro, timezone.utc)
        moment -= _offset(zone)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year > 1 else None


def _offset(zone: str) -> timedelta:
    if zone in ("Z", "z"):
        return timedelta(0)
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    return (-1 if zone[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes)


def format_timestamp(moment: datetime | None) -> str:
    """`2026-11-23T08:00:00Z`: UTC to the second as the API writes it; "" for None."""
    return (
        "" if moment is None else f"{moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat('T', 'seconds')}Z"
    )


def seconds_between(start: datetime | None, end: datetime | None, /) -> int | None:
    """Whole seconds from `start` to `end` (negative when start is later); None where one is not known."""
    return None if start is None or end is None else int((end - start).total_seconds() // 1)


def later_by(moment: datetime | None, seconds: float, /) -> datetime | None:
    """`moment` and so many seconds; None where it is not known or lies beyond any date."""
    try:
        return None if moment is None else moment + timedelta(seconds=seconds)
    except OverflowError:
        return None
