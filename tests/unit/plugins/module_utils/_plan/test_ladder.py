# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far to go against each cause, and that it agrees with the catalogue."""

from __future__ import annotations

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.ladder import (
    LADDER,
    RUNGS,
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
