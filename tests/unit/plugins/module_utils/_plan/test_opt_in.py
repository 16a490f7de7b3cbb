# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate opt_in: whose word counts, what is no word, and what could not be read."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.act_gates import (
    GATES,
    GateAnswer,
    Limits,
    Marks,
    Situation,
)

MARK = "live-migration.kubevirt-ops/remediate"
YES = {MARK: "true"}
NO = {MARK: "false"}
NOTHING: dict[str, str] = {"app": "web"}


def answer(marks: Marks | None) -> GateAnswer:
    (gate,) = [one for one in GATES if one.name == "opt_in"]
    now = datetime(2026, 11, 23, tzinfo=timezone.utc)
    return gate.judge(Situation(act="cancel", now=now, limits=Limits(), marks=marks))


CASES = {
    "nobody asks": (None, "pass"),
    "the VM": (Marks(YES, NOTHING, NOTHING), "pass"),
    "its VMI": (Marks(NOTHING, YES, NOTHING), "pass"),
    "the namespace": (Marks(NOTHING, NOTHING, YES), "pass"),
    "nobody": (Marks(NOTHING, NOTHING, NOTHING), "refuse"),
    "the VM against the namespace": (Marks(NO, NOTHING, YES), "refuse"),
    "the VM against its VMI": (Marks(YES, NO, NO), "pass"),
    "the VMI against the namespace": (Marks(NOTHING, NO, YES), "refuse"),
    "the namespace refuses": (Marks(NOTHING, NOTHING, NO), "refuse"),
    "a VM that was not read": (Marks(None, YES, YES), "unreadable"),
    "a namespace that was not read": (Marks(NOTHING, NOTHING, None), "unreadable"),
    "a namespace that was not read and does not count": (Marks(YES, NOTHING, None), "pass"),
}


@pytest.mark.parametrize(("marks", "expected"), CASES.values(), ids=CASES)
def test_whose_word_counts(marks: Marks | None, expected: str) -> None:
    assert (answer(marks).answer, answer(marks).code) == (expected, "NotOptedIn")


@pytest.mark.parametrize("value", ["", "yes", "1", "tru", "false"], ids=str)
def test_only_true_opts_in(value: str) -> None:
    found = answer(Marks({MARK: value}, NOTHING, YES))

    assert found.answer == "refuse"
    assert (
        found.reason == "live-migration.kubevirt-ops/remediate on the VM is not true, so automation does not act on it."
    )


def test_true_may_be_written_in_any_case() -> None:
    assert answer(Marks({MARK: " True"}, NOTHING, NOTHING)).answer == "pass"


def test_refusal_names_both_ways_to_opt_in() -> None:
    assert answer(Marks(NOTHING, NOTHING, NOTHING)).reason == (
        f"Nobody has opted in: {MARK} is neither a label of the VM nor an annotation of its namespace."
    )
