# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as data: report.json, and the summary for later steps of a job."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_json import render_json, summarise
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
from tests.unit.plugins.plugin_utils.odd import on_odd_results
from tests.unit.plugins.plugin_utils.results import (
    READ_AT,
    a_migration,
    a_node,
    a_result,
    a_stuck_migration,
    nodes_result,
)


def rendered(result: Any, *, nodes: Any = None) -> str:
    return render_json(read_report(result, nodes=nodes, version="1.2.3"), migrations=result, nodes=nodes)


def test_document_holds_both_results_as_they_came() -> None:
    result, nodes = a_result(a_stuck_migration()), nodes_result(a_node())
    document = json.loads(rendered(result, nodes=nodes))
    assert document["migrations"]["migrations"] == result["migrations"]
    assert document["nodes"] == nodes
    assert document["meta"] == {
        "collection": "kubevirt_ops.live_migration",
        "version": "1.2.3",
        "generated_at": READ_AT,
        "title": "Live migrations",
        "headline": "1 of 1 migration is stuck: TargetPodUnschedulable. Node node-7 is unhealthy.",
    }
    assert document["scope"] == ""


def test_document_holds_no_connection_options() -> None:
    result = a_result(invocation={"module_args": {"api_key": "secret"}}, warnings=["w"], changed=False)
    assert set(json.loads(rendered(result))["migrations"]) == {"read_at", "migrations", "correlations", "coverage"}


def test_document_is_sorted_and_the_same_each_time() -> None:
    result = a_result(a_migration())
    turned = {key: result[key] for key in reversed(result)}
    assert rendered(result) == rendered(turned)


@on_odd_results
def test_any_result_gives_json_in_ascii(result: Any, nodes: Any) -> None:
    text = rendered(result, nodes=nodes)
    assert text.isascii()
    assert set(json.loads(text)) == {"meta", "scope", "migrations", "nodes"}


def test_summary_is_small_and_its_entries_address_migrations() -> None:
    result = a_result(a_stuck_migration(), a_migration())
    summary = summarise(
        read_report(result, nodes=nodes_result(a_node())), migrations=result, paths={"json": "/r/report.json"}
    )
    assert summary == {
        "headline": "1 of 2 migrations is stuck: TargetPodUnschedulable. Node node-7 is unhealthy.",
        "read_at": READ_AT,
        "total": 2,
        "by_verdict": {"blocked": 1, "progressing": 1},
        "stuck": [
            {
                "namespace": "team-a",
                "vm": "db-1",
                "name": "kubevirt-migrate-vm-x7k2p",
                "uid": "5b1e0a9e-0000-4000-8000-000000000001",
                "verdict": "blocked",
                "cause": "TargetPodUnschedulable",
            }
        ],
        "coverage_complete": True,
        "unhealthy_nodes": ["node-7"],
        "report": {"json": "/r/report.json"},
    }


@on_odd_results
def test_summary_counts_as_the_report_does(result: Any, nodes: Any) -> None:
    report = read_report(result, nodes=nodes)
    assert len(summarise(report, migrations=result, paths={})["stuck"]) == len(report.stuck)
