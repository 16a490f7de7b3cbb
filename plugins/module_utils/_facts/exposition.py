# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured points, from Prometheus' text exposition format and from the answers of its HTTP API.

This module is private to the collection and may change without notice.
Facts: prometheus.io/docs/instrumenting/exposition_formats (text format 0.0.4: escapes, milliseconds, +Inf and NaN) and
prometheus.io/docs/prometheus/latest/querying/api (instant vectors, range vectors, errors).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

__all__ = ["Point", "QueryAnswer", "parse_exposition", "parse_query_answer"]

_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*", re.ASCII)
_LABEL = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*(,|(?=\}))', re.ASCII)
_ESCAPE = re.compile(r"\\(.)")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?|[+-]?Inf|NaN", re.ASCII | re.IGNORECASE)
_MILLISECONDS = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Point:
    """One value of one series. `at` is None where the source names no time; `value` is finite."""

    metric: str
    labels: Mapping[str, str] = field(hash=False)
    value: float
    at: datetime | None


@dataclass(frozen=True)
class QueryAnswer:
    """What a query gave: points, or `error`, the server's own words; `strange` counts what was no point."""

    points: tuple[Point, ...] = ()
    error: str = ""
    strange: int = 0


def parse_exposition(text: str, /, *, metrics: Collection[str]) -> tuple[Point, ...]:
    """The points of these metrics in a text exposition; a line that is none gives nothing, and NaN and Inf neither."""
    found = (_line(line.strip(), metrics) for line in text.split("\n"))
    return tuple(point for point in found if point is not None)


def _line(line: str, metrics: Collection[str]) -> Point | None:
    match = _NAME.match(line)
    if match is None or match.group() not in metrics:
        return None
    labels, rest = _labels(line[match.end() :])
    words = rest.split()
    if labels is None or len(words) not in (1, 2):
        return None
    value, at = _number(words[0]), None
    if len(words) == 2:
        at = _moment(int(words[1]) / 1000) if _MILLISECONDS.fullmatch(words[1]) else None
        if at is None:
            return None
    return None if value is None else Point(match.group(), labels, value, at)


def _labels(text: str) -> tuple[dict[str, str] | None, str]:
    """The labels at the head of `text` and what follows them; None where the braces hold something else."""
    if not text.startswith("{"):
        return {}, text
    found: dict[str, str] = {}
    place = 1
    while match := _LABEL.match(text, place):
        found[match.group(1)] = _ESCAPE.sub(_unescape, match.group(2))
        place = match.end()
    rest = text[place:].lstrip()
    return (found, rest[1:]) if rest.startswith("}") else (None, "")


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "\\": "\\", '"': '"'}.get(match.group(1), match.group(0))


def _number(text: Any) -> float | None:
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _moment(seconds: Any) -> datetime | None:
    """A Unix time as a moment; None where it is no number or lies beyond any date."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    try:
        return _EPOCH + timedelta(milliseconds=round(seconds * 1000))
    except (OverflowError, ValueError):
        return None


def parse_query_answer(body: bytes, /, *, metrics: Collection[str]) -> QueryAnswer:
    """The answer of /api/v1/query or /api/v1/query_range; anything else than an answer is an error in words."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return QueryAnswer(error="the answer is not JSON")
    if not isinstance(found, Mapping) or found.get("status") not in ("success", "error"):
        return QueryAnswer(error="the answer is not that of Prometheus' HTTP API")
    if found["status"] == "error":
        said = [str(found[key])[:400] for key in ("errorType", "error") if isinstance(found.get(key), str)]
        return QueryAnswer(error=": ".join(said) or "the query failed without a reason")
    data = found.get("data")
    result = data.get("result") if isinstance(data, Mapping) else None
    kind = data.get("resultType") if isinstance(data, Mapping) else None
    if kind not in ("vector", "matrix") or not isinstance(result, list):
        return QueryAnswer(error="the answer holds neither a vector nor a matrix")
    outcomes = [outcome for series in result for outcome in _series(series, metrics)]
    points = tuple(outcome for outcome in outcomes if outcome is not None)
    return QueryAnswer(points, strange=len(outcomes) - len(points))


def _series(series: Any, metrics: Collection[str]) -> Iterator[Point | None]:
    """The points of one series of a vector or a matrix, None for each that is none."""
    metric = series.get("metric") if isinstance(series, Mapping) else None
    name = metric.get("__name__") if isinstance(metric, Mapping) else None
    if not isinstance(metric, Mapping) or not isinstance(name, str) or name not in metrics:
        yield None
        return
    labels = {key: value for key, value in metric.items() if isinstance(value, str)}
    values = series.get("values")
    pairs = values if isinstance(values, list) else [series.get("value")]
    for pair in pairs:
        yield _pair(name, labels, pair)


def _pair(name: str, labels: Mapping[str, str], pair: Any) -> Point | None:
    if not isinstance(pair, list) or len(pair) != 2:
        return None
    at, value = _moment(pair[0]), _number(pair[1])
    return None if at is None or value is None else Point(name, labels, value, at)
