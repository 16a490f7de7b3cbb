# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's facts mean for live migrations: healthy, degraded, unhealthy or unknown, and why.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/node/node.go (a heartbeat older than 5 minutes: unresponsive; a node
without the annotation counts as responsive), pkg/virt-handler/heartbeat/heartbeat.go (a heartbeat every 60 to 132 s).
The default conditions and their durations are those of medik8s' NodeHealthCheck; the guard is its minHealthy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.duration import (
    DurationError,
    parse_duration_seconds,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import (
    DEVICE_PREFIX,
    HEARTBEAT,
    HEARTBEAT_PATH,
    LABEL_SCHEDULABLE,
    HandlerState,
    Node,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Condition, shortened
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import seconds_between
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Evidence

__all__ = [
    "DEFAULT_MIN_HEALTHY",
    "DEFAULT_UNHEALTHY",
    "DEGRADED",
    "HANDLER_LIMIT_SECONDS",
    "HEALTHY",
    "HEARTBEAT_LATE_SECONDS",
    "HEARTBEAT_LIMIT_SECONDS",
    "UNHEALTHY",
    "UNKNOWN",
    "VERDICTS",
    "Guard",
    "NodeOptionError",
    "NodeReason",
    "NodeVerdict",
    "UnhealthyCondition",
    "judge_gone",
    "judge_guard",
    "judge_node",
    "node_down_since",
    "parse_unhealthy_conditions",
]

HEALTHY = "healthy"
DEGRADED = "degraded"
UNHEALTHY = "unhealthy"
UNKNOWN = "unknown"
VERDICTS = (UNHEALTHY, UNKNOWN, DEGRADED, HEALTHY)  # worst first

HEARTBEAT_LIMIT_SECONDS = 300
HEARTBEAT_LATE_SECONDS = 150
HANDLER_LIMIT_SECONDS = 60
# A heartbeat comes at least this often while virt-handler lives.
HEARTBEAT_GAP_SECONDS = 132
DEFAULT_MIN_HEALTHY = "51%"

_STATUSES = ("True", "False", "Unknown")
_TYPE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_./-]{0,314}[A-Za-z0-9])?", re.ASCII)


class NodeOptionError(WrongInput):
    """An option of the node health check that has no meaning; the text says which, and what is accepted."""


@dataclass(frozen=True)
class UnhealthyCondition:
    """A condition that makes a node unhealthy once it has held for `seconds`."""

    type: str
    status: str
    seconds: int


DEFAULT_UNHEALTHY = (
    UnhealthyCondition("Ready", "False", 300),
    UnhealthyCondition("Ready", "Unknown", 300),
    UnhealthyCondition("MemoryPressure", "True", 300),
    UnhealthyCondition("DiskPressure", "True", 300),
    UnhealthyCondition("PIDPressure", "True", 300),
    UnhealthyCondition("NetworkUnavailable", "True", 300),
)


@dataclass(frozen=True)
class NodeReason:
    """One reason for a verdict. `verdict` is what it alone would make of the node.

    `seconds` is how long it has held, None where that is not known; `seconds_left` is the time until it makes the node
    unhealthy, None where time does not do that.
    """

    code: str
    verdict: str
    message: str
    evidence: Evidence
    since_at: datetime | None = None
    seconds: int | None = None
    seconds_left: int | None = None


@dataclass(frozen=True)
class NodeVerdict:
    """The verdict on one node, with its reasons, worst first. `heartbeat_age_seconds` is None without a heartbeat."""

    name: str
    verdict: str
    reasons: tuple[NodeReason, ...]
    heartbeat_age_seconds: int | None


def judge_gone(name: str, /) -> NodeVerdict:
    """The verdict on a node that migrations name and that is not there any more."""
    evidence = Evidence(f"Node {name}", "metadata.name", "there is no such object")
    reason = NodeReason("NodeGone", UNHEALTHY, "There is no such Node object any more", evidence)
    return NodeVerdict(name, UNHEALTHY, (reason,), None)


