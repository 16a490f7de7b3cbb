# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two causes that KubeVirt tells nobody: an unknown host CPU model, and volumes that are not attached on the target."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit import held, worlds
from tests.unit.builders import a_kubevirt, a_launcher, ago
from tests.unit.mangling import hide
from tests.unit.table import TABLE
from tests.unit.worlds import World, a_copy, a_world, cause_of, judged, together

HOST_MODEL, ATTACHMENT = "HostModelUnknown", "HotplugAttachmentPending"


def host_model(change: Any = None) -> World:
    world = held.host_model()
    if change:
        change(world)
    return world


def selectors(**found: str) -> Any:
    return lambda world: world.pod("-source")["spec"].update(nodeSelector=found)


def test_host_model_is_concluded_and_so_only_likely() -> None:
    cause = cause_of(held.host_model(), HOST_MODEL)
    assert cause is not None
    assert cause.confidence == "likely"
    assert cause.summary.startswith("Node src-web-1 has no label host-model-cpu.node.kubevirt.io/*, so KubeVirt")


@pytest.mark.parametrize(
    "change",
    [
        selectors(**{"cpu-model-migration.node.kubevirt.io/Skylake": "true"}),
        selectors(**{"cpu-feature.node.kubevirt.io/aes": "true"}),
        lambda world: world.vmi["spec"]["domain"].update(cpu={"model": "Skylake"}),
        # virt-api writes the default into every VMI; one without a model is not asked for the host's.
        lambda world: world.vmi["spec"]["domain"].update(cpu={}),
        lambda world: world.vmi["status"].update(phase="Scheduling"),
        lambda world: world.migration["spec"].update(sendTo={"migrationID": "x", "connectURL": "y"}),
    ],
    ids=["migrated before", "with features", "another model", "no model", "not running", "to another cluster"],
)
def test_host_model_does_not_matter(change: Any) -> None:
    assert cause_of(host_model(change), HOST_MODEL) is None


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (worlds.selinux, ("blocked", "SELinuxContextMissing")),
        (worlds.leftover, ("blocked", "LeftoverLauncherPod")),
        (worlds.quota, ("blocked", "ResourceQuotaExceeded")),
        (held.backup, ("queued", "BackupInProgress")),
        (
            lambda: together(a_world("Pending", age_seconds=90), a_copy(vm="one"), kubevirt=a_kubevirt(per_cluster=1)),
            ("queued", "ClusterLimitReached"),
        ),
    ],
    ids=["selinux", "left-over", "quota", "backup", "queue"],
)
def test_host_model_is_no_cause_where_another_one_holds(build: Any, expected: tuple[str, str]) -> None:
    world = build()
    world.vmi["spec"]["domain"]["cpu"] = {"model": "host-model"}
    assert judged(world) == expected
    assert cause_of(world, HOST_MODEL) is None


def test_host_model_blocks_nothing_where_another_cause_could_hide() -> None:
    found = judge_snapshot(hide(held.host_model().snapshot(), ["queue"]))[0]
    cause = next(one for one in found.causes if one.code == HOST_MODEL)
    assert (found.verdict, cause.confidence) == ("unknown", "possible")


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.nodes.pop(0),
        lambda world: world.node("src")["metadata"].update(labels=5),
        lambda world: world.pods.append(a_launcher("other", node="src-web-1")),
    ],
    ids=["no node", "spoilt node", "two pods"],
)
def test_host_model_that_cannot_be_told_is_a_gap(change: Any) -> None:
    world = host_model(change)
    world.migration["status"]["migrationState"] = {}
    assert HOST_MODEL in {gap.code for gap in world.first().gaps}


def volumes(world: World, **status: Any) -> World:
    world.vmi["status"]["volumeStatus"] = [{"name": "data", **status}]
    return world


def test_attachment_that_waits_is_named_with_its_reason() -> None:
    cause = cause_of(held.hotplug(), ATTACHMENT)
    assert cause is not None
    assert cause.summary == (
        "Pod hp-volume-x7k2p has to attach the hot-plugged volumes (data) on dst-web-1"
        " and is not ready: ContainerCreating."
    )
    assert cause.names["attachment"] == "hp-volume-x7k2p"


def test_attachment_that_nobody_made_is_likely() -> None:
    cause = cause_of(held.hotplug_forgotten(), ATTACHMENT)
    assert cause is not None
    assert (cause.confidence, "attachment" in cause.names) == ("likely", False)
    assert cause.summary == ("No pod attaches the hot-plugged volumes (data) on dst-web-1, and KubeVirt waits for it.")


def test_attachment_is_waited_for_in_pending_too() -> None:
    world = held.hotplug()
    world.migration["status"] = {
        "phase": "Pending",
        "phaseTransitionTimestamps": [{"phase": "Pending", "phaseTransitionTimestamp": ago(130)}],
    }
    assert judged(world) == ("blocked", ATTACHMENT)


@pytest.mark.parametrize(
    "name", ["image-pull", "volume", "pod-network", "pod-crashed", "kubelet-silent", "not-admitted", "other-cpu"]
)
def test_target_pod_that_does_not_start_is_seen_in_pending_too(name: str) -> None:
    """KubeVirt leaves Pending only once hot-plugged volumes are attached, which needs the target pod to run."""
    build, verdict, cause = TABLE[name]
    world = volumes(build(), hotplugVolume={})
    reached = {"phase": "Pending", "phaseTransitionTimestamp": ago(200)}
    world.migration["status"] |= {"phase": "Pending", "phaseTransitionTimestamps": [reached]}
    assert judged(world) == (verdict, cause)


def hotpluggable(world: World) -> None:
    volumes(world)
    claim = {"claimName": "data", "hotpluggable": True}
    world.vmi["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": claim}]


def test_hotpluggable_volume_of_the_spec_needs_an_attachment() -> None:
    world = held.hotplug()
    hotpluggable(world)
    assert cause_of(world, ATTACHMENT) is not None


@pytest.mark.parametrize(
    "change",
    [
        volumes,
        lambda world: world.pod("-target")["status"].update(phase="Pending"),
        lambda world: world.pods.append(held.attachment(phase="Running") | {"metadata": OTHER}),
        lambda world: world.pod("hp-volume-x7k2p")["status"].update(
            phase="Running", containerStatuses=[{"name": "hotplug-disk", "ready": True}]
        ),
    ],
    ids=["nothing plugged in", "target not started", "another one ready", "ready"],
)
def test_attachment_is_not_waited_for(change: Any) -> None:
    world = held.hotplug()
    change(world)
    assert cause_of(world, ATTACHMENT) is None


OTHER = {**held.attachment()["metadata"], "name": "hp-volume-other"}


def test_attachment_that_is_being_deleted_is_not_ready() -> None:
    world = held.hotplug()
    pod = held.attachment(phase="Running")
    pod["metadata"]["deletionTimestamp"] = ago(5)
    world.pods[-1] = pod
    assert cause_of(world, ATTACHMENT) is not None
