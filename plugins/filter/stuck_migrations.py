# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter stuck_migrations: the verdicts of migration_info from raw objects."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stuck_migrations
short_description: Judge live migrations from raw objects
version_added: 0.1.0
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
description:
  - Gives the stuck ones of some VirtualMachineInstanceMigration objects, judged as
    M(kubevirt_ops.live_migration.migration_info) judges them, from objects as C(kubernetes.core.k8s_info) returns them.
  - What is not given counts as not read. Where a cause could hide there, the verdict is C(unknown).
positional: vmis, now
options:
  _input:
    description: All VirtualMachineInstanceMigration objects of the cluster, as they share one queue.
    type: list
    elements: dict
    required: true
  vmis:
    description: The VirtualMachineInstance objects of these migrations.
    type: list
    elements: dict
    required: true
  now:
    description: The cluster's time, an RFC 3339 time or a date and time with a time zone.
    type: raw
    required: true
  pods:
    description: The virt-launcher pods of the VMs, and the virt-handler pods, or O(all_pods) of the cluster.
    type: list
    elements: dict
    default: []
  all_pods:
    description:
      - Whether O(pods) are all pods of the cluster. Only then it is known what is free on a node that a target pod
        could go to. Otherwise placement rests on O(nodes) alone, and no node is called possible.
    type: bool
    default: false
  nodes:
    description: The Node objects.
    type: list
    elements: dict
    default: []
  kubevirt:
    description: The KubeVirt object.
    type: dict
  events:
    description: Events about the VMIs and the launcher pods.
    type: list
    elements: dict
    default: []
  leases:
    description: Leases, among them virt-controller's.
    type: list
    elements: dict
    default: []
  late_after:
    description: Seconds after which a migration that is not explained otherwise is late.
    type: int
    default: 300
  include_all:
    description: Whether to return all of them instead of the stuck ones only.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Judge what kubernetes.core has read
  ansible.builtin.set_fact:
    stuck: >-
      {{ migrations.resources | kubevirt_ops.live_migration.stuck_migrations(
           vmis.resources, now='2026-11-23T08:49:14Z', pods=pods.resources, nodes=nodes.resources,
           kubevirt=kubevirts.resources | first) }}

- name: Say which are stuck
  ansible.builtin.debug:
    msg: "{{ stuck | map(attribute='summary') }}"
"""

RETURN = r"""
_value:
  description: Entries as in RV(kubevirt_ops.live_migration.migration_info#module:migrations), worst first.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.assemble import assemble_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import parse_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import render_migrations
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot

NAME = "kubevirt_ops.live_migration.stuck_migrations"


def stuck_migrations(
    migrations: Any,
    vmis: Any,
    now: Any,
    pods: Any = (),
    nodes: Any = (),
    kubevirt: Any = None,
    events: Any = (),
    leases: Any = (),
    late_after: Any = 300,
    include_all: bool = False,
    all_pods: bool = False,
) -> list[dict[str, Any]]:
    """The stuck ones of `migrations`, worst first; all of them with `include_all`."""
    if not isinstance(late_after, int) or isinstance(late_after, bool) or late_after < 0:
        raise AnsibleFilterError(f"{NAME}: late_after is {late_after!r}, not a number of seconds")
    if kubevirt is not None and not isinstance(kubevirt, Mapping):
        raise AnsibleFilterError(f"{NAME}: kubevirt is not an object but a {type(kubevirt).__name__}")
    snapshot = assemble_snapshot(
        _objects(migrations, option="the input"),
        now=_moment(now),
        vmis=_objects(vmis, option="vmis"),
        pods=_objects(pods, option="pods"),
        nodes=_objects(nodes, option="nodes"),
        kubevirt=kubevirt,
        events=_objects(events, option="events"),
        leases=_objects(leases, option="leases"),
        all_pods=all_pods,
    )
    found = render_migrations(judge_snapshot(snapshot, late_after=late_after))
    return found if include_all else [entry for entry in found if entry["stuck"]]


def _objects(value: Any, *, option: str) -> Sequence[Any]:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise AnsibleFilterError(f"{NAME}: {option} is not a list of objects but a {type(value).__name__}")
    return value


def _moment(now: Any) -> datetime:
    if isinstance(now, datetime):
        if now.tzinfo is None:
            raise AnsibleFilterError(f"{NAME}: now has no time zone")
        return now
    moment = parse_timestamp(now)
    if moment is None:
        raise AnsibleFilterError(f"{NAME}: now is {now!r}, not an RFC 3339 time such as 2026-11-23T08:49:14Z")
    return moment


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by name."""
        return {"stuck_migrations": stuck_migrations}
