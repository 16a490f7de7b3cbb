# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What single causes look at, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit import held, worlds
from tests.unit.builders import NOW, a_condition, a_handler, a_launcher, a_lease, a_node, ago
from tests.unit.looks import Change, no_events, node_of, put, with_node, with_pod
from tests.unit.worlds import World, a_copy, a_failed, a_world, cause_of, evacuation, gaps_of


def test_root_explains_what_follows_from_it() -> None:
    world = worlds.node_down("src")
    world.vmi["status"]["migrationState"]["startTimestamp"] = ago(1500)

    codes = {cause.code: cause.explains for cause in world.first().causes}

    assert codes["SourceNodeDown"] == ("SourceHandlerDown", "DeadlineNotEnforced")


@pytest.mark.parametrize("side", ["src", "dst"])
def test_node_that_does_not_exist_is_down(side: str) -> None:
    world = worlds.node_down(side)
    snapshot = world.snapshot()
    gone = replace(snapshot, nodes={**snapshot.nodes, f"{side}-web-1": None})

    first = judge_snapshot(gone)[0].causes[0]

    assert "does not exist any more" in first.summary
    assert (first.names, first.holds_since) == ({"node": f"{side}-web-1"}, NOW - timedelta(seconds=700))
    assert [(seen.object, seen.field) for seen in first.evidence] == [(f"Node {side}-web-1", "metadata.name")]


@pytest.mark.parametrize(
    "change", [node_of("src", ready=""), node_of("src", ready="False", since=5)], ids=["no", "odd"]
)
def test_ready_pod_shows_that_its_node_lives(change: Change) -> None:
    world = a_copy(400)
    change(world)

    assert cause_of(world, "SourceNodeDown") is None


def test_handler_that_is_not_there_is_named_so() -> None:
    world = a_world("PreparingTarget", age_seconds=200)
    world.pods = [pod for pod in world.pods if pod["metadata"]["name"] != "virt-handler-dst-web-1"]
    with_node(a_node("dst-web-1", heartbeat_seconds=120))(world)

    cause = cause_of(world, "TargetHandlerDown")

    assert cause is not None
    assert "is not there; its last heartbeat was 120 s ago" in cause.summary


def test_handler_that_is_being_deleted_is_down() -> None:
    world = a_world("TargetReady", age_seconds=200)
    with_pod(a_handler("src-web-1", deleted_seconds=70))(world)

    assert world.first().verdict == "blocked"


@pytest.mark.parametrize("phase", ["Scheduled", "TargetReady", "Running"])
def test_target_handler_matters_only_while_the_target_is_prepared(phase: str) -> None:
    assert cause_of(worlds.handler_down("dst", phase=phase), "TargetHandlerDown") is None


@pytest.mark.parametrize("phase", ["Scheduled", "PreparingTarget"])
def test_source_handler_matters_only_from_target_ready_on(phase: str) -> None:
    assert cause_of(worlds.handler_down("src", phase=phase), "SourceHandlerDown") is None


def deleted_leftover() -> World:
    world = worlds.leftover()
    world.pod("-old")["metadata"]["deletionTimestamp"] = ago(500)
    return world


def on_a_silent_node() -> World:
    world = deleted_leftover()
    world.nodes.append(a_node("dst-web-1", ready="Unknown", since_seconds=500))
    return world


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (worlds.leftover, "is left over from an earlier migration"),
        (deleted_leftover, "being deleted, and has not ended"),
        (on_a_silent_node, "the kubelet of dst-web-1 does not answer"),
    ],
    ids=["lives", "deleted", "silent node"],
)
def test_leftover_pod_says_why_it_lives(build: Callable[[], World], words: str) -> None:
    cause = cause_of(build(), "LeftoverLauncherPod")

    assert cause is not None
    assert words in cause.summary


def test_target_of_another_active_migration_is_not_left_over() -> None:
    world = a_world(age_seconds=90)
    world.migrations.append(a_world("Scheduling").migration)
    world.migrations[1]["metadata"]["uid"] = "mig-web-1-old"
    world.pods.append(a_launcher("old"))

    assert cause_of(world, "LeftoverLauncherPod") is None


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
def test_init_containers_image_counts_too(reason: str) -> None:
    world = a_world("Scheduling", age_seconds=300)
    waiting = {"name": "disk", "ready": False, "state": {"waiting": {"reason": reason}}}
    world.pod("-target")["status"]["initContainerStatuses"] = [waiting]

    cause = cause_of(world, "ImagePullFailing")

    assert cause is not None
    assert cause.evidence[0].field == "status.initContainerStatuses[disk].state.waiting"


