# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes in their less usual forms: seen on another object, from another moment on, or with less to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.unit import held, worlds
from tests.unit.builders import a_kubevirt, a_node, ago
from tests.unit.less_usual import (
    but,
    held_by_nobody,
    in_an_init_container,
    leftover_going,
    leftover_younger,
    marked,
    no_vmi,
    not_migratable_for_long,
    peer_says_no,
    quota_in_words,
    started_anew,
    stuck_holders,
    two_changes,
    without_pod,
)
from tests.unit.looks import put, with_node
from tests.unit.said import BOTH_NODES, TARGET_POD, TEAM
from tests.unit.worlds import World, a_copy, a_failed, a_world, evacuation

# Field, value, and how many seconds ago.
Shown = tuple[str, str, int | None]


@dataclass(frozen=True)
class Form:
    """A world, the cause that holds in it, and what that says; `words` stand in its sentence."""

    code: str
    build: Callable[[], World]
    words: str
    seconds: int | None
    evidence: tuple[Shown, ...]
    names: Mapping[str, str]
    cures: str = "no"


FORMS: dict[str, Form] = {
    "phase unset": Form(
        "VirtControllerSilent",
        lambda: a_world("", age_seconds=61),
        "it has no phase yet",
        61,
        (("status.phase", "", 61),),
        {"namespace": "kubevirt"},
    ),
    "lease of nobody": Form(
        "VirtControllerSilent",
        held_by_nobody,
        "for 75 s",
        75,
        (("spec.renewTime", "held by nobody", 75),),
        {"namespace": "kubevirt"},
    ),
    "lease run out before": Form(
        "VirtControllerSilent",
        lambda: worlds.silent_lease(900),
        "for 900 s",
        600,
        (("spec.renewTime", "held by virt-controller-1", 900),),
        {"namespace": "kubevirt"},
    ),
    "VMI gone": Form(
        "VMIMissing",
        lambda: but(a_world("Scheduling", age_seconds=70), no_vmi),
        "does not exist any more",
        70,
        (("metadata.name", "there is no such object", None),),
        TEAM,
    ),
    "VMI started anew": Form(
        "VMIMissing",
        started_anew,
        "of none: it was started anew",
        70,
        (("status.migrationState.migrationUid", "", None),),
        {**TEAM, "present": "web-1"},
    ),
    "virt-api at a cancel": Form(
        "VirtApiUnavailable",
        held.virt_api_at_a_cancel,
        "virt-api does not answer",
        61,
        (
            ("event FailedAbortMigration", f"failed to set MigrationState in VMI status. :{held.CALL}", 5),
            ("status.phase", "Running", 300),
        ),
        {"namespace": "kubevirt"},
    ),
    "cancelled evacuation": Form(
        "RecreatedByOwner",
        lambda: evacuation(a_world("PreparingTarget", age_seconds=200, deleted_seconds=20)),
        "is being cancelled, but the evacuation controller",
        20,
        (("status.evacuationNodeName", "src-web-1", None),),
        {"origin": "evacuation", "vm": "web-1", "namespace": "team-a", "node": "src-web-1"},
    ),
    "workload update": Form(
        "RecreatedByOwner",
        lambda: marked(a_failed(), annotations={"kubevirt.io/workloadUpdateMigration": "w"}),
        "has failed, but the workload updater",
        5,
        (("metadata.annotations[kubevirt.io/workloadUpdateMigration]", "w", None),),
        {"origin": "workload_update", "vm": "web-1", "namespace": "team-a"},
    ),
    "volume update": Form(
        "RecreatedByOwner",
        lambda: marked(a_failed(), labels={"kubevirt.io/volume-update-migration": "v"}),
        "has failed, but the volume update",
        5,
        (("metadata.labels[kubevirt.io/volume-update-migration]", "v", None),),
        {"origin": "volume_update", "vm": "web-1", "namespace": "team-a"},
    ),
    "peer says no": Form(
        "SyncPeerMissing",
        peer_says_no,
        "has not answered: No certificate.",
        120,
        (
            ("status.phase", "Synchronizing", 120),
            ("status.conditions[decentralizedMigrationBlocked].status", "True", 100),
        ),
        TEAM,
        cures="maybe",
    ),
    "peer is waited for": Form(
        "SyncPeerMissing",
        lambda: but(
            held.other_side(),
            put("migration/status/phase", "WaitingForSync"),
            put("migration/status/phaseTransitionTimestamps/0/phase", "WaitingForSync"),
        ),
        "has not answered.",
        120,
        (("status.phase", "WaitingForSync", 120),),
        TEAM,
        cures="maybe",
    ),
    "handler gone": Form(
        "SourceHandlerDown",
        lambda: but(
            a_world("TargetReady", age_seconds=200),
            without_pod("handler-src-web-1"),
            with_node(a_node("src-web-1", heartbeat_seconds=100)),
        ),
        "is not there; its last heartbeat was 100 s ago.",
        100,
        (
            ("pods with label kubevirt.io=virt-handler", "none", None),
            ("metadata.annotations[kubevirt.io/heartbeat]", "2026-11-23T07:58:20Z", 100),
        ),
        {"node": "src-web-1", "pod": "", "namespace": "kubevirt"},
    ),
    "handler gone, no heartbeat": Form(
        "TargetHandlerDown",
        lambda: but(
            a_world("PreparingTarget", age_seconds=200),
            without_pod("handler-dst-web-1"),
            with_node(a_node("dst-web-1", heartbeat_seconds=None)),
        ),
        "is not there.",
        200,
        (("pods with label kubevirt.io=virt-handler", "none", None),),
        {"node": "dst-web-1", "pod": "", "namespace": "kubevirt"},
    ),
    "handler that says nothing": Form(
        "SourceHandlerDown",
        lambda: worlds.old_heartbeat("src", 301, phase="Running"),
        "is Ready, but has stopped working; its last heartbeat was 301 s ago.",
        200,
        (
            ("status.conditions[Ready].status", "True", 9000),
            ("metadata.annotations[kubevirt.io/heartbeat]", "2026-11-23T07:54:59Z", 301),
        ),
        {"node": "src-web-1", "pod": "virt-handler-src-web-1", "namespace": "kubevirt"},
    ),
    "handler not Ready for long": Form(
        "SourceHandlerDown",
        lambda: worlds.handler_down("src", 900),
        "is not Ready; its last heartbeat was 30 s ago.",
        200,
        (
            ("status.conditions[Ready].status", "False", 900),
            ("metadata.annotations[kubevirt.io/heartbeat]", "2026-11-23T07:59:30Z", 30),
        ),
        {"node": "src-web-1", "pod": "virt-handler-src-web-1", "namespace": "kubevirt"},
    ),
    "launcher unseen": Form(
        "TargetLauncherOverdue",
        lambda: but(
            a_world("PreparingTarget", age_seconds=420),
            lambda world: world.pod("-target")["status"].update(containerStatuses=[]),
        ),
        "61 s ago",
        61,
        (("status.containerStatuses[compute].state.running.startedAt", "PreparingTarget", 420),),
        TARGET_POD,
    ),
    "two limits": Form(
        "UnworkableLimits",
        lambda: but(held.limits(), lambda world: setattr(world, "kubevirt", a_kubevirt(per_cluster=0, outbound=-1))),
        "parallelMigrationsPerCluster and parallelOutboundMigrationsPerNode",
        60,
        (
            ("spec.configuration.migrations.parallelMigrationsPerCluster", "0", None),
            ("spec.configuration.migrations.parallelOutboundMigrationsPerNode", "-1", None),
        ),
        {"namespace": "kubevirt", "kubevirt": "kubevirt"},
    ),
    "two changes": Form(
        "HotplugChangePending",
        two_changes,
        "waits for HotVCPUChange, HotMemoryChange before",
        120,
        (
            ("status.conditions[HotVCPUChange].status", "True", 300),
            ("status.conditions[HotMemoryChange].status", "True", 420),
        ),
        TEAM,
        cures="maybe",
    ),
    "paused before the copy": Form(
        "GuestIOError",
        lambda: but(held.guest_io_error(200), put("vmi/status/conditions/2/lastTransitionTime", ago(900))),
        "paused by an I/O error",
        200,
        (("status.conditions[Paused].reason", "PausedIOError: VMI was paused, IO error", 900),),
        TEAM,
    ),
    "leftover that goes": Form(
        "LeftoverLauncherPod",
        leftover_going,
        "left over (being deleted, and has not ended):",
        90,
        (
            ("status.phase", "Running", 4000),
            ("metadata.deletionTimestamp", "being deleted", 500),
        ),
        {"pod": "virt-launcher-web-1-old", "namespace": "team-a", "node": "dst-web-1"},
    ),
    "leftover that came later": Form(
        "LeftoverLauncherPod",
        leftover_younger,
        "left over:",
        100,
        (("status.phase", "Running", 100),),
        {"pod": "virt-launcher-web-1-old", "namespace": "team-a", "node": "dst-web-1"},
    ),
    "init container": Form(
        "ImagePullFailing",
        in_an_init_container,
        "Container disk of the target pod",
        130,
        (("status.initContainerStatuses[disk].state.waiting", "ImagePullBackOff: it waits", 130),),
        TARGET_POD,
        cures="maybe",
    ),
    "quota without an event": Form(
        "ResourceQuotaExceeded",
        quota_in_words,
        "refuses the target pod.",
        80,
        (("status.conditions[migrationRejectedByResourceQuota].status", "True", 90),),
        TEAM,
    ),
    "slots held by stuck ones": Form(
        "ClusterLimitReached",
        stuck_holders,
        "held by team-a/one, team-a/two; stuck of these: team-a/one, team-a/two.",
        90,
        (
            ("spec.configuration.migrations.parallelMigrationsPerCluster", "2", None),
            ("status.phase", "Running", None),
            ("status.phase", "Running", None),
        ),
        {"holder": "team-a/one"},
    ),
    "not migratable for long": Form(
        "NotLiveMigratable",
        not_migratable_for_long,
        "is to leave src-web-1",
        300,
        (
            (
                "status.conditions[LiveMigratable]",
                "DisksNotLiveMigratable: cannot migrate VMI: PVC web-1-data is not shared",
                4000,
            ),
            ("status.evacuationNodeName", "src-web-1", None),
        ),
        {"namespace": "team-a", "node": "src-web-1"},
    ),
    "post-copy without a start": Form(
        "PostCopyActive",
        lambda: a_copy(1500, mode="PostCopy", startTimestamp=None),
        "for 0 s at most",
        None,
        (("status.migrationState.mode", "PostCopy", None),),
        BOTH_NODES,
        cures="yes",
    ),
    "post-copy not cancelled by its deadline": Form(
        "PostCopyActive",
        lambda: a_copy(1500, mode="PostCopy", migrationConfiguration={"completionTimeoutPerGiB": 0}),
        "for 1500 s at most",
        1500,
        (("status.migrationState.mode", "PostCopy", 1500),),
        BOTH_NODES,
        cures="yes",
    ),
    "paused without a limit": Form(
        "PausedForMigration",
        lambda: a_copy(1500, mode="Paused", migrationConfiguration={"completionTimeoutPerGiB": 0}),
        "suspended the guest",
        1500,
        (("status.migrationState.mode", "Paused", 1500),),
        BOTH_NODES,
        cures="yes",
    ),
    "failed without a reason": Form(
        "LastAttemptFailed",
        lambda: but(
            evacuation(a_failed()),
            put("state/failureReason", ""),
            put("migration/status/migrationState/failureReason", ""),
            put("migration/status/migrationState/targetNode", ""),
        ),
        "of this VM failed:",
        5,
        (("status.phase", "Failed", 5),),
        {"node": "", "owner": "evacuation"},
        cures="maybe",
    ),
    "target ready and cancelled": Form(
        "CancelWaitsForPhase",
        lambda: worlds.cancelled_target(phase="TargetReady"),
        "cancelled in TargetReady",
        30,
        (
            ("metadata.deletionTimestamp", "being deleted", 30),
            ("status.phase", "TargetReady", 100),
        ),
        TARGET_POD,
        cures="maybe",
    ),
    "backoff of one": Form(
        "MigrationBackoff",
        lambda: held.backoff(10, failures=1),
        "failed once; KubeVirt starts it at 2026-11-23T08:00:09Z.",
        10,
        (("status.phase", "Failed", 11),),
        {},
        cures="yes",
    ),
    "starting VM without a phase": Form(
        "VMINotRunning",
        lambda: held.vmi_in(""),
        "is without a phase",
        120,
        (("status.phase", "", None),),
        TEAM,
        cures="maybe",
    ),
    "kubelet that beats": Form(
        "TargetKubeletSilent",
        lambda: but(held.kubelet_silent(400), with_node(a_node("dst-web-1", heartbeat_seconds=301))),
        "virt-handler there has given no sign for 5 minutes",
        400,
        (
            ("status.containerStatuses", "none", 400),
            ("status.conditions[Ready].status", "True", 301),
        ),
        TARGET_POD,
    ),
}
