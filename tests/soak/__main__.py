# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make soak`: looks, cancels and retries again and again in one process and then as playbooks, with a random fault in
most rounds.

Fails where memory, open files (sockets are among them) or threads have grown, where a round left more Leases or pods
than one VM has, and where a playbook left a file or a traceback. The seed is printed. What the collection keeps within
bounds (its caches) is let go before each measurement.
"""

from __future__ import annotations

import argparse
import functools
import gc
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.integration.acting import going_on
from tests.integration.fault_proxy import FaultProxy
from tests.integration.faulty import FAULTS, Ended, run_module
from tests.integration.simulated import PODS, items, plant
from tests.soak.playbooks import Disturb, play_playbooks, random_fault

ROUNDS = 2000
PLAYBOOKS = 50
# What Python, urllib3 and the allocator keep once is there after so many rounds.
WARM_UP = 40
# Progress is shown so often.
SHOWN_EVERY = 25
# The allocator's own swing, and what a round may leave behind: a leak of objects is far more.
SWING_KIB = 2048.0
MOST_KIB_A_ROUND = 4.0
# One VM's lock; its launcher, the pod of the cancelled migration, and that of the next one.
MOST = {"leases": 1, "pods": 3}
LOOKS = ("migration_info", "node_health_info")
CANCEL: dict[str, Any] = {"namespace": "team-a", "vm": "web-1", "accept_risks": ["NotStuck"], "wait_timeout": 10}
RETRY: dict[str, Any] = {"namespace": "team-a", "vm": "web-1", "wait_timeout": 10}
ACTS = {"migration_cancel": CANCEL, "migration_retry": RETRY}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/team-a/leases"
# An answer that never comes keeps one of the proxy's threads for a minute: that is the proxy's, not ours.
QUIET_FAULTS = {name: fault for name, fault in FAULTS.items() if "silent" not in fault and "tears_tls" not in fault}


def measured() -> dict[str, float]:
    """What may not grow."""
    gc.collect()
    for cache in (one for one in gc.get_objects() if isinstance(one, functools._lru_cache_wrapper)):
        cache.cache_clear()
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return {
        "memory_kib": pages * os.sysconf("SC_PAGE_SIZE") / 1024,
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
    }


def plant_one(cluster: Cluster) -> None:
    """A new world with one copy that goes on."""
    cluster.reset()
    plant(cluster, "Running")


def play_round(cluster: Cluster, disturb: Disturb) -> str:
    """Looks, one cancel and one retry of a new world; the states that they ended with, and what it left too much of."""
    plant_one(cluster)
    with FaultProxy(cluster) as proxy, going_on(cluster):
        disturb(proxy)
        looks = [run_module(name, {}, cluster=cluster, proxy=proxy) for name in LOOKS]
        acts = [
            run_module(name, options, cluster=cluster, proxy=proxy, is_hasty=True) for name, options in ACTS.items()
        ]
    failed = sum(look.has_failed for look in looks)
    there = {"leases": len(items(cluster, LEASES)), "pods": len(items(cluster, PODS))}
    left = [f"LEFT {count} {what}" for what, count in there.items() if count > MOST[what]]
    return ", ".join([f"{failed} of {len(looks)} looks failed", *map(_end, acts), *left])


def _end(act: Ended) -> str:
    results = act.printed.get("results")
    return str(results[0]["state"] if results else act.printed["error"]["code"])


def main() -> int:
    """0 where nothing has grown."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how many ({ROUNDS})")
    parser.add_argument("--playbooks", type=int, default=PLAYBOOKS, help=f"how many rounds of playbooks ({PLAYBOOKS})")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of the faults")
    given = parser.parse_args()
    print(f"seed {given.seed}, {given.rounds} rounds after {WARM_UP} to warm up", flush=True)
    disturb = random_fault(random.Random(given.seed), QUIET_FAULTS)
    with Cluster.start(simulator=True) as cluster, tempfile.TemporaryDirectory() as folder:
        bad = soak(cluster, given.rounds, disturb=disturb)
        ends, left = play_playbooks(
            cluster, Path(folder), count=given.playbooks, plant=partial(plant_one, cluster), disturb=disturb
        )
    show(ends)
    for one in left:
        print(f"LEFT {one}")
    return 1 if bad or left else 0


def soak(cluster: Cluster, rounds: int, *, disturb: Disturb) -> bool:
    """Whether something has grown, or was left by a round, in one process."""
    for _round in range(WARM_UP):
        play_round(cluster, disturb)
    before, ends = measured(), Counter[str]()
    for number in range(1, rounds + 1):
        ends[play_round(cluster, disturb)] += 1
        if number % SHOWN_EVERY == 0:
            print(f"{number} rounds: {measured()}", flush=True)
    after = measured()
    grown = [name for name, value in after.items() if value > before[name] + _allowed(name, rounds)]
    for name, value in after.items():
        print(f"{name:12} before {before[name]:10.0f}  after {value:10.0f}{'  GROWN' if name in grown else ''}")
    show(ends)
    return bool(grown) or any("LEFT" in end for end in ends)


def show(ends: Counter[str]) -> None:
    """How the rounds ended, the most frequent first."""
    for end, count in ends.most_common():
        print(f"{count:6} x {end}")


def _allowed(name: str, rounds: int) -> float:
    return SWING_KIB + MOST_KIB_A_ROUND * rounds if name == "memory_kib" else 2


if __name__ == "__main__":
    sys.exit(main())
