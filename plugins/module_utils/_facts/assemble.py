# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Snapshot from raw objects that somebody else has read.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import (
    Node,
    handler_state,
    may_be_handler,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.places import (
    PlacementObjects,
    needs_of_targets,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import (
    HOTPLUG,
    LABEL_APP,
    LAUNCHER,
    Pod,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodOnNode,
    group_by_node,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import (
    Event,
    KubeVirt,
    Lease,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi

__all__ = ["assemble_snapshot"]


def assemble_snapshot(
    migrations: Sequence[Any],
    *,
    now: datetime,
    vmis: Sequence[Any] = (),
    pods: Sequence[Any] = (),
    nodes: Sequence[Any] = (),
    kubevirt: Mapping[str, Any] | None = None,
    events: Sequence[Any] = (),
    leases: Sequence[Any] = (),
    all_pods: bool = False,
) -> Snapshot:
    """The snapshot of these objects at `now`. What is empty counts as not read, never as "there is none".

    `all_pods`: `pods` are all of the cluster, so that what is free on a node is known.
    """
    read = [Migration.from_object(item) for item in migrations]
    read_pods = [Pod.from_object(item) for item in pods]
    # A pod whose label cannot be read may be virt-handler: handler_state decides.
    handlers = [pod for pod in read_pods if may_be_handler(pod)]
    launchers = tuple(pod for pod in read_pods if pod.meta.labels.get(LABEL_APP) == LAUNCHER)
    attachments = tuple(pod for pod in read_pods if pod.meta.labels.get(LABEL_APP) == HOTPLUG)
    by_name = {node.name: node for node in (Node.from_object(item) for item in nodes)}
    found = [Vmi.from_object(item) for item in vmis]
    return Snapshot(
        read_at=now,
        migrations=tuple(read),
        vmis={(vmi.meta.namespace, vmi.meta.name): vmi for vmi in found},
        pods=(*launchers, *attachments),
        nodes=by_name,
        handlers={name: handler_state(handlers, name) for name in _node_names(found, launchers)} if handlers else {},
        kubevirt=KubeVirt.from_object(kubevirt) if kubevirt else None,
        lease=_controller_lease(leases),
        events=tuple(Event.from_object(item) for item in events),
        unseen=_unseen(
            read,
            given={
                "handlers": handlers,
                "nodes": nodes,
                "kubevirt": kubevirt,
                "lease": _controller_lease(leases),
                "pods": launchers,
                "events": events,
            },
        ),
        needs=needs_of_targets(pods),
        places=_places(by_name, pods=pods if all_pods else None) if by_name else None,
    )


def _places(nodes: Mapping[str, Node], *, pods: Sequence[Any] | None) -> PlacementObjects:
    """`pods` None: of no node are all pods known."""
    on_nodes = {} if pods is None else group_by_node(map(PodOnNode.from_object, pods), names=nodes)
    return PlacementObjects(tuple(nodes.values()), on_nodes, {})


def _node_names(vmis: Sequence[Vmi], pods: Sequence[Pod]) -> set[str]:
    states = [vmi.state for vmi in vmis if vmi.state]
    names = {vmi.node for vmi in vmis} | {pod.node for pod in pods}
    return (names | {state.source_node for state in states} | {state.target_node for state in states}) - {""}


def _controller_lease(leases: Sequence[Any]) -> Lease | None:
    read = (Lease.from_object(item) for item in leases)
    return next((lease for lease in read if lease.meta.name == "virt-controller"), None)


_RULES = {
    "handlers": Rule("list", "", "pods", "kubevirt"),
    "nodes": Rule("list", "", "nodes"),
    "kubevirt": Rule("list", "kubevirt.io", "kubevirts"),
    "lease": Rule("list", "coordination.k8s.io", "leases"),
}


def _unseen(migrations: Sequence[Migration], *, given: Mapping[str, Any]) -> dict[str, tuple[Rule, ...]]:
    """What was not given, by topic."""
    found: dict[str, tuple[Rule, ...]] = {topic: (rule,) for topic, rule in _RULES.items() if not given[topic]}
    for namespace in {migration.meta.namespace for migration in migrations if not migration.is_final}:
        for resource in ("pods", "events"):
            if not given[resource]:
                found[f"{resource}/{namespace}"] = (Rule("list", "", resource, namespace),)
    return found
