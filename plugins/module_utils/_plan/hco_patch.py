# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperConverged's annotation with operations for the KubeVirt object: read, merged with ours, and what comes of it.

This module is private to the collection and may change without notice.

The annotation is one value that others use too. Ours are operations on single settings, `add` with the full path: an
`add` of the whole object would drop what HyperConverged put there. The parent is always there, as HyperConverged's
operator fills it before it applies the annotation (see `_facts/hyperconverged`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import KUBEVIRT_STEPS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.patch import pointer

__all__ = ["AnnotationProblem", "drop_settings", "expect_settings", "merge_settings", "parse_annotation", "render"]

Operations = list[dict[str, Any]]
BASE = pointer(*KUBEVIRT_STEPS)
_SETS = ("add", "replace")


class AnnotationProblem(ValueError):
    """The annotation cannot be read, or what it does to the settings cannot be told."""


def parse_annotation(text: Any, /) -> Operations:
    """Its operations; none for None. Raises AnnotationProblem for anything but a list of operations."""
    if text is None:
        return []
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise AnnotationProblem("it is not JSON") from None
    if not isinstance(found, list) or not all(_is_operation(one) for one in found):
        raise AnnotationProblem("it is not a list of JSON patch operations")
    return found


def _is_operation(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("op"), str) and isinstance(one.get("path"), str)


def render(operations: Operations, /) -> str:
    """The annotation's text."""
    return json.dumps(operations)


def merge_settings(operations: Operations, /, *, wanted: Mapping[str, Any]) -> Operations:
    """`operations` that also set `wanted`. One that sets the same setting last is changed in its place, else ours come
    at the end; all others stay as they are."""
    merged = [dict(one) for one in operations]
    for name, value in wanted.items():
        path = f"{BASE}/{name}"
        place = _last_place(merged, path)
        ours = {"op": "add", "path": path, "value": value}
        if place is None:
            merged.append(ours)
        else:
            merged[place] = ours
    return merged


def _last_place(operations: Operations, path: str, /) -> int | None:
    """Where the setting is set by itself, with nothing after that which touches it."""
    for place in reversed(range(len(operations))):
        one = operations[place]
        if one["path"] == path:
            return place if one["op"] in _SETS else None
        if _touches(one, path):
            return None
    return None


def _touches(one: Mapping[str, Any], path: str) -> bool:
    """Whether the operation is about this place, something above it or something below it."""
    places = [str(place) for place in (one["path"], one.get("from")) if place is not None]
    return any(_is_within(place, path) or _is_within(path, place) for place in places)


def _is_within(place: str, above: str) -> bool:
    return place == above or place.startswith(above.rstrip("/") + "/")


def drop_settings(operations: Operations, /, *, names: Sequence[str]) -> Operations:
    """`operations` without those that set one of these settings by itself, but for what a later `test` rests on: the
    whole patch would fail without it."""
    paths = {f"{BASE}/{name}" for name in names}
    return [
        one
        for place, one in enumerate(operations)
        if not (one["path"] in paths and one["op"] in _SETS) or _is_tested(one["path"], operations[place + 1 :])
    ]


def _is_tested(path: str, later: Operations, /) -> bool:
    return any(one["op"] == "test" and _touches(one, path) for one in later)


def expect_settings(operations: Operations, /, *, rendered: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in the KubeVirt object once the operations were applied to what HyperConverged puts there.

    Raises AnnotationProblem where an operation on them is not a plain one.
    """
    found = dict(rendered)
    for one in operations:
        if not _touches(one, BASE):
            continue
        op, path = one["op"], one["path"]
        if op in _SETS and path == BASE and isinstance(one.get("value"), Mapping):
            found = dict(one["value"])
        elif op in _SETS and path.rpartition("/")[0] == BASE:
            found[path.rpartition("/")[2]] = one.get("value")
        elif op == "remove" and path == BASE:
            found = {}
        elif op == "remove" and path.rpartition("/")[0] == BASE:
            found.pop(path.rpartition("/")[2], None)
        elif op != "test":
            raise AnnotationProblem(
                f"what its operation {op} on {path} leaves of the migration settings cannot be told"
            )
    return found
