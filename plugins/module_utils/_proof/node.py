# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape in which nodes stand in results: the same keys always, whatever is known.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import HandlerState, Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    format_quantity,
    parse_quantity,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Condition, shortened
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.requests import Amounts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    seconds_between,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import (
    VERDICTS,
    Guard,
    NodeReason,
    NodeVerdict,
)

__all__ = ["node_result", "resources_result", "runbook_result", "summary_result", "verdict_result"]

_BINARY = ("memory", "ephemeral-storage", "hugepages-")


def verdict_result(node: Node, *, verdict: NodeVerdict, handler: HandlerState | None, now: datetime) -> dict[str, Any]:
    """What one node object and virt-handler's state tell, judged: the filter's answer and the module's start."""
    return {
        "name": node.name,
        "verdict": verdict.verdict,
        "reasons": [_reason_result(reason) for reason in verdict.reasons],
        "conditions": [_condition_result(condition, now=now) for condition in node.conditions.values()],
        "cordoned": node.cordoned,
        "taints": [
            {
                "key": taint.key,
                "value": taint.value,
                "effect": taint.effect,
                "added_at": format_timestamp(taint.added_at),
            }
            for taint in node.taints
        ],
        "devices": node.devices,
        "virt_handler": _handler_result(handler),
        "heartbeat_age_seconds": verdict.heartbeat_age_seconds,
        "schedulable": node.schedulable,
        "cpu_models": list(node.cpu_models),
    }


def node_result(
    shown: Mapping[str, Any], *, node: Node, requested: Amounts | None, migrations: tuple[int, int] | None
) -> dict[str, Any]:
    """`shown` (of verdict_result) with the node's resources and the migrations to and from it.

    `requested` None: not summed, then `requested` and `free` are empty. `migrations` is (in, out).
    """
    incoming, outgoing = migrations if migrations is not None else (None, None)
    return {
        **shown,
        "allocatable": resources_result(node.allocatable),
        "requested": _amounts_result(requested or {}),
        "free": _amounts_result(_free(node, requested=requested)),
        "migrations": {"in": incoming, "out": outgoing},
    }


def _reason_result(reason: NodeReason) -> dict[str, Any]:
    evidence = reason.evidence
    return {
        "code": reason.code,
        "verdict": reason.verdict,
        "message": reason.message,
        "since_at": format_timestamp(reason.since_at),
        "seconds": reason.seconds,
        "seconds_left": reason.seconds_left,
        "evidence": [
            {
                "object": evidence.object,
                "field": evidence.field,
                "value": evidence.value,
                "at": format_timestamp(evidence.at),
            }
        ],
    }


def _condition_result(condition: Condition, *, now: datetime) -> dict[str, Any]:
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "since_at": format_timestamp(condition.changed_at),
        "seconds": seconds_between(condition.changed_at, now),
        "heartbeat_at": format_timestamp(condition.probed_at),
    }


def _handler_result(handler: HandlerState | None) -> dict[str, Any]:
    return {
        "present": None if handler is None else handler.present,
        "ready": None if handler is None else handler.ready,
        "since_at": format_timestamp(handler.since_at if handler else None),
        "pod": handler.pod if handler else "",
    }


def resources_result(quantities: Mapping[str, Any]) -> dict[str, Any]:
    """`api`: exactly as the API gives it; `numbers`: plain (cpu in cores), null where the quantity is unreadable."""
    return {
        "api": dict(quantities),
        "numbers": {name: _number(name, amount=_parsed(value)) for name, value in quantities.items()},
    }


def _amounts_result(amounts: Mapping[str, Fraction]) -> dict[str, Any]:
    found = dict(sorted(amounts.items()))
    return {
        "api": {name: format_quantity(amount, binary=name.startswith(_BINARY)) for name, amount in found.items()},
        "numbers": {name: _number(name, amount=amount) for name, amount in found.items()},
    }


def _number(name: str, *, amount: Fraction | None) -> int | float | None:
    if amount is None or (name != "cpu" and amount.denominator == 1):
        return None if amount is None else amount.numerator
    return float(amount)


def _parsed(value: Any) -> Fraction | None:
    try:
        return parse_quantity(value)
    except QuantityError:
        return None


def _free(node: Node, *, requested: Amounts | None) -> Amounts:
    """Allocatable less requested; a resource whose allocatable amount is unreadable is left out."""
    if requested is None:
        return {}
    amounts = {str(name): _parsed(value) for name, value in node.allocatable.items()}
    return {name: amount - requested.get(name, 0) for name, amount in amounts.items() if amount is not None}


def runbook_result(workers: Iterable[Any]) -> dict[str, list[Any]]:
    """The runbook's two outputs as data, `status.allocatable` and `status.conditions` of each worker as the API has it.

    `nodes` are the names in the same order.
    """
    status: Sequence[tuple[Any, Any]] = [
        (_step(worker, key="metadata"), _step(worker, key="status")) for worker in workers
    ]
    return {
        "nodes": [_step(metadata, key="name") or "" for metadata, _found in status],
        "allocatable": [_step(found, key="allocatable") or {} for _metadata, found in status],
        "conditions": [_shortened(_step(found, key="conditions") or []) for _metadata, found in status],
    }


def _shortened(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _shortened(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_shortened(one) for one in value]
    return shortened(value) if isinstance(value, str) else value


def _step(value: Any, *, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def summary_result(verdicts: Sequence[NodeVerdict], *, guard: Guard, min_healthy: str) -> dict[str, Any]:
    """How many nodes have which verdict, and whether the guard allows to act."""
    words = [verdict.verdict for verdict in verdicts]
    return {
        "total": guard.total,
        **{word: words.count(word) for word in reversed(VERDICTS)},
        "remediation_allowed": guard.remediation_allowed,
        "min_healthy": min_healthy,
        "required_healthy": guard.required,
        "text": guard.reason,
    }
