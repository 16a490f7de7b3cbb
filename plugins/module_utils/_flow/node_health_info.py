# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_health_info: read the nodes, judge them, say whether one may act on the sick ones.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_client import CaptureClient
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.node_reads import (
    NodeReading,
    NodeScope,
    Objects,
    read_nodes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import (
    HandlerState,
    Node,
    handler_state,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import NODE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.requests import node_requests
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.node_migrations import (
    NodeMoves,
    count_moves,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.node import (
    node_result,
    runbook_result,
    summary_result,
    verdict_result,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import (
    DEFAULT_MIN_HEALTHY,
    VERDICTS,
    NodeVerdict,
    UnhealthyCondition,
    judge_gone,
    judge_guard,
    judge_node,
    parse_unhealthy_conditions,
)

__all__ = ["run"]


def run(client: Client, params: Mapping[str, Any], _clock: Clock, /) -> dict[str, Any]:
    """The result of node_health_info for the module's `params`; ages are by the cluster's time, not by a clock here.

    Raises WrongInput for an option without meaning (before any request) and for a node that does not exist,
    ClusterError where nodes could not be read.
    """
    rules, min_healthy = _options(params)
    look = _Look.of(read_nodes(client, _scope(params, is_capture=isinstance(client, CaptureClient))))
    judged = [look.judge(obj, rules=rules) for obj in look.reading.nodes]
    judged += [(Node.from_object({"metadata": {"name": name}}), judge_gone(name)) for name in look.reading.gone]
    verdicts = [verdict for _node, verdict in judged]
    return {
        "changed": False,
        "read_at": format_timestamp(look.reading.read_at),
        "nodes": [look.show(node, verdict=verdict) for node, verdict in sorted(judged, key=_worst_first)],
        "runbook": runbook_result(look.reading.workers),
        "summary": summary_result(verdicts, guard=judge_guard(verdicts, min_healthy), min_healthy=min_healthy),
        "coverage": look.reading.coverage.to_result(),
        "plan": [],
        "refused": False,
        "refusals": [],
        "diff": {},
        "notes": list(look.reading.notes),
    }


def _options(params: Mapping[str, Any]) -> tuple[tuple[UnhealthyCondition, ...], str]:
    given = params.get("min_healthy")
    min_healthy = DEFAULT_MIN_HEALTHY if given is None else str(given)
    judge_guard((), min_healthy)
    return parse_unhealthy_conditions(params.get("unhealthy_conditions")), min_healthy


def _scope(params: Mapping[str, Any], *, is_capture: bool) -> NodeScope:
    names = tuple(params.get("nodes") or ())
    if any(not isinstance(name, str) or name.strip() in ("", ".", "..") for name in names):
        raise WrongInput(f"nodes: {list(names)!r} holds an entry that is no node's name.")
    wanted = params.get("requested")
    return NodeScope(
        names=names,
        maybe_gone=tuple(params.get("maybe_gone") or ()),
        label_selector=params.get("label_selector") or "",
        # No capture has all pods of a node: who asks nevertheless is told so.
        requested=bool(names) and not is_capture if wanted is None else bool(wanted),
    )


def _worst_first(judged: tuple[Node, NodeVerdict]) -> tuple[int, str]:
    return VERDICTS.index(judged[1].verdict), judged[0].name


@dataclass(frozen=True)
class _Look:
    """One reading, ordered by node once, so that a thousand nodes do not search each other's pods."""

    reading: NodeReading
    handlers: Mapping[str, Objects] | None
    moves: NodeMoves | None

    @classmethod
    def of(cls, reading: NodeReading) -> _Look:
        return cls(
            reading=reading,
            handlers=None if reading.handlers is None else _by_node(reading.handlers),
            moves=None if reading.vmis is None else count_moves(reading.vmis),
        )

    def handler(self, node: str) -> HandlerState | None:
        return None if self.handlers is None else handler_state(self.handlers.get(node, ()), node)

    def judge(self, obj: Any, *, rules: tuple[UnhealthyCondition, ...]) -> tuple[Node, NodeVerdict]:
        node = Node.from_object(obj)
        handler = self.handler(node.name)
        return node, judge_node(node, self.reading.read_at, handler=handler, unhealthy_conditions=rules)

    def show(self, node: Node, *, verdict: NodeVerdict) -> dict[str, Any]:
        read = None if node.name in self.reading.gone else self.reading.pods
        pods = None if read is None else read.get(node.name, ())
        return node_result(
            verdict_result(node, verdict=verdict, handler=self.handler(node.name), now=self.reading.read_at),
            node=node,
            requested=None if pods is None else node_requests(pods),
            migrations=None if self.moves is None else self.moves.at(node.name),
        )


def _by_node(pods: Objects) -> dict[str, Objects]:
    found: dict[str, Objects] = {}
    for pod in pods:
        name = str(NODE.read(pod) or "")
        found[name] = (*found.get(name, ()), pod)
    return found
