# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody would ask for, and what nobody would write: an act says what it makes of it, and does nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import VM, Skewed, at_real_pace, cancel, going_on, leases, only, retry
from tests.integration.fault_proxy import FaultProxy
from tests.integration.simulated import (
    MIGRATIONS,
    PODS,
    VMIS,
    create,
    delete,
    done,
    items,
    path_of,
    plant,
    read,
    target_pod,
)

LEASES = "/apis/coordination.k8s.io/v1/namespaces/team-a/leases"
NAMESPACE = "/api/v1/namespaces/team-a"
MEMORY = "live-migration.kubevirt-ops/memory"
LAST_DAY = "9999-12-31T23:59:59"
Object = dict[str, Any]


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


def made(cluster: Cluster) -> int:
    """How many migrations retries have made."""
    return sum("retry" in one["metadata"]["name"] for one in items(cluster, MIGRATIONS))


def write_lease(cluster: Cluster, *, text: str | None = None, **spec: Any) -> None:
    """The VM's Lease as somebody has edited it."""
    meta = {
        "name": f"live-migration-{read(cluster, f'{VMIS}/web-1')['metadata']['uid']}",
        "labels": {"live-migration.kubevirt-ops/lease-of": "vm"},
        "annotations": {MEMORY: remembered()["text"] if text is None else text},
    }
    done(cluster.request("POST", LEASES, body={"metadata": meta, "spec": spec}))


# -- targets


def test_no_targets_are_nothing_to_do(cluster: Cluster) -> None:
    plant(cluster, "Running")
    result = cancel(cluster, targets=[])

    assert (result["results"], result["changed"], result["refused"]) == ([], False, False)


def test_a_thousand_times_the_same_is_once(cluster: Cluster) -> None:
    meta = plant(cluster, "Running", stays=True)["metadata"]
    target = {**VM, "name": meta["name"], "uid": meta["uid"]}
    result = cancel(cluster, targets=[target] * 1000, wait=False, accept_risks=["NotStuck"])

    assert only(result)["state"] == "requested"


@pytest.mark.parametrize("act", [cancel, retry], ids=["cancel", "retry"])
def test_one_vm_by_two_ways_is_acted_on_once(cluster: Cluster, act: Any) -> None:
    meta = plant(cluster, "Running" if act is cancel else "Failed", stays=True)["metadata"]
    named = {**VM, "name": meta["name"], "uid": meta["uid"]}
    more = {"wait": False, "accept_risks": ["NotStuck"]} if act is cancel else {}
    result = act(cluster, targets=[VM, named, {**VM, "name": meta["name"]}], **more)

    acted = [one for one in result["results"] if one["state"] != "refused"]
    others = [one for one in result["results"] if one["state"] == "refused"]
    assert (len(acted), len(others)) == (1, 2)
    assert {one["reason"] for one in others} == {"Another target of this run is the same VM."}
    assert made(cluster) == (act is retry)


def test_uid_of_another_migration_is_none_of_it(cluster: Cluster) -> None:
    meta = plant(cluster, "Running", stays=True)["metadata"]
    other = read(cluster, f"{VMIS}/web-1")["metadata"]["uid"]
    entry = only(cancel(cluster, targets=[{**VM, "name": meta["name"], "uid": other}], accept_risks=["NotStuck"]))

    assert entry["state"] == "gone"
    assert "deletionTimestamp" not in read(cluster, f"{MIGRATIONS}/{meta['name']}")["metadata"]


def test_name_as_long_as_names_may_be_is_looked_for(cluster: Cluster) -> None:
    plant(cluster, "Running")
    long = {"namespace": "team-a", "vm": "a" * 253}

    assert only(cancel(cluster, **long))["state"] == "gone"
    assert only(retry(cluster, **long))["code"] == "VMIMissing"


