# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter winning_migration_policy: which MigrationPolicy rules a VMI, from raw objects."""

from __future__ import annotations

DOCUMENTATION = r"""
name: winning_migration_policy
short_description: Which MigrationPolicy rules a VM, and why the others do not
version_added: 0.1.0
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
description:
  - Gives the MigrationPolicy that KubeVirt would take for a VMI that is handed over now, by KubeVirt's own precedence.
  - All labels of both selectors must be there with equal values. Of the policies that match, the one with most labels
    rules; of those, the one with most labels of the VMI; of those, the one whose name comes first.
  - A policy without C(spec.selectors) matches nothing, one with empty selectors every VMI.
  - The labels that count are those of the running VMI. A label that was added to the VM or to its template reaches the
    VMI when the VM starts anew.
positional: vmi, namespace_labels
options:
  _input:
    description:
      - All MigrationPolicy objects of the cluster, as C(kubernetes.core.k8s_info) returns them.
      - V(null) counts as not read.
    type: list
    elements: dict
    required: true
  vmi:
    description: The VirtualMachineInstance object. V(null) counts as not read.
    type: dict
    required: true
  namespace_labels:
    description:
      - The labels of the VMI's namespace.
      - V(null) counts as not read; then policies that look at the namespace leave the answer open where they could win.
    type: dict
notes:
  - A migration keeps the policy that was in force when it was handed over, see
    RV(kubevirt_ops.live_migration.migration_info#module:migrations[].policy).
"""

EXAMPLES = r"""
- name: Read the policies and the VMI
  ansible.builtin.set_fact:
    ruling: >-
      {{ policies.resources | kubevirt_ops.live_migration.winning_migration_policy(
           vmis.resources | first, namespaces.resources[0].metadata.labels) }}

- name: Say why another policy does not rule
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.why_not }}"
  loop: "{{ ruling.others }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
_value:
  description: The answer.
  type: dict
  contains:
    name:
      description: Name of the policy that rules, empty for none, null where that is not known.
      type: str
      sample: fast-databases
    policy:
      description: That MigrationPolicy as it was given, empty where there is none or it is not known.
      type: dict
      sample: {"metadata": {"name": "fast-databases"}, "spec": {"allowAutoConverge": true, "selectors": {}}}
    others:
      description:
        - Every other policy by name, with C(matches) (null where not known), how many labels count
          (C(vmi_labels), C(namespace_labels)) and C(why_not).
      type: list
      elements: dict
      sample:
        - name: slow
          matches: false
          vmi_labels: 0
          namespace_labels: 0
          why_not: "the VMI has no label tier (wanted: 'web')"
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.policy import render_policy_match
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import (
    PolicyMatch,
    match_policies,
)

__all__ = ["FilterModule"]

NAME = "kubevirt_ops.live_migration.winning_migration_policy"


def winning_migration_policy(policies: Any, vmi: Any, namespace_labels: Any = None) -> dict[str, Any]:
    """The filter; a value of a shape that the API never has is an AnsibleFilterError that names it."""
    objects = _objects(policies)
    labels = _labels(namespace_labels)
    if vmi is not None and not isinstance(vmi, Mapping):
        raise AnsibleFilterError(f"{NAME}: vmi is not an object but a {type(vmi).__name__}")
    if policies is None or vmi is None:
        return render_policy_match(PolicyMatch(None, False, ()), objects=objects)
    read = [MigrationPolicy.from_object(item) for item in objects]
    found = match_policies(read, vmi_labels=Vmi.from_object(vmi).meta.labels, namespace_labels=labels)
    return render_policy_match(found, objects=objects)


def _objects(policies: Any) -> Sequence[Any]:
    if policies is None:
        return ()
    if not isinstance(policies, Sequence) or isinstance(policies, (str, bytes)):
        raise AnsibleFilterError(f"{NAME}: the input is not a list of objects but a {type(policies).__name__}")
    return policies


def _labels(value: Any) -> Mapping[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for pair in value.items() for text in pair):
        raise AnsibleFilterError(f"{NAME}: namespace_labels is not a map of labels, text to text: {value!r}")
    return value


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by name."""
        return {"winning_migration_policy": winning_migration_policy}
