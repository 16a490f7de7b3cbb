# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A runner whose clock is ten minutes wrong does what every other does: all moments are the cluster's own."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import at_real_pace, cancel, leases, only, retry
from tests.integration.simulated import MIGRATIONS, VMIS, done, is_gone, items, path_of, plant, read

LEASES = "/apis/coordination.k8s.io/v1/namespaces/team-a/leases"
BUDGET = "/apis/coordination.k8s.io/v1/namespaces/kubevirt/leases"
MEMORY = "live-migration.kubevirt-ops/memory"
# Room for the slowest machine: the runner's ten minutes would show all the same.
ABOUT = timedelta(seconds=90)

pytestmark = pytest.mark.parametrize("skew", [-600, 600], ids=["behind", "ahead"])


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


def ago(seconds: float) -> datetime:
    """A moment of the past; of the future for a negative number."""
    return datetime.now(timezone.utc) - timedelta(seconds=seconds)


def moment(text: str) -> datetime:
    """A time stamp of the API."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def is_about(text: str, at: datetime) -> bool:
    """Whether the time stamp is that moment, within what a slow machine takes."""
    return abs(moment(text) - at) < ABOUT


def remember(cluster: Cluster, *, acted_at: datetime, attempts: int = 0, holder: str = "") -> None:
    """The VM's Lease as an earlier run has left it, or as one that is at work holds it for 150 s."""
    uid = read(cluster, f"{VMIS}/web-1")["metadata"]["uid"]
    record: dict[str, Any] = {"attempts": attempts, "bad_targets": [], "last_act": "retry", "last_migration": "gone"}
    record |= {"last_at": acted_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "retry_due": False}
    spec: dict[str, Any] = {"leaseDurationSeconds": 150, "renewTime": acted_at.strftime("%Y-%m-%dT%H:%M:%S.000000Z")}
    if holder:
        spec["holderIdentity"] = holder
    meta = {
        "name": f"live-migration-{uid}",
        "labels": {"live-migration.kubevirt-ops/lease-of": "vm"},
        "annotations": {MEMORY: json.dumps(record)},
    }
    done(cluster.request("POST", LEASES, body={"metadata": meta, "spec": spec}))


def made(cluster: Cluster) -> int:
    """How many migrations retries have made."""
    return sum("retry" in one["metadata"]["name"] for one in items(cluster, MIGRATIONS))


def test_retry_is_made_and_remembered_by_the_time_of_the_cluster(cluster: Cluster, skew: int) -> None:
    plant(cluster, "Failed")
    entry = only(retry(cluster, skew=skew))
    (lease,) = leases(cluster)

    assert (entry["state"], entry["attempt"]) == ("created", 1)
    assert is_about(lease["spec"]["renewTime"], ago(0))
    assert is_about(json.loads(lease["metadata"]["annotations"][MEMORY])["last_at"], ago(0))
    assert all(is_about(one["at"], ago(0)) for one in (*entry["timeline"], *entry["plan"]))


def test_pause_before_the_next_attempt_is_counted_by_the_cluster(cluster: Cluster, skew: int) -> None:
    """120 s after the second attempt, of which 10 are over: ten minutes more would let it pass."""
    plant(cluster, "Failed")
    remember(cluster, acted_at=ago(10), attempts=2)
    refusal = only(retry(cluster, skew=skew))["refusals"][0]

    assert refusal["code"] == "BackoffRunning"
    assert is_about(refusal["next_allowed_at"], ago(-110))
    assert made(cluster) == 0


def test_pause_that_is_over_is_over(cluster: Cluster, skew: int) -> None:
    """Ten minutes less would hold it back."""
    plant(cluster, "Failed")
    remember(cluster, acted_at=ago(300), attempts=2)

    assert (only(retry(cluster, skew=skew))["attempt"], made(cluster)) == (3, 1)


def test_attempts_are_counted_whatever_the_clock(cluster: Cluster, skew: int) -> None:
    plant(cluster, "Failed")
    remember(cluster, acted_at=ago(3000), attempts=3)

    assert (only(retry(cluster, skew=skew))["code"], made(cluster)) == ("AttemptLimitReached", 0)


@pytest.mark.parametrize("act", [cancel, retry], ids=["cancel", "retry"])
def test_lock_that_somebody_holds_is_respected(cluster: Cluster, skew: int, act: Any) -> None:
    vmim = plant(cluster, "Running" if act is cancel else "Failed")
    remember(cluster, acted_at=ago(0), holder="jo/1")
    entry = only(act(cluster, skew=skew, accept_risks=["NotStuck"]))

    refusal = next(one for one in entry["refusals"] if one["code"] == "LockHeld")
    assert is_about(refusal["next_allowed_at"], ago(-150))
    assert "deletionTimestamp" not in read(cluster, path_of(vmim))["metadata"]
    assert made(cluster) == 0


@pytest.mark.parametrize("act", [cancel, retry], ids=["cancel", "retry"])
def test_lock_of_one_who_was_killed_is_taken_over(cluster: Cluster, skew: int, act: Any) -> None:
    vmim = plant(cluster, "Pending" if act is cancel else "Failed")
    remember(cluster, acted_at=ago(300), holder="jo/1")
    more = {"wait": False, "accept_risks": ["NotStuck"]} if act is cancel else {}
    entry = only(act(cluster, skew=skew, **more))

    assert entry["state"] in ("requested", "created"), entry
    if act is cancel:
        assert is_gone(cluster, vmim) or "deletionTimestamp" in read(cluster, path_of(vmim))["metadata"]


@pytest.mark.parametrize(("seconds", "code"), [(3300, "BudgetSpent"), (3900, "")], ids=["in the hour", "before it"])
def test_budget_of_the_hour_is_counted_by_the_cluster(cluster: Cluster, skew: int, seconds: int, code: str) -> None:
    plant(cluster, "Failed")
    acts = json.dumps([ago(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")])
    meta = {"name": "live-migration-budget", "annotations": {MEMORY: acts}}
    done(cluster.request("POST", BUDGET, body={"metadata": meta, "spec": {}}))
    entry = only(retry(cluster, skew=skew, max_acts_per_hour=1))

    assert (entry["code"], made(cluster)) == (code, 0 if code else 1), entry
    assert all(is_about(one["next_allowed_at"], ago(seconds - 3600)) for one in entry["refusals"])


@pytest.mark.parametrize(
    ("since", "state"), [(1050, "requested"), (20, "refused")], ids=["past its deadline", "within it"]
)
def test_whether_it_is_stuck_is_judged_by_the_cluster(cluster: Cluster, skew: int, since: int, state: str) -> None:
    """The ladder: 4 GiB may take 750 s, so ten minutes more or less would turn both answers round."""
    nodes = [{"name": name} for name in ("node-a", "node-b", "node-c")]
    plant(cluster, "Running", since=since, nodes=nodes, stays=True)
    entry = only(cancel(cluster, skew=skew, wait=False, ladder={"DeadlineNotEnforced": "cancel"}))

    assert entry["state"] == state, entry
    assert entry["verdict"] == ("blocked" if state == "requested" else "progressing")
