# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of a migration against what KubeVirt allowed for each."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import seconds_between
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import Deadline
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.timeline import (
    Stretch,
    find_timeline,
)
from tests.unit import worlds
from tests.unit.builders import NOW, ago
from tests.unit.worlds import World, a_copy, a_world

PENDING = "kubevirt.io/migrationPendingPodTimeoutSeconds"


def timeline(world: World) -> tuple[Stretch, ...]:
    return find_timeline(world.first())


def allowed(world: World) -> dict[str, int | None]:
    """By phase the seconds from its begin to its deadline."""
    return {one.phase: seconds_between(one.since, one.deadline.at) for one in timeline(world)}


def moments(world: World, *ages: tuple[str, Any]) -> World:
    world.migration["status"]["phaseTransitionTimestamps"] = [
        {"phase": phase, "phaseTransitionTimestamp": age if isinstance(age, str) else ago(age)} for phase, age in ages
    ]
    return world


def test_each_phase_ends_where_the_next_begins_and_the_last_one_lasts() -> None:
    reached = {"Pending": 100, "Scheduling": 90, "Scheduled": 70, "PreparingTarget": 69, "TargetReady": 40}

    found = timeline(a_world("Running", age_seconds=100, phase_seconds=30, reached=reached))

    assert [(one.phase, seconds_between(one.since, one.until or NOW)) for one in found] == [
        ("Pending", 10),
        ("Scheduling", 20),
        ("Scheduled", 1),
        ("PreparingTarget", 29),
        ("TargetReady", 10),
        ("Running", 30),
    ]
    assert [one.until is None for one in found] == [False] * 5 + [True]


def test_phases_that_are_over_had_their_limits() -> None:
    reached = {"Pending": 500, "Scheduling": 490, "Scheduled": 470, "PreparingTarget": 469, "TargetReady": 440}
    world = a_world("Running", age_seconds=500, phase_seconds=400, reached=reached)
    world.state["startTimestamp"] = ago(400)
    world.pod("-target")["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = ago(469)

    assert allowed(world) == {
        "Pending": None,
        "Scheduling": 900,
        "Scheduled": 60,
        "PreparingTarget": 359,
        "TargetReady": 330,
        "Running": 1350,
    }


def test_annotation_sets_the_limit_of_a_scheduling_that_is_over() -> None:
    world = a_world("Running", age_seconds=400, annotations={PENDING: "120"})

    assert allowed(world)["Scheduling"] == 120


def test_present_phase_has_the_deadline_of_the_verdict() -> None:
    world = worlds.unschedulable(10)

    assert timeline(world)[-1].deadline == world.first().deadline
    assert allowed(world)["Scheduling"] == 300


def test_ended_copy_is_held_against_its_own_limit() -> None:
    world = a_copy(400)
    world.migration["status"]["phase"] = "Succeeded"
    moments(world, ("Pending", 500), ("Running", 410), ("Succeeded", 100))

    found = timeline(world)[-2:]

    # The copy began ten seconds after its phase.
    assert seconds_between(found[0].since, found[0].deadline.at) == 10 + 1350
    assert (found[1].phase, found[1].since, found[1].deadline) == ("Succeeded", found[1].until, Deadline(None, ""))


def test_copy_whose_start_is_not_known_is_held_against_its_limit_from_its_phase() -> None:
    world = a_copy(400)
    world.migration["status"]["phase"] = "Succeeded"
    del world.state["startTimestamp"]
    moments(world, ("Running", 410), ("Succeeded", 100))

    assert allowed(world)["Running"] == 1350


def test_phase_that_was_left_and_came_again_has_its_own_limit_for_the_first_time() -> None:
    world = worlds.unschedulable(10)
    moments(world, ("Scheduling", 100), ("Pending", 50), ("Scheduling", 10))

    found = [seconds_between(one.since, one.deadline.at) for one in timeline(world) if one.phase == "Scheduling"]
    assert found == [900, 300]


@pytest.mark.parametrize(
    ("age", "phases"),
    [(31, ["", "Pending"]), (30, ["Pending"])],
    ids=["a second before", "at once"],
)
def test_time_before_the_first_phase_counts(age: int, phases: list[str]) -> None:
    world = a_world("Pending", age_seconds=age)
    moments(world, ("Pending", 30))

    assert [one.phase for one in timeline(world)] == phases


def test_time_before_the_first_phase_stands_first_and_has_its_limit() -> None:
    world = moments(a_world("Scheduling", age_seconds=100), ("Pending", 30), ("Scheduling", 20))

    assert [one.phase for one in timeline(world)] == ["", "Pending", "Scheduling"]
    assert allowed(world)[""] == 60


def test_migration_that_nobody_took_up_has_one_stretch() -> None:
    (found,) = timeline(a_world("", age_seconds=70))

    assert (found.phase, found.until, seconds_between(found.since, found.deadline.at)) == ("", None, 60)


def test_order_is_that_of_the_times() -> None:
    world = moments(a_world("Scheduling", age_seconds=30), ("Scheduling", 20), ("Pending", 30))

    assert [one.phase for one in timeline(world)] == ["Pending", "Scheduling"]


def test_phase_without_a_time_is_left_out() -> None:
    world = moments(a_world("Scheduling", age_seconds=30), ("Pending", "soon"), ("Scheduling", 20))

    assert [one.phase for one in timeline(world)] == ["", "Scheduling"]


def test_list_without_an_end_is_cut_to_the_newest() -> None:
    world = moments(a_world("Pending", age_seconds=1000), *[(f"Odd{age}", age) for age in range(900, 0, -1)])

    found = timeline(world)

    assert len(found) == 16
    assert found[-1].phase == "Odd1"


def test_limit_beyond_any_date_is_none() -> None:
    world = a_world("Running", age_seconds=400, annotations={PENDING: "999999999"})
    moments(world, ("Scheduling", "9990-01-01T00:00:00Z"), ("Running", "9991-01-01T00:00:00Z"))

    assert allowed(world)["Scheduling"] is None


def test_unknown_phase_that_is_over_has_no_limit() -> None:
    world = moments(a_world("Pending", age_seconds=30), ("Dreaming", 30), ("Pending", 20))

    assert timeline(world)[0].deadline == Deadline(None, "")
