# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tuning report as files: Markdown, HTML and JSON, and the summary that jobs hand on.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_list, as_map
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import plain
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import template
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_json import meta_of, result_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import (
    escape,
    fence,
    markdown_not_seen,
    markdown_row,
    markdown_section,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import ADVICE_ANSWERS
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_acts import TuningAct
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_read import (
    TunedGroup,
    TuningReport,
    counted_vms,
)

__all__ = ["render_tuning_html", "render_tuning_json", "render_tuning_markdown", "summarise_tuning"]


def render_tuning_html(report: TuningReport) -> str:
    """The page as text; the same report always gives the same text."""
    return template("_tuning.html.j2").render(report=report, answers=ADVICE_ANSWERS, counted_vms=counted_vms)


def render_tuning_json(report: TuningReport, *, result: Any) -> str:
    """`{meta, tuning}` with `mode`, `advice`, `policies` (a list of results), `settings` and
    `settings_not_tried`, in pure ASCII."""
    given = as_map(plain(result)) or {}
    document = {
        "meta": meta_of(report),
        "tuning": {
            "mode": report.mode,
            "advice": _unless_skipped(given.get("advice")),
            "policies": [_act_result(one) for one in as_list(given.get("policies")) or ()],
            "settings": _act_result(given.get("settings")),
            "settings_not_tried": str(given.get("settings_not_tried") or ""),
        },
    }
    return json.dumps(document, sort_keys=True, indent=2) + "\n"


def _act_result(value: Any) -> dict[str, Any]:
    """A result that says besides whether it changed anything; {} for none, and for a task that Ansible skipped."""
    given = _unless_skipped(value)
    kept = {key: one for key, one in given.items() if key not in ("item", "ansible_loop_var")}
    return {**kept, "changed": (as_map(value) or {}).get("changed") is True} if kept else {}


def _unless_skipped(value: Any) -> dict[str, Any]:
    given = as_map(value) or {}
    return {} if given.get("skipped") is True else result_of(given)


def summarise_tuning(report: TuningReport, *, paths: Mapping[str, str]) -> dict[str, Any]:
    """What later steps of a job branch on."""
    return {
        "headline": report.headline,
        "read_at": report.generated_at,
        "mode": report.mode,
        "total": len(report.vms),
        "by_answer": dict(report.counts),
        "advised": [
            {"policy": group.name, "vms": list(group.vms), "action": option.action, "values": option.values}
            for group in report.groups
            for option in group.options
            if option.chosen
        ],
        "acts": [{"object": act.title, "state": act.state} for act in report.acts],
        "refusals": [text for act in report.acts if act.state == "refused" for text in act.refusals],
        "errors": [text for act in report.acts if act.state == "failed" for text in act.refusals],
        "coverage_complete": report.gap is None,
        "report": dict(paths),
    }


def render_tuning_markdown(report: TuningReport) -> str:
    """The whole report, ending in one line end."""
    sections = (
        _head(report),
        _table(report),
        *(_group(group) for group in report.groups),
        markdown_section("Of each VM", _vms(report)),
        markdown_section("Taken for granted", [f"- {escape(text)}" for text in report.assumed]),
        *(_act(act) for act in report.acts),
        markdown_section("Not seen", markdown_not_seen(report.gap)),
    )
    return "\n".join(line for lines in sections for line in lines).rstrip() + "\n"


def _head(report: TuningReport) -> Iterator[str]:
    yield from (f"# {escape(report.title)}", "", f"**{escape(report.headline)}**", "")
    if report.generated_at:
        yield from (f"Seen at {escape(report.generated_at)} (the cluster's time).", "")


def _table(report: TuningReport) -> Iterator[str]:
    if not report.vms:
        return
    heads = ("Answer", "VM", "Memory", "Dirtied", "Copied", "Ends after", "Limit")
    yield from (markdown_row(heads), markdown_row("---" for _head in heads))
    for vm in report.vms:
        cells = (vm.answer, vm.title, vm.memory, vm.dirtied, vm.copied, vm.ends_after, vm.limit)
        yield markdown_row(map(escape, cells))
    yield ""


def _group(group: TunedGroup) -> Iterator[str]:
    yield from (
        f"## For {escape(counted_vms(group.vms))}",
        "",
        f"Policy {escape(group.name)}: {escape(group.why)}.",
        "",
    )
    if group.kept:
        yield from (f"It keeps {escape(group.kept)}, as the policy that rules them now.", "")
    for option in group.options:
        word = "**Take**" if option.chosen else "Or"
        yield f"- {word} {escape(f'{option.action}: {option.values}')}. {escape('; '.join(option.ends))}."
        if option.if_so:
            yield f"  Provided that {escape(option.if_so)}."
        yield f"  Risk: {escape(option.risk)}."
    yield ""
    if group.why_not:
        yield from (f"Nothing is chosen: {escape(group.why_not)}.", "")
    if group.commands:
        yield from ("Give them a label that no other VM has, then look again:", "", *fence(group.commands), "")


def _vms(report: TuningReport) -> Iterator[str]:
    for vm in report.vms:
        withheld = [f"Not {one}" for one in vm.not_advised]
        yield f"- {escape(' '.join((f'{vm.title}: {vm.summary}', *withheld, vm.in_flight)).rstrip())}"


def _act(act: TuningAct) -> Iterator[str]:
    yield from (f"## {escape(f'{act.title}: {act.state}')}", "")
    yield from (f"- {escape(text)}" for text in (*act.refusals, *act.changes, *act.effects))
    if act.commands:
        yield from ("", *fence(act.commands))
    if act.undo:
        yield from ("", "To take it back:", "", *fence([act.undo]))
    yield ""
