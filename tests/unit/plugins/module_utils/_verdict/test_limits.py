# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a copy that can never work: named where it is stuck, and only there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import (
    MigrationPolicy,
    Policies,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.remarks import note_unworkable_limits
from tests.unit.builders import NOW, a_kubevirt, a_policy
from tests.unit.copies import a_measured_copy, configured, not_converging
from tests.unit.worlds import World, a_copy, a_world, cause_of, judged, together

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


# -- what does not stop a migration is a note


def notes_of(world: World, *policies: object) -> tuple[str, ...]:
    read = Policies(tuple(MigrationPolicy.from_object(one) for one in policies))
    return note_unworkable_limits(world.judge(), policies=read)


def no_slots(world: World) -> World:
    world.kubevirt = a_kubevirt(per_cluster=0)
    return world


def cluster_wide(world: World) -> World:
    assert world.kubevirt is not None
    world.kubevirt["spec"]["configuration"]["migrations"] = {"progressTimeout": -5}
    return world


NOTED: dict[str, tuple[Callable[[], World], str]] = {
    "progress timeout of a copy that gets on": (
        lambda: under(a_copy(60), progressTimeout=-5),
        (
            "The hand-off sets progressTimeout -5, under which no migration can work (a timeout below 0 is over at "
            "once); it rules team-a/web-1, not stopped by it so far."
        ),
    ),
    "cap of a copy without figures": (
        lambda: under(a_copy(60), bandwidthPerMigration="1Ki"),
        (
            "The hand-off sets bandwidthPerMigration 1Ki, under which no migration can work (less than 1 MiB/s); it "
            "rules team-a/web-1, not stopped by it so far."
        ),
    ),
    "no slot while a copy runs": (
        lambda: no_slots(a_copy(60)),
        (
            "KubeVirt kubevirt/kubevirt sets parallelMigrationsPerCluster 0, under which no migration can work (no "
            "further migration starts); it rules team-a/web-1, not stopped by it so far."
        ),
    ),
    "before the hand-off": (
        lambda: cluster_wide(a_world("Scheduling")),
        (
            "KubeVirt kubevirt/kubevirt sets progressTimeout -5, under which no migration can work (a timeout below 0 "
            "is over at once); it rules team-a/web-1, not stopped by it so far."
        ),
    ),
}


@pytest.mark.parametrize("row", NOTED.values(), ids=NOTED.keys())
def test_settings_that_cannot_work_are_noted_of_a_migration_that_gets_on(row: tuple[Callable[[], World], str]) -> None:
    build, words = row

    assert notes_of(build()) == (words,)
    assert cause_of(build(), CODE) is None


def test_note_stands_once_for_each_object_and_setting_and_not_for_each_migration() -> None:
    some = [under(a_copy(60, vm=f"vm-{number}"), bandwidthPerMigration="1Ki") for number in range(4)]
    for one in some[:3]:
        one.state["migrationPolicyName"] = "gold"

    found = notes_of(together(*some), a_policy("gold", bandwidthPerMigration="1024"))

    assert [note.partition(" sets ")[0] for note in found] == ["MigrationPolicy gold", "The hand-off"]
    assert "it rules team-a/vm-0 and 2 more, not" in found[0]
    assert "it rules team-a/vm-3, not" in found[1]


def test_policy_that_was_changed_since_is_not_said_to_set_what_the_hand_off_took() -> None:
    world = under(a_copy(60), bandwidthPerMigration="1Ki")
    world.state["migrationPolicyName"] = "gold"

    (found,) = notes_of(world, a_policy("gold", bandwidthPerMigration="64Mi"))

    assert found.startswith("The hand-off under MigrationPolicy gold sets bandwidthPerMigration 1Ki")


UNNOTED: dict[str, Callable[[], World]] = {
    "the cause of a stuck one": lambda: under(a_copy(1351), progressTimeout=-5),
    "the cause of one that waits": lambda: no_slots(a_world("Pending", age_seconds=90)),
    "settings that work": lambda: under(a_copy(60), completionTimeoutPerGiB=0, bandwidthPerMigration="1Mi"),
    "one that has ended": lambda: no_slots(a_world("Succeeded")),
}


@pytest.mark.parametrize("build", UNNOTED.values(), ids=UNNOTED.keys())
def test_nothing_is_noted_twice_or_without_need(build: Callable[[], World]) -> None:
    assert notes_of(build()) == ()
