# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small whole clusters: one VM and all that belongs to its migration, healthy or with one thing wrong.

Each VM has nodes of its own, so that worlds of different VMs can be put together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.assemble import assemble_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Progress
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement
from tests.unit.builders import (
    NOW,
    Object,
    a_condition,
    a_handler,
    a_kubevirt,
    a_launcher,
    a_lease,
    a_migration,
    a_node,
    a_starting_launcher,
    a_state,
    a_vmi,
    an_event,
    an_unschedulable_launcher,
)

HANDED_OVER = ("PreparingTarget", "TargetReady", "Running", "Succeeded")


@dataclass
class World:
    """Raw objects by kind. The first migration, VMI and so on are those of the VM the world is about."""

    migrations: list[Object]
    vmis: list[Object]
    pods: list[Object]
    nodes: list[Object]
    kubevirt: Object | None = field(default_factory=a_kubevirt)
    leases: list[Object] = field(default_factory=lambda: [a_lease()])
    events: list[Object] = field(default_factory=lambda: [an_event("somebody-else", "LeaderElection")])
    vmi_is_gone: bool = False
    all_pods: bool = False
    progress: dict[tuple[str, str], Progress] = field(default_factory=dict)

    @property
    def migration(self) -> Object:
        return self.migrations[0]

    @property
    def vmi(self) -> Object:
        return self.vmis[0]

    @property
    def state(self) -> Object:
        found: Object = self.vmi["status"]["migrationState"]
        return found

    def pod(self, name: str) -> Object:
        """The pod whose name ends so."""
        return next(pod for pod in self.pods if pod["metadata"]["name"].endswith(name))

    def node(self, name: str) -> Object:
        """The node whose name begins so."""
        return next(node for node in self.nodes if node["metadata"]["name"].startswith(name))

    def snapshot(self, *, now: datetime = NOW) -> Snapshot:
        found = assemble_snapshot(
            self.migrations,
            now=now,
            vmis=self.vmis,
            pods=self.pods,
            nodes=self.nodes,
            kubevirt=self.kubevirt,
            events=self.events,
            leases=self.leases,
            all_pods=self.all_pods,
        )
        found = replace(found, progress=self.progress)
        # Only who has read it alone knows that there is none.
        gone = dict.fromkeys(list(found.vmis)[:1] if self.vmi_is_gone else ())
        return replace(found, vmis={**found.vmis, **gone})

    def judge(self, **options: Any) -> tuple[Judgement, ...]:
        return judge_snapshot(self.snapshot(), **options)

    def first(self, **options: Any) -> Judgement:
        """The judgement of the VM the world is about."""
        return self.judge(**options)[0]


def judged(world: World, /, **options: Any) -> tuple[str, str]:
    """(verdict, first cause) of the VM the world is about."""
    found = world.first(**options)
    return found.verdict, found.causes[0].code if found.causes else ""


def cause_of(world: World, code: str) -> Cause | None:
    """That cause of the VM the world is about, None where it does not hold."""
    return next((cause for cause in world.first().causes if cause.code == code), None)


def gaps_of(world: World) -> set[str]:
    """Codes that could not be looked for."""
    return {gap.code for gap in world.first().gaps}


def together(*worlds: World, **parts: Any) -> World:
    """One cluster with the VMs of all; KubeVirt and lease are the first's unless given."""
    first = worlds[0]
    lists = {
        kind: [item for world in worlds for item in getattr(world, kind)]
        for kind in ("migrations", "vmis", "pods", "nodes", "events")
    }
    progress = {key: found for world in worlds for key, found in world.progress.items()}
    common = {"kubevirt": first.kubevirt, "leases": first.leases, "all_pods": first.all_pods, "progress": progress}
    common["vmi_is_gone"] = first.vmi_is_gone
    return World(**{**common, **lists, **parts})


# -- healthy ones


def a_world(phase: str = "Pending", *, vm: str = "web-1", age_seconds: int = 30, **more: Any) -> World:
    """All is well with it, only `age_seconds` may be too many. `more` goes to the migration."""
    source, target = f"src-{vm}", f"dst-{vm}"
    pods = [a_launcher(vm=vm), a_handler(source), a_handler(target)]
    if phase == "Scheduling":
        pods.append(a_starting_launcher(vm=vm, age_seconds=age_seconds))
    elif phase in ("Scheduled", *HANDED_OVER):
        pods.append(a_launcher("target", vm=vm, age_seconds=age_seconds))
    started = age_seconds if phase in ("Running", "Succeeded") else None
    state = a_state(vm, started_seconds=started) if phase in HANDED_OVER else None
    if phase == "Succeeded":
        state = a_state(vm, started_seconds=started, ended_seconds=5)
        more["state"] = state
    return World(
        migrations=[a_migration(phase, vm=vm, age_seconds=age_seconds, **more)],
        vmis=[a_vmi(vm, state=state)],
        pods=pods,
        nodes=[a_node(source), a_node(target)],
    )


