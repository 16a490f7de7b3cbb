# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each further cause is seen, and all of them together."""

from __future__ import annotations

from tests.unit import copies, held
from tests.unit.builders import a_kubevirt, a_node, a_starting_launcher, ago, an_event
from tests.unit.looks import EVENTS, LOOKS, PODS, Change, Look, no_events, put, with_node, with_pod
from tests.unit.placing import a_place
from tests.unit.worlds import World, a_copy, a_world

OF_THE_VMI = "vmi/status/conditions"
HOST_CPU = "host-model-cpu.node.kubevirt.io/Skylake-Server"
REFUSAL = "0/6 nodes are available: 6 Insufficient memory."


def then(uid: str, reason: str, *, last: int = 0) -> Change:
    """Another event after the first ones."""
    return lambda world: world.events.append(an_event(uid, reason, first_seconds=last, last_seconds=last))


def a_vmi_again(world: World) -> None:
    world.vmi_is_gone = False


def ended(seconds: int) -> Change:
    """The older migration has ended."""

    def change(world: World) -> None:
        world.migrations[1]["status"] |= {"phase": "Succeeded"}
        world.migrations[1]["status"]["phaseTransitionTimestamps"] = [
            {"phase": "Succeeded", "phaseTransitionTimestamp": ago(seconds)}
        ]

    return change


