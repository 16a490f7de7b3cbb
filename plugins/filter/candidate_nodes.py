# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter candidate_nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: candidate_nodes
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
version_added: 0.1.0
short_description: Which nodes could take a launcher pod now, and why the others cannot
description:
  - Judges every node for a virt-launcher pod as C(kube-scheduler) does with its default plugins, from objects as
    C(kubernetes.core.k8s_info) returns them, without talking to a cluster.
  - A node is possible only where every rule is known to hold. What cannot be judged excludes it with the code
    V(NotJudged); what is judged for no node stands in RV(_value.not_judged).
  - Whether the volumes of its claims can be used on a node is not judged. Pods that have no node yet and are only
    nominated for one, after a preemption, are not counted.
positional: _input, nodes, pods, now
options:
  _input:
    description: The pod to be placed, such as the target pod of a migration (label C(kubevirt.io/migrationJobUID)).
    type: dict
    required: true
  nodes:
    description: All Node objects of the cluster.
    type: list
    elements: dict
    required: true
  pods:
    description:
      - All pods of the cluster, or those of O(read_nodes).
      - Ended ones may be left out.
    type: list
    elements: dict
    required: true
  now:
    description:
      - The moment to judge the nodes' health for, by the cluster's clock, for example V(2026-11-23T08:00:00Z).
    type: str
    required: true
  read_nodes:
    description:
      - Names of the nodes whose pods O(pods) holds, where those are not all.
      - Any other node that would fit by itself is excluded with the code V(NotJudged).
    type: list
    elements: str
  namespaces:
    description:
      - Namespace objects, for affinities that select namespaces by their labels.
    type: list
    elements: dict
    default: []
  avoid_nodes:
    description: Names of nodes that are not wanted.
    type: list
    elements: str
    default: []
seealso:
  - module: kubevirt_ops.live_migration.migration_info
  - plugin: kubevirt_ops.live_migration.node_verdict
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read what a placement depends on
  kubernetes.core.k8s_info:
    kind: "{{ item }}"
  loop: [Node, Pod]
  register: read

- name: Say where the target pod could go
  ansible.builtin.debug:
    msg: "{{ placement.summary }}"
  vars:
    placement: "{{ target_pod | kubevirt_ops.live_migration.candidate_nodes(nodes, pods, moment) }}"
    nodes: "{{ read.results[0].resources }}"
    pods: "{{ read.results[1].resources }}"
    moment: "{{ now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ') }}"
"""

RETURN = r"""
_value:
  description: The placement of the pod.
  type: dict
  contains:
    possible:
      description: Names of the nodes that could take it now.
      type: list
      elements: str
      sample: [node-3]
    excluded:
      description: The other nodes, each with its first reason; C(also) has its other reasons.
      type: list
      elements: dict
      sample:
        - node: node-7
          code: CPUModelMissing
          reason: lacks cpu model Skylake-Server
          also:
            - code: InsufficientMemory
              reason: "has less than 18.3 GiB memory free: it has 12 GiB, 6.3 GiB too little"
    warnings:
      description: Nodes that are not healthy, which the scheduler does not ask for.
      type: list
      elements: dict
      sample:
        - node: node-3
          code: NodeDegraded
          reason: "is degraded: The last heartbeat of virt-handler is 170 s old (limit 300 s)"
    not_judged:
      description: What was judged for no node.
      type: list
      elements: str
      sample: ["whether the volumes of its claims can be used on a node (rootdisk)"]
    summary:
      description: All of it in a sentence.
      type: str
      sample: "0 of 12 nodes: 5 lack cpu model Skylake-Server, 4 have less than 18.3 GiB memory free, 3 cordoned"
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import (
    Node,
    handler_state,
    may_be_handler,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodNeeds,
    PodOnNode,
    group_by_node,
    namespace_labels,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import parse_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.placement import placement_result
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import NodeVerdict, judge_node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import find_candidates

__all__ = ["FilterModule"]

NAME = "kubevirt_ops.live_migration.candidate_nodes"


def candidate_nodes(
    pod: Any,
    nodes: Any,
    pods: Any,
    now: Any,
    *,
    read_nodes: Any = None,
    namespaces: Any = (),
    avoid_nodes: Any = (),
) -> dict[str, Any]:
    """The filter; an option without meaning is an AnsibleFilterError that names it."""
    if not isinstance(pod, Mapping):
        raise AnsibleFilterError(f"{NAME}: a Pod object is needed, not a {type(pod).__name__}")
    moment = _moment(now)
    facts = [Node.from_object(item) for item in _objects(nodes, name="nodes")]
    raw = _objects(pods, name="pods")
    read = [node.name for node in facts] if read_nodes is None else _names(read_nodes, name="read_nodes")
    placement = find_candidates(
        PodNeeds.from_object(pod),
        facts,
        pods_by_node=group_by_node(map(PodOnNode.from_object, raw), names=read),
        namespaces=namespace_labels(_objects(namespaces, name="namespaces")),
        left_out=_names(avoid_nodes, name="avoid_nodes"),
        verdicts=_verdicts(facts, raw if read_nodes is None else None, now=moment),
    )
    return placement_result(placement)


def _verdicts(nodes: Sequence[Node], pods: Sequence[Any] | None, *, now: datetime) -> dict[str, NodeVerdict]:
    """By node; where not all pods were given, virt-handler counts neither way."""
    handlers = None if pods is None else [pod for pod in map(Pod.from_object, pods) if may_be_handler(pod)]
    return {
        node.name: judge_node(node, now, handler=handler_state(handlers, node.name) if handlers else None)
        for node in nodes
    }


def _moment(now: Any) -> datetime:
    if isinstance(now, datetime) and now.tzinfo is not None:
        return now.astimezone(timezone.utc)
    found = parse_timestamp(now)
    if found is None:
        raise AnsibleFilterError(f"{NAME}: now is {now!r}; a moment such as 2026-11-23T08:00:00Z is needed")
    return found


def _objects(value: Any, *, name: str) -> Sequence[Any]:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise AnsibleFilterError(f"{NAME}: {name} is a {type(value).__name__}; a list of objects is needed")
    return value


def _names(value: Any, *, name: str) -> list[str]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise AnsibleFilterError(f"{NAME}: {name} is a {type(value).__name__}; a list of names is needed")
    strange = [item for item in value if not isinstance(item, str)]
    if strange:
        raise AnsibleFilterError(f"{NAME}: {name} holds {strange[0]!r}; names of nodes are needed")
    return [str(item) for item in value]


class FilterModule:
    """What ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters of this file by name."""
        return {"candidate_nodes": candidate_nodes}
