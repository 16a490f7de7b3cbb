# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test`: steps in order, the first failure stops, and the closing lines say what was counted and left out."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.make.suite import Counts, Outcome, count_results, exit_status, run_steps, summary

RESULT = '<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>'


def ticks() -> float:
    return next(TICKS)


TICKS = itertools.count(0.0, 2.0)


def test_run_steps_all_pass() -> None:
    assert run_steps(["a", "b"], run=lambda _step: 0, clock=ticks) == [Outcome("a", 0, 2.0), Outcome("b", 0, 2.0)]


def test_run_steps_after_a_failure_runs_nothing() -> None:
    ran: list[str] = []

    def run(step: str) -> int:
        ran.append(step)
        return 2 if step == "b" else 0

    outcomes = run_steps(["a", "b", "c", "d"], run=run, clock=ticks)
    assert ran == ["a", "b"]
    assert [outcome.status for outcome in outcomes] == [0, 2, None, None]


def test_summary_names_failed_and_skipped_steps() -> None:
    outcomes = [Outcome("a", 0, 1.0), Outcome("b", 2, 3.0), Outcome("c", None, 0.0)]
    assert summary(outcomes, counts=Counts(passed=5, failed=1, skipped=0)).splitlines() == [
        "  a                1.0 s  passed",
        "  b                3.0 s  FAILED (2)",
        "  c                0.0 s  skipped (an earlier step failed)",
        "",
        "==== step b FAILED: 1 failed, 5 passed in 4 s ====",
    ]


def test_summary_of_success_ends_with_the_counts() -> None:
    text = summary([Outcome("a", 0, 1.0)], counts=Counts(passed=5, failed=0, skipped=2))
    assert text.splitlines()[-1] == "==== all steps passed: 5 passed, 2 skipped in 1 s ===="


def test_count_results_adds_up_files(tmp_path: Path) -> None:
    (tmp_path / "unit.xml").write_text(RESULT.format(10, 1, 2, 3))
    (tmp_path / "contract.xml").write_text(RESULT.format(5, 0, 0, 0))
    assert count_results(tmp_path) == Counts(passed=9, failed=3, skipped=3)


def test_count_results_of_nothing(tmp_path: Path) -> None:
    assert count_results(tmp_path) == Counts()


@pytest.mark.parametrize(
    ("status", "skipped", "strict", "wanted"),
    [(0, 0, True, 0), (0, 3, False, 0), (0, 3, True, 1), (2, 0, False, 1), (None, 0, False, 1)],
    ids=["passed", "skipped", "skipped in CI", "failed", "not run"],
)
def test_exit_status(status: int | None, skipped: int, strict: bool, wanted: int) -> None:
    counts = Counts(passed=1, failed=0, skipped=skipped)
    assert exit_status([Outcome("a", status, 1.0)], counts=counts, strict=strict) == wanted
