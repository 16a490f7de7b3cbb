# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations: seconds as a number or as Kubernetes writes them, and nothing negative."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.duration import (
    DurationError,
    parse_duration_seconds,
)

SMALL = st.integers(min_value=0, max_value=10**6)


@given(hours=SMALL, minutes=SMALL, seconds=SMALL)
def test_parse_duration_seconds_parts_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert parse_duration_seconds(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [(300, 300), (0, 0), ("300", 300), ("300s", 300), ("5m", 300), ("1h30m", 5400)],
    ids=str,
)
def test_parse_duration_seconds_accepted_forms(value: Any, expected: int) -> None:
    assert parse_duration_seconds(value) == expected


@pytest.mark.parametrize(
    "value", [-1, "-5s", "", "5 m", "5d", "m", "1.5h", "30s5m", None, True, 1.5, 10**12, [], "9" * 40], ids=repr
)
def test_parse_duration_seconds_anything_else_is_refused_by_name(value: Any) -> None:
    with pytest.raises(DurationError, match="is not a duration; accepted are whole seconds"):
        parse_duration_seconds(value)
