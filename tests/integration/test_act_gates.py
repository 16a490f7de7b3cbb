# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates, the lock and the budget on the real API server: who acts, who does not, and what is said."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import as_is, at_real_pace, cancel, going_on, leases, only, steps, writes
from tests.integration.simulated import (
    KUBEVIRT,
    MIGRATIONS,
    VMIS,
    a_world,
    done,
    is_gone,
    items,
    plant,
    read,
)

INSIST = {"accept_risks": ["NotStuck"]}
PAUSE = "live-migration.kubevirt-ops/pause"
MEMORY = "live-migration.kubevirt-ops/memory"
BUDGET = "/apis/coordination.k8s.io/v1/namespaces/kubevirt/leases"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/team-a/leases"
# What somebody with rights in one namespace cannot see, and insists on for their own VM.
BLIND = [
    "ActingPaused",
    "BudgetSpent",
    "ClusterUnhealthy",
    "CoverageIncomplete",
    "KubeVirtUpgrading",
    "LockHeld",
    "ManyStuckOnNode",
    "NotStuck",
]


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


def annotate(cluster: Cluster, namespace: str, value: str | None) -> None:
    body = {"metadata": {"annotations": {PAUSE: value}}}
    done(cluster.request("PATCH", f"/api/v1/namespaces/{namespace}", body=body))


@pytest.mark.parametrize("namespace", ["team-a", "kubevirt"], ids=str)
def test_pause_switch_stops_every_act_and_cannot_be_overridden(cluster: Cluster, namespace: str) -> None:
    plant(cluster, "Running")
    annotate(cluster, namespace, "until Monday")
    before, mark = as_is(cluster), cluster.audit_mark()
    try:
        result = cancel(cluster, accept_risks=[*BLIND])
    finally:
        annotate(cluster, namespace, None)

    assert only(result)["code"] == "ActingPaused"
    assert f"namespace {namespace}" in only(result)["reason"]
    assert (as_is(cluster), writes(cluster, mark)) == (before, [])


def test_pause_of_false_is_none(cluster: Cluster) -> None:
    plant(cluster, "Running")
    annotate(cluster, "team-a", "false")
    try:
        with going_on(cluster):
            assert only(cancel(cluster, **INSIST))["state"] == "cancelled"
    finally:
        annotate(cluster, "team-a", None)


def test_healthy_migration_is_not_stuck(cluster: Cluster) -> None:
    plant(cluster, "Running")
    entry = only(cancel(cluster))

    assert (entry["state"], entry["code"]) == ("refused", "NotStuck")
    assert entry["refusals"][0]["next_allowed_at"]
    assert "To insist, give accept_risks: [NotStuck]." in entry["refusals"][0]["reason"]


def test_upgrade_of_kubevirt_refuses(cluster: Cluster) -> None:
    plant(cluster, "Running")
    path = f"{KUBEVIRT}/namespaces/kubevirt/kubevirts/kubevirt"
    kubevirt = read(cluster, path)
    change = {"status": {**kubevirt["status"], "targetKubeVirtVersion": "v1.10.0"}}
    done(cluster.request("PATCH", f"{path}/status", body=change))

    assert [one["code"] for one in only(cancel(cluster, **INSIST))["refusals"]] == ["KubeVirtUpgrading"]


# -- many at once


def several(cluster: Cluster, count: int, *, phase: str = "Pending", **more: Any) -> list[dict[str, str]]:
    """So many VMs that are being migrated, as targets."""
    names = [f"team-a/web-{number}" for number in range(1, count + 1)]
    world = a_world(
        vms=[{"name": name, "node": "node-a"} for name in names],
        migrations=[{"vm": name, "phase": phase, "since": 20, "target": "node-b", **more} for name in names],
    )
    made = cluster.simulator.play(world).migrations
    return [
        {
            "namespace": "team-a",
            "vm": name.partition("/")[2],
            "name": made[name][0]["metadata"]["name"],
            "uid": made[name][0]["metadata"]["uid"],
        }
        for name in names
    ]


