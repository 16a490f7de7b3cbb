# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture holds, and which questions it can answer.

This module is private to the collection and may change without notice.

A capture is not a cluster: that an object is not in it says something only where somebody has looked for it. So beside
the objects stands what was listed, what was not there and what was refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.asked import (
    field_values,
    is_implied,
    singly,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_map
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import Kind
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Progress
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.selector import (
    Requirement,
    match_all,
)

__all__ = ["Asked", "Captured", "Objects", "by_kind"]

# (namespace, name) -> object; the namespace of what has none is "".
Objects = Mapping[tuple[str, str], Mapping[str, Any]]

_PODS = Kind("", "pods")
_KUBEVIRTS = Kind("kubevirt.io", "kubevirts")
_HANDLERS = Requirement("kubevirt.io", "In", ("virt-handler",))


@dataclass(frozen=True)
class Asked:
    """One list: of `kind`, in `namespace` ("" for all of them), with these selectors."""

    kind: Kind
    namespace: str = ""
    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    def covers(self, other: Asked, /) -> bool:
        """Whether the answer to this one holds all of the answer to `other`."""
        return (
            self.kind == other.kind
            and self.namespace in ("", other.namespace)
            and is_implied(self.labels, by=other.labels)
            and is_implied(self.fields, by=other.fields)
        )

    def picks(self, obj: Mapping[str, Any], /, *, namespace: str) -> bool:
        """Whether the API server would answer with this object."""
        metadata = as_map(obj.get("metadata")) or {}
        return (
            self.namespace in ("", namespace)
            and match_all(self.labels, as_map(metadata.get("labels")) or {}) is True
            and match_all(self.fields, field_values(obj, requirements=self.fields)) is True
        )

    @property
    def rule(self) -> Rule:
        """What is missing where this is not in a capture."""
        return Rule("list", self.kind.group, self.kind.plural, self.namespace, is_uncaptured=True)


@dataclass(frozen=True)
class Captured:
    """The objects of a capture by kind, and what is known of what it lacks.

    `listed` are the questions that were answered as a whole, `absent` objects that were not there (a name "" stands for
    the whole resource, which is not served), `refused` what the reader was not allowed to see: by kind, namespace and
    name ("" for a list). Of what was listed as `unfinished`, objects that have ended may be left out. `read_at` is the
    time of the capture, `progress` what was measured, `missing` rules for more of it, `notes` what a user should know,
    `scope` what was asked about (namespaces, vms, nodes).
    """

    read_at: datetime
    objects: Mapping[Kind, Objects] = field(default_factory=dict)
    listed: tuple[Asked, ...] = ()
    unfinished: tuple[Asked, ...] = ()
    absent: frozenset[tuple[Kind, str, str]] = frozenset()
    refused: Mapping[tuple[Kind, str, str], Rule] = field(default_factory=dict)
    progress: Mapping[tuple[str, str], Progress] = field(default_factory=dict)
    missing: tuple[Rule, ...] = ()
    notes: tuple[str, ...] = ()
    scope: Mapping[str, list[str]] = field(default_factory=dict)

    def one(self, kind: Kind, /, *, namespace: str, name: str) -> Mapping[str, Any] | Rule | None:
        """The object; None where it was not there; else the rule that is missing."""
        found = self.objects.get(kind, {}).get((namespace, name))
        if found is not None:
            return found
        if (kind, namespace, name) in self.absent or self.lacks(kind):
            return None
        refused = self.refused.get((kind, namespace, name))
        if refused is not None:
            return refused
        named = Requirement("metadata.name", "In", (name,))
        if self._was_answered(Asked(kind, namespace, fields=(named,))):
            return None
        return Rule("get", kind.group, kind.plural, namespace, is_uncaptured=True)

    def many(self, asked: Asked, /) -> list[Mapping[str, Any]] | Rule:
        """The objects of a list, by namespace and name; else the rule that is missing."""
        place = self._narrowed(asked)
        if not self._was_answered(place):
            return self.refused.get((asked.kind, asked.namespace, ""), asked.rule)
        found = self.objects.get(asked.kind, {})
        return [obj for key, obj in sorted(found.items(), key=lambda one: one[0]) if place.picks(obj, namespace=key[0])]

    def lacks(self, kind: Kind, /) -> bool:
        """Whether the cluster did not serve this kind."""
        return (kind, "", "") in self.absent

    def namespaces_of(self, kind: Kind, /) -> tuple[str, ...] | None:
        """The namespaces of which all objects of this kind were read; None where it was the whole cluster."""
        lists = (*self.listed, *self.unfinished)
        whole = [one for one in lists if one.kind == kind and not one.labels and not one.fields]
        return None if any(not one.namespace for one in whole) else tuple(sorted({one.namespace for one in whole}))

    def _was_answered(self, asked: Asked) -> bool:
        parts = [Asked(asked.kind, asked.namespace, labels, asked.fields) for labels in singly(asked.labels)]
        answered = (*self.listed, *self.unfinished)
        return self.lacks(asked.kind) or all(any(one.covers(part) for one in answered) for part in parts)

    def _narrowed(self, asked: Asked) -> Asked:
        """virt-handler runs in KubeVirt's own namespace alone, of which more was captured than of the cluster."""
        places = {namespace for namespace, _name in self.objects.get(_KUBEVIRTS, {})}
        if asked.kind != _PODS or asked.namespace or _HANDLERS not in asked.labels or len(places) != 1:
            return asked
        return asked if self._was_answered(asked) else Asked(_PODS, places.pop(), asked.labels, asked.fields)


def by_kind(found: Iterable[tuple[Kind, str, str, Mapping[str, Any]]], /) -> dict[Kind, dict[tuple[str, str], Any]]:
    """Objects (kind, namespace, name, object) by kind; the first of those with one name counts."""
    objects: dict[Kind, dict[tuple[str, str], Any]] = {}
    for kind, namespace, name, obj in found:
        objects.setdefault(kind, {}).setdefault((namespace, name), obj)
    return objects
