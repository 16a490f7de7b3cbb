# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading declared fields of one object, and remembering what did not have the shape it should have.

This module is private to the collection and may change without notice.

A value of the wrong type is not "absent": an object that holds one is judged `unknown`, never "fine".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    Field,
    as_bool,
    as_int,
    as_list,
    as_map,
    as_text,
    declare,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import parse_timestamp

__all__ = ["LONGEST_TEXT", "Condition", "ConditionFields", "Meta", "MetaFields", "Reader", "shortened"]

T = TypeVar("T")
# What a container may say as it ends (kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure);
# an event says 1024, a name has 253. A condition's message has no limit but that of its object, some megabytes.
LONGEST_TEXT = 4096


def shortened(text: str, /) -> str:
    """The same; of what is longer than :data:`LONGEST_TEXT` its beginning, and that it was cut."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} [cut]"


class Reader:
    """Reads fields of `obj`; each value of a wrong type is None and named in `problems`."""

    def __init__(self, obj: Any, *, problems: list[str] | None = None) -> None:
        is_object = isinstance(obj, (dict, Mapping))
        self.obj = obj if is_object else {}
        self.problems: list[str] = [] if problems is None else problems
        if not is_object:
            self.problems.append(f"a {type(obj).__name__} stands where an object belongs")

    def _take(self, field: Field, of: Callable[[Any], T | None], wanted: str) -> T | None:
        value = field.read(self.obj)
        if value is None:
            if len(field.keys) > 1:
                self._check_way(field)
            return None
        taken = of(value)
        if taken is None:
            self.problems.append(f"{field.path} is not {wanted}")
        return taken

    def _check_way(self, field: Field) -> None:
        """A step on the way that is neither absent nor a mapping hides the field: name it."""
        value: Any = self.obj
        for position, key in enumerate(field.keys):
            if value is None:
                return
            if not isinstance(value, (dict, Mapping)):
                self.problems.append(f"{'.'.join(field.keys[:position])} is not a mapping")
                return
            value = value.get(key)

    def text(self, field: Field) -> str:
        """The string, "" where absent; of one that is longer than any that is meant the beginning."""
        return shortened(self._take(field, as_text, "a string") or "")

    def integer(self, field: Field) -> int | None:
        """The integer, None where absent."""
        return self._take(field, as_int, "an integer")

    def boolean(self, field: Field) -> bool | None:
        """The boolean, None where absent."""
        return self._take(field, as_bool, "a boolean")

    def moment(self, field: Field) -> datetime | None:
        """The time, None where absent."""
        return self._take(field, parse_timestamp, "an RFC 3339 time")

    def mapping(self, field: Field) -> Mapping[str, Any]:
        """The mapping, empty where absent."""
        return self._take(field, as_map, "a mapping") or {}

    def texts(self, field: Field, *, whole: bool = False) -> dict[str, str]:
        """The mapping's string values, shortened as :meth:`text` does unless `whole`; entries of another type are named
        and left out."""
        found = {}
        for key, value in self.mapping(field).items():
            name = shortened(str(key))
            if isinstance(value, str):
                found[name] = value if whole else shortened(value)
            else:
                self.problems.append(f"{field.path}.{name} is not a string")
        return found

    def items(self, field: Field) -> Sequence[Any]:
        """The list, empty where absent."""
        return self._take(field, as_list, "a list") or ()

    def readers(self, field: Field) -> list[Reader]:
        """A reader for each item of the list; their problems are this reader's."""
        return [Reader(item, problems=self.problems) for item in self.items(field)]

    def quantity(self, field: Field, *, key: str = "") -> str:
        """A quantity as the API writes it: a string, or a number as text; "" where absent. With `key`, of that entry of
        the map."""
        if not key:
            self._check_way(field)
        value = self.mapping(field).get(key) if key else field.read(self.obj)
        if value is None or isinstance(value, str):
            return shortened(value or "")
        if isinstance(value, (int, float)) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
            return str(value)
        self.problems.append(f"{field.path}{key and '.'}{key} is not a quantity")
        return ""


@dataclass(frozen=True)
class Condition:
    """One entry of status.conditions. Times are None where the writer left them out."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    changed_at: datetime | None = None
    probed_at: datetime | None = None


class ConditionFields:
    """The declared fields of a kind's status.conditions."""

    def __init__(self, kind: str, *, probe: str = "lastProbeTime") -> None:
        base = "status.conditions[]"
        self.list = declare(kind, "status.conditions")
        self.type = declare(kind, "type", base=base)
        self.status = declare(kind, "status", base=base)
        self.reason = declare(kind, "reason", base=base)
        self.message = declare(kind, "message", base=base)
        self.changed = declare(kind, "lastTransitionTime", base=base)
        self.probed = declare(kind, probe, base=base)

    def read(self, reader: Reader) -> dict[str, Condition]:
        """Conditions by type; of two with one type the first counts."""
        found: dict[str, Condition] = {}
        for item in reader.readers(self.list):
            condition = Condition(
                type=item.text(self.type),
                status=item.text(self.status),
                reason=item.text(self.reason),
                message=item.text(self.message),
                changed_at=item.moment(self.changed),
                probed_at=item.moment(self.probed),
            )
            found.setdefault(condition.type, condition)
        return found


@dataclass(frozen=True)
class Meta:
    """What of metadata the collection uses. Times are None where absent."""

    namespace: str
    name: str
    uid: str
    created_at: datetime | None
    deleted_at: datetime | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class MetaFields:
    """The declared fields of a kind's metadata."""

    def __init__(self, kind: str) -> None:
        self.namespace = declare(kind, "metadata.namespace")
        self.name = declare(kind, "metadata.name")
        self.uid = declare(kind, "metadata.uid")
        self.created = declare(kind, "metadata.creationTimestamp")
        self.deleted = declare(kind, "metadata.deletionTimestamp")
        self.labels = declare(kind, "metadata.labels")
        self.annotations = declare(kind, "metadata.annotations")

    def read(self, reader: Reader) -> Meta:
        """The metadata; strings are "" and times None where absent."""
        return Meta(
            namespace=reader.text(self.namespace),
            name=reader.text(self.name),
            uid=reader.text(self.uid),
            created_at=reader.moment(self.created),
            deleted_at=reader.moment(self.deleted),
            labels=reader.texts(self.labels),
            # Some hold whole documents.
            annotations=reader.texts(self.annotations, whole=True),
        )
