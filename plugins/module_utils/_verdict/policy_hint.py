# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a MigrationPolicy rules fewer VMs than its author may think.

This module is private to the collection and may change without notice.
Facts: a policy looks at the labels of the running VMI. Those of the VM never count, those of its template count from
the VM's next start.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import (
    CHANGING_LABELS,
    Selectors,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vm import VirtualMachine
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_effect import is_ruled

__all__ = ["HINTS", "Hint", "HintWorld", "find_hints"]

# code -> what it says, for the documentation and the order of the result.
HINTS: Mapping[str, str] = {
    "NothingMatches": "no running VMI carries the labels",
    "NamespaceLacksLabel": "VMIs carry the labels, but their namespace does not",
    "LabelOnTemplateOnly": "the label stands in the VM's template and not yet on the running VMI",
    "LabelOnVmOnly": "the label stands on the VM itself, where no policy looks",
    "VMsNotRead": "not all VMs were looked into",
}


@dataclass(frozen=True)
class HintWorld:
    """What was read to find them. `vmis` are those that carry the labels of the VMI selector, and those of the `vms`
    by (namespace, name); `vms` None: they could not be read. `unread` is the number of VMs that were left out as there
    are too many."""

    vmis: tuple[Vmi, ...]
    vms: tuple[VirtualMachine, ...] | None
    vmi_of: Mapping[tuple[str, str], Vmi]
    namespace_labels: Mapping[str, Mapping[str, str]]
    unread: int = 0


@dataclass(frozen=True)
class Hint:
    """One reason, in words. `namespace` and `vm` are "" where it is about more; `command` is "" where none helps."""

    code: str
    text: str
    namespace: str = ""
    vm: str = ""
    command: str = ""


def find_hints(selectors: Selectors, world: HintWorld, /) -> tuple[Hint, ...]:
    """What keeps VMs from being matched by `selectors`, in the order of HINTS."""
    carrying = [one for one in world.vmis if is_ruled(one) and _has(one.meta.labels, selectors.vmi)]
    matched = [one for one in carrying if _namespace_answer(one, world, selectors) is not False]
    found = [] if matched else [*_nothing(selectors, carrying), *_namespaces(selectors, carrying, world)]
    found += _on_vms(selectors, world)
    if world.unread:
        text = f"{world.unread} VMs were not looked into, as there are many: labels that stand there and not on the"
        found.append(Hint("VMsNotRead", f"{text} running VMI are not named here."))
    order = list(HINTS)
    return tuple(sorted(found, key=lambda one: (order.index(one.code), one.namespace, one.vm)))


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())


def _namespace_answer(vmi: Vmi, world: HintWorld, selectors: Selectors) -> bool | None:
    if not selectors.namespace:
        return True
    labels = world.namespace_labels.get(vmi.meta.namespace)
    return None if labels is None else _has(labels, selectors.namespace)


def _nothing(selectors: Selectors, carrying: Sequence[Vmi]) -> Iterator[Hint]:
    labels, place = _text(selectors.vmi), _text(selectors.namespace)
    where = f" in a namespace with {place}" if place else ""
    if labels and carrying:
        text = f"{len(carrying)} running VMIs have {labels}, none of them{where}"
    else:
        text = f"No running VMI has {labels}{where}" if labels else f"No VMI runs{where}"
    yield Hint("NothingMatches", f"{text}: the policy rules nothing now.")


def _namespaces(selectors: Selectors, carrying: Sequence[Vmi], world: HintWorld) -> Iterator[Hint]:
    if not selectors.vmi:
        return
    for namespace, count in sorted(Counter(one.meta.namespace for one in carrying).items()):
        labels = world.namespace_labels.get(namespace, {})
        missing = {key: value for key, value in selectors.namespace.items() if labels.get(key) != value}
        text = f"{count} running VMIs of namespace {namespace} have {_text(selectors.vmi)}, but the namespace lacks "
        yield Hint(
            "NamespaceLacksLabel",
            f"{text}{_text(missing)}.",
            namespace,
            command=_label("namespace", namespace, missing, has=labels),
        )


def _on_vms(selectors: Selectors, world: HintWorld) -> Iterator[Hint]:
    for vm in world.vms or ():
        key = vm.meta.namespace, vm.meta.name
        vmi = world.vmi_of.get(key)
        if vmi is None or not is_ruled(vmi) or _namespace_answer(vmi, world, selectors) is False:
            continue
        missing = {name: value for name, value in selectors.vmi.items() if vmi.meta.labels.get(name) != value}
        if missing and _has(vm.template_labels, missing):
            yield _hint_on_vm("LabelOnTemplateOnly", vmi, missing)
        elif missing and missing.items() <= {*vm.template_labels.items(), *vm.meta.labels.items()}:
            yield _hint_on_vm("LabelOnVmOnly", vmi, missing)


def _hint_on_vm(code: str, vmi: Vmi, missing: Mapping[str, str]) -> Hint:
    label, (namespace, name) = _text(missing), (vmi.meta.namespace, vmi.meta.name)
    if code == "LabelOnTemplateOnly":
        text = f"{label} stands in the template of VM {name} and not on its running VMI: it counts from the next start."
    else:
        text = f"{label} stands on VM {name} itself, where it never counts: put it into spec.template.metadata.labels."
    command = "" if set(missing) & set(CHANGING_LABELS) else _label("vmi", name, missing, has=vmi.meta.labels)
    command = command and f"{command} --namespace {shlex.quote(namespace)}"
    return Hint(code, f"{text} To have it now, label the VMI." if command else text, namespace, name, command)


def _label(kind: str, name: str, labels: Mapping[str, str], *, has: Mapping[str, str]) -> str:
    words = ["kubectl", "label", kind, name, *(f"{key}={value}" for key, value in sorted(labels.items()))]
    words += ["--overwrite"] if set(labels) & set(has) else []
    return " ".join(shlex.quote(word) for word in words)


def _text(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
