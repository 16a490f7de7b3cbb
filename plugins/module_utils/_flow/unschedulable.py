# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which target pods are looked at for a node, and the snapshot with what was read for that.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.placement_reads import (
    PlacementReading,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    seconds_between,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.placements import look_at_placements
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import HOLD_SECONDS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement

__all__ = ["MOST_PODS", "find_unplaced", "with_places"]

# What is read is read once for all of them; this bounds the computing, of every node for each pod.
MOST_PODS = 20


def find_unplaced(judgements: Iterable[Judgement], /) -> tuple[str, ...]:
    """UIDs of the target pods that the scheduler has refused for 60 s, of at most MOST_PODS those that wait longest."""
    refused = {pod.meta.uid: pod for one in judgements if (pod := _refused_pod(one)) is not None}
    longest = sorted(refused, key=lambda uid: (format_timestamp(_refused_at(refused[uid])), uid))
    return tuple(longest[:MOST_PODS])


def _refused_pod(judgement: Judgement) -> Pod | None:
    case = judgement.case
    if all(cause.code != "TargetPodUnschedulable" for cause in judgement.causes):
        return None
    pod = case.target_pod
    waited = seconds_between(_refused_at(pod), case.now) if pod is not None else None
    return pod if waited is not None and waited >= HOLD_SECONDS["no"] else None


def _refused_at(pod: Pod) -> datetime | None:
    return pod.conditions["PodScheduled"].changed_at


def with_places(reading: PlacementReading, snapshot: Snapshot, /, *, uids: Iterable[str]) -> Snapshot:
    """`snapshot` with the nodes that the target pods `uids` could go to, and without the needs of the others."""
    needs = {uid: snapshot.needs[uid] for uid in uids if uid in snapshot.needs}
    places = look_at_placements(reading, tuple(needs.values())) if needs else None
    return replace(snapshot, needs=needs, places=places, unseen={**snapshot.unseen, **reading.unseen})
