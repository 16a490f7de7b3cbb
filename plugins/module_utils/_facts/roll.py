# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roll of migrations that a watch keeps: which are under way, and which have been seen to end.

This module is private to the collection and may change without notice.

Of one under way it keeps four names, of a finished one its UID alone, and of one that is deleted nothing: so it is as
large as the number of objects that there are, and 50,000 of them take a few megabytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration

__all__ = ["GONE", "Ended", "Known", "Roll"]

# How one ended whose object was deleted before it was seen to end.
GONE: Final = "gone"
_FINAL: Final[Mapping[str, str]] = {"Succeeded": "succeeded", "Failed": "failed"}


@dataclass(frozen=True)
class Known:
    """One migration under way."""

    namespace: str
    vm: str
    name: str
    uid: str


@dataclass(frozen=True)
class Ended:
    """One that has ended: succeeded, failed or gone."""

    migration: Known
    how: str


class Roll:
    """Fed with lists and with changes, in any order and as often as may be; tells of each end once.

    Before the first list is complete what is finished already is no news.
    """

    def __init__(self) -> None:
        self.active: dict[str, Known] = {}
        self._finished: set[str] = set()
        self._listed: set[str] | None = None
        self._is_complete = False

    @property
    def finished(self) -> int:
        """How many finished ones there are."""
        return len(self._finished)

    def note(self, obj: Mapping[str, Any], /) -> Ended | None:
        """Takes in an object as it is now; the end that it tells of."""
        migration = Migration.from_object(obj)
        uid = migration.meta.uid
        if not uid or uid in self._finished:
            return None
        known = Known(migration.meta.namespace, migration.vmi_name, migration.meta.name, uid)
        how = _FINAL.get(migration.phase)
        if how is None:
            self.active[uid] = known
            return None
        was_active = self.active.pop(uid, None) is not None
        self._finished.add(uid)
        return Ended(known, how) if was_active or self._is_complete else None

    def drop(self, obj: Mapping[str, Any], /) -> Ended | None:
        """Takes in that an object was deleted, as it was last; the end that it tells of."""
        ended = self.note(obj)
        uid = Migration.from_object(obj).meta.uid
        known = self.active.pop(uid, None)
        self._finished.discard(uid)
        return ended or (Ended(known, GONE) if known is not None else None)

    # -- a whole list

    def begin_list(self) -> None:
        """A list begins; one that was broken off is forgotten."""
        self._listed = set()

    def note_listed(self, obj: Mapping[str, Any], /) -> Ended | None:
        """As `note`, for an object of the list."""
        if self._listed is not None:
            self._listed.add(Migration.from_object(obj).meta.uid)
        return self.note(obj)

    def end_list(self) -> list[Ended]:
        """The list is complete: what is not on it has been deleted."""
        listed, self._listed = self._listed or set(), None
        self._is_complete = True
        self._finished &= listed
        gone = [uid for uid in self.active if uid not in listed]
        return [Ended(self.active.pop(uid), GONE) for uid in gone]
