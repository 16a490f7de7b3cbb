# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_cancel in every phase, on the real API server, while KubeVirt goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import (
    Skewed,
    as_is,
    at_real_pace,
    cancel,
    going_on,
    leases,
    only,
    steps,
    writes,
)
from tests.integration.simulated import (
    EVENTS,
    MIGRATIONS,
    PODS,
    VMIS,
    a_world,
    condition_types,
    delete,
    done,
    is_gone,
    items,
    path_of,
    plant,
    read,
    target_pod,
    wanted,
)

PHASES = ["", "Pending", "Scheduling", "PreparingTarget", "TargetReady", "Running"]
# Healthy ones, so that each phase can be cancelled without a fault of its own.
INSIST = {"accept_risks": ["NotStuck"]}
SILENT_TARGET = [{"name": "node-a"}, {"name": "node-b", "handler": "not_ready", "handler_since": 300}]
SILENT_SOURCE = [{"name": "node-a", "handler": "not_ready", "handler_since": 300}, {"name": "node-b"}]
DEAD_TARGET = [{"name": "node-a"}, {"name": "node-b", "ready": "Unknown", "since": 700}, {"name": "node-c"}]


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


def evacuating(cluster: Cluster) -> dict[str, Any]:
    """A copy that the evacuation of node-a asked for."""
    vm = {"name": "team-a/web-1", "node": "node-a", "evacuation": True}
    copy = {"vm": "team-a/web-1", "phase": "Running", "since": 20, "target": "node-b", "origin": "evacuation"}
    made = cluster.simulator.play(a_world(vms=[vm], migrations=[copy]))
    return dict(made.migrations["team-a/web-1"][0])


def phase_id(phase: str) -> str:
    return phase or "unset"


# -- each phase: present, absent, check mode, again


@pytest.mark.parametrize("phase", PHASES, ids=phase_id)
def test_cancel_returns_when_kubevirt_has_ended_it(cluster: Cluster, phase: str) -> None:
    vmim = plant(cluster, phase)
    with going_on(cluster):
        result = cancel(cluster, **INSIST)

    entry = only(result)
    assert (entry["state"], entry["code"], result["changed"]) == ("cancelled", "", True), entry
    assert is_gone(cluster, vmim)
    assert read(cluster, f"{VMIS}/web-1")["status"]["nodeName"] == "node-a"
    assert not cluster.simulator.refusals


@pytest.mark.parametrize("phase", PHASES, ids=phase_id)
def test_check_mode_says_all_of_it_and_changes_nothing(cluster: Cluster, phase: str) -> None:
    vmim = plant(cluster, phase, stays=True)
    before = as_is(cluster)
    result = cancel(cluster, check_mode=True, **INSIST)

    assert as_is(cluster) == before
    assert (only(result)["state"], result["changed"]) == ("planned", True)
    assert [(one["action"], one["dry_run"]) for one in result["plan"]] == [
        ("reserve_budget", "accepted"),
        ("take_lock", "accepted"),
        ("post_event", "accepted"),
        ("annotate_migration", "accepted"),
        ("delete_migration", "accepted"),
        ("release_lock", "not_possible"),
    ]
    assert list(result["diff"]["before"]) == [f"team-a/{vmim['metadata']['name']}"]


@pytest.mark.parametrize("phase", PHASES, ids=phase_id)
def test_second_run_changes_nothing(cluster: Cluster, phase: str) -> None:
    plant(cluster, phase)
    with going_on(cluster):
        target = only(cancel(cluster, **INSIST))
    before, mark = as_is(cluster), cluster.audit_mark()
    by_name = cancel(cluster, targets=[target], **INSIST)
    by_vm = cancel(cluster, **INSIST)

    assert [only(result)["state"] for result in (by_name, by_vm)] == ["gone", "gone"]
    assert not by_name["changed"]
    assert (as_is(cluster), writes(cluster, mark)) == (before, [])


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"], ids=str)
def test_one_that_has_ended_is_left_alone(cluster: Cluster, phase: str) -> None:
    meta = plant(cluster, phase)["metadata"]
    target = {"namespace": "team-a", "vm": "web-1", "name": meta["name"], "uid": meta["uid"]}
    mark = cluster.audit_mark()
    result = cancel(cluster, targets=[target])

    assert (only(result)["state"], result["changed"]) == (phase.lower(), False)
    assert writes(cluster, mark) == []