def judge_node(
    node: Node,
    now: datetime,
    /,
    *,
    handler: HandlerState | None = None,
    unhealthy_conditions: Sequence[UnhealthyCondition] = DEFAULT_UNHEALTHY,
) -> NodeVerdict:
    """The verdict on `node` at `now`. `handler` None: virt-handler was not looked at, so it counts neither way.

    Cordon and taints are somebody's decision, no illness: they are no reason. What is unreadable makes the node
    `unknown` unless something else proves it unhealthy.
    """
    found = [
        *_malformed_reasons(node),
        *_condition_reasons(node, now=now, rules=unhealthy_conditions),
        *_handler_reasons(node, now=now, handler=handler),
        *_heartbeat_reasons(node, now=now),
        *_device_reasons(node),
        *_label_reasons(node),
    ]
    reasons = tuple(sorted(found, key=lambda reason: VERDICTS.index(reason.verdict)))
    return NodeVerdict(
        name=node.name,
        verdict=reasons[0].verdict if reasons else HEALTHY,
        reasons=reasons,
        heartbeat_age_seconds=seconds_between(node.heartbeat_at, now),
    )


def _malformed_reasons(node: Node) -> Iterator[NodeReason]:
    for problem in node.problems:
        evidence = Evidence(object=node.label, field=problem.partition(" is not ")[0], value=problem)
        yield NodeReason("ObjectMalformed", UNKNOWN, f"The node object cannot be read: {problem}", evidence)
    ready = node.conditions.get("Ready")
    if ready is None or ready.status not in _STATUSES:
        status = "" if ready is None else ready.status
        evidence = Evidence(object=node.label, field="status.conditions[Ready].status", value=status)
        yield NodeReason("ReadyMissing", UNKNOWN, "The node has no readable Ready condition", evidence)


def _condition_reasons(node: Node, *, now: datetime, rules: Sequence[UnhealthyCondition]) -> Iterator[NodeReason]:
    for rule in rules:
        condition = node.conditions.get(rule.type)
        if condition is not None and condition.status == rule.status:
            yield _condition_reason(node, condition=condition, now=now, rule=rule)


def _condition_reason(node: Node, *, condition: Condition, now: datetime, rule: UnhealthyCondition) -> NodeReason:
    since, age = condition.changed_at, seconds_between(condition.changed_at, now)
    held = None if age is None else max(0, age)
    state = f"{rule.type} has been {rule.status}"
    why = f": {condition.reason}" if condition.reason else ""
    if rule.seconds == 0 or (held is not None and held >= rule.seconds):
        verdict, text = UNHEALTHY, f"{state}{'' if held is None else f' for {held} s'} (limit {rule.seconds} s){why}"
    elif held is None:
        verdict, text = UNKNOWN, f"{state} since a time that cannot be read (limit {rule.seconds} s){why}"
    else:
        verdict, text = DEGRADED, f"{state} for {held} s; in {rule.seconds - held} s the node is unhealthy{why}"
    return NodeReason(
        code=rule.type if rule.status == "True" else rule.type + rule.status,
        verdict=verdict,
        message=text,
        evidence=Evidence(node.label, f"status.conditions[{rule.type}].status", condition.status, since),
        since_at=since,
        seconds=held,
        seconds_left=rule.seconds - held if verdict == DEGRADED and held is not None else None,
    )


def _handler_reasons(node: Node, *, now: datetime, handler: HandlerState | None) -> Iterator[NodeReason]:
    if handler is None or handler.ready:
        return
    if handler.present:
        yield _handler_not_ready(node, now=now, handler=handler)
    elif node.is_virtualization_node:
        yield _handler_missing(node, now=now)


