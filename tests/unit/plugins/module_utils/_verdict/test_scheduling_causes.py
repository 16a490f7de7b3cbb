# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a target pod from starting, or from being made: the moments, the phases, and what may not be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.pending import (
    find_selinux_context_missing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit import held, worlds
from tests.unit.builders import NAMESPACE, NOW, a_migration, a_starting_launcher, ago, an_unschedulable_launcher
from tests.unit.looks import EVENTS, PODS, no_events
from tests.unit.mangling import RULES, hide
from tests.unit.worlds import World, a_copy, a_world, cause_of, gaps_of

VMIS = f"vmis/{NAMESPACE}"


def seconds_of(world: World, code: str) -> float:
    """For how long the cause has held."""
    cause = cause_of(world, code)
    assert cause is not None
    assert cause.holds_since is not None
    return (NOW - cause.holds_since).total_seconds()


@pytest.mark.parametrize("phase", ["Pending", "Scheduling"])
def test_pod_that_no_node_takes_is_seen_as_soon_as_there_is_one(phase: str) -> None:
    world = a_world(phase, age_seconds=90)
    world.pods = [*world.pods[:3], an_unschedulable_launcher(age_seconds=90, since_seconds=70)]

    assert seconds_of(world, "TargetPodUnschedulable") == 70


def test_pod_that_no_node_takes_counts_from_its_creation_where_no_moment_is_given() -> None:
    world = worlds.unschedulable()
    world.pod("-target")["status"]["conditions"][0] |= {"lastTransitionTime": None, "message": ""}

    cause = cause_of(world, "TargetPodUnschedulable")

    assert seconds_of(world, "TargetPodUnschedulable") == 90
    assert cause is not None
    assert "virt-launcher-web-1-target: the scheduler gives no reasons." in cause.summary


@pytest.mark.parametrize(("seconds", "is_gap"), [(59, False), (60, True)], ids=["59 s", "60 s"])
def test_target_pod_is_missed_after_60_seconds_of_scheduling(seconds: int, is_gap: bool) -> None:
    world = a_world("Scheduling", age_seconds=seconds)
    world.pods.remove(world.pod("-target"))

    assert ({"TargetPodUnschedulable", "TargetPodCrashing"} <= gaps_of(world)) is is_gap


def test_pull_counts_from_its_first_failure() -> None:
    world = worlds.image_pull(200)
    world.events[1]["firstTimestamp"] = ago(130)

    assert seconds_of(world, "ImagePullFailing") == 130


def test_pull_does_not_count_from_what_else_was_said_of_the_pod() -> None:
    world = worlds.image_pull(200)
    held.with_event(world, "pod-web-1-target", "Pulling", "pulling", first=500)
    world.events[1]["firstTimestamp"] = ago(130)

    assert seconds_of(world, "ImagePullFailing") == 130


@pytest.mark.parametrize(("seconds", "is_gap"), [(119, False), (120, True)], ids=["119 s", "120 s"])
def test_pull_whose_events_may_not_be_read_is_a_gap_once_it_could_block(seconds: int, is_gap: bool) -> None:
    found = judge_snapshot(hide(worlds.image_pull(seconds).snapshot(), [EVENTS]))[0]

    assert ("ImagePullFailing" in {gap.code for gap in found.gaps}) is is_gap
    assert ("ImagePullFailing" in {cause.code for cause in found.causes}) is not is_gap


def test_selinux_context_is_not_missed_once_there_is_a_target_pod() -> None:
    world = worlds.selinux()
    world.pods.append(a_starting_launcher())

    assert cause_of(world, "SELinuxContextMissing") is None


def test_selinux_context_is_not_missed_while_the_copy_runs() -> None:
    world = a_copy(90)
    world.vmi["status"]["selinuxContext"] = ""

    assert cause_of(world, "SELinuxContextMissing") is None


@pytest.mark.parametrize(("last", "is_there"), [(90, True), (91, False)], ids=["with it", "before it"])
def test_refusal_counts_from_the_moment_the_migration_came(last: int, is_there: bool) -> None:
    world = a_world("Pending", age_seconds=90)
    held.with_event(world, "vmi-web-1", "FailedCreate", "Error creating pod: no", first=300, last=last)

    assert (cause_of(world, "TargetPodCreationRefused") is not None) is is_there


def test_quota_is_named_by_the_event_that_says_so() -> None:
    world = worlds.quota()
    held.with_event(world, "vmi-web-1", "FailedCreate", "Error creating pod: something else", first=50, last=1)
    held.with_event(world, "vmi-web-1", "Noted", "exceeded quota: another", first=50, last=1)

    cause = cause_of(world, "ResourceQuotaExceeded")

    assert cause is not None
    assert cause.names["quota"] == "compute"


