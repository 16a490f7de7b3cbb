# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults at each step of a cancel and a retry, and what happens between two of them.

Afterwards it is done, or cleanly not done, and the next run completes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import cancel, going_on, leases, only, retry
from tests.integration.fault_proxy import FaultProxy
from tests.integration.simulated import (
    MIGRATIONS,
    VMIS,
    delete,
    done,
    is_gone,
    items,
    path_of,
    phase,
    plant,
    read,
    wanted,
)

INSIST = {"accept_risks": ["NotStuck"]}
MIGRATION = r"/virtualmachineinstancemigrations/"
CREATE = r"/virtualmachineinstancemigrations"
# Limits and pauses pass so many times as fast as they would.
QUICK = {"rate": 10.0}
BRIEF = {**QUICK, "wait_timeout": 5}

# Every write of an act, and the reads that it decides by: method and path.
BOTH = {
    "VMI read": ("GET", r"/virtualmachineinstances/web-1"),
    "lease read": ("GET", r"team-a/leases/live-migration-"),
    "budget read": ("GET", r"kubevirt/leases/live-migration-budget"),
    "lock": ("POST", r"team-a/leases"),
    "budget": ("POST", r"kubevirt/leases"),
    "event": ("POST", r"/events"),
    "release": ("PATCH", r"team-a/leases/"),
}
STEPS = {
    "cancel": {
        **BOTH,
        "migration read": ("GET", MIGRATION),
        "annotation": ("PATCH", MIGRATION),
        "delete": ("DELETE", MIGRATION),
    },
    "retry": {
        **BOTH,
        "migrations read": ("GET", r"/virtualmachineinstancemigrations\?"),
        "pods read": ("GET", r"/namespaces/team-a/pods\?"),
        "nodes read": ("GET", r"/nodes"),
        "create": ("POST", CREATE),
    },
}
FAULTS: dict[str, dict[str, Any]] = {
    "conflict": {"status": 409},
    "too many requests": {"status": 429, "headers": {"Retry-After": "0"}},
    "server fault": {"status": 500},
    "answer lost": {"cut": 0},
    "no answer": {"silent": "lost"},
    "no answer to what was done": {"silent": "heard"},
}
FOR_GOOD = ("conflict", "server fault", "answer lost", "no answer", "no answer to what was done")


def each_step(act: str, faults: Iterable[str]) -> list[tuple[str, str]]:
    """Every step of an act with every fault. A read that is served in silence is no other than one that is not."""
    return [
        (step, fault)
        for step, (method, _path) in STEPS[act].items()
        for fault in faults
        if method != "GET" or fault != "no answer to what was done"
    ]


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    cluster.reset()
    cluster.simulator.clock.factor = 1.0


