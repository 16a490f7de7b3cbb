# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report takes from the results, and what its first sentence says."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import render_markdown
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import render_text
from tests.unit.plugins.plugin_utils.odd import on_odd_results
from tests.unit.plugins.plugin_utils.results import (
    MISSING_PODS,
    NOT_CAPTURED,
    a_cause,
    a_forbidden_result,
    a_migration,
    a_node,
    a_result,
    a_stuck_migration,
    nodes_result,
    report_of,
)

PARTLY = {"complete": False, "missing": [MISSING_PODS]}


def text_of(report: Report) -> str:
    return "\n".join(line.text for line in render_text(report, width=100))


def unescaped(text: str) -> str:
    return html.unescape(text).replace("\\", "")


def scoped(**arguments: Any) -> dict[str, Any]:
    return {"scope": arguments}


HEADLINES: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "one stuck": (
        [a_stuck_migration(), a_migration(), a_migration()],
        {},
        "1 of 3 migrations is stuck: TargetPodUnschedulable.",
    ),
    "several stuck, late and unknown": (
        [
            a_stuck_migration(),
            a_stuck_migration(),
            a_stuck_migration(cause="SourceNodeDown"),
            a_migration(verdict="late"),
            a_migration(verdict="unknown"),
        ],
        {},
        "3 of 5 migrations are stuck: 2 TargetPodUnschedulable and SourceNodeDown. 1 could not be judged. 1 is late.",
    ),
    "one stuck, and not all seen": (
        [a_stuck_migration()],
        {"coverage": PARTLY},
        "1 of 1 migration is stuck: TargetPodUnschedulable. Not everything could be read.",
    ),
    "none stuck": ([a_migration()], {}, "No migration is stuck (1 migration looked at)."),
    "none stuck, but one unknown": (
        [a_migration(), a_migration(verdict="unknown")],
        {},
        "None of the 2 migrations was seen to be stuck, but not all could be seen. 1 could not be judged.",
    ),
    "none stuck, but not all seen": (
        [a_migration(), a_migration()],
        {"coverage": PARTLY},
        "None of the 2 migrations was seen to be stuck, but not all could be seen.",
    ),
    "none at all": ([], scoped(namespaces=[]), "No live migrations found in all namespaces."),
    "none at all in some places": (
        [],
        scoped(namespaces=["a", "b"], vms=["db"], nodes=["n1"]),
        "No live migrations found in namespaces a and b of VM db to or from n1.",
    ),
    "none at all, but not all seen": (
        [],
        {"coverage": PARTLY},
        "No live migrations seen, but not all was seen.",
    ),
}


def test_headline_counts_causes_that_are_too_many_to_name() -> None:
    found = [a_stuck_migration(cause=cause) for cause in ("A", "B", "C", "D")]
    assert report_of(*found).headline == "4 of 4 migrations are stuck for 4 different causes."


SICK = {1: "Node n0 is unhealthy.", 3: "Nodes n0, n1 and n2 are unhealthy.", 4: "4 nodes are unhealthy."}


@pytest.mark.parametrize(("count", "sentence"), SICK.items(), ids=map(str, SICK))
def test_headline_names_sick_nodes(count: int, sentence: str) -> None:
    nodes = nodes_result(*(a_node(name=f"n{number}") for number in range(count)))
    assert report_of(a_stuck_migration(), nodes=nodes).headline.endswith(f" {sentence}")


@pytest.mark.parametrize(("migrations", "changes", "expected"), HEADLINES.values(), ids=HEADLINES)
def test_headline_says_what_is_known(migrations: list[Any], changes: dict[str, Any], expected: str) -> None:
    assert report_of(*migrations, **changes).headline == expected


def test_stuck_migrations_come_first() -> None:
    report = report_of(a_migration(vm="c"), a_migration(vm="b", verdict="unknown"), a_stuck_migration(vm="a"))
    assert [migration.vm for migration in report.migrations] == ["a", "b", "c"]
    assert [migration.vm for migration in report.stuck] == ["a"]
    assert [migration.vm for migration in report.uncertain] == ["b"]


def test_stuck_follows_from_the_verdict_where_it_is_not_said() -> None:
    (found,) = report_of(a_stuck_migration(stuck=None)).migrations
    assert found.stuck


def test_cause_names_the_causes_that_explain_it() -> None:
    root = a_cause(code="TargetNodeDown", explains=["TargetHandlerDown"])
    (found,) = report_of(a_stuck_migration(causes=[root, a_cause(code="TargetHandlerDown")])).stuck
    assert [cause.follows_from for cause in found.causes] == [(), ("TargetNodeDown",)]


def test_durations_are_counted_to_the_clusters_time() -> None:
    (found,) = report_of(a_stuck_migration()).stuck
    assert (found.causes[0].seconds, found.causes[0].evidence[0].seconds) == (539, 539)


def test_durations_are_not_known_without_the_clusters_time() -> None:
    (found,) = report_of(a_stuck_migration(), read_at=None).stuck
    assert found.causes[0].seconds is None


