# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node verdicts at a fixed moment: each reason just before and just after its limit, and the guard."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import HandlerState, Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import (
    DEFAULT_UNHEALTHY,
    VERDICTS,
    NodeOptionError,
    NodeVerdict,
    UnhealthyCondition,
    judge_guard,
    judge_node,
    node_down_since,
    parse_unhealthy_conditions,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=timezone.utc)
DEVICES = {f"devices.kubevirt.io/{name}": "1k" for name in ("kvm", "tun", "vhost-net")}


def ago(seconds: int) -> str:
    return format_timestamp(NOW - timedelta(seconds=seconds))


def a_condition(kind: str, status: str, *, age: int = 7200, reason: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "lastTransitionTime": ago(age), "reason": reason}


def a_node(
    *conditions: dict[str, str],
    heartbeat: str | None = "",
    schedulable: str | None = "true",
    cordoned: bool = False,
    allocatable: dict[str, Any] | None = None,
) -> Node:
    labels = {} if schedulable is None else {"kubevirt.io/schedulable": schedulable}
    annotations = {} if heartbeat is None else {"kubevirt.io/heartbeat": heartbeat or ago(30)}
    return Node.from_object(
        {
            "metadata": {"name": "node-7", "labels": labels, "annotations": annotations},
            "spec": {"unschedulable": cordoned},
            "status": {
                "conditions": list(conditions) or [a_condition("Ready", "True")],
                "allocatable": DEVICES if allocatable is None else allocatable,
            },
        }
    )


def a_handler(*, ready: bool, age: int | None = 7200) -> HandlerState:
    since = None if age is None else NOW - timedelta(seconds=age)
    return HandlerState(present=True, ready=ready, since_at=since, pod="virt-handler-a")


ABSENT = HandlerState(present=False, ready=False, since_at=None, pod="")


def codes(verdict: NodeVerdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def test_judge_node_ready_with_a_fresh_heartbeat_is_healthy() -> None:
    verdict = judge_node(a_node(), NOW, handler=a_handler(ready=True))
    assert verdict == NodeVerdict(name="node-7", verdict="healthy", reasons=(), heartbeat_age_seconds=30)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("Ready", "False", "ReadyFalse"),
        ("Ready", "Unknown", "ReadyUnknown"),
        ("MemoryPressure", "True", "MemoryPressure"),
        ("DiskPressure", "True", "DiskPressure"),
        ("PIDPressure", "True", "PIDPressure"),
        ("NetworkUnavailable", "True", "NetworkUnavailable"),
    ],
    ids=lambda value: value,
)
@pytest.mark.parametrize(("age", "expected"), [(299, "degraded"), (300, "unhealthy")], ids=["before", "after"])
def test_judge_node_condition_is_degraded_until_its_duration(
    kind: str, status: str, code: str, age: int, expected: str
) -> None:
    ready = [] if kind == "Ready" else [a_condition("Ready", "True")]
    verdict = judge_node(a_node(a_condition(kind, status, age=age), *ready), NOW)
    assert (verdict.verdict, codes(verdict)) == (expected, [code])
    assert verdict.reasons[0].seconds_left == (1 if expected == "degraded" else None)


def test_judge_node_reason_carries_its_evidence_and_its_figures() -> None:
    reason = judge_node(a_node(a_condition("Ready", "Unknown", age=700, reason="NodeStatusUnknown")), NOW).reasons[0]
    assert reason.message == "Ready has been Unknown for 700 s (limit 300 s): NodeStatusUnknown"
    assert (reason.seconds, reason.since_at) == (700, NOW - timedelta(seconds=700))
    assert reason.evidence.object == "Node node-7"
    assert (reason.evidence.field, reason.evidence.value) == ("status.conditions[Ready].status", "Unknown")


def test_judge_node_degraded_reason_says_how_long_is_left() -> None:
    reason = judge_node(a_node(a_condition("Ready", "False", age=100)), NOW).reasons[0]
    assert reason.message == "Ready has been False for 100 s; in 200 s the node is unhealthy"


