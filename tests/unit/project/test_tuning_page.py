# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables and examples of docs/tuning.md are what the code computes."""

from __future__ import annotations

import re

import pytest

from tests.make.tuning_page import PAGE, PARTS, render_page, render_rule_of_thumb


def test_page_has_every_part_as_it_is_computed() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert re.findall(r"<!-- computed: ([a-z-]+) -->", text) == [*PARTS]
    assert text == render_page(text), "compute it anew with: make tuning"


def test_what_was_written_by_hand_into_a_part_is_replaced() -> None:
    text = "a\n<!-- computed: rule-of-thumb -->\nold\n<!-- end of rule-of-thumb -->\nb\n"

    found = render_page(text)

    assert found == text.replace("old", f"\n{render_rule_of_thumb()}\n")
    assert render_page(found) == found


def test_a_part_that_nobody_computes_is_an_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        render_page("<!-- computed: nothing -->\n<!-- end of nothing -->")


def test_the_rule_of_thumb_has_the_known_figures() -> None:
    """Worked out by hand from 1024 / timeout, for the caps of 64 and 640 MiB/s that installers set."""
    rows = [line.split("|")[1:-1] for line in render_rule_of_thumb().splitlines()[2:]]

    assert [[cell.strip() for cell in row[1:]] for row in rows] == [
        ["51.2", "12.8", "588.8"],
        ["6.83", "57.17", "633.17"],
        ["1.28", "62.72", "638.72"],
    ]
