# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentence behind a verdict, and the moments it is counted from."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import Deadline
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit import held, worlds
from tests.unit.builders import NAMESPACE, NOW, a_condition, a_launcher, a_migration, a_state, a_vmi, ago
from tests.unit.looks import PODS
from tests.unit.mangling import RULES, hide
from tests.unit.worlds import World, a_copy, a_failed, a_world, cause_of, evacuation


def a_moment(seconds: int) -> datetime:
    """That long ago."""
    return NOW - timedelta(seconds=seconds)


def test_what_cannot_be_judged_says_why_and_no_more() -> None:
    world = a_copy()
    world.vmi["status"]["phase"] = 5
    said = "t cannot be judged: VirtualMachineInstance team-a/web-1: status.phase is not a string"

    found = world.first()

    assert (found.verdict, found.reason, found.deadline) == ("unknown", f"i{said}", Deadline(None, ""))
    (cause,) = found.causes
    assert (cause.summary, cause.time_cures, cause.confidence) == (f"I{said}.", "maybe", "possible")


def test_five_reasons_are_given_why_it_cannot_be_judged() -> None:
    world = a_copy()
    for number in range(6):
        pod = a_launcher(f"old-{number}")
        pod["status"]["phase"] = 5
        world.pods.append(pod)

    assert world.first().reason.count("status.phase is not a string") == 5


def test_first_rule_that_is_missing_is_named() -> None:
    rules = (RULES[f"vmis/{NAMESPACE}"], RULES["nodes"])
    seen = replace(a_copy().snapshot(), vmis={}, unseen={f"vmis/{NAMESPACE}": rules})

    assert judge_snapshot(seen)[0].reason == f"it cannot be judged: not allowed to {rules[0].sentence()}"


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(60, "progressing"), (61, "unknown")], ids=["clocks differ", "in the future"]
)
def test_moment_a_minute_ahead_is_a_clock_that_differs(seconds: int, verdict: str) -> None:
    world = a_world("Pending")
    world.migration["metadata"]["creationTimestamp"] = ago(-seconds)

    assert world.first().verdict == verdict


def test_failed_gives_kubevirts_reason() -> None:
    assert a_failed().first().reason == "KubeVirt says so: Target pod is down"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_ended_without_a_state_is_what_kubevirt_says(phase: str) -> None:
    world = a_failed(state={})
    world.vmi["status"].pop("migrationState")
    world.migrations = [a_migration(phase, age_seconds=300, phase_seconds=5)]

    assert world.first().reason == "KubeVirt says so"


@pytest.mark.parametrize("phase", ["PreparingTarget", "TargetReady"])
def test_cancel_waits_for_the_launcher_while_it_is_within_its_limit(phase: str) -> None:
    assert worlds.cancelled_target(100, started_seconds=200, phase=phase).first().verdict == "cancelling"


def test_queue_that_may_not_be_read_hides_from_the_first_moment_on() -> None:
    found = judge_snapshot(hide(a_world("Pending", age_seconds=0).snapshot(), ["queue"]))[0]

    assert found.verdict == "unknown"


def test_launchers_limit_may_hide_behind_pods_that_may_not_be_read() -> None:
    world = a_world("TargetReady", age_seconds=400)
    world.migrations = [a_migration("TargetReady", age_seconds=400, phase_seconds=50, reached={"PreparingTarget": 200})]
    rules = (RULES[PODS], RULES["nodes"])
    seen = replace(hide(world.snapshot(), [PODS]), unseen={PODS: rules})

    found = judge_snapshot(seen)[0]

    assert found.verdict == "unknown"
    assert rules[0].sentence() in found.reason


def test_queued_gives_the_first_of_its_causes() -> None:
    world = worlds.queue(a_copy(vm="one"), per_cluster=1)
    found = {**a_condition("migrationBlockedByBackup", "True", seconds=50), "lastProbeTime": ago(50)}
    world.migration["status"]["conditions"] = [found]

    assert world.first().reason == "A backup of the VM is running; KubeVirt waits for its end."


def test_late_counts_from_scheduling_as_a_queue_is_not_late() -> None:
    world = a_world("Scheduling", age_seconds=200)
    world.migrations = [a_migration("Scheduling", age_seconds=1000, phase_seconds=200)]

    assert world.first().verdict == "progressing"


BY_TIMES = "; by times alone, as no figures of the copy were read"


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        (a_world("Pending"), "nothing speaks against it"),
        (a_copy(1600, mode="PostCopy"), f"post-copy has no limit: it ends only with the network{BY_TIMES}"),
        (a_copy(350), f"within its deadline (9 GB of guest memory x 150 s), 1000 s left{BY_TIMES}"),
    ],
    ids=["no deadline", "no limit", "deadline"],
)
def test_progressing_says_how_long(world: World, reason: str) -> None:
    assert world.first().reason == reason


