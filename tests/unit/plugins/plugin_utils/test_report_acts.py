# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done, one line an act, in every format of the report; and nothing of it in a report on a look alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_acts import (
    acts_as_data,
    read_remediation,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_json import render_json, summarise
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import render_markdown
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import render_text
from tests.unit.plugins.plugin_utils.pages import without_own_script
from tests.unit.plugins.plugin_utils.results import ESCAPE, MISSING_PODS, a_result, a_stuck_migration

LOOKED = a_result(a_stuck_migration(rung="retry"))
CANCELLED: dict[str, Any] = {
    "changed": True,
    "results": [
        {
            "namespace": "team-a",
            "vm": "db-1",
            "name": "mig-1",
            "state": "cancelled",
            "verdict": "blocked",
            "cause": "TargetPodCrashing",
            "reason": "KubeVirt has ended it.",
            "timeline": [
                {"at": "2026-11-23T08:55:00Z", "phase": "Running", "what": "delete_migration: KubeVirt ends it."},
                {"at": "2026-11-23T08:55:01Z", "phase": "Running", "what": "waits for the source node"},
                {"at": "2026-11-23T08:55:09Z", "phase": "", "what": "cancelled: KubeVirt has ended it."},
            ],
        },
        {
            "namespace": "team-a",
            "vm": "db-2",
            "name": "mig-2",
            "state": "refused",
            "code": "NotStuck",
            "reason": "It is not stuck.",
            "refusals": [
                {"code": "NotStuck", "next_allowed_at": "2026-11-23T09:00:00Z"},
                {"code": "BudgetSpent", "next_allowed_at": ""},
            ],
        },
    ],
}
RETRIED: dict[str, Any] = {
    "changed": True,
    "results": [
        {
            "namespace": "team-a",
            "vm": "db-1",
            "name": "again-1",
            "state": "running",
            "attempt": 2,
            "max_attempts": 3,
            "reason": "The copy runs.",
        }
    ],
}
LINES = [
    "team-a/db-1: cancel mig-1 [blocked, TargetPodCrashing]: cancelled. KubeVirt has ended it.",
    "team-a/db-2: cancel mig-2: refused (NotStuck, BudgetSpent). It is not stuck. Not before 2026-11-23T09:00:00Z.",
    "team-a/db-1: retry again-1 (attempt 2 of 3): running. The copy runs.",
]


SEEN = [
    "08:55:00Z Running: delete_migration: KubeVirt ends it.",
    "08:55:01Z Running: waits for the source node",
    "08:55:09Z no phase: cancelled",
]


def report(mode: str = "cancel_and_retry", **results: Any) -> Report:
    given = {"cancelled": CANCELLED, "retried": RETRIED, **results}
    cancelled, retried = given["cancelled"], given["retried"]
    found = read_remediation(mode, cancelled=cancelled, retried=retried, after="Nothing is stuck.")
    return read_report(LOOKED, remediation=found, acts=[cancelled, retried])


def text_of(given: Report) -> str:
    return "\n".join(line.text for line in render_text(given, width=200))


def test_each_act_is_one_line_in_order() -> None:
    found = report().remediation

    assert found is not None
    assert [one.line for one in found.acts] == LINES


def test_every_format_has_the_acts_and_what_is_left() -> None:
    for shown in (text_of(report()), render_html(report()), render_markdown(report()).replace("\\", "")):
        assert "mig-1" in shown
        assert "Afterwards: Nothing is stuck. All else here was seen before the acts." in shown
    assert "Nothing was changed in the cluster" not in render_html(report())


def test_every_format_tells_below_an_act_what_was_seen_on_the_way() -> None:
    for shown in (text_of(report()), render_html(report()), render_markdown(report()).replace("\\", "")):
        places = [shown.index(text) for text in ("cancel mig-1", *SEEN, "cancel mig-2")]
        assert places == sorted(places)
    assert report().remediation.acts[1].seen == ()  # type: ignore[union-attr]


def test_many_acts_are_cut_short_in_the_terminal_alone() -> None:
    given = report(cancelled={"results": CANCELLED["results"] * 101}, retried=None)

    assert text_of(given).count("KubeVirt has ended it.") == 100
    assert "... and 2 more" in text_of(given)


def test_json_has_the_acts_and_the_results_as_they_came() -> None:
    loaded = json.loads(render_json(report(), migrations=LOOKED, acts={"cancelled": CANCELLED, "retried": None}))

    assert [one["line"] for one in loaded["remediation"]["acts"]] == LINES
    assert loaded["remediation"]["cancelled"]["results"] == CANCELLED["results"]
    assert "retried" not in loaded["remediation"]


def test_summary_counts_and_says_what_is_stuck_in_the_end() -> None:
    found = summarise(report(), migrations=LOOKED, paths={}, after=a_result())

    assert found["by_state"] == {"cancelled": 1, "refused": 1, "running": 1}
    assert (found["mode"], found["refused"], len(found["stuck"]), found["stuck_after"]) == (
        "cancel_and_retry",
        True,
        1,
        [],
    )


def test_what_is_stuck_is_so_still_where_nobody_looked_again() -> None:
    found = summarise(report(), migrations=LOOKED, paths={})

    assert found["stuck_after"] == found["stuck"] != []


def test_diagnose_says_how_far_it_would_go_and_that_nothing_was_changed() -> None:
    given = report("diagnose", cancelled=None, retried=None)
    vm = given.stuck[0].title

    assert f"{vm}: retry: a cancel helps, and then a new migration" in text_of(given)
    assert f"{vm}: retry" in render_html(given)
    assert "Nothing was changed in the cluster" in render_html(given)


def test_nothing_to_do_is_said() -> None:
    assert "Nothing was to be done." in text_of(report(cancelled={"results": []}, retried=None))


def test_report_on_a_look_alone_has_no_word_of_acts() -> None:
    given = read_report(LOOKED)
    loaded = json.loads(render_json(given, migrations=LOOKED))

    assert acts_as_data(read_remediation("")) == {}
    assert ("remediation" in loaded, "Acts" in text_of(given), "Ladder" in text_of(given)) == (False, False, False)
    assert "stuck_after" not in summarise(given, migrations=LOOKED, paths={})


def test_rules_that_the_acts_lacked_are_not_seen() -> None:
    lacking = {**CANCELLED, "coverage": {"complete": False, "missing": [MISSING_PODS]}}

    assert "may not list pods" in text_of(report(cancelled=lacking, retried={"skipped": True}))


@pytest.mark.parametrize(
    "odd",
    [
        None,
        5,
        [],
        {"results": 5},
        {"results": [None, 5, {"refusals": 5, "timeline": [None, 5, {"at": 5}, {"what": 5}]}]},
    ],
    ids=str,
)
def test_odd_results_have_no_acts_and_break_nothing(odd: Any) -> None:
    given = read_report(LOOKED, remediation=read_remediation("cancel", cancelled=odd, retried=odd))

    assert text_of(given)
    assert render_html(given)


def test_strings_of_the_cluster_are_only_shown() -> None:
    hostile = {
        "results": [
            {**CANCELLED["results"][0], "reason": f"{ESCAPE}<script>", "timeline": [{"what": f"{ESCAPE}<script>"}]}
        ]
    }
    given = report(cancelled=hostile)

    assert "\x1b" not in text_of(given) + render_html(given) + render_markdown(given)
    assert "<script>" not in without_own_script(render_html(given))
