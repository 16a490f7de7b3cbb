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
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import (
    copy_limit,
    find_deadline,
)

__all__ = ["find_deadline_not_enforced", "find_post_copy_active", "post_copy_since"]


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
    return Cause("DeadlineNotEnforced", summary, "no", deadline.at, seen, names=names)


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
