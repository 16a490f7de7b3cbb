# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the POST of an alert until the stuck migration is deleted, against an empty playbook in the same rulebook.

The shipped rulebook runs twice at the same time: once as it is, and once from a copy of the collection whose playbook
of that name does nothing. Alerts are posted to one and the other in turn. With the empty one the time lasts until
ansible-rulebook is done with it (it removes its folder of that run), with the real one until the API server has the
migration no more: diagnosis, gates, lock, events and KubeVirt's own part are in it. The first of each is not counted,
as nothing is in memory then.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.chain.alerting import MARK
from tests.chain.rulebook import Rulebook, Webhook, firing, running_rulebook
from tests.cluster import Cluster
from tests.make.places import NAME, NAMESPACE, ROOT

# The promise: at most so many times the empty playbook's time.
PROMISED = 3.0
MIGRATIONS = "/apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstancemigrations"
LIMIT_SECONDS = 120.0
POLL_SECONDS = 0.02
EMPTY = """---
- name: Do nothing
  hosts: localhost
  connection: local
  gather_facts: false
  tasks: []
"""


def world(vms: Sequence[str]) -> dict[str, Any]:
    """A crashed target launcher for each VM, each between nodes of its own, as many on one node stop all acts."""
    crashed = {"phase": "Scheduling", "since": 200, "pod": {"exit_code": 137, "ended": 150}}
    places = list(enumerate(vms))
    return {
        "title": "crashed target launchers",
        "nodes": [{"name": f"{side}-{number}"} for number, _vm in places for side in ("from", "to")],
        "vms": [{"name": vm, "node": f"from-{number}", "labels": {MARK: "true"}} for number, vm in places],
        "migrations": [{"vm": vm, "target": f"to-{number}", **crashed} for number, vm in places],
        "configuration": {"migrations": {"parallelMigrationsPerCluster": 100}},
    }


def empty_collection(folder: Path) -> Path:
    """The collection with an empty playbook in the place of remediate; the folder to find it in."""
    inside = folder / "ansible_collections" / NAMESPACE / NAME
    (inside / "playbooks").mkdir(parents=True)
    for entry in ROOT.iterdir():
        if entry.name != "playbooks" and not entry.name.startswith("."):
            (inside / entry.name).symlink_to(entry)
    (inside / "playbooks" / "remediate.yml").write_text(EMPTY, encoding="utf-8")
    return folder


def wait_until(condition: Callable[[], bool], *, rulebook: Rulebook) -> None:
    """Returns once it is so; RuntimeError where it does not come to that."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing came of the alert:\n{rulebook.said[-3000:]}")
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Running:
    """A rulebook with its webhook, and the folder in which it makes one of each run."""

    webhook: Webhook
    rulebook: Rulebook
    runs: Path

    def is_done(self, plays: int) -> bool:
        """Whether it has run so many playbooks and is done with each."""
        return self.rulebook.ended >= plays and not any(self.runs.glob("eda*"))

    def seconds(self, vm: str, *, until: Callable[[], bool] | None = None) -> float:
        """From the POST until it is so, or until it is done; returns once it is done, so that the next one is alone."""
        done = partial(self.is_done, self.rulebook.ended + 1)
        began = time.monotonic()
        if self.webhook.post(firing(vm)) != 200:
            raise RuntimeError("the webhook did not take the alert")
        wait_until(until or done, rulebook=self.rulebook)
        taken = time.monotonic() - began
        wait_until(done, rulebook=self.rulebook)
        return taken


@contextmanager
def running(cluster: Cluster, folder: Path, *, collections: Path | None = None) -> Iterator[Running]:
    """The shipped rulebook with the collection, or with one that lies elsewhere."""
    runs = folder / "runs"
    runs.mkdir(parents=True)
    webhook = Webhook.prepared(folder)
    with running_rulebook(
        folder,
        webhook=webhook,
        kubeconfig=cluster.kubeconfig("admin"),
        environment={"TMPDIR": str(runs)},
        collections=collections,
    ) as rulebook:
        yield Running(webhook, rulebook, runs)


def ids(cluster: Cluster) -> dict[str, str]:
    """The UID of the migration of each VM."""
    _status, body = cluster.request("GET", MIGRATIONS)
    return {f"team-a/{one['spec']['vmiName']}": one["metadata"]["uid"] for one in body["items"]}


def is_deleted(cluster: Cluster, vm: str, *, uid: str) -> bool:
    """Whether the VM's migration is this one no more."""
    return ids(cluster).get(vm) != uid


def measure(cluster: Cluster, folder: Path, *, vms: Sequence[str]) -> tuple[list[float], list[float]]:
    """Seconds of each alert: with the empty playbook, and until the migration is deleted."""
    cluster.simulator.play(world(vms))
    there, empty, real = ids(cluster), [], []
    with (
        running(cluster, folder / "empty", collections=empty_collection(folder / "collections")) as nothing,
        running(cluster, folder / "real") as acting,
    ):
        for vm in vms:
            empty.append(nothing.seconds(vm))
            real.append(acting.seconds(vm, until=partial(is_deleted, cluster, vm, uid=there[vm])))
            print(f"{vm}: empty {empty[-1]:.2f} s, deleted after {real[-1]:.2f} s", flush=True)
    return empty[1:], real[1:]


def main(arguments: Sequence[str]) -> int:
    """1 where the promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.alert", description=__doc__)
    parser.add_argument("--count", type=int, default=5, help="how many alerts are counted (default: 5)")
    count = parser.parse_args(arguments).count
    vms = [f"team-a/web-{number}" for number in range(count + 1)]
    with tempfile.TemporaryDirectory() as folder, Cluster.start(simulator=True) as cluster:
        cluster.simulator.run(pause=0.05)
        try:
            empty, real = measure(cluster, Path(folder), vms=vms)
        finally:
            cluster.simulator.rest()
    nothing, deleted = statistics.median(empty), statistics.median(real)
    print(f"an empty playbook: {nothing:.2f} s from the POST to its end (median of {count})")
    print(f"the rulebook as it is: {deleted:.2f} s from the POST until the migration is deleted (median of {count})")
    print(f"that is {deleted / nothing:.2f} times as long; at most {PROMISED} are promised")
    return 0 if deleted <= PROMISED * nothing else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
