# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of a cancel: what to do next in each phase, and in which state it hangs.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go, and what was seen of its controllers for a
deletion in each phase. Before the hand-off KubeVirt ends a deleted migration at once and does not write the VMI. From
the hand-off to the copy it only adds a condition, until the copy runs or the target pod has ended. In the copy it sets
abortRequested and the source node aborts. Without a VMI it never takes its finalizer off.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import (
    MODE_POST_COPY,
    MigrationState,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import Event
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import (
    Act,
    Done,
    Refused,
    Wait,
)

__all__ = ["CANCEL_STATES", "CancelObserved", "CancelWish", "find_hang", "next_cancel_step", "owner_refusal"]

# How it ended, or did not.
CANCEL_STATES = (
    "cancelled",
    "succeeded",
    "failed",
    "gone",
    "requested",
    "hanging",
    "refused",
    "planned",
    "unknown",
)
POLL_SECONDS = 1.0

CANCEL_EVACUATION = "cancel_evacuation"
DELETE_MIGRATION = "delete_migration"
DELETE_TARGET_POD = "delete_target_pod"
# Not an act: somebody else had deleted it when we came.
JOINED = "joined"

_ON_THE_TARGET = ("PreparingTarget", "TargetReady")
_NOT_STOPPED = (
    "its evacuation cannot be stopped here: this KubeVirt has no evacuate/cancel subresource. Uncordon node {node}, or "
    "take the drain back, and cancel it then"
)
_OWNERS = {
    "evacuation": "The evacuation controller would make the next one: stop_evacuation stops it first.",
    "workload_update": (
        "The workload updater would make the next one: take LiveMigrate out of the KubeVirt object's "
        "spec.workloadUpdateStrategy first."
    ),
}
_VOLUME_UPDATE = "It moves the VM's volumes and is made again until they are reverted in the VM: revert them first."


@dataclass(frozen=True)
class CancelWish:
    """What was asked: the migration by its UID, and how far to go. `accepted` are codes of accept_risks."""

    namespace: str
    name: str
    uid: str
    free_target_pod: bool = False
    stop_evacuation: bool = False
    wait: bool = True
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CancelObserved:
    """One fresh look. `migration` is what has the name now, whatever its UID; None: nothing has it.

    `vmi` is None where there is none, or with `vmi_seen` False where it may not be read. `target_pod` is None where
    there is none or it may not be read (`pods_seen`). `can_stop_evacuation` None: not looked.
    `target_answers` and `events` are looked at only to explain a hang.
    """

    migration: Migration | None
    vmi: Vmi | None = None
    vmi_seen: bool = True
    target_pod: Pod | None = None
    pods_seen: bool = True
    can_stop_evacuation: bool | None = None
    target_answers: bool | None = None
    events: tuple[Event, ...] = ()

    def state_of(self, uid: str) -> MigrationState | None:
        """The VMI's state while it is this migration's."""
        state = self.vmi.state if self.vmi else None
        return state if state is not None and state.migration_uid == uid else None


def next_cancel_step(
    observed: CancelObserved, *, wish: CancelWish, done: Collection[str] = (), until: datetime, now: datetime
) -> Act | Wait | Done | Refused:
    """What comes next. `done` are the kinds of acts that were carried out; `until` is when waiting ends."""
    found = observed.migration
    if found is None or found.meta.uid != wish.uid:
        return _after_it(observed, wish=wish, done=done)
    if found.is_final:
        return _ended(found, done=done)
    if not found.is_being_deleted and DELETE_MIGRATION not in done:
        return _begin(observed, found, wish=wish, done=done)
    step = _free(observed, found, wish=wish, done=done) if wish.free_target_pod else None
    if step is not None:
        return step
    if not wish.wait:
        return Done("requested", "KubeVirt has been asked to end it; nobody waited for that.")
    if now >= until or (observed.vmi_seen and observed.vmi is None):
        return find_hang(observed, wish=wish)
    return Wait(POLL_SECONDS, _waits_for(observed, found))


# -- how it ended


def _after_it(observed: CancelObserved, *, wish: CancelWish, done: Collection[str]) -> Done:
    """The object is gone: what the VMI says of it. KubeVirt writes nothing there of one that was not handed over."""
    state = observed.state_of(wish.uid)
    if state is not None and state.completed and not state.failed:
        return Done("succeeded", "It succeeded before the cancel could end it: the VM runs on its target.")
    if not _is_asked(done):
        return Done("gone", "There is no such migration any more.")
    if state is not None and state.failed and not state.abort_requested:
        return Done("cancelled", f"KubeVirt has ended it: {state.failure_reason or 'without a reason'}.")
    where = "aborted by the source node" if state is not None else "ended before the copy"
    return Done("cancelled", f"KubeVirt has ended it ({where}); the VM runs where it was.")


def _is_asked(done: Collection[str]) -> bool:
    """Whether it was being deleted while we looked, by us or by somebody else."""
    return DELETE_MIGRATION in done or JOINED in done


def _ended(found: Migration, *, done: Collection[str]) -> Done:
    if found.phase == "Succeeded":
        return Done("succeeded", "It has succeeded: the VM runs on its target.")
    if _is_asked(done):
        return Done("cancelled", "KubeVirt has ended it; the VM runs where it was.")
    return Done("failed", "It has failed already; there is nothing to cancel.")


# -- what may be done


def _begin(
    observed: CancelObserved, found: Migration, *, wish: CancelWish, done: Collection[str]
) -> Act | Done | Refused:
    refusal = _post_copy(observed, found) or owner_refusal(found, wish=wish)
    if refusal is not None:
        return refusal
    stop = _stop_evacuation(observed, found, wish=wish) if CANCEL_EVACUATION not in done else None
    return stop or Act(DELETE_MIGRATION, _why_delete(found), found.meta.namespace, found.meta.name, uid=wish.uid)


def _post_copy(observed: CancelObserved, found: Migration) -> Refused | None:
    state = observed.state_of(found.meta.uid)
    if state is not None and state.mode == MODE_POST_COPY:
        why = "It is in post-copy: the guest runs on the target already, and whatever interrupts it loses the VM."
        return Refused("PostCopyActive", why, can_accept=False)
    if found.phase == "Running" and state is None and (observed.vmi is not None or not observed.vmi_seen):
        why = "Whether it is in post-copy, which cannot be cancelled, could not be seen."
        return Refused("PostCopyActive", why, can_accept=False)
    return None


def owner_refusal(found: Migration, *, wish: CancelWish) -> Refused | None:
    """Why its owner stands in the way of a cancel; None where nobody would make it again, or that is accepted."""
    if "OwnedByController" in wish.accepted or (found.origin == "evacuation" and wish.stop_evacuation):
        return None
    if found.origin == "volume_update":
        return Refused("OwnedByController", _VOLUME_UPDATE)
    why = _OWNERS.get(found.origin)
    return Refused("OwnedByController", why) if why else None


def _stop_evacuation(observed: CancelObserved, found: Migration, *, wish: CancelWish) -> Act | Refused | None:
    node = observed.vmi.evacuation_node if observed.vmi else ""
    if found.origin != "evacuation" or not wish.stop_evacuation or not node:
        return None
    if observed.can_stop_evacuation is False:
        said = _NOT_STOPPED.format(node=node)
        return Refused("EvacuationNotStoppable", f"{said[0].upper()}{said[1:]}.", can_accept=False)
    why = "Else the evacuation controller makes the next migration."
    return Act(CANCEL_EVACUATION, why, found.meta.namespace, found.vmi_name, node=node)


def _why_delete(found: Migration) -> str:
    if found.phase == "Running":
        return "KubeVirt then asks the source node to abort the copy; the VM keeps running there."
    if found.phase in _ON_THE_TARGET:
        return "KubeVirt ends it once the copy runs, or the target pod has ended."
    return "KubeVirt ends it at once; the VM keeps running where it is."


def _free(
    observed: CancelObserved, found: Migration, *, wish: CancelWish, done: Collection[str]
) -> Act | Refused | None:
    """The target pod's deletion, only between the hand-off and the copy: afterwards it would cut the copy off."""
    state, pod = observed.state_of(wish.uid), observed.target_pod
    if state is None or state.started_at is not None or found.phase not in (*_ON_THE_TARGET, "Scheduled"):
        return None
    if not observed.pods_seen:
        return Refused("TargetPodUnseen", "The target pod may not be read, so it cannot be freed.", can_accept=False)
    if pod is None or pod.is_finished or pod.meta.deleted_at is not None or DELETE_TARGET_POD in done:
        return None
    why = "KubeVirt ends a migration whose target pod has ended; the copy has not begun."
    return Act(DELETE_TARGET_POD, why, pod.meta.namespace, pod.meta.name, uid=pod.meta.uid, node=pod.node)


# -- what it waits for


def _waits_for(observed: CancelObserved, found: Migration) -> str:
    state = observed.state_of(found.meta.uid)
    if found.phase == "Running":
        asked = state is not None and state.abort_requested
        return "for the source node to abort the copy" if asked else "for KubeVirt to ask for the abort"
    if found.phase in _ON_THE_TARGET:
        return "for the copy to run or the target pod to end"
    return "for KubeVirt to end it"


def find_hang(observed: CancelObserved, *, wish: CancelWish) -> Done:
    """In which state the cancel hangs, with the code of the cause that says so."""
    found, state = observed.migration, observed.state_of(wish.uid)
    if observed.vmi_seen and observed.vmi is None:
        return _hang(
            "CancelOrphaned",
            "Its VMI is gone, and KubeVirt takes the finalizer off only while a VMI of that name exists. Starting the "
            "VM frees it at once. The collection never removes the finalizer.",
        )
    if found is not None and found.phase == "Running":
        return _copy_hangs(observed, state, wish=wish)
    if state is not None:
        return _target_hangs(observed)
    return _hang(
        "VirtControllerSilent",
        "KubeVirt should have ended it at once and has not: look at virt-controller. It ends when that is back.",
    )


def _copy_hangs(observed: CancelObserved, state: MigrationState | None, *, wish: CancelWish) -> Done:
    if state is not None and state.mode == MODE_POST_COPY:
        return _hang("PostCopyActive", "It went into post-copy before the cancel took: it can only run to its end.")
    if state is not None and state.abort_requested:
        return _hang(
            "CancelUnanswered",
            "The abort was asked for and the source node has not answered: look at virt-handler on "
            f"{state.source_node or 'the source node'}. It is tried again once that is back.",
        )
    said = _failed_abort(observed, wish=wish)
    if "failed calling webhook" in said:
        return _hang(
            "VirtApiUnavailable",
            "virt-api does not answer, so KubeVirt cannot ask for the abort; it tries again until virt-api is back.",
        )
    if said:
        return _hang("CancelUnanswered", f"KubeVirt could not ask for the abort: {said[:300]}")
    return _hang("VirtControllerSilent", "KubeVirt has not asked for the abort: look at virt-controller.")


def _failed_abort(observed: CancelObserved, *, wish: CancelWish) -> str:
    found = [one.message for one in observed.events if one.reason == "FailedAbortMigration"]
    return found[-1] if found else ""


def _target_hangs(observed: CancelObserved) -> Done:
    pod = observed.target_pod
    if pod is not None and pod.meta.deleted_at is not None:
        if observed.target_answers is False:
            return _hang(
                "TargetNodeDown",
                f"The target pod is deleted, but node {pod.node} does not answer, so the pod stays. Fence the node "
                "first; then remove the pod. Never with grace period 0 before that: a guest may run there.",
            )
        return _hang("CancelWaitsForPhase", f"The target pod is deleted and has not ended yet on node {pod.node}.")
    return _hang(
        "CancelWaitsForPhase",
        "KubeVirt acts on a cancel here only once the copy runs or the target pod has ended. free_target_pod ends the "
        "pod; by itself its launcher gives up 240 to 359 s after its start.",
    )


def _hang(code: str, reason: str) -> Done:
    return Done("hanging", reason, code)
