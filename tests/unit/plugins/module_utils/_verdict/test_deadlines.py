# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines by phase, as KubeVirt counts them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import seconds_between
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import (
    Deadline,
    find_deadline,
    launcher_may_be_over,
)
from tests.unit import worlds
from tests.unit.builders import NOW, a_launcher, a_migration, a_starting_launcher, ago
from tests.unit.worlds import World, a_copy, a_world

UNSCHEDULABLE = "kubevirt.io/migrationUnschedulablePodTimeoutSeconds"
PENDING = "kubevirt.io/migrationPendingPodTimeoutSeconds"


def allowed(world: World, *, age_seconds: int) -> int | None:
    """Seconds from the age given to the deadline; None where there is none."""
    left = seconds_between(NOW, find_deadline(world.first().case).at)
    return None if left is None else left + age_seconds


PHASES: dict[str, tuple[World, int | None]] = {
    "unset": (a_world("", age_seconds=10), 60),
    "pending without a pod": (a_world("Pending", age_seconds=10), None),
    "scheduling, the pod has a node": (a_world("Scheduling", age_seconds=10), 900),
    "scheduling, no node takes the pod": (worlds.unschedulable(10), 300),
    "scheduled": (a_world("Scheduled", age_seconds=10), 60),
    "preparing": (a_world("PreparingTarget", age_seconds=10), 359),
    "target ready": (a_world("TargetReady", age_seconds=10), 359),
    "running": (a_copy(10), 1350),
    "succeeded": (a_world("Succeeded", age_seconds=10), None),
    "failed": (worlds.a_failed(age_seconds=10), None),
}


@pytest.mark.parametrize("row", PHASES.values(), ids=PHASES.keys())
def test_each_phase_has_its_own_limit(row: tuple[World, int | None]) -> None:
    world, seconds = row

    assert allowed(world, age_seconds=10) == seconds


@pytest.mark.parametrize(
    ("memory", "seconds"),
    [("4Gi", 750), ("8Gi", 1350), ("8G", 1200), ("32Gi", 5250), ("512Mi", 150), (8589934592, 1350)],
    ids=str,
)
def test_copy_is_allowed_its_memory_in_decimal_gigabytes_rounded_up(memory: Any, seconds: int) -> None:
    assert allowed(a_copy(60, memory=memory), age_seconds=60) == seconds


def settings(seconds: Any) -> dict[str, Any]:
    return {"migrationConfiguration": {"completionTimeoutPerGiB": seconds}}


COPIES: dict[str, tuple[dict[str, Any], int | None, str]] = {
    "paused doubles": ({"mode": "Paused"}, 2700, "doubled"),
    "post-copy has none": ({"mode": "PostCopy"}, None, "post-copy has no limit"),
    "0 has none": (settings(0), None, "KubeVirt sets no limit"),
    "unset is not guessed": ({"migrationConfiguration": {}}, None, "not readable"),
    "the migration's own": (settings(20), 180, "x 20 s"),
    "negative is over at once": (settings(-1), 0, "x -1 s"),
    "beyond any date": (settings(2**62), None, "beyond any date"),
}


@pytest.mark.parametrize("row", COPIES.values(), ids=COPIES.keys())
def test_copy_by_mode_and_settings(row: tuple[dict[str, Any], int | None, str]) -> None:
    state, seconds, reason = row
    world = a_copy(60, **state)

    assert allowed(world, age_seconds=60) == seconds
    assert reason in find_deadline(world.first().case).reason


@pytest.mark.parametrize("memory", ["", "lots", "-"], ids=repr)
def test_unreadable_memory_gives_no_deadline(memory: str) -> None:
    assert find_deadline(a_copy(60, memory=memory).first().case).at is None


@pytest.mark.parametrize(
    ("build", "annotation", "seconds"),
    [
        (worlds.unschedulable, UNSCHEDULABLE, 700),
        (lambda age: a_world("Scheduling", age_seconds=age), PENDING, 700),
        (worlds.unschedulable, PENDING, 300),
        (lambda age: a_world("Scheduling", age_seconds=age), UNSCHEDULABLE, 900),
    ],
    ids=["unschedulable", "pending", "pending's does not count", "unschedulable's does not count"],
)
def test_annotation_on_the_migration_overrides_the_pods_timeout(build: Any, annotation: str, seconds: int) -> None:
    world = build(90)
    world.migration["metadata"]["annotations"][annotation] = "700"

    assert allowed(world, age_seconds=90) == seconds


@pytest.mark.parametrize("text", ["soon", "-5", "1.5", "", "9" * 40, "٣٠٠"], ids=repr)
def test_annotation_that_is_no_number_leaves_kubevirts_default(text: str) -> None:
    world = worlds.unschedulable(90)
    world.migration["metadata"]["annotations"][UNSCHEDULABLE] = text

    assert allowed(world, age_seconds=90) == 300


def test_pods_timeout_counts_from_the_pods_creation() -> None:
    world = a_world("Scheduling", age_seconds=500)
    world.pod("-target")["metadata"]["creationTimestamp"] = ago(100)

    assert allowed(world, age_seconds=100) == 900


def test_pod_that_is_being_deleted_has_no_timeout() -> None:
    world = a_world("Scheduling", age_seconds=500)
    world.pod("-target")["metadata"]["deletionTimestamp"] = ago(5)

    assert find_deadline(world.first().case).at is None


