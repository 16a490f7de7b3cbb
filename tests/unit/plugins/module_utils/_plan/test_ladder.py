# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far to go against each cause, and that it agrees with the catalogue."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.ladder import (
    LADDER,
    RUNGS,
    ladder_from,
    may_cancel,
    rung_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import CATALOGUE, Entry


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.code)
def test_nothing_is_done_that_the_catalogue_does_not_name(entry: Entry) -> None:
    rung = rung_of(entry.code)

    assert rung in RUNGS
    assert (rung in ("cancel", "retry")) == ("C" in entry.acts)
    assert rung != "retry" or "R" in entry.acts
    assert rung != "tune" or "T" in entry.acts
    assert may_cancel(entry.code) == ("C" in entry.acts)


@pytest.mark.parametrize(
    ("code", "rung"),
    [
        ("TargetPodCrashing", "retry"),
        ("TargetHandlerDown", "retry"),
        ("TargetNodeDown", "wait"),
        ("SourceHandlerDown", "wait"),
        ("PostCopyActive", "wait"),
        ("TargetPodUnschedulable", "wait"),
        ("UnworkableLimits", "tune"),
        ("VMIMissing", "cancel"),
        ("Unknown", "wait"),
        ("", "wait"),
        ("NoSuchCause", "wait"),
    ],
    ids=str,
)
def test_ladder_is_safe_where_something_else_must_be_fixed_first(code: str, rung: str) -> None:
    assert rung_of(code) == rung


def test_every_cause_has_a_rung() -> None:
    assert list(LADDER) == [entry.code for entry in CATALOGUE]


def test_single_causes_get_another_rung_and_the_others_keep_theirs() -> None:
    ladder = ladder_from({"SELinuxContextMissing": "retry", "TargetPodCrashing": "wait"})

    assert rung_of("SELinuxContextMissing", ladder=ladder) == "retry"
    assert not may_cancel("TargetPodCrashing", ladder=ladder)
    assert {code for code in LADDER if ladder[code] != LADDER[code]} == {"SELinuxContextMissing", "TargetPodCrashing"}


@pytest.mark.parametrize("given", [None, {}], ids=["none", "empty"])
def test_ladder_is_the_table_where_nothing_is_given(given: Any) -> None:
    assert ladder_from(given) == LADDER


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"TargetPodCrash": "cancel"}, "'TargetPodCrash' is no code of a cause"),
        ({5: "cancel"}, "5 is no code of a cause"),
        ({"TargetPodCrashing": "kill"}, "ladder.TargetPodCrashing: 'kill' is no rung"),
        ({"TargetPodCrashing": ["cancel"]}, r"\['cancel'\] is no rung"),
        ("TargetPodCrashing=cancel", "is no mapping of cause codes to rungs"),
    ],
    ids=["code", "number", "rung", "list", "text"],
)
def test_wrong_code_or_rung_is_said(given: Any, said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        ladder_from(given)