def expire(cluster: Cluster) -> None:
    """The lock that a run has left expires."""
    for lease in leases(cluster):
        if lease["spec"].get("holderIdentity"):
            path = f"/apis/coordination.k8s.io/v1/namespaces/team-a/leases/{lease['metadata']['name']}"
            done(cluster.request("PATCH", path, body={"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}}))


def now_complete(cluster: Cluster) -> None:
    """Another run, after the lock of the first has expired, ends what is left."""
    expire(cluster)
    with going_on(cluster):
        cancel(cluster, **INSIST)
    assert items(cluster, MIGRATIONS) == []


def made(cluster: Cluster) -> list[dict[str, Any]]:
    """What retries have made."""
    return [one for one in items(cluster, MIGRATIONS) if "retry" in one["metadata"]["name"]]


def now_made(cluster: Cluster) -> None:
    """Another run, after the lock of the first has expired, makes the migration as the first attempt."""
    expire(cluster)
    again = only(retry(cluster))
    assert (again["state"], again["attempt"]) == ("created", 1), again
    assert len(made(cluster)) == 1


# -- cancel


@pytest.mark.parametrize(("step", "fault"), each_step("cancel", FAULTS), ids=str)
def test_one_fault_at_a_step_leaves_it_done_or_cleanly_not_done(cluster: Cluster, step: str, fault: str) -> None:
    vmim = plant(cluster, "Running")
    method, path = STEPS["cancel"][step]
    with FaultProxy(cluster) as proxy, going_on(cluster):
        proxy.fail(path=path, method=method, **FAULTS[fault])
        entry = only(cancel(cluster, proxy=proxy, **QUICK, **INSIST))

    assert [one.times for one in proxy.faults] == [0], "the fault met no request"
    assert entry["state"] in ("cancelled", "refused", "unknown"), entry
    assert is_gone(cluster, vmim) == (entry["state"] == "cancelled")
    sent = [one for one in entry["plan"] if one["action"] == "delete_migration" and one["outcome"] != "refused"]
    assert bool(sent) == (entry["state"] == "cancelled")
    now_complete(cluster)


@pytest.mark.parametrize(("step", "fault"), each_step("cancel", FOR_GOOD), ids=str)
def test_step_that_fails_for_good_says_so_and_the_next_run_completes_it(
    cluster: Cluster, step: str, fault: str
) -> None:
    vmim = plant(cluster, "Running")
    method, path = STEPS["cancel"][step]
    with FaultProxy(cluster) as proxy, going_on(cluster):
        proxy.fail(path=path, method=method, times=1000, **FAULTS[fault])
        entry = only(cancel(cluster, proxy=proxy, **BRIEF, **INSIST))

    assert proxy.faults[0].times < 1000, "the fault met no request"
    assert entry["state"] in ("cancelled", "refused", "unknown"), entry
    if entry["state"] == "cancelled":
        assert is_gone(cluster, vmim)
    assert entry["reason"]
    now_complete(cluster)


@pytest.mark.parametrize("after", [3, 12, 18, 22, 26, 29], ids=str)
def test_api_server_that_is_away_for_a_while_in_the_middle(cluster: Cluster, after: int) -> None:
    vmim = plant(cluster, "Running")
    with FaultProxy(cluster) as proxy, going_on(cluster):
        proxy.fail(503, times=8, after=after)
        entry = only(cancel(cluster, proxy=proxy, **QUICK, **INSIST))

    assert entry["state"] in ("cancelled", "refused", "unknown"), entry
    assert is_gone(cluster, vmim) == (entry["state"] == "cancelled")
    now_complete(cluster)


# -- between two steps


def test_migration_replaced_by_one_of_its_name_between_read_and_delete(cluster: Cluster) -> None:
    old = plant(cluster, "Pending")

    def replace() -> None:
        delete(cluster, old)
        cluster.simulator.step()
        again = {**wanted(), "metadata": {"name": old["metadata"]["name"]}}
        done(cluster.request("POST", MIGRATIONS, body=again, user="tenant"))

    with FaultProxy(cluster) as proxy:
        proxy.meanwhile(replace, method="DELETE", path=MIGRATION)
        entry = only(cancel(cluster, proxy=proxy, **INSIST))

    assert entry["state"] == "gone", entry
    left = read(cluster, path_of(old))["metadata"]
    assert left["uid"] != old["metadata"]["uid"]
    assert "deletionTimestamp" not in left


def test_success_that_comes_before_the_delete(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running")

    def succeed() -> None:
        for _turn in range(6):
            cluster.simulator.advance(vmim)

    with FaultProxy(cluster) as proxy:
        proxy.meanwhile(succeed, method="DELETE", path=MIGRATION)
        entry = only(cancel(cluster, proxy=proxy, **INSIST))

    assert entry["state"] == "succeeded", entry
    assert read(cluster, f"{VMIS}/web-1")["status"]["nodeName"] == "node-b"


def test_post_copy_that_begins_after_the_gates_is_not_touched(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running", stays=True)

    def post_copy() -> None:
        body = {"status": {"migrationState": {"mode": "PostCopy"}}}
        done(cluster.request("PATCH", f"{VMIS}/web-1", body=body))

    with FaultProxy(cluster) as proxy:
        proxy.meanwhile(post_copy, method="POST", path=r"/events")
        entry = only(cancel(cluster, proxy=proxy, **INSIST))

    assert (entry["state"], entry["code"]) == ("refused", "PostCopyActive")
    assert "deletionTimestamp" not in read(cluster, path_of(vmim))["metadata"]
    assert not leases(cluster)[0]["spec"].get("holderIdentity")


def test_copy_that_begins_after_the_delete_keeps_its_target_pod(cluster: Cluster) -> None:
    vmim = plant(cluster, "TargetReady", stays=True)

    with FaultProxy(cluster) as proxy:
        proxy.meanwhile(lambda: cluster.simulator.advance(vmim), method="DELETE", path=MIGRATION, is_before=False)
        entry = only(cancel(cluster, proxy=proxy, free_target_pod=True, wait=False, **INSIST))

    assert phase(cluster, vmim) == "Running"
    assert "delete_target_pod" not in [one["action"] for one in entry["plan"]]


# -- retry


@pytest.mark.parametrize(("step", "fault"), each_step("retry", FAULTS), ids=str)
def test_fault_at_a_step_of_a_retry_makes_one_migration_or_none(cluster: Cluster, step: str, fault: str) -> None:
    plant(cluster, "Failed")
    method, path = STEPS["retry"][step]
    with FaultProxy(cluster) as proxy:
        proxy.fail(path=path, method=method, **FAULTS[fault])
        entry = only(retry(cluster, proxy=proxy, **QUICK))

    assert [one.times for one in proxy.faults] == [0], "the fault met no request"
    assert len(made(cluster)) == (entry["state"] == "created"), entry
    if not made(cluster):
        assert entry["state"] in ("refused", "unknown"), entry
        now_made(cluster)


@pytest.mark.parametrize(("step", "fault"), each_step("retry", FOR_GOOD), ids=str)
def test_step_of_a_retry_that_fails_for_good_makes_one_migration_or_none(
    cluster: Cluster, step: str, fault: str
) -> None:
    plant(cluster, "Failed")
    method, path = STEPS["retry"][step]
    with FaultProxy(cluster) as proxy:
        proxy.fail(path=path, method=method, times=1000, **FAULTS[fault])
        entry = only(retry(cluster, proxy=proxy, **BRIEF))

    assert proxy.faults[0].times < 1000, "the fault met no request"
    assert len(made(cluster)) == (entry["state"] == "created"), entry
    assert entry["reason"]
    if not made(cluster):
        assert entry["state"] in ("refused", "unknown"), entry
        now_made(cluster)


def test_create_whose_answer_was_lost_is_known_again(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    with FaultProxy(cluster) as proxy:
        proxy.fail(path=CREATE, method="POST", cut=0)
        entry = only(retry(cluster, proxy=proxy))

    assert entry["state"] == "created", entry
    assert [one["metadata"]["uid"] for one in made(cluster)] == [entry["uid"]]


def test_own_migration_is_withdrawn_where_an_older_one_turns_out_unfinished(cluster: Cluster) -> None:
    """Creates race past admission: somebody's passes beside ours, and the VM would move twice."""
    older = plant(cluster, "Failed")

    def unfinished() -> None:
        def edit(obj: dict[str, Any]) -> None:
            obj["status"]["phase"] = "Pending"

        cluster.rewrite(path_of(older), edit)

    with FaultProxy(cluster) as proxy, going_on(cluster, pause=0.2):
        proxy.meanwhile(unfinished, method="POST", path=CREATE, is_before=False)
        entry = only(retry(cluster, proxy=proxy))

    assert ("withdraw_migration", "done") in [(one["action"], one["outcome"]) for one in entry["plan"]]
    assert entry["state"] in ("withdrawn", "failed"), entry
