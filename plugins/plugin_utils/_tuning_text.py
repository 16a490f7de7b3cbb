# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tuning report for a terminal, as lines, in the manner of `_report_text`.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_table import Column, Table, cut_middle
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import (
    MAX_DETAILS,
    MAX_ROWS,
    MIN_WIDTH,
    PROSE_WIDTH,
    Line,
    labelled,
    not_seen_lines,
    section,
    title_line,
    wrapped,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import tone_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_read import (
    TunedGroup,
    TunedVm,
    TuningOption,
    TuningReport,
    counted_vms,
)

__all__ = ["render_tuning_text"]

_COLUMNS = (
    Column("ANSWER", share=11, floor=6),
    Column("VM", share=18, floor=8, cut=cut_middle),
    Column("MEMORY", share=7, floor=4, right=True),
    Column("DIRTIED", share=8, floor=6, right=True),
    Column("COPIED", share=8, floor=6, right=True),
    Column("ENDS AFTER", share=7, floor=4, right=True),
    Column("LIMIT", share=7, floor=4, right=True),
)
_MORE = " " * 10


def render_tuning_text(report: TuningReport, *, width: int) -> list[Line]:
    """The whole report in lines of at most `width` cells (at least 60), no line end in any."""
    table_width = max(MIN_WIDTH, width)
    prose = min(table_width, PROSE_WIDTH)
    sections = (
        _head(report, width=prose),
        _table(report, width=table_width),
        _groups(report, width=prose),
        section("Of each VM", _vms(report, width=prose)),
        section("Taken for granted", _assumed(report, width=prose)),
        _acts(report, width=prose),
        section("Not seen", not_seen_lines(report.gap, width=prose)),
    )
    return [line for lines in sections for line in lines]


def _head(report: TuningReport, *, width: int) -> Iterator[Line]:
    yield Line("")
    yield from wrapped(" · ".join(filter(None, (report.title, report.generated_at))), width=width)
    yield Line("")
    yield from wrapped(report.headline, width=width)
    yield Line("")


def _table(report: TuningReport, *, width: int) -> Iterator[Line]:
    if not report.vms:
        return
    shown = report.vms[:MAX_ROWS]
    table = Table(_COLUMNS, [_cells(vm) for vm in shown], width=width)
    yield Line(table.head())
    for vm, text in zip(shown, table.rows(), strict=True):
        yield Line(text, tone=tone_of(vm.answer), toned=len(vm.answer))
    if len(report.vms) > len(shown):
        yield Line(f"... and {len(report.vms) - len(shown)} more: they are in the report files.")
    yield Line("")


def _cells(vm: TunedVm) -> list[str]:
    return [vm.answer, vm.title, vm.memory, vm.dirtied, vm.copied, vm.ends_after, vm.limit]


def _groups(report: TuningReport, *, width: int) -> Iterator[Line]:
    for number, group in enumerate(report.groups[:MAX_DETAILS], start=1):
        yield from _group(group, number=number, width=width)
        yield Line("")
    if len(report.groups) > MAX_DETAILS:
        yield Line(f"... and {len(report.groups) - MAX_DETAILS} more groups: they are in the report files.")
        yield Line("")


def _group(group: TunedGroup, *, number: int, width: int) -> Iterator[Line]:
    title = f"{number}. For {counted_vms(group.vms)}"
    yield from wrapped(title, width=width, rest="   ")
    yield from labelled("Policy", group.name, width=width)
    yield from labelled("Whom", f"{group.why}.", width=width)
    if group.kept:
        yield from labelled("Keeps", f"{group.kept}, as the policy that rules them now.", width=width)
    for option in group.options:
        yield from _option(option, width=width)
    if group.why_not:
        yield from labelled("Not", f"Nothing is chosen: {group.why_not}.", width=width)
    if group.commands:
        yield from labelled("Do", "Give them a label that no other VM has, then look again:", width=width)
        yield from (Line(_MORE + command, verbatim=True) for command in group.commands)


def _option(option: TuningOption, *, width: int) -> Iterator[Line]:
    label = "Take" if option.chosen else "Or"
    yield from labelled(label, f"{option.action}: {option.values}", width=width)
    for end in option.ends[:MAX_DETAILS]:
        yield from wrapped(end, width=width, first=_MORE + "  ", rest=_MORE + "    ")
    if option.if_so:
        yield from wrapped(f"Provided that {option.if_so}.", width=width, first=_MORE + "  ", rest=_MORE + "    ")
    yield from wrapped(f"Risk: {option.risk}.", width=width, first=_MORE + "  ", rest=_MORE + "    ")


def _vms(report: TuningReport, *, width: int) -> Iterator[Line]:
    for vm in report.vms[:MAX_DETAILS]:
        yield from wrapped(f"{vm.title}: {vm.summary}", width=width, first="   ", rest="     ")
        withheld = vm.not_advised if vm.answer in ("nothing_fits", "unknown") else ()
        for text in (*(f"not {one}" for one in withheld), *filter(None, (vm.in_flight,))):
            yield from wrapped(text, width=width, first="     ", rest="       ")
    if len(report.vms) > MAX_DETAILS:
        yield Line(f"   ... and {len(report.vms) - MAX_DETAILS} more: they are in the report files.")


def _assumed(report: TuningReport, *, width: int) -> Iterator[Line]:
    for text in report.assumed:
        yield from wrapped(text, width=width, first="   ", rest="     ")


def _acts(report: TuningReport, *, width: int) -> Iterator[Line]:
    for act in report.acts:
        yield from title_line(f"{act.title[0].upper()}{act.title[1:]}: ", act.state, width=width)
        for text in (*act.refusals, *act.changes, *act.effects):
            yield from wrapped(text, width=width, first="   ", rest="     ")
        yield from (Line(_MORE + command, verbatim=True) for command in act.commands)
        if act.undo:
            yield Line("   To take it back:")
            yield Line(_MORE + act.undo, verbatim=True)
        yield Line("")
