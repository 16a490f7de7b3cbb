# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a copy that can never work: named where it is stuck, and only there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.builders import NOW
from tests.unit.copies import a_measured_copy, configured, not_converging
from tests.unit.worlds import World, a_copy, cause_of, judged

CODE = "UnworkableLimits"


def under(world: World, **changed: object) -> World:
    """The same, whose hand-off settled these too."""
    world.state["migrationConfiguration"] = configured(**changed)
    return world


STUCK: dict[str, tuple[Callable[[], World], str]] = {
    "timeout below 0": (
        lambda: under(a_copy(60), completionTimeoutPerGiB=-1),
        "completionTimeoutPerGiB -1",
    ),
    "progress timeout below 0": (
        lambda: under(a_copy(1351), progressTimeout=-5),
        "progressTimeout -5",
    ),
    "progress timeout below 0 of one that does not converge": (
        lambda: under(not_converging(), progressTimeout=-5),
        "progressTimeout -5",
    ),
    "cap below 1 MiB/s": (
        lambda: a_measured_copy(100, 1, 0, migrationConfiguration=configured(bandwidthPerMigration="1048575")),
        "bandwidthPerMigration 1048575",
    ),
}


@pytest.mark.parametrize("row", STUCK.values(), ids=STUCK.keys())
def test_stuck_copy_names_the_setting_that_cannot_work(row: tuple[Callable[[], World], str]) -> None:
    build, words = row

    cause = cause_of(build(), CODE)

    assert cause is not None
    assert cause.summary == f"The copy runs under settings that cannot work: {words}."
    assert [one.field.rpartition(".")[2] for one in cause.evidence] == [words.split()[0]]
    assert judged(build()) == ("blocked", CODE)


FINE: dict[str, Callable[[], World]] = {
    "progress timeout below 0 of one that gets on": lambda: under(a_copy(60), progressTimeout=-5),
    "cap below 1 MiB/s of one without figures": lambda: under(a_copy(60), bandwidthPerMigration="1Ki"),
    "no limit": lambda: under(a_copy(9999), completionTimeoutPerGiB=0),
    "no cap": lambda: under(a_copy(1351), bandwidthPerMigration="0"),
    "cap of 1 MiB/s": lambda: under(a_copy(1351), bandwidthPerMigration="1Mi"),
    "post-copy": lambda: under(a_copy(9999, mode="PostCopy"), completionTimeoutPerGiB=-1),
}


@pytest.mark.parametrize("build", FINE.values(), ids=FINE.keys())
def test_settings_are_no_cause_where_they_hold_nothing(build: Callable[[], World]) -> None:
    assert cause_of(build(), CODE) is None


def test_cap_that_cannot_work_explains_the_bandwidth() -> None:
    world = a_measured_copy(100, 1, 0, migrationConfiguration=configured(bandwidthPerMigration="1Ki"))

    found = world.first().causes

    assert [cause.code for cause in found] == [CODE, "BandwidthTooLow"]
    assert found[0].explains == ("BandwidthTooLow",)


def test_timeout_below_0_is_over_when_the_copy_begins_and_not_before() -> None:
    judgement = under(a_copy(30), completionTimeoutPerGiB=-1).first()

    assert judgement.verdict == "overdue"
    assert judgement.deadline.at is not None
    assert (NOW - judgement.deadline.at).total_seconds() == 30
