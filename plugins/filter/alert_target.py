# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter alert_target: which VM an alert is about."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alert_target
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
version_added: 0.1.0
short_description: Take the VM out of an alert, and leave all other text behind
description:
  - Of an alert as Alertmanager posts it, or as its API lists it, this keeps which VM it is about, its name, its status
    and when it began, and drops everything else. The event filter of that name, for rulebooks, answers the same.
  - The VM is read from the label V(namespace) and one of V(vm), V(name), V(vmi). Where these name different VMs, none
    is taken.
  - Labels are text of whoever writes a metric. Only names that Kubernetes knows (RFC 1123) come out.
positional: _input
options:
  _input:
    description:
      - One alert. Of a notification each entry of C(alerts).
    type: dict
    required: true
  lanes:
    description:
      - In how many lanes VMs are spread. One VM always has the same one.
    type: int
    default: 4
notes:
  - Do not give the event of a rulebook to a playbook in order to use this there. Ansible templates the variables that a
    rulebook hands over as soon as they are looked at. In rulebooks use the event filter.
seealso:
  - module: kubevirt_ops.live_migration.migration_info
"""

EXAMPLES = r"""
- name: Ask Alertmanager what fires
  ansible.builtin.uri:
    url: https://alertmanager.example.com/api/v2/alerts?active=true
  register: alertmanager

- name: Look at the VMs that alerts are about
  kubevirt_ops.live_migration.migration_info:
    namespaces: ["{{ item.namespace }}"]
    vms: ["{{ item.namespace }}/{{ item.vm }}"]
  loop: >-
    {{ alertmanager.json | map('kubevirt_ops.live_migration.alert_target')
       | map(attribute='target') | select | unique }}

- name: Say why an alert is not used
  ansible.builtin.debug:
    msg: "{{ item.refused }}"
  loop: "{{ alertmanager.json | map('kubevirt_ops.live_migration.alert_target') | selectattr('refused') }}"
"""

RETURN = r"""
_value:
  description: What is kept of the alert.
  type: dict
  contains:
    alert:
      description:
        - Its C(name), C(status) (V(firing) or V(resolved)), C(starts_at) and C(fingerprint).
        - Each is empty where it is missing, or not as Alertmanager posts it.
      type: dict
      sample:
        name: KubeVirtVMStuckInMigratingState
        status: firing
        starts_at: "2026-11-23T08:00:00Z"
        fingerprint: 5ef77f1f8a3ecfe2
    target:
      description: C(namespace) and C(vm), empty where no VM can be told.
      type: dict
      sample: {namespace: team-a, vm: web-1}
    lane:
      description: A number below O(lanes), for one VM always the same.
      type: int
      sample: 2
    refused:
      description: Why no VM can be told, empty where one is.
      type: str
      sample: The label namespace is missing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.alert import Alert

__all__ = ["FilterModule"]

NAME = "kubevirt_ops.live_migration.alert_target"


def alert_target(alert: Any, lanes: Any = 4) -> dict[str, Any]:
    """The filter; what is no object, and lanes that are no number, are an AnsibleFilterError that says so."""
    if not isinstance(alert, Mapping):
        raise AnsibleFilterError(f"{NAME}: the input is not an alert but a {type(alert).__name__}")
    if not isinstance(lanes, int) or isinstance(lanes, bool):
        raise AnsibleFilterError(f"{NAME}: lanes is not a whole number but a {type(lanes).__name__}")
    return Alert.from_object(alert).told(lanes=lanes)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by name."""
        return {"alert_target": alert_target}
