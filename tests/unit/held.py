# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More small clusters with one thing wrong: what holds a migration beside slots, nodes and volumes."""

from __future__ import annotations

from typing import Any

from tests.unit import worlds
from tests.unit.builders import (
    Object,
    a_condition,
    a_kubevirt,
    a_launcher,
    a_migration,
    a_node,
    a_state,
    ago,
    an_event,
)
from tests.unit.placing import (
    HOSTNAME,
    MODEL,
    OWNER,
    REQUIRED,
    SCHEDULABLE,
    a_place,
    a_pod_there,
    requests,
)
from tests.unit.worlds import World, a_copy, a_failed, a_world, evacuation

CALL = (
    'Internal error occurred: failed calling webhook "virtualmachineinstances-update-validator.kubevirt.io": failed to '
    'call webhook: Post "https://virt-api.kubevirt.svc:443/x": dial tcp 10.0.0.1:443: connect: connection refused'
)


def with_event(world: World, about: str, reason: str, message: str, *, first: int, last: int = 5) -> World:
    """The same with a warning about the object with that UID."""
    world.events.append(an_event(about, reason, message, first_seconds=first, last_seconds=last))
    return world


def virt_api(seconds: int = 60, *, vm: str = "web-1") -> World:
    """virt-controller cannot hand over, as virt-api's webhook does not answer."""
    world = a_world("Scheduled", vm=vm, age_seconds=seconds)
    return with_event(world, f"mig-{vm}", "FailedHandOver", CALL, first=seconds)


def virt_api_at_a_cancel(seconds: int = 61, *, vm: str = "web-1") -> World:
    """A cancel was asked for, and virt-controller cannot write that to the VMI."""
    world = a_copy(300, vm=vm)
    world.migrations = [a_migration("Running", vm=vm, age_seconds=300, deleted_seconds=seconds)]
    said = f"failed to set MigrationState in VMI status. :{CALL}"
    return with_event(world, f"mig-{vm}", "FailedAbortMigration", said, first=seconds)


def handed_to_another(seconds: int = 60, *, vm: str = "web-1") -> World:
    """The VM was stopped and started: its new VMI knows nothing of the migration."""
    world = a_copy(seconds, vm=vm)
    world.state["migrationUid"] = "somebody-else"
    return world


def orphaned(seconds: int = 61, *, vm: str = "web-1") -> World:
    """Being deleted, and there is no VMI of that name."""
    world = a_world("Scheduling", vm=vm, age_seconds=400, deleted_seconds=seconds)
    world.vmi_is_gone = True
    return world


def limits(seconds: int = 60, *, vm: str = "web-1") -> World:
    """No migration may run."""
    world = a_world("Pending", vm=vm, age_seconds=seconds)
    world.kubevirt = a_kubevirt(per_cluster=0)
    return world


def older(seconds: int = 90, *, vm: str = "web-1") -> World:
    """Two were created at once, and the older one copies."""
    world = a_copy(seconds, vm=vm)
    younger = a_migration("Pending", vm=vm, uid=f"younger-{vm}", age_seconds=seconds - 1)
    world.migrations = [younger, *world.migrations]
    return world


def vmi_in(phase: str, *, seconds: int = 120, vm: str = "web-1") -> World:
    """The VMI is in another phase than Running."""
    world = a_world("Pending", vm=vm, age_seconds=seconds)
    world.vmi["status"]["phase"] = phase
    return world


def _waiting_by(condition: str, seconds: int, *, vm: str) -> World:
    found: Object = {"type": condition, "status": "True", "lastTransitionTime": None, "lastProbeTime": ago(seconds)}
    return a_world("Pending", vm=vm, age_seconds=seconds, conditions=[found])


def backup(seconds: int = 90, *, vm: str = "web-1") -> World:
    return _waiting_by("migrationBlockedByBackup", seconds, vm=vm)


def utility_volumes(seconds: int = 90, *, vm: str = "web-1") -> World:
    return _waiting_by("migrationBlockedByUtilityVolumes", seconds, vm=vm)


def backoff(seconds: int = 30, *, failures: int = 3, vm: str = "web-1") -> World:
    """An evacuation's migration, made right after the last of so many failures."""
    world = evacuation(a_world("Pending", vm=vm, age_seconds=seconds))
    for number in range(failures):
        age = seconds + 1 + 100 * number
        world.migrations.append(
            a_migration("Failed", vm=vm, uid=f"failed-{number}-{vm}", age_seconds=age + 50, phase_seconds=age)
        )
    return world


