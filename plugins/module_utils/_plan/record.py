# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The annotation that tells what the collection changed last in an object: enough to undo it from the cluster alone.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import RECORD
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal

__all__ = ["LONGEST_REASON", "Record", "Who", "parse_record", "say_undone", "say_unreadable"]

# An object's annotations together may have 256 KiB (k8s.io/apimachinery, pkg/api/validation).
LONGEST_REASON: Final = 1000


@dataclass(frozen=True)
class Who:
    """`user` is who the API server sees, `requested_by` who stands behind that in the caller's words; either may be
    ""."""

    at: str
    user: str = ""
    requested_by: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, str]:
        """As it stands in the record."""
        return {"at": self.at, "by": self.user, "requested_by": self.requested_by, "reason": self.reason}


@dataclass(frozen=True)
class Record:
    """One change. `changes`: setting -> (before, after), None where it was not set. `annotation`: the text of
    HyperConverged's annotation before and after, None where the change left it alone. `made`: parents that it had to
    make, as JSON pointers from the top. `undone`: who undid it, None while it stands."""

    who: Who
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    annotation: tuple[str | None, str | None] | None = None
    made: str = ""
    undone: Mapping[str, str] | None = None

    def render(self) -> str:
        """The annotation's text; the same for the same change."""
        told: dict[str, Any] = {
            **self.who.to_json(),
            "changes": {name: {"before": before, "after": after} for name, (before, after) in self.changes.items()},
        }
        if self.annotation is not None:
            told["annotation"] = dict(zip(("before", "after"), self.annotation, strict=True))
        if self.made:
            told["made"] = self.made
        if self.undone is not None:
            told["undone"] = dict(self.undone)
        return json.dumps(told, sort_keys=True)


def say_undone(label: str, /, *, who: Who, undone: Mapping[str, str]) -> str:
    """That the last change of an object was taken back before, for a second undo."""
    by = f" by {undone['by']}" if undone.get("by") else ""
    return f"The last change of {label}, of {who.at}, was undone already, at {undone.get('at', '?')}{by}."


def say_unreadable(label: str, /) -> Refusal:
    """That an undo has nothing to go by."""
    text = (
        f"The annotation {RECORD} of {label} cannot be read, so what stood there before its last change is not known. "
        "Somebody wrote something else into it. Set what is wanted, which writes it anew; the event of the change says "
        "what was changed, as long as the cluster keeps it."
    )
    return Refusal("RecordUnreadable", text)


def parse_record(text: Any, /) -> Record | None:
    """The record in an annotation; None where there is none, or none that can be read."""
    try:
        told = json.loads(text)
        changes = {str(name): (one["before"], one["after"]) for name, one in told["changes"].items()}
        annotation = told.get("annotation")
        return Record(
            who=Who(*(str(told[key]) for key in ("at", "by", "requested_by", "reason"))),
            changes=changes,
            annotation=None if annotation is None else (_text(annotation["before"]), _text(annotation["after"])),
            made=_pointer(told.get("made", "")),
            undone=None if told.get("undone") is None else {str(key): str(one) for key, one in told["undone"].items()},
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None


def _pointer(value: Any) -> str:
    if not isinstance(value, str) or (value and not value.startswith("/spec/")):
        raise ValueError(value)
    return value


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(value)
    return value
