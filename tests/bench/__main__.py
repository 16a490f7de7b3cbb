# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fifty stuck migrations are cancelled: by kubectl, one after the other, and by one task of migration_cancel.

Both meet the same world on the same cluster, freshly planted for each: half of the migrations hang before the copy, as
their launchers crashed, half in the copy, past its deadline. kubectl deletes a migration and returns when it is gone, a
process each. The task verifies each; gates, lock, budget, events and annotations are in it too. What counts is the
task, from its start to its result; the whole ansible-playbook around it is said beside.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.make.places import BUILD, FULL_NAME

# The promise: at most this part of kubectl's time.
PROMISED = 0.25
MIGRATIONS = "/apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstancemigrations"
STUCK: Sequence[Mapping[str, Any]] = (
    {"phase": "Scheduling", "since": 200, "target": "node-b", "pod": {"exit_code": 137, "ended": 150}},
    {"phase": "Running", "since": 1050, "target": "node-b"},
)
LIMIT_SECONDS = 500


def plant(cluster: Cluster, count: int) -> list[dict[str, str]]:
    """So many stuck migrations in an otherwise empty cluster, as targets."""
    cluster.reset()
    names = [f"team-a/web-{number}" for number in range(count)]
    world = {
        "title": "many crashed launchers and many copies past their deadline",
        "nodes": [{"name": name, "cpu": "128", "memory": "512Gi"} for name in ("node-a", "node-b")],
        "vms": [{"name": name, "node": "node-a", "memory": "4Gi"} for name in names],
        "migrations": [{"vm": name, **STUCK[place % len(STUCK)]} for place, name in enumerate(names)],
        "configuration": {
            "migrations": {"parallelMigrationsPerCluster": 200, "parallelOutboundMigrationsPerNode": 200}
        },
    }
    made = cluster.simulator.play(world).migrations
    entries = [(vm.partition("/")[2], made[vm][0]["metadata"]) for vm in names]
    return [{"namespace": "team-a", "vm": vm, "name": meta["name"], "uid": meta["uid"]} for vm, meta in entries]


def left(cluster: Cluster) -> int:
    """How many migrations there are."""
    _status, body = cluster.request("GET", MIGRATIONS)
    return len(body["items"]) if isinstance(body, dict) else -1


def find_kubectl() -> str:
    """kubectl itself; ends the benchmark where there is none.

    Google's cloud SDK puts a program of that name on PATH that only starts one of the kubectl.1.NN beside it: the
    newest of these is taken then, as the detour would flatter the task.
    """
    found = shutil.which("kubectl")
    if found is None:
        sys.exit("bench: there is no kubectl on PATH, so there is nothing to measure against")
    beside = {int(one.suffix[1:]): one for one in Path(found).resolve().parent.glob("kubectl.1.*") if _is_minor(one)}
    return str(beside[max(beside)]) if beside else found


def _is_minor(program: Path) -> bool:
    return program.suffix[1:].isdecimal()


def by_kubectl(cluster: Cluster, targets: Sequence[Mapping[str, str]]) -> float:
    """Seconds for one after the other, each awaited."""
    kubectl, began = find_kubectl(), time.monotonic()
    for target in targets:
        command = [kubectl, "--kubeconfig", str(cluster.kubeconfig("admin")), "delete", "--wait=true"]
        command += ["-n", target["namespace"], f"virtualmachineinstancemigrations.kubevirt.io/{target['name']}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT_SECONDS)
    return time.monotonic() - began


def by_task(cluster: Cluster, targets: Sequence[Mapping[str, str]]) -> float:
    """Seconds for all of them by one task; RuntimeError where one of them was not cancelled."""
    count = len(targets)
    options = {
        "kubeconfig": str(cluster.kubeconfig("admin")),
        "targets": list(targets),
        "max_acts_per_run": count,
        "max_acts_per_hour": 100_000,
        "max_stuck_per_node": count,
        "ladder": {"DeadlineNotEnforced": "cancel"},
    }
    asked = "results | selectattr('state', 'equalto', 'cancelled') | length"
    task = {
        f"{FULL_NAME}.migration_cancel": options,
        "register": "cancelled",
        "failed_when": f"cancelled.{asked} != {count}",
    }
    begins = {"ansible.builtin.set_fact": {"began": "{{ now().timestamp() }}"}}
    ends = {"ansible.builtin.debug": {"msg": "seconds {{ now().timestamp() - began | float }}"}}
    said = {"ansible.builtin.debug": {"msg": "requests: {{ cancelled.coverage.requests }}"}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [begins, task, ends, said]}
    play["vars"] = {"ansible_python_interpreter": sys.executable}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        done = subprocess.run(
            [program, "play.yml"],
            cwd=folder,
            env={**os.environ, "ANSIBLE_HOME": str(BUILD / "ansible")},
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    print(*(line.strip() for line in done.stdout.splitlines() if "requests:" in line), flush=True)
    return float(re.findall(r"seconds ([0-9.]+)", done.stdout)[0])


@dataclass(frozen=True)
class Measured:
    """Seconds: of what counts, of all that was started for it, and those that its programs had a processor for."""

    counts: float
    whole: float
    busy: float


def measured(
    cluster: Cluster, work: Callable[[Cluster, Sequence[Mapping[str, str]]], float], *, count: int
) -> Measured:
    """What `work` takes on a fresh world; RuntimeError where a migration is left."""
    targets = plant(cluster, count)
    cluster.simulator.run(pause=0.05)
    began, busy = time.monotonic(), _processor_seconds()
    try:
        counts = work(cluster, targets)
        found = Measured(counts, time.monotonic() - began, _processor_seconds() - busy)
    finally:
        cluster.simulator.rest()
    if left(cluster):
        raise RuntimeError(f"{work.__name__}: {left(cluster)} migrations are left")
    return found


def _processor_seconds() -> float:
    """What the programs that were started and have ended had of the processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str]) -> int:
    """1 where the promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="how many migrations (default: 50)")
    count = parser.parse_args(arguments).count
    print(f"kubectl is {find_kubectl()}", flush=True)
    with Cluster.start(simulator=True) as cluster:
        kubectl = measured(cluster, by_kubectl, count=count)
        print(
            f"kubectl, one by one: {kubectl.counts:.1f} s for {count} ({kubectl.busy:.1f} s of processor)", flush=True
        )
        task = measured(cluster, by_task, count=count)
    print(f"one task of migration_cancel: {task.counts:.1f} s for {count}")
    print(f"the whole ansible-playbook: {task.whole:.1f} s ({task.busy:.1f} s of processor)")
    print(
        f"the task takes {task.counts / kubectl.counts:.2f} of kubectl's time, the whole playbook "
        f"{task.whole / kubectl.counts:.2f}; {PROMISED} is promised for the task"
    )
    return 0 if task.counts <= PROMISED * kubectl.counts else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