def a_copy(age_seconds: int = 60, *, vm: str = "web-1", memory: str = "8Gi", **state: Any) -> World:
    """Running for so long."""
    world = a_world("Running", vm=vm, age_seconds=age_seconds)
    world.vmis = [a_vmi(vm, memory=memory, state=world.state | state)]
    return world


def a_failed(*, vm: str = "web-1", age_seconds: int = 300, **more: Any) -> World:
    """Ended as failed 5 s ago."""
    state = a_state(vm, started_seconds=age_seconds, ended_seconds=5, failed=True, failureReason="Target pod is down")
    world = a_world("Pending", vm=vm)
    more = {"phase_seconds": 5, "state": state, **more}
    world.migrations = [a_migration("Failed", vm=vm, age_seconds=age_seconds, **more)]
    world.vmis = [a_vmi(vm, state=state)]
    return world


def after_failures(count: int = 3, *, world: World | None = None) -> World:
    """The same, by default a VM in a queue, after that many failed attempts, each to node-z."""
    world = world or queue(a_copy(vm="one"), per_cluster=1)
    for number in range(count):
        vm = world.vmi["metadata"]["name"]
        state = a_state(vm, ended_seconds=5, failed=True, failureReason="Target pod is down", targetNode="node-z")
        state["migrationUid"] = f"failed-{number}"
        world.migrations.append(a_migration("Failed", vm=vm, age_seconds=3000, uid=f"failed-{number}", state=state))
    return world


def bad_target(*, vm: str = "web-1") -> World:
    """Two other VMs failed on its target, and one reached another node."""
    world, node = a_copy(60, vm=vm), f"dst-{vm}"
    for other, phase, target in (("two", "Failed", node), ("ok", "Succeeded", "node-z"), ("three", "Failed", node)):
        reason = {"failureReason": "Target pod is down"} if phase == "Failed" else {}
        state = a_state(other, ended_seconds=5, targetNode=target, **reason)
        world.migrations.append(a_migration(phase, vm=other, age_seconds=3000, state=state))
    return world


def leaving(node: str, world: World) -> World:
    """The same, with its VM on `node`, which is well."""
    if "migrationState" in world.vmi["status"]:
        world.state["sourceNode"] = node
    world.vmi["status"]["nodeName"] = node
    world.pod("-source")["spec"]["nodeName"] = node
    world.nodes.append(a_node(node))
    world.pods.append(a_handler(node))
    return world


# -- one thing wrong, for so many seconds


def silent_lease(seconds: int = 75, *, vm: str = "web-1", age_seconds: int = 600) -> World:
    """The lease was renewed so long ago; it is given for 15 s."""
    world = a_world("Pending", vm=vm, age_seconds=age_seconds)
    world.leases = [a_lease(renewed_seconds=seconds)]
    return world


def quota(seconds: int = 90, *, vm: str = "web-1") -> World:
    world = a_world("Pending", vm=vm, age_seconds=seconds)
    condition = {"type": "migrationRejectedByResourceQuota", "status": "True", "lastTransitionTime": None}
    condition["lastProbeTime"] = world.migration["metadata"]["creationTimestamp"]
    world.migration["status"]["conditions"] = [condition]
    message = 'failed to create virtual machine pod: pods "x" is forbidden: exceeded quota: compute, requested: 9Gi'
    world.events.append(an_event(f"vmi-{vm}", "FailedCreate", message, first_seconds=seconds))
    return world


def selinux(seconds: int = 90, *, vm: str = "web-1") -> World:
    world = a_world("Pending", vm=vm, age_seconds=seconds)
    world.vmi["status"]["selinuxContext"] = ""
    return world


def leftover(seconds: int = 90, *, vm: str = "web-1") -> World:
    world = a_world("Pending", vm=vm, age_seconds=seconds)
    world.pods.append(a_launcher("old", vm=vm, age_seconds=4000))
    return world


