# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in the documents name playbooks, variables and files that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.make.places import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "SECURITY.md", *ROOT.joinpath("docs").rglob("*.md")])
PLAYBOOK = re.compile(r"kubevirt_ops\.live_migration\.(\w+)((?:[^\n`|]|\\\n)*)")
VARIABLE = re.compile(r"(?:-e|--extra-vars)\s+'?\{?\"?(\w+)(?:\"?:|=)")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
# As what the tarball does not hold is linked to.
ADDRESS = "https://github.com/kubevirt-ops/live_migration/blob/main/"
# Those of awx_setup stand in a file of variables.
OF_AWX = re.compile(r"^awx_setup_\w+$")


def _playbooks() -> dict[str, set[str]]:
    """The variables that each playbook asks for, by its name."""
    return {
        path.stem: set(re.findall(r"\{\{ \(?(\w+) \| default", path.read_text(encoding="utf-8")))
        for path in ROOT.joinpath("playbooks").glob("*.yml")
    }


def _commands(page: Path) -> list[tuple[str, str]]:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if "ansible-playbook" in line]
    return [(found[1], found[2]) for line in lines for found in PLAYBOOK.finditer(line)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_name_playbooks_and_variables_that_there_are(page: Path) -> None:
    known = _playbooks()

    unknown = [
        f"{playbook} {variable}"
        for playbook, rest in _commands(page)
        for variable in (VARIABLE.findall(rest) or [""])
        if playbook not in known or (variable and variable not in known[playbook] and not OF_AWX.match(variable))
    ]

    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_there_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []


def _led_to(page: Path) -> set[Path]:
    """The pages that links of this one lead to."""
    text = page.read_text(encoding="utf-8")
    inside = {(page.parent / link).resolve() for link in LINK.findall(text)}
    outside = {ROOT / link for link in re.findall(rf"\]\({re.escape(ADDRESS)}([^)#\s]+)", text)}
    return {path for path in inside | outside if path.suffix == ".md"}


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), {ROOT / "README.md"}
    while waiting:
        page = waiting.pop()
        reached.add(page)
        waiting |= _led_to(page) - reached

    assert [str(page.relative_to(ROOT)) for page in [*PAGES, ROOT / "CONTRIBUTING.md"] if page not in reached] == []


def test_a_variable_that_no_playbook_knows_is_found() -> None:
    ((playbook, rest),) = PLAYBOOK.findall("ansible-playbook kubevirt_ops.live_migration.diagnose -e vmz=a")

    assert VARIABLE.findall(rest) == ["vmz"]
    assert "vmz" not in _playbooks()[playbook]


def test_yaml_in_the_documents_can_be_read() -> None:
    broken = []
    for page in PAGES:
        for block in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            try:
                list(yaml.safe_load_all(block))
            except yaml.YAMLError as error:
                broken.append(f"{page.name}: {error}")

    assert broken == []
