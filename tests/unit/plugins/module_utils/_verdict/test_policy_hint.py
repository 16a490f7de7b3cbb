# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a policy rules fewer VMs than meant, and the command that helps."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Selectors
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vm import VirtualMachine
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_hint import (
    HINTS,
    Hint,
    HintWorld,
    find_hints,
)
from tests.unit.builders import NAMESPACE, a_vmi

DB = {"tier": "db"}


def a_vm(name: str = "web-1", /, *, labels: Any = None, template: Any = None) -> VirtualMachine:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels or {}}
    spec = {"template": {"metadata": {"labels": template or {}}, "spec": {}}}
    return VirtualMachine.from_object({"metadata": metadata, "spec": spec})


def the_vmi(name: str = "web-1", /, *, labels: Any = None, phase: str = "Running") -> Vmi:
    raw = a_vmi(name, phase=phase)
    raw["metadata"]["labels"] |= labels or {}
    return Vmi.from_object(raw)


def hints(
    *vms: VirtualMachine, vmis: Any = (), all_vmis: Any = None, vmi: Any = None, namespace: Any = None, **more: Any
) -> tuple[Hint, ...]:
    """`vmis` carry the labels; `all_vmis` are those of the VMs."""
    by_name = {(one.meta.namespace, one.meta.name): one for one in all_vmis or [the_vmi()]}
    labels = {NAMESPACE: more.pop("team", {})}
    world = HintWorld(tuple(vmis), vms=vms, vmi_of=by_name, namespace_labels=labels, **more)
    return find_hints(Selectors(vmi=DB if vmi is None else vmi, namespace=namespace or {}), world)


def test_label_in_the_template_alone_gives_the_command_that_reaches_the_running_vmi() -> None:
    (nothing, found) = hints(a_vm(template=DB))

    assert nothing.text == "No running VMI has tier=db: the policy rules nothing now."
    assert (found.code, found.namespace, found.vm) == ("LabelOnTemplateOnly", NAMESPACE, "web-1")
    assert "it counts from the next start" in found.text
    assert found.command == f"kubectl label vmi web-1 tier=db --namespace {NAMESPACE}"


def test_label_on_the_vm_alone_never_counts() -> None:
    found = hints(a_vm(labels=DB))[-1]

    assert found.code == "LabelOnVmOnly"
    assert "put it into spec.template.metadata.labels" in found.text


def test_another_value_on_the_vmi_is_overwritten() -> None:
    found = hints(a_vm(template=DB), all_vmis=[the_vmi(labels={"tier": "web"})])[-1]

    assert found.command.endswith("tier=db --overwrite --namespace team-a")


@pytest.mark.parametrize(
    ("vm", "vmi"),
    [
        (a_vm(template={"tier": "web"}), the_vmi()),
        (a_vm(template=DB), the_vmi(phase="Scheduling")),
        (a_vm("other", template=DB), the_vmi()),
        (a_vm(template=DB), the_vmi(labels=DB)),
    ],
    ids=["other value", "not running", "no VMI", "is on the VMI"],
)
def test_no_word_of_a_vm_that_a_label_would_not_help(vm: VirtualMachine, vmi: Vmi) -> None:
    assert [one.code for one in hints(vm, all_vmis=[vmi])] == ["NothingMatches"]


def test_no_command_for_a_label_that_kubevirt_keeps_to_itself() -> None:
    node = {"kubevirt.io/nodeName": "node-a"}

    assert hints(a_vm(template=node), vmi=node)[-1].command == ""


def test_namespace_without_the_label_is_named_with_its_command() -> None:
    nothing, found = hints(vmis=[the_vmi(labels=DB)], namespace={"team": "a"})

    assert nothing.text == (
        "1 running VMIs have tier=db, none of them in a namespace with team=a: the policy rules nothing now."
    )
    assert found.text == "1 running VMIs of namespace team-a have tier=db, but the namespace lacks team=a."
    assert found.command == "kubectl label namespace team-a team=a"


def test_a_policy_that_matches_something_gets_no_word_of_other_namespaces() -> None:
    assert hints(vmis=[the_vmi(labels=DB)], namespace={"team": "a"}, team={"team": "a"}) == ()


@pytest.mark.parametrize(
    ("vmi", "namespace", "text"),
    [
        ({}, {}, "No VMI runs: the policy rules nothing now."),
        ({}, {"team": "a"}, "No VMI runs in a namespace with team=a: the policy rules nothing now."),
        (DB, {"team": "a"}, "No running VMI has tier=db in a namespace with team=a: the policy rules nothing now."),
    ],
    ids=["all", "namespace", "both"],
)
def test_nothing_matches_says_what_was_looked_for(vmi: Any, namespace: Any, text: str) -> None:
    assert [one.text for one in hints(vmi=vmi, namespace=namespace)] == [text]


def test_vms_that_were_left_out_are_said() -> None:
    found = hints(vmis=[the_vmi(labels=DB)], unread=4000)

    assert [one.code for one in found] == ["VMsNotRead"]
    assert "4000 VMs" in found[0].text


def test_every_code_is_documented() -> None:
    everything = [
        *hints(a_vm(template=DB), unread=1),
        *hints(a_vm(labels=DB)),
        *hints(vmis=[the_vmi(labels=DB)], namespace={"team": "a"}),
    ]

    assert {one.code for one in everything} == set(HINTS)
