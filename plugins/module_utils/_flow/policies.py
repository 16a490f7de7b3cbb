# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what tells which MigrationPolicy rules each VM now, within the requests that are left.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import (
    NAMESPACES_SINGLY,
    read_namespace_labels,
    read_policies,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy, Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import needs_namespace

__all__ = ["PER_VM", "look_at_policies"]

# What one VM may cost, progress and placement apart (design: Cost follows the number of active migrations).
PER_VM = 12

Unseen = Mapping[str, tuple[Rule, ...]]


def look_at_policies(
    client: Client, judgements: Sequence[Judgement], /, *, limit: int | None
) -> tuple[Policies, Unseen]:
    """The policies and the namespaces' labels as far as they decide, and the rules that were missing.

    Nothing is read without an unfinished migration, nor once `limit` requests are made (None: no limit).
    """
    active = [one for one in judgements if not one.case.migration.is_final and one.case.vmi is not None]
    if not active or not _has_room(client, 1, limit):
        return Policies(), {}
    reading = Reading(client)
    policies = read_policies(reading)
    if policies is None:
        return Policies(), reading.unseen
    names = _namespaces_wanted(active, policies)
    cost = 1 if len(names) > NAMESPACES_SINGLY else len(names)
    labels = read_namespace_labels(reading, names=names) if names and _has_room(client, cost, limit) else {}
    return Policies(policies, labels), reading.unseen


def _namespaces_wanted(active: Sequence[Judgement], policies: Sequence[MigrationPolicy]) -> list[str]:
    return sorted(
        {
            one.case.migration.meta.namespace
            for one in active
            if one.case.vmi is not None and needs_namespace(policies, vmi_labels=one.case.vmi.meta.labels)
        }
    )


def _has_room(client: Client, cost: int, limit: int | None) -> bool:
    return limit is None or client.requests + cost <= limit