def test_volume_that_was_attached_in_the_end_is_no_cause() -> None:
    world = worlds.volume(300)
    world.pod("-target")["status"]["containerStatuses"] = [
        {"name": "compute", "state": {"running": {"startedAt": ago(5)}}}
    ]

    assert cause_of(world, "VolumeAttachFailing") is None


def test_quota_names_which_one_and_what_it_said() -> None:
    cause = cause_of(worlds.quota(), "ResourceQuotaExceeded")

    assert cause is not None
    assert cause.names["quota"] == "compute"
    assert "exceeded quota: compute, requested: 9Gi" in cause.summary


def test_quota_without_its_event_is_still_a_cause() -> None:
    world = worlds.quota()
    no_events(world)

    assert world.first().causes[0].summary == "A ResourceQuota refuses the target pod."


@pytest.mark.parametrize("mode", ["PostCopy"])
def test_abort_of_post_copy_is_not_called_unanswered(mode: str) -> None:
    world = worlds.cancel_unanswered(300)
    world.state["mode"] = mode

    assert cause_of(world, "CancelUnanswered") is None


def made_by(world: World, annotation: str = "", label: str = "") -> World:
    metadata = world.migration["metadata"]
    metadata["annotations"] |= {annotation: ""} if annotation else {}
    metadata["labels"] |= {label: "web-1"} if label else {}
    return world


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ({"annotation": "kubevirt.io/workloadUpdateMigration"}, "the workload updater"),
        ({"label": "kubevirt.io/volume-update-migration"}, "the volume update"),
    ],
    ids=["workload update", "volume update"],
)
def test_owner_that_makes_it_again_is_named(owner: dict[str, str], words: str) -> None:
    cause = cause_of(made_by(a_failed(), **owner), "RecreatedByOwner")

    assert cause is not None
    assert words in cause.summary
    assert cause.confidence == "likely"


def followed() -> World:
    world = evacuation(a_failed())
    world.migrations.append(a_world("Running", age_seconds=3, uid="next").migration)
    return world


@pytest.mark.parametrize(
    "build",
    [a_failed, lambda: evacuation(a_world("Succeeded")), lambda: evacuation(a_copy()), followed],
    ids=["user's", "succeeded", "running", "followed"],
)
def test_one_that_nobody_makes_again(build: Callable[[], World]) -> None:
    assert cause_of(build(), "RecreatedByOwner") is None


def test_silent_controller_stands_before_what_it_causes() -> None:
    world = worlds.leftover(600)
    world.leases = [a_lease(renewed_seconds=500)]

    first = world.first().causes[0]

    assert (first.code, first.explains) == ("VirtControllerSilent", ("LeftoverLauncherPod",))


@pytest.mark.parametrize("seconds", [2**31, -(2**31), 2**62], ids=str)
def test_lease_of_any_length_can_be_judged(seconds: int) -> None:
    world = a_world(age_seconds=90)
    world.leases = [a_lease(renewed_seconds=600, lease_seconds=seconds)]

    assert (cause_of(world, "VirtControllerSilent") is not None) is (seconds < 0)


def test_condition_of_another_kind_says_nothing() -> None:
    world = a_world(age_seconds=50)
    world.migration["status"]["conditions"] = [a_condition("migrationAbortRequested", "True", seconds=50)]

    assert world.first().causes == ()


@pytest.mark.parametrize(
    ("build", "seconds"),
    [(held.virt_api, 60), (held.virt_api_at_a_cancel, 61)],
    ids=["since it is Scheduled", "since the cancel"],
)
def test_silent_virt_api_holds_a_migration_from_its_own_moment_on(build: Callable[[], World], seconds: int) -> None:
    world = build()
    world.events[1]["firstTimestamp"] = ago(2000)

    cause = cause_of(world, "VirtApiUnavailable")

    assert cause is not None
    assert cause.holds_since == NOW - timedelta(seconds=seconds)


def test_silent_virt_api_is_said_without_knowing_where_it_runs() -> None:
    world = held.virt_api()
    world.kubevirt = None

    cause = cause_of(world, "VirtApiUnavailable")

    assert cause is not None
    assert cause.names == {"namespace": ""}