def test_one_bad_vm_does_not_stop_the_others(cluster: Cluster) -> None:
    good = several(cluster, 2)
    missing = {"namespace": "team-a", "vm": "web-9"}
    foreign = {**good[0], "vm": "web-2"}
    with going_on(cluster):
        result = cancel(cluster, targets=[missing, good[0], foreign, good[1]], **INSIST)

    assert [one["state"] for one in result["results"]] == ["gone", "cancelled", "refused", "cancelled"]
    assert items(cluster, MIGRATIONS) == []


def test_many_that_wait_cost_one_request_a_turn(cluster: Cluster) -> None:
    targets = several(cluster, 6, phase="PreparingTarget", stays=True)
    limits = {"max_acts_per_run": 10, "max_stuck_per_node": 10, "wait_timeout": 3}
    with going_on(cluster):
        mark = cluster.audit_mark()
        result = cancel(cluster, targets=targets, **limits, **INSIST)

    assert {one["code"] for one in result["results"]} == {"CancelWaitsForPhase"}
    seen = [entry for entry in cluster.audit_since(mark) if entry["userAgent"] == "kubevirt_ops.live_migration"]
    named = [one for one in seen if one["verb"] == "get" and "virtualmachineinstancemigrations/" in one["requestURI"]]
    # Which it is, before the gates, before the delete, after it, and for the last time.
    assert len(named) <= 5 * len(targets)
    assert [one for one in seen if one["verb"] == "list" and "vmi-name+in" in one["requestURI"]]


def test_run_makes_no_more_acts_than_it_may(cluster: Cluster) -> None:
    with going_on(cluster, pause=5):
        result = cancel(cluster, targets=several(cluster, 3, stays=True), max_acts_per_run=2, wait=False, **INSIST)

    assert [one["code"] for one in result["results"]] == ["", "", "BudgetSpent"]
    assert sorted(found for found in steps(result) if found[0] == "delete_migration") == [
        ("delete_migration", "done"),
        ("delete_migration", "done"),
        ("delete_migration", "refused"),
    ]


def test_hour_is_counted_in_the_cluster_over_all_runs(cluster: Cluster) -> None:
    targets = several(cluster, 3, stays=True)
    first = cancel(cluster, targets=targets[:2], max_acts_per_hour=2, wait=False, **INSIST)
    second = only(cancel(cluster, targets=targets[2:], max_acts_per_hour=2, wait=False, **INSIST))

    assert [one["state"] for one in first["results"]] == ["requested", "requested"]
    assert second["code"] == "BudgetSpent"
    allowed_at = datetime.fromisoformat(second["refusals"][0]["next_allowed_at"].replace("Z", "+00:00"))
    assert timedelta(minutes=55) < allowed_at - datetime.now(timezone.utc) <= timedelta(minutes=60)
    assert len(json.loads(leases(cluster, "kubevirt")[0]["metadata"]["annotations"][MEMORY])) == 2


def test_several_stuck_on_one_node_refuse(cluster: Cluster) -> None:
    nodes = [{"name": "node-a"}, {"name": "node-b", "handler": "not_ready", "handler_since": 300}]
    names = [f"team-a/web-{number}" for number in range(1, 5)]
    world = a_world(
        nodes=[*nodes, {"name": "node-c"}, {"name": "node-d"}],
        vms=[{"name": name, "node": "node-a"} for name in names],
        migrations=[{"vm": name, "phase": "PreparingTarget", "since": 200, "target": "node-b"} for name in names],
    )
    cluster.simulator.play(world)
    entry = only(cancel(cluster))

    assert [one["code"] for one in entry["refusals"]] == ["ManyStuckOnNode"]
    assert "4 on node-b" in entry["reason"]


def test_sick_nodes_refuse(cluster: Cluster) -> None:
    nodes = [{"name": "node-a"}, {"name": "node-b", "handler": "not_ready", "handler_since": 300}]
    plant(cluster, "PreparingTarget", nodes=nodes, since=200)

    assert [one["code"] for one in only(cancel(cluster))["refusals"]] == ["ClusterUnhealthy"]


# -- the lock


