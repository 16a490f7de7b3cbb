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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.cluster.simulator import ScenarioError
from tests.cluster.simulator.scenario import Scenario, load
from tests.demo.comparison import compare, render
from tests.make.places import BUILD, FULL_NAME, ROOT

REPORT = BUILD / "demo"
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


def diagnose(kubeconfig: Path) -> int:
    """Run the playbook with the terminal as its own; its exit status."""
    shutil.rmtree(REPORT, ignore_errors=True)
    command = ["ansible-playbook", f"{FULL_NAME}.diagnose", "-e", f"report_directory={REPORT.relative_to(ROOT)}"]
    say(f"KUBECONFIG={kubeconfig} {' '.join(command)}")
    program = Path(sys.executable).with_name(command[0])
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    return subprocess.run([str(program), *command[1:]], cwd=ROOT, env=environment, check=False).returncode


def run_on_a_cluster(scenario: Scenario) -> tuple[int, list[dict[str, str | None]]]:
    """The playbook's exit status and what was planted; the cluster is stopped whatever happens."""
    say("starting a test cluster (the very first time its programs are built, which takes minutes)")
    with Cluster.start(simulator=True, report=say) as cluster:
        say(f"filling it with the scenario {scenario.name}: {scenario.title}")
        world = cluster.simulator.play(scenario.name)
        return diagnose(Path(cluster.kubeconfig(USER))), world.expected


def held_against(planted: Sequence[Mapping[str, Any]]) -> int:
    """Print what was planted against what report.json says; 1 where they differ."""
    report = json.loads((REPORT / "report.json").read_text(encoding="utf-8"))
    rows = compare(planted, found=report["migrations"]["migrations"])
    causes = {entry["first_cause"] for entry in planted if entry["first_cause"]}
    print(f"\nPlanted by the scenario, and found by the playbook:\n\n{render(rows)}\n")
    differing = sum(not row.agrees for row in rows)
    say(f"{len(rows)} VMs with a migration, {len(causes)} different causes planted, {differing} verdicts differ")
    return 1 if differing else 0


def wanted_scenario(arguments: Sequence[str]) -> Scenario:
    """The scenario that the command line names; where there is none of that name it ends with those that exist."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("scenario", nargs="?", default=SCENARIO, help="a file of tests/cluster/scenarios without .yml")
    try:
        return load(parser.parse_args(arguments).scenario)
    except ScenarioError as error:
        parser.error(str(error))


def main(arguments: Sequence[str]) -> int:
    """The playbook's exit status; 1 where it found something else than was planted."""
    # Before the cluster is started: a misspelt name should not cost a minute.
    scenario = wanted_scenario(arguments)
    stop_on_termination()
    try:
        status, planted = run_on_a_cluster(scenario)
    except KeyboardInterrupt:
        say("stopped; the test cluster is down")
        return 130
    say("the test cluster is stopped")
    if status:
        return status
    status = held_against(planted)
    say(f"the report to open in a browser: {(REPORT / 'report.html').relative_to(ROOT)}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
