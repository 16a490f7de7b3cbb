# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of causes is the catalogue's: what is added there is written here, and nothing else is."""

from __future__ import annotations

import re
import shlex

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import CATALOGUE
from tests.make.causes_page import PAGE, render_page


def test_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_page(), "write it anew with: make causes"


def test_each_cause_has_a_section_in_the_order_of_the_catalogue() -> None:
    assert re.findall(r"(?m)^## (\w+)$", render_page()) == [entry.code for entry in CATALOGUE]


def test_each_section_says_how_it_is_seen_and_what_to_do() -> None:
    sections = re.split(r"(?m)^## ", render_page())[1:]

    assert [section.split("\n")[0] for section in sections if "*Seen by:* " not in section] == []
    assert [section.split("\n")[0] for section in sections if "\n- " not in section] == []


def test_commands_are_quoted_for_a_shell() -> None:
    commands = re.findall(r"(?m)^      (kubectl .*|virtctl .*)$", render_page())
    words = [re.sub(r"\{[a-z_]+\}", "x", word) for command in commands for word in shlex.split(command)]

    assert (
        """kubectl patch migrationpolicy {policy} --type=merge '--patch={"spec":{"allowAutoConverge":true}}'"""
        in commands
    )
    assert [word for word in words if word.startswith("--patch=")] != []
    assert [command for command in commands if re.search(r"(?<!')(--patch=|jsonpath=)", command)] == []


def test_no_way_to_help_stands_twice_in_a_section() -> None:
    for section in re.split(r"(?m)^## ", render_page())[1:]:
        ways = [line.split(" Risk: ")[0] for line in section.split("\n") if line.startswith("- ")]
        assert len(ways) == len(set(ways)), section.split("\n")[0]
