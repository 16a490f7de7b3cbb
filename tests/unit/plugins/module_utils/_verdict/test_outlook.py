# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one look at the figures of a copy says, at the edges of what counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Progress, Sample
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import find_deadline
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import (
    Outlook,
    bandwidth_cap,
    copy_state,
    ends_in_time,
    find_outlook,
    needed_rate,
)
from tests.unit import copies
from tests.unit.builders import NOW
from tests.unit.copies import GIB, configured
from tests.unit.worlds import World, a_copy

QUIET = 65536
SECOND = timedelta(seconds=1)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def look(world: World, *samples: Sample) -> Outlook:
    """What is seen of that copy; `samples` in place of its figures."""
    if samples:
        world.progress = {("team-a", "web-1"): Progress(samples, "prometheus")}
    found = find_outlook(world.first().case)
    assert found is not None
    return found


def left(*figures: tuple[int, int]) -> list[Sample]:
    return [Sample(ago(age), "", remaining) for age, remaining in figures]


# -- what the figures mean


@pytest.mark.parametrize(
    ("transfer", "dirty", "expected"),
    [(100, 96, True), (100, 95, False), (0, 0, True), (1, 1, True), (0, 0.02, True), (100, None, False)],
    ids=["4 % faster", "5 % faster", "neither", "even", "nothing leaves", "not known"],
)
def test_guest_outruns_its_copy_but_for_what_measuring_may_err(
    transfer: float, dirty: float | None, expected: bool
) -> None:
    assert Outlook("", transfer_rate=transfer, dirty_rate=dirty).is_outrun is expected


@pytest.mark.parametrize(("seconds", "expected"), [(40, True), (39, False)], ids=["40 s", "39 s"])
def test_rates_prove_something_once_they_rest_on_40_seconds(seconds: int, expected: bool) -> None:
    assert Outlook("", at=NOW, rates_since=ago(seconds)).proves is expected


@pytest.mark.parametrize(
    ("rate", "quiet_since", "expected"),
    [(QUIET + 1, None, True), (QUIET, None, False), (None, None, False), (10 * QUIET, NOW, False)],
    ids=["more than 64 KiB/s", "64 KiB/s", "not known", "rate that stays"],
)
def test_data_flows_where_more_than_about_nothing_leaves(
    rate: float | None, quiet_since: datetime | None, expected: bool
) -> None:
    assert Outlook("", transfer_rate=rate, quiet_since=quiet_since).flows is expected


def test_look_without_figures_says_nothing() -> None:
    found = Outlook("")

    assert not found.flows
    assert (found.problem, found.trend, found.is_flow_known) == ("", "", False)
    assert (found.stalled_from, found.pass_bytes) == (0, 0)


# -- which figures count


@pytest.mark.parametrize(("seconds", "counts"), [(90, True), (91, False)], ids=["90 s", "91 s"])
def test_figures_count_for_90_seconds(seconds: int, counts: bool) -> None:
    found = look(a_copy(300), *left((seconds, GIB)))

    assert found.at == (ago(seconds) if counts else None)
    assert found.problem == ("" if counts else "its newest figures are 91 s old")


@pytest.mark.parametrize(("seconds", "counts"), [(60, True), (61, False)], ids=["60 s", "61 s"])
def test_clock_of_the_node_may_be_a_minute_ahead(seconds: int, counts: bool) -> None:
    found = look(a_copy(300), *left((0, GIB), (-seconds, GIB)))

    assert found.at == (ago(-seconds) if counts else NOW)


def test_rates_rest_on_the_last_90_seconds() -> None:
    found = look(a_copy(300), *left((91, 5 * GIB), (90, 4 * GIB), (60, 3 * GIB), (0, GIB)))

    assert found.rates_since == ago(90)


def unreadable(world: World) -> None:
    world.vmi["spec"]["domain"]["memory"]["guest"] = "much"


def with_a_disk_in_its_launcher(world: World) -> None:
    world.vmi["status"]["migrationMethod"] = "BlockMigration"
    world.vmi["spec"]["volumes"] = [{"name": "boot", "containerDisk": {"image": "fedora"}}]


