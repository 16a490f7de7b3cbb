# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which policy rules: KubeVirt's precedence, rule by rule and against an independent reading of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import (
    PolicyMatch,
    match_policies,
    needs_namespace,
)
from tests.unit.builders import a_policy

VMI = {"os": "linux", "tier": "db", "kubevirt.io/nodeName": "node-a"}
NAMESPACE = {"team": "a", "stage": "prod"}


def matched(
    *policies: dict[str, Any],
    vmi: Mapping[str, str] = MappingProxyType(VMI),
    namespace: Mapping[str, str] | None = MappingProxyType(NAMESPACE),
) -> PolicyMatch:
    read = [MigrationPolicy.from_object(policy) for policy in policies]
    return match_policies(read, vmi_labels=vmi, namespace_labels=namespace)


def why_not(match: PolicyMatch) -> dict[str, str]:
    return {one.policy: one.why_not for one in match.others}


def test_no_policy_at_all_is_known_and_none() -> None:
    found = matched()

    assert (found.name, found.is_known, found.others) == ("", True, ())


def test_without_selectors_nothing_matches_and_with_empty_ones_everything_does() -> None:
    never = a_policy("never")
    del never["spec"]["selectors"]
    found = matched(never, a_policy("all"))

    assert found.name == "all"
    assert why_not(found) == {"never": "it has no selectors, so it matches nothing"}


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        ({"vmi": {"os": "windows"}}, "the VMI's label os is 'linux', not 'windows'"),
        ({"vmi": {"os": "linux", "zone": "east"}}, "the VMI has no label zone (wanted: 'east')"),
        ({"namespace": {"team": "b"}}, "the namespace's label team is 'a', not 'b'"),
        ({"vmi": {"os": "linux"}, "namespace": {"owner": "x"}}, "the namespace has no label owner (wanted: 'x')"),
    ],
    ids=["other value", "one of two absent", "namespace's value", "namespace lacks"],
)
def test_one_label_that_differs_keeps_a_policy_out(selector: dict[str, Any], reason: str) -> None:
    found = matched(a_policy("one", **selector))

    assert (found.name, why_not(found)) == ("", {"one": reason})


def test_more_labels_win_then_more_of_the_vmi_then_the_first_name() -> None:
    found = matched(
        a_policy("a-empty"),
        a_policy("b-one", vmi={"os": "linux"}),
        a_policy("c-mixed", vmi={"os": "linux"}, namespace={"team": "a"}),
        a_policy("z-vmi", vmi={"os": "linux", "tier": "db"}),
        a_policy("y-vmi", vmi={"os": "linux", "tier": "db"}),
    )

    assert found.name == "y-vmi"
    assert why_not(found) == {
        "a-empty": "it matches with 0 labels, y-vmi with 2",
        "b-one": "it matches with 1 labels, y-vmi with 2",
        "c-mixed": "it matches with 1 labels of the VMI, y-vmi with 2",
        "z-vmi": "it matches as well as y-vmi, whose name comes first",
    }


def test_a_vmi_without_labels_is_not_compared() -> None:
    assert matched(a_policy("b", vmi={"os": "windows"}), a_policy("a", namespace={"team": "z"}), vmi={}).name == "a"


def test_unread_namespace_leaves_open_only_what_it_could_decide() -> None:
    by_namespace = a_policy("n", namespace={"team": "a"})
    strong = a_policy("s", vmi={"os": "linux", "tier": "db"})

    assert matched(by_namespace, namespace=None).name is None
    assert matched(by_namespace, strong, namespace=None).name == "s"
    assert matched(a_policy("n", vmi={"os": "windows"}, namespace={"team": "a"}), namespace=None).name == ""


def test_a_spoilt_policy_leaves_the_answer_open() -> None:
    spoilt = a_policy("spoilt", vmi={"os": 5})
    found = matched(spoilt, a_policy("fine", vmi={"os": "linux", "tier": "db"}))

    assert (found.name, found.winner, found.is_known) == (None, None, False)
    assert "spec.selectors.virtualMachineInstanceSelector.os is not a string" in why_not(found)["spoilt"]
    assert "not known" in why_not(found)["fine"]


@pytest.mark.parametrize("selectors", ["all", ["os"], 7], ids=["text", "list", "number"])
def test_selectors_of_another_shape_are_named(selectors: Any) -> None:
    policy = a_policy("odd")
    policy["spec"]["selectors"] = selectors

    assert matched(policy).name is None


