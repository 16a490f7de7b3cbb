# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors over labels: the requirements of label selectors and of node selector terms.

This module is private to the collection and may change without notice.
Rules: k8s.io/apimachinery/pkg/labels/selector.go (Requirement.Matches), pkg/apis/meta/v1/helpers.go
(LabelSelectorAsSelector: no selector selects nothing, an empty one everything).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import Field, declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader, shortened

__all__ = ["LabelSelector", "LabelSelectorFields", "Requirement", "RequirementFields", "match_all", "texts_of"]

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_LIMIT = 2**63


@dataclass(frozen=True)
class Requirement:
    """One condition on a label: `key` `operator` `values`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str], /) -> bool | None:
        """Whether `labels` meet it; None for an operator that is not known here."""
        found = labels.get(self.key)
        if self.operator == "In":
            return found in self.values
        if self.operator == "NotIn":
            return found not in self.values
        if self.operator == "Exists":
            return found is not None
        if self.operator == "DoesNotExist":
            return found is None
        return self._compares(found) if self.operator in ("Gt", "Lt") else None

    def _compares(self, found: str | None) -> bool:
        """Both sides are whole numbers of 64 bits, or it does not match."""
        have = _integer(found or "")
        limit = _integer(self.values[0]) if len(self.values) == 1 else None
        if have is None or limit is None:
            return False
        return have > limit if self.operator == "Gt" else have < limit

    def text(self) -> str:
        """For people: `zone in (a, b)`, `disk exists`, `cores > 4`."""
        values = ", ".join(self.values)
        forms = {
            "In": f"{self.key}={values}" if len(self.values) == 1 else f"{self.key} in ({values})",
            "NotIn": f"{self.key} not in ({values})",
            "Exists": f"{self.key} exists",
            "DoesNotExist": f"{self.key} absent",
            "Gt": f"{self.key} > {values}",
            "Lt": f"{self.key} < {values}",
        }
        return forms.get(self.operator, f"{self.key} {self.operator} ({values})")


def _integer(text: str) -> int | None:
    number = int(text) if _INTEGER.fullmatch(text) else None
    return number if number is not None and -_LIMIT <= number < _LIMIT else None


def match_all(requirements: Iterable[Requirement], labels: Mapping[str, str], /) -> bool | None:
    """Whether `labels` meet all of them; None where that hangs on one that cannot be judged."""
    answers = [requirement.matches(labels) for requirement in requirements]
    return False if False in answers else None if None in answers else True


@dataclass(frozen=True)
class LabelSelector:
    """A label selector. Without requirements it selects everything."""

    requirements: tuple[Requirement, ...]

    @property
    def is_empty(self) -> bool:
        """Whether it selects everything."""
        return not self.requirements

    def matches(self, labels: Mapping[str, str], /) -> bool | None:
        """Whether `labels` are selected; None where that cannot be judged."""
        return match_all(self.requirements, labels)


class RequirementFields:
    """The declared fields of a list of requirements at `path` of an item of `base` (or of the object)."""

    def __init__(self, kind: str, path: str, *, base: str = "") -> None:
        item = f"{base}.{path}[]" if base else f"{path}[]"
        self.list: Field = declare(kind, path, base=base)
        self.key = declare(kind, "key", base=item)
        self.operator = declare(kind, "operator", base=item)
        self.values = declare(kind, "values", base=item)

    def read(self, reader: Reader) -> tuple[Requirement, ...]:
        """The requirements, in their order."""
        return tuple(
            Requirement(item.text(self.key), item.text(self.operator), tuple(texts_of(item, self.values)))
            for item in reader.readers(self.list)
        )


class LabelSelectorFields:
    """The declared fields of a label selector at `path` of an item of `base`."""

    def __init__(self, kind: str, path: str, *, base: str) -> None:
        self.whole = declare(kind, path, base=base)
        self.labels = declare(kind, f"{path}.matchLabels", base=base)
        self.expressions = RequirementFields(kind, f"{path}.matchExpressions", base=base)

    def read(self, reader: Reader) -> LabelSelector | None:
        """The selector; None where there is none, which selects nothing."""
        if not self.whole.present(reader.obj):
            return None
        labels = [Requirement(key, "In", (value,)) for key, value in reader.texts(self.labels).items()]
        return LabelSelector((*labels, *self.expressions.read(reader)))


def texts_of(reader: Reader, field: Field, /) -> list[str]:
    """The strings of a list; an item of another type is named in the reader's problems and left out."""
    found = []
    for item in reader.items(field):
        if isinstance(item, str):
            found.append(shortened(item))
        else:
            reader.problems.append(f"{field.path} holds a {type(item).__name__} where a string belongs")
    return found
