# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out a plan: what is sent, what is recorded, and what is said when it ends early."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    Conflict,
    ConnectionLost,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.execute import execute_plan
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Plan, Refusal, Step
from tests.unit.plugins.module_utils._cluster.network import a_client, a_status, an_answer

FIRST = Step("First", "create", "/a", {"n": 1})
SECOND = Step("Second", "create", "/b", {"n": 2}, not_yet="It rests on the first.")
FINE = an_answer({"kind": "Thing"}, date="Mon, 23 Nov 2026 09:30:00 GMT")


def outcomes(done: Any) -> list[tuple[str, str, str]]:
    return [(one["action"], one["outcome"], one["at"]) for one in done.records]


def test_every_step_is_sent_in_order_and_recorded_with_the_servers_time() -> None:
    client, transport, _clock = a_client(FINE, FINE)
    done = execute_plan(client, Plan((FIRST, SECOND)), check_mode=False)

    assert outcomes(done) == [("First", "done", "2026-11-23T09:30:00Z"), ("Second", "done", "2026-11-23T09:30:00Z")]
    assert [(one.method, one.path, one.body) for one in transport.sent] == [
        ("POST", "/a", {"n": 1}),
        ("POST", "/b", {"n": 2}),
    ]
    assert (done.has_changed, done.error, done.answers[1]) == (True, None, {"kind": "Thing"})


def test_check_mode_lets_the_server_try_what_is_possible_now_and_changes_nothing() -> None:
    client, transport, _clock = a_client(FINE)
    done = execute_plan(client, Plan((FIRST, SECOND)), check_mode=True)

    assert outcomes(done) == [("First", "dry_run", "2026-11-23T09:30:00Z"), ("Second", "not_possible_yet", "")]
    assert done.records[1]["answer"] == "It rests on the first."
    assert "dryRun=All" in transport.sent[0].query
    assert not done.has_changed


def test_refused_plan_sends_nothing() -> None:
    client, transport, _clock = a_client()
    done = execute_plan(client, Plan((FIRST,), refusals=(Refusal("NegativeValue", "No."),)), check_mode=False)

    assert outcomes(done) == [("First", "refused", "")]
    assert (transport.sent, done.has_changed) == ([], False)


def test_step_that_fails_ends_it_and_says_what_was_done() -> None:
    client, transport, _clock = a_client(FINE, a_status(409, message="exists"))
    done = execute_plan(client, Plan((FIRST, SECOND, FIRST)), check_mode=False)

    assert [outcome for _action, outcome, _at in outcomes(done)] == ["done", "failed", "not_tried"]
    assert "exists" in done.records[1]["answer"]
    assert isinstance(done.error, Conflict)
    assert (len(transport.sent), done.has_changed) == (2, True)


def test_step_whose_answer_was_lost_is_unknown_and_counts_as_a_change() -> None:
    client, _transport, _clock = a_client(ConnectionLost("cut"))
    done = execute_plan(client, Plan((FIRST,)), check_mode=False)

    assert outcomes(done)[0][1] == "unknown"
    assert done.has_changed


def test_optional_step_that_fails_is_a_warning_and_the_rest_goes_on() -> None:
    client, _transport, _clock = a_client(a_status(403, message="forbidden"), FINE)
    done = execute_plan(client, Plan((Step("Tell", "create", "/e", {}, is_optional=True), FIRST)), check_mode=False)

    assert [outcome for _action, outcome, _at in outcomes(done)] == ["failed", "done"]
    assert done.error is None
    assert done.notes[0].startswith("Tell: POST /e answered 403")


def test_notes_of_the_plan_and_warnings_of_the_server_are_handed_on() -> None:
    client, _transport, _clock = a_client(an_answer({"kind": "Thing"}, warning='299 - "old field"'))
    done = execute_plan(client, Plan((FIRST,), notes=("mind it",)), check_mode=False)

    assert done.notes == ["mind it", "old field"]
    assert done.records[0]["answer"] == "accepted; old field"
