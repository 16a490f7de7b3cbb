# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rates, passes and the window rule, each from a few figures that can be checked by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Sample
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.figures import (
    Pass,
    dirty_rate,
    find_passes,
    find_trend,
    judge_window,
    quiet_since,
    remaining_of,
    seconds_of,
    tells_flow,
    transfer_rate,
)
from tests.unit.builders import NOW

# 64 KiB/s, over the 40 s of no flow and the 60 s of the window.
QUIET = 65536
IN_40_SECONDS, IN_60_SECONDS = 40 * QUIET, 60 * QUIET


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def left(*figures: tuple[float, int]) -> list[Sample]:
    """What remained so many seconds ago."""
    return [Sample(ago(age), remaining_bytes=remaining) for age, remaining in figures]


def sent(*figures: tuple[float, int | None], remaining: int = 100) -> list[Sample]:
    """What had been processed so many seconds ago, while always the same remained."""
    return [Sample(ago(age), "", remaining, processed) for age, processed in figures]


def told(*figures: tuple[float, int], remaining: int = 100) -> list[Sample]:
    """The rate that virt-handler told so many seconds ago, while always the same remained."""
    return [Sample(ago(age), "", remaining, transfer_bytes_per_second=rate) for age, rate in figures]


def passes(*figures: tuple[float, int]) -> list[Pass]:
    return [Pass(ago(age), least, least) for age, least in figures]


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [(ago(5), NOW, 5), (None, NOW, 0), (NOW, None, 0)],
    ids=["both", "no start", "no end"],
)
def test_time_that_is_not_known_counts_as_none(start: datetime | None, end: datetime | None, seconds: int) -> None:
    assert seconds_of(start, end) == seconds


def test_nothing_is_known_to_remain_where_no_figure_says_so() -> None:
    assert remaining_of(Sample(NOW)) == 0


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (Sample(NOW, processed_bytes=0), True),
        (Sample(NOW, transfer_bytes_per_second=0), True),
        (Sample(NOW, remaining_bytes=5), False),
    ],
    ids=["processed", "rate", "neither"],
)
def test_either_figure_of_the_flow_is_enough(sample: Sample, expected: bool) -> None:
    assert tells_flow(sample) is expected


# -- passes


@pytest.mark.parametrize(
    ("started", "rate", "expected"),
    [
        (None, 5, [(1000, 1000)]),
        (15, 5, [(1000, 1075)]),
        (15, None, [(1000, 1000)]),
        (16, 5, []),
    ],
    ids=["start not known", "in time", "no rate", "too late"],
)
def test_first_pass_is_seen_where_the_first_figure_comes_soon_after_the_start(
    started: int | None, rate: float | None, expected: list[tuple[int, float]]
) -> None:
    started_at = None if started is None else ago(started)

    found = find_passes(left((0, 1000), (-5, 900)), started_at=started_at, rate=rate)

    assert [(one.least, one.most) for one in found] == expected
    assert all(one.at == NOW for one in found)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(15, [(900, 1050)]), (16, [])], ids=["polled soon enough", "too late"]
)
def test_pass_begins_where_more_remains_than_before(seconds: int, expected: list[tuple[int, float]]) -> None:
    samples = left((200, 1000), (seconds, 300), (0, 900))

    found = find_passes(samples, started_at=ago(300), rate=10)

    assert [(one.least, one.most) for one in found] == expected


def test_no_pass_begins_where_as_much_remains_as_before() -> None:
    assert find_passes(left((5, 300), (0, 300)), started_at=ago(300), rate=10) == []


# -- the window rule


@pytest.mark.parametrize(
    ("seconds", "last", "stalled"),
    [
        (60, Pass(NOW, 960, 960), True),
        (59, Pass(NOW, 960, 960), None),
        (60, Pass(NOW, 959, 959), False),
        (60, Pass(NOW, 959, 960), None),
    ],
    ids=["as large as 0.96", "in the window", "smaller", "perhaps smaller"],
)
def test_pass_is_compared_with_one_from_before_the_window(seconds: int, last: Pass, stalled: bool | None) -> None:
    older = passes((seconds, 1000))

    found, before = judge_window(left((60, 1000), (5, 500), (0, 960)), [*older, last])

    assert found is stalled
    assert before == (None if seconds < 60 else older[0])


def test_last_pass_is_compared_with_the_smallest_and_the_oldest_of_these() -> None:
    older = passes((200, 3000), (150, 1000), (100, 1000))

    assert judge_window(left((5, 500), (0, 990)), [*older, *passes((0, 990))]) == (True, older[1])


@pytest.mark.parametrize(
    ("before", "now", "since"),
    [
        ([(61, 5000 + IN_60_SECONDS), (60, 5000 + IN_60_SECONDS), (5, 5000)], 5000, 61),
        ([(60, 5001 + IN_60_SECONDS), (5, 5000)], 5000, None),
        ([(59, 5000), (5, 5000)], 5000, None),
        ([(60, 5000), (5, 5000)], 5000, 60),
        ([(120, 10**9), (90, 5000), (60, 5000)], 5000, 90),
        ([(60, 5000)], 0, None),
    ],
    ids=["about flat", "falls", "in the window", "flat", "since when", "all is gone"],
)
def test_first_pass_is_stalled_only_where_nothing_falls(
    before: list[tuple[float, int]], now: int, since: int | None
) -> None:
    stalled, start = judge_window(left(*before, (0, now)), [])

    assert (stalled, start and start.at) == (None if since is None else True, since and ago(since))


