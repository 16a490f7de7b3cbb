# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of a retry: when a VM may be migrated again, where to, and what follows the create.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-api/webhooks/validating-webhook/admitters/migration-create-admitter.go (one that has
not ended refuses the next, also while it is being deleted; of several creates at once two or three pass, and the losers
move the VM again afterwards), pkg/virt-controller/watch/drain/evacuation/evacuation.go and watch/workload-updater (who
makes migrations of their own); spec.addedNodeSelector is there since v1.6 and can only select.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import (
    ACTOR,
    HOLDER,
    REASON,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import (
    LABEL_VMI_NAME,
    Migration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    later_by,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import Record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import (
    Act,
    Done,
    Refused,
    Wait,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.history import read_attempt

__all__ = [
    "CREATE_MIGRATION",
    "HOSTNAME",
    "RETRY_STATES",
    "RetryObserved",
    "RetryWish",
    "avoided_nodes",
    "backoff_seconds",
    "blamed_nodes",
    "known_record",
    "next_retry_step",
    "plan_migration",
    "succeeded_at",
]

RETRY_STATES = ("created", "running", "succeeded", "failed", "withdrawn", "waiting", "refused", "planned")
POLL_SECONDS = 1.0
HOSTNAME = "kubernetes.io/hostname"

CREATE_MIGRATION = "create_migration"
WITHDRAW_MIGRATION = "withdraw_migration"

_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)
_OWNED = {
    "volume_update": "The volume update makes the next migration itself.",
    "workload_update": "The workload updater makes the next migration itself.",
    "decentralized": "A migration between clusters is made on both sides.",
}
# Conditions of a VMI for which the workload updater makes migrations of its own.
_UPDATES = ("HotVCPUChange", "HotMemoryChange", "MigrationRequired", "VolumesChange")
_COPYING = ("Running",)


@dataclass(frozen=True)
class RetryWish:
    """What was asked. `after` is the UID of the migration to repeat, "" for whichever was last.

    `avoid_nodes` None: those that are to blame. `wait_for` is created, running or finished.
    """

    namespace: str
    vm: str
    after: str = ""
    max_attempts: int = 3
    backoff: int = 60
    longest_backoff: int = 900
    avoid_nodes: tuple[str, ...] | None = None
    wait_for: str = "created"
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RetryObserved:
    """One fresh look. `migrations` are all of the VM that exist; `record` is what the VM's Lease remembers.

    `pods` are the VM's unfinished launcher pods, None where they may not be read. `places` are the nodes that could
    take it, best first, None where that could not be judged; `places_reason` says it in figures.
    `can_select`: whether the served schema has addedNodeSelector; `hostnames` holds that label's value by node.
    """

    migrations: tuple[Migration, ...]
    vmi: Vmi | None
    record: Record = field(default_factory=Record)
    pods: tuple[Pod, ...] | None = ()
    places: tuple[str, ...] | None = None
    places_reason: str = ""
    can_select: bool | None = None
    hostnames: Mapping[str, str] = field(default_factory=dict)
    vm_selector: Mapping[str, str] = field(default_factory=dict)

    @property
    def last(self) -> Migration | None:
        """The newest migration of the VM."""
        return max(self.migrations, key=_age, default=None)


def _age(migration: Migration) -> tuple[datetime, str]:
    return migration.meta.created_at or _LONG_AGO, migration.meta.uid


def next_retry_step(
    observed: RetryObserved, *, wish: RetryWish, created: str = "", until: datetime, now: datetime
) -> Act | Wait | Done | Refused:
    """What comes next. `created` is the UID of the migration that this retry made, "" before it has."""
    if created:
        return _after_create(observed, wish=wish, created=created, until=until, now=now)
    waits = _vm_refusal(observed) or _unfinished(observed)
    if isinstance(waits, Refused):
        return waits
    refusal = _history_refusal(observed, wish=wish, now=now)
    if refusal is not None:
        return refusal
    waits = waits or _leftovers(observed)
    if isinstance(waits, Wait) and now >= until:
        return Refused("StillEnding", f"It waited in vain {waits.why}.", now)
    return waits or _place(observed, wish=wish)


# -- what stands in the way


def _vm_refusal(observed: RetryObserved) -> Refused | None:
    vmi = observed.vmi
    if vmi is None:
        return Refused("VMIMissing", "The VM does not run: it has no VMI, so there is nothing to migrate.")
    if vmi.phase != "Running":
        said = vmi.phase[:60] or "without a phase"
        return Refused("VMINotRunning", f"The VM is not running: its VMI is {said}.")
    movable = vmi.conditions.get("LiveMigratable")
    if movable is not None and movable.status == "False":
        why = f"The VM cannot be migrated: {movable.message or movable.reason}"
        return Refused("NotLiveMigratable", why, can_accept=False)
    return _owner_refusal(vmi)


def _owner_refusal(vmi: Vmi) -> Refused | None:
    if vmi.evacuation_node and vmi.evacuation_node == vmi.node:
        why = f"Node {vmi.node} is being evacuated: the evacuation controller makes the next migration itself."
        return Refused("OwnedByController", why)
    asked = [name for name in _UPDATES if (found := vmi.conditions.get(name)) and found.status == "True"]
    if asked:
        why = f"The VM has {asked[0]}, for which the workload updater makes migrations itself."
        return Refused("OwnedByController", why)
    return None


def _history_refusal(observed: RetryObserved, *, wish: RetryWish, now: datetime) -> Refused | None:
    last = observed.last
    if last is not None and last.origin in _OWNED and not observed.record.retry_due:
        return Refused("OwnedByController", _OWNED[last.origin])
    if _has_moved(observed, wish=wish):
        return Refused("AlreadyMoved", "Its last migration has succeeded: there is nothing to repeat.")
    record = known_record(observed)
    if record.attempts >= wish.max_attempts:
        why = f"It was tried {record.attempts} times since it last moved; max_attempts is {wish.max_attempts}."
        return Refused("AttemptLimitReached", why)
    return _backoff(record, wish=wish, now=now)


def _has_moved(observed: RetryObserved, *, wish: RetryWish) -> bool:
    last, state = observed.last, observed.vmi.state if observed.vmi else None
    if last is not None and (not wish.after or last.meta.uid == wish.after):
        return last.phase == "Succeeded"
    done = state is not None and state.completed and not state.failed
    # Of one that is gone only the VMI tells how it ended.
    return bool(wish.after) and done and state is not None and state.migration_uid == wish.after


def succeeded_at(observed: RetryObserved) -> datetime | None:
    """When the VM last moved, as far as that can still be seen; None where it cannot."""
    ended = [one.phase_since for one in observed.migrations if one.phase == "Succeeded"]
    state = observed.vmi.state if observed.vmi else None
    if state is not None and state.completed and not state.failed:
        ended.append(state.ended_at)
    return max((at for at in ended if at is not None), default=None)


def known_record(observed: RetryObserved, /) -> Record:
    """What the Lease remembers, as the cluster bears it out.

    A success since then begins the count anew. An attempt that was counted before its create, and of which there is no
    migration, was never made.
    """
    record = observed.record.since_success(succeeded_at(observed))
    since = record.last_at
    made = [one for one in observed.migrations if since and one.meta.created_at and one.meta.created_at >= since]
    return record.unmade() if record.is_begun and not made else record


def backoff_seconds(attempts: int, *, first: int, longest: int) -> int:
    """The pause after so many attempts: none after none, then doubling up to the cap."""
    return 0 if attempts <= 0 else min(first * 2 ** min(attempts - 1, 30), longest)


def _backoff(record: Record, *, wish: RetryWish, now: datetime) -> Refused | None:
    pause = backoff_seconds(record.attempts, first=wish.backoff, longest=wish.longest_backoff)
    # Whatever lies beyond all dates was written by hand: it is not over before that.
    allowed = (later_by(record.last_at, pause) or record.last_at) if record.attempts else None
    if allowed is None or now >= allowed:
        return None
    why = f"It was tried at {format_timestamp(record.last_at)}; the next attempt comes {pause} s after that."
    return Refused("BackoffRunning", why, allowed)


def _unfinished(observed: RetryObserved) -> Wait | Refused | None:
    for one in sorted(observed.migrations, key=_age):
        if one.is_final:
            continue
        if not one.is_being_deleted:
            return Refused("MigrationActive", f"Its migration {one.meta.name} has not ended (phase {one.phase[:60]}).")
        return Wait(POLL_SECONDS, f"for its migration {one.meta.name} to end, which is being cancelled")
    return None


def _leftovers(observed: RetryObserved) -> Wait | None:
    """Launcher pods besides the one it runs in: KubeVirt makes no target pod while one lives."""
    alive = [pod for pod in observed.pods or () if not pod.is_finished]
    if len(alive) < 2:
        return None
    left = [pod for pod in alive if observed.vmi is None or pod.node != observed.vmi.node] or alive[1:]
    return Wait(POLL_SECONDS, f"for its left-over pod {left[0].meta.name} to end on node {left[0].node or 'none'}")


# -- where to


def blamed_nodes(observed: RetryObserved) -> tuple[str, ...]:
    """Nodes that are to blame for the last end: the record's, and the target whose pod went down."""
    found = list(observed.record.bad_targets)
    last = observed.last
    if last is not None and last.phase == "Failed":
        attempt = read_attempt(last)
        if attempt.failure is not None and attempt.failure.kind == "target_pod" and attempt.target_node:
            found.append(attempt.target_node)
    return tuple(dict.fromkeys(found))


def avoided_nodes(observed: RetryObserved, *, wish: RetryWish) -> tuple[str, ...]:
    """The nodes that it does not go to again: those that were named, or else those that are to blame."""
    return blamed_nodes(observed) if wish.avoid_nodes is None else wish.avoid_nodes


def _place(observed: RetryObserved, *, wish: RetryWish) -> Act | Refused:
    avoided = avoided_nodes(observed, wish=wish)
    if observed.places is None and "PlacementUnseen" not in wish.accepted:
        why = observed.places_reason or "Whether a node could take it could not be judged."
        return Refused("PlacementUnseen", why)
    if observed.places == () and "NoPlace" not in wish.accepted:
        return Refused("NoPlace", f"No node could take it: {observed.places_reason}")
    node = ""
    if avoided:
        chosen = _other_node(observed, avoided=avoided, wish=wish)
        if isinstance(chosen, Refused):
            if chosen.code not in wish.accepted:
                return chosen
        else:
            node = chosen
    why = f"To {node}, as {', '.join(avoided)} is to be avoided." if node else "The scheduler chooses the node."
    return Act(CREATE_MIGRATION, why, wish.namespace, wish.vm, node=node)


def _other_node(observed: RetryObserved, *, avoided: tuple[str, ...], wish: RetryWish) -> str | Refused:
    """The best node that is not avoided, by what the API offers for it: a selector that one node alone fits."""
    named = ", ".join(avoided)
    if not observed.can_select:
        why = f"{named} cannot be avoided: this KubeVirt's migrations have no addedNodeSelector (it came with 1.6)."
        return Refused("AvoidNotSupported", why)
    if HOSTNAME in observed.vm_selector:
        why = f"{named} cannot be avoided: the VM's own nodeSelector holds {HOSTNAME} already."
        return Refused("SelectorTaken", why)
    fit = [node for node in observed.places or () if node not in avoided and observed.hostnames.get(node)]
    if not fit:
        return Refused("NoPlace", f"No node but {named} could take it: {observed.places_reason}")
    return fit[0]


def plan_migration(
    wish: RetryWish, *, hostname: str = "", actor: str = "", reason: str = "", holder: str = ""
) -> dict[str, Any]:
    """The migration to create. Without priority: KubeVirt lets only its own controllers set that."""
    spec: dict[str, Any] = {"vmiName": wish.vm}
    if hostname:
        spec["addedNodeSelector"] = {HOSTNAME: hostname}
    notes = {ACTOR: actor, REASON: reason, HOLDER: holder}
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstanceMigration",
        "metadata": {
            "generateName": "live-migration-retry-",
            "namespace": wish.namespace,
            "labels": {LABEL_VMI_NAME: wish.vm},
            "annotations": {name: value for name, value in notes.items() if value},
        },
        "spec": spec,
    }


# -- after the create


def _after_create(
    observed: RetryObserved, *, wish: RetryWish, created: str, until: datetime, now: datetime
) -> Act | Wait | Done:
    own = next((one for one in observed.migrations if one.meta.uid == created), None)
    if own is not None and not own.is_final and not own.is_being_deleted:
        # Of the same second counts as older: times are whole seconds, and none left is better than two.
        older = [
            one
            for one in observed.migrations
            if not one.is_final and one.meta.uid != created and _age(one)[0] <= _age(own)[0]
        ]
        if older:
            why = f"{older[0].meta.name} is not younger and has not ended: with both the VM would move twice."
            return Act(WITHDRAW_MIGRATION, why, own.meta.namespace, own.meta.name, uid=created)
    return _outcome(observed, own, wish=wish, created=created) or (
        Done("waiting", f"It had not come so far within wait_timeout (phase {own.phase[:60] if own else ''}).")
        if now >= until
        else Wait(POLL_SECONDS, f"for the migration to be {wish.wait_for}")
    )


def _outcome(observed: RetryObserved, own: Migration | None, *, wish: RetryWish, created: str) -> Done | None:
    state = observed.vmi.state if observed.vmi else None
    mine = state if state is not None and state.migration_uid == created else None
    if own is None:
        if mine is None:
            return Done("failed", "Its object is gone, and the VMI knows nothing of it: it ended before the copy.")
        moved = mine.completed and not mine.failed
        return Done("succeeded" if moved else "failed", "Its object is gone; the VMI says how it ended.")
    if own.phase == "Succeeded":
        return Done("succeeded", f"The VM runs on {mine.target_node if mine else 'its target'}.")
    if own.phase == "Failed":
        why = (mine.failure_reason if mine else "") or "KubeVirt recorded no reason, as it ended before the copy"
        return Done("failed", f"It failed: {why}.")
    if own.is_being_deleted:
        return Done("withdrawn", "It is being cancelled.")
    if wish.wait_for == "created":
        return Done("created", f"KubeVirt has the migration (phase {own.phase[:60] or 'unset'}).")
    if wish.wait_for == "running" and own.phase in _COPYING:
        return Done("running", "The copy runs.")
    return None
