# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a change of a policy: its whole spec before and after, so that it is undone to the letter.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import (
    Record,
    Who,
    parse_record,
)

__all__ = ["PolicyRecord", "parse_policy_record"]

_SPEC = "spec"

Spec = Mapping[str, Any]


@dataclass(frozen=True)
class PolicyRecord:
    """One change, with the spec before (None: the policy was made) and after it. `undone`: who undid it, None while it
    stands."""

    who: Who
    before: Spec | None
    after: Spec
    undone: Mapping[str, str] | None = None

    def render(self) -> str:
        """The annotation's text; the same for the same change."""
        return Record(self.who, {_SPEC: (self.before, self.after)}, undone=self.undone).render()

    def undone_by(self, who: Who, /) -> PolicyRecord:
        """The same change, taken back."""
        return replace(self, undone=who.to_json())

    def to_result(self) -> dict[str, Any]:
        """The key `last_change`."""
        return {**self.who.to_json(), "undone": dict(self.undone or {})}


def parse_policy_record(text: Any, /) -> PolicyRecord | None:
    """The record in an annotation; None where there is none, or none that can be read."""
    record = parse_record(text)
    before, after = record.changes.get(_SPEC, (None, None)) if record is not None else (None, None)
    if record is None or not isinstance(after, Mapping) or not (before is None or isinstance(before, Mapping)):
        return None
    undone: Any = record.undone
    is_undone = isinstance(undone, Mapping)
    return PolicyRecord(record.who, before, after, undone if is_undone else None) if is_undone or not undone else None
