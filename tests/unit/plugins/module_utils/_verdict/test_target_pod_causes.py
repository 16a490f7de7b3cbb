# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A target pod that ended, was refused or is not taken up: every word that counts, and what is none of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit import held, worlds
from tests.unit.builders import a_condition, a_node, ago
from tests.unit.looks import with_node
from tests.unit.mangling import RULES, hide
from tests.unit.worlds import World, a_world, cause_of


def status_of(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.pod("-target")["status"]
    return found


@pytest.mark.parametrize("reason", ["FailedAttachVolume", "FailedMount", "FailedMapVolume"])
def test_each_word_for_a_volume_that_fails(reason: str) -> None:
    world = worlds.volume()
    world.events[1]["reason"] = reason

    assert cause_of(world, "VolumeAttachFailing") is not None


@pytest.mark.parametrize("reason", ["FailedCreatePodSandBox", "NetworkNotReady"])
def test_each_word_for_a_network_that_fails(reason: str) -> None:
    world = held.pod_network()
    world.events[1]["reason"] = reason

    assert cause_of(world, "PodNetworkFailing") is not None


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
def test_each_word_for_an_image_that_is_not_pulled(reason: str) -> None:
    world = worlds.image_pull()
    status_of(world)["containerStatuses"][0]["state"]["waiting"]["reason"] = reason

    assert cause_of(world, "ImagePullFailing") is not None


@pytest.mark.parametrize(("status", "is_there"), [("True", False), ("False", True)])
def test_volume_fails_until_the_sandbox_is_there(status: str, is_there: bool) -> None:
    world = worlds.volume()
    status_of(world)["conditions"].append(a_condition("PodReadyToStartContainers", status, seconds=10))

    assert (cause_of(world, "VolumeAttachFailing") is not None) is is_there


def test_volume_is_there_once_an_image_is_pulled() -> None:
    world = worlds.volume()
    status_of(world)["containerStatuses"][0]["state"] = {"waiting": {"reason": "ErrImagePull"}}

    assert cause_of(world, "VolumeAttachFailing") is None


@pytest.mark.parametrize("phase", ["Pending", "Scheduling"])
@pytest.mark.parametrize(
    "reason",
    ["OutOfcpu", "OutOfpods", "UnexpectedAdmissionError", "NodeAffinity", "NodeShutdown", "TopologyAffinityError"],
)
def test_each_word_for_a_pod_that_the_kubelet_refuses(phase: str, reason: str) -> None:
    world = a_world(phase, age_seconds=90)
    world.pods = [*world.pods[:3], held.not_admitted(90).pod("-target")]
    status_of(world)["reason"] = reason

    assert cause_of(world, "TargetPodNotAdmitted") is not None


@pytest.mark.parametrize("phase", ["Running", "Pending", "Succeeded"])
def test_pod_that_has_not_failed_is_not_refused(phase: str) -> None:
    world = held.not_admitted()
    status_of(world)["phase"] = phase

    assert cause_of(world, "TargetPodNotAdmitted") is None


@pytest.mark.parametrize("phase", ["Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running"])
def test_launcher_crashes_until_the_copy_runs(phase: str) -> None:
    world = a_world(phase, age_seconds=100)
    status_of(world).update(status_of(held.pod_crashed()))

    assert (cause_of(world, "TargetPodCrashing") is None) is (phase == "Running")


def test_other_container_that_ended_is_no_crash() -> None:
    world = held.pod_crashed()
    status_of(world)["containerStatuses"][0]["name"] = "hook"

    assert cause_of(world, "TargetPodCrashing") is None


def test_launcher_that_runs_again_is_no_crash() -> None:
    world = held.pod_crashed()
    again = {"running": {"startedAt": ago(5)}}
    ended = status_of(world)["containerStatuses"][0]["state"]
    status_of(world)["containerStatuses"][0] |= {"state": again, "lastState": ended}

    assert cause_of(world, "TargetPodCrashing") is None


def silent(**node: Any) -> World:
    world = held.kubelet_silent(400)
    with_node(a_node("dst-web-1", **node))(world)
    return world


@pytest.mark.parametrize(
    ("node", "is_there"),
    [
        ({"heartbeat_seconds": 300}, False),
        ({"heartbeat_seconds": 301}, True),
        ({"heartbeat_seconds": None}, False),
        ({"ready": "False"}, True),
    ],
    ids=["beats", "beat long ago", "never beat", "not Ready"],
)
def test_kubelet_is_silent_where_its_node_is(node: dict[str, Any], is_there: bool) -> None:
    assert (cause_of(silent(**node), "TargetKubeletSilent") is not None) is is_there


@pytest.mark.parametrize(("beat", "is_there"), [(30, False), (400, True)], ids=["beats", "beat long ago"])
def test_node_without_ready_is_judged_by_its_heartbeat(beat: int, is_there: bool) -> None:
    world = silent(heartbeat_seconds=beat)
    world.node("dst-web-1")["status"]["conditions"] = []

    cause = cause_of(world, "TargetKubeletSilent")

    assert (cause is not None) is is_there
    assert cause is None or cause.evidence[1].value == ""


@pytest.mark.parametrize(
    "change",
    [
        {"containerStatuses": [{"name": "compute", "state": {"waiting": {"reason": "ContainerCreating"}}}]},
        {"phase": "Failed"},
    ],
    ids=["container", "ended"],
)
def test_kubelet_that_said_something_of_the_pod_is_not_silent(change: dict[str, Any]) -> None:
    world = held.kubelet_silent()
    status_of(world).update(change)

    assert cause_of(world, "TargetKubeletSilent") is None


@pytest.mark.parametrize(
    ("ready", "words"),
    [("True", "virt-handler there has given no sign for 5 minutes"), ("Unknown", "the node does not answer")],
)
def test_silent_kubelet_says_who_does_not_answer(ready: str, words: str) -> None:
    world = held.kubelet_silent()
    world.nodes[-1] = a_node("dst-web-1", ready=ready, since_seconds=70, heartbeat_seconds=400)

    cause = cause_of(world, "TargetKubeletSilent")

    assert cause is not None
    assert cause.summary.endswith(f", and {words}.")


def test_kubelet_is_not_silent_of_a_pod_that_is_nowhere() -> None:
    world = held.kubelet_silent()
    world.pod("-target")["spec"]["nodeName"] = ""

    assert cause_of(world, "TargetKubeletSilent") is None


def test_kubelet_of_a_node_that_was_not_found_is_a_gap_that_says_so() -> None:
    world = held.kubelet_silent()
    world.nodes.remove(world.node("dst-web-1"))

    gaps = {gap.code: gap for gap in world.first().gaps}

    assert gaps["TargetKubeletSilent"].sentence() == "Node dst-web-1 was not found"


def test_kubelet_of_a_node_that_may_not_be_read_is_a_gap_with_the_rule() -> None:
    found = judge_snapshot(hide(held.kubelet_silent().snapshot(), ["nodes"]))[0]

    gaps = {gap.code: gap for gap in found.gaps}
    assert (gaps["TargetKubeletSilent"].rules, gaps["TargetKubeletSilent"].why) == ((RULES["nodes"],), "")


def test_first_of_several_problems_of_a_silent_node_is_said() -> None:
    world = held.kubelet_silent()
    world.node("dst-web-1")["metadata"]["annotations"] = []
    world.node("dst-web-1")["status"]["conditions"] = "none"

    whys = {gap.code: gap.why for gap in world.first().gaps}

    assert whys["TargetKubeletSilent"] == "Node dst-web-1: metadata.annotations is not a mapping"