@pytest.mark.parametrize(
    ("age", "verdict", "expected"),
    [
        (150, "healthy", []),
        (151, "degraded", ["HeartbeatLate"]),
        (300, "degraded", ["HeartbeatLate"]),
        (301, "unhealthy", ["HeartbeatStale"]),
        (-60, "healthy", []),
    ],
    ids=["fresh", "late", "at_the_limit", "stale", "future"],
)
def test_judge_node_heartbeat_by_its_age(age: int, verdict: str, expected: list[str]) -> None:
    found = judge_node(a_node(heartbeat=ago(age)), NOW, handler=a_handler(ready=True))
    assert (found.verdict, codes(found), found.heartbeat_age_seconds) == (verdict, expected, age)


def test_judge_node_without_a_heartbeat_is_responsive_as_kubevirt_has_it() -> None:
    verdict = judge_node(a_node(heartbeat=None), NOW, handler=a_handler(ready=True))
    assert (verdict.verdict, verdict.heartbeat_age_seconds) == ("healthy", None)


@pytest.mark.parametrize(
    ("handler", "verdict", "expected"),
    [
        (None, "healthy", []),
        (a_handler(ready=False, age=59), "degraded", ["HandlerNotReady"]),
        (a_handler(ready=False, age=60), "unhealthy", ["HandlerNotReady"]),
        (a_handler(ready=False, age=-10), "degraded", ["HandlerNotReady"]),
        (a_handler(ready=False, age=None), "unknown", ["HandlerNotReady"]),
        (ABSENT, "degraded", ["HandlerMissing"]),
    ],
    ids=["not_looked_at", "restarting", "down", "future", "no_time", "absent"],
)
def test_judge_node_virt_handler_by_its_state(handler: HandlerState | None, verdict: str, expected: list[str]) -> None:
    found = judge_node(a_node(), NOW, handler=handler)
    assert (found.verdict, codes(found)) == (verdict, expected)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(100, {"ReadyFalse": "degraded", "HandlerNotReady": "degraded"}), (101, {"HandlerNotReady": "unhealthy"})],
    ids=["marked_with_the_node", "before_the_node"],
)
def test_judge_node_handler_marked_with_its_node_proves_nothing_more(age: int, expected: dict[str, str]) -> None:
    node = a_node(a_condition("Ready", "False", age=100))
    found = judge_node(node, NOW, handler=a_handler(ready=False, age=age))
    assert {reason.code: reason.verdict for reason in found.reasons} == {"ReadyFalse": "degraded", **expected}


@pytest.mark.parametrize(
    ("heartbeat", "expected"),
    [(ago(140), "degraded"), (ago(191), "degraded"), (ago(192), "unhealthy"), (None, "unhealthy"), ("?", "unknown")],
    ids=["recent", "just_before", "proven", "never", "unreadable"],
)
def test_judge_node_missing_virt_handler_is_proven_by_the_last_heartbeat(heartbeat: str | None, expected: str) -> None:
    found = judge_node(a_node(heartbeat=heartbeat), NOW, handler=ABSENT)
    reasons = {reason.code: reason.verdict for reason in found.reasons}
    assert reasons["HandlerMissing"] == expected


def test_judge_node_that_never_ran_virt_handler_does_not_miss_it() -> None:
    assert judge_node(a_node(heartbeat=None, schedulable=None), NOW, handler=ABSENT).verdict == "healthy"


@pytest.mark.parametrize("amount", [None, "0", 0], ids=["absent", "zero", "number"])
def test_judge_node_without_a_device_is_degraded_only_where_vms_may_go(amount: Any) -> None:
    allocatable = {**DEVICES, "devices.kubevirt.io/kvm": amount}
    found = judge_node(a_node(allocatable=allocatable), NOW)
    assert (found.verdict, codes(found)) == ("degraded", ["DeviceMissing"])
    assert found.reasons[0].evidence.field == "status.allocatable[devices.kubevirt.io/kvm]"
    assert "DeviceMissing" not in codes(judge_node(a_node(allocatable=allocatable, schedulable="false"), NOW))


