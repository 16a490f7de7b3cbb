# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make site` takes from docs/: every guide, in one list, with links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from tests.make.places import ROOT
from tests.make.site import write_sources

REPOSITORY = "https://github.com/kubevirt-ops/live_migration/blob/main/"


def test_every_guide_is_listed_once(tmp_path: Path) -> None:
    names = write_sources(tmp_path / "source")
    listed = re.findall(r"(?m)^[\w/-]+$", (tmp_path / "source" / "index.md").read_text(encoding="utf-8"))

    assert sorted(names) == sorted(one for one in listed if not one.startswith("collections/"))
    assert {f"{name}.md" for name in names} == {
        str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")
    }
    assert listed[0] == "tutorial"


def test_links_of_guides_lead_to_guides_or_into_the_repository(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_sources(source)
    links = {
        (page, link)
        for page in source.rglob("*.md")
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    }
    inside = {(page, link) for page, link in links if "://" not in link}
    of_the_repository = {link.removeprefix(REPOSITORY) for _page, link in links if link.startswith(REPOSITORY)}

    assert [link for page, link in inside if not (page.parent / link).is_file()] == []
    assert [link for link in of_the_repository if not (ROOT / link).exists()] == []
    assert "docs/rbac" in of_the_repository
