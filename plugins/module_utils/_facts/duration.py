# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as people and Kubernetes write them: C(300), C(300s), C(5m), C(1h30m).

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["DurationError", "parse_duration_seconds"]

_PLAIN = re.compile(r"[0-9]{1,9}", re.ASCII)
_PARTS = re.compile(r"(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?", re.ASCII)


class DurationError(ValueError):
    """A value that is no duration. The text names the value and the accepted forms."""

    def __init__(self, value: Any) -> None:
        super().__init__(
            f'{value!r} is not a duration; accepted are whole seconds or text such as "300s", "5m", "1h30m"'
        )


def parse_duration_seconds(value: Any) -> int:
    """Whole seconds, never negative. Raises DurationError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
        return value
    if not isinstance(value, str) or not value:
        raise DurationError(value)
    if _PLAIN.fullmatch(value):
        return int(value)
    match = _PARTS.fullmatch(value)
    if match is None:
        raise DurationError(value)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
