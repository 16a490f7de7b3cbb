# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which labels a policy for some VMs selects: they and nobody else, the fewest, those that people chose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_selector import (
    Labelled,
    Selection,
    select_group,
)
from tests.unit.builders import a_policy

NAME = "tuned"


def a_vm(
    name: str, labels: dict[str, str], *, needs: bool | None = False, namespace: dict[str, str] | None = None
) -> Labelled:
    return Labelled("team-a", name, labels, {} if namespace is None else namespace, needs)


def selected(*vms: Labelled, policies: list[dict[str, Any]] | None = None) -> Selection:
    read = None if policies is None else [MigrationPolicy.from_object(one) for one in policies]
    return select_group(vms, policies=read, policy_name=NAME)


def test_one_label_that_only_they_have_is_enough() -> None:
    found = selected(
        a_vm("db-1", {"tier": "db", "os": "linux"}, needs=True),
        a_vm("db-2", {"tier": "db", "os": "linux", "size": "xl"}, needs=True),
        a_vm("web-1", {"tier": "web", "os": "linux"}),
        policies=[],
    )

    assert found.selectors is not None
    assert (found.selectors.vmi, found.selectors.namespace) == ({"tier": "db"}, {})
    assert found.vms == ("team-a/db-1", "team-a/db-2")
    assert found.why == "tier=db: all 2 have it, and no other VM does"
    assert found.is_proven


def test_two_labels_where_none_alone_tells_them_apart() -> None:
    found = selected(
        a_vm("db-1", {"tier": "db", "stage": "prod"}, needs=True),
        a_vm("db-2", {"tier": "db", "stage": "test"}),
        a_vm("web-1", {"tier": "web", "stage": "prod"}),
        policies=[],
    )

    assert found.selectors is not None
    assert found.selectors.vmi == {"tier": "db", "stage": "prod"}


@pytest.mark.parametrize(
    "label",
    [
        {"kubevirt.io/nodeName": "node-7"},
        {"kubevirt.io/migrationTargetNodeName": "node-7"},
        {"kubevirt.io/outdatedLauncherImage": ""},
        {"pod-template-hash": "abc"},
        {"app-hash": "x"},
        {"build": "0f3a9c21"},
        {"owner": "6f1c2d3e-1111-4222-8333-123456789abc"},
    ],
    ids=str,
)
def test_what_controllers_write_and_what_is_generated_is_no_label_for_people(label: dict[str, str]) -> None:
    found = selected(a_vm("db-1", label, needs=True), a_vm("web-1", {"a": "b"}), policies=[])

    assert found.selectors is None
    assert found.why == "no labels of theirs tell them from the other VMs"
    assert found.suggested == {"live-migration-tuning": "needed"}


def test_labels_of_people_go_before_those_of_the_system() -> None:
    labels = {"kubevirt.io/domain": "db", "zone": "east"}
    found = selected(a_vm("db-1", labels, needs=True), a_vm("web-1", {"a": "b"}), policies=[])

    assert found.selectors is not None
    assert found.selectors.vmi == {"zone": "east"}


def test_the_namespace_tells_them_apart_where_their_own_labels_do_not() -> None:
    found = selected(
        a_vm("db-1", {"os": "linux"}, needs=True, namespace={"team": "a"}),
        a_vm("web-1", {"os": "linux"}, namespace={"team": "b"}),
        policies=[],
    )

    assert found.selectors is not None
    assert (found.selectors.vmi, found.selectors.namespace) == ({}, {"team": "a"})
    assert found.why == "team=a of their namespace: 1 has it, and no other VM does"


@pytest.mark.parametrize(
    "other",
    [
        Labelled("team-b", "web-1", {"os": "linux"}, None, needs=False),
        Labelled("team-b", "web-1", {"os": "linux"}, {"team": "a"}, needs=None),
        Labelled("team-b", "web-1", {}, {}, needs=False),
    ],
    ids=["namespace not read", "not known whether it needs it", "no label at all"],
)
def test_a_vm_that_may_be_healthy_is_never_picked(other: Labelled) -> None:
    one = a_vm("db-1", {"os": "linux"}, needs=True, namespace={"team": "a"})

    assert selected(one, other, policies=[]).selectors is None


