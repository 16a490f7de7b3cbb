# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table for a terminal: columns as wide as needed, narrowed fairly where the terminal is too small.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import cell_width, fit, pad
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import duration

__all__ = ["ARROW", "Column", "MigrationTable", "Table", "cut_middle", "nodes_of", "short_names"]

ARROW = "→"
_GAP = 2


def _cut_end(text: str, width: int, /) -> str:
    return fit(text, width=width)


def cut_middle(text: str, width: int, /) -> str:
    """`text` in `width` cells, cut in the middle: both ends of a name tell."""
    return fit(text, width=width, middle=True)


def _cut_nodes(text: str, width: int, /) -> str:
    """Both names stay to be seen: first the blanks go, then the middle of each name."""
    if cell_width(text) <= width:
        return text
    source, _arrow, target = text.partition(f" {ARROW} ")
    room = max(width - len(ARROW) - min(cell_width(target), (width - len(ARROW)) // 2), 1)
    source = fit(source, width=room, middle=True)
    target = fit(target, width=width - len(ARROW) - cell_width(source), middle=True)
    return f"{source}{ARROW}{target}"


@dataclass(frozen=True)
class Column:
    """`share` weighs the width a column may claim when room is short; 0 keeps it as wide as its longest cell."""

    head: str
    share: int = 0
    floor: int = 0
    right: bool = False
    cut: Callable[[str, int], str] = _cut_end


_COLUMNS = (
    Column("VERDICT"),
    Column("VM", share=18, floor=12, cut=cut_middle),
    Column("PHASE", share=11, floor=5),
    Column("FOR", right=True),
    Column("CAUSE", share=15, floor=8),
    Column(f"FROM {ARROW} TO", share=17, floor=7, cut=_cut_nodes),
)
_WIDEST_FIXED = 11


class Table:
    """Lines of cells, never wider than `width` (which must be at least 60)."""

    def __init__(self, columns: Sequence[Column], cells: Sequence[Sequence[str]], /, *, width: int) -> None:
        self._columns = columns
        self._cells = cells
        rows = [[column.head for column in columns], *cells]
        self._widths = [max(map(cell_width, cells)) for cells in zip(*rows, strict=True)]
        room = width - len(columns) + 1
        # Room between columns is given up before any text is.
        self._gap = _GAP if sum(self._widths) + len(columns) - 1 <= room else 1
        _narrow(self._widths, columns, available=room if self._gap == 1 else room - len(columns) + 1)

    def head(self) -> str:
        """The line of column heads."""
        return self._line([column.head for column in self._columns])

    def rows(self) -> list[str]:
        """The lines, in the order of the cells."""
        return [self._line(cells) for cells in self._cells]

    def _line(self, cells: Sequence[str]) -> str:
        parts = zip(cells, self._widths, self._columns, strict=True)
        return (" " * self._gap).join(_cell(text, width=width, column=column) for text, width, column in parts).rstrip()


class MigrationTable(Table):
    """One line a migration; each begins with the verdict."""

    def __init__(self, migrations: Sequence[Migration], *, width: int) -> None:
        short = short_names(migrations)
        super().__init__(_COLUMNS, [_row(migration, short=short) for migration in migrations], width=width)


def _cell(text: str, *, width: int, column: Column) -> str:
    return pad(column.cut(text, width), width=width, right=column.right)


def _row(migration: Migration, *, short: dict[str, str]) -> list[str]:
    return [
        fit(migration.verdict, width=_WIDEST_FIXED),
        migration.title,
        migration.phase or "(none yet)",
        fit(_minutes(migration.seconds_in_phase), width=_WIDEST_FIXED),
        migration.cause or "-",
        nodes_of(migration, short=short),
    ]


def _minutes(seconds: int | None) -> str:
    """A duration without the seconds that do not matter in a table."""
    return duration(seconds if seconds is None or abs(seconds) < 60 else seconds - seconds % 60)


def nodes_of(migration: Migration, *, short: dict[str, str] | None = None) -> str:
    """`node-1 → node-2`, with "-" for a node that is not known (yet); "-" for none."""
    names = [(short or {}).get(name, name) or "-" for name in (migration.source_node, migration.target_node)]
    return "-" if names == ["-", "-"] else f" {ARROW} ".join(names)


def short_names(migrations: Iterable[Migration]) -> dict[str, str]:
    """Node names without their domain, where all share it: it tells nothing and takes room."""
    names = {name for found in migrations for name in (found.source_node, found.target_node) if name}
    domains = {name.partition(".")[2] for name in names}
    return {name: name.partition(".")[0] for name in names} if len(domains) == 1 else {}


def _narrow(widths: list[int], columns: Sequence[Column], /, *, available: int) -> None:
    """While the columns do not fit, the one furthest over its share gives up a cell."""
    for _step in range(sum(widths) - available):
        givers = [index for index, column in enumerate(columns) if column.share and widths[index] > column.floor]
        if givers:
            widths[max(givers, key=lambda index: widths[index] / columns[index].share)] -= 1
