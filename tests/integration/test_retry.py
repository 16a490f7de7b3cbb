# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_retry on the real API server: when it makes a migration, where to, and what becomes of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import as_is, at_real_pace, cancel, going_on, leases, only, retry, steps, writes
from tests.integration.simulated import (
    MIGRATIONS,
    VMIS,
    a_world,
    create,
    done,
    items,
    phase,
    plant,
    read,
)

MEMORY = "live-migration.kubevirt-ops/memory"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/team-a/leases"
THREE = [{"name": "node-a"}, {"name": "node-b"}, {"name": "node-c"}]


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


def memory(cluster: Cluster) -> dict[str, Any]:
    """What the VM's Lease remembers."""
    return dict(json.loads(leases(cluster)[0]["metadata"]["annotations"][MEMORY]))


def remember(cluster: Cluster, *, seconds_ago: int = 0, **known: Any) -> None:
    """A Lease that somebody's earlier run has left."""
    vmi = read(cluster, f"{VMIS}/web-1")["metadata"]
    at = (datetime.now(timezone.utc) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    record = {
        "attempts": 0,
        "bad_targets": [],
        "last_act": "retry",
        "last_at": at,
        "last_migration": "gone",
        "retry_due": False,
    }
    meta = {
        "name": f"live-migration-{vmi['uid']}",
        "labels": {"live-migration.kubevirt-ops/lease-of": "vm"},
        "annotations": {MEMORY: json.dumps({**record, **known})},
    }
    done(cluster.request("POST", LEASES, body={"metadata": meta, "spec": {"leaseDurationSeconds": 1}}))


def made(cluster: Cluster) -> list[dict[str, Any]]:
    """The migrations that a retry has made."""
    return [one for one in items(cluster, MIGRATIONS) if one["metadata"]["name"].startswith("live-migration-retry-")]


# -- made, and how far it is waited for


@pytest.mark.parametrize(
    ("wait_for", "states"),
    [("created", {"created"}), ("running", {"running", "succeeded"}), ("finished", {"succeeded"})],
    # A set's text depends on the process, and workers that share the tests must find the same names.
    ids=["created", "running", "finished"],
)
def test_failed_migration_is_made_again_and_waited_for_as_asked(
    cluster: Cluster, wait_for: str, states: set[str]
) -> None:
    plant(cluster, "Failed")
    with going_on(cluster):
        result = retry(cluster, wait_for=wait_for)

    entry = only(result)
    assert entry["state"] in states, entry
    assert (entry["attempt"], entry["max_attempts"], entry["avoided"], result["changed"]) == (1, 3, [], True)
    spec = made(cluster)[0]["spec"]
    assert spec == {"vmiName": "web-1"}
    assert memory(cluster)["last_migration"] == entry["uid"]
    whats = [one["what"].partition(":")[0] for one in entry["timeline"]]
    assert (whats[0], whats[-1]) == ("create_migration", entry["state"]), entry["timeline"]
    waits = {one["phase"] for one in entry["timeline"] if one["what"].startswith("waits ")}
    assert bool(waits) == (wait_for != "created"), entry["timeline"]


def test_cancelled_migration_is_made_again(cluster: Cluster) -> None:
    plant(cluster, "Running")
    with going_on(cluster):
        cancelled = cancel(cluster, accept_risks=["NotStuck"], retry_follows=True)
        assert memory(cluster)["retry_due"] is True
        again = retry(cluster, targets=cancelled["results"], wait_for="finished")

    assert only(again)["state"] == "succeeded", only(again)
    assert read(cluster, f"{VMIS}/web-1")["status"]["nodeName"] == "node-b"
    assert memory(cluster)["retry_due"] is False


def test_check_mode_says_all_of_it_and_changes_nothing(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    before = as_is(cluster)
    result = retry(cluster, check_mode=True)

    assert as_is(cluster) == before
    assert (only(result)["state"], result["changed"]) == ("planned", True)
    assert [(one["action"], one["dry_run"]) for one in result["plan"]] == [
        ("reserve_budget", "accepted"),
        ("take_lock", "accepted"),
        ("post_event", "accepted"),
        ("create_migration", "accepted"),
        ("release_lock", "not_possible"),
    ]
    assert list(result["diff"]["after"].values()) == [{"vmiName": "web-1"}]


def test_check_mode_says_what_it_would_wait_for(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running", stays=True)
    done(cluster.request("DELETE", f"{MIGRATIONS}/{vmim['metadata']['name']}"))
    result = retry(cluster, check_mode=True)

    found = [one for one in result["plan"] if one["action"] == "create_migration"]
    assert [(one["dry_run"], one["outcome"]) for one in found] == [("not_possible", "not_possible_yet")]
    assert vmim["metadata"]["name"] in found[0]["answer"]


def test_second_run_makes_no_second_one(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    retry(cluster)
    mark = cluster.audit_mark()
    second = retry(cluster)

    assert (only(second)["code"], second["changed"]) == ("MigrationActive", False)
    assert writes(cluster, mark) == []
    assert len(made(cluster)) == 1


def test_old_one_that_still_ends_is_waited_for(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running")
    done(cluster.request("DELETE", f"{MIGRATIONS}/{vmim['metadata']['name']}"))
    with going_on(cluster):
        assert only(retry(cluster))["state"] == "created"


# -- refused


@pytest.mark.parametrize(("planted", "code"), [("Succeeded", "AlreadyMoved"), ("Running", "MigrationActive")], ids=str)
def test_what_has_moved_or_moves_is_not_repeated(cluster: Cluster, planted: str, code: str) -> None:
    plant(cluster, planted)
    mark = cluster.audit_mark()

    assert only(retry(cluster))["code"] == code
    assert writes(cluster, mark) == []


@pytest.mark.parametrize(
    ("vm", "code"),
    [
        ({"phase": "Scheduling"}, "VMINotRunning"),
        (
            {"not_migratable": {"reason": "DisksNotLiveMigratable", "message": "PVC data is not shared"}},
            "NotLiveMigratable",
        ),
        ({"evacuation": True}, "OwnedByController"),
    ],
    ids=["starting", "not migratable", "evacuated"],
)
def test_vm_that_cannot_or_need_not_be_migrated_is_refused(cluster: Cluster, vm: dict[str, Any], code: str) -> None:
    cluster.simulator.play(a_world(vms=[{"name": "team-a/web-1", "node": "node-a", **vm}]))

    assert only(retry(cluster))["code"] == code


def test_missing_vm_is_said(cluster: Cluster) -> None:
    cluster.simulator.play(a_world())
    entry = only(retry(cluster, namespace="team-a", vm="web-9"))

    assert (entry["code"], entry["reason"]) == ("VMIMissing", "There is no VM web-9 in namespace team-a.")


def test_no_node_that_could_take_it_refuses_with_the_figures(cluster: Cluster) -> None:
    plant(cluster, "Failed", nodes=[{"name": "node-a"}, {"name": "node-b", "cordoned": True}])
    entry = only(retry(cluster))

    assert entry["code"] == "NoPlace"
    assert "0 of 2 nodes" in entry["reason"]


# -- memory


def test_attempts_are_counted_and_the_cap_holds(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    remember(cluster, attempts=2, seconds_ago=1000)
    first = only(retry(cluster))
    cluster.simulator.fail(made(cluster)[0], reason="planted")
    second = only(retry(cluster, backoff=0))

    assert (first["state"], first["attempt"]) == ("created", 3)
    assert (second["state"], second["code"]) == ("refused", "AttemptLimitReached")
    assert len(made(cluster)) == 1


def test_backoff_says_when(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    remember(cluster, attempts=2, seconds_ago=60)
    refusal = only(retry(cluster))["refusals"][0]

    assert refusal["code"] == "BackoffRunning"
    at = datetime.fromisoformat(refusal["next_allowed_at"].replace("Z", "+00:00"))
    assert timedelta(0) < at - datetime.now(timezone.utc) <= timedelta(seconds=60)


def test_run_that_was_killed_before_its_create_is_continued(cluster: Cluster) -> None:
    """The Lease counts attempt 3 of 3, and no migration of it exists: it is made now, as the third."""
    plant(cluster, "Failed")
    remember(cluster, attempts=3, last_migration="", retry_due=True)
    entry = only(retry(cluster))

    assert (entry["state"], entry["attempt"]) == ("created", 3)
    assert memory(cluster)["attempts"] == 3


def test_run_that_was_killed_after_its_cancel_is_continued(cluster: Cluster) -> None:
    cluster.simulator.play(a_world())
    remember(cluster, last_act="cancel", retry_due=True, bad_targets=["node-b"])

    assert only(retry(cluster, avoid_nodes=[]))["state"] == "created"


@pytest.mark.parametrize("namespaces", [[], ["team-a"]], ids=["everywhere", "in one namespace"])
def test_retry_that_is_due_is_found_by_whoever_runs_next(cluster: Cluster, namespaces: list[str]) -> None:
    """The cancel was made, the run was killed, and no migration is left that could be seen."""
    plant(cluster, "Running")
    with going_on(cluster):
        cancel(cluster, accept_risks=["NotStuck"], retry_follows=True)
    entry = only(retry(cluster, due=True, due_namespaces=namespaces))
    again = retry(cluster, due=True, due_namespaces=namespaces)

    assert (entry["vm"], entry["state"], entry["attempt"]) == ("web-1", "created", 1)
    assert again["results"] == []


def test_nothing_is_due_elsewhere(cluster: Cluster) -> None:
    cluster.simulator.play(a_world())
    remember(cluster, last_act="cancel")

    assert retry(cluster, due=True, due_namespaces=["team-a"])["results"] == []


# -- where to


def test_node_that_is_to_blame_is_avoided_by_selecting_another(cluster: Cluster) -> None:
    plant(cluster, "Failed", nodes=THREE)
    remember(cluster, bad_targets=["node-b"])
    with going_on(cluster):
        entry = only(retry(cluster, wait_for="finished"))

    assert (entry["state"], entry["avoided"], entry["target_node"]) == ("succeeded", ["node-b"], "node-c")
    assert made(cluster)[0]["spec"]["addedNodeSelector"] == {"kubernetes.io/hostname": "node-c"}
    assert read(cluster, f"{VMIS}/web-1")["status"]["nodeName"] == "node-c"


def test_node_to_avoid_that_is_the_only_one_is_refused(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    entry = only(retry(cluster, avoid_nodes=["node-b"]))

    assert (entry["code"], made(cluster)) == ("NoPlace", [])


# -- two at once


def test_own_migration_is_withdrawn_where_another_is_not_younger(cluster: Cluster) -> None:
    """Somebody's create passes admission in the very moment of ours, as KubeVirt lets two or three pass."""
    plant(cluster, "Failed")
    running = {"vm": "team-a/web-1", "phase": "Pending", "since": 5, "stays": True}
    beside = {"vm": "team-a/web-1", "phase": "Pending", "since": 1, "beside": True, "stays": True}
    cluster.reset()
    older, younger = cluster.simulator.play(a_world(migrations=[running, beside])).migrations["team-a/web-1"]
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import Act
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.retry import (
        RetryObserved,
        RetryWish,
        next_retry_step,
    )

    now = datetime.now(timezone.utc)
    seen = RetryObserved(tuple(Migration.from_object(one) for one in (older, younger)), vmi=None)
    wish = RetryWish("team-a", "web-1")
    found = next_retry_step(seen, wish=wish, created=younger["metadata"]["uid"], until=now, now=now)

    assert isinstance(found, Act)
    assert (found.kind, found.uid) == ("withdraw_migration", younger["metadata"]["uid"])


def test_lock_lets_one_of_two_runs_act(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    vmi = read(cluster, f"{VMIS}/web-1")["metadata"]
    at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    spec = {"holderIdentity": "jo/1", "leaseDurationSeconds": 150, "renewTime": at, "leaseTransitions": 1}
    done(cluster.request("POST", LEASES, body={"metadata": {"name": f"live-migration-{vmi['uid']}"}, "spec": spec}))

    assert only(retry(cluster))["code"] == "LockHeld"
    assert made(cluster) == []


# -- rights


def test_tenant_migrates_the_own_vm_again(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    blind = [
        "ActingPaused",
        "AttemptLimitReached",
        "BudgetSpent",
        "ClusterUnhealthy",
        "KubeVirtUpgrading",
        "LockHeld",
        "PlacementUnseen",
    ]
    refused = retry(cluster, "tenant")
    result = retry(cluster, "tenant", accept_risks=blind)

    assert only(refused)["state"] == "refused"
    assert only(result)["state"] == "created", only(result)
    assert phase(cluster, made(cluster)[0]) in ("", "Pending")
    assert set(only(result)["protections_missing"]) >= {"LockHeld", "BudgetSpent"}


def test_admission_that_refuses_is_said(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    cluster.simulator.virt_api.die()
    try:
        entry = only(retry(cluster, wait_timeout=0))
    finally:
        cluster.simulator.virt_api.serve()

    assert entry["state"] == "unknown"
    assert "failed calling webhook" in entry["reason"]
    assert (made(cluster), memory(cluster)["attempts"]) == ([], 0)


def test_someone_elses_migration_in_between_is_respected(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    create(cluster)

    assert only(retry(cluster))["code"] == "MigrationActive"
    assert [action for action, _outcome in steps(retry(cluster))] == []