def _handler_not_ready(node: Node, *, now: datetime, handler: HandlerState) -> NodeReason:
    age = seconds_between(handler.since_at, now)
    held = None if age is None else max(0, age)
    left = None
    state = f"virt-handler ({handler.pod}) has not been Ready"
    if _follows_from_kubelet(node, handler=handler):
        verdict, text = DEGRADED, f"{state} for {held} s, as the node itself is not Ready"
    elif held is None:
        verdict, text = UNKNOWN, f"{state} since a time that cannot be read (limit {HANDLER_LIMIT_SECONDS} s)"
    elif held >= HANDLER_LIMIT_SECONDS:
        verdict, text = UNHEALTHY, f"{state} for {held} s (limit {HANDLER_LIMIT_SECONDS} s)"
    else:
        verdict, left = DEGRADED, HANDLER_LIMIT_SECONDS - held
        text = f"{state} for {held} s; in {left} s the node is unhealthy"
    return NodeReason(
        code="HandlerNotReady",
        verdict=verdict,
        message=text,
        evidence=Evidence(
            f"Pod {handler.pod} on {node.name}", "status.conditions[Ready].status", "False", handler.since_at
        ),
        since_at=handler.since_at,
        seconds=held,
        seconds_left=left,
    )


def _follows_from_kubelet(node: Node, *, handler: HandlerState) -> bool:
    """Whether the pod counts as not ready only because its node does.

    Kubernetes' node lifecycle controller marks every pod of a silent kubelet so. virt-handler may well be alive then:
    the Ready condition and the heartbeat decide.
    """
    ready = node.conditions.get("Ready")
    if ready is None or ready.status == "True" or ready.changed_at is None or handler.since_at is None:
        return False
    return handler.since_at >= ready.changed_at


def _handler_missing(node: Node, *, now: datetime) -> NodeReason:
    """No pod tells since when there is none; the last heartbeat does, up to the time between two of them."""
    age = seconds_between(node.heartbeat_at, now)
    gone = None if age is None else age - HEARTBEAT_GAP_SECONDS
    if gone is None and HEARTBEAT in node.annotations:
        verdict, text = UNKNOWN, "its last heartbeat cannot be read"
    elif gone is None:
        verdict, text = UNHEALTHY, "it has never sent a heartbeat"
    else:
        verdict = UNHEALTHY if gone >= HANDLER_LIMIT_SECONDS else DEGRADED
        text = f"its last heartbeat is {age} s old"
    left = None if gone is None or verdict != DEGRADED else HANDLER_LIMIT_SECONDS - gone
    return NodeReason(
        code="HandlerMissing",
        verdict=verdict,
        message=f"No virt-handler pod runs on the node, and {text}",
        evidence=_heartbeat(node),
        since_at=None,
        seconds_left=left,
    )


def _heartbeat(node: Node) -> Evidence:
    return Evidence(node.label, HEARTBEAT_PATH, shortened(node.annotations.get(HEARTBEAT, "")), node.heartbeat_at)


def _heartbeat_reasons(node: Node, *, now: datetime) -> Iterator[NodeReason]:
    age = seconds_between(node.heartbeat_at, now)
    if age is None or age <= HEARTBEAT_LATE_SECONDS:
        return
    stale = age > HEARTBEAT_LIMIT_SECONDS
    due = "" if stale else f"; one is due every 60 to {HEARTBEAT_GAP_SECONDS} s"
    yield NodeReason(
        code="HeartbeatStale" if stale else "HeartbeatLate",
        verdict=UNHEALTHY if stale else DEGRADED,
        message=f"The last heartbeat of virt-handler is {age} s old (limit {HEARTBEAT_LIMIT_SECONDS} s){due}",
        evidence=_heartbeat(node),
        since_at=node.heartbeat_at,
        seconds=age,
        seconds_left=None if stale else HEARTBEAT_LIMIT_SECONDS + 1 - age,
    )


def _device_reasons(node: Node) -> Iterator[NodeReason]:
    if node.schedulable is not True:
        return
    missing = [name for name, amount in node.devices.items() if not amount]
    for name in missing:
        path = f"status.allocatable[{DEVICE_PREFIX}{name}]"
        value = str(node.allocatable.get(DEVICE_PREFIX + name, ""))
        text = f"The node is marked schedulable for VMs but offers no {DEVICE_PREFIX}{name} device"
        yield NodeReason("DeviceMissing", DEGRADED, text, Evidence(node.label, path, value))


def _label_reasons(node: Node) -> Iterator[NodeReason]:
    if node.schedulable is False and not node.cordoned:
        text = "KubeVirt has marked the node as not schedulable for VMs, and nobody has cordoned it"
        value = node.labels[LABEL_SCHEDULABLE]
        evidence = Evidence(node.label, f"metadata.labels[{LABEL_SCHEDULABLE}]", value)
        yield NodeReason("MarkedUnschedulable", DEGRADED, text, evidence)


