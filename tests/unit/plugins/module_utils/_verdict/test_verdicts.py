# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict table: each word, each limit on both sides, and which of two words wins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import ORDER
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import (
    STUCK,
    VERDICTS,
    judge_migration,
)
from tests.unit import held, worlds
from tests.unit.builders import NAMESPACE, a_kubevirt, a_migration
from tests.unit.mangling import hide
from tests.unit.table import TABLE, Row
from tests.unit.worlds import World, a_copy, a_world, judged

Timed = Callable[[int], World]


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_verdict_and_first_cause(row: Row) -> None:
    build, verdict, cause = row

    assert judged(build()) == (verdict, cause)


def test_table_knows_every_verdict() -> None:
    assert {verdict for _build, verdict, _cause in TABLE.values()} == set(VERDICTS)


def test_verdicts_are_a_closed_list_of_words() -> None:
    assert set(VERDICTS) == {
        "succeeded",
        "failed",
        "cancelling",
        "blocked",
        "stalled",
        "overdue",
        "queued",
        "late",
        "progressing",
        "unknown",
    }
    assert {"blocked", "stalled", "overdue"} == STUCK


def test_table_has_every_cause_in_the_first_place() -> None:
    assert {cause for _build, _verdict, cause in TABLE.values()} == {"", *ORDER}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_stuck_is_blocked_stalled_or_overdue(row: Row) -> None:
    build, verdict, _cause = row

    assert build().first().is_stuck is (verdict in ("blocked", "stalled", "overdue"))


LIMITS: dict[str, tuple[Timed, int, str, str]] = {
    "quota holds 60 s": (worlds.quota, 60, "progressing", "blocked"),
    "selinux holds 60 s": (worlds.selinux, 60, "progressing", "blocked"),
    "leftover holds 60 s": (worlds.leftover, 60, "progressing", "blocked"),
    "unschedulable holds 60 s": (worlds.unschedulable, 60, "progressing", "blocked"),
    "image pull holds 120 s": (worlds.image_pull, 120, "progressing", "blocked"),
    "volume holds 120 s": (worlds.volume, 120, "progressing", "blocked"),
    "same node holds 60 s": (worlds.same_node, 60, "progressing", "blocked"),
    "target handler holds 60 s": (
        lambda seconds: worlds.handler_down("dst", seconds, phase="PreparingTarget"),
        60,
        "progressing",
        "blocked",
    ),
    "source handler holds 60 s": (lambda seconds: worlds.handler_down("src", seconds), 60, "progressing", "blocked"),
    "heartbeat is old after 300 s": (
        lambda seconds: worlds.old_heartbeat("src", seconds),
        301,
        "progressing",
        "blocked",
    ),
    "limits of 0 hold 60 s": (held.limits, 60, "progressing", "blocked"),
    "missing vmi holds 60 s": (held.handed_to_another, 60, "progressing", "blocked"),
    "vmi that does not run holds 120 s": (
        lambda seconds: held.vmi_in("Unknown", seconds=seconds),
        120,
        "progressing",
        "blocked",
    ),
    "backoff after three failures takes 80 s": (held.backoff, 79, "queued", "unknown"),
    "pod security holds 60 s": (held.pod_security, 60, "progressing", "blocked"),
    "refused pod holds 60 s": (held.pod_refused, 60, "progressing", "blocked"),
    "pod network holds 120 s": (held.pod_network, 120, "progressing", "blocked"),
    "crashed launcher holds 60 s": (held.pod_crashed, 60, "progressing", "blocked"),
    "silent kubelet holds 60 s": (held.kubelet_silent, 60, "progressing", "blocked"),
    "refused by the kubelet holds 60 s": (held.not_admitted, 60, "progressing", "blocked"),
    "failed hand-over holds 120 s": (held.hand_over, 120, "overdue", "blocked"),
    "virt-api holds 60 s": (held.virt_api, 60, "progressing", "blocked"),
    "virt-api at a cancel holds 60 s": (held.virt_api_at_a_cancel, 61, "cancelling", "blocked"),
    "orphan is a cancel for 60 s": (held.orphaned, 61, "cancelling", "blocked"),
    "failed sync holds 120 s": (held.sync_failed, 120, "progressing", "blocked"),
    "launcher that stays holds 60 s": (
        lambda seconds: a_world("TargetReady", age_seconds=seconds),
        419,
        "overdue",
        "blocked",
    ),
    "guest I/O error holds 60 s": (held.guest_io_error, 60, "progressing", "blocked"),
    "hotplug change holds 120 s": (held.hotplug_change, 120, "progressing", "blocked"),
    "persistent state holds 60 s": (held.persistent_state, 60, "progressing", "blocked"),
    "other side holds 120 s": (held.other_side, 120, "progressing", "blocked"),
    "lease is old 60 s after it ran out": (worlds.silent_lease, 75, "unknown", "blocked"),
    "unset is silent after 60 s": (lambda seconds: a_world("", age_seconds=seconds), 61, "progressing", "blocked"),
    "pending is explained for 60 s": (lambda seconds: a_world(age_seconds=seconds), 61, "progressing", "unknown"),
    "scheduled takes 60 s": (lambda seconds: a_world("Scheduled", age_seconds=seconds), 61, "progressing", "overdue"),
    "scheduling is late after 300 s": (
        lambda seconds: a_world("Scheduling", age_seconds=seconds),
        301,
        "progressing",
        "late",
    ),
    "pending pod takes 900 s": (lambda seconds: a_world("Scheduling", age_seconds=seconds), 901, "late", "overdue"),
    "launcher gives up after 359 s": (
        lambda seconds: a_world("TargetReady", age_seconds=seconds),
        360,
        "late",
        "overdue",
    ),
    "copy of 8Gi takes 1350 s": (a_copy, 1351, "progressing", "overdue"),
    "deadline is not enforced for 60 s": (a_copy, 1410, "overdue", "blocked"),
    "paused copy takes twice as long": (
        lambda seconds: a_copy(seconds, mode="Paused"),
        2701,
        "progressing",
        "overdue",
    ),
    "copy without a limit is late after 300 s": (
        lambda seconds: a_copy(seconds, migrationConfiguration={"completionTimeoutPerGiB": 0}),
        301,
        "progressing",
        "late",
    ),
    "cancel takes 60 s": (
        lambda seconds: a_world("Scheduling", age_seconds=200, deleted_seconds=seconds),
        61,
        "cancelling",
        "overdue",
    ),
    "abort is answered within 60 s": (worlds.cancel_unanswered, 61, "cancelling", "blocked"),
    "cancel waits for the launcher": (
        lambda seconds: worlds.cancelled_target(100, started_seconds=seconds),
        360,
        "cancelling",
        "overdue",
    ),
    "cancel has 60 s also past the launcher's limit": (
        lambda seconds: worlds.cancelled_target(seconds, started_seconds=400),
        61,
        "cancelling",
        "overdue",
    ),
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS.keys())
def test_verdict_changes_at_the_limit_and_not_before(limit: tuple[Timed, int, str, str]) -> None:
    build, seconds, before, after = limit

    found = [judged(build(at))[0] for at in (seconds - 1, seconds, seconds + 1)]

    assert found == [before, after, after]


