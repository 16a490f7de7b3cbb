# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads MigrationPolicies, and the labels of namespaces that they look at.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    NotFound,
    ResourceMissing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import COMPONENT, UNDONE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import MetaFields, Reader

__all__ = ["NAMESPACES_SINGLY", "read_namespace_labels", "read_policies", "read_undo_event"]

# Up to this many single requests; above it the whole list costs less.
NAMESPACES_SINGLY = 16
_META = MetaFields("Namespace")


def read_policies(reading: Reading, /) -> tuple[MigrationPolicy, ...] | None:
    """All MigrationPolicies in one request; None where they may not be read (topic `policies`). A cluster that does not
    serve the kind has none."""
    path = paths.collection("migrations.kubevirt.io", version="v1alpha1", plural="migrationpolicies")
    try:
        items = reading.seeing("policies", lambda: reading.client.list(path))
    except ResourceMissing:
        return ()
    return None if items is None else tuple(MigrationPolicy.from_object(item) for item in items)


def read_namespace_labels(reading: Reading, /, *, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The labels of these namespaces, one request each or one list; what may not be read is left out (topic
    `namespaces`), and so are namespaces that do not exist."""
    if len(names) > NAMESPACES_SINGLY:
        path = paths.collection("", version="v1", plural="namespaces")
        items = reading.seeing("namespaces", lambda: reading.client.list(path)) or []
        metas = [_META.read(Reader(item)) for item in items]
        return {meta.name: dict(meta.labels) for meta in metas if meta.name in set(names)}
    wanted = {paths.item("", version="v1", plural="namespaces", name=name): name for name in names}
    found = {}
    for path, answer in reading.client.get_many(list(wanted)).items():
        if isinstance(answer, Forbidden):
            reading.miss("namespaces", answer.rule)
        elif isinstance(answer, ClusterError):
            if not isinstance(answer, NotFound):
                raise answer
        else:
            found[wanted[path]] = dict(_META.read(Reader(answer)).labels)
    return found


def read_undo_event(reading: Reading, /, *, name: str) -> str:
    """What the last event of ours says of an undo of this policy, with its time; "" where there is none (any more), or
    events may not be read (topic `events`). It lies where events of objects without a namespace do."""
    path = paths.collection("", version="v1", plural="events", namespace="default")
    query = {"fieldSelector": f"involvedObject.kind=MigrationPolicy,involvedObject.name={name},reason={UNDONE}"}
    found = reading.seeing("events", lambda: reading.client.list(path, query=query)) or []
    told = sorted(f"{one.get('lastTimestamp')}: {one.get('message')}" for one in found if _is_ours(one))
    return told[-1] if told else ""


def _is_ours(event: Mapping[str, Any]) -> bool:
    source = event.get("source")
    return isinstance(source, Mapping) and source.get("component") == COMPONENT
