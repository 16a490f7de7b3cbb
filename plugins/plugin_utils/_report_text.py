# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report for a terminal, as lines.

This module is private to the collection and may change without notice.

No line is wider than asked for, except lines to be copied (commands, Roles): cutting those would break them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_acts import ladder_lines
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import cell_width, wrap
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_compare import (
    comparison_lines,
    comparison_title,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import (
    Advice,
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
    cancel_sentence,
    cause_qualities,
    facts_of,
    grant_lines,
    node_line,
    remark_on,
    value_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_surroundings import queue_lines
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_table import MigrationTable
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_timeline import phases_line
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import duration, tone_of

__all__ = [
    "MAX_DETAILS",
    "MAX_ROWS",
    "MIN_WIDTH",
    "PROSE_WIDTH",
    "Line",
    "cause_lines",
    "labelled",
    "not_seen_lines",
    "render_text",
    "section",
    "title_line",
    "wrapped",
]

MIN_WIDTH = 60
# More than this belongs in the files: nobody reads a terminal that far, and job logs are kept for years.
MAX_ROWS = 200
MAX_DETAILS = 25
_GUTTER = 10
# Prose is read at this width at most, however wide the terminal is; tables use all of it.
PROSE_WIDTH = 110


@dataclass(frozen=True)
class Line:
    """One line. `verbatim`: to be copied, may be wider than the terminal. `tone` colours its first `toned` cells."""

    text: str
    verbatim: bool = False
    tone: str = "calm"
    start: int = 0
    toned: int = 0


def render_text(report: Report, *, width: int) -> list[Line]:
    """The whole report in lines of at most `width` cells (at least :data:`MIN_WIDTH`), no line end in any."""
    table_width = max(MIN_WIDTH, width)
    prose = min(table_width, PROSE_WIDTH)
    sections = (
        _head(report, width=prose),
        _table(report, width=table_width),
        _since(report.comparison, width=prose),
        _details(report, width=prose),
        section("Ladder", _paragraphs(ladder_lines(report.remediation, report.stuck), width=prose)),
        section("Acts", _acts(report, width=prose)),
        section("Look again", _uncertain(report, width=prose)),
        section("Copies", _copies(report, width=prose)),
        section("In common", _correlations(report, width=prose)),
        section("Nodes", _nodes(report, width=prose)),
        section("Queue", _paragraphs(_queue(report), width=prose)),
        section("Not seen", not_seen_lines(report.gap, width=prose)),
    )
    return [line for section in sections for line in section]


def wrapped(text: str, *, width: int, first: str = "", rest: str | None = None) -> Iterator[Line]:
    """`text` in lines, the first beginning with `first`, the others with `rest` or as many spaces."""
    indent = " " * cell_width(first) if rest is None else rest
    return (Line(line) for line in wrap(text, width=width, first=first, rest=indent))


def _head(report: Report, *, width: int) -> Iterator[Line]:
    yield Line("")
    yield from wrapped(" · ".join(filter(None, (report.title, report.generated_at))), width=width)
    yield Line("")
    yield from wrapped(report.headline, width=width)
    yield Line("")


def _table(report: Report, *, width: int) -> Iterator[Line]:
    if not report.migrations:
        return
    shown = report.migrations[:MAX_ROWS]
    table = MigrationTable(shown, width=width)
    yield Line(table.head())
    for migration, text in zip(shown, table.rows(), strict=True):
        yield Line(text, tone=tone_of(migration.verdict), toned=len(migration.verdict))
    left_out = len(report.migrations) - len(shown)
    if left_out:
        yield Line(f"... and {left_out} more: they are in the report files.")
    yield Line("")


def _details(report: Report, *, width: int) -> Iterator[Line]:
    for number, migration in enumerate(report.stuck[:MAX_DETAILS], start=1):
        yield from _detail(migration, number=number, width=width)
    left_out = len(report.stuck) - MAX_DETAILS
    if left_out > 0:
        yield Line(f"... and {left_out} more stuck migrations: they are in the report files.")
        yield Line("")


def _detail(migration: Migration, *, number: int, width: int) -> Iterator[Line]:
    yield from title_line(f"{number}. {migration.title}: ", migration.verdict, width=width)
    yield from wrapped(facts_of(migration), width=width, first="   ")
    if migration.phases:
        yield from labelled("Phases", phases_line(migration.phases), width=width)
    for cause in migration.causes:
        yield from cause_lines(cause, width=width)
    if not migration.causes and migration.summary:
        yield from labelled("Why", migration.summary, width=width)
    if migration.can_cancel_reason:
        yield from labelled("Cancel", cancel_sentence(migration), width=width)
    yield Line("")


def title_line(title: str, verdict: str, /, *, width: int) -> Iterator[Line]:
    """`title` with the verdict behind it in its colour."""
    heading = wrap(title + verdict, width=width, rest="   ")
    toned = len(verdict) if len(heading) == 1 else 0
    yield Line(heading[0], tone=tone_of(verdict), start=len(title), toned=toned)
    yield from (Line(text) for text in heading[1:])


def labelled(label: str, text: str, /, *, width: int) -> Iterator[Line]:
    """`text` with a label before it, indented below a title."""
    first = f"   {label}".ljust(_GUTTER)
    return wrapped(text, width=width, first=first)


def cause_lines(cause: Cause, *, width: int) -> Iterator[Line]:
    """One cause with its evidence and what to do."""
    yield from labelled("Why", f"{cause.code} ({cause_qualities(cause)})", width=width)
    yield from labelled("", cause.summary, width=width)
    label = "Seen"
    for evidence in cause.evidence:
        yield from _evidence(evidence, label=label, width=width)
        label = ""
    for advice in cause.advice:
        yield from _advice(advice, width=width)


def _evidence(evidence: Evidence, *, label: str, width: int) -> Iterator[Line]:
    since = f" (since {duration(evidence.seconds)})" if evidence.seconds is not None else ""
    yield from labelled(label, evidence.object or "-", width=width)
    text = f"{evidence.field} = {value_of(evidence)}{since}" if evidence.field else f"{value_of(evidence)}{since}"
    yield from wrapped(text, width=width, first=" " * (_GUTTER + 2), rest=" " * (_GUTTER + 4))


def _advice(advice: Advice, *, width: int) -> Iterator[Line]:
    yield from labelled("Do", " ".join(filter(None, (advice.action, advice.why))), width=width)
    yield from (Line(" " * (_GUTTER + 2) + command, verbatim=True) for command in advice.commands)
    if advice.risk:
        yield from labelled("Risk", advice.risk, width=width)


def section(title: str, lines: Iterable[Line], /) -> Iterator[Line]:
    """`lines` under a title and with an empty line after them; nothing at all where there are none."""
    found = list(lines)
    if found:
        yield Line(title)
        yield from found
        yield Line("")


def _uncertain(report: Report, *, width: int) -> Iterator[Line]:
    for migration in report.uncertain[:MAX_DETAILS]:
        said = remark_on(migration)
        text = f"{migration.title}: {migration.verdict}" + (f", {said}" if said else "")
        yield from wrapped(text, width=width, first="   ", rest="     ")
    if len(report.uncertain) > MAX_DETAILS:
        yield Line(f"   ... and {len(report.uncertain) - MAX_DETAILS} more: they are in the report files.")


def _copies(report: Report, *, width: int) -> Iterator[Line]:
    for migration in report.copying[:MAX_DETAILS]:
        yield from wrapped(f"{migration.title}: {migration.progress}", width=width, first="   ", rest="     ")
    if len(report.copying) > MAX_DETAILS:
        yield Line(f"   ... and {len(report.copying) - MAX_DETAILS} more: they are in the report files.")


def _acts(report: Report, *, width: int) -> Iterator[Line]:
    done = report.remediation
    if done is None or done.mode == "diagnose":
        return
    if not done.acts:
        yield Line("   Nothing was to be done.")
    for act in done.acts[:MAX_ROWS]:
        yield from wrapped(act.line, width=width, first="   ", rest="     ")
        for seen in act.seen:
            yield from wrapped(seen, width=width, first="     ", rest="       ")
    if len(done.acts) > MAX_ROWS:
        yield Line(f"   ... and {len(done.acts) - MAX_ROWS} more: they are in the report files.")
    if done.after:
        yield from wrapped(f"Afterwards: {done.after}", width=width, first="   ", rest="     ")


def _queue(report: Report) -> Sequence[str]:
    """The queue where something waits in it; else it is no news."""
    return queue_lines(report.queue) if report.queue is not None and report.queue.waiting else ()


def _since(found: Comparison | None, *, width: int) -> Iterator[Line]:
    if found is not None:
        yield from section(comparison_title(found), _paragraphs(comparison_lines(found), width=width))


def _paragraphs(texts: Sequence[str], *, width: int) -> Iterator[Line]:
    for text in texts[:MAX_ROWS]:
        yield from wrapped(text, width=width, first="   ", rest="     ")
    if len(texts) > MAX_ROWS:
        yield Line(f"   ... and {len(texts) - MAX_ROWS} more: they are in the report files.")


def _correlations(report: Report, *, width: int) -> Iterator[Line]:
    for correlation in report.correlations:
        yield from wrapped(correlation.summary, width=width, first="   ", rest="     ")


def _nodes(report: Report, *, width: int) -> Iterator[Line]:
    if report.nodes_summary:
        yield from wrapped(report.nodes_summary, width=width, first="   ")
    for node in report.sick_nodes[:MAX_DETAILS]:
        yield from wrapped(node_line(node), width=width, first="   ", rest="     ")
    if len(report.sick_nodes) > MAX_DETAILS:
        yield Line(f"   ... and {len(report.sick_nodes) - MAX_DETAILS} more: they are in the report files.")


def not_seen_lines(gap: Gap | None, *, width: int) -> Iterator[Line]:
    """What could not be read, with the Roles to paste."""
    if gap is None:
        return
    yield from wrapped(gap.reason or PARTIAL, width=width, first="   ")
    for rule in gap.rules:
        yield from wrapped(f"may not {rule}", width=width, first="   - ")
    if gap.role:
        yield from wrapped("Whoever may grant it can paste this (USER: who runs this):", width=width, first="   ")
        yield from (Line(text, verbatim=True) for text in grant_lines(gap))
    for rule in gap.uncaptured:
        yield from wrapped(f"not in the capture: {rule}", width=width, first="   - ")
    if gap.uncaptured:
        yield from wrapped(UNCAPTURED, width=width, first="   ")
