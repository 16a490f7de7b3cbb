# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook remediate before, during and after it acts; after each run the cluster is looked at."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.cluster.simulator.scenario import Scenario
from tests.make.places import BUILD, FULL_NAME, ROOT

__all__ = ["NAME", "Claim", "show_remediation"]

NAME = "remediate"
REPORT = BUILD / "demo"
# Acting needs more than the demo's operator may.
USER = "admin"
KUBEVIRT = "/apis/kubevirt.io/v1"
FREED = "team-a/web-1"
BAD_NODE = "node-b"
WHY = "the launcher crashed"
# How the events of the collection call themselves.
COMPONENT = "kubevirt-ops-live-migration"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Claim:
    """Something that the demo shows, and whether the cluster bears it out."""

    text: str
    holds: bool


def show_remediation(cluster: Cluster, scenario: Scenario, *, say: Say) -> list[Claim]:
    """Before, plan, acts, after. Every claim that was looked at. RuntimeError where the playbook failed."""
    shutil.rmtree(REPORT, ignore_errors=True)
    cluster.simulator.run(pause=0.2)
    try:
        claims = [*_before(cluster, scenario, say), *_acting(cluster, scenario, say)]
    finally:
        cluster.simulator.rest()
    print("\nWhat the demo shows, held against the cluster:\n")
    for claim in claims:
        print(f"  {'so' if claim.holds else 'NOT SO':<8}{claim.text}")
    return claims


def _before(cluster: Cluster, scenario: Scenario, say: Say) -> Iterator[Claim]:
    there = _migrations(cluster)
    looked = _remediate(cluster, say, "diagnose")
    planted = {one.vm: (one.verdict, one.first_cause or "") for one in scenario.expected}
    entries = looked["migrations"]["migrations"]
    found = {f"{one['namespace']}/{one['vm']}": (one["verdict"], one["cause"]) for one in entries}
    yield Claim("before: every VM has the verdict and the cause that were planted", found == planted)
    _remediate(cluster, say, "cancel_and_retry", "--check")
    yield Claim("neither that look nor the preview changed a migration", _migrations(cluster) == there)


def _acting(cluster: Cluster, scenario: Scenario, say: Say) -> Iterator[Claim]:
    there = _migrations(cluster)
    more = ("-e", "wait_for=finished", "-e", f"reason='{WHY}'")
    acted = _remediate(cluster, say, "cancel_and_retry", *more)
    states = _states(acted)
    yield Claim(f"{FREED} was cancelled and made again", states.pop(FREED) == ["cancelled", "succeeded"])
    node = _get(cluster, f"namespaces/team-a/virtualmachineinstances/{FREED.partition('/')[2]}")["status"]["nodeName"]
    (source,) = (vm.node for vm in scenario.vms if vm.name == FREED)
    yield Claim(f"it runs on {node}, neither {source} nor the bad {BAD_NODE}", node not in (source, BAD_NODE))
    stuck = {one.vm for one in scenario.expected if one.verdict == "blocked"} - {FREED}
    refused = {vm: ["refused"] for vm in stuck}
    yield Claim(f"the other stuck ones were refused, each with its code: {', '.join(sorted(stuck))}", states == refused)
    now = _migrations(cluster)
    left = {name: uid for name, uid in there.items() if not name.startswith(f"{FREED}/")}
    yield Claim("no other migration was touched", all(now.get(name) == uid for name, uid in left.items()))
    after = _remediate(cluster, say, "diagnose")
    still = {f"{one['namespace']}/{one['vm']}" for one in after["migrations"]["migrations"] if one["stuck"]}
    yield Claim("afterwards the refused ones alone are stuck", still == stuck)
    yield Claim("an event on the VMI says who did it and why", _has_event(cluster))


def _states(report: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in report["remediation"]["acts"]:
        found.setdefault(f"{one['namespace']}/{one['vm']}", []).append(one["state"])
    return found


def _remediate(cluster: Cluster, say: Say, mode: str, *more: str) -> dict[str, Any]:
    """Run the playbook with the terminal as its own; its report.json, in check mode that of the run before."""
    kubeconfig = cluster.kubeconfig(USER)
    where = f"report_directory={REPORT.relative_to(ROOT)}"
    command = ["ansible-playbook", f"{FULL_NAME}.remediate", "-e", f"mode={mode}", "-e", where, *more]
    say(f"KUBECONFIG={kubeconfig} {shlex.join(command)}")
    program = Path(sys.executable).with_name(command[0])
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    status = subprocess.run([str(program), *command[1:]], cwd=ROOT, env=environment, check=False).returncode
    if status:
        raise RuntimeError(f"the playbook ended with {status}")
    found: dict[str, Any] = json.loads((REPORT / "report.json").read_text(encoding="utf-8"))
    return found


def _get(cluster: Cluster, path: str, *, below: str = KUBEVIRT) -> dict[str, Any]:
    _status, body = cluster.request("GET", f"{below}/{path}")
    return body if isinstance(body, dict) else {}


def _migrations(cluster: Cluster) -> dict[str, str]:
    """The UID of each unfinished migration, by namespace/VM/name."""
    items = _get(cluster, "virtualmachineinstancemigrations").get("items", ())
    unfinished = (one for one in items if (one.get("status") or {}).get("phase") not in ("Succeeded", "Failed"))
    return {
        f"{one['metadata']['namespace']}/{one['spec']['vmiName']}/{one['metadata']['name']}": one["metadata"]["uid"]
        for one in unfinished
    }


def _has_event(cluster: Cluster) -> bool:
    found = _get(cluster, "namespaces/team-a/events", below="/api/v1").get("items", ())
    ours = [one for one in found if one.get("reportingComponent") == COMPONENT]
    said = [one["message"] for one in ours if f"team-a/{one['involvedObject']['name']}" == FREED]
    return len(said) == 2 and all(f"for {USER}: {WHY}" in text for text in said)
