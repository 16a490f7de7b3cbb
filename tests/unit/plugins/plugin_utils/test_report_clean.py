# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from a cluster is made printable, measured in cells, cut and wrapped."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import (
    cell_width,
    fit,
    pad,
    plain,
    visible,
    visible_line,
    wrap,
)

VISIBLE = {
    "nothing": (None, ""),
    "name": ("team-a/db-1", "team-a/db-1"),
    "colour": ("\x1b[31mred", "\\x1b[31mred"),
    "bell": ("a\x07", "a\\x07"),
    "backwards": ("\u202egnp", "\\u202egnp"),
    "zero width": ("a\u200bb", "a\\u200bb"),
    "lines": ("a\r\n  b\tc", "a b c"),
    "lone surrogate": ("\ud800", "\\ud800"),
    "non-breaking space": ("a\u00a0b", "a b"),
    "accents": ("naïve", "naïve"),
    "number": (3, "3"),
    "boolean": (True, "true"),
    "mapping": ({"b": 1, "a": None}, '{"a": null, "b": 1}'),
    "not a number": (float("nan"), "null"),
}


@pytest.mark.parametrize(("value", "expected"), VISIBLE.values(), ids=VISIBLE)
def test_visible_gives_one_printable_line(value: object, expected: str) -> None:
    assert visible(value) == expected


def test_visible_line_keeps_the_spaces_of_a_command() -> None:
    assert visible_line("  - apiGroups:  [x]\x1b") == "  - apiGroups:  [x]\\x1b"


@settings(deadline=None)
@given(st.text())
def test_visible_leaves_nothing_that_a_terminal_obeys(text: str) -> None:
    categories = {unicodedata.category(char) for char in visible(text)}
    assert not categories & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class _Name(str):
    """A string of another class, as Ansible tags them."""


def test_plain_gives_exact_types() -> None:
    value = plain({_Name("a"): (_Name("b"), float("inf"), b"c")})
    assert value == {"a": ["b", None, "b'c'"]}
    assert {type(key) for key in value} == {str}
    assert {type(item) for item in value["a"][:1]} == {str}


FITS = {
    "short": ("abc", 3, False, "abc"),
    "end": ("abcdef", 4, False, "abc…"),
    "middle": ("abcdefgh", 5, True, "ab…gh"),
    "wide characters": ("日本語", 4, False, "日…"),
    "no room": ("abc", 0, False, ""),
}


@pytest.mark.parametrize(("text", "width", "middle", "expected"), FITS.values(), ids=FITS)
def test_fit_cuts_by_cells(text: str, width: int, middle: bool, expected: str) -> None:
    assert fit(text, width=width, middle=middle) == expected


@pytest.mark.parametrize(("text", "width"), [("ab", 2), ("日", 2), ("e\u0301", 1)], ids=["ascii", "wide", "combining"])
def test_cell_width_counts_what_the_terminal_shows(text: str, width: int) -> None:
    assert cell_width(text) == width


def test_pad_fills_on_the_side_that_is_asked_for() -> None:
    assert (pad("日", width=4), pad("9m", width=4, right=True)) == ("日  ", "  9m")


def test_wrap_indents_and_cuts_words_that_are_too_long() -> None:
    assert wrap("aa bbbbbbbbbb c", width=6, first="- ", rest="  ") == ["- aa", "  bbbb", "  bbbb", "  bb c"]


@settings(deadline=None)
@given(st.text(), st.integers(6, 60))
def test_wrap_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    clean = visible(text)
    lines = wrap(clean, width=width, first="- ", rest="  ")
    assert max(map(cell_width, lines)) <= width
    assert "".join(line[2:] for line in lines).replace(" ", "") == clean.replace(" ", "")
