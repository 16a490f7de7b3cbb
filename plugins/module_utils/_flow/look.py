# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look: what was read is judged, and where more would say more that is read too.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.placement_reads import (
    PlacementReading,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reads import add_events
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import seconds_between
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.unschedulable import (
    find_unplaced,
    with_places,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import HOLD_SECONDS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement

__all__ = ["look"]


def look(
    client: Client, snapshot: Snapshot, /, *, late_after: int, places: PlacementReading | None = None
) -> tuple[Snapshot, Sequence[Judgement]]:
    """Judges `snapshot`, reads the events of those that may need them and, through `places`, where target pods could
    go that no node takes, and judges again."""
    judgements = judge_snapshot(snapshot, late_after=late_after)
    wanted, unplaced = _events_wanted(judgements), find_unplaced(judgements) if places is not None else ()
    if wanted:
        snapshot = add_events(client, snapshot, wanted=wanted)
    if places is not None and unplaced:
        snapshot = with_places(places, snapshot, uids=unplaced)
    if not wanted and not unplaced:
        return snapshot, judgements
    return snapshot, judge_snapshot(snapshot, late_after=late_after)


def _events_wanted(judgements: Iterable[Judgement]) -> dict[str, list[str]]:
    """Namespace -> UIDs whose events may say more, of those that stay in a phase that events explain."""
    wanted: dict[str, list[str]] = {}
    for one in judgements:
        uid, namespace = _event_subject(one), one.case.migration.meta.namespace
        if uid and uid not in wanted.get(namespace, ()):
            wanted.setdefault(namespace, []).append(uid)
    return wanted


def _event_subject(judgement: Judgement) -> str:
    """The UID of the object that KubeVirt and the kubelet write events about in this phase, "" for none."""
    case, migration = judgement.case, judgement.case.migration
    vmi = case.vmi.meta.uid if case.vmi else ""
    codes = {cause.code for cause in judgement.causes}
    if "ResourceQuotaExceeded" in codes:
        return vmi
    if codes & {"LeftoverLauncherPod", "AnotherMigrationActive"}:
        return ""  # KubeVirt does not try to make a target pod, so no event could say that it was refused.
    if (seconds_between(migration.phase_since, case.now) or 0) < HOLD_SECONDS["no"]:
        return ""
    if migration.is_being_deleted or migration.phase == "Scheduled":
        return migration.meta.uid
    if migration.phase == "Scheduling" or (migration.phase == "Pending" and case.target_pod is not None):
        # Once it runs its events say no more.
        return case.target_pod.meta.uid if case.target_pod and case.target_pod.phase != "Running" else ""
    return vmi if migration.phase in ("Pending", "PreparingTarget", "TargetReady") else ""