def node_down_since(node: Node, now: datetime, /) -> datetime | None:
    """Since when the node is down, or None where it is not: Ready is not True, or KubeVirt calls it unresponsive.

    Where the transition time is unreadable the newest sign of life counts: the kubelet's, then virt-handler's. A node
    without a Ready condition is not called down for that.
    """
    ready = node.conditions.get("Ready")
    if ready is not None and ready.status in ("False", "Unknown"):
        return ready.changed_at or ready.probed_at or node.heartbeat_at or now
    age = seconds_between(node.heartbeat_at, now)
    return node.heartbeat_at if age is not None and age > HEARTBEAT_LIMIT_SECONDS else None


def parse_unhealthy_conditions(value: Any) -> tuple[UnhealthyCondition, ...]:
    """The option `unhealthy_conditions`: a list of type, status, duration; the default where it is None or empty.

    Raises NodeOptionError naming the entry that has no meaning.
    """
    if not value:
        return DEFAULT_UNHEALTHY
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise NodeOptionError("unhealthy_conditions: a list of entries with type, status and duration is accepted")
    return tuple(_parse_condition(entry, place=f"unhealthy_conditions[{at}]") for at, entry in enumerate(value))


def _parse_condition(entry: Any, *, place: str) -> UnhealthyCondition:
    if not isinstance(entry, Mapping) or set(entry) - {"type", "status", "duration"}:
        raise NodeOptionError(f"{place}: an entry has type, status and duration, and nothing else")
    kind, status = entry.get("type"), entry.get("status")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise NodeOptionError(f"{place}.type: {kind!r} is not the name of a condition")
    if status not in _STATUSES:
        raise NodeOptionError(f"{place}.status: {status!r} is not one of {', '.join(_STATUSES)}")
    duration = entry.get("duration")
    try:
        seconds = 300 if duration is None else parse_duration_seconds(duration)
    except DurationError as error:
        raise NodeOptionError(f"{place}.duration: {error}") from error
    return UnhealthyCondition(type=kind, status=str(status), seconds=seconds)


@dataclass(frozen=True)
class Guard:
    """Whether so many nodes are healthy that one may act on the others. `reason` is one sentence with the figures."""

    remediation_allowed: bool
    reason: str
    healthy: int
    total: int
    required: int


def judge_guard(verdicts: Iterable[NodeVerdict | str], min_healthy: int | str = DEFAULT_MIN_HEALTHY, /) -> Guard:
    """The guard over `verdicts` (or their words). `min_healthy` is a count or a percentage, which is rounded up.

    Only `healthy` counts: what is degraded or unknown may be the begin of a storm. Without a single node nothing is
    allowed. Raises NodeOptionError for a bad `min_healthy`.
    """
    words = [verdict if isinstance(verdict, str) else verdict.verdict for verdict in verdicts]
    total, healthy = len(words), words.count(HEALTHY)
    required = _required(min_healthy, total=total)
    allowed = total > 0 and healthy >= required
    if total == 0:
        reason = "No node was judged: remediation is not allowed."
    else:
        nodes = "node is" if total == 1 else "nodes are"
        outcome = "allowed" if allowed else "not allowed"
        reason = f"{healthy} of {total} {nodes} healthy; at least {required} required: remediation is {outcome}."
    return Guard(remediation_allowed=allowed, reason=reason, healthy=healthy, total=total, required=required)


def _required(min_healthy: Any, *, total: int) -> int:
    text = str(min_healthy) if isinstance(min_healthy, int) and not isinstance(min_healthy, bool) else min_healthy
    match = re.fullmatch(r"([0-9]{1,9})(%?)", text, re.ASCII) if isinstance(text, str) else None
    if match is None or (match[2] and int(match[1]) > 100):
        raise NodeOptionError(
            f'min_healthy: {min_healthy!r} is neither a count such as 2 nor a percentage from "0%" to "100%"'
        )
    number = int(match[1])
    return -(-number * total // 100) if match[2] else number
