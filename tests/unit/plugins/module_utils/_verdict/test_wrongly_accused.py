# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is accused that may be the VM itself, or that has gone right since."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.builders import Object, a_condition, a_launcher, a_starting_launcher, an_event
from tests.unit.worlds import World, a_world, cause_of, gaps_of, leftover


def recorded(world: World, pod: str) -> World:
    world.migration["status"]["migrationState"]["sourcePod"] = pod
    return world


def test_own_pod_is_not_left_over_where_the_vm_moved_since_its_migration_was_made() -> None:
    """The recorded source pod has ended: the VM runs in the pod on its node."""
    world = recorded(leftover(), "virt-launcher-web-1-before")
    world.pods.append(a_launcher("before", node="elsewhere"))
    world.pods[-1]["status"]["phase"] = "Succeeded"
    cause = cause_of(world, "LeftoverLauncherPod")

    assert cause is not None
    assert cause.names["pod"] == "virt-launcher-web-1-old"


@pytest.mark.parametrize("node", ["", "src-web-1"], ids=["the VMI names no node", "both are on its node"])
def test_no_pod_is_called_left_over_while_the_vms_own_is_not_known(node: str) -> None:
    world = recorded(leftover(), "")
    world.vmi["status"]["nodeName"] = node
    world.pod("-old")["spec"]["nodeName"] = "src-web-1"

    assert cause_of(world, "LeftoverLauncherPod") is None
    assert "LeftoverLauncherPod" in gaps_of(world)


def of_two_on_one_node() -> World:
    world = leftover()
    world.pod("-old")["spec"]["nodeName"] = "src-web-1"
    return world


def test_of_two_pods_on_one_node_the_recorded_one_is_the_vms() -> None:
    cause = cause_of(of_two_on_one_node(), "LeftoverLauncherPod")

    assert cause is not None
    assert cause.names["pod"] == "virt-launcher-web-1-old"


def pulling() -> Object:
    return a_starting_launcher(age_seconds=400, reason="ImagePullBackOff")


def with_a_sandbox() -> Object:
    pod = a_starting_launcher(age_seconds=400)
    pod["status"]["conditions"].append(a_condition("PodReadyToStartContainers", "True", seconds=380))
    return pod


def with_a_started_container() -> Object:
    pod = a_starting_launcher(age_seconds=400)
    running = {"name": "guest-console-log", "ready": True, "state": {"running": {"startedAt": "2026-11-23T07:59:00Z"}}}
    pod["status"]["initContainerStatuses"] = [running]
    return pod


def volume_world(pod: Object) -> World:
    world = a_world("Scheduling", age_seconds=410)
    world.pods = [one for one in world.pods if not one["metadata"]["name"].endswith("-target")] + [pod]
    message = 'MountVolume.SetUp failed for volume "x": configmap "x" not found'
    world.events.append(an_event("pod-web-1-target", "FailedMount", message, first_seconds=395, last_seconds=390))
    return world


@pytest.mark.parametrize("pod", [pulling, with_a_sandbox, with_a_started_container])
def test_volume_that_was_mounted_since_is_no_cause(pod: Callable[[], Object]) -> None:
    assert cause_of(volume_world(a_starting_launcher(age_seconds=400)), "VolumeAttachFailing") is not None
    assert cause_of(volume_world(pod()), "VolumeAttachFailing") is None
