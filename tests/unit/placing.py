# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes and pods for placements, each told only what matters for a test, and the placement of raw objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodNeeds,
    PodOnNode,
    group_by_node,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import (
    Placement,
    find_candidates,
)
from tests.unit.builders import NAMESPACE, Object

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
SCHEDULABLE = "kubevirt.io/schedulable"
OWNER = "kubevirt.io/created-by"
MODEL = "cpu-model-migration.node.kubevirt.io/Skylake-Server"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def a_place(name: str, *, labels: Mapping[str, str | None] | None = None, **more: Any) -> Object:
    """A node with room. `labels` replace or (None) take away; `more`: cordoned, taints, amounts by the API's name."""
    found = {HOSTNAME: name, SCHEDULABLE: "true", MODEL: "true", ZONE: "east", **(labels or {})}
    amounts = {"cpu": "16", "memory": "64Gi", "pods": "110", "devices.kubevirt.io/kvm": "1k", **more.get("amounts", {})}
    spec: Object = {"taints": more.get("taints", [])}
    if more.get("cordoned"):
        spec["unschedulable"] = True
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {key: value for key, value in found.items() if value is not None}},
        "spec": spec,
        "status": {"allocatable": {key: value for key, value in amounts.items() if value is not None}},
    }


def requests(**amounts: str) -> Object:
    """A container that asks for these amounts."""
    return {"name": "compute", "resources": {"requests": dict(amounts)}}


def a_pod_there(name: str, node: str, *, labels: Mapping[str, str] | None = None, **spec: Any) -> Object:
    """A running pod on `node`. `spec`: by the API's names."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "labels": dict(labels or {})},
        "spec": {"nodeName": node, "containers": [requests(cpu="1", memory="1Gi")], **spec},
        "status": {"phase": "Running"},
    }


def a_target(**spec: Any) -> Object:
    """A launcher pod without a node, of a VM that wants no more than a node for VMs. `spec`: by the API's names."""
    wanted = {"nodeSelector": {SCHEDULABLE: "true"}, "containers": [requests(cpu="2", memory="8Gi")], **spec}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "virt-launcher-web-1-target",
            "namespace": NAMESPACE,
            "uid": "uid-target",
            "labels": {"kubevirt.io": "virt-launcher", OWNER: "vmi-web-1", "app": "web"},
        },
        "spec": wanted,
        "status": {"phase": "Pending"},
    }


def a_term(key: str = HOSTNAME, **more: Any) -> Object:
    """A term of pod affinity or anti-affinity about pods with app=web. `more`: by the API's names."""
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"app": "web"}}, **more}


def place(
    pod: Any,
    nodes: Sequence[Any],
    pods: Sequence[Any] = (),
    /,
    *,
    read: Sequence[str] | None = None,
    **more: Any,
) -> Placement:
    """The placement from raw objects. `read`: nodes whose pods were read (default: all)."""
    facts = [Node.from_object(node) for node in nodes]
    there = [PodOnNode.from_object(item) for item in pods]
    names = [node.name for node in facts] if read is None else read
    by_node = group_by_node(there, names=names)
    return find_candidates(PodNeeds.from_object(pod), facts, pods_by_node=by_node, **more)


def codes(placement: Placement) -> dict[str, list[str]]:
    """All codes by node."""
    return {name: [one.code for one in found] for name, found in placement.reasons.items()}
