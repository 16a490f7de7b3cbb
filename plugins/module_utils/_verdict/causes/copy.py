# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes while memory is being copied.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/live-migration-source.go: the launcher enforces the deadline, its
verdict reaches the API only through the source's virt-handler; in post-copy nothing has a limit.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import state as state_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import vmi as vmi_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import later_by
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import (
    copy_limit,
    find_deadline,
)

__all__ = [
    "find_backend_storage_hand_off",
    "find_deadline_not_enforced",
    "find_guest_io_error",
    "find_hotplug_change_pending",
    "find_paused_for_migration",
    "find_post_copy_active",
    "post_copy_since",
]

_CHANGES = ("HotVCPUChange", "HotMemoryChange", "MigrationRequired")


def find_deadline_not_enforced(case: Case) -> Cause | Gap | None:
    """Running beyond KubeVirt's own deadline: the launcher gave up or should have, and the API does not show it."""
    migration, handed = case.migration, case.state
    if migration.phase != "Running" or migration.is_being_deleted or handed is None or handed.ended_at:
        return None
    deadline = find_deadline(case)
    if deadline.at is None or case.now <= deadline.at:
        return None
    over = int((case.now - deadline.at).total_seconds())
    seen = (
        Evidence(case.vmi_name, vmi_facts.STATE.started.path, "copy started", handed.started_at),
        Evidence(case.vmi_name, vmi_facts.STATE.completion_timeout.path, str(handed.completion_timeout_per_gib)),
    )
    summary = (
        f"KubeVirt's own deadline ({deadline.reason}) passed {over} s ago and the migration still runs: "
        "the end of the copy does not reach the API."
    )
    names = {"source_node": case.source_node, "target_node": case.target_node}
    # KubeVirt itself goes on past it for host devices (VFIO) and with the gate MigrationStallDetection.
    return Cause("DeadlineNotEnforced", summary, "no", deadline.at, seen, confidence="likely", names=names)


def find_post_copy_active(case: Case) -> Cause | Gap | None:
    """The VM runs on the target already and fetches its memory from the source: it can only be waited for."""
    handed = case.state
    if case.migration.phase != "Running" or handed is None or handed.mode != state_facts.MODE_POST_COPY:
        return None
    since = post_copy_since(case)
    seen = Evidence(case.vmi_name, vmi_facts.STATE.mode.path, handed.mode, handed.started_at)
    seconds = int((case.now - since).total_seconds()) if since else 0
    summary = (
        f"The copy is in post-copy, for {seconds} s at most: it cannot be cancelled, has no limit, "
        "and ends with the last page or with the network."
    )
    names = {"source_node": case.source_node, "target_node": case.target_node}
    return Cause("PostCopyActive", summary, "yes", since, (seen,), names=names)


def post_copy_since(case: Case) -> datetime | None:
    """The earliest moment at which post-copy can have begun: when the pre-copy's own limit was up.

    The API holds no time for the change of mode. None where the copy's start is not readable.
    """
    handed = case.state
    if handed is None or handed.started_at is None:
        return None
    seconds, _reason = copy_limit(case)
    try:
        return min(case.now, handed.started_at + timedelta(seconds=seconds or 0))
    except OverflowError:
        return case.now


def find_paused_for_migration(case: Case) -> Cause | Gap | None:
    """KubeVirt has suspended the guest so that the copy can end; the deadline is doubled once."""
    handed = case.state
    if case.migration.phase != "Running" or handed is None or handed.mode != state_facts.MODE_PAUSED or handed.ended_at:
        return None
    seconds, _reason = copy_limit(case)
    since = later_by(handed.started_at, max(seconds or 0, 0))
    seen = Evidence(case.vmi_name, vmi_facts.STATE.mode.path, handed.mode, handed.started_at)
    summary = "KubeVirt has suspended the guest to let the copy end: the VM stands still until then."
    names = {"source_node": case.source_node, "target_node": case.target_node}
    return Cause("PausedForMigration", summary, "yes", since, (seen,), names=names)


def find_guest_io_error(case: Case) -> Cause | Gap | None:
    """The guest is paused by an I/O error while it is copied."""
    paused = case.vmi.conditions.get("Paused") if case.vmi else None
    if case.migration.phase != "Running" or paused is None or paused.status != "True":
        return None
    if paused.reason != "PausedIOError":
        return None
    path = f"{vmi_facts.CONDITIONS.list.path}[Paused].reason"
    seen = Evidence(case.vmi_name, path, f"{paused.reason}: {paused.message}".rstrip(": "), paused.changed_at)
    summary = "The guest is paused by an I/O error of its storage; the copy cannot end well."
    since = case.later(paused.changed_at, case.migration.phase_since)
    return Cause("GuestIOError", summary, "no", since, (seen,), names={"namespace": case.migration.meta.namespace})


def find_hotplug_change_pending(case: Case) -> Cause | Gap | None:
    """The copy has ended, and KubeVirt waits until a hot-plugged change has been applied on the target."""
    handed, vmi = case.state, case.vmi
    if case.migration.phase != "Running" or handed is None or vmi is None or not handed.ended_at or handed.failed:
        return None
    pending = [vmi.conditions[name] for name in _CHANGES if name in vmi.conditions]
    pending = [condition for condition in pending if condition.status == "True"]
    if not pending:
        return None
    seen = tuple(
        Evidence(case.vmi_name, f"{vmi_facts.CONDITIONS.list.path}[{one.type}].status", one.status, one.changed_at)
        for one in pending
    )
    kinds = ", ".join(one.type for one in pending)
    summary = f"The VM has moved; KubeVirt waits for {kinds} before it calls the migration done."
    names = {"namespace": case.migration.meta.namespace}
    return Cause("HotplugChangePending", summary, "maybe", handed.ended_at, seen, names=names)


def find_backend_storage_hand_off(case: Case) -> Cause | Gap | None:
    """The domain runs on the target, and the hand-over of the volume with the VM's persistent state does not end
    (KubeVirt issue 17203)."""
    handed, vmi = case.state, case.vmi
    if case.migration.phase != "Running" or handed is None or vmi is None or handed.failed:
        return None
    # In post-copy the domain is ready on the target long before its last page has come.
    ready = handed.target_domain_ready_at if handed.mode != state_facts.MODE_POST_COPY else None
    since = case.later(handed.ended_at, ready)
    if since is None or not handed.persistent_claim or find_hotplug_change_pending(case):
        return None
    seen = (
        Evidence(case.vmi_name, vmi_facts.STATE.target_domain_ready.path, "ready on the target", since),
        Evidence(case.vmi_name, vmi_facts.STATE.persistent_claim.path, handed.persistent_claim),
    )
    summary = (
        f"The VM runs on {case.target_node or 'the target'}, but the hand-over of its persistent state "
        f"({handed.persistent_claim}) does not end."
    )
    names = {"namespace": case.migration.meta.namespace, "claim": handed.persistent_claim}
    return Cause("BackendStorageHandOff", summary, "no", since, seen, names=names)