@pytest.mark.parametrize(
    ("seconds", "first_cause"), [(300, "SourceHandlerDown"), (301, "SourceNodeDown")], ids=["300 s", "301 s"]
)
def test_node_is_down_after_300_seconds_and_its_handler_before(seconds: int, first_cause: str) -> None:
    assert judged(worlds.node_down("src", seconds)) == ("blocked", first_cause)


@pytest.mark.parametrize(("late_after", "verdict"), [(0, "late"), (20, "progressing"), (19, "late")], ids=str)
def test_late_after_is_the_users(late_after: int, verdict: str) -> None:
    assert judged(a_world("Scheduling", age_seconds=20), late_after=late_after)[0] == verdict


@pytest.mark.parametrize("seconds", [400, 1350], ids=str)
def test_copy_within_its_own_allowance_is_never_late(seconds: int) -> None:
    assert judged(a_copy(seconds), late_after=0)[0] == "progressing"


def also(world: World, other: World) -> World:
    """`world` with the conditions, events and lease of `other`, which is about the same VM."""
    world.migration["status"] |= {key: value for key, value in other.migration["status"].items() if key == "conditions"}
    world.leases, world.events = other.leases, world.events + other.events
    return world


def quota_of_a_cancelled_one() -> World:
    world = worlds.quota(300)
    world.migration["metadata"]["deletionTimestamp"] = a_migration(deleted_seconds=20)["metadata"]["deletionTimestamp"]
    return world


def succeeded_and_deleted() -> World:
    world = a_world("Succeeded", age_seconds=300)
    world.migration["metadata"]["deletionTimestamp"] = world.migration["metadata"]["creationTimestamp"]
    return world


def spoilt_and_ended() -> World:
    world = a_world("Succeeded")
    world.migration["metadata"]["creationTimestamp"] = "soon"
    return world


def spoilt_and_blocked() -> World:
    world = worlds.quota()
    world.vmi["status"]["phase"] = 5
    return world


