# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter stuck_migrations: the verdicts of the module from raw objects, and plain words for wrong arguments."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.filter.stuck_migrations import (
    FilterModule,
    stuck_migrations,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import render_migrations
from tests.unit import worlds
from tests.unit.builders import NOW, ago
from tests.unit.table import TABLE
from tests.unit.worlds import World, a_copy, together


def filtered(world: World, **more: Any) -> list[dict[str, Any]]:
    parts = ("pods", "nodes", "kubevirt", "events", "leases", "all_pods")
    given = {part: getattr(world, part) for part in parts} | {"now": NOW} | more
    return stuck_migrations(world.migrations, world.vmis, **given)


# Objects do not tell that there is none of that name: only who has looked for it knows.
@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if not row[0]().vmi_is_gone])
def test_entries_are_those_of_the_module(name: str) -> None:
    world = TABLE[name][0]()
    # The filter is given objects, and the figures of a copy stand in none.
    world.progress = {}

    assert filtered(world, include_all=True) == render_migrations(world.judge())


def test_only_stuck_ones_are_given() -> None:
    world = together(a_copy(vm="well"), worlds.quota(vm="stuck"))

    assert [entry["vm"] for entry in filtered(world)] == ["stuck"]
    assert len(filtered(world, include_all=True)) == 2


@pytest.mark.parametrize(
    "now", [ago(0), NOW, datetime(2026, 11, 23, 8, tzinfo=timezone.utc), "2026-11-23T09:00:00+01:00"], ids=str
)
def test_now_is_a_text_or_a_moment(now: Any) -> None:
    assert filtered(worlds.quota(), now=now)[0]["age_seconds"] == 90


@pytest.mark.parametrize(
    ("part", "verdict"),
    [
        ("nodes", "progressing"),
        ("pods", "unknown"),
        ("kubevirt", "unknown"),
        ("leases", "unknown"),
        ("events", "progressing"),
    ],
    ids=str,
)
def test_what_is_not_given_is_not_called_fine(part: str, verdict: str) -> None:
    nothing: Any = None if part == "kubevirt" else []

    assert filtered(a_copy(100), include_all=True, **{part: nothing})[0]["verdict"] == verdict


def test_late_after_is_the_callers() -> None:
    world = worlds.a_world("Scheduling", age_seconds=30)

    assert filtered(world, late_after=10, include_all=True)[0]["verdict"] == "late"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no time": ({"now": "soon"}, "now is 'soon', not an RFC 3339 time such as 2026-11-23T08:49:14Z"),
    "no zone": ({"now": datetime(2026, 1, 1)}, "now has no time zone"),  # noqa: DTZ001
    "a number as now": ({"now": 5}, "now is 5"),
    "text as pods": ({"pods": "pods"}, "pods is not a list of objects but a str"),
    "an object as nodes": ({"nodes": {}}, "nodes is not a list of objects but a dict"),
    "nothing as events": ({"events": None}, "events is not a list of objects but a NoneType"),
    "a list as kubevirt": ({"kubevirt": []}, "kubevirt is not an object but a list"),
    "negative late_after": ({"late_after": -1}, "late_after is -1, not a number of seconds"),
    "text as late_after": ({"late_after": "5"}, "late_after is '5', not a number of seconds"),
}


@pytest.mark.parametrize("row", WRONG.values(), ids=WRONG.keys())
def test_wrong_argument_is_named_with_the_filter(row: tuple[dict[str, Any], str]) -> None:
    more, words = row

    with pytest.raises(AnsibleFilterError) as error:
        filtered(worlds.quota(), **more)

    assert "kubevirt_ops.live_migration.stuck_migrations: " + words in str(error.value)


@pytest.mark.parametrize("migrations", [None, "x", {}, 5], ids=repr)
def test_input_that_is_no_list_is_named(migrations: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="the input is not a list of objects"):
        stuck_migrations(migrations, [], NOW)


def test_nothing_in_gives_nothing_out() -> None:
    assert stuck_migrations([], [], NOW) == []


def test_filter_is_loaded_by_its_name() -> None:
    assert FilterModule().filters() == {"stuck_migrations": stuck_migrations}
