# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who moves from where to where: nodes against nodes, with how many migrations and how many of them are stuck.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Migration, Node
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_table import short_names
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import counted

__all__ = ["Cell", "Head", "Matrix", "matrix_of"]

# More columns than this are read by nobody; the rest is summed up.
_MOST = 16
_NOWHERE = "(not chosen)"


@dataclass(frozen=True)
class Head:
    """A node at the edge of the matrix. `verdict` "": it was not judged, or it is no node."""

    name: str
    verdict: str

    @property
    def is_sick(self) -> bool:
        """Whether it should be seen at once."""
        return self.verdict not in ("", "healthy")


@dataclass(frozen=True)
class Cell:
    """How many migrations go this way."""

    total: int
    stuck: int

    @property
    def words(self) -> str:
        """`3, 2 of them stuck`."""
        if not self.stuck:
            return str(self.total)
        return f"{self.total}, {'all' if self.stuck == self.total else f'{self.stuck} of them'} stuck"


@dataclass(frozen=True)
class Matrix:
    """`cells[row][column]`: from the node of the row to that of the column; None where none goes."""

    sources: tuple[Head, ...]
    targets: tuple[Head, ...]
    cells: tuple[tuple[Cell | None, ...], ...]

    @property
    def ways(self) -> tuple[str, ...]:
        """`node-1 → node-2: 3, 2 of them stuck`: all that stands in it, most first."""
        found = [
            (cell.stuck, cell.total, f"{source.name} → {target.name}: {cell.words}")
            for source, row in zip(self.sources, self.cells, strict=True)
            for target, cell in zip(self.targets, row, strict=True)
            if cell is not None
        ]
        return tuple(text for _stuck, _total, text in sorted(found, key=lambda one: (-one[0], -one[1], one[2])))


def matrix_of(migrations: Iterable[Migration], *, nodes: Sequence[Node] | None) -> Matrix | None:
    """The matrix of those whose source node is known and that have not ended; None where there are none."""
    moving = [one for one in migrations if one.source_node and one.verdict not in ("succeeded", "failed")]
    if not moving:
        return None
    verdicts = {node.name: node.verdict for node in nodes or ()}
    short = short_names(moving)
    sources = _axis((one.source_node for one in moving), verdicts=verdicts)
    targets = _axis((one.target_node or _NOWHERE for one in moving), verdicts=verdicts)
    totals: Counter[tuple[str, str]] = Counter()
    stuck: Counter[tuple[str, str]] = Counter()
    for one in moving:
        way = (_place(one.source_node, sources), _place(one.target_node or _NOWHERE, targets))
        totals[way] += 1
        stuck[way] += one.stuck
    return Matrix(
        sources=tuple(Head(short.get(name, name), verdicts.get(name, "")) for name in sources),
        targets=tuple(Head(short.get(name, name), verdicts.get(name, "")) for name in targets),
        cells=tuple(
            tuple(Cell(totals[row, column], stuck[row, column]) if totals[row, column] else None for column in targets)
            for row in sources
        ),
    )


def _axis(names: Iterable[str], *, verdicts: dict[str, str]) -> tuple[str, ...]:
    """The nodes by name, those that are not chosen last; of too many the sick and the busiest, and one for the rest."""
    counts = Counter(names)
    ranked = sorted(counts, key=lambda name: (verdicts.get(name, "healthy") == "healthy", -counts[name], name))
    kept = sorted(ranked[:_MOST], key=lambda name: (name == _NOWHERE, name))
    left_out = len(ranked) - len(kept)
    return (*kept, f"({counted(left_out, 'other')})") if left_out else tuple(kept)


def _place(name: str, axis: Sequence[str]) -> str:
    return name if name in axis else axis[-1]
