# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What remained of a copy and how fast it went, as lines of a small chart, each with the same in words.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_int, as_list, as_map
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import format_bytes
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import parse_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import duration

__all__ = ["HEIGHT", "WIDTH", "Line", "Plot", "read_plots"]

WIDTH, HEIGHT = 400, 80
_MOST = 240
_Point = tuple[datetime, int]


@dataclass(frozen=True)
class Line:
    """One curve: `path` is SVG path data of whole numbers, `words` says where it begins, ends, and goes between."""

    name: str
    path: str
    words: str


@dataclass(frozen=True)
class Plot:
    """A chart over the time of its samples. `top` is the value at its upper edge; the lower one is 0."""

    title: str
    lines: tuple[Line, ...]
    top: str
    span: str

    @property
    def words(self) -> str:
        """All of it in words, for whoever does not see it."""
        return f"{self.title} over {self.span}. " + " ".join(f"{one.name}: {one.words}." for one in self.lines)


def read_plots(progress: Any) -> tuple[Plot, ...]:
    """The charts that the samples of `progress` allow: two measurements at least."""
    given = as_map(progress) or {}
    samples = [as_map(one) or {} for one in as_list(given.get("samples")) or ()][-_MOST:]

    def points(key: str) -> list[_Point]:
        read = ((parse_timestamp(one.get("at")), as_int(one.get(key))) for one in samples)
        return sorted((at, max(0, value)) for at, value in read if at is not None and value is not None)

    remaining = {"remains": points("remaining_bytes")}
    rates = {
        "sent": points("transfer_bytes_per_second"),
        "written by the guest": points("dirty_bytes_per_second"),
    }
    return tuple(_plots(remaining, title="What remains", unit="")) + tuple(_plots(rates, title="Rate", unit="/s"))


def _plots(curves: dict[str, list[_Point]], *, title: str, unit: str) -> Iterator[Plot]:
    drawn = {name: points for name, points in curves.items() if len(points) > 1}
    times = [at for points in drawn.values() for at, _value in points]
    seconds = (max(times) - min(times)).total_seconds() if times else 0
    if seconds <= 0:
        return
    top = max(1, *(value for points in drawn.values() for _at, value in points))
    yield Plot(
        title=title,
        lines=tuple(
            Line(name, _path(points, start=min(times), seconds=seconds, top=top), _words(points, unit=unit))
            for name, points in drawn.items()
        ),
        top=f"{format_bytes(top)}{unit}",
        span=duration(round(seconds)),
    )


def _path(points: Sequence[_Point], *, start: datetime, seconds: float, top: int) -> str:
    places = [
        f"{round((at - start).total_seconds() / seconds * WIDTH)},{HEIGHT - value * HEIGHT // top}"
        for at, value in points
    ]
    return "M" + "L".join(places)


def _words(points: Sequence[_Point], *, unit: str) -> str:
    values = [value for _at, value in points]
    ends, least, most = (values[0], values[-1]), min(values), max(values)
    if least == most:
        return f"{format_bytes(least)}{unit} all the time"
    said = f"{format_bytes(ends[0])}{unit} to {format_bytes(ends[1])}{unit}"
    said += f", at least {format_bytes(least)}{unit}" if least < min(ends) else ""
    return said + (f", at most {format_bytes(most)}{unit}" if most > max(ends) else "")
