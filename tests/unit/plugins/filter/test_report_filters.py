# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as filters: the same texts as the action writes, and plain words for what is no result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.filter import report_html, report_markdown, report_text
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_files import collection_version
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import render_markdown
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
from tests.unit.plugins.plugin_utils.results import a_node, a_result, a_stuck_migration, nodes_result

FILTERS: dict[str, Callable[..., str]] = {
    name: one
    for module in (report_html, report_markdown, report_text)
    for name, one in module.FilterModule().filters().items()
}
RESULT, NODES = a_result(a_stuck_migration()), nodes_result(a_node())


def test_texts_are_those_of_the_action() -> None:
    report = read_report(RESULT, nodes=NODES, title="East", version=collection_version())

    assert FILTERS["report_html"](RESULT, NODES, title="East") == render_html(report)
    assert FILTERS["report_markdown"](RESULT, NODES, title="East") == render_markdown(report)


def test_lines_are_as_wide_as_is_asked_for() -> None:
    text = FILTERS["report_text"](RESULT, NODES, width=100)

    assert text.startswith("\nLive migrations · 2026-11-23T08:49:14Z\n")
    assert 80 < max(len(line) for line in text.splitlines() if "kubectl" not in line) <= 100
    assert "5 of 6 nodes are healthy." in text


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ({}, {}, "the input is no result of kubevirt_ops.live_migration.migration_info"),
        ("text", {}, "the input is no result of kubevirt_ops.live_migration.migration_info"),
        (RESULT, {"nodes": []}, "nodes is no mapping but a list"),
        (RESULT, {"scope": "team-a"}, "scope is no mapping but a str"),
        (RESULT, {"title": 7}, "title is no text but a int"),
    ],
    ids=["empty", "text", "nodes", "scope", "title"],
)
def test_what_is_no_result_is_said(name: str, given: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        FILTERS[name](given, **options)
    assert str(caught.value) == f"kubevirt_ops.live_migration.{name}: {said}"


def test_width_that_is_none_is_said() -> None:
    with pytest.raises(AnsibleFilterError, match="width is True, not a number of columns"):
        FILTERS["report_text"](RESULT, width=True)


def test_scope_is_named_where_nothing_is_found() -> None:
    assert "in namespace team-a" in FILTERS["report_markdown"](a_result(), scope={"namespaces": ["team-a"]})
