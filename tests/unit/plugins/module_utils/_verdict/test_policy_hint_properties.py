# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a policy rules fewer VMs than meant, against an independent reading over sets of label pairs.

A hint is right where doing what it says makes the policy match; nothing of the collection decides that here.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Selectors
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vm import VirtualMachine
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_hint import (
    Hint,
    HintWorld,
    find_hints,
)
from tests.unit.builders import a_vmi

Labels = Mapping[str, str]

LABELS = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"]), max_size=2)


@dataclass(frozen=True)
class Guest:
    """One VM: its own labels, those of its template, and its VMI's; `phase` "" for a VM that does not run."""

    namespace: str
    own: Labels
    template: Labels
    vmi: Labels
    phase: str


GUESTS = st.lists(
    st.builds(
        Guest,
        st.sampled_from(["x", "y"]),
        own=LABELS,
        template=LABELS,
        vmi=LABELS,
        phase=st.sampled_from(["Running", "Running", "Running", "Scheduled", "Succeeded", ""]),
    ),
    max_size=4,
)
NAMESPACES = st.fixed_dictionaries({"x": LABELS, "y": LABELS})


def vm_of(name: str, guest: Guest) -> VirtualMachine:
    metadata = {"name": name, "namespace": guest.namespace, "labels": dict(guest.own)}
    spec = {"template": {"metadata": {"labels": dict(guest.template)}, "spec": {}}}
    return VirtualMachine.from_object({"metadata": metadata, "spec": spec})


def vmi_of(name: str, guest: Guest) -> Vmi:
    raw = a_vmi(name, phase=guest.phase)
    raw["metadata"] |= {"namespace": guest.namespace, "labels": {**guest.vmi, "kubevirt.io/nodeName": "n"}}
    return Vmi.from_object(raw)


def found(guests: Mapping[str, Guest], vmi: Labels, namespace: Labels, places: Mapping[str, Labels]) -> list[Hint]:
    """As it is asked: the API server has picked the VMIs that carry the labels."""
    made = {name: vmi_of(name, one) for name, one in guests.items() if one.phase}
    carrying = [one for name, one in made.items() if vmi.items() <= guests[name].vmi.items()]
    vms = tuple(vm_of(name, one) for name, one in guests.items())
    by_key = {(one.meta.namespace, one.meta.name): one for one in made.values()}
    world = HintWorld(tuple(carrying), vms=vms, vmi_of=by_key, namespace_labels=places)
    return list(find_hints(Selectors(vmi=dict(vmi), namespace=dict(namespace)), world))


# The template has one of the two labels, the VM itself the other and another value of the first.
SPREAD = [Guest("x", own={"a": "1", "b": "1"}, template={"a": "2"}, vmi={}, phase="Running")]


@example(guests=SPREAD, vmi={"a": "2", "b": "1"}, namespace={}, places={"x": {}, "y": {}})
@given(GUESTS, LABELS, LABELS, NAMESPACES)
def test_hints_are_those_of_an_independent_reading(
    guests: list[Guest], vmi: dict[str, str], namespace: dict[str, str], places: dict[str, dict[str, str]]
) -> None:
    named = {f"v{at}": one for at, one in enumerate(guests)}
    hints = found(named, vmi, namespace, places)
    running = {name: one for name, one in named.items() if one.phase == "Running"}
    there = {place for place in places if set(namespace.items()) <= set(places[place].items())}
    carrying = {name for name, one in running.items() if not set(vmi.items()) - set(one.vmi.items())}
    ruled = {name for name in carrying if running[name].namespace in there}

    assert ("NothingMatches" in {one.code for one in hints}) is (not ruled)
    lacking = {one.namespace for one in hints if one.code == "NamespaceLacksLabel"}
    assert lacking == ({running[name].namespace for name in carrying} if vmi and not ruled else set())
    for name, one in running.items():
        absent = set(vmi.items()) - set(one.vmi.items())
        by_template, anywhere = set(one.template.items()), set(one.template.items()) | set(one.own.items())
        expected = ""
        if absent and one.namespace in there and absent <= anywhere:
            expected = "LabelOnTemplateOnly" if absent <= by_template else "LabelOnVmOnly"
        assert [hint.code for hint in hints if hint.vm == name] == ([expected] if expected else [])
    assert {one.vm for one in hints} <= {"", *running}


@given(GUESTS, LABELS, LABELS, NAMESPACES)
def test_the_command_of_a_hint_makes_the_policy_match(
    guests: list[Guest], vmi: dict[str, str], namespace: dict[str, str], places: dict[str, dict[str, str]]
) -> None:
    named = {f"v{at}": one for at, one in enumerate(guests)}

    for hint in found(named, vmi, namespace, places):
        if not hint.command:
            continue
        words = shlex.split(hint.command)
        kind, name = words[2], words[3]
        given_labels = dict(word.split("=") for word in words if "=" in word)
        labels: Any = places[name] if kind == "namespace" else named[name].vmi
        wanted = namespace if kind == "namespace" else vmi
        # kubectl refuses to change a value without being told.
        assert ("--overwrite" in words) is bool(set(given_labels) & set(labels))
        assert not set(wanted.items()) - set({**labels, **given_labels}.items())
