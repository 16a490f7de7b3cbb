# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several runs at once on one VM: one acts, the others report; never two migrations, never an act without the lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import cancel, going_on, leases, only, retry
from tests.integration.simulated import MIGRATIONS, items, plant

ROUNDS = 20
RUNS = 3
MANY = {"max_acts_per_hour": 10_000}


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    cluster.simulator.clock.factor = 1.0


def at_once(work: Any) -> list[dict[str, Any]]:
    """The entries of several runs of the same."""
    with ThreadPoolExecutor(RUNS) as pool:
        return [only(one) for one in pool.map(lambda _number: work(), range(RUNS))]


def unlocked_acts(cluster: Cluster, mark: Any) -> list[str]:
    """Acts on migrations by a run that did not hold the VM's lock at that moment, by the audit log.

    All runs write the same Lease: between one that is taken and the one that gives it back no other is taken.
    """
    held, found = 0, []
    for entry in cluster.audit_since(mark):
        uri, verb = entry["requestURI"], entry["verb"]
        if entry["userAgent"] != "kubevirt_ops.live_migration" or entry["code"] >= 300:
            continue
        if "/namespaces/team-a/leases" in uri and verb in ("create", "patch"):
            held = 1 - held
        elif "virtualmachineinstancemigrations" in uri and verb in ("create", "delete") and not held:
            found.append(f"{verb} {uri}")
    return found


def test_of_several_cancels_one_acts_and_the_others_report(cluster: Cluster) -> None:
    for _round in range(ROUNDS):
        cluster.reset()
        plant(cluster, "Running")
        mark = cluster.audit_mark()
        with going_on(cluster):
            entries = at_once(lambda: cancel(cluster, accept_risks=["NotStuck"], **MANY))

        deleted = [one for entry in entries for one in entry["plan"] if (one["action"], one["outcome"]) == DELETED]
        assert len(deleted) == 1, entries
        assert {entry["state"] for entry in entries} <= {"cancelled", "refused", "gone"}, entries
        assert {entry["code"] for entry in entries if entry["state"] == "refused"} <= {"LockHeld"}
        assert items(cluster, MIGRATIONS) == []
        assert unlocked_acts(cluster, mark) == []


DELETED = ("delete_migration", "done")
CREATED = ("create_migration", "done")


def test_of_several_retries_one_makes_a_migration(cluster: Cluster) -> None:
    for _round in range(ROUNDS):
        cluster.reset()
        plant(cluster, "Failed")
        mark = cluster.audit_mark()
        entries = at_once(lambda: retry(cluster, **MANY))

        made = [one for entry in entries for one in entry["plan"] if (one["action"], one["outcome"]) == CREATED]
        unfinished = [
            one
            for one in items(cluster, MIGRATIONS)
            if (one.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        ]
        assert (len(made), len(unfinished)) == (1, 1), entries
        refused = {entry["code"] for entry in entries if entry["state"] == "refused"}
        assert refused <= {"LockHeld", "MigrationActive", "BackoffRunning"}, entries
        assert unlocked_acts(cluster, mark) == []
        assert not leases(cluster)[0]["spec"].get("holderIdentity")