@pytest.mark.parametrize("change", [unreadable, with_a_disk_in_its_launcher], ids=["memory not readable", "disks"])
def test_much_that_remains_is_believed_where_the_whole_is_not_known(change: Callable[[World], None]) -> None:
    world = a_copy(300)
    change(world)

    found = look(world, *left((0, 1000 * GIB)))

    assert (found.problem, found.remaining_bytes) == ("", 1000 * GIB)


# -- what is said of passes


@pytest.mark.parametrize(
    ("figures", "since", "start", "last"),
    [
        ([(100, 500 * QUIET), (95, 80 * QUIET), (90, 500 * QUIET), (5, 9), (0, 501 * QUIET)], 100, 500, 501),
        ([(100, 500 * QUIET), (5, 9), (0, 400 * QUIET)], None, 0, 400),
        ([(100, 450 * QUIET), (0, 400 * QUIET)], 100, 450, 400),
        ([(100, 9000 * QUIET), (0, 4000 * QUIET)], None, 0, 4000),
    ],
    ids=["as large again", "smaller", "first pass, about flat", "first pass"],
)
def test_pass_that_it_is_compared_with_is_named_only_where_it_is_stalled(
    figures: list[tuple[int, int]], since: int | None, start: int, last: int
) -> None:
    found = look(a_copy(101), *left(*figures))

    assert found.stalled_since == (None if since is None else ago(since))
    assert (found.stalled_from, found.pass_bytes) == (start * QUIET, last * QUIET)


def test_last_pass_of_a_copy_with_nothing_left_is_empty() -> None:
    assert look(a_copy(300), *left((5, 10), (0, 0))).pass_bytes == 0


# -- settings and the deadline


@pytest.mark.parametrize(
    ("timeout", "rate"),
    [(0, None), (-1, None), (1, 2**30), (150, 2**30 / 150), (10**9 - 1, 2**30 / (10**9 - 1)), (10**9, None)],
    ids=["no limit", "negative", "1 s", "150 s", "31 years", "longer"],
)
def test_needed_rate_is_a_gibibyte_in_each_timeout(timeout: int, rate: float | None) -> None:
    state = copy_state(a_copy(migrationConfiguration=configured(completionTimeoutPerGiB=timeout)).first().case)

    assert state is not None
    assert needed_rate(state) == rate


@pytest.mark.parametrize(
    ("settings", "cap"),
    [
        (configured(), None),
        (configured(bandwidthPerMigration="1"), 1),
        (configured(bandwidthPerMigration="64Mi"), 2**26),
        (configured(bandwidthPerMigration="fast"), None),
        ({}, None),
    ],
    ids=["none", "a byte", "64 MiB", "not readable", "not set"],
)
def test_cap_is_in_bytes(settings: dict[str, Any], cap: int | None) -> None:
    state = copy_state(a_copy(migrationConfiguration=settings).first().case)

    assert state is not None
    assert bandwidth_cap(state) == cap


@pytest.mark.parametrize(
    ("dirty", "late", "expected"),
    [(0, 0, True), (0, 1, False), (None, 0, None), (None, 1, False)],
    ids=["at the deadline", "after it", "perhaps at it", "after it at best"],
)
def test_copy_ends_in_time_up_to_its_deadline(dirty: float | None, late: int, expected: bool | None) -> None:
    case = copies.slow().first().case
    deadline = find_deadline(case).at
    assert deadline is not None
    end = deadline + late * SECOND

    outlook = Outlook(
        "", transfer_rate=1.0, dirty_rate=dirty, end_at=None if dirty is None else end, earliest_end_at=end
    )

    assert ends_in_time(case, outlook) is expected


def test_slowest_flow_has_an_end_too() -> None:
    found = look(a_copy(300), *left((10, 20), (0, 10)))

    assert (found.transfer_rate, found.earliest_end_at) == (1, NOW + 10 * SECOND)