def locked_by(cluster: Cluster, holder: str, *, seconds_ago: int) -> str:
    """The VM's Lease, held; its path."""
    vmi = read(cluster, f"{VMIS}/web-1")["metadata"]
    at = (datetime.now(timezone.utc) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 150, "renewTime": at, "leaseTransitions": 1}
    name = f"live-migration-{vmi['uid']}"
    done(cluster.request("POST", LEASES, body={"metadata": {"name": name}, "spec": spec}))
    return f"{LEASES}/{name}"


def test_vm_that_somebody_acts_on_is_left_to_them(cluster: Cluster) -> None:
    plant(cluster, "Running")
    locked_by(cluster, "jo/1", seconds_ago=5)
    mark = cluster.audit_mark()
    entry = only(cancel(cluster, accept_risks=["NotStuck", "LockHeld"]))

    assert entry["code"] == "LockHeld"
    assert entry["reason"].startswith("jo/1 acts on this VM")
    assert entry["refusals"][0]["next_allowed_at"]
    assert writes(cluster, mark) == []


def test_lock_of_one_that_was_killed_is_taken_over(cluster: Cluster) -> None:
    plant(cluster, "Running")
    path = locked_by(cluster, "jo/1", seconds_ago=200)
    with going_on(cluster):
        assert only(cancel(cluster, **INSIST))["state"] == "cancelled"

    spec = read(cluster, path)["spec"]
    assert (spec.get("holderIdentity"), spec["leaseTransitions"]) == (None, 2)


def test_act_is_made_only_while_the_lock_is_held(cluster: Cluster) -> None:
    plant(cluster, "Running")
    mark = cluster.audit_mark()
    with going_on(cluster):
        cancel(cluster, **INSIST)

    verbs = [f"{verb} {path.split('/')[5 + path.startswith('/apis')]}" for verb, path in writes(cluster, mark)]
    assert verbs == [
        "create leases",
        "create leases",
        "create events",
        "patch virtualmachineinstancemigrations",
        "delete virtualmachineinstancemigrations",
        "patch leases",
    ]


# -- rights


def test_tenant_is_refused_with_each_protection_that_is_missing(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running")
    result = cancel(cluster, "tenant")

    codes = {one["code"] for one in only(result)["refusals"]}
    assert codes >= {"BudgetSpent", "ClusterUnhealthy", "KubeVirtUpgrading", "LockHeld", "ManyStuckOnNode"}
    assert not is_gone(cluster, vmim)
    wanted = {(rule["verb"], rule["resource"]) for rule in result["coverage"]["missing"]}
    assert wanted >= {("list", "nodes"), ("get", "leases"), ("list", "kubevirts")}


def test_tenant_frees_the_own_vm(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running")
    with going_on(cluster):
        result = cancel(cluster, "tenant", accept_risks=BLIND)

    entry = only(result)
    assert entry["state"] == "cancelled", entry
    assert is_gone(cluster, vmim)
    assert set(entry["protections_missing"]) >= {"BudgetSpent", "LockHeld", "ManyStuckOnNode"}


def test_tenant_may_not_insist_for_two_vms_at_once(cluster: Cluster) -> None:
    result = cancel(cluster, "tenant", targets=several(cluster, 2), accept_risks=BLIND)

    assert [one["state"] for one in result["results"]] == ["refused", "refused"]


def test_missing_right_to_delete_is_named_in_check_mode_and_else(cluster: Cluster) -> None:
    plant(cluster, "Running")
    planned = cancel(cluster, "operator", check_mode=True, accept_risks=BLIND)
    real = cancel(cluster, "operator", accept_risks=BLIND)

    assert [one["dry_run"] for one in planned["plan"] if one["action"] == "delete_migration"] == ["forbidden"]
    assert only(real)["code"] == "NotAllowed"
    for result in (planned, real):
        assert ("delete", "virtualmachineinstancemigrations") in {
            (rule["verb"], rule["resource"]) for rule in result["coverage"]["missing"]
        }


def test_nobody_is_told_what_is_missing(cluster: Cluster) -> None:
    plant(cluster, "Running")
    entry = only(cancel(cluster, "nobody"))

    assert (entry["state"], entry["code"]) == ("refused", "NotAllowed")
