# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds of playbooks as processes under random faults, and what each leaves behind."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.integration.acting import going_on
from tests.integration.fault_proxy import FaultProxy
from tests.integration.playing import DIAGNOSE, REMEDIATE, Run, diagnose

__all__ = ["Disturb", "play_playbooks", "random_fault"]

ACTS = {
    "mode": "cancel_and_retry",
    "vms": "team-a/web-1",
    "accept_risks": "NotStuck",
    "wait_timeout": 10,
    "wait_for": "created",
}
Disturb = Callable[[FaultProxy], None]


def play_playbooks(
    cluster: Cluster, folder: Path, *, count: int, plant: Callable[[], object], disturb: Disturb
) -> tuple[Counter[str], list[str]]:
    """How `count` rounds of diagnose and remediate ended, and what was left: files and tracebacks, each named."""
    ends: Counter[str] = Counter()
    left: list[str] = []
    for number in range(1, count + 1):
        plant()
        for playbook, variables in ((DIAGNOSE, {}), (REMEDIATE, ACTS)):
            place = folder / f"{number}-{playbook.rpartition('.')[2]}"
            temporary = place / "temporary"
            temporary.mkdir(parents=True)
            with FaultProxy(cluster) as proxy, going_on(cluster):
                disturb(proxy)
                run = diagnose(
                    place,
                    environment={"TMPDIR": str(temporary)},
                    playbook=playbook,
                    host=proxy.url,
                    api_key=cluster.token("admin"),
                    **variables,
                )
            ends[f"{playbook.rpartition('.')[2]} ended with {run.returncode}"] += 1
            left += _left(run, temporary)
        print(f"{number} of {count} rounds of playbooks, {len(left)} things left", flush=True)
    return ends, left


def _left(run: Run, temporary: Path) -> list[str]:
    """What no run should leave. Reports are what it is for."""
    found = [*temporary.iterdir(), *(run.folder / ".ansible" / "tmp").glob("*")]
    traceback = [f"a traceback in {run.folder.name}"] if "Traceback" in run.output else []
    return [str(one.relative_to(run.folder.parent)) for one in found] + traceback


def random_fault(chance: random.Random, faults: Mapping[str, dict[str, Any]]) -> Disturb:
    """Disturbs four runs of five, anywhere among their requests."""

    def disturb(proxy: FaultProxy) -> None:
        if chance.random() < 0.8:
            fault = faults[chance.choice(sorted(faults))]
            proxy.fail(path="", times=chance.randint(1, 6), after=chance.randint(0, 40), **fault)

    return disturb