def pod_security(seconds: int = 60, *, vm: str = "web-1") -> World:
    said = (
        f"failed to render launch manifest: failed to create target pod for vmi team-a/{vm}, it needs a privileged "
        'namespace to run: pods "x" is forbidden: violates PodSecurity "restricted:latest"'
    )
    return with_event(
        a_world("Pending", vm=vm, age_seconds=seconds), f"vmi-{vm}", "FailedCreate", said, first=seconds, last=1
    )


def pod_refused(seconds: int = 60, *, last: int = 1, vm: str = "web-1") -> World:
    """Another webhook refuses the target pod: the last try was so long ago."""
    said = 'Error creating pod: admission webhook "pods.example.com" denied the request: no registry of ours'
    return with_event(
        a_world("Pending", vm=vm, age_seconds=seconds), f"vmi-{vm}", "FailedCreate", said, first=seconds, last=last
    )


def pod_network(seconds: int = 120, *, last: int = 5, vm: str = "web-1") -> World:
    said = "Failed to create pod sandbox: rpc error: plugin type=multus failed (add): network not found"
    world = a_world("Scheduling", vm=vm, age_seconds=seconds)
    return with_event(world, f"pod-{vm}-target", "FailedCreatePodSandBox", said, first=seconds, last=last)


def pod_crashed(seconds: int = 60, *, vm: str = "web-1") -> World:
    """The target launcher has ended, and virt-controller has not said anything of it."""
    world = a_world("PreparingTarget", vm=vm, age_seconds=max(seconds, 100))
    ended = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(seconds)}
    compute: Object = {"name": "compute", "ready": False, "state": {"terminated": ended}}
    world.pod("-target")["status"] |= {"phase": "Failed", "containerStatuses": [compute]}
    return world


def kubelet_silent(seconds: int = 60, *, vm: str = "web-1") -> World:
    """The pod is bound to a node that stopped a little before."""
    world = a_world("Scheduling", vm=vm, age_seconds=seconds)
    bound = a_condition("PodScheduled", "True", seconds=seconds)
    world.pod("-target")["status"] = {"phase": "Pending", "conditions": [bound]}
    name = f"dst-{vm}"
    world.nodes = [node for node in world.nodes if node["metadata"]["name"] != name]
    world.nodes.append(a_node(name, ready="Unknown", since_seconds=70, heartbeat_seconds=110))
    return world


def not_admitted(seconds: int = 60, *, vm: str = "web-1") -> World:
    world = a_world("Scheduling", vm=vm, age_seconds=seconds)
    bound = a_condition("PodScheduled", "True", seconds=seconds)
    said = {"reason": "OutOfmemory", "message": "Pod was rejected: Node didn't have enough resource: memory"}
    world.pod("-target")["status"] = {"phase": "Failed", "conditions": [bound], **said}
    return world


def hand_over(seconds: int = 120, *, vm: str = "web-1") -> World:
    said = "failed to set MigrationState in VMI status. :the server rejected our request"
    world = a_world("Scheduled", vm=vm, age_seconds=seconds)
    return with_event(world, f"mig-{vm}", "FailedHandOver", said, first=seconds)


def sync_failed(seconds: int = 120, *, last: int = 5, vm: str = "web-1") -> World:
    """virt-handler has said so from the first moment on."""
    said = 'server error. command SyncMigrationTarget failed: "LibvirtError(Code=38)"'
    world = a_world("PreparingTarget", vm=vm, age_seconds=seconds)
    return with_event(world, f"vmi-{vm}", "SyncFailed", said, first=seconds, last=last)


def guest_io_error(seconds: int = 60, *, vm: str = "web-1") -> World:
    world = a_copy(max(seconds, 100), vm=vm)
    paused = a_condition("Paused", "True", seconds=seconds, reason="PausedIOError", message="VMI was paused, IO error")
    world.vmi["status"]["conditions"].append(paused)
    return world


def _moved(seconds: int, *, vm: str, **state: Any) -> World:
    """The copy has ended so long ago."""
    world = a_copy(200 + seconds, vm=vm)
    ended = a_state(
        vm, started_seconds=200 + seconds, ended_seconds=seconds, targetNodeDomainReadyTimestamp=ago(seconds)
    )
    world.vmi["status"] |= {"migrationState": ended | state, "nodeName": f"dst-{vm}"}
    return world


