# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight report as files: Markdown, HTML and JSON, and the summary that jobs hand on.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_map
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_read import PreflightReport, Vm
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import template
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_json import meta_of, result_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import (
    escape,
    markdown_cause,
    markdown_not_seen,
    markdown_row,
    markdown_section,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import OUTLOOKS

__all__ = ["render_preflight_html", "render_preflight_json", "render_preflight_markdown", "summarise_preflight"]


def render_preflight_html(report: PreflightReport) -> str:
    """The page as text; the same report always gives the same text."""
    return template("_preflight.html.j2").render(report=report, verdicts=OUTLOOKS)


def render_preflight_json(report: PreflightReport, *, result: Any) -> str:
    """`{meta, preflight}`: the result as it came, keys sorted, in pure ASCII."""
    document = {"meta": meta_of(report), "preflight": result_of(result)}
    return json.dumps(document, sort_keys=True, indent=2) + "\n"


def summarise_preflight(report: PreflightReport, *, result: Any, paths: Mapping[str, str]) -> dict[str, Any]:
    """What later steps of a job branch on."""
    drain = as_map((as_map(result) or {}).get("drain")) or {}
    return {
        "headline": report.headline,
        "read_at": report.generated_at,
        "total": len(report.vms),
        "by_verdict": dict(report.counts),
        "holding": [
            {"namespace": vm.namespace, "vm": vm.vm, "node": vm.node, "verdict": vm.verdict, "reason": vm.reason}
            for vm in report.holding
        ],
        "least_seconds": drain.get("least_seconds"),
        "coverage_complete": report.gap is None,
        "report": dict(paths),
    }


def render_preflight_markdown(report: PreflightReport) -> str:
    """The whole report, ending in one line end."""
    sections = (
        _head(report),
        _table(report),
        markdown_section("The drain", [f"- {escape(sentence)}" for sentence in report.drain]),
        *(_detail(vm) for vm in report.holding),
        markdown_section("Look again", [f"- {escape(f'{vm.title}: {vm.summary}')}" for vm in report.uncertain]),
        markdown_section("Taken for granted", [escape(sentence) for sentence in report.assumed]),
        markdown_section("Not seen", markdown_not_seen(report.gap)),
    )
    return "\n".join(line for lines in sections for line in lines).rstrip() + "\n"


def _head(report: PreflightReport) -> Iterator[str]:
    yield from (f"# {escape(report.title)}", "", f"**{escape(report.headline)}**", "")
    if report.generated_at:
        yield from (f"Seen at {escape(report.generated_at)} (the cluster's time).", "")


def _table(report: PreflightReport) -> Iterator[str]:
    if not report.vms:
        return
    heads = ("Verdict", "VM", "Node", "Memory", "Reason", "Could go to")
    yield from (markdown_row(heads), markdown_row("---" for _head in heads))
    for vm in report.vms:
        texts = (vm.verdict, vm.title, vm.node or "-", vm.memory, vm.reason or "-", vm.candidates)
        yield markdown_row(map(escape, texts))
    yield ""


def _detail(vm: Vm) -> Iterator[str]:
    facts = f"On {vm.node or '?'}, {vm.memory}, eviction strategy {vm.strategy or '?'}."
    yield from (f"## {escape(f'{vm.title}: {vm.verdict}')}", "", escape(facts), "")
    for reason in vm.reasons:
        yield from markdown_cause(reason)
    yield from (f"Not known: {escape(why)}\n" for why in vm.not_known)
