# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is stuck, gathered by cause: what a first screen can hold when hundreds are stuck at once.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Migration

__all__ = ["MOST_ROWS", "Group", "Numbered", "groups_of"]

# So many rows fit on the first screen; of more the causes are listed.
MOST_ROWS = 12
MOST_NAMES = 6


@dataclass(frozen=True)
class Numbered:
    """A stuck migration with its number, by which its details are found."""

    number: int
    migration: Migration


@dataclass(frozen=True)
class Group:
    """All that are stuck for one first cause, "" for none. `verdict` is the worst of theirs."""

    cause: str
    verdict: str
    summary: str
    members: tuple[Numbered, ...]

    @property
    def shown(self) -> tuple[Numbered, ...]:
        """The first of them, as many as may be named."""
        return self.members[:MOST_NAMES]

    @property
    def left_out(self) -> int:
        """How many are not named."""
        return len(self.members) - len(self.shown)


def groups_of(stuck: Sequence[Migration], /) -> tuple[Group, ...]:
    """The causes with the most migrations first; () where the migrations themselves are few enough to be listed."""
    if len(stuck) <= MOST_ROWS:
        return ()
    found: dict[str, list[Numbered]] = {}
    for number, migration in enumerate(stuck, start=1):
        found.setdefault(migration.cause, []).append(Numbered(number, migration))
    groups = [_group(cause, members) for cause, members in found.items()]
    return tuple(sorted(groups, key=lambda group: (-len(group.members), group.cause)))


def _group(cause: str, members: list[Numbered], /) -> Group:
    first = members[0].migration
    summary = first.causes[0].summary if first.causes else first.summary
    return Group(cause, first.verdict, summary, tuple(members))
