# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that remembers what it read: what a verdict rests on is what a bundle must hold, no more and no less.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.answer import Table
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_client import (
    asked_of,
    named_in,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    NotFound,
    ResourceMissing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import cell
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Query
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.captured import Asked
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import KINDS, Kind, kind_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import FINAL_PHASES

__all__ = ["Recording", "RecordingClient"]

Named = tuple[Kind, str, str]
Objects = list[dict[str, Any]]
_MIGRATIONS: Final = KINDS["kubevirt.io", "VirtualMachineInstanceMigration"]


@dataclass
class Recording:
    """What was read: objects, the lists that were whole (with their selectors as they were asked), what was not there
    (a name "" for a resource that is not served), and what was refused. `named` are lists of which only the names of
    unfinished migrations were read."""

    objects: dict[Named, Mapping[str, Any]] = field(default_factory=dict)
    listed: dict[Asked, tuple[str, str]] = field(default_factory=dict)
    named: dict[Asked, frozenset[str]] = field(default_factory=dict)
    absent: set[Named] = field(default_factory=set)
    refused: dict[Named, Rule] = field(default_factory=dict)

    def unfinished(self) -> list[Asked]:
        """Lists of which each unfinished migration was read as an object too; a long queue is not."""
        there = {name for kind, _namespace, name in self.objects if kind == _MIGRATIONS}
        return [asked for asked, names in self.named.items() if names <= there]


class RecordingClient(Client):
    """As `client`, over its connections; `recording` grows with each answer."""

    def __init__(self, client: Client) -> None:
        super().__init__(client._transport, clock=client._clock, request_timeout=client._request_timeout)
        self.recording = Recording()
        self._writing = threading.Lock()

    def get(self, path: str, *, query: Query | None = None) -> dict[str, Any]:
        """As `Client.get`."""
        try:
            found = super().get(path, query=query)
        except (Forbidden, NotFound) as error:
            self._note_error(error, path, query)
            raise
        named = named_in(path)
        if named is not None:
            with self._writing:
                # Of a migration the second look counts: it is asked for where the first was doubtful.
                if named[0] == _MIGRATIONS:
                    self.recording.objects[named] = found
                self.recording.objects.setdefault(named, found)
        return found

    def list(self, path: str, *, query: Query | None = None, limit: int = 500) -> Objects:
        """As `Client.list`."""
        try:
            found = super().list(path, query=query, limit=limit)
        except (Forbidden, NotFound) as error:
            self._note_error(error, path, query)
            raise
        self._note_list(path, query, found)
        return found

    def first_page(self, path: str, *, limit: int) -> tuple[Objects, bool]:
        """As `Client.first_page`."""
        found, is_all = super().first_page(path, limit=limit)
        self._note_list(path, None, found, is_whole=is_all)
        return found, is_all

    def table(self, path: str, *, query: Query | None = None) -> Table:
        """As `Client.table`."""
        try:
            found = super().table(path, query=query)
        except (Forbidden, NotFound) as error:
            self._note_error(error, path, query)
            raise
        asked = asked_of(path, query=query)
        if asked is not None:
            with self._writing:
                self.recording.named[asked] = unfinished_names(found)
        return found

    def get_texts(self, paths: Iterable[str], *, longest: int) -> dict[str, str | ClusterError]:
        """As `Client.get_texts`; of the texts nothing is kept but the refusals."""
        found = super().get_texts(paths, longest=longest)
        for path, answer in found.items():
            if isinstance(answer, Forbidden):
                self._note_error(answer, path, None)
        return found

    def _note_list(
        self, path: str, query: Query | None, found: Iterable[Mapping[str, Any]], *, is_whole: bool = True
    ) -> None:
        asked = asked_of(path, query=query)
        if asked is None:
            return
        given = query or {}
        with self._writing:
            if is_whole:
                words = (str(given.get("labelSelector") or ""), str(given.get("fieldSelector") or ""))
                self.recording.listed.setdefault(asked, words)
            for obj in found:
                named = _name_of(obj)
                if named is not None:
                    self.recording.objects.setdefault(named, obj)

    def _note_error(self, error: Forbidden | NotFound, path: str, query: Query | None) -> None:
        named, asked = named_in(path), asked_of(path, query=query)
        with self._writing:
            if isinstance(error, Forbidden):
                key = named or ((asked.kind, asked.namespace, "") if asked else None)
                key = key or (Kind(error.rule.group, error.rule.resource), error.rule.namespace, path)
                self.recording.refused[key] = error.rule
            elif isinstance(error, ResourceMissing) and (named or asked):
                kind = named[0] if named else asked.kind if asked else _MIGRATIONS
                self.recording.absent.add((kind, "", ""))
            elif named and (named[0] == _MIGRATIONS or named not in self.recording.objects):
                self.recording.absent.add(named)
                self.recording.objects.pop(named, None)


def unfinished_names(table: Table, /) -> frozenset[str]:
    """The names in the rows of a Table of migrations, but for those that have ended."""
    columns = {name.lower(): place for place, name in enumerate(table.columns)}
    if not {"name", "phase"} <= set(columns):
        return frozenset()
    rows = ((cell(row, place=columns["name"]), cell(row, place=columns["phase"])) for row in table.rows)
    return frozenset(name for name, phase in rows if phase not in FINAL_PHASES)


def _name_of(obj: Mapping[str, Any]) -> Named | None:
    kind, metadata = kind_of(obj), obj.get("metadata")
    if kind is None or not isinstance(metadata, Mapping):
        return None
    namespace, name = metadata.get("namespace") or "", metadata.get("name")
    return (kind, namespace, name) if isinstance(name, str) and isinstance(namespace, str) and name else None
