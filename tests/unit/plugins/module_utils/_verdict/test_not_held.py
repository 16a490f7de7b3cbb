# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks like a cause and is none: a trouble that is over, words of somebody else, a usual state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit import held
from tests.unit.builders import a_condition, a_migration, ago
from tests.unit.worlds import World, a_copy, a_failed, a_world, cause_of, evacuation, judged

IN_FLIGHT = 'Error creating a Migration: admission webhook "x" denied the request: in-flight migration detected.'


def evacuation_is_refused() -> World:
    return held.with_event(a_world("Pending", age_seconds=90), "vmi-web-1", "FailedCreate", IN_FLIGHT, first=80)


def refused_once() -> World:
    return held.pod_refused(300, last=300)


def refused_before_this_one() -> World:
    world = a_world("Pending", age_seconds=90)
    return held.with_event(world, "vmi-web-1", "FailedCreate", "Error creating pod: no", first=200, last=100)


def refused_for_a_quota() -> World:
    world = a_world("Pending", age_seconds=90)
    return held.with_event(world, "vmi-web-1", "FailedCreate", "Error creating pod: exceeded quota: q", first=90)


def sync_failed_once() -> World:
    return held.sync_failed(200, last=200)


def sync_failed_before_the_target_was_ready() -> World:
    world = a_world("TargetReady", age_seconds=200, phase_seconds=130)
    return held.with_event(world, "vmi-web-1", "SyncFailed", "no socket", first=190, last=140)


def network_failed_once() -> World:
    return held.pod_network(200, last=200)


def network_failed_before_the_pull() -> World:
    world = held.pod_network(200)
    world.pod("-target")["status"]["conditions"].append(a_condition("PodReadyToStartContainers", "True", seconds=20))
    return world


def hand_over_failed_before_the_cancel() -> World:
    world = a_world("PreparingTarget", age_seconds=200, deleted_seconds=100)
    return held.with_event(world, "mig-web-1", "FailedHandOver", held.CALL, first=190, last=190)


def post_copy_with_persistent_state() -> World:
    more = {"sourcePersistentStatePVCName": "state", "targetNodeDomainReadyTimestamp": ago(200)}
    return a_copy(1500, mode="PostCopy", **more)


def copy_of_what_may_not_move_again() -> World:
    world = evacuation(a_copy(300))
    world.vmi["status"]["conditions"][1] = a_condition("LiveMigratable", "False", seconds=200, reason="x")
    return world


def cancelled_failure_is_no_backoff() -> World:
    world = held.backoff(30, failures=1)
    world.migrations[1]["status"]["conditions"] = [a_condition("migrationAbortRequested", "True", seconds=40)]
    return world


def backoff_is_over() -> World:
    return held.backoff(20, failures=1)


def users_wait_for_no_backoff() -> World:
    world = held.backoff()
    world.migration["metadata"]["annotations"] = {}
    return world


def younger_one_waits() -> World:
    """The older of two that both wait."""
    world = a_world("Pending", age_seconds=50)
    world.migrations.append(a_migration("Pending", uid="younger", age_seconds=49))
    return world


def failed_by_itself() -> World:
    world = held.not_migratable()
    world.vmi["status"]["evacuationNodeName"] = ""
    return world


NONE: dict[str, tuple[Callable[[], World], str]] = {
    "evacuation is refused as one is in flight": (evacuation_is_refused, "TargetPodCreationRefused"),
    "pod was refused once": (refused_once, "TargetPodCreationRefused"),
    "pod of an earlier migration was refused": (refused_before_this_one, "TargetPodCreationRefused"),
    "pod is refused for a quota": (refused_for_a_quota, "TargetPodCreationRefused"),
    "sync failed once": (sync_failed_once, "SyncFailed"),
    "sync failed in the phase before": (sync_failed_before_the_target_was_ready, "SyncFailed"),
    "network failed once": (network_failed_once, "PodNetworkFailing"),
    "network came up since": (network_failed_before_the_pull, "PodNetworkFailing"),
    "hand-over was refused before the cancel": (hand_over_failed_before_the_cancel, "VirtApiUnavailable"),
    "post-copy of a VM with persistent state": (post_copy_with_persistent_state, "BackendStorageHandOff"),
    "copy goes on though no next one may": (copy_of_what_may_not_move_again, "NotLiveMigratable"),
    "a cancelled one is no failure": (cancelled_failure_is_no_backoff, "MigrationBackoff"),
    "backoff is over": (backoff_is_over, "MigrationBackoff"),
    "a user's waits for no backoff": (users_wait_for_no_backoff, "MigrationBackoff"),
    "the older one waits for nobody": (younger_one_waits, "AnotherMigrationActive"),
    "nobody wants it moved": (failed_by_itself, "NotLiveMigratable"),
}


@pytest.mark.parametrize("row", NONE.values(), ids=NONE.keys())
def test_it_is_not_accused(row: tuple[Callable[[], World], str]) -> None:
    build, code = row
    world = build()

    assert cause_of(world, code) is None
    assert judged(world)[0] != "blocked"


UNTIL = {1: (10, "08:00:09"), 2: (30, "08:00:09"), 5: (30, "08:04:49"), 9: (30, "08:04:49")}


@pytest.mark.parametrize("failures", UNTIL, ids=str)
def test_backoff_says_until_when(failures: int) -> None:
    seconds, until = UNTIL[failures]
    cause = cause_of(held.backoff(seconds, failures=failures), "MigrationBackoff")

    assert cause is not None
    assert cause.summary.endswith(f"KubeVirt starts it at 2026-11-23T{until}Z.")


@pytest.mark.parametrize(("last", "is_held"), [(160, True), (161, False)], ids=str)
def test_refused_pod_is_tried_again_after_as_long_as_before(last: int, is_held: bool) -> None:
    found = cause_of(held.pod_refused(260, last=last), "TargetPodCreationRefused")

    assert (found is not None) is is_held


def test_all_of_one_volume_wait_are_named() -> None:
    cause = cause_of(held.utility_volumes(60), "UtilityVolumesPresent")

    assert cause is not None
    assert cause.summary.endswith("up to 150 s for them to go, until 2026-11-23T08:01:30Z.")


def test_it_has_failed_for_itself_and_is_not_followed() -> None:
    world = held.not_migratable()
    world.migrations.append(a_migration("Pending", uid="next", age_seconds=2))

    assert cause_of(world, "NotLiveMigratable") is None
    assert judged(a_failed())[0] == "failed"
