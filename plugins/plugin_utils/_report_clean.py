# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that came from a cluster, made safe to show, measured in terminal cells, cut and wrapped.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

__all__ = ["cell_width", "fit", "pad", "plain", "visible", "visible_line", "wrap"]

_ELLIPSIS = "…"
# Controls, format characters (bidirectional overrides, zero width), surrogates, private and unassigned code points,
# line and paragraph separators: what they do to a terminal or a page is not the reader's choice, so they are spelt.
_SPELT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(value: Any) -> str:
    """One line of printable text; "" for None.

    Runs of white space become one space, characters of :data:`_SPELT` become escapes such as `\\x1b`. Numbers and
    booleans are written as in JSON, mappings and lists as compact JSON.
    """
    return visible_line(" ".join(_text_of(value).split()))


def visible_line(value: Any) -> str:
    """As :func:`visible`, but spaces stay as they are: for lines of commands and YAML."""
    return "".join(_spell(char) for char in _text_of(value))


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    return json.dumps(plain(value), sort_keys=True, ensure_ascii=False)


def _spell(char: str) -> str:
    if " " <= char <= "~":
        return char
    category = unicodedata.category(char)
    if category == "Zs":
        return " "
    return char.encode("unicode_escape").decode("ascii") if category in _SPELT else char


def plain(value: Any) -> Any:
    """`value` as nothing but dict, list, str, int, float, bool and None, so that JSON can always be written.

    Numbers that JSON has no word for (infinity, not a number) become None; other objects their text.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    return str(value)


def cell_width(text: str) -> int:
    """Cells that `text` takes in a terminal: two for wide East Asian characters, none for combining marks."""
    if text.isascii():
        return len(text)
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _head(text: str, *, width: int) -> str:
    """The longest beginning of `text` that takes at most `width` cells."""
    used = 0
    for index, char in enumerate(text):
        used += _cells(char)
        if used > width:
            return text[:index]
    return text


def fit(text: str, *, width: int, middle: bool = False) -> str:
    """`text` in at most `width` cells, cut with an ellipsis at the end or, where both ends tell, in the middle."""
    if cell_width(text) <= width:
        return text
    if width < 1:
        return ""
    tail_width = (width - 1) // 2 if middle else 0
    tail = _head(text[::-1], width=tail_width)[::-1]
    return _head(text, width=width - 1 - tail_width) + _ELLIPSIS + tail


def pad(text: str, *, width: int, right: bool = False) -> str:
    """`text` filled with spaces to `width` cells; `right` puts the text to the right."""
    fill = " " * max(0, width - cell_width(text))
    return fill + text if right else text + fill


def wrap(text: str, *, width: int, first: str = "", rest: str = "") -> list[str]:
    """Lines of at most `width` cells: the first begins with `first`, the others with `rest`.

    A word longer than a line is cut into pieces; nothing is lost. An empty text gives the line `first`.
    """
    lines: list[str] = []
    prefix, line = first, ""
    for piece in _pieces(text, width=max(2, width - max(cell_width(first), cell_width(rest)))):
        joined = f"{line} {piece}" if line else piece
        if line and cell_width(prefix) + cell_width(joined) > width:
            lines.append(prefix + line)
            prefix, joined = rest, piece
        line = joined
    lines.append((prefix + line).rstrip())
    return lines


def _pieces(text: str, *, width: int) -> Iterator[str]:
    for word in text.split():
        while cell_width(word) > width:
            head = _head(word, width=width)
            yield head
            word = word[len(head) :]
        yield word