# -- rates


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (sent((10, 100), (5, 200), (0, 500)), 40),
        (sent((4, 100), (0, 500)), 100),
        (sent((3, 100), (0, 500)), None),
        (sent((0, 500)), None),
        (told((2, 10), (1, 30), (0, 90)), 30),
        (told((8, 10), (0, 30)), 20),
        (left((4, 1000), (0, 200)), 200),
        (left((3, 1000), (0, 200)), None),
        (left((8, 100), (4, 100), (0, 60)), 5),
        (left((12, 900), (8, 100), (4, 700), (0, 300)), 150),
        ([Sample(ago(4), "", 1000, 0), Sample(NOW, "", 200, 400)], 200),
        ([Sample(ago(4), "", 1000, 0), Sample(NOW, "", 900, 400)], 100),
        ([Sample(ago(2), "", 50, 0, None, 70), Sample(NOW, "", 50, 900, None, 70)], 70),
    ],
    ids=[
        "processed",
        "over 4 s",
        "over too short a time",
        "once",
        "told",
        "told, over long enough",
        "falls",
        "falls over too short a time",
        "flat a while",
        "a rise is not sent",
        "zeros are skipped",
        "some zeros",
        "told counts where processed is too short",
    ],
)
def test_transfer_rate_is_what_leaves_the_source(samples: list[Sample], rate: float | None) -> None:
    assert transfer_rate(samples) == rate


@pytest.mark.parametrize(
    ("rates", "expected"),
    [([0, 10], 10), ([10, 0, 40, 20], 20), ([10, 20, 40, 90], 30), ([50, 10, 20, 30, 40], 30)],
    ids=["zeros of the first pass", "three", "four", "five"],
)
def test_dirty_rate_is_the_middle_of_what_was_told(rates: list[int], expected: float) -> None:
    recent = [Sample(NOW, "", 5, dirty_bytes_per_second=rate) for rate in rates]

    assert dirty_rate(recent, passes=[]) == expected


@pytest.mark.parametrize(
    ("rate", "begun", "expected"),
    [
        (None, passes((40, 900), (30, 800), (0, 600)), 20),
        (None, passes((30, 800), (0, 600)), 20),
        (None, passes((1.5, 800), (0, 600)), 400),
        (None, passes((0, 800), (0, 600)), 600),
        (None, passes((30, 800)), None),
        (0, passes((30, 800), (0, 600)), 0),
        (0, passes((30, 800)), None),
    ],
    ids=["three", "two", "in 1.5 s", "at once", "one", "two without any writing", "within the first"],
)
def test_dirty_rate_that_is_not_told_is_what_the_next_pass_begins_with(
    rate: int | None, begun: list[Pass], expected: float | None
) -> None:
    assert dirty_rate([Sample(NOW, "", 5, dirty_bytes_per_second=rate)], passes=begun) == expected


# -- nothing flows


@pytest.mark.parametrize(
    ("samples", "since"),
    [
        (sent((40, 7), (0, 7)), 40),
        (sent((39, 7), (0, 7)), None),
        (sent((40, 7), (0, 7 + IN_40_SECONDS)), 40),
        (sent((40, 7), (0, 8 + IN_40_SECONDS)), None),
        (sent((120, 7), (60, 10**9), (20, 10**9), (0, 10**9)), 60),
        (sent((40, 7), (0, 7), remaining=0), None),
        (sent((55, 7), (15, 7), (0, None)), 55),
        (sent((56, 7), (16, 7), (8, None), (0, None)), None),
        (told((40, QUIET), (0, QUIET)), 40),
        (told((40, QUIET + 1), (0, QUIET)), None),
        (told((40, QUIET), (0, QUIET + 1)), None),
        (left((40, 7), (0, 7)), None),
        ([Sample(ago(40), "", 5, 7, None, 10**9), Sample(NOW, "", 5, 7, None, 10**9)], 40),
        ([*told((40, 0)), Sample(NOW, "", 100, 7, None, 0)], 40),
        ([Sample(ago(40), "", 5 + IN_40_SECONDS, 7), Sample(NOW, "", 5, 7)], 40),
        ([Sample(ago(40), "", 6 + IN_40_SECONDS, 7), Sample(NOW, "", 5, 7)], None),
        ([Sample(ago(40), "", 0, 7), Sample(NOW, "", 5, 7)], 40),
    ],
    ids=[
        "40 s",
        "39 s",
        "about nothing",
        "something",
        "since it stopped",
        "nothing remains",
        "not told in the newest",
        "not told for too long",
        "low rate",
        "rate before",
        "rate now",
        "not known",
        "rate that stays",
        "processed was told once",
        "about nothing is gone",
        "something is gone",
        "a pass has begun",
    ],
)
def test_copy_is_quiet_while_about_nothing_leaves_the_source(samples: list[Sample], since: int | None) -> None:
    assert quiet_since(samples) == (None if since is None else ago(since))


# -- the trend


@pytest.mark.parametrize(
    ("recent", "begun", "trend"),
    [
        (left((0, 1000)), [], ""),
        (left((5, 1000), (0, 960)), [], "flat"),
        (left((5, 1000), (0, 959)), [], "falling"),
        (left((5, 1000), (0, 1040)), [], "flat"),
        (left((5, 1000), (0, 1041)), passes((0, 1041)), "rising"),
        (left((9, 1000), (5, 970), (0, 950)), [], "falling"),
        (left((9, 500), (5, 100), (0, 400)), passes((90, 1000), (0, 1000)), "flat"),
        (left((9, 100), (5, 90), (0, 400)), passes((90, 3000), (60, 1000), (0, 400)), "falling"),
    ],
    ids=["one", "4 % less", "more than 4 % less", "4 % more", "more than 4 % more", "three", "passes", "last passes"],
)
def test_trend_is_of_passes_and_within_the_first_of_what_remains(
    recent: list[Sample], begun: list[Pass], trend: str
) -> None:
    assert find_trend(recent, begun) == trend
