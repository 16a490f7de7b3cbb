# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Pending migration waits for by KubeVirt's own checks: which older one, which phase, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit import held
from tests.unit.builders import NOW, a_condition, a_migration, ago
from tests.unit.worlds import World, a_world, cause_of


def beside(*others: Any, age_seconds: int = 90) -> World:
    """A Pending migration beside others of the same VM."""
    world = a_world("Pending", age_seconds=age_seconds)
    world.migrations += others
    return world


@pytest.mark.parametrize(
    ("phase", "age_seconds", "is_older"),
    [("Pending", 91, True), ("Pending", 90, False), ("Pending", 89, False), ("", 91, True), ("", 89, False)]
    + [(phase, 80, True) for phase in ("Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running")]
    + [(phase, 91, False) for phase in ("Succeeded", "Failed")],
    ids=str,
)
def test_older_is_what_runs_or_was_made_before(phase: str, age_seconds: int, is_older: bool) -> None:
    world = beside(a_migration(phase, uid="other", age_seconds=age_seconds))

    assert (cause_of(world, "AnotherMigrationActive") is not None) is is_older


def test_oldest_of_several_is_waited_for() -> None:
    world = beside(
        a_migration("Pending", uid="a", age_seconds=100),
        a_migration("Pending", uid="b", age_seconds=120),
        a_migration("Pending", uid="c", age_seconds=110),
    )

    cause = cause_of(world, "AnotherMigrationActive")

    assert cause is not None
    assert cause.names["older"] == "kubevirt-migrate-vm-b"


@pytest.mark.parametrize(
    ("phase", "cures"),
    [("Pending", "yes"), ("Scheduling", "yes"), ("Scheduled", "yes"), ("", "maybe"), ("Unknown", "maybe")],
    ids=repr,
)
def test_vm_that_starts_is_waited_for_and_other_phases_may_not_end(phase: str, cures: str) -> None:
    cause = cause_of(held.vmi_in(phase), "VMINotRunning")

    assert cause is not None
    assert cause.time_cures == cures


def test_vm_of_a_migration_between_clusters_runs_on_the_other_side() -> None:
    world = held.vmi_in("Scheduled")
    world.migration["spec"]["receive"] = {"migrationID": "m-1"}

    assert cause_of(world, "VMINotRunning") is None


@pytest.mark.parametrize(
    ("changed", "probed", "seconds"), [(70, 80, 70), (None, 80, 80), (None, None, 90)], ids=["change", "probe", "phase"]
)
def test_condition_holds_since_its_change_or_what_is_known_of_it(
    changed: int | None, probed: int | None, seconds: int
) -> None:
    world = held.backup(90)
    found = a_condition("migrationBlockedByBackup", "True", seconds=1)
    found["lastTransitionTime"] = None if changed is None else ago(changed)
    found["lastProbeTime"] = None if probed is None else ago(probed)
    world.migration["status"]["conditions"] = [found]

    cause = cause_of(world, "BackupInProgress")

    assert cause is not None
    assert cause.holds_since is not None
    assert (NOW - cause.holds_since).total_seconds() == seconds


MARKS = {
    "evacuation": ("annotations", "kubevirt.io/evacuationMigration"),
    "workload update": ("annotations", "kubevirt.io/workloadUpdateMigration"),
    "volume update": ("labels", "kubevirt.io/volume-update-migration"),
}


@pytest.mark.parametrize("owner", MARKS)
def test_migration_of_a_controller_waits_after_failures(owner: str) -> None:
    world = held.backoff()
    kind, mark = MARKS[owner]
    world.migration["metadata"]["annotations"] = {}
    world.migration["metadata"][kind][mark] = "web-1"

    assert cause_of(world, "MigrationBackoff") is not None


@pytest.mark.parametrize(("failures", "last"), [(1, 19), (2, 39), (3, 79), (4, 159), (5, 319), (6, 319)], ids=str)
def test_backoff_doubles_up_to_what_kubevirt_keeps(failures: int, last: int) -> None:
    """The last failure is a second older than the migration."""
    assert cause_of(held.backoff(last - 1, failures=failures), "MigrationBackoff") is not None
    assert cause_of(held.backoff(last, failures=failures), "MigrationBackoff") is None


def test_five_failures_are_shown() -> None:
    cause = cause_of(held.backoff(failures=6), "MigrationBackoff")

    assert cause is not None
    assert len(cause.evidence) == 5
    assert "failed 6 times in a row" in cause.summary
