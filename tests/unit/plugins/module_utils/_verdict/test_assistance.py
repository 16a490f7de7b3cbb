# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What KubeVirt does at the deadline of a copy where it may disrupt the guest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.advice import plan_advice
from tests.unit import copies
from tests.unit.worlds import World, cause_of, judged

POST_COPY, PAUSE = {"allowPostCopy": True}, {"allowWorkloadDisruption": True}
AT_THE_DEADLINE = {
    "post-copy": (POST_COPY, "yes", "KubeVirt goes over to post-copy."),
    "post-copy without disruption": (POST_COPY | {"allowWorkloadDisruption": False}, "no", ""),
    "pause": (PAUSE, "maybe", "KubeVirt suspends the guest, so that the copy can end."),
    "no deadline": (POST_COPY | {"completionTimeoutPerGiB": 0}, "no", ""),
}


def under(world: World, **changed: object) -> World:
    """The same, whose hand-off settled these too."""
    world.state["migrationConfiguration"] = {**world.state["migrationConfiguration"], **changed}
    return world


@pytest.mark.parametrize("row", AT_THE_DEADLINE.values(), ids=AT_THE_DEADLINE.keys())
def test_copy_that_does_not_converge_says_what_its_deadline_brings(row: tuple[dict[str, object], str, str]) -> None:
    settings, cures, words = row

    cause = cause_of(under(copies.not_converging(), **settings), "NotConverging")

    assert cause is not None
    assert cause.time_cures == cures
    assert ("at its deadline, 2026-11-23T08:" in cause.summary) == bool(words)
    assert cause.summary.endswith(words or "leave the source.") or not words


@pytest.mark.parametrize(("settings", "cures"), [(POST_COPY, "yes"), (PAUSE, "maybe")], ids=["post-copy", "pause"])
def test_copy_too_slow_for_its_time_is_not_blocked_where_kubevirt_ends_it(
    settings: dict[str, object], cures: str
) -> None:
    world = under(copies.capped(), **settings)

    assert judged(copies.capped()) == ("blocked", "BandwidthTooLow")
    assert judged(world) == ("progressing", "BandwidthTooLow")
    cause = cause_of(world, "BandwidthTooLow")
    assert cause is not None
    assert cause.time_cures == cures


@pytest.mark.parametrize(("settings", "late"), [({}, "yes"), (POST_COPY, ""), (PAUSE, "")], ids=["no", "post", "pause"])
def test_slow_copy_that_kubevirt_ends_otherwise_is_not_called_aborted(settings: dict[str, object], late: str) -> None:
    cause = cause_of(under(copies.slow_and_late(), **settings), "SlowButConverging")

    assert cause is not None
    assert cause.names["late"] == late
    assert ("at its deadline" in cause.summary) == (not late)


def with_device(world: World) -> World:
    """The same VM with a device of its node."""
    world.vmi["spec"]["domain"]["devices"] = {"gpus": [{"name": "gpu", "deviceName": "vendor/gpu"}]}
    return world


@pytest.mark.parametrize("settings", [POST_COPY, PAUSE], ids=["post-copy", "pause"])
@pytest.mark.parametrize(
    ("build", "code", "cures"),
    [
        (copies.not_converging, "NotConverging", "maybe"),
        (copies.capped, "BandwidthTooLow", "maybe"),
        (copies.slow_and_late, "SlowButConverging", "yes"),
    ],
    ids=["not converging", "capped", "slow and late"],
)
def test_post_copy_is_never_said_of_a_vm_with_a_device_of_its_node(
    build: Callable[[], World], code: str, cures: str, settings: dict[str, object]
) -> None:
    cause = cause_of(with_device(under(build(), **settings)), code)

    assert cause is not None
    assert cause.time_cures == cures
    assert cause.names["assistance"] == "a long standstill of the guest"
    assert "goes over to post-copy" not in cause.summary
    assert "lets the guest stand still until the copy can end" in cause.summary


def test_copy_of_a_vm_with_a_device_is_aborted_at_its_deadline_where_nothing_is_allowed() -> None:
    world = with_device(copies.capped())

    assert judged(world) == ("blocked", "BandwidthTooLow")


@pytest.mark.parametrize("throttled", [False, True], ids=["not throttled", "throttled"])
def test_post_copy_is_not_advised_to_a_vm_with_a_device_of_its_node(throttled: bool) -> None:
    judgement = with_device(under(copies.not_converging(), allowAutoConverge=throttled)).first()
    cause = next(one for one in judgement.causes if one.code == "NotConverging")

    actions = [one.action for one in plan_advice(judgement.case, cause)]

    first = (
        "Give the copies a faster network." if throttled else "Give the VM a MigrationPolicy with allowAutoConverge."
    )
    assert actions[0] == first
    assert not [action for action in actions if "ost-copy" in action or "allowPostCopy" in action]