PRECEDENCE: dict[str, Row] = {
    "ended before spoilt": (spoilt_and_ended, "succeeded", ""),
    "spoilt before blocked": (spoilt_and_blocked, "unknown", "Unknown"),
    "ended before cancelling": (succeeded_and_deleted, "succeeded", ""),
    "cancelling before blocked": (quota_of_a_cancelled_one, "cancelling", ""),
    "blocked before overdue": (lambda: worlds.unschedulable(400), "blocked", "TargetPodUnschedulable"),
    "blocked before late": (lambda: worlds.image_pull(400), "blocked", "ImagePullFailing"),
    "blocked before queued": (
        lambda: also(worlds.queue(a_copy(vm="one"), per_cluster=1), worlds.quota(90)),
        "blocked",
        "ResourceQuotaExceeded",
    ),
    "overdue before late": (lambda: a_world("Scheduling", age_seconds=1000), "overdue", ""),
    "queued before late": (
        lambda: worlds.queue(a_copy(vm="one"), per_cluster=1, age_seconds=4000),
        "queued",
        "ClusterLimitReached",
    ),
}


@pytest.mark.parametrize("row", PRECEDENCE.values(), ids=PRECEDENCE.keys())
def test_first_that_fits_wins(row: Row) -> None:
    build, verdict, cause = row

    assert judged(build()) == (verdict, cause)


HIDDEN: dict[str, tuple[Callable[[], World], str, str]] = {
    "blocked before a gap": (worlds.quota, "lease", "blocked"),
    "cancelling before a gap": (lambda: a_world(age_seconds=90, deleted_seconds=20), "lease", "cancelling"),
    "a gap before overdue": (lambda: a_copy(1360), "handlers", "unknown"),
    "a gap before queued": (lambda: worlds.queue(a_copy(vm="one"), per_cluster=1), "lease", "unknown"),
    "a gap before late": (lambda: a_world("Scheduling", age_seconds=400), f"events/{NAMESPACE}", "unknown"),
    "a gap before progressing": (lambda: a_copy(90), "handlers", "unknown"),
    "a gap says nothing in the first minute": (lambda: a_copy(59), "handlers", "progressing"),
    "no gap of what has ended": (worlds.a_failed, "handlers", "failed"),
}


@pytest.mark.parametrize("row", HIDDEN.values(), ids=HIDDEN.keys())
def test_what_may_not_be_read_makes_unknown_only_what_it_may_change(row: tuple[Callable[[], World], str, str]) -> None:
    build, topic, verdict = row

    assert judge_snapshot(hide(build().snapshot(), [topic]))[0].verdict == verdict


def test_unknown_says_what_was_ruled_out_and_what_is_missing() -> None:
    found = judge_snapshot(hide(a_world(age_seconds=200).snapshot(), ["lease"]))[0]

    unknown = found.causes[-1]
    assert unknown.code == "Unknown"
    assert "not allowed to get leases (coordination.k8s.io) in namespace kubevirt" in unknown.summary
    assert "Ruled out: " in unknown.summary
    assert "LeftoverLauncherPod" in unknown.summary


def test_ended_one_is_not_searched_for_causes() -> None:
    assert a_world("Succeeded", age_seconds=9999).first().causes == ()


def test_missing_vmi_is_unknown_with_the_reason() -> None:
    world = a_world()
    world.vmis = []

    assert world.first().reason == "it cannot be judged: VirtualMachineInstance team-a/web-1 was not read"


def test_vmi_of_a_hidden_namespace_is_unknown_with_the_rule() -> None:
    found = judge_snapshot(hide(a_world().snapshot(), [f"vmis/{NAMESPACE}"]))[0]

    rule = Rule("list", "kubevirt.io", "virtualmachineinstances", NAMESPACE)
    assert found.verdict == "unknown"
    assert f"not allowed to {rule.sentence()}" in found.reason


def test_without_a_queue_the_limits_are_not_looked_for() -> None:
    case = worlds.queue(a_copy(vm="one"), per_cluster=1, age_seconds=30).first().case

    assert [cause.code for cause in judge_migration(case).causes] == []


def test_uids_that_are_missing_do_not_mix_two_migrations_up() -> None:
    world = worlds.together(worlds.selinux(vm="one"), a_copy(vm="two"))
    for migration in world.migrations:
        del migration["metadata"]["uid"]

    assert [found.case.migration.vmi_name for found in world.judge()] == ["one", "two"]
    assert not STUCK & {found.verdict for found in world.judge()}


def test_limits_of_kubevirt_that_cannot_be_read_are_not_taken_for_its_defaults() -> None:
    world = worlds.queue(a_copy(vm="one"), per_cluster=1, age_seconds=20)
    world.kubevirt = a_kubevirt(per_cluster="1")

    assert judged(world)[0] == "unknown"
