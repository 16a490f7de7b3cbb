# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test`: steps in order, the first failure stops, and the closing lines say what was counted and left out."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

from tests.make.suite import BESIDE, STEPS, Beside, Counts, Outcome, count_results, exit_status, run_steps, summary

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


class Played:
    """A step that was started early, and what became of it."""

    def __init__(self, status: int, *, said: list[str]) -> None:
        self._status = status
        self._said = said

    def finish(self) -> tuple[int, float]:
        self._said.append("finished")
        return self._status, 7.0

    def stop(self) -> None:
        self._said.append("stopped")


@pytest.mark.parametrize(
    ("status", "wanted", "said"),
    [
        ({}, [0, 0, 0], ["a", "begun", "b", "finished"]),
        ({"a": 2}, [2, None, None], ["a"]),
        ({"b": 2}, [0, 2, None], ["a", "begun", "b", "stopped"]),
        ({"sanity": 2}, [0, 0, 2], ["a", "begun", "b", "finished"]),
    ],
    ids=["all pass", "the first fails", "another fails", "it fails itself"],
)
def test_step_beside_the_others_begins_after_the_first_and_counts_at_its_place(
    status: dict[str, int], wanted: list[int | None], said: list[str]
) -> None:
    seen: list[str] = []

    def run(step: str) -> int:
        seen.append(step)
        return status.get(step, 0)

    def start(step: str) -> Played:
        seen.append("begun")
        return Played(status.get(step, 0), said=seen)

    outcomes = run_steps(["a", "b", BESIDE[0]], run=run, clock=ticks, start=start)

    assert ([outcome.status for outcome in outcomes], seen) == (wanted, said)


def test_step_beside_shows_what_it_said_and_how_it_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = "print('looked at all'); raise SystemExit(3)"
    beside = Beside("sanity", command=[sys.executable, "-c", program], log=tmp_path / "results" / "sanity.log")

    status, seconds = beside.finish()

    assert (status, seconds > 0) == (3, True)
    assert capsys.readouterr().out.endswith("looked at all\n")


def test_step_beside_that_nobody_wants_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    beside = Beside("sanity", command=command, log=tmp_path / "sanity.log")

    beside.stop()

    assert beside.finish()[0] < 0


def test_steps_beside_are_steps() -> None:
    assert set(BESIDE) < set(STEPS[1:])


def test_summary_names_failed_and_skipped_steps() -> None:
    outcomes = [Outcome("a", 0, 1.0), Outcome("b", 2, 3.0), Outcome("c", None, 0.0)]
    assert summary(outcomes, counts=Counts(passed=5, failed=1, skipped=0), whole=4.0).splitlines() == [
        "  a                1.0 s  passed",
        "  b                3.0 s  FAILED (2)",
        "  c                0.0 s  skipped (an earlier step failed)",
        "",
        "==== step b FAILED: 1 failed, 5 passed in 4 s ====",
    ]


def test_summary_of_success_ends_with_the_counts() -> None:
    text = summary([Outcome("a", 0, 1.0)], counts=Counts(passed=5, failed=0, skipped=2), whole=1.0)
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