def handed_over(phase: str, *, launcher_seconds: int | None) -> World:
    """PreparingTarget since 200 s, `phase` since 50 s; the launcher started so long ago."""
    world = a_world(phase, age_seconds=400)
    world.migrations = [a_migration(phase, age_seconds=400, phase_seconds=50, reached={"PreparingTarget": 200})]
    world.pods = [pod for pod in world.pods if not pod["metadata"]["name"].endswith("-target")]
    if launcher_seconds is not None:
        world.pods.append(a_launcher("target", age_seconds=launcher_seconds))
    return world


@pytest.mark.parametrize(
    ("launcher_seconds", "age_seconds"), [(210, 210), (None, 200)], ids=["pod's start", "PreparingTarget"]
)
def test_launchers_timer_runs_once_over_both_phases(launcher_seconds: int | None, age_seconds: int) -> None:
    assert allowed(handed_over("TargetReady", launcher_seconds=launcher_seconds), age_seconds=age_seconds) == 359


def test_launcher_that_was_not_seen_may_be_over_its_limit_unseen() -> None:
    found = handed_over("TargetReady", launcher_seconds=None).first()

    assert (found.verdict, found.deadline.at is not None) == ("unknown", True)
    assert "its target pod was not found" in found.reason


def without_a_pod(*, scheduling_seconds: int, preparing_seconds: int) -> World:
    """PreparingTarget, and its target pod was not seen."""
    reached = {"Scheduling": scheduling_seconds, "Scheduled": preparing_seconds}
    world = a_world("PreparingTarget", age_seconds=scheduling_seconds + 600)
    world.migrations = [
        a_migration(
            "PreparingTarget", age_seconds=scheduling_seconds + 600, phase_seconds=preparing_seconds, reached=reached
        )
    ]
    world.pods = [pod for pod in world.pods if not pod["metadata"]["name"].endswith("-target")]
    return world


@pytest.mark.parametrize(
    ("scheduling_seconds", "preparing_seconds", "is_hidden"),
    [(359, 100, False), (360, 100, True), (900, 359, True), (900, 360, False)],
    ids=["within it", "may be over it", "just within what is known", "surely over it"],
)
def test_unseen_launcher_hides_its_limit_between_scheduling_and_preparing(
    scheduling_seconds: int, preparing_seconds: int, is_hidden: bool
) -> None:
    world = without_a_pod(scheduling_seconds=scheduling_seconds, preparing_seconds=preparing_seconds)

    assert launcher_may_be_over(world.first().case) is is_hidden


@pytest.mark.parametrize("phase", ["TargetReady", "PreparingTarget"])
def test_target_pod_of_another_cluster_hides_no_limit(phase: str) -> None:
    world = without_a_pod(scheduling_seconds=900, preparing_seconds=100)
    world.migration["spec"]["sendTo"] = {"migrationID": "m-1", "connectURL": "10.9.0.1:9185"}

    assert not launcher_may_be_over(world.first().case)


def test_scheduling_that_was_not_recorded_counts_from_the_creation() -> None:
    world = without_a_pod(scheduling_seconds=100, preparing_seconds=50)
    found = world.migration["status"]["phaseTransitionTimestamps"]
    world.migration["status"]["phaseTransitionTimestamps"] = [one for one in found if one["phase"] != "Scheduling"]

    assert launcher_may_be_over(world.first().case)


def test_pending_migration_with_its_target_pod_has_the_pods_timeout() -> None:
    world = a_world("Pending", age_seconds=90)
    world.pods.append(a_starting_launcher(age_seconds=90))

    assert allowed(world, age_seconds=90) == 900


@pytest.mark.parametrize("mode", ["PreCopy", "Paused", "PostCopy"])
def test_copy_that_has_ended_has_no_limit_any_more(mode: str) -> None:
    world = a_copy(9999, mode=mode, endTimestamp=ago(200))

    assert find_deadline(world.first().case) == Deadline(None, "the copy has ended")


@pytest.mark.parametrize(("ended", "verdict"), [(300, "progressing"), (301, "late")], ids=["not yet", "late"])
def test_copy_that_has_ended_is_late_from_its_end_on(ended: int, verdict: str) -> None:
    assert a_copy(9999, endTimestamp=ago(ended)).first().verdict == verdict


def test_copy_of_a_vm_that_was_not_read_has_no_limit_and_no_reason() -> None:
    world = a_copy(60)
    world.migration["status"]["migrationState"] = world.state
    world.vmis = []

    assert find_deadline(world.first().case) == Deadline(None, "")


CANCELS: dict[str, tuple[World, int | None]] = {
    "before the hand-off": (a_world("Scheduling", age_seconds=500, deleted_seconds=10), 60),
    "running": (worlds.cancel_unanswered(10), 60),
}


@pytest.mark.parametrize("row", CANCELS.values(), ids=CANCELS.keys())
def test_cancel_has_its_own_limit(row: tuple[World, int | None]) -> None:
    world, seconds = row

    assert allowed(world, age_seconds=10) == seconds


@pytest.mark.parametrize("phase", ["PreparingTarget", "TargetReady"])
def test_cancel_of_a_prepared_target_has_the_launchers_limit(phase: str) -> None:
    assert allowed(worlds.cancelled_target(10, started_seconds=100, phase=phase), age_seconds=100) == 359


def test_cancel_in_post_copy_has_no_limit() -> None:
    world = worlds.cancel_unanswered(10)
    world.state["mode"] = "PostCopy"

    assert find_deadline(world.first().case).at is None


@pytest.mark.parametrize("uid", ["mig-of-yesterday", "", None], ids=repr)
def test_state_of_another_migration_gives_no_deadline(uid: str | None) -> None:
    assert find_deadline(a_copy(9999, migrationUid=uid).first().case).at is None
