# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What finished migrations tell: FailingRepeatedly, BadTargetNode and LastAttemptFailed, there, absent, spoilt."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.repeated import (
    find_bad_target_node,
    find_failing_repeatedly,
    find_last_attempt_failed,
)
from tests.unit.builders import Object, a_condition, a_migration, a_state
from tests.unit.worlds import World, a_copy, a_failed, a_world

STUCK = "Live migration stuck for {} seconds and has been aborted"


def ended(uid: str, phase: str = "Failed", *, age_seconds: int = 500, vm: str = "web-1", **state: Any) -> Object:
    told = {"failureReason": STUCK.format(age_seconds)} if phase == "Failed" else {}
    whole = a_state(vm, ended_seconds=age_seconds, migrationUid=uid, **{**told, **state})
    return a_migration(phase, age_seconds=age_seconds, uid=uid, vm=vm, state=whole)


def cancelled(uid: str, **more: Any) -> Object:
    migration = ended(uid, **more)
    migration["status"]["conditions"] = [a_condition("migrationAbortRequested", "True", seconds=9)]
    return migration


def case_of(world: World, *earlier: Object) -> Case:
    world.migrations = [*world.migrations, *earlier]
    return world.first().case


def found(cause: Any) -> Cause:
    assert isinstance(cause, Cause)
    return cause


THREE = ("a", "b", "c")


def test_three_failures_in_a_row_name_their_common_reason_and_target() -> None:
    case = case_of(a_world(age_seconds=10), *(ended(uid, age_seconds=100 + place) for place, uid in enumerate(THREE)))
    cause = found(find_failing_repeatedly(case))

    assert cause.summary == (
        "The last 3 migrations of this VM failed, each because the copy made no progress for 100 s and was given up, "
        "all on their way to dst-web-1."
    )
    assert [seen.value for seen in cause.evidence] == [STUCK.format(seconds) for seconds in (100, 101, 102)]
    assert cause.names["target"] == "dst-web-1"


def test_different_reasons_and_targets_are_said() -> None:
    others = ended("b", failureReason="Target pod is down", targetNode="node-x")
    cause = found(find_failing_repeatedly(case_of(a_world(age_seconds=10), ended("a"), others, ended("c"))))

    assert cause.summary == "The last 3 migrations of this VM failed, for different reasons."
    assert (cause.names["target"], cause.names["reason"]) == ("", "")


def test_the_failed_one_counts_itself() -> None:
    two = [ended("a", age_seconds=700), ended("b", age_seconds=800)]

    assert "last 3 migrations" in found(find_failing_repeatedly(case_of(a_failed(), *two))).summary
    assert find_failing_repeatedly(case_of(a_world(age_seconds=10), *two)) is None


@pytest.mark.parametrize(
    "earlier",
    [
        [],
        [ended("a"), ended("b")],
        [ended("a"), cancelled("b"), ended("c")],
        [ended("a"), ended("b"), ended("c", "Succeeded", age_seconds=100), ended("d")],
        [ended(uid, vm="web-2") for uid in THREE],
        [ended(uid, age_seconds=5) for uid in THREE],
    ],
    ids=["none", "two", "one cancelled", "a success after them", "another VM's", "made later"],
)
def test_less_is_not_repeatedly(earlier: list[Object]) -> None:
    assert find_failing_repeatedly(case_of(a_world(age_seconds=10), *earlier)) is None


def test_a_cancelled_one_between_does_not_end_the_row() -> None:
    earlier = [ended("a"), cancelled("b", age_seconds=450), ended("c", age_seconds=400), ended("d", age_seconds=300)]

    assert "last 3" in found(find_failing_repeatedly(case_of(a_world(age_seconds=10), *earlier))).summary


def test_no_recorded_state_is_a_failure_without_reason() -> None:
    bare = [a_migration("Failed", age_seconds=500, uid=uid) for uid in THREE]
    cause = found(find_failing_repeatedly(case_of(a_world(age_seconds=10), *bare)))

    assert "recorded no reason" in cause.summary
    assert {(seen.field, seen.value) for seen in cause.evidence} == {("status.phase", "Failed")}


def bad_node(*, vms: tuple[str, ...] = ("web-2", "web-3"), elsewhere: str = "Succeeded") -> list[Object]:
    failed = [ended(f"{vm}-f", vm=vm, targetNode="dst-web-1") for vm in vms]
    return [*failed, ended("ok", elsewhere, vm="web-4", targetNode="node-x")]


def test_two_vms_that_fail_on_one_node_while_others_reach_theirs_make_it_a_bad_target() -> None:
    cause = found(find_bad_target_node(case_of(a_copy(60), *bad_node())))

    assert cause.summary == (
        "2 migrations of 2 VMs failed on their way to dst-web-1 and none has reached it since; 1 reached other nodes."
    )
    assert cause.names == {"node": "dst-web-1"}
    assert len(cause.evidence) == 2


@pytest.mark.parametrize(
    "earlier",
    [
        [],
        bad_node(vms=("web-2",)),
        bad_node(elsewhere="Failed"),
        [*bad_node(), ended("reached", "Succeeded", age_seconds=100, vm="web-5", targetNode="dst-web-1")],
        [*bad_node(vms=("web-2",)), ended("again", vm="web-2", targetNode="dst-web-1")],
        [*bad_node(vms=("web-2",)), cancelled("asked", vm="web-3", targetNode="dst-web-1")],
    ],
    ids=["none", "one VM", "nobody reaches another", "one reached it since", "twice the same VM", "one was cancelled"],
)
def test_less_is_no_bad_target(earlier: list[Object]) -> None:
    assert find_bad_target_node(case_of(a_copy(60), *earlier)) is None


def test_a_migration_without_a_target_has_no_bad_one() -> None:
    assert find_bad_target_node(case_of(a_world("Pending"), *bad_node())) is None


def test_a_failure_is_told_in_plain_words() -> None:
    cause = found(find_last_attempt_failed(a_failed().first().case))

    assert cause.summary == (
        "The last migration of this VM to dst-web-1 failed: the target pod ended before the copy began."
    )
    assert cause.evidence[0].field == "status.migrationState.failureReason"


@pytest.mark.parametrize(
    "world",
    [a_world("Succeeded"), a_copy(60), a_world("Pending")],
    ids=["succeeded", "running", "pending"],
)
def test_what_has_not_failed_is_no_failed_attempt(world: World) -> None:
    assert find_last_attempt_failed(world.first().case) is None


def test_a_cancel_is_no_failure() -> None:
    world = a_failed()
    world.migration["status"]["migrationState"]["abortRequested"] = True

    assert find_last_attempt_failed(world.first().case) is None
    assert find_failing_repeatedly(case_of(world, ended("a"), ended("b"))) is None


def test_a_failure_that_was_followed_is_history() -> None:
    world = a_failed(age_seconds=900)
    case = case_of(world, ended("a", age_seconds=950), ended("b", age_seconds=960), a_migration(uid="new"))

    assert find_last_attempt_failed(case) is None
    assert find_failing_repeatedly(case) is None


@pytest.mark.parametrize("state", [None, "x", {}, {"failureReason": 5, "targetNode": []}], ids=repr)
def test_a_spoilt_state_is_a_failure_without_reason(state: Any) -> None:
    world = a_failed()
    world.migration["status"]["migrationState"] = state
    cause = found(find_last_attempt_failed(world.first().case))

    assert "recorded no reason" in cause.summary
    assert find_bad_target_node(world.first().case) is None
