# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a test cluster, fills it, runs the playbook as a user would, stops the cluster, compares."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.cluster.simulator import ScenarioError
from tests.cluster.simulator.scenario import Scenario, load
from tests.demo.alert import NAME as ALERT
from tests.demo.alert import show_alert
from tests.demo.comparison import Row, compare, compare_outlooks, render
from tests.demo.remediation import NAME as REMEDIATION
from tests.demo.remediation import show_remediation
from tests.demo.tuning import show_tuning
from tests.make.places import BUILD, FULL_NAME, ROOT

REPORT = BUILD / "demo"
# Nobody keeps logs there.
EVIDENCE = (
    "-e",
    f"evidence_directory={REPORT.relative_to(ROOT)}",
    "-e",
    "evidence_log_bytes=0",
    "-e",
    "evidence_metrics=false",
)
BUNDLE = REPORT / "live-migration-evidence.tar.gz"
SCENARIO = "demo"
# The one who looks after the cluster: may read what a diagnosis reads, and nothing more.
USER = "operator"


def say(text: str) -> None:
    """One line of ours between those of the programs."""
    print(f"demo: {text}", flush=True)


def stop_on_termination() -> None:
    """Let a SIGTERM unwind like Ctrl-C does, so that the cluster is stopped then too."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def play(kubeconfig: Path, scenario: Scenario) -> int:
    """Run the playbook that the scenario is for, with the terminal as its own; its exit status."""
    shutil.rmtree(REPORT, ignore_errors=True)
    name = f"{FULL_NAME}.{'preflight' if scenario.drain else 'diagnose'}"
    command = ["ansible-playbook", name, "-e", f"report_directory={REPORT.relative_to(ROOT)}"]
    command += ["-e", f"nodes={','.join(scenario.drain)}"] if scenario.drain else [*EVIDENCE]
    say(f"KUBECONFIG={kubeconfig} {' '.join(command)}")
    program = Path(sys.executable).with_name(command[0])
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    return subprocess.run([str(program), *command[1:]], cwd=ROOT, env=environment, check=False).returncode


def run_on_a_cluster(scenario: Scenario) -> int:
    """The playbook's exit status; the cluster is stopped whatever happens."""
    say("starting a test cluster (the very first time its programs are built, which takes minutes)")
    with Cluster.start(simulator=True, report=say) as cluster:
        say(f"filling it with the scenario {scenario.name}: {scenario.title}")
        cluster.simulator.play(scenario.name)
        return play(Path(cluster.kubeconfig(USER)), scenario)


def held_against(scenario: Scenario) -> int:
    """Print what was planted against what the report says; 1 where they differ."""
    planted: list[Mapping[str, Any]] = [vars(one) for one in scenario.drained or scenario.expected]
    if scenario.drain:
        rows = compare_outlooks(planted, found=_written("preflight.json")["preflight"]["vms"])
        return _shown(rows, what="VMs on the nodes", reasons={one["first_reason"] for one in planted})
    rows = compare(planted, found=_written("report.json")["migrations"]["migrations"])
    return _shown(rows, what="VMs with a migration", reasons={one["first_cause"] for one in planted})


def _written(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REPORT / name).read_text(encoding="utf-8"))
    return found


def _shown(rows: Sequence[Row], *, what: str, reasons: set[str | None]) -> int:
    print(f"\nPlanted by the scenario, and found by the playbook:\n\n{render(rows)}\n")
    differing = sum(not row.agrees for row in rows)
    say(f"{len(rows)} {what}, {len(reasons - {None})} different causes planted, {differing} verdicts differ")
    return 1 if differing else 0


def wanted_scenario(arguments: Sequence[str]) -> Scenario:
    """The scenario that the command line names; where there is none of that name it ends with those that exist."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("scenario", nargs="?", default=SCENARIO, help="a file of tests/cluster/scenarios without .yml")
    try:
        return load(parser.parse_args(arguments).scenario)
    except ScenarioError as error:
        parser.error(str(error))


def show_on_a_cluster(scenario: Scenario, show: Callable[..., Sequence[Any]], *, pods: bool = False) -> int:
    """1 where something that the demo claims is not so; the cluster is stopped whatever happens."""
    say("starting a test cluster (the very first time its programs are built, which takes minutes)")
    with Cluster.start(simulator=True, pods=pods, report=say) as cluster:
        say(f"filling it with the scenario {scenario.name}: {scenario.title}")
        cluster.simulator.play(scenario.name)
        try:
            claims = show(cluster, scenario, say=say)
        except RuntimeError as error:
            say(str(error))
            return 1
    failed = sum(not claim.holds for claim in claims)
    say(f"{len(claims)} claims, {failed} of them not so; the test cluster is stopped")
    return 1 if failed else 0


def main(arguments: Sequence[str]) -> int:
    """The playbook's exit status; 1 where it found something else than was planted."""
    # Before the cluster is started: a misspelt name should not cost a minute.
    scenario = wanted_scenario(arguments)
    stop_on_termination()
    try:
        if scenario.tune:
            return show_on_a_cluster(scenario, show_tuning, pods=True)
        shows = {REMEDIATION: show_remediation, ALERT: show_alert}
        if scenario.name in shows:
            return show_on_a_cluster(scenario, shows[scenario.name])
        status = run_on_a_cluster(scenario)
    except KeyboardInterrupt:
        say("stopped; the test cluster is down")
        return 130
    say("the test cluster is stopped")
    if status:
        return status
    status = held_against(scenario)
    page = REPORT / ("preflight.html" if scenario.drain else "report.html")
    say(f"the report to open in a browser: {page.relative_to(ROOT)}")
    if not scenario.drain:
        say(f"the evidence to attach to an issue: {BUNDLE.relative_to(ROOT)}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