@pytest.mark.parametrize(("seconds", "is_there"), [(60, False), (61, True)], ids=["60 s", "61 s"])
def test_abort_is_unanswered_after_60_seconds(seconds: int, is_there: bool) -> None:
    assert (cause_of(worlds.cancel_unanswered(seconds), "CancelUnanswered") is not None) is is_there


def test_abort_that_is_unanswered_names_who_must_do_it() -> None:
    cause = cause_of(worlds.cancel_unanswered(61), "CancelUnanswered")

    assert cause is not None
    assert "61 s ago" in cause.summary
    assert "the launcher on src-web-1 must do it" in cause.summary


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("leases/0/spec/renewTime", "long ago"), "spec.renewTime"),
        (put("leases/0/spec/leaseDurationSeconds", "x"), "spec.leaseDurationSeconds"),
        (lambda world: world.leases[0]["spec"].pop("renewTime"), "no renewTime"),
    ],
    ids=["time", "duration", "no time"],
)
def test_lease_that_cannot_be_read_is_a_gap_that_says_why(change: Change, words: str) -> None:
    world = a_world(age_seconds=90)
    change(world)

    gap = next(gap for gap in world.first().gaps if gap.code == "VirtControllerSilent")

    assert words in gap.sentence()


def test_negative_timeout_does_not_pause_the_guest_before_the_copy() -> None:
    world = a_copy(1500, mode="Paused", migrationConfiguration={"completionTimeoutPerGiB": -1})

    cause = cause_of(world, "PausedForMigration")

    assert cause is not None
    assert cause.holds_since == NOW - timedelta(seconds=1500)


def handed_over(*, failed: int, done: int) -> World:
    """The hand-over failed last and succeeded last so long ago."""
    world = held.hand_over()
    world.events[1]["lastTimestamp"] = ago(failed)
    return held.with_event(world, "mig-web-1", "SuccessfulHandOver", "done", first=done, last=done)


@pytest.mark.parametrize(
    ("failed", "done", "is_there"), [(5, 50, True), (5, 5, False), (50, 5, False)], ids=["failed", "both", "done"]
)
def test_hand_over_that_succeeded_last_is_no_cause(failed: int, done: int, is_there: bool) -> None:
    found = cause_of(handed_over(failed=failed, done=done), "HandOverFailed")

    assert (found is not None) is is_there


@pytest.mark.parametrize(("last", "is_there"), [(31, False), (30, True)], ids=["before", "in it"])
def test_sync_that_failed_counts_in_its_own_phase(last: int, is_there: bool) -> None:
    world = a_world("TargetReady", age_seconds=200, phase_seconds=30)
    held.with_event(world, "vmi-web-1", "SyncFailed", "no socket", first=190, last=last)

    assert (cause_of(world, "SyncFailed") is not None) is is_there


def test_sync_that_failed_is_no_cause_once_the_copy_runs() -> None:
    world = held.with_event(a_copy(60), "vmi-web-1", "SyncFailed", "no socket", first=50)

    assert cause_of(world, "SyncFailed") is None


def test_hand_over_of_the_state_names_where_the_vm_runs() -> None:
    cause = cause_of(held.persistent_state(), "BackendStorageHandOff")

    assert cause is not None
    assert "runs on dst-web-1," in cause.summary


@pytest.mark.parametrize("ready", ["", "odd"], ids=repr)
def test_node_with_an_odd_ready_is_a_gap_only_where_no_pod_shows_that_it_lives(ready: str) -> None:
    alive, dead = a_copy(400), worlds.node_down("src")
    for world in (alive, dead):
        node_of("src", ready=ready)(world)

    assert "SourceNodeDown" not in gaps_of(alive)
    assert "SourceNodeDown" in gaps_of(dead)


@pytest.mark.parametrize("kind", ["HotVCPUChange", "HotMemoryChange", "MigrationRequired"])
def test_each_change_is_waited_for(kind: str) -> None:
    world = held.hotplug_change()
    world.vmi["status"]["conditions"][2]["type"] = kind

    cause = cause_of(world, "HotplugChangePending")

    assert cause is not None
    assert f"waits for {kind} before" in cause.summary


def test_nobody_knows_where_kubevirt_runs_and_that_is_said() -> None:
    seen = replace(a_world("Pending", age_seconds=90).snapshot(), kubevirt=None, lease=None)

    whys = {gap.code: gap.sentence() for gap in judge_snapshot(seen)[0].gaps}

    assert whys["VirtControllerSilent"] == "the cluster has no KubeVirt object that says where KubeVirt runs"