def test_missing_rules_of_both_results_make_one_role() -> None:
    report = report_of(coverage=PARTLY, nodes=a_forbidden_result())
    assert report.gap is not None
    assert report.gap.rules == ("list pods in namespace kubevirt", "list nodes")
    assert [line for line in report.gap.role if line.startswith("kind:")] == ["kind: ClusterRole", "kind: Role"]
    assert report.gap.reason == "GET /api/v1/nodes: 403 Forbidden"


def test_missing_rule_is_named_once() -> None:
    report = report_of(coverage=PARTLY, nodes=nodes_result(coverage=PARTLY))
    assert report.gap is not None
    assert report.gap.rules == ("list pods in namespace kubevirt",)


def test_result_without_coverage_is_not_called_complete() -> None:
    assert report_of(coverage=None).gap is not None


@pytest.mark.parametrize("render", [render_html, render_markdown, text_of], ids=["html", "markdown", "text"])
def test_what_no_capture_holds_is_told_apart_and_no_role_is_offered_for_it(render: Callable[[Report], str]) -> None:
    forbidden = {**MISSING_PODS, "role": ""}
    both = render(report_of(coverage={"complete": False, "missing": [forbidden, NOT_CAPTURED]}))
    alone = render(report_of(coverage={"complete": False, "missing": [NOT_CAPTURED]}))

    for text in (both, alone):
        assert "not in the capture: list leases (coordination.k8s.io) in namespace kubevirt" in unescaped(text)
        assert "may not list leases" not in text
        assert "No role would show what is not in the capture" in " ".join(text.split())
    assert "may not list pods in namespace kubevirt" in both
    assert 'resources: ["pods"]' in unescaped(both)
    assert 'resources: ["leases"]' not in unescaped(both)
    assert ("kubectl apply" in both, "kubectl apply" in alone, "may not" in alone) == (True, False, False)


def test_nodes_that_a_capture_does_not_hold_are_no_missing_right() -> None:
    error = {"code": "NotCaptured", "method": "GET", "path": "/api/v1/nodes?limit=500", "status": 403}

    gap = report_of(nodes={"failed": True, "msg": "the capture does not hold this", "error": error}).gap

    assert gap is not None
    assert (gap.rules, gap.role, gap.uncaptured) == ((), (), ("list nodes",))


NODES: dict[str, tuple[Any, bool, str]] = {
    "not asked for": (None, False, "The nodes were not looked at."),
    "skipped": ({"skipped": True, "changed": False}, False, "The nodes were not looked at."),
    "forbidden": (a_forbidden_result(), False, "The nodes could not be read. GET /api/v1/nodes: 403 Forbidden"),
    "read": (nodes_result(a_node()), True, "5 of 6 nodes are healthy."),
}


@pytest.mark.parametrize(("nodes", "known", "summary"), NODES.values(), ids=NODES)
def test_nodes_are_known_or_said_to_be_unknown(nodes: Any, known: bool, summary: str) -> None:
    report = report_of(a_migration(), nodes=nodes)
    assert (report.nodes is not None, report.nodes_summary) == (known, summary)


def test_sick_nodes_come_worst_first_with_their_reasons() -> None:
    nodes = nodes_result(a_node(name="n1", verdict="healthy"), a_node(name="n2", verdict="degraded"), a_node())
    report = report_of(nodes=nodes)
    assert [node.name for node in report.sick_nodes] == ["node-7", "n2"]
    assert report.sick_nodes[0].reasons == ("Ready is Unknown for 700 s",)


def test_node_facts_are_sentences_also_where_they_are_missing() -> None:
    taint = {"key": "maintenance", "value": "yes", "effect": "NoSchedule"}
    allocatable, free = {"cpu": 8.0, "memory": 64 * 1024**3}, {"cpu": 5.5, "memory": 10**400}
    node = a_node(
        cordoned=True,
        taints=[taint],
        allocatable={"numbers": allocatable},
        free={"numbers": free},
        heartbeat_age_seconds=745,
    )
    (found,) = report_of(nodes=nodes_result(node)).nodes or ()
    assert dict(found.facts) == {
        "in / out": "1 / 4",
        "virt-handler": "not ready",
        "heartbeat": "12m ago",
        "CPU free": "5.5 of 8",
        "memory free, GiB": "? of 64",
    }
    assert (found.taints, found.cordoned) == (("maintenance=yes:NoSchedule",), True)


def test_entry_that_is_no_mapping_is_shown_as_not_judged() -> None:
    report = report_of("nonsense", a_migration())
    assert [migration.verdict for migration in report.migrations] == ["unknown", "progressing"]


@on_odd_results
def test_reading_never_fails(result: Any, nodes: Any) -> None:
    report = read_report(result, nodes=nodes)
    entries = result.get("migrations") if isinstance(result, dict) else None
    assert len(report.migrations) == (len(entries) if isinstance(entries, list) else 0)


def test_result_of_another_shape_is_an_empty_report_that_says_so() -> None:
    assert read_report(["no result"]).headline == "No live migrations seen, but not all was seen."
    assert read_report(a_result()).headline == "No live migrations found."
