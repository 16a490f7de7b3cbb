# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Earlier attempts of the same VM, and what late or stuck migrations share."""

from __future__ import annotations

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.correlation import (
    Correlation,
    find_correlations,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.history import (
    Attempt,
    attempt_number,
    find_previous,
)
from tests.unit import worlds
from tests.unit.builders import Object, a_condition, a_migration, a_state
from tests.unit.worlds import World, a_copy, a_failed, a_world, together


def ended(uid: str, phase: str = "Failed", *, age_seconds: int = 500, vm: str = "web-1") -> Object:
    state = a_state(vm, ended_seconds=age_seconds, migrationUid=uid, failureReason="Target pod is down")
    return a_migration(phase, age_seconds=age_seconds, uid=uid, vm=vm, state=state)


def cancelled(uid: str) -> Object:
    migration = ended(uid)
    migration["status"]["conditions"] = [a_condition("migrationAbortRequested", "True", seconds=9)]
    return migration


def previous_of(*earlier: Object) -> tuple[Attempt, ...]:
    world = a_world(age_seconds=10)
    world.migrations += earlier
    case = world.first().case
    return find_previous(case.snapshot, case.migration)


def test_previous_are_of_the_same_vm_and_newest_first() -> None:
    found = previous_of(
        ended("old", age_seconds=900),
        ended("new", age_seconds=100),
        ended("other", vm="web-2"),
        ended("later", age_seconds=5),
    )

    assert [attempt.uid for attempt in found] == ["new", "old"]


def test_previous_says_how_it_ended() -> None:
    found = previous_of(ended("old"))[0]

    assert (found.phase, found.target_node, found.failure_reason) == ("Failed", "dst-web-1", "Target pod is down")
    assert not found.was_cancelled


def test_unfinished_one_is_no_previous_one() -> None:
    assert previous_of(a_migration("Running", age_seconds=900, uid="old")) == ()


NUMBERS: dict[str, tuple[list[Object], int]] = {
    "none before": ([], 1),
    "one failure": ([ended("a")], 2),
    "two failures": ([ended("a"), ended("b")], 3),
    "a success": ([ended("a", "Succeeded")], 1),
    "failure after a success": ([ended("a", "Succeeded", age_seconds=900), ended("b", age_seconds=800)], 2),
    "success after a failure": ([ended("a", age_seconds=900), ended("b", "Succeeded", age_seconds=800)], 1),
    "cancelled is no failure": ([ended("a"), cancelled("b")], 2),
}


@pytest.mark.parametrize("row", NUMBERS.values(), ids=NUMBERS.keys())
def test_attempt_counts_failures_since_the_last_success(row: tuple[list[Object], int]) -> None:
    earlier, number = row

    assert attempt_number(previous_of(*earlier)) == number


def leaving(node: str, *names: str, stuck: bool = True) -> list[World]:
    """VMs that leave `node`, stuck or not."""
    return [worlds.leaving(node, a_copy(1500 if stuck else 60, vm=vm)) for vm in names]


def shared(*groups: list[World]) -> list[Correlation]:
    everything = together(*(world for group in groups for world in group))
    return [one for one in find_correlations(everything.judge()) if one.kind == "source_node"]


def test_node_that_the_stuck_ones_leave_is_found_with_both_figures() -> None:
    found = shared(
        leaving("node-7", "a", "b", "c"), leaving("node-7", "d", stuck=False), leaving("node-8", "e", "f", stuck=False)
    )

    assert [one.summary for one in found] == ["3 of 4 migrations leaving node-7 are late or stuck, 0 of 2 elsewhere."]
    assert found[0].labels == ("team-a/a", "team-a/b", "team-a/c")


GROUPS: dict[str, tuple[list[list[World]], list[str]]] = {
    "one alone": ([leaving("n1", "a"), leaving("n2", "b", stuck=False)], []),
    "two of two": ([leaving("n1", "a", "b"), leaving("n2", "c", stuck=False)], ["n1"]),
    "nobody elsewhere": ([leaving("n1", "a", "b")], ["n1"]),
    "same share elsewhere": ([leaving("n1", "a", "b"), leaving("n2", "c", "d")], []),
    "larger share elsewhere": (
        [leaving("n1", "a", "b"), leaving("n1", "c", stuck=False), leaving("n2", "d", "e")],
        ["n2"],
    ),
    "nothing is stuck": ([leaving("n1", "a", "b", stuck=False)], []),
}


@pytest.mark.parametrize("row", GROUPS.values(), ids=GROUPS.keys())
def test_correlation_needs_two_and_a_larger_share_than_elsewhere(row: tuple[list[list[World]], list[str]]) -> None:
    groups, nodes = row

    assert [one.value for one in shared(*groups)] == nodes


def test_target_node_is_shared_too() -> None:
    found = [a_world("PreparingTarget", vm=vm, age_seconds=400) for vm in ("a", "b")]
    for world in found:
        world.state["targetNode"] = "node-9"

    kinds = {(one.kind, one.value) for one in find_correlations(together(*found, a_copy(vm="c")).judge())}

    assert kinds == {("target_node", "node-9")}


def test_late_ones_count_and_ended_ones_do_not() -> None:
    late = [a_copy(400, vm=vm, migrationConfiguration={"completionTimeoutPerGiB": 0}) for vm in ("a", "b")]
    groups = [[worlds.leaving("node-7", world) for world in (*late, a_failed(vm="c"))]]

    assert [(one.bad, one.total) for one in shared(*groups)] == [(2, 2)]


def test_unscheduled_ones_share_no_target_node() -> None:
    found = together(worlds.unschedulable(vm="a"), worlds.unschedulable(vm="b")).judge()

    assert [one for one in find_correlations(found) if one.kind == "target_node"] == []


def test_one_made_in_the_same_second_came_before() -> None:
    assert [attempt.uid for attempt in previous_of(ended("twin", age_seconds=10))] == ["twin"]


def test_reason_alone_tells_that_it_was_cancelled() -> None:
    migration = ended("old")
    migration["status"]["migrationState"]["failureReason"] = "Live migration aborted "

    assert previous_of(migration)[0].was_cancelled


def test_one_without_a_state_had_no_target_and_no_reason() -> None:
    migration = ended("old")
    del migration["status"]["migrationState"]

    attempt = previous_of(migration)[0]

    assert (attempt.target_node, attempt.failure_reason) == ("", "")
