# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals, what may be insisted on, and the shape of a step in a result."""

from __future__ import annotations

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.risks import RISKS, Level
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import (
    OUTCOMES,
    Refusal,
    Step,
    judge_risks,
)

FINAL = Refusal("KubeVirtMissing", "There is no KubeVirt.")
REFUSED = Refusal("NegativeValue", "progress_timeout is -1.")
WARNS = Refusal("PostCopyCanLoseVM", "Post-copy can lose the VM.")


def test_refusals_stand_and_warnings_become_notes_that_name_their_code() -> None:
    plan = judge_risks([FINAL, REFUSED, WARNS], accept_risks=[])

    assert [(one.code, one.reason) for one in plan.refusals] == [
        ("KubeVirtMissing", "There is no KubeVirt."),
        ("NegativeValue", "progress_timeout is -1. To insist, give accept_risks: [NegativeValue]."),
    ]
    assert plan.notes == ("Post-copy can lose the VM. (accept_risks: PostCopyCanLoseVM)",)
    assert (plan.is_refused, plan.steps) == (True, ())


def test_accepted_risks_neither_refuse_nor_warn() -> None:
    plan = judge_risks([REFUSED, WARNS], accept_risks=["NegativeValue", "PostCopyCanLoseVM"])

    assert (plan.refusals, plan.notes, plan.is_refused) == ((), (), False)


def test_what_an_undo_brings_back_is_warned_of_and_never_refused() -> None:
    plan = judge_risks([FINAL], accept_risks=[], warned=[REFUSED, REFUSED, WARNS])
    silent = judge_risks([], accept_risks=["NegativeValue"], warned=[REFUSED])

    assert [one.code for one in plan.refusals] == ["KubeVirtMissing"]
    assert plan.notes == (
        "progress_timeout is -1. (accept_risks: NegativeValue)",
        "Post-copy can lose the VM. (accept_risks: PostCopyCanLoseVM)",
    )
    assert silent.notes == ()


def test_the_same_refusal_found_twice_is_said_once() -> None:
    assert len(judge_risks([REFUSED, REFUSED], accept_risks=[]).refusals) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("Nonsense", "accept_risks: 'Nonsense' is no code. It knows ActingPaused, AttemptLimitReached,"),
        ("KubeVirtMissing", "accept_risks: nobody can insist on KubeVirtMissing."),
    ],
    ids=["unknown", "final"],
)
def test_code_that_cannot_be_accepted_is_wrong_input(code: str, said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        judge_risks([], accept_risks=[code])


@pytest.mark.parametrize("code", sorted(RISKS))
def test_each_code_is_final_or_can_be_accepted(code: str) -> None:
    found = [Refusal(code, "So it is.")]
    if RISKS[code] is Level.FINAL:
        assert judge_risks(found, accept_risks=[]).is_refused
    else:
        assert not judge_risks(found, accept_risks=[code]).is_refused


def test_step_shows_the_same_keys_whatever_became_of_it() -> None:
    step = Step("Set it", "patch", "/x", [{"op": "test"}])
    shown = [step.to_result(outcome=outcome) for outcome in OUTCOMES]

    assert len({tuple(one) for one in shown}) == 1
    assert shown[0] == {
        "action": "Set it",
        "verb": "patch",
        "path": "/x",
        "body": [{"op": "test"}],
        "precondition": "",
        "expectation": "",
        "undo": "",
        "outcome": "refused",
        "answer": "",
        "at": "",
    }
