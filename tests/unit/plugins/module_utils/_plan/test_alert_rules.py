# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alert rules as data: KubeVirt's convention, names, durations, and what goes into the expressions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_promql import (
    PolicyTerm,
    duration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_rules import (
    ALERTS,
    RESERVED_LABELS,
    Thresholds,
    make_groups,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.rules_check import find_faults
from tests.make.places import ROOT

Rule = dict[str, Any]


def rules(**thresholds: Any) -> list[Rule]:
    (group,) = make_groups(Thresholds(**{"seconds_per_gib": 150, "per_cluster": 5, "per_node": 2, **thresholds}))
    return list(group["rules"])


def alerts(**thresholds: Any) -> list[Rule]:
    return [one for one in rules(**thresholds) if "alert" in one]


def test_every_alert_is_there_once_and_after_what_it_reads() -> None:
    assert [one.get("alert") for one in rules()] == [None, None, *ALERTS]


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_keeps_kubevirts_convention(name: str) -> None:
    (one,) = (one for one in alerts() if one["alert"] == name)

    assert len(name) <= 50
    assert one["labels"]["severity"] in ("critical", "warning", "info")
    assert one["labels"]["operator_health_impact"] in ("critical", "warning", "none")
    assert one["labels"]["kubernetes_operator_part_of"] == one["labels"]["kubernetes_operator_component"] == "kubevirt"
    assert "namespace" in one["labels"] or "namespace" in one["expr"]
    assert set(one["annotations"]) == {"summary", "description", "runbook_url"}
    assert one["annotations"]["runbook_url"].endswith(f"/docs/alerts/{name}.md")


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_has_its_page_with_what_an_operator_needs(name: str) -> None:
    page = (ROOT / "docs" / "alerts" / f"{name}.md").read_text(encoding="utf-8")

    assert page.splitlines()[5] == f"# {name}"
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert f"({name}.md)" in (ROOT / "docs" / "alerts" / "README.md").read_text(encoding="utf-8")


def test_no_page_is_left_of_an_alert_that_is_gone() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "alerts").glob("KubeVirt*.md")}
    assert pages == set(ALERTS)


def test_no_label_holds_a_value_and_no_join_needs_the_name_of_the_migration_object() -> None:
    for one in alerts():
        assert not re.search(r"\$value|\.Value", "".join(one["labels"].values()))
    assert "migration_name" not in "".join(one["expr"] for one in rules())


def test_labels_that_are_added_never_take_the_place_of_our_own() -> None:
    for plain, labelled in zip(alerts(), alerts(alert_labels=dict.fromkeys(RESERVED_LABELS, "x")), strict=True):
        assert {key: labelled["labels"][key] for key in plain["labels"]} == plain["labels"]


def test_a_fixed_limit_is_in_the_rule_and_in_the_text() -> None:
    (limit,) = (
        one for one in rules(fixed_seconds=600) if one.get("record", "").startswith("vmi:kubevirt_vmi_migration_l")
    )

    assert limit["expr"].endswith("* 0 + 600")
    assert "Allowed are 600 s, whatever its size." in alerts(fixed_seconds=600)[0]["annotations"]["description"]


def test_policies_stand_before_the_clusters_own_time_and_the_longest_counts_where_labels_are_not_known() -> None:
    terms = [PolicyTerm(900, {"a.b/c-d": "x"}, ["n-2", "n-1"]), PolicyTerm(20, {})]
    expr = rules(policies=terms)[1]["expr"]

    memory = "max by (namespace, name) (kubevirt_vmi_memory_domain_bytes"
    order = [
        f'900 * ceil({memory}{{kubernetes_vmi_label_a_b_c_d="x", namespace=~"n-1|n-2"}}) / 1e9)',
        f"20 * ceil({memory}) / 1e9)",
        f"150 * ceil({memory}) / 1e9)",
        "900 * ceil(max by (namespace, name) (kubevirt_vm_resource_requests",
    ]
    assert sorted(order, key=expr.index) == order


def test_the_text_of_a_label_cannot_leave_its_string() -> None:
    matchers = PolicyTerm(1, {"a": 'x"} or vector(1) #\\'}).matchers
    assert matchers == 'kubernetes_vmi_label_a="x\\"} or vector(1) #\\\\"'


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (1, "1s"), (90, "1m30s"), (900, "15m"), (3600, "1h"), (90061, "1d1h1m1s")]
)
def test_durations_are_written_as_prometheus_reads_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@given(seconds=st.integers(min_value=0, max_value=10**7))
def test_a_duration_means_its_seconds(seconds: int) -> None:
    sizes = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"(\d+)([dhms])", duration(seconds))
    assert sum(int(number) * sizes[unit] for number, unit in parts) == seconds


@given(
    per_gib=st.integers(1, 10**6),
    per_cluster=st.integers(1, 10**4),
    per_node=st.integers(1, 10**4),
    fixed=st.none() | st.integers(1, 10**6),
    window=st.integers(120, 86400),
    waiting=st.integers(60, 604800),
)
def test_whatever_the_thresholds_the_own_check_finds_no_fault(
    per_gib: int, per_cluster: int, per_node: int, fixed: int | None, window: int, waiting: int
) -> None:
    groups = make_groups(
        Thresholds(
            seconds_per_gib=per_gib,
            per_cluster=per_cluster,
            per_node=per_node,
            fixed_seconds=fixed,
            window_seconds=window,
            waiting_seconds=waiting,
        )
    )
    assert find_faults({"groups": groups}) == []
