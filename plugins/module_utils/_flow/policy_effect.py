# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a MigrationPolicy does now and would do, and judges it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_effect_reads import (
    read_copies,
    read_matching_vmis,
    read_vmis_of,
    read_vms,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import (
    read_namespace_labels,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import (
    MigrationPolicy,
    Selectors,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vm import VirtualMachine
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_risks import PolicyCase
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_effect import (
    Effect,
    InFlight,
    PolicyWorld,
    find_effect,
    find_in_flight,
    find_namespaces_needed,
    has_copy_in_flight,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_hint import (
    Hint,
    HintWorld,
    find_hints,
)

__all__ = ["PolicyLook", "Sides", "look_at_effect"]


@dataclass(frozen=True)
class Sides:
    """All policies of the cluster as they are and as they would be, None where they were not read; `was` and `will` are
    the one in question, None where there is none."""

    name: str
    before: tuple[MigrationPolicy, ...] | None
    after: tuple[MigrationPolicy, ...] | None
    was: MigrationPolicy | None
    will: MigrationPolicy | None


@dataclass(frozen=True)
class PolicyLook:
    """What was found of the effect. The case carries why it is not known, where it is not."""

    case: PolicyCase
    in_flight: tuple[InFlight, ...] = ()
    hints: tuple[Hint, ...] = ()

    @property
    def effect(self) -> Effect:
        """What becomes of the running VMIs, empty where that is not known."""
        return self.case.effect


def look_at_effect(reading: Reading, sides: Sides, /) -> PolicyLook:
    """Reads what decides, as little as it takes, and tells what becomes of the running VMIs."""
    selectors = _selectors(sides)
    vmis = read_matching_vmis(reading, selectors)
    kubevirt = reading.kubevirt()
    configured = kubevirt.settings if kubevirt is not None else None
    if vmis is None or sides.before is None or sides.after is None:
        blind = _blind(reading, "vmis" if vmis is None else "policies")
        return PolicyLook(PolicyCase(sides.will, Effect(), configured, blind=blind, before=sides.was))
    world = PolicyWorld(vmis, _namespace_labels(reading, sides, vmis), configured)
    effect = find_effect(world, name=sides.name, before=sides.before, after=sides.after)
    moving = [one.vmi for one in effect.reached if has_copy_in_flight(one.vmi)]
    migrations = read_copies(reading, moving)
    in_flight = find_in_flight(world, effect.reached, after=sides.after, migrations=migrations)
    case = PolicyCase(sides.will, effect, configured, blind=_unknown(effect), before=sides.was)
    return PolicyLook(case, in_flight, _hints(reading, sides.will, world))


def _selectors(sides: Sides) -> list[Selectors]:
    """Those of the policy before and after, each once: what either matches is looked at."""
    found: list[Selectors] = []
    for policy in (sides.was, sides.will):
        if policy is not None and policy.selectors is not None and policy.selectors not in found:
            found.append(policy.selectors)
    return found


def _blind(reading: Reading, topic: str) -> str:
    rules = reading.unseen.get(topic, ())
    return f"this user may not {rules[0].sentence()}" if rules else "it could not be read"


def _unknown(effect: Effect) -> str:
    if not effect.unknown_for:
        return ""
    count, first = len(effect.unknown_for), effect.unknown_for[0]
    named = f"{first.vmi.meta.namespace}/{first.vmi.meta.name}"
    return f"of {count} running VMIs it cannot be told, first of {named} ({first.why})"


def _namespace_labels(reading: Reading, sides: Sides, vmis: Sequence[Vmi]) -> dict[str, dict[str, str]]:
    """The labels of those namespaces alone that decide something."""
    before, after = sides.before or (), sides.after or ()
    names = find_namespaces_needed(vmis, name=sides.name, before=before, after=after)
    return read_namespace_labels(reading, names=names) if names else {}


def _hints(reading: Reading, policy: MigrationPolicy | None, world: PolicyWorld) -> tuple[Hint, ...]:
    if policy is None or policy.selectors is None:
        return ()
    labels = policy.selectors.vmi
    known = {(vmi.meta.namespace, vmi.meta.name): vmi for vmi in world.vmis}
    vms, left_out = read_vms(reading, labels) if labels else ((), 0)
    keys = [(vm.meta.namespace, vm.meta.name) for vm in vms or () if _may_carry(vm, labels)]
    vmi_of, unread = read_vmis_of(reading, keys, known=known)
    hint_world = HintWorld(world.vmis, vms, vmi_of, world.namespace_labels, unread=left_out + unread)
    return find_hints(policy.selectors, hint_world)


def _may_carry(vm: VirtualMachine, labels: Mapping[str, str]) -> bool:
    """Whether one of the labels stands on the VM or in its template."""
    there = (vm.template_labels, vm.meta.labels)
    return any(found.get(key) == value for key, value in labels.items() for found in there)
