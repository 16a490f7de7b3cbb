# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page for a bad day: hundreds of migrations, in a file that can be mailed and opened."""

from __future__ import annotations

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_groups import MOST_ROWS, groups_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from tests.unit.plugins.plugin_utils.pages import Page
from tests.unit.plugins.plugin_utils.results import a_storm, a_stuck_migration, report_of

LIMIT = 3_000_000


@pytest.mark.parametrize(
    "message", ["", "x" * 4000, "網" * 4000], ids=["usual", "long messages", "long and wide messages"]
)
def test_500_migrations_stay_below_3_megabytes(message: str) -> None:
    text = render_html(a_storm(message=message))

    assert len(text.encode("utf-8")) < LIMIT
    assert all(f"team-{number % 17}/vm-{number}" in text for number in range(500))


def test_what_has_no_room_is_named_with_its_verdict_and_cause() -> None:
    page = Page(render_html(a_storm(message="x" * 20000)))
    whole = [given for tag, given in page.tags if tag == "details" and str(given.get("id")).startswith("migration-")]
    short = [given for _tag, given in page.tags if given.get("class") == "card short"]

    assert len(whole) + len([one for one in short if str(one["id"]).startswith("migration-")]) == 400
    assert whole
    assert short
    assert "in report.json" in page.text


def test_few_are_listed_and_many_are_gathered_by_cause() -> None:
    few = [a_stuck_migration(vm=f"db-{number}", cause="One") for number in range(MOST_ROWS)]
    many = [*few, a_stuck_migration(vm="other", cause="Two", summary="blocked: other", causes=[])]

    assert groups_of(report_of(*few).stuck) == ()
    found = groups_of(report_of(*many).stuck)
    assert [(group.cause, len(group.members), len(group.shown), group.left_out) for group in found] == [
        ("One", 12, 6, 6),
        ("Two", 1, 1, 0),
    ]
    assert found[1].summary == "blocked: other"


def test_gathered_causes_link_to_the_details() -> None:
    page = Page(render_html(report_of(*(a_stuck_migration(vm=f"db-{number}") for number in range(20)))))

    assert "20 TargetPodUnschedulable" in page.text
    assert "and 14 more" in page.text
    links = {str(given["href"])[1:] for tag, given in page.tags if tag == "a"}
    assert links <= set(page.attributes("id"))


def test_first_ten_are_open() -> None:
    page = Page(render_html(report_of(*(a_stuck_migration(vm=f"db-{number}") for number in range(20)))))
    blocks = [given for tag, given in page.tags if tag == "details" and str(given.get("id")).startswith("migration-")]

    assert ["open" in given for given in blocks] == [True] * 10 + [False] * 10
