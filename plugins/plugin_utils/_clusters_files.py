# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on several clusters: lines, Markdown, HTML and JSON, and the summary that jobs hand on.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_list, as_map
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._clusters_read import ClustersReport
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import visible
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import Pages, template
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_json import meta_of, result_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import (
    escape,
    markdown_row,
    render_markdown,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_table import Column, Table
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import Line, section, wrapped
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import VERDICTS

__all__ = [
    "render_clusters_html",
    "render_clusters_json",
    "render_clusters_markdown",
    "render_clusters_text",
    "summarise_clusters",
]

_PROSE = 110
_COLUMNS = (Column("CLUSTER"), Column("STUCK", right=True), Column("OF", right=True), Column("UNHEALTHY NODES"))


def render_clusters_html(report: ClustersReport) -> str:
    """The page as text; the same report always gives the same text."""
    return template("_clusters.html.j2").render(report=report, verdicts=VERDICTS, pages=Pages())


def render_clusters_json(report: ClustersReport, *, looks: Any) -> str:
    """`{meta, clusters}`: by cluster the results as they came, and whether it was reached; keys sorted, pure ASCII."""
    given = {visible((as_map(look) or {}).get("name")) or "?": as_map(look) or {} for look in as_list(looks) or ()}
    document = {
        "meta": meta_of(report),
        "clusters": [
            {
                "name": one.name,
                "reached": one.report is not None,
                "error": one.error,
                "migrations": result_of(given[one.name].get("migrations")) if one.report is not None else None,
                "nodes": result_of(given[one.name].get("nodes")) if one.report is not None else None,
            }
            for one in report.clusters
        ],
    }
    return json.dumps(document, sort_keys=True, indent=2) + "\n"


def summarise_clusters(report: ClustersReport, *, paths: Mapping[str, str]) -> dict[str, Any]:
    """What later steps of a job branch on."""
    return {
        "headline": report.headline,
        "read_at": report.generated_at,
        "total": sum(len(one.migrations) for one in report.reports),
        "by_verdict": dict(report.counts),
        "clusters": [
            {"name": one.name, "reached": one.report is not None, "stuck": one.stuck, "headline": one.line}
            for one in report.clusters
        ],
        "coverage_complete": not report.unseen and all(one.gap is None for one in report.reports),
        "report": dict(paths),
    }


def render_clusters_text(report: ClustersReport, *, width: int) -> list[Line]:
    """One row a cluster, and what was found there in a sentence; what stands in each cluster's own report is not told
    twice."""
    prose = min(width, _PROSE)
    rows = list(_rows(report))
    table = Table(_COLUMNS, rows, width=width)
    lines = [Line(""), Line(f"{report.title}{' · ' + report.generated_at if report.generated_at else ''}"), Line("")]
    lines += [*wrapped(report.headline, width=prose), Line("")]
    if rows:
        lines += [Line(table.head())]
        for one, text in zip(report.clusters, table.rows(), strict=True):
            bad = one.stuck > 0 or one.report is None
            lines.append(Line(text, tone="bad" if bad else "good", toned=len(one.name) if bad else 0))
        lines.append(Line(""))
    found = [line for one in report.clusters for line in wrapped(f"{one.name}: {one.line}", width=prose, first="   ")]
    return [*lines, *section("Clusters", found)]


def _rows(report: ClustersReport) -> Iterator[list[str]]:
    for one in report.clusters:
        if one.report is None:
            yield [one.name, "?", "?", "?"]
            continue
        sick = [node.name for node in one.report.sick_nodes if node.verdict == "unhealthy"]
        nodes = "?" if one.report.nodes is None else ", ".join(sick[:3]) + (" ..." if len(sick) > 3 else "") or "-"
        yield [one.name, str(one.stuck), str(len(one.report.migrations)), nodes]


def render_clusters_markdown(report: ClustersReport) -> str:
    """One table of the clusters, then the report on each."""
    heads = ("Cluster", "Stuck", "Of", "Unhealthy nodes", "Found")
    lines = [f"# {escape(report.title)}", "", f"**{escape(report.headline)}**", ""]
    lines += [markdown_row(heads), markdown_row("---" for _head in heads)]
    for one, row in zip(report.clusters, _rows(report), strict=True):
        lines.append(markdown_row(map(escape, (*row, one.line))))
    parts = ["\n".join(lines), *(_deeper(render_markdown(one)) for one in report.reports)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _deeper(text: str) -> str:
    """The same with its headings one level down; a line of a code block is no heading."""
    lines, fence = [], ""
    for line in text.split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
        lines.append(f"#{line}" if line.startswith("#") and not fence else line)
    return "\n".join(lines)
