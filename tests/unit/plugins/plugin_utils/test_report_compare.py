# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two looks: what got stuck, what was freed, what changed in settings, and what cannot be said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils import _report_earlier
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_compare import (
    compare_reports,
    comparison_lines,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_earlier import read_earlier
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_json import render_json
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import render_markdown
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import render_text
from tests.unit.plugins.plugin_utils.odd import on_odd_results
from tests.unit.plugins.plugin_utils.pages import Page, without_own_script
from tests.unit.plugins.plugin_utils.results import (
    MISSING_PODS,
    SETTINGS,
    a_migration,
    a_node,
    a_result,
    a_stuck_migration,
    nodes_result,
    report_of,
)

THEN = "2026-11-23T08:40:14Z"


def lines(earlier: Report, later: Report) -> tuple[str, ...]:
    return comparison_lines(compare_reports(earlier, later=later))


def earlier_of(*migrations: Any, **more: Any) -> Report:
    return report_of(*migrations, read_at=THEN, settings=SETTINGS, **more)


def later_of(*migrations: Any, **more: Any) -> Report:
    return report_of(*migrations, **{"settings": SETTINGS, **more})


STUCK, WELL = "blocked (TargetPodUnschedulable)", a_migration()
CHANGES = {
    "got stuck": ([WELL], [a_stuck_migration()], f"Got stuck: team-a/db-1, {STUCK}, was progressing"),
    "got stuck anew": ([], [a_stuck_migration()], f"Got stuck: team-a/db-1, {STUCK}, not seen before"),
    "moves again": ([a_stuck_migration()], [WELL], f"Freed: team-a/db-1, was {STUCK}, now progressing"),
    "has ended": (
        [a_stuck_migration()],
        [a_migration(verdict="succeeded")],
        f"Freed: team-a/db-1, was {STUCK}, now succeeded",
    ),
    "is gone": ([a_stuck_migration()], [], f"Freed: team-a/db-1, was {STUCK}, its migration has ended or is gone"),
    "still": ([a_stuck_migration()], [a_stuck_migration()], f"Still stuck: team-a/db-1, {STUCK}"),
    "still, for another cause": (
        [a_stuck_migration(cause="Other")],
        [a_stuck_migration()],
        f"Still stuck: team-a/db-1, {STUCK}, was blocked (Other)",
    ),
    "still, in another migration": (
        [a_stuck_migration(uid="first")],
        [a_stuck_migration()],
        f"Still stuck: team-a/db-1, {STUCK}, another migration (kubevirt-migrate-vm-x7k2p)",
    ),
}


@pytest.mark.parametrize(("before", "after", "line"), CHANGES.values(), ids=CHANGES)
def test_change_of_a_vm(before: list[Any], after: list[Any], line: str) -> None:
    found = lines(earlier_of(*before), later_of(*after))

    assert line in found
    assert len([one for one in found if "team-a/db-1" in one]) == 1


def test_nothing_is_said_to_be_nothing() -> None:
    assert lines(earlier_of(WELL), later_of(WELL)) == ("Nothing has changed.",)
    assert lines(earlier_of(a_stuck_migration()), later_of(a_stuck_migration()))[-1] == "Nothing else has changed."


def test_worst_migration_of_a_vm_counts() -> None:
    earlier = earlier_of(a_migration(verdict="failed"), a_stuck_migration())

    assert lines(earlier, later_of(a_stuck_migration()))[0] == f"Still stuck: team-a/db-1, {STUCK}"


@pytest.mark.parametrize(
    "more",
    [{"coverage": {"complete": False, "missing": [MISSING_PODS]}}, {"scope": {"namespaces": ["shop"]}}],
    ids=["rights are missing", "another namespace"],
)
def test_vm_that_could_not_be_seen_is_not_called_well(more: dict[str, Any]) -> None:
    found = lines(earlier_of(a_stuck_migration(), scope={}), later_of(**{"scope": {}, **more}))

    assert f"Freed: team-a/db-1, was {STUCK}, not seen any more, by a look that saw less" in found


def changed(**cluster: Any) -> dict[str, Any]:
    return {**SETTINGS, "cluster": {**SETTINGS["cluster"], **cluster}}


SETTING_CHANGES = {
    "cluster": (changed(completionTimeoutPerGiB=800), "Setting of cluster: completionTimeoutPerGiB 150 → 800"),
    "set anew": (changed(network="fast"), "Setting of cluster: network (not set) → fast"),
    "policy": (
        {**SETTINGS, "policies": {"fast-lane": {"completionTimeoutPerGiB": 900}}},
        "Setting of policy fast-lane: completionTimeoutPerGiB 800 → 900",
    ),
    "policy gone": ({**SETTINGS, "policies": {}}, "Setting of policy fast-lane: gone"),
    "policy new": (
        {**SETTINGS, "policies": {**SETTINGS["policies"], "empty": {}}},
        "Setting of policy empty: new",
    ),
}


@pytest.mark.parametrize(("settings", "line"), SETTING_CHANGES.values(), ids=SETTING_CHANGES)
def test_change_of_settings(settings: dict[str, Any], line: str) -> None:
    assert line in lines(earlier_of(WELL), later_of(WELL, settings=settings))


def test_policies_that_were_not_read_are_not_called_gone() -> None:
    unread = {**SETTINGS, "policies": None}

    assert not [line for line in lines(earlier_of(WELL), later_of(WELL, settings=unread)) if "gone" in line]


def test_settings_that_are_not_known_are_said_to_be_so() -> None:
    assert "The settings then are not known." in lines(report_of(WELL, read_at=THEN), later_of(WELL))
    assert "The settings now are not known." in lines(earlier_of(WELL), report_of(WELL))


def test_change_of_a_node() -> None:
    well = nodes_result(a_node(verdict="healthy"), a_node(name="other"))
    found = lines(earlier_of(WELL, nodes=well), later_of(WELL, nodes=nodes_result(a_node(), a_node(name="other"))))

    assert [line for line in found if line.startswith("Node")] == ["Node node-7: healthy → unhealthy"]


def test_order_scope_and_gaps_are_noted() -> None:
    later = later_of(WELL, read_at="2026-11-23T08:00:00Z", scope={"namespaces": ["b"]})
    found = lines(earlier_of(WELL, scope={"namespaces": ["a"]}, coverage={}), later)

    assert found[0] == "The report to compare with is the later one of the two."
    assert "The looks were not at the same: in namespace a then, in namespace b now." in found
    assert "Not everything could be read then: what looks new may have been there." in found


def compared() -> Report:
    later = later_of(a_stuck_migration(), settings=changed(completionTimeoutPerGiB=800))
    return replace(later, comparison=compare_reports(earlier_of(WELL), later=later))


def test_every_format_says_what_has_changed() -> None:
    text = "\n".join(line.text for line in render_text(compared(), width=110))
    page = Page(render_html(compared())).text

    assert f"Since {THEN} (9m before)\n   Got stuck: team-a/db-1, {STUCK}, was progressing\n" in text
    assert "- Got stuck: team-a/db-1, blocked (TargetPodUnschedulable), was progressing" in render_markdown(compared())
    assert "Since 2026-11-23 08:40:14 UTC (9m before) Got stuck team-a/db-1" in page
    assert "cluster: completionTimeoutPerGiB 150 → 800" in page
    found = json.loads(render_json(compared(), migrations=a_result()))["compared"]
    assert found["got_stuck"] == [{"vm": "team-a/db-1", "words": f"{STUCK}, was progressing"}]
    assert (found["earlier_at"], found["seconds"], found["freed"]) == (THEN, 540, [])


def test_written_report_is_read_again(tmp_path: Path) -> None:
    report = earlier_of(a_stuck_migration(), scope={"namespaces": ["team-a"]}, nodes=nodes_result(a_node()))
    result = a_result(a_stuck_migration(), read_at=THEN, settings=SETTINGS)
    text = render_json(report, migrations=result, nodes=nodes_result(a_node()))
    (tmp_path / "report.json").write_text(text, encoding="utf-8")

    for given in (tmp_path, tmp_path / "report.json"):
        found = read_earlier(str(given))
        assert (found.migrations, found.nodes, found.settings) == (report.migrations, report.nodes, report.settings)
        assert (found.scope, found.generated_at) == (report.scope, THEN)


WRONG = {
    "nothing": (None, r"cannot read .*report.json: No such file or directory"),
    "text": ("hello", "is no JSON"),
    "bytes": ("\udcff", "is no JSON"),
    "another file": ('{"preflight": {}}', "is no report of live migrations"),
    "a list": ("[]", "is no report of live migrations"),
    "too deep": ("[" * 100_000, "is no JSON"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_report_is_said(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "report.json").write_text(text, encoding="utf-8", errors="surrogateescape")

    with pytest.raises(ValueError, match=said):
        read_earlier(str(tmp_path / "report.json"))


def test_what_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report.json").write_text("{}" + " " * 100, encoding="utf-8")
    monkeypatch.setattr(_report_earlier, "MOST_BYTES", 100)

    with pytest.raises(ValueError, match="is larger than 100 bytes"):
        read_earlier(str(tmp_path))


@on_odd_results
def test_any_two_results_can_be_compared(result: Any, nodes: Any) -> None:
    odd, plain = read_report(result, nodes=nodes), later_of(a_stuck_migration())

    for earlier, later in ((odd, plain), (plain, odd)):
        report = replace(later, comparison=compare_reports(earlier, later=later))
        assert Page(render_html(report)).open == []
        assert "<script" not in without_own_script(render_html(report))
        assert all("\n" not in line for line in lines(earlier, later))
