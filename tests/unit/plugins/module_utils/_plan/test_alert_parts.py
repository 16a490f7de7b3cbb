# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies as terms of the limit, loaders and their selectors, and what a version of KubeVirt has."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.prometheus_operator import RuleLoader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_metrics import (
    METRICS,
    find_silent,
    is_available,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_policies import (
    needs_namespaces,
    plan_terms,
    seconds_per_gib,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_rules import (
    NOT_PROGRESSING,
    ON_NODE,
    STUCK,
    Thresholds,
    make_groups,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_selection import (
    Place,
    find_loaders,
    find_selection_risks,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import match_policies


def a_policy(
    name: str, seconds: Any = None, *, vmi: dict[str, str] | None = None, namespace: dict[str, str] | None = None
) -> MigrationPolicy:
    selectors = {"virtualMachineInstanceSelector": vmi or {}, "namespaceSelector": namespace or {}}
    spec = {"selectors": selectors, **({} if seconds is None else {"completionTimeoutPerGiB": seconds})}
    return MigrationPolicy.from_object({"metadata": {"name": name}, "spec": spec})


NAMESPACES = {"a": {"team": "a"}, "b": {"team": "b"}}


def test_terms_stand_in_the_order_in_which_policies_rule() -> None:
    policies = [
        a_policy("wide", 100),
        a_policy("one-label", 200, vmi={"x": "1"}),
        a_policy("two-labels", 300, vmi={"x": "1"}, namespace={"team": "a"}),
        a_policy("two-of-the-vmi", 400, vmi={"x": "1", "y": "2"}),
    ]

    found = plan_terms(policies, cluster_seconds=150, namespaces=NAMESPACES)

    assert [one.policy for one in found.terms] == ["two-of-the-vmi", "two-labels", "one-label", "wide"]
    assert found.terms[1].term.namespaces == ["a"]


@pytest.mark.parametrize(
    "policies",
    [
        [],
        [a_policy("silent", vmi={"x": "1"})],
        [a_policy("same", 150, vmi={"x": "1"})],
        [MigrationPolicy.from_object({"metadata": {"name": "none"}, "spec": {"completionTimeoutPerGiB": 9}})],
        [a_policy("nowhere", 900, namespace={"team": "z"})],
    ],
    ids=["none", "sets nothing", "sets the same", "no selectors", "no namespace"],
)
def test_policies_that_change_nothing_give_no_term(policies: list[MigrationPolicy]) -> None:
    found = plan_terms(policies, cluster_seconds=150, namespaces=NAMESPACES)
    assert (found.terms, found.notes) == ((), ())


def test_a_policy_that_sets_nothing_shields_its_vms_from_those_after_it() -> None:
    policies = [a_policy("shield", vmi={"x": "1", "y": "2"}), a_policy("slow", 900, vmi={"x": "1"})]

    found = plan_terms(policies, cluster_seconds=150, namespaces={})

    assert [(one.policy, one.term.seconds_per_gib) for one in found.terms] == [("shield", 150), ("slow", 900)]


@pytest.mark.parametrize(
    ("policy", "namespaces", "words"),
    [
        (a_policy("p", "much", vmi={"x": "1"}), {}, "spec.completionTimeoutPerGiB is not an integer"),
        (a_policy("p", 900, vmi={"x": ""}), {}, "cannot tell an empty label"),
        (a_policy("p", 900, namespace={"team": "a"}), None, "labels of namespaces could not be read"),
    ],
    ids=["spoilt", "empty label", "namespaces not read"],
)
def test_a_policy_that_cannot_be_said_is_named(
    policy: MigrationPolicy, namespaces: dict[str, dict[str, str]] | None, words: str
) -> None:
    found = plan_terms([policy], cluster_seconds=150, namespaces=namespaces)

    assert found.terms == ()
    assert ["MigrationPolicy p is left out of the alert's limit" in note and words in note for note in found.notes] == [
        True
    ]


def test_namespaces_are_read_only_where_they_decide() -> None:
    assert not needs_namespaces(
        [a_policy("p", 900, vmi={"x": "1"}), a_policy("q", namespace={"team": "a"}, vmi={})][:1]
    )
    assert not needs_namespaces([a_policy("q", namespace={"team": "a"})])
    assert needs_namespaces([a_policy("q", 900, namespace={"team": "a"})])


def test_no_limit_at_all_is_measured_by_kubevirts_default() -> None:
    assert [seconds_per_gib(value) for value in (0, -1, 1, 800)] == [150, 150, 1, 800]


TEAMS = st.sampled_from([{}, {"team": "a"}, {"team": "b"}])
LABELS = st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"), max_size=2)


@given(
    policies=st.lists(
        st.tuples(st.none() | st.integers(1, 5), LABELS, st.sampled_from([{}, {"team": "a"}, {"team": "b"}])),
        max_size=5,
    ),
    vmi=LABELS.map(lambda labels: {**labels, "always": "there"}),
    namespace=st.sampled_from("ab"),
)
def test_the_first_term_that_picks_a_vm_is_that_of_the_policy_that_rules_it(
    policies: list[tuple[int | None, dict[str, str], dict[str, str]]], vmi: dict[str, str], namespace: str
) -> None:
    made = [
        a_policy(f"p{place}", seconds, vmi=labels, namespace=team)
        for place, (seconds, labels, team) in enumerate(policies)
    ]
    match = match_policies(made, vmi_labels=vmi, namespace_labels=NAMESPACES[namespace])
    by_policy = match.winner.settings.get("completionTimeoutPerGiB", 7) if match.winner else 7

    terms = [one.term for one in plan_terms(made, cluster_seconds=7, namespaces=NAMESPACES).terms]
    picking = [
        term.seconds_per_gib
        for term in terms
        if term.vmi_labels.items() <= vmi.items() and (term.namespaces is None or namespace in term.namespaces)
    ]

    assert (picking or [7])[0] == by_policy


# --- who loads rules ---


PLACE = Place("kubevirt", {"a": "b"}, {"role": "rules"})


@pytest.mark.parametrize(
    "spec",
    [
        {"ruleSelector": "x"},
        {"ruleSelector": {"matchLabels": ["x"]}},
        {"ruleSelector": {"matchExpressions": ["x"]}},
        {"ruleSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": "x"}]}},
        {"ruleSelector": {}, "ruleNamespaceSelector": 1},
    ],
)
def test_selectors_without_shape_select_nothing_and_are_named(spec: dict[str, Any]) -> None:
    loader = RuleLoader.from_object(
        {"metadata": {"namespace": "kubevirt", "name": "k8s"}, "spec": spec}, kind="Prometheus"
    )

    (risk,) = find_selection_risks([loader], PLACE)

    assert find_loaders([loader], PLACE) == []
    assert "Prometheus kubevirt/k8s: its selectors cannot be read" in risk.reason


