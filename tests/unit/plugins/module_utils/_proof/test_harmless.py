# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of the cluster lose what a terminal obeys, and nothing else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.harmless import harmless, one_line

SPELT = {
    "colour": ("\x1b[31mred", "\\x1b[31mred"),
    "link": ("\x1b]8;;http://x\x07y", "\\x1b]8;;http://x\\x07y"),
    "one character for two": ("\x9b31mred", "\\x9b31mred"),
    "over the line": ("gone\rhere", "gone\\rhere"),
    "back": ("a\x08b\x7f", "a\\x08b\\x7f"),
    "backwards": ("\u202egnp", "\\u202egnp"),
    "isolate": ("\u2066a", "\\u2066a"),
    "zero width": ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
    "line of another kind": ("a\u2028b", "a\\u2028b"),
    "half a character": ("\ud800", "\\ud800"),
}


@pytest.mark.parametrize(("text", "shown"), SPELT.values(), ids=SPELT)
def test_what_a_terminal_obeys_is_spelt(text: str, shown: str) -> None:
    assert harmless(text) == shown
    assert harmless({text: [text, (text,)]}) == {shown: [shown, [shown]]}


@pytest.mark.parametrize("value", ["naïve 日本語 🚚", "a\n\tb", "a\u00a0b", 5, 0.5, True, None, "{{ x }}"], ids=repr)
def test_everything_else_stays(value: object) -> None:
    assert harmless(value) == value


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left_in_one_line(text: str) -> None:
    assert not {unicodedata.category(char) for char in one_line(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_nothing_passes_for_a_line_of_its_own() -> None:
    assert one_line("no.\r\n\nok: [localhost]  done") == "no. ok: [localhost] done"
