# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that each reason for a node's verdict says: its sentence, its figures and its evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import HandlerState, Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import (
    NodeVerdict,
    UnhealthyCondition,
    judge_guard,
    judge_node,
    parse_unhealthy_conditions,
)
from tests.unit.builders import NOW, a_condition, a_node, ago

BEAT = "metadata.annotations[kubevirt.io/heartbeat]"
READY = "status.conditions[Ready].status"
ABSENT = HandlerState(present=False, ready=False, since_at=None, pod="")


def a_handler(seconds: int | None) -> HandlerState:
    """Not Ready for so long."""
    since = None if seconds is None else Node.from_object(a_node("x", heartbeat_seconds=seconds)).heartbeat_at
    return HandlerState(present=True, ready=False, since_at=since, pod="virt-handler-a")


def judged(
    *conditions: dict[str, Any], handler: HandlerState | None = None, heartbeat: Any = 30, **more: Any
) -> NodeVerdict:
    """A node that is Ready unless it has conditions of its own; `more`: labels, allocatable."""
    node = a_node("node-7", heartbeat_seconds=heartbeat if isinstance(heartbeat, int) else None)
    if isinstance(heartbeat, str):
        node["metadata"]["annotations"]["kubevirt.io/heartbeat"] = heartbeat
    node["metadata"]["labels"] |= more.get("labels", {})
    node["status"]["allocatable"] |= {f"devices.kubevirt.io/{name}": "1k" for name in ("tun", "vhost-net")}
    node["status"]["allocatable"] |= more.get("allocatable", {})
    if conditions:
        node["status"]["conditions"] = list(conditions)
    return judge_node(Node.from_object(node), NOW, handler=handler, **more.get("options", {}))


def not_ready(**more: Any) -> dict[str, Any]:
    return {**a_condition("Ready", "False", seconds=100), **more}