ALL_LOOKS: dict[str, Look] = LOOKS | {
    "VirtApiUnavailable": Look(
        held.virt_api,
        absent=put("migration/status/phase", "PreparingTarget"),
        cures="no",
        value=held.CALL,
        spoilt=put("events/1/message", 5),
        topics=(EVENTS,),
    ),
    "CancelOrphaned": Look(held.orphaned, absent=a_vmi_again, cures="no", value="there is no such object"),
    "VMIMissing": Look(
        held.handed_to_another,
        absent=put("state/migrationUid", "mig-web-1"),
        cures="no",
        value="somebody-else",
        spoilt=put("state/migrationUid", 5),
    ),
    "UnworkableLimits": Look(
        held.limits,
        absent=lambda world: setattr(world, "kubevirt", a_kubevirt(per_cluster=1)),
        cures="no",
        value="0",
        spoilt=put("kubevirt/spec/configuration/migrations/parallelMigrationsPerCluster", "0"),
        topics=(PODS,),
    ),
    "AnotherMigrationActive": Look(held.older, absent=ended(5), cures="yes", value="Running"),
    "VMINotRunning": Look(
        lambda: held.vmi_in("Scheduling"),
        absent=put("vmi/status/phase", "Running"),
        cures="yes",
        value="Scheduling",
        spoilt=put("vmi/status/phase", 5),
    ),
    "BackupInProgress": Look(
        held.backup,
        absent=put("migration/status/conditions/0/status", "False"),
        cures="yes",
        value="True",
        spoilt=put("migration/status/conditions", "none"),
    ),
    "UtilityVolumesPresent": Look(
        held.utility_volumes,
        absent=put("migration/status/conditions", []),
        cures="yes",
        value="True",
        spoilt=put("migration/status/conditions/0/status", 5),
    ),
    "MigrationBackoff": Look(
        held.backoff,
        absent=put("migration/metadata/annotations", {}),
        cures="yes",
        value="Failed",
        spoilt=put("migration/metadata/annotations", 5),
    ),
    "PodSecurityViolation": Look(
        held.pod_security,
        absent=no_events,
        cures="no",
        value=held.pod_security().events[1]["message"],
        spoilt=put("events/1/reason", 5),
        topics=(EVENTS,),
    ),
    "TargetPodCreationRefused": Look(
        held.pod_refused,
        absent=no_events,
        cures="no",
        value=held.pod_refused().events[1]["message"],
        spoilt=put("events/1/involvedObject/uid", 5),
        topics=(EVENTS,),
    ),
    "PodNetworkFailing": Look(
        held.pod_network,
        absent=no_events,
        cures="maybe",
        value=held.pod_network().events[1]["message"],
        spoilt=put("events/1/reason", ["x"]),
        topics=(EVENTS,),
    ),
    "TargetPodCrashing": Look(
        held.pod_crashed,
        absent=with_pod(a_starting_launcher(age_seconds=30)),
        cures="no",
        value="terminated",
        spoilt=lambda world: world.pod("-target")["status"].update(containerStatuses="none"),
        topics=(PODS,),
    ),
    "TargetKubeletSilent": Look(
        held.kubelet_silent,
        absent=with_node(a_node("dst-web-1")),
        cures="no",
        value="Unknown",
        spoilt=lambda world: world.node("dst-web-1")["status"].update(conditions="none"),
        topics=("nodes",),
    ),
    "TargetPodNotAdmitted": Look(
        held.not_admitted,
        absent=lambda world: world.pod("-target")["status"].update(reason="Evicted"),
        cures="no",
        value="OutOfmemory: Pod was rejected: Node didn't have enough resource: memory",
        spoilt=lambda world: world.pod("-target")["status"].update(reason=5),
        topics=(PODS,),
    ),
    "HandOverFailed": Look(
        held.hand_over,
        absent=then("mig-web-1", "SuccessfulHandOver"),
        cures="maybe",
        value="failed to set MigrationState in VMI status. :the server rejected our request",
        spoilt=put("events/1/reason", 5),
        topics=(EVENTS,),
    ),
    "SyncFailed": Look(
        held.sync_failed,
        absent=no_events,
        cures="maybe",
        value=held.sync_failed().events[1]["message"],
        spoilt=put("events/1/reason", 5),
        topics=(EVENTS,),
    ),
    "TargetLauncherOverdue": Look(
        lambda: a_world("TargetReady", age_seconds=420),
        absent=lambda world: world.pod("-target")["status"]["containerStatuses"][0].update(
            state={"running": {"startedAt": ago(300)}}
        ),
        cures="no",
        value="running",
        spoilt=lambda world: world.pod("-target")["status"].update(containerStatuses=5),
    ),
    "GuestIOError": Look(
        held.guest_io_error,
        absent=put(f"{OF_THE_VMI}/2/reason", "PausedByUser"),
        cures="no",
        value="PausedIOError: VMI was paused, IO error",
        spoilt=put(f"{OF_THE_VMI}/2/reason", 5),
    ),
    "HotplugChangePending": Look(
        held.hotplug_change,
        absent=put(f"{OF_THE_VMI}/2/status", "False"),
        cures="maybe",
        value="True",
        spoilt=put(f"{OF_THE_VMI}/2/status", 5),
    ),
    "BackendStorageHandOff": Look(
        held.persistent_state,
        absent=put("state/sourcePersistentStatePVCName", ""),
        cures="no",
        value="persistent-state-for-web-1",
        spoilt=put("state/sourcePersistentStatePVCName", 5),
    ),
    "PausedForMigration": Look(
        lambda: a_copy(1500, mode="Paused"),
        absent=put("state/mode", "PreCopy"),
        cures="yes",
        value="Paused",
        spoilt=put("state/mode", 5),
    ),
    "SyncPeerMissing": Look(
        held.other_side,
        absent=put("migration/status/phase", "Pending"),
        cures="maybe",
        value="Synchronizing",
        spoilt=put("migration/status/phase", 5),
    ),
    "HostModelUnknown": Look(
        held.host_model,
        absent=lambda world: world.node("src")["metadata"]["labels"].update({HOST_CPU: "true"}),
        cures="no",
        value="host-model",
        spoilt=put("vmi/spec/domain/cpu", 5),
        topics=("nodes",),
    ),
    "HotplugAttachmentPending": Look(
        held.hotplug,
        absent=with_pod(held.attachment(phase="Running")),
        cures="maybe",
        value="Pending",
        spoilt=lambda world: world.pods[-1]["status"].update(phase=5),
        topics=(PODS,),
    ),
    "CPUModelMismatch": Look(
        held.other_cpu,
        absent=with_node(a_place("dst-web-1")),
        cures="no",
        value=REFUSAL,
        spoilt=lambda world: world.pod("-target")["spec"].update(nodeSelector=5),
        topics=("placement/nodes",),
    ),
    "InsufficientNodeResources": Look(
        held.no_room,
        absent=lambda world: world.pod("cache")["status"].update(phase="Succeeded"),
        cures="maybe",
        value=REFUSAL,
        topics=("placement/pods",),
    ),
    "NodesClosed": Look(
        lambda: held.unplaced(cordoned=True),
        absent=with_node(a_place("dst-web-1")),
        cures="no",
        value="true",
        spoilt=lambda world: world.pod("-target")["spec"].update(nodeName=5),
        topics=("placement/nodes",),
    ),
    "NotLiveMigratable": Look(
        held.not_migratable,
        absent=put(f"{OF_THE_VMI}/1/status", "True"),
        cures="no",
        value="src-web-1",
    ),
    "NoDataFlow": Look(
        copies.no_flow,
        absent=put("state/endTimestamp", ago(5)),
        cures="no",
        value="4563402752",
        spoilt=put("state/startTimestamp", 5),
    ),
    "BandwidthTooLow": Look(
        copies.capped,
        absent=put("state/migrationConfiguration/completionTimeoutPerGiB", 0),
        cures="no",
        value="41943040",
        spoilt=put("state/mode", 5),
    ),
    "NotConverging": Look(
        copies.not_converging,
        absent=put("state/mode", "Paused"),
        cures="no",
        value="67108864",
        spoilt=put("state/mode", 5),
    ),
    "SlowButConverging": Look(
        copies.slow,
        absent=put("state/mode", "PostCopy"),
        cures="yes",
        value="50331648",
        spoilt=put("state/startTimestamp", "soon"),
    ),
}
