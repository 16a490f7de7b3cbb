# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every step of `make test` in order, says how long each took, and stops at the first that fails.

Steps that keep one processor busy for minutes are started early, beside the others, and waited for at their place.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree

from tests.make.places import BUILD, ROOT, in_ci

__all__ = [
    "BESIDE",
    "STEPS",
    "Beside",
    "Counts",
    "Outcome",
    "count_results",
    "exit_status",
    "main",
    "run_steps",
    "summary",
]

# Cheap ones first, so that a slip is known within seconds.
STEPS = (
    "setup",
    "check",
    "unit",
    "mutants",
    "cluster",
    "contract",
    "build",
    "integration",
    "matrix",
    "test-chain",
    "sanity",
)
# Started after the first step. Sanity keeps one processor busy, and most of the others leave one free; the chain waits
# most of its time, for alerts that have to hold for a minute.
BESIDE = ("sanity", "test-chain")
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


class Started(Protocol):
    """A step that runs already."""

    def finish(self) -> tuple[int, float]:
        """Wait for its end and show what it said; its exit status and how long it took."""

    def stop(self) -> None:
        """End it, as nobody wants its result any more."""


class Beside:
    """A step in a process of its own, which writes into a file until its turn comes."""

    def __init__(self, step: str, *, command: Sequence[str], log: Path) -> None:
        self._step = step
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._began = self._ended = time.monotonic()
        with log.open("wb") as stream:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT)
        self._watch = threading.Thread(target=self._wait, daemon=True)
        self._watch.start()

    def _wait(self) -> None:
        self._process.wait()
        self._ended = time.monotonic()

    def finish(self) -> tuple[int, float]:
        """Its exit status and how long it took; its output is printed."""
        if self._watch.is_alive():
            print(f"{self._step} was started early and is not done yet; so far: {self._log}", flush=True)
        self._watch.join()
        print(self._log.read_text(encoding="utf-8", errors="replace"), end="", flush=True)
        return self._process.returncode, self._ended - self._began

    def stop(self) -> None:
        """End it; `make` hands the signal on to what it has started."""
        if self._watch.is_alive():
            self._process.terminate()
            self._watch.join()


def run_steps(
    steps: Sequence[str],
    *,
    run: Callable[[str], int],
    clock: Callable[[], float],
    start: Callable[[str], Started] | None = None,
) -> list[Outcome]:
    """Run the steps one by one; after the first that fails the rest are listed as not run.

    `start` begins those of BESIDE once the first step has passed.
    """
    outcomes: list[Outcome] = []
    beside: dict[str, Started] = {}
    try:
        for number, step in enumerate(steps, 1):
            if outcomes and outcomes[-1].status != 0:
                outcomes.append(Outcome(step, None, 0.0))
                continue
            print(f"\n==> [{number}/{len(steps)}] make {step}", flush=True)
            started = clock()
            if step in beside:
                outcomes.append(Outcome(step, *beside.pop(step).finish()))
            else:
                outcomes.append(Outcome(step, run(step), clock() - started))
            if start is not None and number == 1 and outcomes[0].status == 0:
                beside = {later: start(later) for later in steps[1:] if later in BESIDE}
    finally:
        for left in beside.values():
            left.stop()
    return outcomes


def summary(outcomes: Sequence[Outcome], *, counts: Counts, whole: float) -> str:
    """One line a step, and a closing line as pytest has it. `whole`: seconds from the first step to the last."""
    words = {0: "passed", None: "skipped (an earlier step failed)"}
    lines = [
        f"  {outcome.step:<12} {outcome.seconds:7.1f} s  {words.get(outcome.status, f'FAILED ({outcome.status})')}"
        for outcome in outcomes
    ]
    figures = [(counts.failed, "failed"), (counts.passed, "passed"), (counts.skipped, "skipped")]
    tests = ", ".join(f"{figure} {word}" for figure, word in figures if figure) or "no tests ran"
    ended = next((f"step {outcome.step} FAILED" for outcome in outcomes if outcome.status), "all steps passed")
    return "\n".join([*lines, "", f"==== {ended}: {tests} in {whole:.0f} s ===="])


def exit_status(outcomes: Sequence[Outcome], *, counts: Counts, strict: bool) -> int:
    """0 when every step passed and, where it is strict, no test was skipped; else 1."""
    left_out = strict and counts.skipped > 0
    return 0 if all(outcome.status == 0 for outcome in outcomes) and not left_out else 1


def command(step: str) -> list[str]:
    """How one target is made."""
    return [os.environ.get("MAKE", "make"), "--no-print-directory", step]


def make(step: str) -> int:
    """The exit status of one target."""
    return subprocess.run(command(step), cwd=ROOT, check=False).returncode


def make_beside(step: str) -> Beside:
    """One target, started and not waited for."""
    return Beside(step, command=command(step), log=RESULTS / f"{step}.log")


def main(steps: Sequence[str]) -> int:
    """0 when every step passed."""
    for old in RESULTS.glob("*.xml"):
        old.unlink()
    # Ctrl-C reaches the step too, which then fails; the summary is still wanted.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    began = time.monotonic()
    outcomes = run_steps(steps or STEPS, run=make, clock=time.monotonic, start=make_beside)
    whole = time.monotonic() - began
    counts = count_results(RESULTS)
    status = exit_status(outcomes, counts=counts, strict=in_ci())
    if counts.skipped and status and all(outcome.status == 0 for outcome in outcomes):
        print("\nSkipped tests count as failed where CI is set: look for SKIPPED above.", flush=True)
    print("\n" + summary(outcomes, counts=counts, whole=whole), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