def test_judge_node_marked_unschedulable_is_degraded_unless_cordoned() -> None:
    assert codes(judge_node(a_node(schedulable="false"), NOW)) == ["MarkedUnschedulable"]
    assert judge_node(a_node(schedulable="false", cordoned=True), NOW).verdict == "healthy"


@pytest.mark.parametrize(
    ("node", "code"),
    [
        (a_node(a_condition("MemoryPressure", "False")), "ReadyMissing"),
        (a_node(a_condition("Ready", "Perhaps")), "ReadyMissing"),
        (a_node({"type": "Ready", "status": "False"}), "ReadyFalse"),
        (a_node({"type": "Ready", "status": "False", "lastTransitionTime": "noon"}), "ReadyFalse"),
        (a_node(heartbeat="noon"), "ObjectMalformed"),
        (Node.from_object([]), "ObjectMalformed"),
    ],
    ids=["no_ready", "nonsense_status", "no_time", "nonsense_time", "nonsense_heartbeat", "no_object"],
)
def test_judge_node_unreadable_is_unknown_with_the_reason(node: Node, code: str) -> None:
    found = judge_node(node, NOW)
    assert found.verdict == "unknown"
    assert code in codes(found)


def test_judge_node_what_proves_it_unhealthy_outweighs_what_is_unreadable() -> None:
    found = judge_node(a_node(a_condition("Ready", "False", age=900), heartbeat="noon"), NOW)
    assert (found.verdict, codes(found)) == ("unhealthy", ["ReadyFalse", "ObjectMalformed"])


def test_judge_node_condition_in_the_future_has_held_for_nothing() -> None:
    reason = judge_node(a_node(a_condition("Ready", "False", age=-500)), NOW).reasons[0]
    assert (reason.verdict, reason.seconds, reason.seconds_left) == ("degraded", 0, 300)


def test_judge_node_own_conditions_replace_the_default() -> None:
    node = a_node(a_condition("Ready", "False", age=900), a_condition("KubeletStuck", "True", age=20))
    own = (UnhealthyCondition("KubeletStuck", "True", 10),)
    assert codes(judge_node(node, NOW, unhealthy_conditions=own)) == ["KubeletStuck"]


def test_judge_node_duration_zero_needs_no_time() -> None:
    node = a_node({"type": "Ready", "status": "False"})
    own = (UnhealthyCondition("Ready", "False", 0),)
    assert judge_node(node, NOW, unhealthy_conditions=own).verdict == "unhealthy"


AGES = st.none() | st.integers(-(10**6), 10**6)


@given(ready=st.sampled_from(["True", "False", "Unknown", "?"]), age=st.integers(-(10**6), 10**6), handler=AGES)
def test_judge_node_any_times_give_a_word_and_the_worst_reason_first(ready: str, age: int, handler: int | None) -> None:
    node = a_node(a_condition("Ready", ready, age=age), heartbeat=ago(-age))
    found = judge_node(node, NOW, handler=a_handler(ready=False, age=handler))
    ranks = [VERDICTS.index(reason.verdict) for reason in found.reasons]
    assert ranks == sorted(ranks)
    assert found.verdict == found.reasons[0].verdict


@given(earlier=st.integers(0, 10**5), later=st.integers(0, 10**5))
def test_judge_node_never_gets_better_by_waiting(earlier: int, later: int) -> None:
    node = a_node(a_condition("Ready", "False", age=0), heartbeat=ago(0))
    first, second = sorted((earlier, later))
    ranks = [VERDICTS.index(judge_node(node, NOW + timedelta(seconds=at)).verdict) for at in (first, second)]
    assert ranks[1] <= ranks[0]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (a_node(), None),
        (a_node(a_condition("Ready", "False", age=40)), 40),
        (a_node(a_condition("Ready", "Unknown", age=400), heartbeat=ago(900)), 400),
        (a_node(heartbeat=ago(300)), None),
        (a_node(heartbeat=ago(301)), 301),
        (a_node(heartbeat=None), None),
        (a_node({"type": "Ready", "status": "False"}, heartbeat=ago(70)), 70),
        (a_node({"type": "Ready", "status": "False"}, heartbeat=None), 0),
        (Node.from_object({}), None),
    ],
    ids=["up", "false", "ready_first", "late", "unresponsive", "no_heartbeat", "no_time", "no_time_at_all", "empty"],
)
def test_node_down_since_ready_first_then_the_heartbeat(node: Node, expected: int | None) -> None:
    assert node_down_since(node, NOW) == (None if expected is None else NOW - timedelta(seconds=expected))


