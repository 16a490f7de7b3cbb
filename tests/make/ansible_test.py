# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make ansible-test`: the unit tests of the plugins and a target of integration, as ansible-test runs them.

It wants its working directory to be a checkout under `ansible_collections`, hence a copy. The target asks the server
that `integration_config.yml` names: here it is the test cluster, and may be any other with the same migration in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import Cluster
from tests.make.places import BUILD, NAME, NAMESPACE
from tests.make.tree import copy_checkout

__all__ = ["SCENARIO", "UNITS", "collect_units", "command_of", "main", "run_ansible_test"]

TREE = BUILD / "ansible-test" / "ansible_collections" / NAMESPACE / NAME
SCENARIO = "selinux-context-missing"
# Those of the project look at the checkout with its environments, which a copy is not.
UNITS = ("tests/unit/plugins/",)


def command_of(*words: str) -> list[str]:
    """The command of ansible-test with this environment's Python."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    program = Path(sys.executable).with_name("ansible-test")
    return [str(program), words[0], "--local", "--python", python, *words[1:]]


def run_ansible_test(*words: str, tree: Path, is_shown: bool = True) -> int:
    """The exit status of one command, run with this environment's Python; unless `is_shown` only a failure prints."""
    # Where the copy lies is found by ansible-test itself.
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH")}
    environment = {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    kept_back = None if is_shown else subprocess.PIPE
    done = subprocess.run(
        command_of(*words), cwd=tree, env=environment, stdout=kept_back, stderr=kept_back, text=True, check=False
    )
    if done.returncode and not is_shown:
        print(done.stdout[-4000:], done.stderr[-4000:], flush=True)
    return done.returncode


def collect_units(tree: Path) -> int:
    """0 where ansible-test can import every unit test: seconds, while running them takes minutes."""
    return run_ansible_test("units", "--collect-only", tree=tree, is_shown=False)


def run_integration(tree: Path, *, cluster: Cluster) -> int:
    """The exit status of the targets, against a cluster in which the scenario is played."""
    cluster.simulator.clock.factor = 1.0
    cluster.simulator.play(SCENARIO)
    config = tree / "tests" / "integration" / "integration_config.yml"
    config.write_text(json.dumps({"live_migration_kubeconfig": str(cluster.kubeconfig("admin"))}), encoding="utf-8")
    return run_ansible_test("integration", tree=tree)


def main(arguments: Sequence[str]) -> int:
    """0 where both passed; further arguments are those of `ansible-test units`."""
    copy_checkout(TREE)
    units = run_ansible_test("units", *(arguments or UNITS), tree=TREE)
    if units:
        return units
    with Cluster.start(simulator=True) as cluster:
        return run_integration(TREE, cluster=cluster)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
