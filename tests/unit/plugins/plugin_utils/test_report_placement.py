# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a target pod could go, as the reports say it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import render_markdown
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import render_text
from tests.unit.plugins.plugin_utils.results import BIDI, ESCAPE, a_stuck_migration, report_of

SUMMARY = "1 of 3 nodes: 2 cordoned"


def shown(placement: Any) -> dict[str, str]:
    report = report_of(a_stuck_migration(placement=placement))
    text = " ".join(line.text.strip() for line in render_text(report, width=100))
    return {"text": text, "markdown": render_markdown(report), "html": render_html(report)}


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_sentence_stands_with_the_migration(form: str) -> None:
    found = shown({"summary": SUMMARY, "possible": ["node-c"]})[form]
    assert f"{SUMMARY}. Possible: node-c." in found


def test_only_some_of_many_possible_nodes_are_named() -> None:
    found = shown({"summary": "9 of 9 nodes", "possible": [f"node-{number}" for number in range(9)]})["text"]
    assert "Possible: node-0, node-1, node-2, node-3, node-4 and 4 more." in found


@pytest.mark.parametrize(
    "placement", [{}, None, 5, {"possible": ["a"]}], ids=["empty", "absent", "spoilt", "no sentence"]
)
def test_nothing_is_said_where_nobody_looked(placement: Any) -> None:
    assert "could go to" not in shown(placement)["text"]
    assert "<dt>Placement</dt>" not in shown(placement)["html"]


def test_what_a_node_is_called_cannot_reach_the_terminal() -> None:
    found = shown({"summary": f"0 of 1 nodes: 1 lack the label {ESCAPE}{BIDI}", "possible": [ESCAPE]})
    assert not any(mark in text for text in found.values() for mark in ("\x1b", "\x07", "\u202e"))


def test_requests_for_placement_count_among_those_of_the_report() -> None:
    coverage = {"complete": True, "missing": [], "role": "", "requests": 9, "requests_for_placement": 4}
    assert report_of(coverage=coverage).requests == 13
    assert report_of(coverage={**coverage, "requests": None}).requests is None
