# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: complete, escaped, with nothing in it that reaches outside or runs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
from tests.unit.plugins.plugin_utils.odd import on_odd_results
from tests.unit.plugins.plugin_utils.pages import Page, without_own_script
from tests.unit.plugins.plugin_utils.results import (
    AN_ATTEMPT,
    MISSING_PODS,
    PHASES,
    PROGRESS,
    QUEUE,
    SETTINGS,
    a_cause,
    a_migration,
    a_node,
    a_stuck_migration,
    nodes_result,
    report_of,
)


def full_report() -> str:
    return render_html(
        report_of(
            a_stuck_migration(phases=PHASES, previous=[AN_ATTEMPT]),
            a_migration(verdict="late", summary="late: so far"),
            a_migration(progress=PROGRESS),
            nodes=nodes_result(a_node()),
            correlations=[{"summary": "4 of 4 leave node-7.", "migrations": ["team-a/db-1"]}],
            coverage={"complete": False, "missing": [MISSING_PODS]},
            queue=QUEUE,
            settings=SETTINGS,
        )
    )


EXPECTED = {
    "headline": "1 of 3 migrations is stuck: TargetPodUnschedulable. Not everything could be read.",
    "sick node": "Node node-7 is unhealthy. 1 is late.",
    "cause": "No node takes the target pod virt-launcher-db-1-abcde.",
    "evidence": "status.conditions[PodScheduled].reason",
    "command": "kubectl describe pod -n team-a virt-launcher-db-1-abcde",
    "deadline": "4m past its deadline (300 s for an unschedulable pod)",
    "correlation": "4 of 4 leave node-7.",
    "node": "Ready is Unknown for 700 s",
    "gap": "may not list pods in namespace kubevirt",
    "phase within its limit": "PreparingTarget 2s 5m 59s in time",
    "phase over its limit": "Scheduling 9m 5m 4m over",
    "earlier attempt": "Failed 12m ago on node-4: the target pod is down (kubevirt-migrate-vm-old)",
    "plot": "remains: 6 GiB to 1 GiB",
    "rates": "written by the guest: 40 MiB/s to 20 MiB/s",
    "matrix": "Who moves from where (rows) to where (columns)",
    "queue": "2 of 5 slots are taken, at most 2 may leave one node; 1 migration waits.",
    "held slots": "1 of the slots is held by stuck ones: team-a/db-1.",
    "turn": "In turn: shop/cart-2.",
    "setting": "completionTimeoutPerGiB 150 800",
    "policy": "fast-lane",
    "acts": "Nothing: the cluster was only looked at.",
    "version": "kubevirt_ops.live_migration 1.2.3",
}


@pytest.mark.parametrize("text", EXPECTED.values(), ids=EXPECTED)
def test_page_shows_it(text: str) -> None:
    assert text in Page(full_report()).text


def test_page_is_well_formed() -> None:
    page = Page(full_report())
    assert page.open == []
    assert {"html", "head", "title", "main", "h1", "h2", "table", "details"} <= page.names()


def test_page_needs_nothing_from_outside() -> None:
    text = without_own_script(full_report())
    assert Page(text).names().isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    assert not re.findall(r"url\(|@import|\bsrc=|https?://", text)
    links = [attributes["href"] for tag, attributes in Page(text).tags if tag == "a"]
    assert links
    assert all(link is not None and link.startswith("#") for link in links)


def test_links_lead_to_what_is_there() -> None:
    tags = Page(full_report()).tags
    targets = {attributes["id"] for _tag, attributes in tags if "id" in attributes}
    wanted = {str(attributes["href"])[1:] for tag, attributes in tags if tag == "a"}
    wanted |= {str(attributes["aria-labelledby"]) for _tag, attributes in tags if "aria-labelledby" in attributes}
    assert wanted <= targets


def test_tables_say_what_their_heads_belong_to() -> None:
    heads = [attributes for tag, attributes in Page(full_report()).tags if tag == "th"]
    assert {attributes.get("scope") for attributes in heads} == {"col", "row"}


def test_what_scrolls_is_reached_by_keyboard() -> None:
    scrolling = [given for _tag, given in Page(full_report()).tags if "scroll" in str(given.get("class", "")).split()]
    assert scrolling
    assert {attributes.get("tabindex") for attributes in scrolling} == {"0"}


HOSTILE = "\"><script>alert(1)</script><b a='"


def test_markup_from_the_cluster_is_text() -> None:
    cause = a_cause(summary=HOSTILE, advice=[{"action": HOSTILE, "why": HOSTILE, "risk": HOSTILE, "command": HOSTILE}])
    found = a_stuck_migration(vm=HOSTILE, verdict=HOSTILE, deadline_reason=HOSTILE, causes=[cause])
    text = without_own_script(render_html(report_of(found, title=HOSTILE, nodes=nodes_result(a_node(name=HOSTILE)))))
    assert "<script" not in text
    assert Page(text).open == []
    assert "".join(Page(text).texts).count(HOSTILE) >= 8


def test_markup_in_attributes_and_charts_is_text() -> None:
    phases = [{**PHASES[0], "phase": HOSTILE}, {**PHASES[1], "deadline_reason": HOSTILE}]
    samples = [{**one, "remaining_bytes": HOSTILE} for one in PROGRESS["samples"]]
    progress = {**PROGRESS, "problem": HOSTILE, "trend": HOSTILE, "samples": samples}
    nodes = {"source_node": HOSTILE, "target_node": HOSTILE, "target_pod": HOSTILE, "policy": HOSTILE}
    found = a_stuck_migration(phases=phases, progress=progress, previous=[{**AN_ATTEMPT, "failure": HOSTILE}], **nodes)
    queue = {**QUEUE, "waiting": [HOSTILE]}
    settings = {"cluster": {HOSTILE: HOSTILE}, "policies": {HOSTILE: {HOSTILE: HOSTILE}}}
    plain = Page(render_html(report_of(a_stuck_migration(phases=PHASES, progress=PROGRESS), queue=QUEUE)))

    page = Page(without_own_script(render_html(report_of(found, queue=queue, settings=settings))))

    assert page.open == []
    assert page.names() <= plain.names()
    assert page.attribute_names() <= plain.attribute_names()
    assert HOSTILE in page.attributes("title")
    assert "".join(page.texts).count(HOSTILE) >= 12
    assert all(re.fullmatch(r"[MLHVhz0-9 ,]+", path) for path in page.attributes("d"))


def test_templates_from_the_cluster_are_never_evaluated() -> None:
    found = a_stuck_migration(vm="{{ 77777 * 3 }}", verdict="{% raw %}")
    text = render_html(report_of(found, title="{{ report.version }}"))
    assert "{{ 77777 * 3 }}" in text
    assert "{% raw %}" in text
    assert "{{ report.version }}" in text
    assert "233331" not in text


def test_nothing_stuck_is_calm_and_incomplete_sight_is_not() -> None:
    calm = render_html(report_of(a_migration()))
    partial = render_html(report_of(a_migration(), coverage={"complete": False, "missing": []}))
    assert "Every migration is on its way" in calm
    assert "not everything could be read" in partial
    assert "Every migration is on its way" not in partial


def test_same_report_gives_the_same_page() -> None:
    assert full_report() == full_report()


@on_odd_results
def test_any_result_gives_a_well_formed_page(result: Any, nodes: Any) -> None:
    text = render_html(read_report(result, nodes=nodes))
    assert text.encode("utf-8")
    assert Page(text).open == []
    assert "<script" not in without_own_script(text)