NO_TIME = not_ready(lastTransitionTime=None)
AT_ONCE = {"unhealthy_conditions": (UnhealthyCondition("Ready", "False", 0),)}
# Code, verdict, sentence, seconds, seconds left; then field, value and age of the evidence.
Row: TypeAlias = "tuple[str, str, str, int | None, int | None, str, str, int | None]"
REASONS: dict[str, tuple[Callable[[], NodeVerdict], Row]] = {
    "no Ready": (
        lambda: judged(a_condition("A", "True", seconds=9)),
        ("ReadyMissing", "unknown", "The node has no readable Ready condition", None, None, READY, "", None),
    ),
    "odd Ready": (
        lambda: judged(a_condition("Ready", "Perhaps", seconds=9)),
        ("ReadyMissing", "unknown", "The node has no readable Ready condition", None, None, READY, "Perhaps", None),
    ),
    "condition for a while": (
        lambda: judged(not_ready()),
        (
            "ReadyFalse",
            "degraded",
            "Ready has been False for 100 s; in 200 s the node is unhealthy",
            *(100, 200, READY, "False", 100),
        ),
    ),
    "condition since nobody knows when": (
        lambda: judged(NO_TIME),
        (
            "ReadyFalse",
            "unknown",
            "Ready has been False since a time that cannot be read (limit 300 s)",
            *(None, None, READY, "False", None),
        ),
    ),
    "condition that counts at once": (
        lambda: judged(NO_TIME, options=AT_ONCE),
        ("ReadyFalse", "unhealthy", "Ready has been False (limit 0 s)", None, None, READY, "False", None),
    ),
    "handler restarts": (
        lambda: judged(handler=a_handler(20)),
        (
            "HandlerNotReady",
            "degraded",
            "virt-handler (virt-handler-a) has not been Ready for 20 s; in 40 s the node is unhealthy",
            *(20, 40, READY, "False", 20),
        ),
    ),
    "handler down": (
        lambda: judged(handler=a_handler(60)),
        (
            "HandlerNotReady",
            "unhealthy",
            "virt-handler (virt-handler-a) has not been Ready for 60 s (limit 60 s)",
            *(60, None, READY, "False", 60),
        ),
    ),
    "handler down since nobody knows when": (
        lambda: judged(handler=a_handler(None)),
        (
            "HandlerNotReady",
            "unknown",
            "virt-handler (virt-handler-a) has not been Ready since a time that cannot be read (limit 60 s)",
            *(None, None, READY, "False", None),
        ),
    ),
    "handler gone a moment ago": (
        lambda: judged(handler=ABSENT),
        (
            "HandlerMissing",
            "degraded",
            "No virt-handler pod runs on the node, and its last heartbeat is 30 s old",
            *(None, 162, BEAT, ago(30), 30),
        ),
    ),
    "handler gone": (
        lambda: judged(handler=ABSENT, heartbeat=192),
        (
            "HandlerMissing",
            "unhealthy",
            "No virt-handler pod runs on the node, and its last heartbeat is 192 s old",
            *(None, None, BEAT, ago(192), 192),
        ),
    ),
    "handler never there": (
        lambda: judged(handler=ABSENT, heartbeat=None),
        (
            "HandlerMissing",
            "unhealthy",
            "No virt-handler pod runs on the node, and it has never sent a heartbeat",
            *(None, None, BEAT, "", None),
        ),
    ),
    "heartbeat late": (
        lambda: judged(heartbeat=200),
        (
            "HeartbeatLate",
            "degraded",
            "The last heartbeat of virt-handler is 200 s old (limit 300 s); one is due every 60 to 132 s",
            *(200, 101, BEAT, ago(200), 200),
        ),
    ),
    "heartbeat stale": (
        lambda: judged(heartbeat=301),
        (
            "HeartbeatStale",
            "unhealthy",
            "The last heartbeat of virt-handler is 301 s old (limit 300 s)",
            *(301, None, BEAT, ago(301), 301),
        ),
    ),
    "device missing": (
        lambda: judged(allocatable={"devices.kubevirt.io/kvm": "0"}),
        (
            "DeviceMissing",
            "degraded",
            "The node is marked schedulable for VMs but offers no devices.kubevirt.io/kvm device",
            *(None, None, "status.allocatable[devices.kubevirt.io/kvm]", "0", None),
        ),
    ),
    "marked": (
        lambda: judged(labels={"kubevirt.io/schedulable": "false"}),
        (
            "MarkedUnschedulable",
            "degraded",
            "KubeVirt has marked the node as not schedulable for VMs, and nobody has cordoned it",
            *(None, None, "metadata.labels[kubevirt.io/schedulable]", "false", None),
        ),
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_reason_says_all_there_is(name: str) -> None:
    build, row = REASONS[name]
    reason = next(reason for reason in build().reasons if reason.code == row[0])

    seen = reason.evidence
    age = None if seen.at is None else int((NOW - seen.at).total_seconds())
    assert (reason.verdict, reason.message, reason.seconds, reason.seconds_left) == row[1:5]
    assert (seen.field, seen.value, age) == row[5:]
    assert reason.since_at in (None, seen.at)


def test_unreadable_node_names_the_field() -> None:
    reason = judged(heartbeat="noon").reasons[0]

    assert (reason.code, reason.evidence.field) == ("ObjectMalformed", BEAT)
    assert reason.message == f"The node object cannot be read: {reason.evidence.value}"


def test_missing_handler_with_an_unreadable_heartbeat() -> None:
    reasons = {reason.code: reason for reason in judged(handler=ABSENT, heartbeat="noon").reasons}

    assert reasons["HandlerMissing"].verdict == "unknown"
    assert reasons["HandlerMissing"].message.endswith("and its last heartbeat cannot be read")


@pytest.mark.parametrize("seconds", [100, 40], ids=["with the node", "after the node"])
def test_handler_that_follows_from_its_node(seconds: int) -> None:
    reasons = {reason.code: reason for reason in judged(not_ready(), handler=a_handler(seconds)).reasons}

    assert reasons["HandlerNotReady"].message.endswith(f"for {seconds} s, as the node itself is not Ready")
    assert reasons["HandlerNotReady"].seconds_left is None


@pytest.mark.parametrize(
    ("condition", "since"), [(NO_TIME, 200), (not_ready(), None), (None, 200)], ids=["node's", "handler's", "no Ready"]
)
def test_handler_does_not_follow_where_a_moment_or_the_condition_is_not_known(
    condition: dict[str, Any] | None, since: int | None
) -> None:
    found = judged(condition or a_condition("A", "True", seconds=9), handler=a_handler(since))

    reasons = {reason.code: reason.verdict for reason in found.reasons}
    assert reasons["HandlerNotReady"] == ("unknown" if since is None else "unhealthy")


def test_one_node_is_counted_in_the_singular() -> None:
    assert judge_guard(["healthy"], 1).reason == "1 of 1 node is healthy; at least 1 required: remediation is allowed."


def test_guard_that_refuses_says_so() -> None:
    assert judge_guard(["unhealthy"] * 2, "100%").reason.endswith("2 required: remediation is not allowed.")


@pytest.mark.parametrize("name", ["A", "a.b/c-d_e", "x" * 316], ids=["short", "signs", "longest"])
def test_name_of_a_condition(name: str) -> None:
    assert parse_unhealthy_conditions([{"type": name, "status": "True"}])[0].type == name


def test_handler_whose_moment_lies_ahead_has_not_been_ready_for_nothing() -> None:
    reason = judged(handler=a_handler(-10)).reasons[0]

    assert reason.message.endswith("for 0 s; in 60 s the node is unhealthy")


@pytest.mark.parametrize(
    ("min_healthy", "total", "required"), [(101, 101, 101), ("99%", 100, 99), ("100%", 3, 3)], ids=str
)
def test_guard_wants_so_many(min_healthy: int | str, total: int, required: int) -> None:
    guard = judge_guard(["healthy"] * total, min_healthy)

    assert (guard.required, guard.remediation_allowed) == (required, True)
