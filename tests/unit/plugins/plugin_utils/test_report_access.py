# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page for those who do not see it, or not well: its outline, its labels, its contrast."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils import _report_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_files import render_preflight_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_read import read_preflight
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from tests.unit.plugins.plugin_utils.pages import Page
from tests.unit.plugins.plugin_utils.results import a_migration, report_of
from tests.unit.plugins.plugin_utils.test_report_html import full_report

STYLE = (Path(_report_html.__file__).parent / "_report_style.css.j2").read_text(encoding="utf-8")
PAGES = {
    "full": full_report,
    "calm": lambda: render_html(report_of(a_migration())),
    "empty": lambda: render_html(report_of()),
    "before a drain": lambda: render_preflight_html(read_preflight({"vms": [], "coverage": {"complete": True}})),
}


def colors(scheme: str) -> dict[str, str]:
    """The variables of the light or of the dark colours."""
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    return found if scheme == "light" else {**found, **dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark))}


def luminance(color: str) -> float:
    """Relative luminance by WCAG 2.2."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


GROUNDS = ("page", "card", "code")
TEXTS = [(text, ground) for text in ("text", "quiet", "link", "bad-text") for ground in GROUNDS]
TEXTS += [(f"{tone}-text", tone) for tone in ("bad", "warn", "good", "calm")]
LINES = [(line, "card") for line in ("bad-line", "warn-line", "good-line", "calm-line", "link", "text")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXTS, ids=lambda name: name)
def test_texts_have_the_contrast_of_level_aa(scheme: str, text: str, ground: str) -> None:
    assert contrast(colors(scheme)[text], colors(scheme)[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("line", "ground"), LINES, ids=lambda name: name)
def test_what_is_drawn_has_the_contrast_of_level_aa(scheme: str, line: str, ground: str) -> None:
    assert contrast(colors(scheme)[line], colors(scheme)[ground]) >= 3


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_headings_begin_with_one_title_and_skip_no_level(page: object) -> None:
    levels = [level for level, _text in Page(page()).headings]  # type: ignore[operator]

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_everything_lies_in_a_landmark_and_has_a_language(page: object) -> None:
    tags = Page(page()).tags  # type: ignore[operator]
    names = [tag for tag, _given in tags]

    assert ("html", {"lang": "en"}) in tags
    assert [names.count(name) for name in ("header", "main", "footer")] == [1, 1, 1]


def test_every_section_and_group_has_a_name_of_its_own() -> None:
    page = Page(full_report())
    named = [given for tag, given in page.tags if tag in ("section", "nav") or given.get("role") == "group"]
    names = [given.get("aria-labelledby") or given.get("aria-label") for given in named]

    assert all(names)
    assert len(set(names)) == len(names)


def test_ids_are_there_once() -> None:
    ids = Page(full_report()).attributes("id")

    assert sorted(set(ids)) == sorted(ids)


def test_every_chart_is_told_in_words_or_stands_beside_them() -> None:
    charts = [given for tag, given in Page(full_report()).tags if tag == "svg"]

    assert {given.get("aria-hidden") for given in charts if "role" not in given} == {"true"}
    told = [given["aria-label"] for given in charts if given.get("role") == "img"]
    assert told == [
        "What remains over 8s. remains: 6 GiB to 1 GiB.",
        "Rate over 8s. sent: 60 MiB/s all the time. written by the guest: 40 MiB/s to 20 MiB/s.",
    ]


def test_every_button_says_what_it_does() -> None:
    buttons = [given for tag, given in Page(full_report()).tags if tag == "button"]

    assert {given.get("type") for given in buttons} == {"button"}
    assert {given.get("aria-label") for given in buttons} == {"Copy the command", "Copy the roles"}
