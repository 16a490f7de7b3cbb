# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads which storage classes VMs use, where late and stuck migrations could share one.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.claim_reads import (
    read_storage_classes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Key, Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.correlation import AT_LEAST, is_bad
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement

__all__ = ["MOST_NAMESPACES", "look_at_storage"]

MOST_NAMESPACES = 8


def look_at_storage(
    client: Client, judgements: Sequence[Judgement], /, *, limit: int | None
) -> tuple[Mapping[Key, str], Mapping[str, tuple[Rule, ...]]]:
    """The storage class by namespace and claim, and the rules that were missing.

    Nothing is read unless at least two late or stuck migrations, and others to compare them with, have claims. Of many
    namespaces those with most late and stuck ones are read, one request each, until `limit` requests are made in all.
    """
    active = [one for one in judgements if not one.case.migration.is_final and one.case.vmi and one.case.vmi.claims]
    bad = Counter(one.case.migration.meta.namespace for one in active if is_bad(one))
    if not AT_LEAST <= bad.total() < len(active):
        return {}, {}
    places = sorted({one.case.migration.meta.namespace for one in active}, key=lambda place: (-bad[place], place))
    room = MOST_NAMESPACES if limit is None else max(0, min(MOST_NAMESPACES, limit - client.requests))
    reading = Reading(client)
    return read_storage_classes(reading, namespaces=places[:room]), reading.unseen
