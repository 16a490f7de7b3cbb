# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cancel would end it and whether a retry would be admitted, in every phase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.gates import can_cancel, can_retry
from tests.unit import worlds
from tests.unit.builders import a_condition, ago
from tests.unit.table import TABLE
from tests.unit.worlds import World, a_copy, a_failed, a_world, evacuation

BEFORE = "Before the copy KubeVirt ends it at once; the VM keeps running."
COPY = "The source node aborts the copy; the VM keeps running there."
PREPARING = "KubeVirt acts on it once the copy runs or the target pod has ended"


def volume_update(world: World) -> World:
    world.migration["metadata"]["labels"]["kubevirt.io/volume-update-migration"] = "web-1"
    return world


def decentralized(world: World) -> World:
    world.migration["spec"]["receive"] = {"migrationID": "x"}
    return world


def without_state(world: World) -> World:
    del world.vmi["status"]["migrationState"]
    return world


def vmi_gone() -> World:
    world = a_world()
    world.vmi_is_gone = True
    return world


def without_vmis(world: World) -> World:
    world.vmis = []
    return world


CANCELS: dict[str, tuple[Callable[[], World], bool, str]] = {
    "unset": (lambda: a_world(""), True, BEFORE),
    "pending": (a_world, True, BEFORE),
    "scheduling": (lambda: a_world("Scheduling"), True, BEFORE),
    "scheduled": (lambda: a_world("Scheduled"), True, BEFORE),
    "preparing": (
        lambda: a_world("PreparingTarget"),
        True,
        f"{PREPARING}.",
    ),
    "running": (a_copy, True, COPY),
    "paused": (lambda: a_copy(mode="Paused"), True, COPY),
    "evacuation": (
        lambda: evacuation(a_copy()),
        True,
        f"{COPY} The evacuation controller makes the next one itself.",
    ),
    "post-copy": (
        lambda: a_copy(mode="PostCopy"),
        False,
        "Post-copy cannot be cancelled: the guest runs on the target already.",
    ),
    "copy has ended": (
        lambda: a_copy(endTimestamp=ago(20)),
        False,
        "The copy has ended: there is nothing left to abort.",
    ),
    "mode not seen": (
        lambda: without_state(a_copy()),
        False,
        "Whether it is in post-copy, which cannot be cancelled, could not be seen.",
    ),
    "being deleted": (lambda: a_world(deleted_seconds=5), False, "It is being cancelled already."),
    "ended": (a_failed, False, "It has ended."),
    "volume update": (
        lambda: volume_update(a_copy()),
        False,
        "It is made again until the VM's volumes are reverted.",
    ),
    "source silent": (
        lambda: worlds.handler_down("src"),
        False,
        "The source node would have to abort the copy and does not answer: the cancel would hang.",
    ),
    "target silent": (
        lambda: worlds.handler_down("dst", phase="PreparingTarget"),
        True,
        f"{PREPARING}, and the target node does not answer: expect it to hang until then.",
    ),
    "virt-controller silent": (
        worlds.silent_lease,
        False,
        "virt-controller would have to act on it and does not work.",
    ),
    "VMI gone": (
        vmi_gone,
        False,
        "Its VMI is gone, and KubeVirt takes the finalizer off only where there is one: the cancel would hang.",
    ),
    "VMI not read": (lambda: without_vmis(a_world()), True, BEFORE),
    "unknown phase": (
        lambda: a_world("Teleporting"),
        False,
        "What a cancel does in phase Teleporting is not known here.",
    ),
    "waits for the other cluster": (
        lambda: a_world("WaitingForSync"),
        True,
        "Before the copy KubeVirt ends it at once; the VM keeps running.",
    ),
}


@pytest.mark.parametrize("row", CANCELS.values(), ids=CANCELS.keys())
def test_cancel_by_phase_and_by_who_must_act(row: tuple[Callable[[], World], bool, str]) -> None:
    build, allowed, reason = row

    answer = can_cancel(build().first())

    assert (answer.allowed, answer.reason) == (allowed, reason)


def with_vmi(**status: Any) -> World:
    world = a_failed()
    world.vmi["status"] |= status
    return world


def without_vmi() -> World:
    world = a_failed()
    world.vmis = []
    return world


def with_another() -> World:
    world = a_failed()
    world.migrations.append(a_world(uid="next").migration)
    return world


NOT_MOVABLE = a_condition("LiveMigratable", "False", seconds=9, message="cannot migrate VMI: PVC a is not shared")
RETRIES: dict[str, tuple[Callable[[], World], bool, str]] = {
    "failed": (a_failed, True, "It has ended, and nothing speaks against another attempt."),
    "unfinished": (a_copy, False, "This migration has not ended."),
    "succeeded": (lambda: a_world("Succeeded"), False, "It succeeded."),
    "evacuation": (lambda: evacuation(a_failed()), False, "The evacuation controller makes the next one itself."),
    "volume update": (lambda: volume_update(a_failed()), False, "The volume update makes the next one itself."),
    "decentralized": (lambda: decentralized(a_failed()), False, "A cross-cluster migration is made on both sides."),
    "another one": (with_another, False, "Another migration of the VM has not ended."),
    "no VMI": (without_vmi, False, "Its VMI does not exist, or could not be read."),
    "not movable": (
        lambda: with_vmi(conditions=[NOT_MOVABLE]),
        False,
        "The VM cannot be migrated: cannot migrate VMI: PVC a is not shared",
    ),
    "not running": (lambda: with_vmi(phase="Failed"), False, "The VM is not running: its VMI is Failed."),
    "no phase": (lambda: with_vmi(phase=""), False, "The VM is not running: its VMI is without a phase."),
}


@pytest.mark.parametrize("row", RETRIES.values(), ids=RETRIES.keys())
def test_retry_as_admission_would_answer(row: tuple[Callable[[], World], bool, str]) -> None:
    build, allowed, reason = row

    answer = can_retry(build().first().case)

    assert (answer.allowed, answer.reason) == (allowed, reason)


@pytest.mark.parametrize("name", TABLE)
def test_never_both_and_always_with_a_reason(name: str) -> None:
    judgement = TABLE[name][0]().first()
    cancel, retry = can_cancel(judgement), can_retry(judgement.case)

    assert not (cancel.allowed and retry.allowed)
    assert cancel.reason.endswith(".")
    assert retry.reason.endswith(".")


@pytest.mark.parametrize("mode", ["PreCopy", "PostCopy"])
def test_post_copy_is_never_cancelled_whatever_else_holds(mode: str) -> None:
    world = worlds.node_down("dst")
    world.state["mode"] = mode

    assert can_cancel(world.first()).allowed is (mode == "PreCopy")