def test_quota_without_a_readable_name_has_none() -> None:
    world = worlds.quota()
    world.events[1]["message"] = "exceeded quota"

    cause = cause_of(world, "ResourceQuotaExceeded")

    assert cause is not None
    assert (cause.names["quota"], cause.summary) == ("", "A ResourceQuota refuses the target pod: exceeded quota.")


BOUND: dict[str, Callable[[World], None]] = {
    "bound": lambda world: None,
    "without a moment": lambda world: world.pod("-target")["status"]["conditions"][0].update(lastTransitionTime=None),
    "without a condition": lambda world: world.pod("-target")["status"].update(conditions=[]),
}


@pytest.mark.parametrize(("kind", "seconds"), [("bound", 130), ("without a moment", 300), ("without a condition", 300)])
def test_trouble_without_events_counts_from_when_the_pod_was_bound_or_made(kind: str, seconds: int) -> None:
    world = worlds.image_pull(130)
    world.pod("-target")["metadata"]["creationTimestamp"] = ago(300)
    no_events(world)
    BOUND[kind](world)

    assert seconds_of(world, "ImagePullFailing") == seconds


@pytest.mark.parametrize("build", [worlds.volume, held.pod_network], ids=["volume", "network"])
def test_trouble_counts_from_its_first_event(build: Callable[[int], World]) -> None:
    world = build(300)
    world.events[1] |= {"firstTimestamp": ago(150), "lastTimestamp": ago(5)}

    assert seconds_of(world, world.first().causes[0].code) == 150


def test_trouble_whose_events_have_no_first_moment_counts_from_the_pod() -> None:
    for build in (worlds.volume, held.pod_network):
        world = build(300)
        world.events[1] |= {"firstTimestamp": None, "creationTimestamp": None}
        world.events[1]["metadata"].pop("creationTimestamp")

        assert seconds_of(world, world.first().causes[0].code) == 300


def test_five_events_about_a_volume_are_shown() -> None:
    world = worlds.volume()
    for number in range(6):
        held.with_event(world, "pod-web-1-target", "FailedMount", f"no {number}", first=100, last=10 + number)

    cause = cause_of(world, "VolumeAttachFailing")

    assert cause is not None
    assert len(cause.evidence) == 5


def not_scheduling(world: World) -> None:
    world.migrations = [a_migration("Scheduled", age_seconds=200)]


def without_a_node(world: World) -> None:
    world.pod("-target")["spec"]["nodeName"] = ""


def running(world: World) -> None:
    world.pod("-target")["status"]["phase"] = "Running"


@pytest.mark.parametrize("change", [not_scheduling, without_a_node, running], ids=lambda change: change.__name__)
@pytest.mark.parametrize("build", [worlds.volume, held.pod_network], ids=["volume", "network"])
def test_volume_and_network_matter_while_a_bound_pod_has_not_started(
    build: Callable[[int], World], change: Callable[[World], None]
) -> None:
    world = build(200)
    change(world)

    assert not {"VolumeAttachFailing", "PodNetworkFailing"} & {cause.code for cause in world.first().causes}


STARTING = {
    "TargetPodUnschedulable",
    "ImagePullFailing",
    "VolumeAttachFailing",
    "PodNetworkFailing",
    "TargetKubeletSilent",
}


@pytest.mark.parametrize(("phase", "hidden"), [("Scheduling", STARTING), ("Pending", set()), ("Scheduled", set())])
def test_pods_that_may_not_be_read_hide_what_keeps_them_from_starting(phase: str, hidden: set[str]) -> None:
    found = judge_snapshot(hide(a_world(phase).snapshot(), [PODS]))[0]

    assert {gap.code for gap in found.gaps} & STARTING == hidden


def test_launcher_that_ended_without_a_word() -> None:
    cause = cause_of(held.pod_crashed(), "TargetPodCrashing")

    assert cause is not None
    assert cause.summary == "The target launcher on dst-web-1 ended with exit code 137: OOMKilled."


def test_launcher_that_ended_without_a_message_gives_its_code() -> None:
    world = held.pod_crashed()
    del world.pod("-target")["status"]["containerStatuses"][0]["state"]["terminated"]["reason"]

    cause = cause_of(world, "TargetPodCrashing")

    assert cause is not None
    assert cause.summary == "The target launcher on dst-web-1 ended with exit code 137."


def test_selinux_context_of_a_vm_that_may_not_be_read_is_a_gap_with_the_rule() -> None:
    case = judge_snapshot(hide(worlds.selinux().snapshot(), [VMIS]))[0].case

    assert find_selinux_context_missing(case) == Gap("SELinuxContextMissing", (RULES[VMIS],))
