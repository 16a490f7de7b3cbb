# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make soak`: looks, cancels and retries again and again in one process, with a random fault in most rounds.

Fails where memory, open files (sockets are among them), threads, Leases or pods have grown. The seed is printed. The
simulator lives through all rounds: each time that it is woken, its watches of the time before go on for 20 s, and what
they hold would be taken for a leak of ours.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests import conftest  # noqa: F401 - makes the collection importable
from tests.cluster import Cluster
from tests.integration.acting import going_on
from tests.integration.fault_proxy import FaultProxy
from tests.integration.faulty import FAULTS, Ended, run_module
from tests.integration.simulated import PODS, items, plant

ROUNDS = 2000
# What Python and urllib3 keep once is there after so many rounds.
WARM_UP = 20
# Progress is shown so often.
SHOWN_EVERY = 25
# The allocator's own swing, and what a round may leave behind: a leak of objects is far more.
SWING_KIB = 4096.0
MOST_KIB_A_ROUND = 4.0
LOOKS = ("migration_info", "node_health_info")
CANCEL: dict[str, Any] = {"namespace": "team-a", "vm": "web-1", "accept_risks": ["NotStuck"], "wait_timeout": 10}
RETRY: dict[str, Any] = {"namespace": "team-a", "vm": "web-1", "wait_timeout": 10}
ACTS = {"migration_cancel": CANCEL, "migration_retry": RETRY}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/team-a/leases"
# An answer that never comes keeps one of the proxy's threads for a minute: that is the proxy's, not ours.
QUIET_FAULTS = [name for name, fault in FAULTS.items() if "silent" not in fault and "tears_tls" not in fault]


def measured(cluster: Cluster) -> dict[str, float]:
    """What may not grow."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return {
        "memory_kib": pages * os.sysconf("SC_PAGE_SIZE") / 1024,
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "leases": len(items(cluster, LEASES)),
        "pods": len(items(cluster, PODS)),
    }


def play_round(cluster: Cluster, chance: random.Random) -> str:
    """Looks, one cancel and one retry of a new world; the states that they ended with."""
    cluster.reset()
    plant(cluster, "Running")
    with FaultProxy(cluster) as proxy:
        if chance.random() < 0.8:
            fault = chance.choice(QUIET_FAULTS)
            proxy.fail(path="", times=chance.randint(1, 6), after=chance.randint(0, 40), **FAULTS[fault])
        looks = [run_module(name, {}, cluster=cluster, proxy=proxy) for name in LOOKS]
        acts = [
            run_module(name, options, cluster=cluster, proxy=proxy, is_hasty=True) for name, options in ACTS.items()
        ]
    failed = sum(look.has_failed for look in looks)
    return ", ".join([f"{failed} of {len(looks)} looks failed", *map(_end, acts)])


def _end(act: Ended) -> str:
    results = act.printed.get("results")
    return str(results[0]["state"] if results else act.printed["error"]["code"])


def main() -> int:
    """0 where nothing has grown."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how many ({ROUNDS})")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of the faults")
    given = parser.parse_args()
    print(f"seed {given.seed}, {given.rounds} rounds after {WARM_UP} to warm up", flush=True)
    chance = random.Random(given.seed)
    ends: Counter[str] = Counter()
    with Cluster.start(simulator=True) as cluster, going_on(cluster):
        for _round in range(WARM_UP):
            play_round(cluster, chance)
        before = measured(cluster)
        for number in range(1, given.rounds + 1):
            ends[play_round(cluster, chance)] += 1
            if number % SHOWN_EVERY == 0:
                print(f"{number} rounds: {measured(cluster)}", flush=True)
        after = measured(cluster)
    grown = [name for name, value in after.items() if value > before[name] + _allowed(name, given.rounds)]
    for name, value in after.items():
        print(f"{name:12} before {before[name]:10.0f}  after {value:10.0f}{'  GROWN' if name in grown else ''}")
    for end, count in ends.most_common():
        print(f"{count:6} x {end}")
    return 1 if grown else 0


def _allowed(name: str, rounds: int) -> float:
    return SWING_KIB + MOST_KIB_A_ROUND * rounds if name == "memory_kib" else 2


if __name__ == "__main__":
    sys.exit(main())