def hotplug_change(seconds: int = 120, *, vm: str = "web-1") -> World:
    world = _moved(seconds, vm=vm)
    world.vmi["status"]["conditions"].append(a_condition("HotMemoryChange", "True", seconds=seconds + 300))
    return world


def persistent_state(seconds: int = 60, *, vm: str = "web-1") -> World:
    return _moved(seconds, vm=vm, sourcePersistentStatePVCName=f"persistent-state-for-{vm}")


def other_side(seconds: int = 120, *, vm: str = "web-1") -> World:
    """The source's side of a migration between clusters, whose other side has said nothing."""
    world = a_world("Synchronizing", vm=vm, age_seconds=seconds)
    world.migration["spec"]["sendTo"] = {"migrationID": "m-1", "connectURL": "10.9.0.1:9185"}
    return world


def not_migratable(*, vm: str = "web-1") -> World:
    """An evacuation failed, and the VM cannot be migrated since."""
    world = evacuation(a_failed(vm=vm))
    said = "cannot migrate VMI: PVC web-1-data is not shared"
    world.vmi["status"]["conditions"][1] = a_condition(
        "LiveMigratable", "False", seconds=90, reason="DisksNotLiveMigratable", message=said
    )
    return world


def unplaced(seconds: int = 90, *, vm: str = "web-1", there: tuple[Object, ...] = (), **target: Any) -> World:
    """The scheduler refuses the target pod; all nodes and pods are known. `target`: what is wrong with the one other
    node, as for a_place."""
    world = worlds.unschedulable(seconds, vm=vm)
    own = {"topologyKey": HOSTNAME, "labelSelector": {"matchLabels": {OWNER: f"vmi-{vm}"}}}
    world.pods[-1]["spec"] |= {
        "nodeSelector": {SCHEDULABLE: "true", MODEL: "true"},
        "affinity": {"podAntiAffinity": {REQUIRED: [own]}},
        "containers": [requests(memory="8Gi")],
    }
    world.nodes = [a_place(f"src-{vm}"), a_place(f"dst-{vm}", **target)]
    world.pods += there
    world.all_pods = True
    return world


def other_cpu() -> World:
    """The other node lacks the VM's CPU model."""
    return unplaced(labels={MODEL: None})


def no_room(seconds: int = 130) -> World:
    """Another pod has the memory of the other node."""
    return unplaced(seconds, there=(a_pod_there("cache", "dst-web-1", containers=[requests(memory="60Gi")]),))


def host_model(seconds: int = 90, *, vm: str = "web-1") -> World:
    """A host-model VM on a node whose CPU model no label names."""
    world = a_world("Pending", vm=vm, age_seconds=seconds)
    world.vmi["spec"]["domain"]["cpu"] = {"model": "host-model"}
    return world


def attachment(seconds: int = 130, *, vm: str = "web-1", phase: str = "Pending") -> Object:
    """The pod that attaches the VM's hot-plugged volumes on the target."""
    pod = a_launcher("target", vm=vm, age_seconds=seconds, labels={"kubevirt.io": "hotplug-disk"})
    pod["metadata"] |= {"name": "hp-volume-x7k2p", "uid": f"pod-{vm}-attachment"}
    del pod["metadata"]["labels"]["kubevirt.io/created-by"]
    status = {"name": "hotplug-disk", "ready": phase == "Running", "state": {}}
    if phase == "Pending":
        status["state"] = {"waiting": {"reason": "ContainerCreating"}}
    pod["status"] = {"phase": phase, "containerStatuses": [status]}
    return pod


def hotplug(seconds: int = 130, *, vm: str = "web-1") -> World:
    """The target launcher runs, and the pod for its hot-plugged volume does not."""
    world = a_world("Scheduling", vm=vm, age_seconds=seconds)
    world.vmi["status"]["volumeStatus"] = [{"name": "data", "hotplugVolume": {"attachPodName": "hp-volume-old"}}]
    world.pods[-1] = a_launcher("target", vm=vm, age_seconds=seconds)
    world.pods.append(attachment(seconds, vm=vm))
    return world


def hotplug_forgotten(seconds: int = 130) -> World:
    """Nobody has made that pod: the volume was plugged in when the migration was past Pending."""
    world = hotplug(seconds)
    world.pods.pop()
    return world
