# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter node_verdict."""

from __future__ import annotations

DOCUMENTATION = r"""
name: node_verdict
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
version_added: 0.1.0
short_description: The health of one node for live migrations, from its object
description:
  - Judges a Node object as the Kubernetes API gives it, by the same rules as
    M(kubevirt_ops.live_migration.node_health_info), without talking to a cluster.
  - What cannot be read in the object makes the verdict V(unknown), never V(healthy).
positional: _input, now
options:
  _input:
    description: A Node object.
    type: dict
    required: true
  now:
    description:
      - The moment to judge for, by the cluster's clock, for example V(2026-11-23T08:00:00Z).
      - Ages are counted up to this moment.
    type: str
    required: true
  pods:
    description:
      - The virt-handler pods (label C(kubevirt.io=virt-handler)) of the cluster, or those of this node.
      - An empty list says that no virt-handler runs anywhere. If the option is not given, virt-handler was not looked
        at and counts neither way.
    type: list
    elements: dict
  unhealthy_conditions:
    description:
      - As O(kubevirt_ops.live_migration.node_health_info#module:unhealthy_conditions).
    type: list
    elements: dict
seealso:
  - module: kubevirt_ops.live_migration.node_health_info
"""

EXAMPLES = r"""
- name: Read the nodes
  kubernetes.core.k8s_info:
    kind: Node
  register: nodes

- name: Name those that are not healthy
  ansible.builtin.debug:
    msg: "{{ verdict.name }}: {{ verdict.reasons | map(attribute='message') | join('; ') }}"
  loop: "{{ nodes.resources }}"
  when: verdict.verdict != 'healthy'
  vars:
    verdict: "{{ item | kubevirt_ops.live_migration.node_verdict(moment) }}"
    moment: "{{ now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ') }}"

- name: Judge one node together with its virt-handler
  ansible.builtin.assert:
    that:
      - verdict.verdict == 'healthy'
  vars:
    verdict: "{{ node | kubevirt_ops.live_migration.node_verdict('2026-11-23T08:00:00Z', pods=handlers.resources) }}"
"""

RETURN = r"""
_value:
  description: As an entry of RV(kubevirt_ops.live_migration.node_health_info#module:nodes), without its resources.
  type: dict
  contains:
    name:
      description: The node's name.
      type: str
      sample: node-7
    verdict:
      description: One of V(healthy), V(degraded), V(unhealthy), V(unknown).
      type: str
      sample: unhealthy
    reasons:
      description: Why, worst first. Empty for V(healthy).
      type: list
      elements: dict
      sample:
        - code: ReadyUnknown
          verdict: unhealthy
          message: "Ready has been Unknown for 700 s (limit 300 s): NodeStatusUnknown"
          since_at: "2026-11-23T08:37:34Z"
          seconds: 700
          seconds_left: null
          evidence:
            - object: Node node-7
              field: status.conditions[Ready].status
              value: Unknown
              at: "2026-11-23T08:37:34Z"
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node, handler_state
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import parse_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.node import verdict_result
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import (
    NodeOptionError,
    judge_node,
    parse_unhealthy_conditions,
)

__all__ = ["FilterModule"]

NAME = "kubevirt_ops.live_migration.node_verdict"


def node_verdict(
    node: Any, now: Any, *, pods: Iterable[Any] | None = None, unhealthy_conditions: Any = None
) -> dict[str, Any]:
    """The filter; an option without meaning is an AnsibleFilterError that names it."""
    if not isinstance(node, Mapping):
        raise AnsibleFilterError(f"{NAME}: a Node object is needed, not a {type(node).__name__}")
    moment = _moment(now)
    facts = Node.from_object(node)
    handler = None if pods is None else handler_state(_objects(pods), facts.name)
    try:
        rules = parse_unhealthy_conditions(unhealthy_conditions)
    except NodeOptionError as error:
        raise AnsibleFilterError(f"{NAME}: {error}") from error
    verdict = judge_node(facts, moment, handler=handler, unhealthy_conditions=rules)
    return verdict_result(facts, verdict=verdict, handler=handler, now=moment)


def _moment(now: Any) -> datetime:
    if isinstance(now, datetime) and now.tzinfo is not None:
        return now.astimezone(timezone.utc)
    found = parse_timestamp(now)
    if found is None:
        raise AnsibleFilterError(f"{NAME}: now is {now!r}; a moment such as 2026-11-23T08:00:00Z is needed")
    return found


def _objects(pods: Any) -> Sequence[Any]:
    if not isinstance(pods, Sequence) or isinstance(pods, (str, bytes)):
        raise AnsibleFilterError(f"{NAME}: pods is a {type(pods).__name__}; a list of Pod objects is needed")
    return pods


class FilterModule:
    """What ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters of this file by name."""
        return {"node_verdict": node_verdict}
