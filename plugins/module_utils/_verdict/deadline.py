# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time that a migration may take in its phase, by KubeVirt's own limits.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go (pod timeouts),
cmd/virt-launcher qemu-timeout (240 s and up to 119 s of jitter), pkg/virt-launcher/virtwrap/live-migration-source.go
and virtwrap/manager.go getVMIMigrationDataSize (completion timeout).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import (
    ANNOTATION_PENDING_TIMEOUT,
    ANNOTATION_UNSCHEDULABLE_TIMEOUT,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    quantity_bytes,
    scaled_giga,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import (
    MODE_PAUSED,
    MODE_POST_COPY,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import seconds_between
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case

__all__ = [
    "CANCEL_SECONDS",
    "LAUNCHER_LIMIT_SECONDS",
    "Deadline",
    "copy_limit",
    "find_deadline",
    "launcher_deadline",
    "launcher_may_be_over",
]

UNSET_SECONDS = 60
SCHEDULED_SECONDS = 60
_MOST_DISKS = 3
CANCEL_SECONDS = 60
UNSCHEDULABLE_SECONDS = 300
PENDING_POD_SECONDS = 900
# 240 s and up to 119 s of jitter: only after both is it sure that the target launcher should have given up.
LAUNCHER_LIMIT_SECONDS = 240 + 119


@dataclass(frozen=True)
class Deadline:
    """`at` None: this phase has no limit, or it cannot be computed; `reason` says which in words."""

    at: datetime | None
    reason: str


NONE = Deadline(None, "")


def find_deadline(case: Case) -> Deadline:
    """The deadline of the phase that the migration is in; of its cancel while it is being deleted."""
    if case.migration.is_final:
        return NONE
    if case.migration.is_being_deleted:
        return _cancel(case)
    find = _BY_PHASE.get(case.migration.phase)
    return find(case) if find else NONE


def _after(moment: datetime | None, seconds: int, reason: str) -> Deadline:
    if moment is None:
        return NONE
    try:
        return Deadline(moment + timedelta(seconds=seconds), reason)
    except OverflowError:
        return Deadline(None, f"{reason}: beyond any date")


def _cancel(case: Case) -> Deadline:
    if case.migration.phase in ("PreparingTarget", "TargetReady"):
        return launcher_deadline(case)
    if case.state and case.state.mode == MODE_POST_COPY:
        return Deadline(None, "post-copy cannot be cancelled and has no limit")
    return _after(case.migration.meta.deleted_at, CANCEL_SECONDS, "KubeVirt ends a cancelled migration within 60 s")


def _unset(case: Case) -> Deadline:
    return _after(case.migration.meta.created_at, UNSET_SECONDS, "virt-controller takes a migration up within 60 s")


def _pod_pending(case: Case) -> Deadline:
    """Both timeouts count from the target pod's creation, and only while the pod is Pending."""
    pod = case.target_pod
    if pod is None or pod.phase != "Pending" or pod.meta.deleted_at is not None:
        return NONE
    if _is_unschedulable(pod):
        seconds = case.migration.seconds_from(ANNOTATION_UNSCHEDULABLE_TIMEOUT, default=UNSCHEDULABLE_SECONDS)
        return _after(pod.meta.created_at, seconds, f"KubeVirt gives an unschedulable target pod {seconds} s")
    seconds = case.migration.seconds_from(ANNOTATION_PENDING_TIMEOUT, default=PENDING_POD_SECONDS)
    return _after(pod.meta.created_at, seconds, f"KubeVirt gives a pending target pod {seconds} s")


def _is_unschedulable(pod: Pod) -> bool:
    scheduled = pod.conditions.get("PodScheduled")
    return scheduled is not None and scheduled.status == "False" and scheduled.reason == "Unschedulable"


def _scheduled(case: Case) -> Deadline:
    return _after(case.migration.phase_since, SCHEDULED_SECONDS, "virt-controller hands over within 60 s")


def launcher_deadline(case: Case) -> Deadline:
    """One timer over PreparingTarget and TargetReady, from the start of the target pod's compute container."""
    started = case.target_pod.launcher_started_at if case.target_pod else None
    return _after(
        started or case.migration.reached_at("PreparingTarget"),
        LAUNCHER_LIMIT_SECONDS,
        f"the target launcher gives up after 240 to {LAUNCHER_LIMIT_SECONDS} s",
    )


def launcher_may_be_over(case: Case) -> bool:
    """Whether the launcher's limit may have passed although :func:`launcher_deadline` does not say so: its pod was not
    seen, and it may have started as soon as the migration was in Scheduling."""
    if case.migration.phase not in ("PreparingTarget", "TargetReady") or case.target_pod is not None:
        return False
    if case.migration.other_side == "target":
        return False  # Its target pod is not here to be seen.
    earliest = case.migration.reached_at("Scheduling") or case.migration.meta.created_at
    limit = launcher_deadline(case).at
    waited = seconds_between(earliest, case.now) or 0
    return waited > LAUNCHER_LIMIT_SECONDS and (limit is None or case.now <= limit)


def copy_limit(case: Case) -> tuple[int | None, str]:
    """Seconds that KubeVirt lets the copy take and why; None where it sets no limit or it is not known."""
    state, vmi = case.state, case.vmi
    if state is None or vmi is None:
        return None, ""
    per_gib = state.completion_timeout_per_gib
    if per_gib is None:
        return None, "the migration's own completionTimeoutPerGiB is not readable"
    if per_gib == 0:
        return None, "completionTimeoutPerGiB 0: KubeVirt sets no limit"
    storage = vmi.storage
    if storage.launcher_disks:
        disks = ", ".join(storage.launcher_disks[:_MOST_DISKS])
        return None, f"KubeVirt counts in disks that only the launcher can measure ({disks})"
    if storage.volume_bytes is None:
        return None, "the size of the volumes that move is not readable"
    try:
        gigabytes = scaled_giga(quantity_bytes(vmi.guest_memory) + storage.volume_bytes)
    except QuantityError:
        return None, "the guest's memory is not readable"
    what = "guest memory and moving volumes" if storage.volume_bytes else "guest memory"
    # A negative one is over at KubeVirt's first look, and not before the copy began.
    return max(per_gib * gigabytes, 0), f"{gigabytes} GB of {what} x {per_gib} s"


def _copy(case: Case) -> Deadline:
    state = case.state
    if state is None:
        return NONE
    if state.ended_at is not None:
        return Deadline(None, "the copy has ended")
    if state.mode == MODE_POST_COPY:
        return Deadline(None, "post-copy has no limit: it ends only with the network")
    seconds, reason = copy_limit(case)
    if seconds is None:
        return Deadline(None, reason)
    if state.mode == MODE_PAUSED:
        seconds, reason = seconds * 2, f"{reason}, doubled while the guest is paused"
    return _after(state.started_at or case.migration.phase_since, seconds, reason)


_BY_PHASE: dict[str, Callable[[Case], Deadline]] = {
    "": _unset,
    "Pending": _pod_pending,
    "Scheduling": _pod_pending,
    "Scheduled": _scheduled,
    "PreparingTarget": launcher_deadline,
    "TargetReady": launcher_deadline,
    "Running": _copy,
}
