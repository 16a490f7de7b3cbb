# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The selectors of a request as the API server understands them: for looks at files.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.selector import Requirement

__all__ = ["field_values", "is_implied", "parse_fields", "parse_labels", "singly"]

_IN = re.compile(r"\s*([^\s!=,()]+)\s+(in|notin)\s+\(([^()]*)\)\s*")
_EQUAL = re.compile(r"\s*([^\s!=,()]+)\s*(==|=|!=)\s*([^\s!=,()]*)\s*")
_EXISTS = re.compile(r"\s*(!?)\s*([^\s!=,()]+)\s*")


def parse_labels(text: str, /) -> tuple[Requirement, ...]:
    """The requirements of a label selector. Raises ValueError for one that is none of the forms that are asked here."""
    found: list[Requirement] = []
    place = 0
    while place < len(text):
        requirement, place = _next(text, place)
        found.append(requirement)
        if place < len(text) and text[place] != ",":
            raise ValueError(f"{text!r} is no selector")
        place += 1
    return tuple(found)


def _next(text: str, place: int) -> tuple[Requirement, int]:
    if match := _IN.match(text, place):
        values = tuple(sorted({value.strip() for value in match[3].split(",")}))
        return Requirement(match[1], "In" if match[2] == "in" else "NotIn", values), match.end()
    if match := _EQUAL.match(text, place):
        return Requirement(match[1], "NotIn" if match[2] == "!=" else "In", (match[3],)), match.end()
    if match := _EXISTS.match(text, place):
        return Requirement(match[2], "DoesNotExist" if match[1] else "Exists"), match.end()
    raise ValueError(f"{text!r} is no selector")


def parse_fields(text: str, /) -> tuple[Requirement, ...]:
    """The requirements of a field selector, their keys being paths. Raises ValueError as `parse_labels` does."""
    found = parse_labels(text)
    if any(one.operator not in ("In", "NotIn") for one in found):
        raise ValueError(f"{text!r} is no field selector")
    return found


def field_values(obj: Mapping[str, Any], /, *, requirements: Iterable[Requirement]) -> dict[str, str]:
    """The values of the fields that these requirements ask for; the API server takes an absent one for ""."""
    return {one.key: _at(obj, one.key) for one in requirements}


def _at(obj: Any, path: str) -> str:
    for step in path.split("."):
        obj = obj.get(step) if isinstance(obj, Mapping) else None
    return obj if isinstance(obj, str) else ""


def is_implied(wide: Iterable[Requirement], /, *, by: Iterable[Requirement]) -> bool:
    """Whether whatever meets all of `by` meets all of `wide`, as far as single requirements show."""
    narrow = tuple(by)
    return all(any(_implies(one, other) for one in narrow) for other in wide)


def _implies(narrow: Requirement, wide: Requirement) -> bool:
    if narrow.key != wide.key:
        return False
    if wide.operator == "Exists":
        return narrow.operator in ("In", "Exists")
    is_in = narrow.operator == wide.operator == "In"
    return narrow == wide or (is_in and set(narrow.values) <= set(wide.values))


def singly(requirements: tuple[Requirement, ...], /) -> list[tuple[Requirement, ...]]:
    """The same question in parts, one for each value of its longest list: long lists are asked in chunks."""
    lists = [one for one in requirements if one.operator == "In" and len(one.values) > 1]
    if not lists:
        return [requirements]
    longest = max(lists, key=lambda one: len(one.values))
    rest = tuple(one for one in requirements if one is not longest)
    return [(*rest, Requirement(longest.key, "In", (value,))) for value in longest.values]
