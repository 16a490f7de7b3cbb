# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook tune from advice to undo, as an administrator runs it; after each step the cluster is looked at.

What the report says of a copy is held against the page-level simulation of tests/simulation, with the figures that the
scenario planted.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.cluster.simulator.scenario import Scenario
from tests.make.places import BUILD, FULL_NAME, ROOT
from tests.simulation.precopy import Guest, Knobs, run

__all__ = ["Check", "show_tuning"]

REPORT = BUILD / "demo"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kubevirt/leases/virt-controller"
POLICIES = "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies"
# Changing a policy needs more than the demo's operator may.
USER = "admin"
MIB, GB = 2**20, 10**9
REASON = "reason='The databases write faster than the settings allow for'"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Check:
    """Something that the demo claims, and whether it is so."""

    claim: str
    holds: bool


def show_tuning(cluster: Cluster, scenario: Scenario, *, say: Say) -> list[Check]:
    """Advice, preview, change, the same again, undo. Every claim that was looked at."""
    shutil.rmtree(REPORT, ignore_errors=True)
    checks = [*_looking(cluster, scenario, say), *_changing(cluster, say)]
    print("\nWhat the demo claims, looked at in the cluster and in the simulation:\n")
    for check in checks:
        print(f"  {'so' if check.holds else 'NOT SO':<8}{check.claim}")
    return checks


def _looking(cluster: Cluster, scenario: Scenario, say: Say) -> Iterator[Check]:
    advice = _tune(cluster, say, "advise")["advice"]
    yield from _held_against_simulation(advice, scenario)
    yield Check("the advice changed nothing", not _policies(cluster))
    plan = _tune(cluster, say, "plan", REASON)
    yield Check("the preview shows one change", len(plan["policies"]) == 1 and plan["policies"][0]["changed"])
    yield Check("the preview changed nothing", not _policies(cluster))


def _changing(cluster: Cluster, say: Say) -> Iterator[Check]:
    applied = _tune(cluster, say, "apply", REASON)["policies"][0]
    stored = _policies(cluster)
    name = applied["object"]["metadata"]["name"]
    say(f"what the cluster holds now: MigrationPolicy {name}")
    print(json.dumps(stored.get(name), indent=2))
    yield Check("the policy is stored as it was shown", stored == {name: applied["after"]})
    again = _tune(cluster, say, "apply", REASON)
    yield Check("the same again changes nothing", not any(one["changed"] for one in again["policies"]))
    yield Check("its policy suffices now", again["advice"]["summary"]["by_answer"]["change"] == 0)
    _tune(cluster, say, "undo")
    yield Check("the undo leaves the cluster as it was", not _policies(cluster))


def _tune(cluster: Cluster, say: Say, mode: str, *more: str) -> dict[str, Any]:
    """Run the playbook with the terminal as its own; what it wrote. RuntimeError where it failed."""
    _renew_lease(cluster)
    kubeconfig = cluster.kubeconfig(USER)
    where = f"report_directory={REPORT.relative_to(ROOT)}"
    variables = [f"mode={mode}", "progress=virt_handler", where, *more]
    command = ["ansible-playbook", f"{FULL_NAME}.tune", *(part for one in variables for part in ("-e", one))]
    say(f"KUBECONFIG={kubeconfig} {shlex.join(command)}")
    program = Path(sys.executable).with_name(command[0])
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    status = subprocess.run([str(program), *command[1:]], cwd=ROOT, env=environment, check=False).returncode
    if status:
        raise RuntimeError(f"the playbook ended with {status}")
    found: dict[str, Any] = json.loads((REPORT / "tuning.json").read_text(encoding="utf-8"))["tuning"]
    return found


def _renew_lease(cluster: Cluster) -> None:
    """virt-controller lives, which the planted world does not play: a lease that is a minute old is a silent one."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    cluster.request("PATCH", LEASE, body={"spec": {"renewTime": now}})


def _policies(cluster: Cluster) -> dict[str, Any]:
    """The specs of the policies in the cluster."""
    _status, body = cluster.request("GET", POLICIES)
    items = body["items"] if isinstance(body, dict) else []
    return {one["metadata"]["name"]: one["spec"] for one in items}


def _held_against_simulation(advice: Mapping[str, Any], scenario: Scenario) -> Iterator[Check]:
    """Each copy ends, or does not, page by page as the report says; and with the advised deadline it ends."""
    said = {f"{one['namespace']}/{one['vm']}": one for one in advice["vms"]}
    timeouts = [one["completion_timeout_per_gib"] for one in advice["changes"]["policies"]]
    memories = {vm.name: int(vm.memory.removesuffix("Gi")) * 2**30 for vm in scenario.vms}
    for migration in scenario.migrations:
        if migration.copy is None:
            continue
        guest = Guest(memories[migration.vm], migration.copy.dirty * MIB)
        bandwidth, gigabytes = float(migration.copy.transfer * MIB), -(-guest.memory // GB)
        as_it_is = scenario.configuration["migrations"]["completionTimeoutPerGiB"] * gigabytes
        arrived = run(guest, Knobs(bandwidth, as_it_is)).arrived
        words = "ends" if arrived else "does not end"
        yield Check(f"{migration.vm} {words} as the settings are", said[migration.vm]["finishes"] is arrived)
        if not arrived:
            arrives = bool(timeouts) and run(guest, Knobs(bandwidth, timeouts[0] * gigabytes)).arrived
            yield Check(f"{migration.vm} ends with what is advised", arrives)
