# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as Markdown (CommonMark with tables), for tickets and merge requests.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_acts import ladder_lines
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_compare import (
    comparison_lines,
    comparison_title,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_matrix import matrix_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import (
    Cause,
    Comparison,
    Evidence,
    Gap,
    Migration,
    Report,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_sentences import (
    PARTIAL,
    UNCAPTURED,
    attempt_words,
    cancel_sentence,
    cause_qualities,
    facts_of,
    grant_lines,
    node_line,
    remark_on,
    value_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_surroundings import (
    Settings,
    queue_lines,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_table import nodes_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_timeline import phases_line
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import duration

__all__ = [
    "code",
    "escape",
    "fence",
    "markdown_cause",
    "markdown_not_seen",
    "markdown_row",
    "markdown_section",
    "render_markdown",
]

_SPECIAL = re.compile(r"[\\`*_\[\]#!|~]|^[-+=]|^\d+[.)]")
_TICKS = re.compile(r"`+")


def escape(text: str) -> str:
    """`text` as nothing but text: no markup, no HTML, no link, no mention of anybody."""
    marked = _SPECIAL.sub(_backslashed, text)
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def _backslashed(match: re.Match[str]) -> str:
    return match[0][:-1] + "\\" + match[0][-1]


def code(text: str) -> str:
    """`text` as a code span that it cannot end, usable in a table cell; "" for an empty one."""
    if not text:
        return ""
    ticks = "`" * (max(map(len, _TICKS.findall(text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") or text.strip() != text else ""
    return f"{ticks}{space}{text}{space}{ticks}".replace("|", "\\|")


def fence(lines: Iterable[str], *, indent: str = "") -> list[str]:
    """`lines` as a code block that they cannot end."""
    found = list(lines)
    ticks = "`" * max(3, *(len(run) + 1 for line in found for run in _TICKS.findall(line)), 3)
    return [indent + line for line in (f"{ticks}shell", *found, ticks)]


def render_markdown(report: Report) -> str:
    """The whole report, ending in one line end."""
    sections = (
        _head(report),
        _table(report),
        _since(report.comparison),
        *(_detail(migration) for migration in report.stuck),
        markdown_section("Ladder", [f"- {escape(line)}" for line in ladder_lines(report.remediation, report.stuck)]),
        markdown_section("Acts", _acts(report)),
        markdown_section("Look again", map(_remark, report.uncertain)),
        markdown_section("Copies", [f"- {escape(f'{found.title}: {found.progress}')}" for found in report.copying]),
        markdown_section("In common", [f"- {escape(correlation.summary)}" for correlation in report.correlations]),
        markdown_section("Nodes", _nodes(report)),
        markdown_section("Queue", [f"- {escape(line)}" for line in queue_lines(report.queue)]),
        markdown_section("Settings", _settings(report.settings)),
        markdown_section("Not seen", markdown_not_seen(report.gap)),
    )
    return "\n".join(line for section in sections for line in section).rstrip() + "\n"


def _since(found: Comparison | None) -> list[str]:
    if found is None:
        return []
    return markdown_section(escape(comparison_title(found)), [f"- {escape(one)}" for one in comparison_lines(found)])


def _acts(report: Report) -> Iterator[str]:
    done = report.remediation
    if done is None or done.mode == "diagnose":
        return
    for act in done.acts:
        yield f"- {escape(act.line)}"
        yield from (f"  - {escape(seen)}" for seen in act.seen)
    if not done.acts:
        yield "Nothing was to be done."
    if done.after:
        yield from ("", f"Afterwards: {escape(done.after)}")


def _remark(migration: Migration) -> str:
    return f"- {escape(f'{migration.title}: {migration.verdict}')}. {escape(remark_on(migration))}".rstrip()


def markdown_section(title: str, lines: Iterable[str], /) -> list[str]:
    """`lines` under a heading; nothing at all where there are none."""
    found = list(lines)
    return [f"## {title}", "", *found, ""] if found else []


def markdown_row(cells: Iterable[str]) -> str:
    """One row of a table; the cells are escaped already."""
    return f"| {' | '.join(cells)} |"


def _head(report: Report) -> Iterator[str]:
    yield from (f"# {escape(report.title)}", "", f"**{escape(report.headline)}**", "")
    if report.generated_at:
        yield from (f"Seen at {escape(report.generated_at)} (the cluster's time).", "")


def _table(report: Report) -> Iterator[str]:
    if not report.migrations:
        return
    heads = ("Verdict", "VM", "Phase", "For", "Cause", "Nodes")
    yield from (markdown_row(heads), markdown_row("---" for _head in heads))
    for found in report.migrations:
        texts = (found.verdict, found.title, found.phase or "(none yet)", duration(found.seconds_in_phase))
        yield markdown_row(map(escape, (*texts, found.cause or "-", nodes_of(found))))
    yield ""


def _detail(migration: Migration) -> Iterator[str]:
    yield from (f"## {escape(f'{migration.title}: {migration.verdict}')}", "", escape(facts_of(migration)), "")
    yield from _history(migration)
    for cause in migration.causes:
        yield from markdown_cause(cause)
    if not migration.causes and migration.summary:
        yield from (escape(migration.summary), "")
    if migration.can_cancel_reason:
        yield from (f"Cancel: {escape(cancel_sentence(migration))}", "")


def _history(migration: Migration) -> Iterator[str]:
    """What is known of its way so far, in lines; nothing where nothing is."""
    phases = phases_line(migration.phases)
    lines = [f"- Phases: {escape(phases)}"] if phases else []
    lines += [f"- {escape(plot.words)}" for plot in migration.plots]
    lines += [f"- Before: {escape(attempt_words(one))}" for one in migration.previous]
    yield from (*lines, "") if lines else ()


def markdown_cause(cause: Cause) -> Iterator[str]:
    """One cause with its evidence and what to do."""
    yield from (f"### {escape(cause.code)}", "", escape(cause.summary), "")
    qualities = cause_qualities(cause)
    if qualities:
        yield from (f"*{escape(qualities)}*", "")
    if cause.evidence:
        yield from (*map(_evidence, cause.evidence), "")
    for advice in cause.advice:
        yield from (f"**Do:** {escape(' '.join(filter(None, (advice.action, advice.why))))}", "")
        if advice.commands:
            yield from (*fence(advice.commands), "")
        if advice.risk:
            yield from (f"Risk: {escape(advice.risk)}", "")


def _evidence(evidence: Evidence) -> str:
    since = f" (since {duration(evidence.seconds)})" if evidence.seconds is not None else ""
    field = f"{code(evidence.field)} = " if evidence.field else ""
    return f"- {escape(evidence.object)}: {field}{code(value_of(evidence))}{since}"


def _nodes(report: Report) -> Iterator[str]:
    if report.nodes_summary:
        yield from (escape(report.nodes_summary), "")
    yield from (f"- {escape(node_line(node))}" for node in report.sick_nodes)
    matrix = matrix_of(report.migrations, nodes=report.nodes)
    if matrix is not None:
        yield from ("", "Who moves from where to where:", "", *(f"- {escape(way)}" for way in matrix.ways))


def _settings(settings: Settings | None) -> Iterator[str]:
    if settings is None:
        return
    heads = ("Setting", "Cluster", *settings.policies)
    yield from (markdown_row(map(escape, heads)), markdown_row("---" for _head in heads))
    for name, value, others in settings.rows:
        yield markdown_row((code(name), *(code(one) or "\\-" for one in (value, *others))))
    if not settings.policies_read:
        yield from ("", "The policies were not read.")
    if settings.left_out:
        yield from ("", f"{settings.left_out} more policies are in report.json.")


def markdown_not_seen(gap: Gap | None) -> Iterator[str]:
    """What could not be read, with the Roles to paste."""
    if gap is None:
        return
    yield from (escape(gap.reason or PARTIAL), "")
    yield from (f"- may not {escape(rule)}" for rule in gap.rules)
    if gap.role:
        yield from ("", "Whoever may grant it can paste this (USER: who runs this):", "", *fence(grant_lines(gap)))
    if gap.uncaptured:
        yield ""
        yield from (f"- not in the capture: {escape(rule)}" for rule in gap.uncaptured)
        yield from ("", UNCAPTURED)