def unschedulable(seconds: int = 90, *, vm: str = "web-1") -> World:
    world = a_world("Scheduling", vm=vm, age_seconds=seconds)
    world.pods[-1] = an_unschedulable_launcher(vm=vm, age_seconds=seconds)
    return world


def image_pull(seconds: int = 130, *, vm: str = "web-1") -> World:
    """The pod waits that long, and the first pull failed then."""
    world = a_world("Scheduling", vm=vm, age_seconds=seconds)
    world.pods[-1] = a_starting_launcher(vm=vm, age_seconds=seconds, reason="ImagePullBackOff")
    world.events.append(an_event(f"pod-{vm}-target", "Failed", "Error: ErrImagePull", first_seconds=seconds))
    return world


def volume(seconds: int = 130, *, vm: str = "web-1") -> World:
    world = a_world("Scheduling", vm=vm, age_seconds=seconds)
    message = 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s)'
    world.events.append(an_event(f"pod-{vm}-target", "FailedAttachVolume", message, first_seconds=seconds))
    return world


def node_down(side: str, seconds: int = 400, *, vm: str = "web-1", phase: str = "Running") -> World:
    """That node is silent for so long: its pods are no longer Ready, its heartbeat is as old."""
    world = a_world(phase, vm=vm, age_seconds=700) if phase != "Running" else a_copy(700, vm=vm)
    name = f"{side}-{vm}"
    world.nodes = [node for node in world.nodes if node["metadata"]["name"] != name]
    world.nodes.append(a_node(name, ready="Unknown", since_seconds=seconds, heartbeat_seconds=seconds))
    for pod in world.pods:
        if pod["spec"]["nodeName"] == name:
            conditions = [one for one in pod["status"]["conditions"] if one["type"] != "Ready"]
            pod["status"]["conditions"] = [*conditions, a_condition("Ready", "False", seconds=seconds)]
    return world


def handler_down(side: str, seconds: int = 90, *, vm: str = "web-1", phase: str = "Running") -> World:
    """virt-handler on that node is not Ready for so long."""
    world = a_world(phase, vm=vm, age_seconds=200)
    name = f"{side}-{vm}"
    world.pods = [pod for pod in world.pods if pod["metadata"]["name"] != f"virt-handler-{name}"]
    world.pods.append(a_handler(name, ready=False, since_seconds=seconds))
    return world


def old_heartbeat(side: str, seconds: int = 400, *, vm: str = "web-1", phase: str = "Running") -> World:
    """virt-handler there is Ready, but has said nothing for so long."""
    world = a_world(phase, vm=vm, age_seconds=200)
    world.nodes = [node for node in world.nodes if node["metadata"]["name"] != f"{side}-{vm}"]
    world.nodes.append(a_node(f"{side}-{vm}", heartbeat_seconds=seconds))
    return world


def same_node(seconds: int = 90, *, vm: str = "web-1") -> World:
    world = a_world("PreparingTarget", vm=vm, age_seconds=seconds)
    world.state["targetNode"] = f"src-{vm}"
    world.pod("-target")["spec"]["nodeName"] = f"src-{vm}"
    return world


def cancel_unanswered(seconds: int = 61, *, vm: str = "web-1") -> World:
    world = a_copy(300, vm=vm, abortRequested=True)
    world.migrations = [a_migration("Running", vm=vm, age_seconds=300, deleted_seconds=seconds)]
    return world


def cancelled_target(deleted_seconds: int = 30, *, started_seconds: int = 100, phase: str = "PreparingTarget") -> World:
    """Cancelled in a phase in which KubeVirt acts only when the target launcher ends."""
    return a_world(phase, age_seconds=started_seconds, deleted_seconds=deleted_seconds)


def evacuation(world: World) -> World:
    """The same, made by the evacuation controller which still wants the VM moved."""
    node = world.vmi["status"]["nodeName"]
    world.migration["metadata"]["annotations"]["kubevirt.io/evacuationMigration"] = node
    world.vmi["status"]["evacuationNodeName"] = node
    return world


def queue(
    *holders: World, per_cluster: int | None = None, outbound: int | None = None, age_seconds: int = 90, node: str = ""
) -> World:
    """One that waits, on `node` if given, behind `holders`."""
    waiting = a_world("Pending", vm="waiting", age_seconds=age_seconds)
    if node:
        waiting.vmi["status"]["nodeName"] = node
        waiting.pod("-source")["spec"]["nodeName"] = node
    return together(waiting, *holders, kubevirt=a_kubevirt(per_cluster=per_cluster, outbound=outbound))