def test_an_operator_that_is_not_known_selects_nothing_for_sure() -> None:
    selector = {"matchExpressions": [{"key": "role", "operator": "Like", "values": ["rules"]}]}
    loader = RuleLoader.from_object(
        {"metadata": {"namespace": "kubevirt"}, "spec": {"ruleSelector": selector}}, kind="x"
    )

    assert find_loaders([loader], PLACE) == []


def test_labels_of_the_namespace_that_could_not_be_read_prove_nothing() -> None:
    spec = {"ruleSelector": {}, "ruleNamespaceSelector": {"matchLabels": {"a": "b"}}}
    loader = RuleLoader.from_object({"metadata": {"namespace": "x"}, "spec": spec}, kind="Prometheus")
    unread = Place("kubevirt", None, {}, is_openshift=True)

    (risk,) = find_selection_risks([loader], unread)

    assert "and the labels of namespace kubevirt could not be read" in risk.reason


def test_what_could_not_be_listed_is_no_warning() -> None:
    assert list(find_selection_risks(None, PLACE)) == []


def test_of_many_that_do_not_select_them_five_are_told() -> None:
    loaders = [RuleLoader("Prometheus", "n", str(place), None, None) for place in range(9)]

    (risk,) = find_selection_risks(loaders, PLACE)

    assert risk.reason.count("it has no ruleSelector") == 5
    assert risk.reason.endswith("and 4 more.")


@pytest.mark.parametrize("obj", [None, [], "x", {"metadata": 1, "spec": 2}], ids=["none", "list", "text", "numbers"])
def test_an_object_without_shape_is_a_loader_that_loads_nothing(obj: Any) -> None:
    assert find_loaders([RuleLoader.from_object(obj, kind="Prometheus")], PLACE) == []


# --- metrics by version ---


@pytest.mark.parametrize(
    ("version", "silent"),
    [
        ("v1.3.0", (STUCK, NOT_PROGRESSING, ON_NODE)),
        ("v1.3.1-52-g0123abc", (STUCK, NOT_PROGRESSING, ON_NODE)),
        ("v1.4.0", (STUCK, NOT_PROGRESSING, ON_NODE)),
        ("v1.4.1", ()),
        ("1.5.0", ()),
        ("v1.9.0", ()),
        ("", ()),
        ("main", ()),
    ],
)
def test_alerts_that_a_version_cannot_raise_are_known(version: str, silent: tuple[str, ...]) -> None:
    assert find_silent(version) == silent


def test_a_version_that_left_a_metric_out_lacks_it() -> None:
    (unset,) = (one for one in METRICS if one.name == "kubevirt_vmi_migrations_in_unset_phase")
    told = [is_available(unset, version=version) for version in ("v1.4.0", "v1.4.1", "v1.5.0", "v1.5.1", "nightly")]
    assert told == [False, True, False, True, None]


def test_the_list_has_just_the_metrics_of_kubevirt_that_the_rules_read() -> None:
    (group,) = make_groups(Thresholds(seconds_per_gib=150, per_cluster=5, per_node=2))
    read = {name for one in group["rules"] for name in re.findall(r"(?<![:\w])kubevirt_[a-z_]+", one["expr"])}

    assert read == {one.name for one in METRICS}
