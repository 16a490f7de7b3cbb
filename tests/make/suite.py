# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every step of `make test` in order, says how long each took, and stops at the first that fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.make.places import BUILD, ROOT, in_ci

__all__ = ["STEPS", "Counts", "Outcome", "count_results", "exit_status", "main", "run_steps", "summary"]

# Cheap ones first, so that a slip is known within seconds.
STEPS = ("setup", "check", "unit", "cluster", "contract", "integration", "test-chain", "build", "sanity")
RESULTS = BUILD / "results"


@dataclass(frozen=True)
class Outcome:
    """One step: its exit status (None: not run) and how long it took."""

    step: str
    status: int | None
    seconds: float


@dataclass(frozen=True)
class Counts:
    """What pytest counted, over all steps."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0


def count_results(folder: Path) -> Counts:
    """The sum over the result files that pytest wrote into the folder."""
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for file in sorted(folder.glob("*.xml")):
        for suite in ElementTree.parse(file).getroot().iter("testsuite"):
            for name in totals:
                totals[name] += int(suite.get(name, "0"))
    failed = totals["failures"] + totals["errors"]
    return Counts(totals["tests"] - failed - totals["skipped"], failed, totals["skipped"])


def run_steps(steps: Sequence[str], *, run: Callable[[str], int], clock: Callable[[], float]) -> list[Outcome]:
    """Run the steps one by one; after the first that fails the rest are listed as not run."""
    outcomes: list[Outcome] = []
    for number, step in enumerate(steps, 1):
        if outcomes and outcomes[-1].status != 0:
            outcomes.append(Outcome(step, None, 0.0))
            continue
        print(f"\n==> [{number}/{len(steps)}] make {step}", flush=True)
        started = clock()
        outcomes.append(Outcome(step, run(step), clock() - started))
    return outcomes


def summary(outcomes: Sequence[Outcome], *, counts: Counts) -> str:
    """One line a step, and a closing line as pytest has it."""
    words = {0: "passed", None: "skipped (an earlier step failed)"}
    lines = [
        f"  {outcome.step:<12} {outcome.seconds:7.1f} s  {words.get(outcome.status, f'FAILED ({outcome.status})')}"
        for outcome in outcomes
    ]
    whole = sum(outcome.seconds for outcome in outcomes)
    figures = [(counts.failed, "failed"), (counts.passed, "passed"), (counts.skipped, "skipped")]
    tests = ", ".join(f"{figure} {word}" for figure, word in figures if figure) or "no tests ran"
    ended = next((f"step {outcome.step} FAILED" for outcome in outcomes if outcome.status), "all steps passed")
    return "\n".join([*lines, "", f"==== {ended}: {tests} in {whole:.0f} s ===="])


def exit_status(outcomes: Sequence[Outcome], *, counts: Counts, strict: bool) -> int:
    """0 when every step passed and, where it is strict, no test was skipped; else 1."""
    left_out = strict and counts.skipped > 0
    return 0 if all(outcome.status == 0 for outcome in outcomes) and not left_out else 1


def make(step: str) -> int:
    """The exit status of one target."""
    return subprocess.run(
        [os.environ.get("MAKE", "make"), "--no-print-directory", step], cwd=ROOT, check=False
    ).returncode


def main(steps: Sequence[str]) -> int:
    """0 when every step passed."""
    for old in RESULTS.glob("*.xml"):
        old.unlink()
    # Ctrl-C reaches the step too, which then fails; the summary is still wanted.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    outcomes = run_steps(steps or STEPS, run=make, clock=time.monotonic)
    counts = count_results(RESULTS)
    status = exit_status(outcomes, counts=counts, strict=in_ci())
    if counts.skipped and status and all(outcome.status == 0 for outcome in outcomes):
        print("\nSkipped tests count as failed where CI is set: look for SKIPPED above.", flush=True)
    print("\n" + summary(outcomes, counts=counts), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
