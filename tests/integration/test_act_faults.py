# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults at each step of a cancel and a retry, and what happens between two of them.

Afterwards it is done, or cleanly not done, and the next run completes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Event
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import VM, at_real_pace, cancel, expire_locks, going_on, leases, only, retry
from tests.integration.fault_proxy import FaultProxy
from tests.integration.simulated import (
    MIGRATIONS,
    VMIS,
    a_world,
    delete,
    done,
    is_cancelled,
    is_gone,
    items,
    path_of,
    phase,
    plant,
    read,
    said,
    wanted,
)

INSIST = {"accept_risks": ["NotStuck"]}
MIGRATION = r"/virtualmachineinstancemigrations/"
CREATE = r"/virtualmachineinstancemigrations"
WIDE = {"max_acts_per_run": 10}
# Limits and pauses pass so many times as fast as they would.
QUICK = {"rate": 10.0}
BRIEF = {**QUICK, "wait_timeout": 5}

# Every write of an act, and the reads that it decides by: method and path.
BOTH = {
    "VMI read": ("GET", r"/virtualmachineinstances/"),
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


Object = dict[str, Any]


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


def now_complete(cluster: Cluster, *targets: Object) -> None:
    """Another run, after the locks of the first have expired, ends what is left."""
    expire_locks(cluster)
    with going_on(cluster):
        cancel(cluster, targets=list(targets) or [VM], **WIDE, **INSIST)
    assert items(cluster, MIGRATIONS) == []


def made(cluster: Cluster, vm: str = "") -> list[Object]:
    """What retries have made, of one VM or of all."""
    found = [one for one in items(cluster, MIGRATIONS) if "retry" in one["metadata"]["name"]]
    return [one for one in found if vm in ("", one["spec"]["vmiName"])]


def now_made(cluster: Cluster, *targets: Object) -> None:
    """Another run, after the locks of the first have expired, makes what is left to make, as the first attempt."""
    expire_locks(cluster)
    for again in retry(cluster, targets=list(targets), **WIDE)["results"] if targets else ():
        assert (again["state"], again["attempt"]) == ("created", 1), again
        assert len(made(cluster, again["vm"])) == 1


def a_vm_for_each(cluster: Cluster, faults: Iterable[str], *, step: str, phase: str) -> Iterator[tuple[str, Object]]:
    """Each fault with a VM of its own, whose migration stands in `phase`, in one world for all.

    A read that is served in silence is no other than one that is not.
    """
    (method,) = {acts[step][0] for acts in STEPS.values() if step in acts}
    names = [one for one in faults if method != "GET" or one != "no answer to what was done"]
    vms = {fault: fault.replace(" ", "-") for fault in names}
    made = cluster.simulator.play(
        a_world(
            vms=[{"name": f"team-a/{vm}", "node": "node-a"} for vm in vms.values()],
            migrations=[{"vm": f"team-a/{vm}", "phase": phase, "since": 20, "target": "node-b"} for vm in vms.values()],
        )
    ).migrations
    for fault, vm in vms.items():
        # So that each has to make it.
        cluster.request("DELETE", "/apis/coordination.k8s.io/v1/namespaces/kubevirt/leases/live-migration-budget")
        yield fault, made[f"team-a/{vm}"][0]


def vm_of(vmim: Object) -> Object:
    """Its VM, as a target."""
    return {"namespace": "team-a", "vm": vmim["spec"]["vmiName"]}


# -- cancel


@pytest.mark.parametrize("step", STEPS["cancel"], ids=str)
def test_one_fault_at_a_step_leaves_it_done_or_cleanly_not_done(cluster: Cluster, step: str) -> None:
    method, path = STEPS["cancel"][step]
    tried = []
    with going_on(cluster):
        for fault, vmim in a_vm_for_each(cluster, FAULTS, step=step, phase="Running"):
            tried.append(vm_of(vmim))
            with FaultProxy(cluster) as proxy:
                proxy.fail(path=path, method=method, **FAULTS[fault])
                entry = only(cancel(cluster, proxy=proxy, **vm_of(vmim), **QUICK, **INSIST))

            assert proxy.faults[0].times == 0, f"{fault} met no request"
            assert entry["state"] in ("cancelled", "refused", "unknown"), entry
            assert is_cancelled(cluster, vmim) == (entry["state"] == "cancelled"), entry
            sent = [one for one in entry["plan"] if one["action"] == "delete_migration" and one["outcome"] != "refused"]
            assert bool(sent) == (entry["state"] == "cancelled"), entry
    now_complete(cluster, *tried)


@pytest.mark.parametrize("step", STEPS["cancel"], ids=str)
def test_step_that_fails_for_good_says_so_and_the_next_run_completes_it(cluster: Cluster, step: str) -> None:
    method, path = STEPS["cancel"][step]
    tried = []
    with going_on(cluster):
        for fault, vmim in a_vm_for_each(cluster, FOR_GOOD, step=step, phase="Running"):
            tried.append(vm_of(vmim))
            with FaultProxy(cluster) as proxy:
                proxy.fail(path=path, method=method, times=1000, **FAULTS[fault])
                entry = only(cancel(cluster, proxy=proxy, **vm_of(vmim), **BRIEF, **INSIST))

            assert proxy.faults[0].times < 1000, f"{fault} met no request"
            assert entry["state"] in ("cancelled", "refused", "unknown"), entry
            if entry["state"] == "cancelled":
                assert is_cancelled(cluster, vmim), entry
            assert entry["reason"], entry
    now_complete(cluster, *tried)


@pytest.mark.parametrize("after", [3, 12, 18, 22, 26, 29], ids=str)
def test_api_server_that_is_away_for_a_while_in_the_middle(cluster: Cluster, after: int) -> None:
    vmim = plant(cluster, "Running")
    with FaultProxy(cluster) as proxy, going_on(cluster):
        proxy.fail(503, times=8, after=after)
        entry = only(cancel(cluster, proxy=proxy, **QUICK, **INSIST))

    assert entry["state"] in ("cancelled", "refused", "unknown"), entry
    assert is_gone(cluster, vmim) == (entry["state"] == "cancelled")
    now_complete(cluster)


def test_abort_that_fails_is_tried_again_by_kubevirt_and_waited_for(cluster: Cluster) -> None:
    """virt-api is dead when the abort is asked for, and comes back."""
    vmim = plant(cluster, "Running")

    def come_back() -> None:
        for _turn in range(200):
            if "FailedAbortMigration" in said(cluster, "VirtualMachineInstanceMigration"):
                break
            Event().wait(0.05)
        assert phase(cluster, vmim) == "Running"
        cluster.simulator.virt_api.serve()

    cluster.simulator.virt_api.die()
    try:
        with FaultProxy(cluster) as proxy, going_on(cluster):
            proxy.meanwhile(
                lambda: proxy.meanwhile(come_back, method="GET", path=MIGRATION),
                method="DELETE",
                path=MIGRATION,
                is_before=False,
            )
            entry = only(cancel(cluster, proxy=proxy, **INSIST))
    finally:
        cluster.simulator.virt_api.serve()

    assert "FailedAbortMigration" in said(cluster, "VirtualMachineInstanceMigration")
    assert (entry["state"], entry["code"]) == ("cancelled", ""), entry
    assert [one["action"] for one in entry["plan"]].count("delete_migration") == 1
    assert is_gone(cluster, vmim)


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


@pytest.mark.parametrize("step", STEPS["retry"], ids=str)
def test_fault_at_a_step_of_a_retry_makes_one_migration_or_none(cluster: Cluster, step: str) -> None:
    method, path = STEPS["retry"][step]
    left = []
    for fault, vmim in a_vm_for_each(cluster, FAULTS, step=step, phase="Failed"):
        target = vm_of(vmim)
        with FaultProxy(cluster) as proxy:
            proxy.fail(path=path, method=method, **FAULTS[fault])
            entry = only(retry(cluster, proxy=proxy, **target, **QUICK))

        assert proxy.faults[0].times == 0, f"{fault} met no request"
        assert len(made(cluster, target["vm"])) == (entry["state"] == "created"), entry
        if entry["state"] != "created":
            assert entry["state"] in ("refused", "unknown"), entry
            left.append(target)
    now_made(cluster, *left)


@pytest.mark.parametrize("step", STEPS["retry"], ids=str)
def test_step_of_a_retry_that_fails_for_good_makes_one_migration_or_none(cluster: Cluster, step: str) -> None:
    method, path = STEPS["retry"][step]
    left = []
    for fault, vmim in a_vm_for_each(cluster, FOR_GOOD, step=step, phase="Failed"):
        target = vm_of(vmim)
        with FaultProxy(cluster) as proxy:
            proxy.fail(path=path, method=method, times=1000, **FAULTS[fault])
            entry = only(retry(cluster, proxy=proxy, **target, **BRIEF))

        assert proxy.faults[0].times < 1000, f"{fault} met no request"
        assert len(made(cluster, target["vm"])) == (entry["state"] == "created"), entry
        assert entry["reason"], entry
        if entry["state"] != "created":
            assert entry["state"] in ("refused", "unknown"), entry
            left.append(target)
    now_made(cluster, *left)


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
