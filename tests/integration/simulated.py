# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short words for tests of the simulator: paths, requests that must succeed, and objects by name."""

from __future__ import annotations

from typing import Any

from tests.cluster import Cluster

NAMESPACE = "team-a"
CREATE = "migration-create-validator.kubevirt.io"
KUBEVIRT = "/apis/kubevirt.io/v1"
MIGRATIONS = f"{KUBEVIRT}/namespaces/{NAMESPACE}/virtualmachineinstancemigrations"
VMIS = f"{KUBEVIRT}/namespaces/{NAMESPACE}/virtualmachineinstances"
VMS = f"{KUBEVIRT}/namespaces/{NAMESPACE}/virtualmachines"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
EVENTS = f"/api/v1/namespaces/{NAMESPACE}/events"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kubevirt/leases/virt-controller"

Object = dict[str, Any]


def wanted(vmi: str = "web-1", **spec: Any) -> Object:
    """A migration as a user sends it."""
    kind = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration"}
    return {**kind, "metadata": {"generateName": "move-"}, "spec": {"vmiName": vmi, **spec}}


def done(answer: tuple[int, Any]) -> Object:
    """The body of an answer that must be a good one."""
    status, body = answer
    assert status < 300, body
    assert isinstance(body, dict)
    return body


def read(cluster: Cluster, path: str) -> Object:
    """An object that must be there."""
    return done(cluster.request("GET", path))


def items(cluster: Cluster, path: str) -> list[Object]:
    """A collection."""
    return list(read(cluster, path)["items"])


def path_of(vmim: Object) -> str:
    """The path of a migration."""
    return f"{KUBEVIRT}/namespaces/{vmim['metadata']['namespace']}/virtualmachineinstancemigrations/" + str(
        vmim["metadata"]["name"]
    )


def create(cluster: Cluster, vmi: str = "web-1") -> Object:
    """A migration that a user asked for."""
    return done(cluster.request("POST", MIGRATIONS, body=wanted(vmi), user="tenant"))


def delete(cluster: Cluster, vmim: Object) -> None:
    """Ask for the migration to be cancelled."""
    done(cluster.request("DELETE", path_of(vmim), user="tenant"))


def is_gone(cluster: Cluster, vmim: Object) -> bool:
    """Whether the API server knows it no more."""
    return cluster.request("GET", path_of(vmim))[0] == 404


def has_ended_by_delete(vmim: Object) -> bool:
    """Whether KubeVirt has ended a migration that is being deleted: what is left is to take its finalizer off, a
    moment in which a module may have said already that it is cancelled."""
    phase_now = (vmim.get("status") or {}).get("phase")
    return "deletionTimestamp" in vmim["metadata"] and phase_now in ("Succeeded", "Failed")


def is_cancelled(cluster: Cluster, vmim: Object) -> bool:
    """Whether the migration is gone or has ended by its deletion, for tests that look while the cluster lives."""
    status, found = cluster.request("GET", path_of(vmim))
    return status == 404 or has_ended_by_delete(done((status, found)))


def phase(cluster: Cluster, vmim: Object) -> str:
    """The migration's phase."""
    return str((read(cluster, path_of(vmim)).get("status") or {}).get("phase") or "")


def step_until(cluster: Cluster, vmim: Object, *, phase_is: str) -> None:
    """Step until the migration is in a phase."""
    for _turn in range(12):
        if phase(cluster, vmim) == phase_is:
            return
        cluster.simulator.step()
    raise AssertionError(f"{phase(cluster, vmim)!r} is not {phase_is!r}: {cluster.simulator.refusals}")


def step(cluster: Cluster, times: int) -> None:
    """So many steps."""
    for _turn in range(times):
        cluster.simulator.step()


def said(cluster: Cluster, about: str) -> dict[str, str]:
    """Messages of the events about objects of a kind, by reason; of several with one reason the newest."""
    found = [event for event in items(cluster, EVENTS) if event["involvedObject"]["kind"] == about]
    ordered = sorted(found, key=lambda event: int(event["metadata"]["resourceVersion"]))
    return {event["reason"]: event["message"] for event in ordered}


def condition_types(obj: Object) -> list[str]:
    """The types of an object's conditions."""
    return [condition["type"] for condition in (obj.get("status") or {}).get("conditions", [])]


def target_pod(cluster: Cluster, vmim: Object) -> Object:
    """The migration's target pod."""
    label = f"kubevirt.io/migrationJobUID={vmim['metadata']['uid']}"
    found = done(cluster.request("GET", PODS, query={"labelSelector": label}))["items"]
    assert len(found) == 1
    return dict(found[0])


SEVERAL: dict[str, Any] = {
    "title": "VMs in several states",
    "nodes": [{"name": "node-a"}, {"name": "node-b"}],
    "vms": [
        {"name": "team-a/web-1", "node": "node-a"},
        {"name": "team-a/web-2", "node": "node-a", "phase": "Scheduling"},
        {"name": "team-a/old-1"},
        {
            "name": "team-a/disk-1",
            "node": "node-a",
            "not_migratable": {
                "reason": "DisksNotLiveMigratable",
                "message": "cannot migrate VMI: PVC data is not shared",
            },
        },
    ],
}
QUIET: dict[str, Any] = {
    "title": "two nodes and a VM",
    "nodes": [{"name": "node-a"}, {"name": "node-b"}],
    "vms": [{"name": "team-a/web-1", "node": "node-a"}],
}


def a_world(**more: Any) -> dict[str, Any]:
    """Two nodes and a VM, with this changed."""
    return {**QUIET, **more}


def plant(cluster: Cluster, phase_wanted: str, **more: Any) -> dict[str, Any]:
    """A migration of team-a/web-1 to node-b that stands in a phase."""
    nodes = more.pop("nodes", QUIET["nodes"])
    migration = {"vm": "team-a/web-1", "phase": phase_wanted, "since": 20, "target": "node-b", **more}
    made = cluster.simulator.play(a_world(nodes=nodes, migrations=[migration]))
    return dict(made.migrations["team-a/web-1"][0])


def denied(webhook: str, text: str) -> str:
    """What the API server makes of a webhook's words."""
    return f'admission webhook "{webhook}" denied the request: {text}'


def refusal(answer: tuple[int, Any]) -> tuple[int, str | None, str]:
    """Code, reason and message of an answer."""
    status, body = answer
    return status, body.get("reason"), body["message"]


def causes(answer: tuple[int, Any]) -> list[tuple[str, str | None]]:
    """Reason and field of each cause."""
    return [(cause["reason"], cause.get("field")) for cause in answer[1]["details"]["causes"]]
