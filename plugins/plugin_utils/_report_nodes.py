# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of node_health_info, read for a report.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    as_bool,
    as_int,
    as_list,
    as_map,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import visible
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import NODE_VERDICTS, duration

__all__ = ["read_nodes"]

_RANKS = {verdict: rank for rank, verdict in enumerate(NODE_VERDICTS)}


def read_nodes(given: Mapping[str, Any] | None) -> tuple[tuple[Node, ...] | None, str]:
    """(nodes worst first, one sentence on all of them). (None, why) where the nodes were not or could not be read."""
    if given is None:
        return None, "The nodes were not looked at."
    if given.get("failed") is True or as_list(given.get("nodes")) is None:
        return None, f"The nodes could not be read. {visible(given.get('msg'))}".strip()
    nodes = sorted((_node(entry) for entry in as_list(given.get("nodes")) or ()), key=_rank)
    return tuple(nodes), visible((as_map(given.get("summary")) or {}).get("text"))


def _rank(node: Node) -> tuple[int, str]:
    return _RANKS.get(node.verdict, _RANKS["unknown"]), node.name


def _node(entry: Any) -> Node:
    given = as_map(entry) or {}
    return Node(
        name=visible(given.get("name")) or "?",
        verdict=visible(given.get("verdict")) or "unknown",
        reasons=tuple(filter(None, (_reason(reason) for reason in as_list(given.get("reasons")) or ()))),
        taints=tuple(_taint(as_map(taint) or {}) for taint in as_list(given.get("taints")) or ()),
        cordoned=as_bool(given.get("cordoned")) is True,
        facts=tuple(_facts(given)),
    )


def _reason(entry: Any) -> str:
    given = as_map(entry)
    return visible(entry) if given is None else visible(given.get("message")) or visible(given.get("code"))


def _facts(given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    moved = as_map(given.get("migrations")) or {}
    yield "in / out", f"{_number(moved.get('in'))} / {_number(moved.get('out'))}"
    yield "virt-handler", _virt_handler(as_map(given.get("virt_handler")) or {})
    yield "heartbeat", _ago(given.get("heartbeat_age_seconds"))
    yield "CPU free", _amount(given, resource="cpu", unit=1)
    yield "memory free, GiB", _amount(given, resource="memory", unit=1024**3)


def _number(value: Any) -> str:
    number = as_int(value)
    return "?" if number is None else str(number)


def _ago(value: Any) -> str:
    seconds = as_int(value)
    return "?" if seconds is None else f"{duration(seconds)} ago"


def _virt_handler(given: Mapping[str, Any]) -> str:
    if as_bool(given.get("present")) is False:
        return "absent"
    return {True: "ready", False: "not ready"}.get(as_bool(given.get("ready")), "?")  # type: ignore[arg-type]


def _taint(given: Mapping[str, Any]) -> str:
    value = visible(given.get("value"))
    return f"{visible(given.get('key'))}{'=' + value if value else ''}:{visible(given.get('effect'))}"


def _amount(given: Mapping[str, Any], *, resource: str, unit: int) -> str:
    """`5.5 of 8`; `? of 8` where the pods' requests were not summed."""
    free, whole = (_quantity(given.get(key), resource=resource, unit=unit) for key in ("free", "allocatable"))
    return f"{free} of {whole}" if (free, whole) != ("?", "?") else "?"


def _quantity(value: Any, *, resource: str, unit: int) -> str:
    number = (as_map((as_map(value) or {}).get("numbers")) or {}).get(resource)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) < 2**63:
        return "?"
    return f"{number / unit:.1f}".removesuffix(".0")
