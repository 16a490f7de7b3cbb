# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulator answers to a deletion, in each phase, and to the end of a target pod, as KubeVirt does."""

from __future__ import annotations

import pytest

from tests.cluster import Cluster
from tests.integration.simulated import (
    NAMESPACE,
    PODS,
    VMIS,
    VMS,
    condition_types,
    delete,
    done,
    is_gone,
    path_of,
    phase,
    plant,
    read,
    said,
    step,
    target_pod,
)

MIGRATION, VMI = "VirtualMachineInstanceMigration", "VirtualMachineInstance"


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    cluster.simulator.clock.factor = 1.0
    cluster.simulator.refusals.clear()


@pytest.mark.parametrize("planted", ["", "Pending", "Scheduling"])
def test_cancel_before_the_hand_off_ends_it_at_once(cluster: Cluster, planted: str) -> None:
    vmim = plant(cluster, planted, pod={"waiting": "ContainerCreating"} if planted == "Scheduling" else None)
    delete(cluster, vmim)
    cluster.simulator.step()

    assert is_gone(cluster, vmim)
    assert said(cluster, MIGRATION)["FailedMigration"] == "Migration failed due to being canceled"
    assert "migrationState" not in read(cluster, f"{VMIS}/web-1")["status"]


def test_cancel_while_scheduling_deletes_the_target_pod(cluster: Cluster) -> None:
    vmim = plant(cluster, "Scheduling", pod={"waiting": "ContainerCreating"})
    pod = target_pod(cluster, vmim)["metadata"]["name"]
    delete(cluster, vmim)
    cluster.simulator.step()

    assert cluster.request("GET", f"{PODS}/{pod}")[0] == 404
    words = f"migration canceled and pod {NAMESPACE}/{pod} is deleted"
    assert said(cluster, MIGRATION)["SuccessfulDelete"] == words


def test_cancel_under_a_silent_controller_hangs_until_it_is_back(cluster: Cluster) -> None:
    vmim = cluster.simulator.play("controller-silent-unset").migrations["team-a/web-1"][0]
    delete(cluster, vmim)
    cluster.simulator.step()
    assert "deletionTimestamp" in read(cluster, path_of(vmim))["metadata"]
    cluster.simulator.controller(silent=False)
    cluster.simulator.step()

    assert is_gone(cluster, vmim)


@pytest.mark.parametrize("planted", ["PreparingTarget", "TargetReady"])
def test_cancel_after_the_hand_off_only_adds_a_condition(cluster: Cluster, planted: str) -> None:
    vmim = plant(cluster, planted, stays=True)
    before = said(cluster, MIGRATION)
    delete(cluster, vmim)
    step(cluster, 2)

    left = read(cluster, path_of(vmim))
    assert condition_types(left) == ["migrationAbortRequested"]
    assert left["status"]["conditions"][0]["lastTransitionTime"] is None
    assert left["status"]["phase"] == planted
    assert said(cluster, MIGRATION) == before
    assert "abortRequested" not in read(cluster, f"{VMIS}/web-1")["status"]["migrationState"]


def test_cancel_after_the_hand_off_goes_on_to_the_copy_and_is_aborted_there(cluster: Cluster) -> None:
    vmim = plant(cluster, "PreparingTarget")
    delete(cluster, vmim)
    step(cluster, 3)

    assert is_gone(cluster, vmim)
    assert read(cluster, f"{VMIS}/web-1")["status"]["migrationState"]["abortStatus"] == "Succeeded"


