# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was planted against what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Row", "compare", "compare_outlooks", "render"]

HEADINGS = ("VM", "PLANTED", "FOUND", "")
# The playbook leaves out migrations that have ended, unless it is asked for them.
ENDED = {"succeeded", "failed"}


@dataclass(frozen=True)
class Row:
    """One VM: verdict and first cause as planted and as found, each as one text; empty where there is none."""

    vm: str
    planted: str
    found: str

    @property
    def agrees(self) -> bool:
        """True where the report says what was planted."""
        return self.planted == self.found

    @property
    def mark(self) -> str:
        """What stands at the end of its line."""
        return "" if self.agrees else "<- differs"


def compare(expected: Iterable[Mapping[str, Any]], *, found: Iterable[Mapping[str, Any]]) -> list[Row]:
    """A row for each VM that has a planted or a found migration, planted ones first, in their order.

    `expected`: entries of a scenario's `expected`; `found`: `migrations` of a report. A scenario speaks of the newest
    migration of a VM, so of several that were found the newest one counts.
    """
    oldest_first = sorted(found, key=lambda entry: str(entry["created_at"]))
    shown = {f"{one['namespace']}/{one['vm']}": _verdict(one["verdict"], one["cause"]) for one in oldest_first}
    rows = []
    for entry in expected:
        text = shown.pop(entry["vm"], "")
        if text or entry["verdict"] not in ENDED:
            rows.append(Row(entry["vm"], _verdict(entry["verdict"], entry["first_cause"]), text))
    return rows + [Row(vm, "", text) for vm, text in shown.items()]


def compare_outlooks(drained: Iterable[Mapping[str, Any]], *, found: Iterable[Mapping[str, Any]]) -> list[Row]:
    """A row for each VM of a drain. `drained`: entries of a scenario's `drained`; `found`: `vms` of a preflight."""
    shown = {f"{one['namespace']}/{one['vm']}": _verdict(one["verdict"], one["reason"]) for one in found}
    rows = [Row(one["vm"], _verdict(one["verdict"], one["first_reason"]), shown.pop(one["vm"], "")) for one in drained]
    return rows + [Row(vm, "", text) for vm, text in shown.items()]


def _verdict(verdict: str, cause: str | None, /) -> str:
    return f"{verdict} ({cause})" if cause else verdict


def render(rows: Sequence[Row]) -> str:
    """A table with a mark on each row that does not agree."""
    cells = [HEADINGS, *((row.vm, row.planted or "-", row.found or "-", row.mark) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    lines = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells)
    return "\n".join(lines)
