# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape in which users see the advice for several VMs.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import GIVEN_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_group import (
    Group,
    GroupOption,
    Member,
    TuningPlan,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_selector import Selection
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.tuning import (
    render_outcome,
    render_tuning,
)

__all__ = ["render_tuning_plan"]


def render_tuning_plan(plan: TuningPlan, *, members: Sequence[Member]) -> dict[str, Any]:
    """`vms`, one answer each as for one VM, and `groups`, each with the policy that is to rule its VMs.

    `members` are those that the plan was made for.
    """
    ordered = sorted(members, key=lambda one: one.key)
    return {
        "vms": [
            {
                "namespace": one.namespace,
                "vm": one.name,
                **render_tuning(plan.advised[one.key], situation=one.situation),
            }
            for one in ordered
        ],
        "groups": [_group(group) for group in plan.groups],
    }


def _group(group: Group) -> dict[str, Any]:
    selection = group.selection
    return {
        "policy_name": group.policy_name,
        "vms": list(selection.vms),
        "selectors": _selectors(selection),
        "why": selection.why,
        "is_proven": selection.is_proven,
        "outranked_by": list(selection.outranked_by),
        "kept": dict(group.kept),
        "label_commands": _label_commands(selection),
        "advice": [_option(group, option) for option in group.options],
    }


def _selectors(selection: Selection) -> dict[str, dict[str, str]] | None:
    """As in a MigrationPolicy's spec.selectors, without an empty map."""
    if selection.selectors is None:
        return None
    found = {
        "virtualMachineInstanceSelector": dict(selection.selectors.vmi),
        "namespaceSelector": dict(selection.selectors.namespace),
    }
    return {name: labels for name, labels in found.items() if labels}


def _option(group: Group, option: GroupOption) -> dict[str, Any]:
    return {
        "action": option.action,
        "risk": option.risk,
        "policy": dict(option.policy),
        "cluster": dict(option.cluster),
        "object": _policy_object(group, option.policy),
        "vms": {key: render_outcome(outcome) for key, outcome in sorted(option.outcomes.items())},
        "assumes": list(option.assumes),
    }


def _policy_object(group: Group, spec: Mapping[str, Any]) -> dict[str, Any] | None:
    """The MigrationPolicy to create; None where there are no selectors for it, or nothing that a policy sets."""
    selectors = _selectors(group.selection)
    if selectors is None or not spec:
        return None
    return {
        "apiVersion": "migrations.kubevirt.io/v1alpha1",
        "kind": "MigrationPolicy",
        "metadata": {"name": group.policy_name},
        "spec": {"selectors": selectors, **group.kept, **spec},
    }


def _label_commands(selection: Selection) -> list[str]:
    """What gives the VMs a label of their own: the running VMI, which a policy looks at, and the VM's template, from
    which the next VMI gets it."""
    found = []
    for name, value in sorted((selection.suggested or {}).items()):
        for vm in selection.vms:
            namespace, _slash, vmi = vm.partition("/")
            if not GIVEN_NAME.fullmatch(namespace) or not GIVEN_NAME.fullmatch(vmi):
                continue
            patch = f'{{"spec":{{"template":{{"metadata":{{"labels":{{"{name}":"{value}"}}}}}}}}}}'
            found.append(shlex.join(["kubectl", "label", "vmi", "-n", namespace, vmi, f"{name}={value}"]))
            found.append(
                shlex.join(["kubectl", "patch", "vm", "-n", namespace, vmi, "--type=merge", f"--patch={patch}"])
            )
    return found