@pytest.mark.parametrize(
    ("vm", "reason"),
    [("web-1", "The VM has no unfinished migration."), ("web-9", "There is no VM web-9 in namespace team-a.")],
    ids=["idle", "missing"],
)
def test_vm_without_a_migration_is_no_change_and_a_missing_vm_is_said(cluster: Cluster, vm: str, reason: str) -> None:
    cluster.simulator.play(a_world())
    result = cancel(cluster, namespace="team-a", vm=vm)

    assert (only(result)["reason"], result["changed"], result["refused"]) == (reason, False, False)


@pytest.mark.parametrize("phase", ["PreparingTarget", "Running"], ids=str)
def test_one_that_is_being_cancelled_is_joined(cluster: Cluster, phase: str) -> None:
    vmim = plant(cluster, phase)
    delete(cluster, vmim)
    mark = cluster.audit_mark()
    with going_on(cluster):
        result = cancel(cluster)

    assert (only(result)["state"], result["changed"]) == ("cancelled", False)
    assert writes(cluster, mark) == []


def test_without_waiting_it_returns_once_kubevirt_was_asked(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running", stays=True)

    assert only(cancel(cluster, wait=False, **INSIST))["state"] == "requested"
    assert "deletionTimestamp" in read(cluster, path_of(vmim))["metadata"]


# -- between the hand-off and the copy


@pytest.mark.parametrize("phase", ["PreparingTarget", "TargetReady"], ids=str)
def test_cancel_hangs_there_and_says_so(cluster: Cluster, phase: str) -> None:
    vmim = plant(cluster, phase, stays=True)
    with going_on(cluster):
        entry = only(cancel(cluster, wait_timeout=1, **INSIST))

    assert (entry["state"], entry["code"]) == ("hanging", "CancelWaitsForPhase")
    assert condition_types(read(cluster, path_of(vmim))) == ["migrationAbortRequested"]


@pytest.mark.parametrize("phase", ["PreparingTarget", "TargetReady"], ids=str)
def test_freed_target_pod_ends_it(cluster: Cluster, phase: str) -> None:
    vmim = plant(cluster, phase, stays=True)
    with going_on(cluster):
        result = cancel(cluster, free_target_pod=True, **INSIST)

    assert only(result)["state"] == "cancelled"
    assert ("delete_target_pod", "done") in steps(result)
    assert is_gone(cluster, vmim)


def test_pod_of_a_cancel_that_hangs_already_can_be_freed(cluster: Cluster) -> None:
    vmim = plant(cluster, "PreparingTarget", stays=True)
    delete(cluster, vmim)
    with going_on(cluster):
        result = cancel(cluster, free_target_pod=True)

    assert only(result)["state"] == "cancelled"
    assert [action for action, _outcome in steps(result)].count("delete_migration") == 0


def test_check_mode_plans_the_pod_too(cluster: Cluster) -> None:
    plant(cluster, "TargetReady", stays=True)
    result = cancel(cluster, check_mode=True, free_target_pod=True, **INSIST)

    assert [one["dry_run"] for one in result["plan"] if one["action"] == "delete_target_pod"] == ["accepted"]


def test_pod_is_never_freed_once_the_copy_runs(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running", stays=True)
    pod = target_pod(cluster, vmim)["metadata"]["name"]
    with going_on(cluster):
        result = cancel(cluster, free_target_pod=True, wait_timeout=1, **INSIST)

    assert "delete_target_pod" not in [action for action, _outcome in steps(result)]
    assert "deletionTimestamp" not in read(cluster, f"{PODS}/{pod}")["metadata"]


def test_pod_on_a_dead_node_hangs_and_fencing_comes_first(cluster: Cluster) -> None:
    vmim = plant(cluster, "PreparingTarget", nodes=DEAD_TARGET, since=600)
    risks = ["TargetNodeDown", "ClusterUnhealthy"]
    with going_on(cluster):
        result = cancel(cluster, free_target_pod=True, wait_timeout=1, accept_risks=risks)

    entry = only(result)
    assert (entry["state"], entry["code"]) == ("hanging", "TargetNodeDown"), entry
    assert "Fence the node first" in entry["reason"]
    assert "deletionTimestamp" in target_pod(cluster, vmim)["metadata"]


def test_stuck_migration_is_cancelled_without_insisting(cluster: Cluster) -> None:
    plant(cluster, "PreparingTarget", nodes=[*SILENT_TARGET, {"name": "node-c"}, {"name": "node-d"}], since=200)
    with going_on(cluster):
        result = cancel(cluster, free_target_pod=True)

    assert only(result)["state"] == "cancelled", only(result)
    assert '"bad_targets": ["node-b"]' in leases(cluster)[0]["metadata"]["annotations"][MEMORY]


MEMORY = "live-migration.kubevirt-ops/memory"


# -- in the copy


def test_source_that_does_not_answer_is_said(cluster: Cluster) -> None:
    plant(cluster, "Running", nodes=SILENT_SOURCE, since=300)
    risks = ["SourceHandlerDown", "ClusterUnhealthy"]
    with going_on(cluster):
        entry = only(cancel(cluster, wait_timeout=1, accept_risks=risks))

    assert (entry["state"], entry["code"]) == ("hanging", "CancelUnanswered"), entry


def test_cause_that_a_cancel_does_not_help_against_refuses_with_its_code(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running", nodes=SILENT_SOURCE, since=300)
    mark = cluster.audit_mark()
    entry = only(cancel(cluster, accept_risks=["ClusterUnhealthy"]))

    assert (entry["state"], entry["code"]) == ("refused", "SourceHandlerDown")
    assert writes(cluster, mark) == []
    assert "deletionTimestamp" not in read(cluster, path_of(vmim))["metadata"]


def test_dead_virt_api_is_said(cluster: Cluster) -> None:
    plant(cluster, "Running")
    cluster.simulator.virt_api.die()
    try:
        with going_on(cluster):
            entry = only(cancel(cluster, wait_timeout=1, **INSIST))
    finally:
        cluster.simulator.virt_api.serve()

    assert (entry["state"], entry["code"]) == ("hanging", "VirtApiUnavailable"), entry


@pytest.mark.parametrize(
    "more", [{}, {"free_target_pod": True}, {"stop_evacuation": True}], ids=["plain", "pod", "stop"]
)
def test_post_copy_is_never_touched(cluster: Cluster, more: dict[str, Any]) -> None:
    plant(cluster, "Running", mode="PostCopy")
    before, mark = as_is(cluster), cluster.audit_mark()
    result = cancel(cluster, **INSIST, **more)

    assert "PostCopyActive" in [one["code"] for one in only(result)["refusals"]]
    assert (as_is(cluster), writes(cluster, mark)) == (before, [])


# -- owners, orphans, others


def test_evacuation_is_refused_as_its_controller_makes_the_next(cluster: Cluster) -> None:
    evacuating(cluster)
    mark = cluster.audit_mark()
    result = cancel(cluster, **INSIST)

    assert only(result)["code"] == "OwnedByController"
    assert (steps(result), writes(cluster, mark)) == ([], [])


def test_evacuation_is_stopped_first_and_makes_no_other(cluster: Cluster) -> None:
    vmim = evacuating(cluster)
    with going_on(cluster):
        result = cancel(cluster, stop_evacuation=True, **INSIST)
    for _turn in range(3):
        cluster.simulator.step()

    acts = [action for action, _outcome in steps(result)]
    assert only(result)["state"] == "cancelled", result
    assert acts.index("cancel_evacuation") < acts.index("delete_migration")
    assert is_gone(cluster, vmim)
    assert items(cluster, MIGRATIONS) == []
    assert "evacuationNodeName" not in read(cluster, f"{VMIS}/web-1")["status"]


def test_check_mode_tries_the_stop_and_stops_nothing(cluster: Cluster) -> None:
    evacuating(cluster)
    result = cancel(cluster, stop_evacuation=True, check_mode=True, **INSIST)

    assert [one["dry_run"] for one in result["plan"] if one["action"] == "cancel_evacuation"] == ["accepted"]
    assert read(cluster, f"{VMIS}/web-1")["status"]["evacuationNodeName"] == "node-a"


@pytest.mark.parametrize("origin", ["workload_update", "volume_update"], ids=str)
def test_updates_are_refused_whatever_evacuation_does(cluster: Cluster, origin: str) -> None:
    plant(cluster, "Running", origin=origin)

    assert only(cancel(cluster, stop_evacuation=True, **INSIST))["code"] == "OwnedByController"


def test_orphan_is_said_and_its_finalizer_stays(cluster: Cluster) -> None:
    vmim = plant(cluster, "Scheduling", pod={"waiting": "ContainerCreating"})
    done(cluster.request("PATCH", f"{VMIS}/web-1", body={"metadata": {"finalizers": None}}))
    done(cluster.request("DELETE", f"{VMIS}/web-1"))
    with going_on(cluster):
        entry = only(cancel(cluster, **INSIST))

    assert (entry["state"], entry["code"]) == ("hanging", "CancelOrphaned"), entry
    assert read(cluster, path_of(vmim))["metadata"]["finalizers"] == ["kubevirt.io/migrationJobFinalize"]


def test_next_migration_of_the_same_name_is_never_touched(cluster: Cluster) -> None:
    old = plant(cluster, "Pending")
    meta = old["metadata"]
    delete(cluster, old)
    cluster.simulator.step()
    new = {**wanted(), "metadata": {"name": meta["name"]}}
    done(cluster.request("POST", MIGRATIONS, body=new, user="tenant"))
    target = {"namespace": "team-a", "vm": "web-1", "name": meta["name"], "uid": meta["uid"]}
    mark = cluster.audit_mark()
    result = cancel(cluster, targets=[target], **INSIST)

    assert (only(result)["state"], result["changed"]) == ("gone", False)
    assert writes(cluster, mark) == []
    assert "deletionTimestamp" not in read(cluster, path_of(old))["metadata"]


def test_migration_of_another_vm_is_refused(cluster: Cluster) -> None:
    meta = plant(cluster, "Running")["metadata"]
    target = {"namespace": "team-a", "vm": "web-2", "name": meta["name"]}

    assert only(cancel(cluster, targets=[target], **INSIST))["code"] == "SeveralMigrations"


def test_two_unfinished_migrations_of_a_vm_must_be_named(cluster: Cluster) -> None:
    running = {"vm": "team-a/web-1", "phase": "Running", "since": 20, "target": "node-b"}
    beside = {"vm": "team-a/web-1", "phase": "Pending", "since": 10, "beside": True}
    made = cluster.simulator.play(a_world(migrations=[running, beside])).migrations["team-a/web-1"]
    entry = only(cancel(cluster, **INSIST))

    assert entry["code"] == "SeveralMigrations"
    assert all(one["metadata"]["name"] in entry["reason"] for one in made)


# -- the trace


def test_event_on_the_vmi_says_who_did_it_and_why_once(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running", stays=True)
    for _run in range(2):
        cancel(cluster, wait=False, reason="node-b is rebooted", actor="jo via job 17", **INSIST)

    found = [one for one in items(cluster, EVENTS) if one["reason"] == "LiveMigrationCancelling"]
    assert [one["involvedObject"]["name"] for one in found] == ["web-1"]
    assert found[0]["message"].endswith("for jo via job 17: node-b is rebooted")
    notes = read(cluster, path_of(vmim))["metadata"]["annotations"]
    assert notes["live-migration.kubevirt-ops/actor"] == "jo via job 17"


def test_actor_is_by_default_whom_the_api_server_sees(cluster: Cluster) -> None:
    plant(cluster, "Running")
    with going_on(cluster):
        cancel(cluster, **INSIST)

    found = [one for one in items(cluster, EVENTS) if one["reason"] == "LiveMigrationCancelling"]
    assert found[0]["message"].endswith("for admin")


@pytest.mark.parametrize("skew", [-600, 600], ids=["behind", "ahead"])
def test_wrong_clock_of_the_runner_changes_nothing(cluster: Cluster, skew: int) -> None:
    plant(cluster, "Running")
    with going_on(cluster):
        result = cancel(cluster, skew=skew, **INSIST)

    assert only(result)["state"] == "cancelled"
    at = datetime.fromisoformat(leases(cluster)[0]["spec"]["renewTime"].replace("Z", "+00:00"))
    # A minute is room for the slowest machine; the runner's ten would show.
    assert abs((Skewed().now() - at).total_seconds()) < 60