def failed_before(*ages: int) -> World:
    """Copying, after failures of its own that ended so long ago."""
    world = a_copy(60)
    for age in ages:
        state = {"migrationUid": f"failed-{age}", "targetNode": "node-z", "failureReason": "Target pod is down"}
        world.migrations.append(
            a_migration("Failed", uid=f"failed-{age}", age_seconds=age + 10, phase_seconds=age, state=state)
        )
    return world


def test_repeated_failures_hold_since_the_oldest() -> None:
    cause = cause_of(failed_before(100, 200, 300), "FailingRepeatedly")

    assert cause is not None
    assert [seen.at for seen in cause.evidence][-1] == cause.holds_since


def on_the_same_target(count: int) -> World:
    """That many VMs failed on the target node, each a while before the other, and one VM reached another node."""
    world = worlds.bad_target()
    world.migrations = [world.migrations[0], world.migrations[2]]
    for number in range(count):
        state = {"migrationUid": f"mig-vm-{number}", "targetNode": "dst-web-1", "failureReason": "Target pod is down"}
        age = 100 + 10 * number
        world.migrations.append(
            a_migration("Failed", vm=f"vm-{number}", age_seconds=age + 10, phase_seconds=age, state=state)
        )
    return world


def test_bad_target_shows_five_failures_and_holds_since_the_oldest() -> None:
    cause = cause_of(on_the_same_target(6), "BadTargetNode")

    assert cause is not None
    assert len(cause.evidence) == 5
    assert cause.holds_since == a_moment(150)


def test_bad_target_is_said_of_one_that_is_under_way() -> None:
    assert cause_of(on_the_same_target(2), "BadTargetNode") is not None


def test_bad_target_is_not_said_of_one_that_reached_it_before() -> None:
    world = on_the_same_target(2)
    state = a_state(ended_seconds=900)
    world.migrations[0] = a_migration("Succeeded", age_seconds=1000, phase_seconds=900, state=state)
    world.vmis = [a_vmi(state=state)]

    assert cause_of(world, "BadTargetNode") is None


def test_bad_target_is_not_said_of_one_that_was_followed() -> None:
    world = on_the_same_target(2)
    state = a_state(ended_seconds=900, failureReason="Target pod is down")
    world.migrations[0] = a_migration("Failed", age_seconds=1000, phase_seconds=900, state=state)
    world.migrations.append(a_migration("Pending", uid="next", age_seconds=20))

    assert cause_of(world, "BadTargetNode") is None


def test_bad_target_is_not_said_of_one_without_a_target() -> None:
    world = a_world("Pending")
    for vm, phase, node in (("two", "Failed", ""), ("three", "Failed", ""), ("four", "Succeeded", "node-z")):
        state = a_state(vm, ended_seconds=5, targetNode=node)
        world.migrations.append(a_migration(phase, vm=vm, age_seconds=300, state=state))

    assert cause_of(world, "BadTargetNode") is None


def test_owner_of_a_failed_migration_between_clusters_is_nobody() -> None:
    world = a_failed()
    world.migration["spec"]["sendTo"] = {"migrationID": "m-1", "connectURL": "10.9.0.1:9185"}

    cause = cause_of(world, "LastAttemptFailed")

    assert cause is not None
    assert cause.names["owner"] == ""


def test_owner_of_a_failed_evacuation_is_named() -> None:
    cause = cause_of(evacuation(a_failed()), "LastAttemptFailed")

    assert cause is not None
    assert cause.names["owner"] == "evacuation"


def test_unknown_says_what_was_ruled_out_and_since_when_it_waits() -> None:
    cause = cause_of(a_world(age_seconds=61), "Unknown")

    assert cause is not None
    assert (cause.time_cures, cause.confidence, cause.holds_since) == ("maybe", "possible", a_moment(61))
    assert [(seen.field, seen.value, seen.at) for seen in cause.evidence] == [("status.phase", "Pending", a_moment(61))]
    assert cause.summary.startswith("It has been Pending for 61 s and nothing that is known explains it. Ruled out: ")


def test_unknown_says_what_could_not_be_looked_for() -> None:
    found = judge_snapshot(hide(held.pod_security().snapshot(), [f"events/{NAMESPACE}"]))[0]

    assert " Not looked for: " in found.causes[-1].summary
    assert "PodSecurityViolation (not allowed to " in found.causes[-1].summary


def test_story_of_the_last_attempts_is_no_reason_to_wait() -> None:
    world = on_the_same_target(2)
    world.migrations[0] = a_migration("Pending", age_seconds=61)
    world.pods.append(a_launcher("target", age_seconds=61))

    assert cause_of(world, "BadTargetNode") is not None
    assert world.first().reason == "it has been Pending for 61 s and nothing that is known explains it"
