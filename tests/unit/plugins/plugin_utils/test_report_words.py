# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of the report: durations, lists, and that no verdict goes without a meaning."""

from __future__ import annotations

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import (
    STUCK_VERDICTS,
    VERDICTS,
    counted,
    duration,
    listed,
    tone_of,
)

DURATIONS = [
    (None, "?"),
    (0, "0s"),
    (59, "59s"),
    (60, "1m"),
    (125, "2m 5s"),
    (599, "9m 59s"),
    (659, "10m"),
    (4516, "1h 15m"),
    (86400, "1d"),
    (190000, "2d 4h"),
    (-90, "-1m 30s"),
]


@pytest.mark.parametrize(("seconds", "expected"), DURATIONS, ids=[expected for _seconds, expected in DURATIONS])
def test_duration_in_human_units(seconds: int | None, expected: str) -> None:
    assert duration(seconds) == expected


LISTS = {
    "none": ([], ""),
    "one": (["a"], "a"),
    "two": (["a", "b"], "a and b"),
    "three": (["a", "b", "c"], "a, b and c"),
}


@pytest.mark.parametrize(("words", "expected"), LISTS.values(), ids=LISTS)
def test_listed_as_a_person_lists(words: list[str], expected: str) -> None:
    assert listed(words) == expected


@pytest.mark.parametrize(("count", "expected"), [(0, "no nodes"), (1, "1 node"), (2, "2 nodes")], ids=str)
def test_counted_agrees_in_number(count: int, expected: str) -> None:
    assert counted(count, "node") == expected


def test_stuck_verdicts_are_the_worst_and_look_so() -> None:
    assert tuple(VERDICTS)[: len(STUCK_VERDICTS)] == STUCK_VERDICTS
    assert {tone_of(verdict) for verdict in STUCK_VERDICTS} == {"bad"}
    assert tone_of("progressing") == "good"
    assert tone_of("no verdict of ours") == "calm"