def test_words_for_people_may_be_anything(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    entry = only(retry(cluster, reason="{{ 7 * 7 }}\udcff\u202e\n" * 100, actor="\udcff\u202e{% x %}" * 100))
    (new,) = (one for one in items(cluster, MIGRATIONS) if "retry" in one["metadata"]["name"])

    assert entry["state"] == "created", entry
    assert new["metadata"]["annotations"]["live-migration.kubevirt-ops/reason"].startswith("{{ 7 * 7 }} ")


# -- a Lease that was edited by hand


def remembered(**known: Any) -> Object:
    """A Lease whose text is well-formed."""
    record: Object = {"attempts": 1, "bad_targets": [], "last_act": "retry", "last_migration": "gone"}
    return {"text": json.dumps({**record, "last_at": "2026-01-01T00:00:00Z", "retry_due": False, **known})}


ODD_LEASES: dict[str, tuple[Object, str]] = {
    "no JSON": ({"text": "{"}, "AttemptLimitReached"),
    "less than none": (remembered(attempts=-1), "AttemptLimitReached"),
    "too deep": ({"text": "[" * 100_000}, "AttemptLimitReached"),
    "held since nobody knows when": ({"holderIdentity": "jo"}, "AttemptLimitReached"),
    "held beyond all dates": (
        {"holderIdentity": "jo", "leaseDurationSeconds": 2**31 - 1, "renewTime": f"{LAST_DAY}.000000Z"},
        "AttemptLimitReached",
    ),
    "made on the last day": (remembered(last_at=f"{LAST_DAY}Z"), "BackoffRunning"),
    "nodes of no name": (remembered(bad_targets=["{{ x }}", "\0", "a" * 5000]), ""),
    "transitions to the brim": ({"leaseTransitions": 2**31 - 1}, ""),
}


@pytest.mark.parametrize(("lease", "code"), ODD_LEASES.values(), ids=ODD_LEASES)
def test_lease_that_cannot_be_meant_never_lets_an_act_pass_that_it_may_forbid(
    cluster: Cluster, lease: Object, code: str
) -> None:
    plant(cluster, "Failed")
    write_lease(cluster, **lease)
    entry = only(retry(cluster))

    assert (entry["code"], made(cluster)) == (code, 0 if code else 1), entry


# -- what goes away in the middle


def start_anew(cluster: Cluster) -> None:
    """The VM is stopped and started: another VMI of its name."""
    old = read(cluster, f"{VMIS}/web-1")
    done(cluster.request("PATCH", f"{VMIS}/web-1", body={"metadata": {"finalizers": None}}))
    done(cluster.request("DELETE", f"{VMIS}/web-1"))
    kept = ("name", "namespace", "labels", "annotations", "finalizers")
    meta = {key: old["metadata"][key] for key in kept if key in old["metadata"]}
    status = {key: value for key, value in old["status"].items() if key != "migrationState"}
    done(cluster.request("POST", VMIS, body={**old, "metadata": meta, "status": status}))


def test_vm_that_is_started_anew_before_the_create_is_left_alone(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    with FaultProxy(cluster) as proxy:
        proxy.meanwhile(lambda: start_anew(cluster), method="POST", path=r"/events")
        result = retry(cluster, proxy=proxy, accept_risks=["PlacementUnseen"])

    entry = only(result)
    assert (entry["state"], entry["code"], made(cluster)) == ("refused", "VMIMissing", 0), entry
    # The lock of the one that was looked at is given back.
    assert [one["spec"].get("holderIdentity") for one in leases(cluster)] == [None]
    assert result["notes"] == []


def test_vm_that_is_started_anew_before_the_delete_keeps_nobody_waiting(cluster: Cluster) -> None:
    plant(cluster, "Running", stays=True)
    with FaultProxy(cluster) as proxy:
        proxy.meanwhile(lambda: start_anew(cluster), method="POST", path=r"/events")
        result = cancel(cluster, proxy=proxy, wait=False, accept_risks=["NotStuck"])

    assert only(result)["code"] == "PostCopyActive", "what cannot be seen may be post-copy"
    assert [one["spec"].get("holderIdentity") for one in leases(cluster)] == [None]


@pytest.mark.parametrize("act", [cancel, retry], ids=["cancel", "retry"])
def test_run_that_slept_until_its_lock_ran_out_does_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, act: Any
) -> None:
    """By then another run may hold it: a laptop was closed, a virtual machine was paused."""
    vmim = plant(cluster, "Running" if act is cancel else "Failed", stays=True)

    def sleep() -> None:
        monkeypatch.setattr(Skewed, "monotonic", lambda _self: time.monotonic() + 1000)

    with FaultProxy(cluster) as proxy:
        proxy.meanwhile(sleep, method="POST", path=r"/events")
        entry = only(act(cluster, proxy=proxy, accept_risks=["NotStuck"]))

    assert (entry["state"], entry["code"]) == ("refused", "LockHeld"), entry
    assert "The lock ran out before the act" in entry["reason"]
    assert "deletionTimestamp" not in read(cluster, path_of(vmim))["metadata"]
    assert made(cluster) == 0


def test_pod_of_a_cancel_that_was_only_joined_is_freed_by_the_next_run_alone(cluster: Cluster) -> None:
    """It was not there to be freed when the gates were asked, so none of them was."""
    vmim = plant(cluster, "TargetReady", stays=True)
    delete(cluster, vmim)
    pod = f"{PODS}/{target_pod(cluster, vmim)['metadata']['name']}"
    label = "kubevirt.io/migrationJobUID"

    def mark(value: str | None) -> None:
        done(cluster.request("PATCH", pod, body={"metadata": {"labels": {label: value}}}))

    mark(None)
    with FaultProxy(cluster) as proxy:
        again = {"method": "GET", "path": r"/pods\?", "is_before": False}
        proxy.meanwhile(lambda: mark(vmim["metadata"]["uid"]), **again)
        entry = only(cancel(cluster, proxy=proxy, free_target_pod=True, wait_timeout=2))

    assert (entry["state"], entry["gates"], proxy.deletes) == ("hanging", [], []), entry
    with going_on(cluster):
        assert only(cancel(cluster, free_target_pod=True))["state"] == "cancelled"


@contextmanager
def going_away(cluster: Cluster) -> Iterator[None]:
    """The namespace is being deleted, and stays so."""
    done(cluster.request("PATCH", NAMESPACE, body={"metadata": {"finalizers": ["example.com/waits"]}}))
    done(cluster.request("DELETE", NAMESPACE))
    try:
        yield
    finally:
        done(cluster.request("PATCH", NAMESPACE, body={"metadata": {"finalizers": None}}))


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "earnest"])
def test_namespace_that_goes_away_is_told_and_no_right_is_asked_for(cluster: Cluster, check_mode: bool) -> None:
    plant(cluster, "Failed")
    with going_away(cluster):
        result = retry(cluster, check_mode=check_mode)

    assert only(result)["state"] == "refused"
    assert "because it is being terminated" in only(result)["reason"]
    assert result["coverage"]["missing"] == []
    assert "Grant this user" not in json.dumps(result)


def test_migration_that_comes_in_between_is_never_ours_to_cancel(cluster: Cluster) -> None:
    """Named by its VM, what is cancelled is what was found, and not what has come since."""
    old = plant(cluster, "Pending")

    def another() -> None:
        done(cluster.request("DELETE", f"{MIGRATIONS}/{old['metadata']['name']}"))
        cluster.simulator.step()
        create(cluster)

    with FaultProxy(cluster) as proxy:
        proxy.meanwhile(another, method="POST", path=r"/events")
        entry = only(cancel(cluster, proxy=proxy, accept_risks=["NotStuck"]))

    assert entry["state"] == "gone", entry
    assert all("deletionTimestamp" not in one["metadata"] for one in items(cluster, MIGRATIONS))
    assert len(items(cluster, MIGRATIONS)) == 1
