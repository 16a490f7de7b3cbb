# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight report for a terminal, as lines, in the manner of `_report_text`.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_read import PreflightReport, Vm
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_table import Column, Table, cut_middle
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import (
    MAX_DETAILS,
    MAX_ROWS,
    MIN_WIDTH,
    PROSE_WIDTH,
    Line,
    cause_lines,
    labelled,
    not_seen_lines,
    section,
    title_line,
    wrapped,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import tone_of

__all__ = ["render_preflight_text"]

_COLUMNS = (
    Column("VERDICT"),
    Column("VM", share=18, floor=12, cut=cut_middle),
    Column("NODE", share=9, floor=5, cut=cut_middle),
    Column("MEMORY", right=True),
    Column("REASON", share=18, floor=8),
    Column("COULD GO TO", share=11, floor=6),
)


def render_preflight_text(report: PreflightReport, *, width: int) -> list[Line]:
    """The whole report in lines of at most `width` cells (at least 60), no line end in any."""
    table_width = max(MIN_WIDTH, width)
    prose = min(table_width, PROSE_WIDTH)
    sections = (
        _head(report, width=prose),
        _table(report, width=table_width),
        section("The drain", _sentences(report.drain, width=prose)),
        _details(report, width=prose),
        section("Look again", _uncertain(report, width=prose)),
        section("Taken for granted", _sentences(report.assumed, width=prose)),
        section("Not seen", not_seen_lines(report.gap, width=prose)),
    )
    return [line for lines in sections for line in lines]


def _head(report: PreflightReport, *, width: int) -> Iterator[Line]:
    yield Line("")
    yield from wrapped(" · ".join(filter(None, (report.title, report.generated_at))), width=width)
    yield Line("")
    yield from wrapped(report.headline, width=width)
    yield Line("")


def _table(report: PreflightReport, *, width: int) -> Iterator[Line]:
    if not report.vms:
        return
    shown = report.vms[:MAX_ROWS]
    table = Table(_COLUMNS, [_cells(vm) for vm in shown], width=width)
    yield Line(table.head())
    for vm, text in zip(shown, table.rows(), strict=True):
        yield Line(text, tone=tone_of(vm.verdict), toned=len(vm.verdict))
    if len(report.vms) > len(shown):
        yield Line(f"... and {len(report.vms) - len(shown)} more: they are in the report files.")
    yield Line("")


def _cells(vm: Vm) -> list[str]:
    return [vm.verdict, vm.title, vm.node or "-", vm.memory, vm.reason or "-", vm.candidates]


def _sentences(sentences: tuple[str, ...], *, width: int) -> Iterator[Line]:
    for sentence in sentences:
        yield from wrapped(sentence, width=width, first="   ", rest="     ")


def _details(report: PreflightReport, *, width: int) -> Iterator[Line]:
    for number, vm in enumerate(report.holding[:MAX_DETAILS], start=1):
        yield from _detail(vm, number=number, width=width)
    if len(report.holding) > MAX_DETAILS:
        yield Line(f"... and {len(report.holding) - MAX_DETAILS} more VMs to look at: they are in the report files.")
        yield Line("")


def _detail(vm: Vm, *, number: int, width: int) -> Iterator[Line]:
    yield from title_line(f"{number}. {vm.title}: ", vm.verdict, width=width)
    yield from wrapped(
        f"On {vm.node or '?'}, {vm.memory}, eviction strategy {vm.strategy or '?'}.", width=width, first="   "
    )
    for reason in vm.reasons:
        yield from cause_lines(reason, width=width)
    if not vm.reasons and vm.summary:
        yield from labelled("Why", vm.remark, width=width)
    for why in vm.not_known:
        yield from labelled("Unseen", why, width=width)
    yield Line("")


def _uncertain(report: PreflightReport, *, width: int) -> Iterator[Line]:
    for vm in report.uncertain[:MAX_DETAILS]:
        said = vm.reasons[0].summary if vm.verdict == "would_migrate" else vm.remark
        text = f"{vm.title}: {vm.verdict}" + (f", {said}" if said else "")
        yield from wrapped(text, width=width, first="   ", rest="     ")
    if len(report.uncertain) > MAX_DETAILS:
        yield Line(f"   ... and {len(report.uncertain) - MAX_DETAILS} more: they are in the report files.")
