# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at migrations is told as: the entries, and what explains them beside the verdicts.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.policies import look_at_policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.storage_classes import look_at_storage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import (
    EMPTY_ACT,
    render_correlations,
    render_migrations,
    render_summary,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.surroundings import (
    render_queue,
    render_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.correlation import find_correlations
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import judge_node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.remarks import note_unworkable_limits

__all__ = ["show_look"]


def show_look(
    client: Client,
    snapshot: Snapshot,
    judgements: Sequence[Judgement],
    /,
    *,
    shown: Sequence[Judgement],
    ladder: Mapping[str, str],
    limit: int | None = None,
) -> tuple[dict[str, Any], list[Rule]]:
    """The result of migration_info about `shown`, without `coverage`, and the rules that were missing.

    `judgements` are all of `snapshot`, as the queue is more than `shown`. Reads storage classes and policies, which no
    verdict hangs on, until `limit` requests are made in all (None: no limit).
    """
    queue = render_queue(snapshot, judgements=judgements)
    classes, unread = look_at_storage(client, shown, limit=limit)
    policies, hidden = look_at_policies(client, shown, limit=limit)
    correlations = find_correlations(shown, storage_classes=classes)
    unseen = {**snapshot.unseen, **unread, **hidden}
    found = {
        "changed": False,
        "read_at": format_timestamp(snapshot.read_at),
        "migrations": render_migrations(shown, policies=policies, ladder=ladder),
        "summary": render_summary(shown),
        "correlations": render_correlations(
            correlations, node_verdicts=_node_verdicts(snapshot, [one.value for one in correlations])
        ),
        "queue": queue,
        "settings": render_settings(snapshot, policies=policies),
        **EMPTY_ACT,
        "notes": note_unworkable_limits(shown, policies=policies or Policies()),
    }
    return found, [rule for topic in sorted(unseen) for rule in unseen[topic]]


def _node_verdicts(snapshot: Snapshot, names: Iterable[str]) -> dict[str, str]:
    """The verdict of each node that was read; one that could not be is left out."""
    return {
        name: judge_node(node, snapshot.read_at, handler=snapshot.handlers.get(name)).verdict
        for name in names
        if (node := snapshot.nodes.get(name)) is not None
    }
