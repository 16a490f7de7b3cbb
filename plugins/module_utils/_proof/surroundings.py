# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds the migrations of one look: the queue that they share, and the settings that hold.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case, PodIndex
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    configured_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import Fate, judge_queue

__all__ = ["render_queue", "render_settings"]


def render_queue(snapshot: Snapshot, /, *, judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Who holds a slot and who waits, the next one first. A limit is null where it could not be read;
    `stuck` is null where the holder was not judged; `unclear` counts those of which it is not known."""
    fates = {id(one.case.migration): one for one in judgements}

    def fate_of(migration: Migration) -> Fate:
        judged = fates.get(id(migration))
        return Fate(None if judged is None or judged.verdict == "unknown" else judged.is_stuck)

    index = PodIndex.of(snapshot.pods)
    cases = [Case(snapshot, one, index) for one in snapshot.migrations if not one.is_final]
    queue = judge_queue(cases, fate_of=fate_of)
    labels = {case.migration.meta.uid: case.migration.label for case in cases}
    kubevirt = snapshot.kubevirt if snapshot.kubevirt and not snapshot.kubevirt.problems else None
    return {
        "parallel_migrations_per_cluster": kubevirt.per_cluster if kubevirt else None,
        "parallel_outbound_migrations_per_node": kubevirt.outbound_per_node if kubevirt else None,
        "running": [
            {"vm": one.label, "phase": one.phase, "source_node": one.source_node, "stuck": one.is_stuck}
            for one in queue.holders
        ],
        "waiting": [labels[uid] for uid in queue.waiting],
        "unclear": len(queue.unclear) + len(queue.nowhere),
    }


def render_settings(snapshot: Snapshot, /, *, policies: Policies) -> dict[str, Any]:
    """`cluster`: what holds for a VM that no policy rules, {} where that could not be read; `policies`: what
    each sets, null where they were not read."""
    known = policies.policies
    return {
        "cluster": _settings(snapshot),
        "policies": None if known is None else {one.name: dict(one.settings) for one in known},
    }


def _settings(snapshot: Snapshot) -> dict[str, Any]:
    configured = snapshot.kubevirt.settings if snapshot.kubevirt else None
    return {} if configured is None else {name: one.value for name, one in configured_settings(configured).items()}