def test_cancel_of_a_copy_is_answered_by_the_source_node(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running")
    delete(cluster, vmim)
    cluster.simulator.step()

    assert is_gone(cluster, vmim)
    state = read(cluster, f"{VMIS}/web-1")["status"]["migrationState"]
    assert (state["abortRequested"], state["abortStatus"], state["failed"]) == (True, "Succeeded", True)
    assert state["failureReason"] == "Live migration has been aborted"
    words = said(cluster, MIGRATION)
    assert words["SuccessfulAbortMigration"] == "Migration is ready to be canceled by virt-handler."
    assert words["FailedMigration"] == "source node reported migration failed"


def test_cancel_of_a_copy_hangs_while_the_source_node_is_silent(cluster: Cluster) -> None:
    nodes = [{"name": "node-a", "handler": "not_ready", "handler_since": 30}, {"name": "node-b"}]
    vmim = plant(cluster, "Running", nodes=nodes)
    delete(cluster, vmim)
    step(cluster, 3)

    assert phase(cluster, vmim) == "Running"
    state = read(cluster, f"{VMIS}/web-1")["status"]["migrationState"]
    assert state["abortRequested"] is True
    assert "endTimestamp" not in state
    assert read(cluster, f"{VMS}/web-1")["status"]["printableStatus"] == "Migrating"


def test_cancel_in_post_copy_is_not_answered(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running", mode="PostCopy")
    delete(cluster, vmim)
    cluster.simulator.step()

    assert phase(cluster, vmim) == "Running"


def test_cancel_of_a_copy_while_virt_api_is_dead_never_asks_for_the_abort(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running")
    delete(cluster, vmim)
    cluster.simulator.virt_api.die()
    try:
        cluster.simulator.step()
    finally:
        cluster.simulator.virt_api.serve()

    assert "abortRequested" not in read(cluster, f"{VMIS}/web-1")["status"]["migrationState"]
    words = said(cluster, MIGRATION)["FailedAbortMigration"]
    assert words.startswith(
        "failed to set MigrationState in VMI status. :Internal error occurred: failed calling webhook"
    )
    assert '"virtualmachineinstances-mutator.kubevirt.io"' in words


@pytest.mark.parametrize("planted", ["PreparingTarget", "TargetReady", "Running"])
def test_target_pod_that_goes_away_fails_the_migration(cluster: Cluster, planted: str) -> None:
    vmim = plant(cluster, planted, stays=True)
    pod = target_pod(cluster, vmim)["metadata"]["name"]
    done(cluster.request("DELETE", f"{PODS}/{pod}"))
    step(cluster, 2)

    assert phase(cluster, vmim) == "Failed"
    state = read(cluster, f"{VMIS}/web-1")["status"]["migrationState"]
    assert (state["failed"], state["failureReason"]) == (True, "Target pod is down")
    uid = vmim["metadata"]["uid"]
    assert said(cluster, VMI)["FailedMigration"] == (
        f"VirtualMachineInstance migration uid {uid} failed. reason: Target pod is down"
    )


def test_pod_of_a_silent_kubelet_stays_terminating(cluster: Cluster) -> None:
    nodes = [{"name": "node-a"}, {"name": "node-b", "ready": "Unknown", "since": 100}]
    vmim = plant(cluster, "PreparingTarget", nodes=nodes)
    delete(cluster, vmim)
    pod = target_pod(cluster, vmim)["metadata"]["name"]
    done(cluster.request("DELETE", f"{PODS}/{pod}"))
    step(cluster, 3)

    assert "deletionTimestamp" in read(cluster, f"{PODS}/{pod}")["metadata"]
    assert phase(cluster, vmim) == "PreparingTarget"


def test_migration_whose_vmi_is_gone_hangs_until_one_of_that_name_exists(cluster: Cluster) -> None:
    vmim = plant(cluster, "Scheduling", pod={"waiting": "ContainerCreating"})
    vmi = read(cluster, f"{VMIS}/web-1")
    done(cluster.request("PATCH", f"{VMIS}/web-1", body={"metadata": {"finalizers": None}}))
    done(cluster.request("DELETE", f"{VMIS}/web-1"))
    step(cluster, 2)
    assert "deletionTimestamp" in read(cluster, path_of(vmim))["metadata"]
    kept = {key: vmi["metadata"][key] for key in ("name", "namespace", "labels")}
    done(cluster.request("POST", VMIS, body={**vmi, "metadata": kept}))
    cluster.simulator.step()

    assert is_gone(cluster, vmim)
