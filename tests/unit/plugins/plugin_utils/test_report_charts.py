# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What charts are drawn from: phases against deadlines, samples of a copy, who moves from where to where."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_matrix import matrix_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_plot import HEIGHT, WIDTH, read_plots
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_timeline import (
    SCALE,
    phases_line,
    read_phases,
)
from tests.unit.plugins.plugin_utils.results import (
    PHASES,
    PROGRESS,
    a_migration,
    a_node,
    a_stuck_migration,
    nodes_result,
    report_of,
)

NOW = datetime(2026, 11, 23, 8, 49, 14, tzinfo=timezone.utc)


def a_phase(since: str, until: str = "", deadline: str = "", **more: Any) -> dict[str, Any]:
    """Times are of one morning."""
    times = {"since_at": since, "until_at": until, "deadline_at": deadline}
    found = {key: f"2026-11-23T{time}Z" if time else "" for key, time in times.items()}
    return {"phase": "Running", "seconds": None, "deadline_reason": "", **found, **more}


def test_bars_lie_where_the_times_are() -> None:
    first, second = read_phases([a_phase("08:29:14", "08:39:14"), a_phase("08:39:14")], now=NOW)

    assert (first.begin, first.end, second.begin, second.end) == (0, SCALE // 2, SCALE // 2, SCALE)
    assert (first.seconds, second.seconds) == (600, 600)
    assert (first.lasts, second.lasts) == (False, True)


def test_deadline_that_has_passed_is_a_mark_within_the_bar() -> None:
    (found,) = read_phases([a_phase("08:29:14", deadline="08:44:14")], now=NOW)

    assert (found.limit, found.over_seconds, found.outcome) == (750, 300, "5m over")
    assert phases_line([found]) == "Running 20m (5m past its deadline at 15m)"


def test_deadline_to_come_is_shown_with_room_up_to_it() -> None:
    (found,) = read_phases([a_phase("08:39:14", deadline="08:59:14")], now=NOW)

    assert (found.end, found.limit, found.outcome) == (500, SCALE, "10m left")
    assert phases_line([found]) == "Running 10m of 20m"


def test_deadline_that_is_far_does_not_squeeze_the_chart() -> None:
    (found,) = read_phases([a_phase("08:48:14", deadline="09:49:14")], now=NOW)

    assert (found.end, found.limit, found.limit_words) == (SCALE, None, "1h 1m")


@pytest.mark.parametrize(
    ("phase", "words", "outcome"),
    [
        (a_phase("08:39:14", "08:49:14", "08:50:14"), "11m", "in time"),
        (a_phase("08:39:14", "08:49:14"), "none", ""),
        (a_phase("08:39:14", deadline_reason="post-copy has no limit"), "none: post-copy has no limit", ""),
        (a_phase("08:39:14", "08:49:14", "08:30:14"), "0s", "19m over"),
    ],
    ids=["in time", "none", "none for a reason", "passed before it began"],
)
def test_limit_in_words(phase: dict[str, Any], words: str, outcome: str) -> None:
    (found,) = read_phases([phase], now=NOW)

    assert (found.limit_words, found.outcome) == (words, outcome)


def test_without_a_time_of_the_look_what_was_counted_is_taken() -> None:
    (found,) = read_phases([a_phase("08:39:14", seconds=60)], now=None)

    assert (found.seconds, found.begin, found.end) == (60, 0, SCALE)


times = st.sampled_from(["08:00:00", "08:30:00", "08:49:14", "09:30:00", ""])


@given(st.lists(st.tuples(times, times, times), max_size=4))
def test_nothing_is_drawn_beside_the_chart(rows: list[tuple[str, str, str]]) -> None:
    for one in read_phases([a_phase(*row) for row in rows], now=NOW):
        assert 0 <= one.begin <= one.end <= SCALE
        assert one.limit is None or 0 <= one.limit <= SCALE


def test_curves_go_from_edge_to_edge_and_end_low_when_little_remains() -> None:
    remains, rate = read_plots(PROGRESS)

    assert remains.lines[0].path == f"M0,0L200,27L{WIDTH},67"
    assert (remains.top, remains.span, rate.top) == ("6 GiB", "8s", "60 MiB/s")
    assert [line.words for line in rate.lines] == ["60 MiB/s all the time", "40 MiB/s to 20 MiB/s"]


def sampled(*values: Any) -> dict[str, Any]:
    return {"samples": [{"at": f"2026-11-23T08:49:{n:02}Z", "remaining_bytes": one} for n, one in enumerate(values)]}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((4096, 1024, 2048), "4 KiB to 2 KiB, at least 1 KiB"),
        ((1024, 4096, 2048), "1 KiB to 2 KiB, at most 4 KiB"),
        ((0, 0), "0 B all the time"),
        ((-5, 1024), "0 B to 1 KiB"),
        ((2048, None, 1024), "2 KiB to 1 KiB"),
    ],
    ids=["dips", "peaks", "flat", "nonsense", "a gap"],
)
def test_curve_in_words(values: tuple[Any, ...], words: str) -> None:
    ((line,),) = [plot.lines for plot in read_plots(sampled(*values))]

    assert line.words == words
    assert re.fullmatch(r"M\d+,\d+(L\d+,\d+)+", line.path)
    assert all(0 <= int(y) <= HEIGHT for y in re.findall(r",(\d+)", line.path))


@pytest.mark.parametrize("progress", [None, {}, sampled(5), {"samples": [PROGRESS["samples"][0]] * 2}], ids=str)
def test_less_than_two_moments_are_no_chart(progress: Any) -> None:
    assert read_plots(progress) == ()


def test_matrix_counts_who_goes_where_and_shows_the_sick() -> None:
    report = report_of(
        a_stuck_migration(source_node="a.example", target_node="b.example"),
        a_migration(source_node="a.example", target_node="b.example"),
        a_migration(source_node="b.example", target_node=""),
        a_migration(verdict="succeeded", source_node="c.example", target_node="b.example"),
        nodes=nodes_result(a_node(name="b.example"), a_node(name="a.example", verdict="healthy")),
    )
    found = matrix_of(report.migrations, nodes=report.nodes)

    assert found is not None
    assert [(head.name, head.is_sick) for head in found.sources] == [("a", False), ("b", True)]
    assert [head.name for head in found.targets] == ["b", "(not chosen)"]
    assert found.ways == ("a → b: 2, 1 of them stuck", "b → (not chosen): 1")


def test_nobody_who_moves_is_no_matrix() -> None:
    assert matrix_of(report_of(a_migration(source_node="")).migrations, nodes=None) is None


def test_of_many_nodes_the_sick_and_the_busiest_are_shown_and_nobody_is_lost() -> None:
    moves = [a_migration(source_node=f"n{number:02}", target_node="x") for number in range(40)]
    moves += [a_migration(source_node="n39", target_node="x")]
    report = report_of(*moves, nodes=nodes_result(a_node(name="n38")))
    found = matrix_of(report.migrations, nodes=report.nodes)

    assert found is not None
    names = [head.name for head in found.sources]
    assert len(names) == 17
    assert {"n38", "n39"} <= set(names)
    assert names[-1] == "(24 others)"
    assert sum(cell.total for row in found.cells for cell in row if cell) == 41


def test_phases_of_the_samples_read_well() -> None:
    assert phases_line(read_phases(PHASES, now=NOW)) == "PreparingTarget 2s, Scheduling 9m (4m past its deadline at 5m)"