LABELS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2"]), max_size=3)
SELECTOR = st.none() | LABELS
POLICIES = st.dictionaries(
    st.sampled_from(["p", "p-1", "p1", "q", "a.b", "a-b"]),
    st.none() | st.fixed_dictionaries({"vmi": SELECTOR, "namespace": SELECTOR}),
    max_size=6,
)


EVERY_NAMESPACE = [
    [(key, value) for key, value in zip("abc", values, strict=True) if value]
    for values in itertools.product(("", "1", "2"), repeat=3)
]


def brute_force(
    policies: Mapping[str, Mapping[str, Any] | None], vmi: Mapping[str, str], namespace: Mapping[str, str]
) -> str:
    """The rule as a tournament over pairs: the policy that no other one beats."""

    def score(name: str) -> tuple[int, int] | None:
        selectors = policies[name]
        if selectors is None:
            return None
        if not vmi:
            return 0, 0
        pairs = [("v", *item) for item in (selectors["vmi"] or {}).items()]
        pairs += [("n", *item) for item in (selectors["namespace"] or {}).items()]
        there = {("v", *item) for item in vmi.items()} | {("n", *item) for item in namespace.items()}
        if any(pair not in there for pair in pairs):
            return None
        return len(pairs), sum(pair[0] == "v" for pair in pairs)

    def beats(one: str, other: str) -> bool:
        mine, theirs = score(one), score(other)
        if mine is None or theirs is None:
            return mine is not None
        return mine > theirs or (mine == theirs and one.encode() < other.encode())

    alive = [name for name in policies if score(name) is not None]
    return next((name for name in alive if not any(beats(other, name) for other in alive if other != name)), "")


@given(POLICIES, LABELS, LABELS)
def test_winner_is_that_of_an_independent_reading(
    policies: dict[str, Any], vmi: dict[str, str], namespace: dict[str, str]
) -> None:
    objects = []
    for name, selectors in policies.items():
        policy = a_policy(name, **{key: value for key, value in (selectors or {}).items() if value is not None})
        if selectors is None:
            del policy["spec"]["selectors"]
        objects.append(policy)

    found = matched(*objects, vmi=vmi, namespace=namespace)

    assert found.name == brute_force(policies, vmi, namespace)
    assert {one.policy for one in found.others} == set(policies) - {found.name}
    assert all(one.why_not for one in found.others)


@given(POLICIES, LABELS, LABELS)
def test_the_namespace_is_asked_for_exactly_where_it_may_decide(
    policies: dict[str, Any], vmi: dict[str, str], namespace: dict[str, str]
) -> None:
    given_ones = {name: selectors for name, selectors in policies.items() if selectors is not None}
    read = [
        MigrationPolicy.from_object(
            a_policy(name, **{key: value for key, value in selectors.items() if value is not None})
        )
        for name, selectors in given_ones.items()
    ]
    known = match_policies(read, vmi_labels=vmi, namespace_labels=namespace).name
    # Whatever labels a namespace has.
    possible = {brute_force(given_ones, vmi, dict(some)) for some in EVERY_NAMESPACE}

    assert needs_namespace(read, vmi_labels=vmi) is (len(possible) > 1)
    if not needs_namespace(read, vmi_labels=vmi):
        assert match_policies(read, vmi_labels=vmi, namespace_labels=None).name == known


@pytest.mark.parametrize(
    ("policies", "is_needed"),
    [
        ([], False),
        ([a_policy("all")], False),
        ([a_policy("vms", vmi={"os": "linux"})], False),
        ([a_policy("teams", namespace={"team": "a"})], True),
        ([a_policy("others", vmi={"os": "bsd"}, namespace={"team": "a"})], False),
        ([a_policy("teams", namespace={"team": "a"}), a_policy("more", vmi={"os": "linux", "tier": "db"})], False),
    ],
    ids=["none", "all", "VM's", "namespace's", "not the VM's", "outranked"],
)
def test_namespace_is_needed_where_its_labels_could_decide(policies: list[dict[str, Any]], is_needed: bool) -> None:
    read = [MigrationPolicy.from_object(policy) for policy in policies]

    assert needs_namespace(read, vmi_labels=VMI) is is_needed


def test_first_problem_of_a_policy_is_said() -> None:
    policy = a_policy("odd")
    policy["spec"]["selectors"] = {"virtualMachineInstanceSelector": 5, "namespaceSelector": 6}

    assert "virtualMachineInstanceSelector" in why_not(matched(policy))["odd"]
