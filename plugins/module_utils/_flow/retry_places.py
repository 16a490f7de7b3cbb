# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a VM could go when it is migrated again.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.placement_reads import (
    PlacementReading,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds, PodOnNode
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.placements import look_at_placements
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.retry import HOSTNAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import find_candidates

__all__ = ["Places", "find_places"]


@dataclass(frozen=True)
class Places:
    """The nodes that could take it, the emptiest first; None where that could not be judged. `reason` says why."""

    nodes: tuple[str, ...] | None = None
    reason: str = ""
    hostnames: Mapping[str, str] = field(default_factory=dict)


def find_places(reading: PlacementReading, /, *, vmi: Vmi, launchers: Sequence[Mapping[str, Any]] | None) -> Places:
    """Judged by the pod that it runs in: a new one asks for the same."""
    source = _source(launchers or (), vmi)
    if source is None:
        return Places(reason="The pod that the VM runs in could not be read, so no place could be judged.")
    needs = PodNeeds.from_object(_as_target(source, vmi))
    objects = look_at_placements(reading, [needs])
    if objects is None:
        rules = "; ".join(rule.sentence() for some in reading.unseen.values() for rule in some)
        return Places(reason=f"Whether a node could take it could not be judged: not allowed to {rules}.")
    placement = find_candidates(
        needs,
        objects.nodes,
        pods_by_node=objects.pods_by_node,
        namespaces=objects.namespaces,
        left_out=[vmi.node],
    )
    if not placement.possible and reading.unseen:
        rules = "; ".join(rule.sentence() for some in reading.unseen.values() for rule in some)
        return Places(reason=f"Whether a node could take it could not be judged: not allowed to {rules}.")
    ordered = sorted(placement.possible, key=lambda name: (_launchers_on(objects.pods_by_node.get(name, ())), name))
    return Places(tuple(ordered), placement.summary, _hostnames(objects.nodes))


def _source(launchers: Sequence[Mapping[str, Any]], vmi: Vmi) -> Mapping[str, Any] | None:
    pods = [(Pod.from_object(obj), obj) for obj in launchers]
    found = [(str(pod.meta.created_at), obj) for pod, obj in pods if pod.node == vmi.node and not pod.is_finished]
    return min(found, key=lambda one: one[0])[1] if found else None


def _as_target(pod: Mapping[str, Any], vmi: Vmi) -> Mapping[str, Any]:
    """The pod as it would be made anew: a node that an earlier migration was sent to binds this one no more."""
    spec = pod.get("spec")
    selector = spec.get("nodeSelector") if isinstance(spec, Mapping) else None
    if not isinstance(spec, Mapping) or not isinstance(selector, Mapping) or HOSTNAME in vmi.node_selector:
        return pod
    kept = {key: value for key, value in selector.items() if key != HOSTNAME}
    return {**pod, "spec": {**spec, "nodeSelector": kept}}


def _launchers_on(pods: Sequence[PodOnNode]) -> int:
    return sum(bool(pod.owner) for pod in pods)


def _hostnames(nodes: Sequence[Node]) -> dict[str, str]:
    return {node.name: node.meta.labels[HOSTNAME] for node in nodes if node.meta.labels.get(HOSTNAME)}
