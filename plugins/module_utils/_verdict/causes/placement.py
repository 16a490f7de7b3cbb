# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes for which no node takes the target pod, read from the placement of that pod.

This module is private to the collection and may change without notice.

A cause is certain where the objects prove it: some node is kept from the pod by this alone, all else about it being
known; or every node that is there for VMs is kept from it by this among other things. It is likely where nothing else
is known against a node, but not everything about it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    pod as pod_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Condition
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import (
    HOLD_SECONDS,
    Cause,
    Evidence,
    Gap,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import Placement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement_rules import (
    CLOSED_CODES,
    CPU_CODES,
    NOT_JUDGED,
    RESOURCE_CODES,
    Exclusion,
)

__all__ = ["find_cpu_model_mismatch", "find_insufficient_node_resources", "find_nodes_closed", "of_case"]

# Nodes that are not there for this VM whatever happens: the VM runs there, or no VM ever does.
_ELSEWHERE = ("VMRunsHere", "NoVirtHandler", "Excluded")
_ROLE_TAINT = "node-role.kubernetes.io/"
_MOST_NAMED = 3
_MOST_EVIDENCE = 10


@dataclass(frozen=True)
class _Obstacle:
    """What keeps `nodes` from the pod, by node the reasons of the kind that was asked for.

    `is_everywhere`: these are all nodes that are there for VMs, and they may have other reasons too.
    """

    nodes: dict[str, tuple[Exclusion, ...]]
    confidence: str
    is_everywhere: bool = False


def of_case(
    code: str,
    find: Callable[[Pod, Placement], Cause | None],
    /,
    *,
    needs_pods: bool = False,
    time_cures: str = "no",
) -> Callable[[Case], Cause | Gap | None]:
    """`find` for the target pod of a case; a gap where the nodes, or (`needs_pods`) the pods on them, may not be read
    and the pod has been refused for long enough. `time_cures` is what `find` says of its cause. Nothing is said where
    nobody asked for the placement."""

    @wraps(find)
    def found(case: Case) -> Cause | Gap | None:
        pod, placement = case.target_pod, case.placement
        scheduled = _unschedulable(pod) if pod is not None else None
        if pod is None or scheduled is None or case.migration.phase not in ("Pending", "Scheduling"):
            return None
        cause = find(pod, placement) if placement is not None else None
        if cause is not None or not _is_refused_for_long(scheduled, case=case):
            return cause
        topics = ["placement/nodes", *(["placement/pods"] if needs_pods else [])]
        rules = tuple(rule for topic in topics for rule in case.snapshot.unseen_for(topic))
        return Gap(code, rules, HOLD_SECONDS[time_cures]) if rules else None

    return found


def _is_refused_for_long(scheduled: Condition, *, case: Case) -> bool:
    since = scheduled.changed_at
    return since is not None and (case.now - since).total_seconds() >= HOLD_SECONDS["no"]


def find_cpu_model_mismatch(pod: Pod, placement: Placement, /) -> Cause | None:
    """The nodes lack the labels of the CPU that the VM sees: model, features, vendor or TSC frequency."""
    leads = (
        "No other node for VMs has the CPU that the VM needs",
        "Nodes that fit else lack the CPU that the VM needs",
    )
    return _cause("CPUModelMismatch", CPU_CODES, pod, placement, time_cures="no", leads=leads)


def find_insufficient_node_resources(pod: Pod, placement: Placement, /) -> Cause | None:
    """The nodes that fit have not enough memory, cpu, hugepages, devices or places for pods left."""
    leads = ("No other node for VMs has room for the target pod", "Nodes that fit have no room for the target pod")
    return _cause("InsufficientNodeResources", RESOURCE_CODES, pod, placement, time_cures="maybe", leads=leads)


def find_nodes_closed(pod: Pod, placement: Placement, /) -> Cause | None:
    """Nodes that fit are cordoned, tainted or marked as not schedulable for VMs.

    A taint that gives a node its role (control plane) is how the cluster is meant to be, and no cause.
    """
    leads = ("Every other node for VMs is closed", "Nodes that fit the target pod are closed")
    return _cause("NodesClosed", CLOSED_CODES, pod, placement, time_cures="no", leads=leads)


def _cause(
    code: str, codes: Sequence[str], pod: Pod, placement: Placement, /, *, time_cures: str, leads: tuple[str, str]
) -> Cause | None:
    """`leads`: how its summary begins where it holds for every node, and where it is all that some nodes have."""
    scheduled = _unschedulable(pod)
    obstacle = _obstacle(placement, codes) if scheduled is not None else None
    if scheduled is None or obstacle is None:
        return None
    path = f"{pod_facts.CONDITIONS.list.path}[PodScheduled].message"
    seen = [Evidence(pod.label, path, scheduled.message, scheduled.changed_at)]
    found = [one for some in obstacle.nodes.values() for one in some]
    seen += [Evidence(f"Node {one.node}", one.field, one.value) for one in found if one.field]
    since = scheduled.changed_at or pod.meta.created_at
    names = {"pod": pod.meta.name, "namespace": pod.meta.namespace, "node": next(iter(obstacle.nodes))}
    names |= _cordoned(placement)
    return Cause(
        code,
        f"{leads[0] if obstacle.is_everywhere else leads[1]}: {_named(obstacle)}.",
        time_cures,
        since,
        tuple(seen[:_MOST_EVIDENCE]),
        confidence=obstacle.confidence,
        names=names,
    )


def _cordoned(placement: Placement) -> dict[str, str]:
    """The first node that only its cordon keeps from the pod, by the name `cordoned`."""
    reasons = placement.reasons.items()
    found = (name for name, some in reasons if [one.code for one in some] == ["Cordoned"])
    name = next(found, "")
    return {"cordoned": name} if name else {}


def _unschedulable(pod: Pod) -> Condition | None:
    scheduled = pod.conditions.get("PodScheduled")
    if pod.node or scheduled is None or scheduled.status != "False" or scheduled.reason != "Unschedulable":
        return None
    return scheduled


def _obstacle(placement: Placement, codes: Sequence[str]) -> _Obstacle | None:
    """None where a node is possible (then what the scheduler said is past), or where this kind is not the matter."""
    if placement.possible:
        return None
    there = {name: found for name, found in placement.reasons.items() if not _is_elsewhere(found)}
    held = {name: _of(found, codes) for name, found in there.items() if _of(found, codes)}
    if held and len(held) == len(there):
        return _Obstacle(held, "certain", is_everywhere=True)
    alone = {name: some for name, some in held.items() if _nothing_else(placement, name, codes=codes)}
    proven = {name: some for name, some in alone.items() if _is_known(placement, name)}
    if proven:
        return _Obstacle(proven, "certain")
    return _Obstacle(alone, "likely") if alone else None


def _is_elsewhere(found: Sequence[Exclusion]) -> bool:
    return any(one.code in _ELSEWHERE or _gives_role(one) for one in found)


def _gives_role(one: Exclusion) -> bool:
    return one.code == "Tainted" and one.subject.startswith(_ROLE_TAINT)


def _of(found: Sequence[Exclusion], codes: Sequence[str]) -> tuple[Exclusion, ...]:
    return tuple(one for one in found if one.code in codes)


def _nothing_else(placement: Placement, name: str, *, codes: Sequence[str]) -> bool:
    return all(one.code in codes or one.code == NOT_JUDGED for one in placement.reasons[name])


def _is_known(placement: Placement, name: str) -> bool:
    """Whether nothing about the node is left open: its pods were read, and every rule was judged."""
    return name in placement.read and all(one.code != NOT_JUDGED for one in placement.reasons[name])


def _named(obstacle: _Obstacle) -> str:
    said = [f"{name} {some[0].text}" for name, some in list(obstacle.nodes.items())[:_MOST_NAMED]]
    rest = len(obstacle.nodes) - len(said)
    return "; ".join(said) + (f"; and {rest} more" if rest else "")
