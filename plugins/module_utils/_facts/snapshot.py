# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All objects of one look at the cluster, when it was taken, and what could not be seen.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import HandlerState, Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.places import PlacementObjects
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Progress
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import (
    Event,
    KubeVirt,
    Lease,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi

__all__ = ["Snapshot"]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Snapshot:
    """One look. `read_at` is the cluster's time.

    In `vmis` and `nodes` None stands for "the API says there is none", a missing key for "was not read".
    `subjects` are the UIDs that are asked about; the other migrations are there because they share the queue.
    `unseen` says what could not be read, by topic (`nodes`, `handlers`, `kubevirt`, `lease`, `queue`, or
    `pods`, `vmis`, `events` with `/namespace`, or `placement` with `/nodes`, `/pods`, `/namespaces`), with the rules
    that would show it. `waiting_unread` counts migrations that wait in the queue and were left out, so that a place in
    it is not known. `needs` are those of target pods without a node, by UID, and `places` where they could go; None
    where that was not read. `progress` holds what was measured of each VM, (namespace, name); a missing key: it was
    not read.
    """

    read_at: datetime
    migrations: tuple[Migration, ...] = ()
    subjects: frozenset[str] | None = None
    vmis: Mapping[tuple[str, str], Vmi | None] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    nodes: Mapping[str, Node | None] = field(default_factory=dict)
    handlers: Mapping[str, HandlerState] = field(default_factory=dict)
    kubevirt: KubeVirt | None = None
    lease: Lease | None = None
    events: tuple[Event, ...] = ()
    unseen: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    waiting_unread: int = 0
    needs: Mapping[str, PodNeeds] = field(default_factory=dict)
    places: PlacementObjects | None = None
    progress: Mapping[tuple[str, str], Progress] = field(default_factory=dict)

    @cached_property
    def by_vm(self) -> Mapping[tuple[str, str], tuple[Migration, ...]]:
        """All migrations of each VM, (namespace, name), newest first."""
        found: dict[tuple[str, str], list[Migration]] = {}
        for migration in sorted(self.migrations, key=_made, reverse=True):
            found.setdefault(migration.key, []).append(migration)
        return {key: tuple(some) for key, some in found.items()}

    @cached_property
    def ended_by_target(self) -> Mapping[str, tuple[Migration, ...]]:
        """Finished migrations by the node that they went to, newest first; those that never had one are left out."""
        found: dict[str, list[Migration]] = {}
        for migration in sorted(self.migrations, key=_made, reverse=True):
            node = migration.state.target_node if migration.state else ""
            if migration.is_final and node:
                found.setdefault(node, []).append(migration)
        return {node: tuple(some) for node, some in found.items()}

    def unseen_for(self, topic: str, *, namespace: str = "") -> tuple[Rule, ...]:
        """The rules that would show `topic`; empty when it was read."""
        return self.unseen.get(f"{topic}/{namespace}" if namespace else topic, ())

    def is_subject(self, migration: Migration) -> bool:
        """Whether this migration was asked about."""
        return self.subjects is None or migration.meta.uid in self.subjects

    def events_about(self, uid: str) -> tuple[Event, ...]:
        """Events whose involved object has this UID."""
        return self._events_by_uid.get(uid, ()) if uid else ()

    @cached_property
    def unreadable_events(self) -> tuple[Event, ...]:
        """Events of which something cannot be read."""
        return tuple(event for event in self.events if event.problems)

    @cached_property
    def _events_by_uid(self) -> Mapping[str, tuple[Event, ...]]:
        found: dict[str, list[Event]] = {}
        for event in self.events:
            found.setdefault(event.about_uid, []).append(event)
        return {uid: tuple(some) for uid, some in found.items()}


def _made(migration: Migration) -> tuple[datetime, str]:
    return migration.meta.created_at or _LONG_AGO, migration.meta.uid
