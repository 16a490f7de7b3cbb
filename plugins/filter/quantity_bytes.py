# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter quantity_bytes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: quantity_bytes
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
version_added: 0.1.0
short_description: A Kubernetes quantity as a whole number
description:
  - Turns a quantity as the Kubernetes API writes it into a whole number, exactly and without floating point.
  - What is left of a whole is rounded away from zero, as Kubernetes itself does.
positional: _input
options:
  _input:
    description:
      - A quantity, for example V(4Gi), V(1.5G), V(1k) or V(1e3), or a number.
      - All suffixes of Kubernetes are known (V(n), V(u), V(m), V(k), V(M), V(G), V(T), V(P), V(E), V(Ki), V(Mi), V(Gi),
        V(Ti), V(Pi), V(Ei)), and exponents.
    type: raw
    required: true
seealso:
  - module: kubevirt_ops.live_migration.node_health_info
"""

EXAMPLES = r"""
- name: How much memory a node can give, in bytes
  ansible.builtin.debug:
    msg: "{{ node.status.allocatable.memory | kubevirt_ops.live_migration.quantity_bytes }}"
  # "3783496Ki" gives 3874299904

- name: Compare two quantities, whatever their suffixes
  ansible.builtin.assert:
    that:
      - "'8Gi' | kubevirt_ops.live_migration.quantity_bytes > '8G' | kubevirt_ops.live_migration.quantity_bytes"

- name: Add up the memory of all nodes
  ansible.builtin.debug:
    msg: >-
      {{ nodes | map(attribute='status.allocatable.memory') | map('kubevirt_ops.live_migration.quantity_bytes') | sum }}
"""

RETURN = r"""
_value:
  description: The whole number.
  type: int
  sample: 4294967296
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import quantity

__all__ = ["FilterModule"]


def quantity_bytes(value: Any) -> int:
    """The filter; a value that is no quantity is an AnsibleFilterError that names it."""
    try:
        return quantity.quantity_bytes(value)
    except quantity.QuantityError as error:
        raise AnsibleFilterError(f"kubevirt_ops.live_migration.quantity_bytes: {error}") from error


class FilterModule:
    """What ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters of this file by name."""
        return {"quantity_bytes": quantity_bytes}
