# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tuning report in its formats: exact lines for a small case, promises on all lines for odd ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import cell_width
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_files import (
    render_tuning_html,
    render_tuning_json,
    render_tuning_markdown,
    summarise_tuning,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_read import TuningReport, read_tuning
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_text import render_tuning_text
from tests.unit.plugins.plugin_utils.odd import odd_value
from tests.unit.plugins.plugin_utils.pages import without_own_script
from tests.unit.plugins.plugin_utils.results import ESCAPE

CALM = settings(max_examples=40, deadline=None)
GIB, MIB = 2**30, 2**20
Object = dict[str, Any]


def a_vm(name: str = "db-1", answer: str = "change", **changes: Any) -> Object:
    """One entry of `vms`, as migration_tuning_info gives it."""
    return {
        "namespace": "team-a",
        "vm": name,
        "answer": answer,
        "summary": "The copy does not end in time: it takes 2044 s and has 540 s.",
        "memory_bytes": 8 * GIB,
        "dirty_bytes_per_second": 60 * MIB,
        "dirty_rate_is_at_least": False,
        "bandwidth_bytes_per_second": 64 * MIB,
        "finishes": False,
        "seconds": 2044,
        "limit_seconds": 540,
        "has_limit": True,
        "assumes": ["the network carries it"],
        "not_advised": [{"action": "pause", "why": "nothing says that the VM may stand still"}],
        "in_flight": "The migration that runs keeps its settings.",
        **changes,
    }


def an_end(**changes: Any) -> Object:
    return {"finishes": True, "how": "pre_copy", "seconds": 2044, "limit_seconds": 2052, "has_limit": True, **changes}


def a_group(**changes: Any) -> Object:
    """One entry of `groups`."""
    option = {"cluster": {}, "risk": "none for the VM"}
    pause = an_end(how="pause", seconds=302, limit_seconds=180)
    return {
        "policy_name": "tuned",
        "vms": ["team-a/db-1"],
        "why": "tier=db: 1 has it, and no other VM does",
        "kept": {},
        "label_commands": [],
        "chosen": "deadline",
        "why_not": "",
        "advice": [
            {
                **option,
                "action": "deadline",
                "policy": {"completionTimeoutPerGiB": 228},
                "vms": {"team-a/db-1": an_end()},
                "assumes": ["the link carries it", "nobody else is on it"],
            },
            {**option, "action": "pause", "policy": {"allowPostCopy": False}, "vms": {"team-a/db-1": pause}},
        ],
        **changes,
    }


def an_advice(*vms: Object, groups: Any = (), text: str = "The one copy would not end.", **changes: Any) -> Object:
    """A result of migration_tuning_info."""
    return {
        "read_at": "2026-11-23T08:49:14Z",
        "vms": list(vms),
        "groups": list(groups),
        "summary": {"text": text, "by_answer": {"change": len(vms), "unknown": 0}},
        "coverage": {"complete": True, "missing": [], "requests": 13},
        **changes,
    }


def a_policy_result(outcome: str = "done", **changes: Any) -> Object:
    """A result of migration_policy."""
    return {
        "item": {"name": "tuned"},
        "changed": True,
        "object": {"metadata": {"name": "tuned"}},
        "before": {},
        "after": {
            "selectors": {"virtualMachineInstanceSelector": {"tier": "db"}},
            "completionTimeoutPerGiB": 228,
        },
        "wins_for": [{"namespace": "team-a", "vm": "db-1", "before": "slow"}],
        "in_flight": [{"namespace": "team-a", "vm": "db-1", "keeps": {"completion_timeout_per_gib": 60}, "advice": ""}],
        "plan": [{"outcome": outcome, "at": "2026-11-23T08:49:20Z"}],
        "coverage": {"complete": True, "missing": []},
        **changes,
    }


def read(mode: str = "advise", **parts: Any) -> TuningReport:
    return read_tuning({"mode": mode, **parts}, version="0.1.0")


def lines(report: TuningReport, *, width: int = 80) -> list[str]:
    return [line.text for line in render_tuning_text(report, width=width)]


def test_advice_is_shown_with_its_figures() -> None:
    report = read(advice=an_advice(a_vm(), groups=[a_group()]))

    assert lines(report)[1:] == [
        "Tuning · 2026-11-23T08:49:14Z",
        "",
        "The one copy would not end.",
        "",
        "ANSWER  VM           MEMORY   DIRTIED    COPIED  ENDS AFTER  LIMIT",
        "change  team-a/db-1   8 GiB  60 MiB/s  64 MiB/s      2044 s  540 s",
        "",
        "1. For team-a/db-1",
        "   Policy tuned",
        "   Whom   tier=db: 1 has it, and no other VM does.",
        "   Take   deadline: completionTimeoutPerGiB 228",
        "            team-a/db-1 ends after 2044 s of 2052 s",
        "            Provided that the link carries it; nobody else is on it.",
        "            Risk: none for the VM.",
        "   Or     pause: allowPostCopy false",
        "            team-a/db-1 ends after 302 s at most, stands still at the end",
        "            Risk: none for the VM.",
        "",
        "Of each VM",
        "   team-a/db-1: The copy does not end in time: it takes 2044 s and has 540 s.",
        "     The migration that runs keeps its settings.",
        "",
        "Taken for granted",
        "   The network carries it.",
        "",
    ]


def test_a_change_is_shown_with_whom_it_rules_and_how_to_take_it_back() -> None:
    report = read("apply", advice=an_advice(), policies=[a_policy_result()])
    shown = lines(report)

    assert shown[shown.index("MigrationPolicy tuned: changed") :] == [
        "MigrationPolicy tuned: changed",
        "   VMIs with tier: not set → db",
        "   completionTimeoutPerGiB: not set → 228",
        "   Rules team-a/db-1 (now slow).",
        "   team-a/db-1 is being migrated and keeps completionTimeoutPerGiB 60. Only a",
        "     cancel and a new migration gives it the new values.",
        "   To take it back:",
        "          ansible-playbook kubevirt_ops.live_migration.tune -e mode=undo -e undo_policies=tuned",
        "",
    ]
    assert report.headline.startswith("Changed: MigrationPolicy tuned. Seen before: ")
    assert report.is_changed


def test_an_undo_says_whose_change_it_takes_back() -> None:
    change = {"at": "2026-11-23T08:00:00Z", "by": "ops", "requested_by": "jane", "reason": "CHG-1", "undone": {}}
    (undone,) = read("undo", policies=[a_policy_result(last_change=change)]).acts
    (nothing,) = read("undo", policies=[a_policy_result(last_change=change, changed=False, plan=[])]).acts
    (made,) = read("apply", policies=[a_policy_result(last_change=change)]).acts
    said = "Takes back the change of 2026-11-23T08:00:00Z, made by ops for jane: CHG-1"
    assert read("undo", policies=[a_policy_result()]).headline == "Undone: MigrationPolicy tuned."
    assert read("undo", policies=[a_policy_result("dry_run")]).headline == "Would undo: MigrationPolicy tuned."

    assert said in undone.effects
    assert said not in (*nothing.effects, *made.effects)


STATES: dict[str, tuple[Object, str, str]] = {
    "done": (a_policy_result(), "changed", ""),
    "dry run": (a_policy_result("dry_run"), "would change", ""),
    "nothing": (a_policy_result(changed=False, plan=[]), "unchanged", ""),
    "refused": (
        a_policy_result(changed=False, refused=True, refusals=[{"code": "EffectUnknown", "reason": "Unseen."}]),
        "refused",
        "EffectUnknown: Unseen. Insist with accept_risks: EffectUnknown.",
    ),
    "refused and told how to insist": (
        a_policy_result(
            changed=False,
            refused=True,
            refusals=[{"code": "NothingToUndo", "reason": "None. To insist, give accept_risks: [NothingToUndo]."}],
        ),
        "refused",
        "NothingToUndo: None. Insist with accept_risks: NothingToUndo.",
    ),
    "final": (
        a_policy_result(changed=False, refused=True, refusals=[{"code": "ValueChangedSince", "reason": "It was."}]),
        "refused",
        "ValueChangedSince: It was. Nobody can insist on it.",
    ),
    "failed": (
        {"item": {"name": "tuned"}, "error": {"code": "Timeout"}, "msg": "No answer.", "failed": False},
        "failed",
        "Timeout: No answer.",
    ),
    "never ran": (
        {"item": {"name": "tuned"}, "msg": "Unsupported parameters.", "failed": False, "failed_when_result": False},
        "failed",
        "Unsupported parameters.",
    ),
}


@pytest.mark.parametrize(("result", "state", "why"), STATES.values(), ids=STATES)
def test_what_became_of_a_change_is_told_by_its_steps(result: Object, state: str, why: str) -> None:
    report = read("apply", policies=[result])
    summary = summarise_tuning(report, paths={})

    assert summary["acts"] == [{"object": "MigrationPolicy tuned", "state": state}]
    assert summary["refusals"] + summary["errors"] == ([why] if why else [])
    assert bool(report.acts[0].undo) is (state == "changed")


def test_a_rule_that_is_missing_to_write_is_shown_as_a_role_to_paste() -> None:
    path = "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies"
    error = {"code": "Forbidden", "method": "POST", "path": path}
    report = read("apply", advice=an_advice(), policies=[{"item": {"name": "tuned"}, "error": error, "msg": "403"}])

    assert report.gap is not None
    assert report.gap.rules == ("create migrationpolicies (migrations.kubevirt.io)",)
    assert "kind: ClusterRole" in report.gap.role


SILENT: dict[str, tuple[Object, str]] = {
    "nothing was looked at": ({}, "Nothing was looked at."),
    "nothing to apply": ({"mode": "apply", "advice": an_advice()}, "Nothing is to be changed. The one copy"),
    "nothing to undo": ({"mode": "undo", "policies": []}, "Nothing was named to be undone."),
    "nothing left to undo": (
        {"mode": "undo", "policies": [a_policy_result(changed=False, plan=[])]},
        "Nothing to undo: MigrationPolicy",
    ),
    "a skipped task": ({"mode": "undo", "advice": {"skipped": True}, "settings": {"skipped": True}}, "Nothing was"),
}


@pytest.mark.parametrize(("given", "headline"), SILENT.values(), ids=SILENT)
def test_where_nothing_was_done_that_is_said(given: Object, headline: str) -> None:
    assert read_tuning(given).headline.startswith(headline)


def test_labels_are_given_where_none_tells_the_vms_apart() -> None:
    command = "kubectl label vmi -n team-a db-1 live-migration-tuning=needed"
    group = a_group(chosen="", why_not="no labels of theirs tell them apart", label_commands=[command])
    report = read(advice=an_advice(a_vm(), groups=[group]))
    shown = lines(report)

    assert "   Not    Nothing is chosen: no labels of theirs tell them apart." in shown
    assert " " * 10 + command in shown
    assert command in render_tuning_markdown(report)
    assert command in render_tuning_html(report)


def test_what_is_not_known_is_shown_as_such() -> None:
    vm = a_vm(answer="unknown", dirty_bytes_per_second=None, seconds=None, finishes=None, limit_seconds=None)
    shown = lines(read(advice=an_advice(vm)))

    assert "unknown  team-a/db-1   8 GiB        ?  64 MiB/s           ?      ?" in shown
    assert "     not pause: nothing says that the VM may stand still." in shown


def test_settings_go_by_the_names_of_the_api_with_the_object_that_owns_them() -> None:
    result = {
        "changed": True,
        "object": {"kind": "KubeVirt", "namespace": "kubevirt", "name": "kubevirt"},
        "before": {"progress_timeout": 150},
        "after": {"progress_timeout": 240},
        "plan": [{"outcome": "done", "at": ""}],
    }
    (act,) = read("apply", settings=result).acts

    assert (act.title, act.changes) == ("the settings of KubeVirt kubevirt/kubevirt", ("progressTimeout: 150 → 240",))
    assert act.undo.endswith("-e mode=undo -e undo_settings=true")


def test_settings_that_were_left_alone_are_said_to_be_so_and_why() -> None:
    refused = a_policy_result(changed=False, refused=True, refusals=[{"code": "EffectUnknown", "reason": "Unseen."}])
    why = "MigrationPolicy tuned was not kept."
    report = read("apply", policies=[refused], settings={"skipped": True}, settings_not_tried=why)
    summary = summarise_tuning(report, paths={})

    assert summary["acts"][1] == {"object": "the migration settings", "state": "not tried"}
    assert report.headline == "Refused: MigrationPolicy tuned. Not tried: the migration settings."
    assert lines(report)[-3:] == ["The migration settings: not tried", f"   {why}", ""]
    assert why in render_tuning_html(report)


def test_json_keeps_the_results_without_what_ansible_added() -> None:
    given = {"mode": "apply", "advice": an_advice(a_vm()), "policies": [a_policy_result(invocation={"api_key": "x"})]}
    text = render_tuning_json(read_tuning(given), result=given)
    found = json.loads(text)["tuning"]

    assert (found["mode"], found["settings"]) == ("apply", {})
    assert found["policies"][0]["changed"] is True
    assert "invocation" not in text
    assert "item" not in found["policies"][0]


def test_page_says_that_nothing_was_changed_only_where_that_is_so() -> None:
    words = "Nothing was changed in the cluster."

    assert words in render_tuning_html(read(advice=an_advice(a_vm())))
    plan = render_tuning_html(read("plan", advice=an_advice(), policies=[a_policy_result("dry_run")]))
    assert words in plan
    assert "What would be done" in plan
    assert words not in render_tuning_html(read("apply", advice=an_advice(), policies=[a_policy_result()]))


def test_what_a_cluster_says_is_no_markup_and_no_escape() -> None:
    vm = a_vm(name=f"<b>{ESCAPE}", summary=f"<script>{ESCAPE}")
    report = read(advice=an_advice(vm, groups=[a_group(why=f"<i>{ESCAPE}")]))

    assert "<script>" not in without_own_script(render_tuning_html(report))
    assert "<i>" not in render_tuning_markdown(report)
    assert not any("\x1b" in line for line in lines(report))


@CALM
@given(st.data(), st.integers(min_value=60, max_value=200))
def test_odd_results_never_break_a_report_nor_its_width(data: st.DataObject, width: int) -> None:
    odd = odd_value
    vm = {key: data.draw(odd) if data.draw(st.booleans()) else value for key, value in a_vm().items()}
    group = {key: data.draw(odd) if data.draw(st.booleans()) else value for key, value in a_group().items()}
    act = {key: data.draw(odd) if data.draw(st.booleans()) else value for key, value in a_policy_result().items()}
    given_ = {"mode": "apply", "advice": an_advice(vm, groups=[group]), "policies": [act, data.draw(odd)]}
    report = read_tuning(given_)

    too_wide = [
        line.text
        for line in render_tuning_text(report, width=width)
        if not line.verbatim and cell_width(line.text) > width
    ]
    assert too_wide == []
    assert json.loads(render_tuning_json(report, result=given_))
    assert render_tuning_html(report)
    assert render_tuning_markdown(report)
    assert json.dumps(summarise_tuning(report, paths={}))