def test_more_labels_are_taken_where_another_policy_would_rule() -> None:
    vm = a_vm("db-1", {"tier": "db", "os": "linux"}, needs=True)
    policies = [a_policy("aaa", vmi={"tier": "db"})]
    found = selected(vm, policies=policies)

    assert found.selectors is not None
    assert found.selectors.vmi in ({"tier": "db", "os": "linux"}, {"os": "linux"})
    assert len(found.selectors.vmi) == 2


def test_a_policy_that_cannot_be_outranked_is_named() -> None:
    found = selected(a_vm("db-1", {"tier": "db"}, needs=True), policies=[a_policy("aaa", vmi={"tier": "db"})])

    assert (found.selectors, found.outranked_by) == (None, ("aaa",))
    assert found.why == "whatever they share, aaa would rule instead"


def test_its_own_policy_of_before_is_replaced_and_no_rival() -> None:
    found = selected(a_vm("db-1", {"tier": "db"}, needs=True), policies=[a_policy(NAME, vmi={"tier": "db"})])

    assert found.selectors is not None


def test_policies_that_were_not_read_leave_it_unproven() -> None:
    found = selected(a_vm("db-1", {"tier": "db"}, needs=True))

    assert found.selectors is not None
    assert not found.is_proven


def test_nobody_in_need_needs_no_policy() -> None:
    assert selected(a_vm("db-1", {"tier": "db"}), policies=[]).selectors is None


LABELS = st.dictionaries(st.sampled_from(["a", "b", "c", "kubevirt.io/nodeName"]), st.sampled_from(["x", "y"]))
VMS = st.lists(
    st.builds(
        lambda labels, spaces, needs: (labels, spaces, needs),
        LABELS,
        st.none() | LABELS,
        st.sampled_from([True, True, False, None]),
    ),
    max_size=7,
)
POLICIES = st.lists(st.tuples(st.sampled_from(["aa", "tuned", "zz"]), LABELS, LABELS), max_size=3)


def brute_force(vm: Labelled, policies: list[tuple[str, dict[str, str], dict[str, str]]]) -> str:
    """The policy that rules, straight from the rule's words: all labels equal, most labels, most of the VMI, name."""
    fitting = []
    for name, own, space in policies:
        fits = not vm.labels or (
            own.items() <= vm.labels.items() and space.items() <= (vm.namespace_labels or {}).items()
        )
        if fits:
            count = (len(own), len(space)) if vm.labels else (0, 0)
            fitting.append((-sum(count), -count[0], name))
    return min(fitting)[2] if fitting else ""


@given(raw=VMS, policies=POLICIES, order=st.randoms(use_true_random=False))
def test_the_policy_rules_all_in_need_nobody_else_and_the_order_does_not_matter(
    raw: list[tuple[Any, Any, Any]], policies: list[tuple[str, dict[str, str], dict[str, str]]], order: Any
) -> None:
    vms = [Labelled("ns", f"vm-{place}", *item) for place, item in enumerate(raw)]
    given_policies = [a_policy(name, vmi=own, namespace=space) for name, own, space in policies]
    found = selected(*vms, policies=given_policies)
    order.shuffle(vms)

    assert selected(*vms, policies=given_policies) == found
    if found.selectors is None:
        return
    new = (NAME, dict(found.selectors.vmi), dict(found.selectors.namespace))
    rivals = [one for one in policies if one[0] != NAME]
    for vm in vms:
        if vm.needs:
            assert brute_force(vm, [*rivals, new]) == NAME
        else:
            assert brute_force(vm, [new]) == ""
    assert "kubevirt.io/nodeName" not in new[1]