def test_parse_unhealthy_conditions_reads_entries_and_defaults() -> None:
    given_entries = [{"type": "Ready", "status": "Unknown", "duration": "2m"}, {"type": "A", "status": "True"}]
    expected = (UnhealthyCondition("Ready", "Unknown", 120), UnhealthyCondition("A", "True", 300))
    assert parse_unhealthy_conditions(given_entries) == expected
    assert parse_unhealthy_conditions(None) == parse_unhealthy_conditions([]) == DEFAULT_UNHEALTHY


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Ready", "a list of entries"),
        (["Ready"], r"unhealthy_conditions\[0\]: an entry has type, status and duration"),
        ([{"type": "", "status": "True"}], r"unhealthy_conditions\[0\].type: '' is not the name"),
        ([{"type": "Ready", "status": "true"}], r"\[0\].status: 'true' is not one of True, False, Unknown"),
        ([{"type": "Ready", "status": "True", "duration": "-3s"}], r"\[0\].duration: '-3s' is not a duration"),
        ([{"type": "Ready", "status": "True", "durations": 3}], "and nothing else"),
    ],
    ids=["text", "entry", "type", "status", "duration", "misspelt"],
)
def test_parse_unhealthy_conditions_names_the_bad_entry(value: Any, message: str) -> None:
    with pytest.raises(NodeOptionError, match=message):
        parse_unhealthy_conditions(value)


@pytest.mark.parametrize(
    ("words", "min_healthy", "required", "allowed"),
    [
        (["healthy"] * 5 + ["unhealthy"], "51%", 4, True),
        (["healthy"] * 3 + ["unhealthy"] * 3, "51%", 4, False),
        (["healthy", "unhealthy"], 1, 1, True),
        (["healthy", "degraded"], "2", 2, False),
        (["healthy", "unknown", "healthy"], "66%", 2, True),
        (["healthy", "unknown", "healthy"], "67%", 3, False),
        (["unhealthy"], "0%", 0, True),
        (["healthy"], 3, 3, False),
        ([], 0, 0, False),
    ],
    ids=["storm_no", "storm", "count", "degraded", "round_down", "round_up", "zero", "too_few", "no_nodes"],
)
def test_judge_guard_counts_only_what_is_healthy(
    words: list[str], min_healthy: int | str, required: int, allowed: bool
) -> None:
    guard = judge_guard(words, min_healthy)
    assert (guard.required, guard.remediation_allowed, guard.total) == (required, allowed, len(words))


def test_judge_guard_reason_says_the_figures() -> None:
    guard = judge_guard(["healthy"] * 5 + ["unhealthy"], "51%")
    assert guard.reason == "5 of 6 nodes are healthy; at least 4 required: remediation is allowed."
    assert judge_guard([], "51%").reason == "No node was judged: remediation is not allowed."


def test_judge_guard_takes_verdicts_as_well_as_words() -> None:
    assert judge_guard([judge_node(a_node(), NOW)], 1).remediation_allowed


@given(percent=st.integers(0, 100), total=st.integers(1, 500))
def test_judge_guard_percentage_is_rounded_up(percent: int, total: int) -> None:
    required = judge_guard(["healthy"] * total, f"{percent}%").required
    assert required * 100 >= percent * total > (required - 1) * 100


@pytest.mark.parametrize("value", ["", "51 %", "-1", -1, "101%", 1.5, None, True, "half", "5%%", "٣"], ids=repr)
def test_judge_guard_bad_min_healthy_is_an_error_that_names_it(value: Any) -> None:
    with pytest.raises(NodeOptionError, match=r"min_healthy: .* is neither a count such as 2 nor a percentage"):
        judge_guard(["healthy"], value)
