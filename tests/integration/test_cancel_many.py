# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many are looked at together, and still each is looked at anew right before its own delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import cancel, going_on
from tests.integration.fault_proxy import FaultProxy
from tests.integration.simulated import MIGRATIONS, VMIS, a_world, delete, done, items, path_of, read, wanted

COUNT = 18
WIDE = {"max_acts_per_run": COUNT, "max_stuck_per_node": COUNT, "accept_risks": ["NotStuck"]}
# The one to which something happens meanwhile.
ONE = "web-7"


def many(cluster: Cluster, phase: str) -> dict[str, dict[str, Any]]:
    """So many copies, by VM."""
    names = [f"web-{number}" for number in range(COUNT)]
    made = cluster.simulator.play(
        a_world(
            vms=[{"name": f"team-a/{name}", "node": "node-a"} for name in names],
            migrations=[{"vm": f"team-a/{name}", "phase": phase, "since": 20, "target": "node-b"} for name in names],
            configuration={
                "migrations": {"parallelMigrationsPerCluster": COUNT, "parallelOutboundMigrationsPerNode": COUNT}
            },
        )
    ).migrations
    return {name: made[f"team-a/{name}"][0] for name in names}


def targets(found: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """They by name and UID."""
    metas = {vm: vmim["metadata"] for vm, vmim in found.items()}
    return [{"namespace": "team-a", "vm": vm, "name": meta["name"], "uid": meta["uid"]} for vm, meta in metas.items()]


def post_copy(cluster: Cluster, vmim: dict[str, Any]) -> None:
    """The copy of the one goes over to post-copy."""
    done(cluster.request("PATCH", f"{VMIS}/{ONE}", body={"status": {"migrationState": {"mode": "PostCopy"}}}))


def replace(cluster: Cluster, vmim: dict[str, Any]) -> None:
    """Another migration takes the name of the one."""
    delete(cluster, vmim)
    again = {**wanted(ONE), "metadata": {"name": vmim["metadata"]["name"]}}
    for _turn in range(500):
        if cluster.request("POST", MIGRATIONS, body=again, user="tenant")[0] == 201:
            return
    raise AssertionError("the old one does not go")


@pytest.mark.parametrize(
    ("phase", "happens", "state"),
    [("Running", post_copy, "refused"), ("Running", replace, "gone")],
    ids=["post-copy", "another of its name"],
)
def test_what_happens_to_one_of_many_after_the_gates_is_seen(
    cluster: Cluster, phase: str, happens: Callable[[Cluster, dict[str, Any]], None], state: str
) -> None:
    found = many(cluster, phase)
    path = path_of(found[ONE])
    with FaultProxy(cluster) as proxy, going_on(cluster):
        proxy.meanwhile(lambda: happens(cluster, found[ONE]), method="PATCH", path=path)
        result = cancel(cluster, proxy=proxy, targets=targets(found), **WIDE)

    states = {entry["vm"]: entry["state"] for entry in result["results"]}
    assert states == {vm: state if vm == ONE else "cancelled" for vm in found}, result["refusals"]
    assert [one["spec"]["vmiName"] for one in items(cluster, MIGRATIONS)] == [ONE]
    assert "deletionTimestamp" not in read(cluster, path)["metadata"]


def test_many_cost_few_requests_each(cluster: Cluster) -> None:
    found = many(cluster, "Running")
    with going_on(cluster):
        result = cancel(cluster, targets=targets(found), **WIDE)

    assert {entry["state"] for entry in result["results"]} == {"cancelled"}
    ends = [[one["what"].partition(":")[0] for one in entry["timeline"]] for entry in result["results"]]
    assert {(end[0], end[-1]) for end in ends} == {("delete_migration", "cancelled")}
    reads = [one for one in result["plan"] if one["action"] in ("take_lock", "delete_migration", "release_lock")]
    assert len(reads) == 3 * COUNT
    # Lock, event, annotation, the VMI right before the delete, the delete, the lock's end, and how the VMI says it
    # ended. Twice that is room for those that are asked for again while they end.
    assert result["coverage"]["requests"] < 12 * COUNT
