# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One report on several clusters: rows in order, one headline, nothing that was not seen called well."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._clusters_files import (
    render_clusters_html,
    render_clusters_json,
    render_clusters_markdown,
    render_clusters_text,
    summarise_clusters,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._clusters_read import (
    ClustersReport,
    read_clusters,
)
from tests.unit.plugins.plugin_utils.odd import on_odd_results
from tests.unit.plugins.plugin_utils.pages import Page, without_own_script
from tests.unit.plugins.plugin_utils.results import (
    ESCAPE,
    a_cause,
    a_migration,
    a_node,
    a_result,
    a_storm_result,
    a_stuck_migration,
    nodes_result,
)

LOST = {"failed": True, "msg": "GET /apis: connection refused"}


def a_look(name: str, *migrations: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "migrations": a_result(*migrations), "nodes": nodes_result(a_node()), **more}


LOOKS = [
    a_look("calm", a_migration()),
    a_look("lost", migrations=LOST),
    a_look("bad", a_stuck_migration(), a_stuck_migration(vm="db-2"), a_migration()),
]


def report_of(*looks: Any) -> ClustersReport:
    return read_clusters(list(looks), version="1.2.3")


def test_worst_comes_first_and_the_unseen_before_the_calm() -> None:
    assert [one.name for one in report_of(*LOOKS).clusters] == ["bad", "lost", "calm"]


HEADLINES = {
    "some stuck, one unseen": (LOOKS, "2 of 4 migrations are stuck, in bad. lost could not be looked at."),
    "one stuck": ([a_look("a", a_stuck_migration())], "1 of 1 migration is stuck, in a."),
    "all well": ([LOOKS[0], a_look("b")], "No migration is stuck in 2 clusters (1 migration looked at)."),
    "none seen": (
        [LOOKS[1]],
        (
            "No migration was seen to be stuck (no migrations looked at), but not all could be seen."
            " lost could not be looked at."
        ),
    ),
    "not all judged": (
        [a_look("a", a_migration(verdict="unknown"))],
        "No migration was seen to be stuck (1 migration looked at), but not all could be seen.",
    ),
    "many": (
        [a_look(name, a_stuck_migration()) for name in "abcd"] + [a_look(name, migrations=LOST) for name in "efgh"],
        "4 of 4 migrations are stuck, in 4 of 8 clusters. 4 of 8 clusters could not be looked at.",
    ),
    "none": ([], "There is no cluster to look at."),
}


@pytest.mark.parametrize(("looks", "headline"), HEADLINES.values(), ids=HEADLINES)
def test_headline(looks: list[Any], headline: str) -> None:
    assert report_of(*looks).headline == headline


@pytest.mark.parametrize(
    ("look", "why"),
    [
        (a_look("x", migrations=LOST), "GET /apis: connection refused"),
        (a_look("x", migrations={}, error="no token"), "no token"),
        (a_look("x", migrations=None), "nothing is known of why"),
    ],
    ids=["the module says", "the play says", "nobody says"],
)
def test_cluster_that_was_not_seen_says_why(look: dict[str, Any], why: str) -> None:
    (found,) = report_of(look).clusters

    assert (found.report, found.error, found.line) == (None, why, f"Could not be looked at: {why}")


def test_text_has_a_row_for_each() -> None:
    lines = [line.text for line in render_clusters_text(report_of(*LOOKS), width=80)]

    assert "CLUSTER  STUCK  OF  UNHEALTHY NODES" in lines
    assert "bad          2   3  node-7" in lines
    assert "lost         ?   ?  ?" in lines
    assert max(map(len, lines)) <= 80


def test_markdown_holds_each_report_one_level_down() -> None:
    lines = render_clusters_markdown(report_of(*LOOKS)).split("\n")

    assert "| lost | ? | ? | ? | Could not be looked at: GET /apis: connection refused |" in lines
    assert [line for line in lines if line.startswith(("# ", "## "))] == [
        "# Live migrations of several clusters",
        "## bad",
        "## calm",
    ]
    assert "### team-a/db-1: blocked" in lines


def test_line_of_a_command_is_no_heading() -> None:
    advice = [{"action": "Run it.", "command": "# first\n```\n# second"}]
    look = a_look("a", a_stuck_migration(causes=[a_cause(advice=advice)]))
    lines = render_clusters_markdown(report_of(look)).split("\n")

    assert "# first" in lines
    assert "# second" in lines


def test_json_keeps_the_results_of_those_that_were_seen() -> None:
    found = json.loads(render_clusters_json(report_of(*LOOKS), looks=LOOKS))

    by_name = {one["name"]: one for one in found["clusters"]}
    assert by_name["bad"]["migrations"]["migrations"][0]["vm"] == "db-1"
    assert (by_name["lost"]["reached"], by_name["lost"]["migrations"]) == (False, None)
    assert found["meta"]["headline"] == report_of(*LOOKS).headline


def test_summary_says_who_was_reached() -> None:
    found = summarise_clusters(report_of(*LOOKS), paths={"html": "/x"})

    assert [(one["name"], one["reached"], one["stuck"]) for one in found["clusters"]] == [
        ("bad", True, 2),
        ("lost", False, 0),
        ("calm", True, 0),
    ]
    assert (found["total"], found["by_verdict"]) == (4, {"blocked": 2, "progressing": 2})
    assert found["coverage_complete"] is False
    assert summarise_clusters(report_of(LOOKS[0]), paths={})["coverage_complete"] is True


def test_page_is_well_formed_and_its_links_lead_somewhere() -> None:
    page = Page(render_clusters_html(report_of(*LOOKS)))
    ids = page.attributes("id")

    assert page.open == []
    assert sorted(set(ids)) == sorted(ids)
    assert {link[1:] for link in page.attributes("href")} <= set(ids)
    assert {name for names in page.attributes("aria-labelledby") for name in names.split()} <= set(ids)
    assert [level for level, _text in page.headings].count(1) == 1


def test_markup_of_a_cluster_is_text() -> None:
    evil = f"<script>{ESCAPE}</script>"
    report = report_of(a_look(evil, a_stuck_migration(vm=evil)), a_look(evil + "2", migrations={**LOST, "msg": evil}))
    text = without_own_script(render_clusters_html(report)) + render_clusters_markdown(report)

    assert "<script" not in text
    assert "\x1b" not in text + "".join(line.text for line in render_clusters_text(report, width=80))


def test_ten_clusters_on_a_bad_day_stay_below_3_megabytes() -> None:
    looks = [a_look(f"c{number}", migrations=a_storm_result(50)) for number in range(10)]

    assert len(render_clusters_html(report_of(*looks)).encode("utf-8")) < 3_000_000


@on_odd_results
def test_any_result_gives_a_report(result: Any, nodes: Any) -> None:
    report = report_of({"name": "a", "migrations": result, "nodes": nodes}, result)

    assert Page(render_clusters_html(report)).open == []
    assert json.loads(render_clusters_json(report, looks=[{"name": "a", "migrations": result}, result]))
    assert all("\n" not in line.text for line in render_clusters_text(report, width=80))
