# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module ends: its result, its errors, and what never leaves it."""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    Cause,
    ClusterError,
    Invalid,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import AUTH_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module, run_module
from tests.module_arguments import module_arguments

TOKEN = "not-to-be-seen-by-anybody"
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "here",
    "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "me", "user": {"token": TOKEN}}],
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
}


def _ends(run: Any, capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[dict[str, Any], int]:
    """What the module prints for `run`, and its exit status."""
    with module_arguments({"kubeconfig": KUBECONFIG, **options}), pytest.raises(SystemExit) as ended:
        run_module(Module(argument_spec=dict(AUTH_SPEC), supports_check_mode=True), run)
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed, int(ended.value.code or 0)


def test_result_and_notes_become_the_modules_result_and_warnings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where other tests have loaded ansible's controller side, warnings of this process go to its display instead.
    warned: list[str] = []
    monkeypatch.setattr(Module, "warn", lambda _self, text: warned.append(text))

    printed, status = _ends(lambda *_given: {"changed": False, "answer": 42, "notes": ["mind the gap"]}, capsys)

    assert (printed["answer"], status) == (42, 0)
    assert "notes" not in printed
    assert warned == ["mind the gap"]


def test_garbage_is_looked_for_less_often_while_a_module_runs(capsys: pytest.CaptureFixture[str]) -> None:
    before = gc.get_threshold()

    printed, _status = _ends(lambda *_given: {"changed": False, "threshold": gc.get_threshold()[0]}, capsys)

    assert printed["threshold"] > 10 * before[0] > 0
    assert gc.isenabled()
    assert gc.get_threshold() == before


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ClusterError("No way.", method="GET", path="/x", status=500, remedy="Try again."), "ClusterError"),
        (WrongInput("vms: 'a b' is no name"), "WrongInput"),
    ],
    ids=["cluster", "input"],
)
def test_error_ends_with_its_text_and_kind(error: Exception, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*_given: Any) -> dict[str, Any]:
        raise error

    printed, status = _ends(run, capsys)

    assert (printed["failed"], printed["msg"], printed["error"]["code"], status) == (True, str(error), code, 1)


def test_error_carries_what_was_done_before_and_what_the_server_lists(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(Module, "warn", lambda _self, text: warned.append(text))
    error = Invalid("No way.")
    error.causes = (Cause("spec.a", "FieldValueInvalid", "must not be negative"),)
    error.is_uncertain = True
    error.result = {"changed": True, "plan": [{"outcome": "done"}], "notes": ["mind the gap"]}

    def run(*_given: Any) -> dict[str, Any]:
        raise error

    printed, status = _ends(run, capsys)

    assert (printed["changed"], printed["plan"], status) == (True, [{"outcome": "done"}], 1)
    assert printed["error"]["causes"] == [
        {"field": "spec.a", "reason": "FieldValueInvalid", "message": "must not be negative"}
    ]
    assert (printed["error"]["uncertain"], warned, "notes" in printed) == (True, ["mind the gap"], False)


REFUSED = {"changed": False, "refused": True, "refusals": [{"reason": "No."}, {"reason": "Not so."}]}


@pytest.mark.parametrize("is_asked_for", [True, False], ids=["asked for", "not asked for"])
def test_refusal_fails_where_the_module_is_told_so(is_asked_for: bool, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"kubeconfig": KUBECONFIG, "fail_on_refusal": is_asked_for}
    spec = {**AUTH_SPEC, "fail_on_refusal": {"type": "bool"}}
    with module_arguments(options), pytest.raises(SystemExit) as ended:
        run_module(Module(argument_spec=spec, supports_check_mode=True), lambda *_given: dict(REFUSED))
    printed = json.loads(capsys.readouterr().out)

    assert (printed.get("failed"), ended.value.code) == ((True, 1) if is_asked_for else (None, 0))
    assert printed["refusals"] == REFUSED["refusals"]
    assert printed.get("msg") == ("No. Not so." if is_asked_for else None)


def test_secrets_of_a_kubeconfig_dictionary_reach_neither_log_nor_result(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []

    def log(_module: AnsibleModule, msg: str, log_args: Mapping[str, Any] | None = None) -> None:
        logged.append(f"{msg} {log_args}")

    monkeypatch.setattr(AnsibleModule, "log", log)
    printed, _status = _ends(lambda *_given: {"changed": False, "said": f"the token {TOKEN}"}, capsys)

    assert any("Invoked" in line for line in logged)
    assert [line for line in logged if TOKEN in line] == []
    assert TOKEN not in json.dumps(printed)


HOSTILE = "a\x1b[2J\x9b\u202e\nok: [localhost]"
SPELT = "a\\x1b[2J\\x9b\\u202e ok: [localhost]"


@pytest.mark.parametrize(
    "error", [ClusterError(HOSTILE, reason=HOSTILE), WrongInput(HOSTILE)], ids=["cluster", "input"]
)
def test_error_holds_nothing_that_a_terminal_obeys(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*_given: Any) -> dict[str, Any]:
        raise error

    printed, _status = _ends(run, capsys)

    assert printed["msg"] == SPELT
    assert printed["error"]["reason"] == SPELT.replace(" ok", "\nok")


def test_result_and_warnings_hold_nothing_that_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(Module, "warn", lambda _self, text: warned.append(text))

    printed, _status = _ends(lambda *_given: {"said": [HOSTILE], "notes": [HOSTILE]}, capsys)

    assert (printed["said"], warned) == ([SPELT.replace(" ok", "\nok")], [SPELT])


def test_option_that_is_given_back_stays_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder may be called so; whoever uses the result must find it."""
    same = "here\u200c"
    kubeconfig = {**KUBECONFIG, "current-context": same, "contexts": [{**KUBECONFIG["contexts"][0], "name": same}]}

    printed, _status = _ends(
        lambda *_given: {"context": same, "other": same}, capsys, context=same, kubeconfig=kubeconfig
    )

    assert (printed["context"], printed["other"]) == (same, "here\\u200c")
