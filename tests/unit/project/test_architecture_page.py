# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/architecture.md and the table of rooms in CONTRIBUTING.md match the house."""

from __future__ import annotations

import re

from tests.house.rooms import EXTENSIONS, ROOMS
from tests.make.places import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TABLE = re.compile(r"(?m)^\| `(?:module_utils/|extensions/eda`: `)?(\w+)` \| .* \| (.*) \|$")


def rooms_in_the_table() -> dict[str, set[str]]:
    """By room the rooms that CONTRIBUTING.md lets it import from."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Rooms")[2].partition("## ")[0]
    found: dict[str, set[str]] = {}
    for room, seen in TABLE.findall(text):
        found[room] = set(found) if seen == "all above" else set(re.findall(r"`(\w+)`", seen))
    return found


def test_table_of_rooms_is_the_one_that_the_house_keeps() -> None:
    wanted = {**ROOMS, **{name: seen for name, seen in EXTENSIONS.items() if name}}
    del wanted["doc_fragments"]

    assert rooms_in_the_table() == wanted


def test_page_has_every_room_and_no_other() -> None:
    named = set(re.findall(r"(?<![\w/.])(_[a-z]+)\b", PAGE))

    assert named == {room for room in ROOMS if room.startswith("_")}
    assert {
        path.name for path in (ROOT / "plugins" / "module_utils").iterdir() if path.name.strip("_") != "pycache"
    } == {*named}


def test_files_and_folders_that_the_page_names_are_there() -> None:
    named = re.findall(r"`((?:_\w+|tests|plugins)/[\w/.]+)`", PAGE)
    rooms = ROOT / "plugins" / "module_utils"

    assert "_cluster/reading.py" in named
    assert [one for one in named if not (ROOT / one).exists() and not (rooms / one).exists()] == []
