# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes on the two nodes: the node itself, and virt-handler on it.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/node/node.go (a heartbeat is too old after 5 minutes); which side
must act in which phase: pkg/virt-handler/migration-source.go and migration-target.go.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import node as node_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import state
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap

__all__ = [
    "find_source_handler_down",
    "find_source_node_down",
    "find_target_handler_down",
    "find_target_is_source_node",
    "find_target_node_down",
]

# "Its duration": the one node health uses for Ready, and KubeVirt's own limit for a heartbeat.
DOWN_SECONDS = 300
HEARTBEAT_SECONDS = 300


def find_source_node_down(case: Case) -> Cause | Gap | None:
    """The node that the VM runs on is not Ready for 300 s, or its Node object is gone."""
    return _node_down(case, "SourceNodeDown", node=case.source_node, pod=case.source_pod, role="source")


def find_target_node_down(case: Case) -> Cause | Gap | None:
    """The node that the VM moves to is not Ready for 300 s, or its Node object is gone."""
    return _node_down(case, "TargetNodeDown", node=case.target_node, pod=case.target_pod, role="target")


def _node_down(case: Case, code: str, *, node: str, pod: Pod | None, role: str) -> Cause | Gap | None:
    # A node of another cluster has no object here, or another one's of the same name.
    if not node or case.migration.other_side == role:
        return None
    if node not in case.snapshot.nodes:
        return None if _alive_by_pods(case, node=node, pod=pod) else Gap(code, case.snapshot.unseen_for("nodes"))
    found = case.snapshot.nodes[node]
    if found is None:
        seen = Evidence(f"Node {node}", "metadata.name", "there is no such Node object")
        return _down(case, code, f"The {role} node {node} does not exist any more.", None, seen, node)
    ready = found.conditions.get("Ready")
    if ready is None or ready.status not in ("True", "False", "Unknown"):
        return None if _alive_by_pods(case, node=node, pod=pod) else Gap(code, (), why=f"Node {node} has no Ready")
    if ready.status == "True":
        return None
    if ready.changed_at is None:
        return Gap(code, (), why=f"Node {node} does not say since when it is not Ready")
    seconds = int((case.now - ready.changed_at).total_seconds())
    if seconds <= DOWN_SECONDS:
        return None
    seen = Evidence(f"Node {node}", "status.conditions[Ready].status", ready.status, ready.changed_at)
    said = f" ({ready.reason})" if ready.reason else ""
    summary = f"The {role} node {node} has not been ready for {seconds} s: Ready is {ready.status}{said}."
    return _down(case, code, summary, ready.changed_at, seen, node)


def _down(case: Case, code: str, summary: str, since: datetime | None, seen: Evidence, node: str) -> Cause:
    holds = case.later(since, case.migration.meta.created_at)
    return Cause(code, summary, "no", holds, (seen,), names={"node": node})


def _alive_by_pods(case: Case, *, node: str, pod: Pod | None) -> bool:
    """The node lifecycle controller takes Ready from every pod of a node that falls silent: a pod that is Ready
    there shows that the node is not down, also to those who may not read nodes."""
    handler = case.handler(node)
    if handler is not None and handler.ready and not handler.problems:
        return True
    return pod is not None and pod.node == node and pod.is_ready is True


def find_target_handler_down(case: Case) -> Cause | Gap | None:
    """PreparingTarget: the target's virt-handler must act, and none is Ready there (or its heartbeat is old)."""
    if case.migration.phase != "PreparingTarget":
        return None
    return _handler_down(case, "TargetHandlerDown", node=case.target_node, role="target")


def find_source_handler_down(case: Case) -> Cause | Gap | None:
    """TargetReady and Running: the source's virt-handler must act or report, and none is Ready there."""
    if case.migration.phase not in ("TargetReady", "Running"):
        return None
    return _handler_down(case, "SourceHandlerDown", node=case.source_node, role="source")


def _handler_down(case: Case, code: str, *, node: str, role: str) -> Cause | Gap | None:
    if case.migration.other_side == role:
        return None
    handler = case.handler(node)
    if not node or handler is None:
        rules = case.snapshot.unseen_for("handlers") or case.snapshot.unseen_for("kubevirt")
        if rules:
            return Gap(code, rules)
        return Gap(code, (), why=case.why_no_place) if node and case.why_no_place else None
    found = case.node(node)
    problems = handler.problems or (tuple(f"{found.label}: {one}" for one in found.problems) if found else ())
    if problems:
        return Gap(code, (), why=problems[0])
    beat = found.heartbeat_at if found else None
    old = beat is not None and case.now - beat > timedelta(seconds=HEARTBEAT_SECONDS)
    if handler.ready and not old:
        return None
    since = handler.since_at if not handler.ready else beat
    seen = [_handler_evidence(case, handler, node)]
    if beat is not None:
        seen.append(Evidence(f"Node {node}", node_facts.HEARTBEAT_PATH, format_timestamp(beat), beat))
    summary = f"virt-handler on the {role} node {node} {_state(handler)}" + (
        f"; its last heartbeat was {int((case.now - beat).total_seconds())} s ago" if beat else ""
    )
    holds = case.later(since or beat, case.migration.phase_since)
    names = {"node": node, "pod": handler.pod, **_namespace(case)}
    return Cause(code, summary + ".", "no", holds, tuple(seen), names=names)


def _state(handler: node_facts.HandlerState) -> str:
    if not handler.present:
        return "is not there"
    return "is Ready, but has stopped working" if handler.ready else "is not Ready"


def _handler_evidence(case: Case, handler: node_facts.HandlerState, node: str, /) -> Evidence:
    if not handler.present:
        return Evidence(f"Node {node}", "pods with label kubevirt.io=virt-handler", "none", handler.since_at)
    place = "/".join([*_namespace(case).values(), handler.pod])
    return Evidence(f"Pod {place}", "status.conditions[Ready].status", str(handler.ready), handler.since_at)


def _namespace(case: Case) -> dict[str, str]:
    kubevirt = case.snapshot.kubevirt
    return {"namespace": kubevirt.meta.namespace} if kubevirt else {}


def find_target_is_source_node(case: Case) -> Cause | Gap | None:
    """Source and target are one node: the target's virt-handler then never prepares it (KubeVirt issue 18946)."""
    handed = case.state
    if case.migration.phase != "PreparingTarget" or handed is None or not handed.source_node:
        return None
    if handed.source_node != handed.target_node or case.migration.other_side:
        return None
    paths = state.StateFields("VirtualMachineInstance")
    seen = (
        Evidence(case.vmi_name, paths.source_node.path, handed.source_node),
        Evidence(case.vmi_name, paths.target_node.path, handed.target_node),
    )
    summary = f"Source and target are the same node, {handed.source_node}: the target is never prepared."
    names = {"node": handed.target_node}
    return Cause("TargetIsSourceNode", summary, "no", case.migration.phase_since, seen, names=names)
