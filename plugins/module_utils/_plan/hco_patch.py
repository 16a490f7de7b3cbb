# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperConverged's annotation with operations for the KubeVirt object: read, merged with ours, and what comes of it.

This module is private to the collection and may change without notice.

The annotation is one value that others use too. Ours are operations on single settings, `add` with the full path: an
`add` of the whole object would drop what HyperConverged put there. The parent is always there, as HyperConverged's
operator fills it before it applies the annotation (see `_facts/hyperconverged`).

Facts: kubevirt/hyperconverged-cluster-operator 03da3cff7325, controllers/operands/operand.go (applyAnnotationPatch: a
path that does not begin with /spec/ is an error, then all operations are applied as one patch), and evanphx/json-patch
v5.9 with its own defaults: a `test` that is not met, a `remove` or `replace` of what is absent, and an operation that
it does not know fail the whole patch. HyperConverged then carries nothing at all to KubeVirt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import KUBEVIRT_STEPS, value_at
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import same_value
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.patch import pointer, unescape

__all__ = [
    "AnnotationProblem",
    "decided_settings",
    "drop_settings",
    "expect_settings",
    "merge_settings",
    "parse_annotation",
    "render",
]

Operations = list[dict[str, Any]]
BASE = pointer(*KUBEVIRT_STEPS)
_SETS = ("add", "replace")
_KNOWN = frozenset({"add", "copy", "move", "remove", "replace", "test"})
_ROOT = "/spec/"


class AnnotationProblem(ValueError):
    """The annotation cannot be read, or what it does to the settings cannot be told."""


def parse_annotation(text: Any, /) -> Operations:
    """Its operations; none for None. Raises AnnotationProblem for anything but a list of operations that HyperConverged
    takes."""
    if text is None:
        return []
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (TypeError, ValueError, RecursionError):
        raise AnnotationProblem("it is not JSON") from None
    if not isinstance(found, list) or not all(_is_operation(one) for one in found):
        raise AnnotationProblem("it is not a list of JSON patch operations")
    outside = [one["path"] for one in found if not one["path"].startswith(_ROOT)]
    if outside:
        raise AnnotationProblem(
            f"HyperConverged refuses all of it for the path {outside[0]}, which is not below {_ROOT}"
        )
    return found


def _no_number(text: str) -> NoReturn:
    """NaN and Infinity are no JSON, and HyperConverged does not read them."""
    raise ValueError(text)


def _is_operation(one: Any) -> bool:
    return isinstance(one, dict) and one.get("op") in tuple(_KNOWN) and isinstance(one.get("path"), str)


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

    Raises AnnotationProblem where an operation on them is not a plain one, or fails, and all others with it.
    """
    found: Mapping[str, Any] | None = dict(rendered)
    for one in operations:
        if _touches(one, BASE):
            if not _is_possible(one, found):
                raise AnnotationProblem(
                    f"its operation {one['op']} on {one['path']} fails on the settings as they are there, and all of "
                    "it with that"
                )
            found = _applied(one, found)
    return dict(found or {})


def decided_settings(operations: Operations, /) -> frozenset[str]:
    """The settings that the operations give a value themselves, whatever HyperConverged puts there.

    Raises AnnotationProblem where an operation on them is not a plain one.
    """
    found: Mapping[str, Any] | None = {}
    for one in operations:
        if _touches(one, BASE):
            found = _applied(one, found)
    return frozenset(found or {})


def _applied(one: Mapping[str, Any], found: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The settings after an operation that does not fail; None where they were taken away altogether."""
    op, path, value = one["op"], one["path"], one.get("value")
    name = _setting_of(path)
    if op == "test":
        return found
    if op in _SETS and path == BASE and isinstance(value, Mapping):
        return dict(value)
    if op in _SETS and name:
        return {**(found or {}), name: value}
    if op == "remove" and path == BASE:
        return None
    if op == "remove" and name:
        return {other: there for other, there in (found or {}).items() if other != name}
    raise AnnotationProblem(f"what its operation {op} on {path} leaves of the migration settings cannot be told")


def _setting_of(path: str) -> str:
    """The setting that a path is about by itself, "" for any other path."""
    above, _slash, last = path.rpartition("/")
    return unescape(f"/{last}")[0] if above == BASE else ""


def _is_possible(one: Mapping[str, Any], found: Mapping[str, Any] | None) -> bool:
    op, path = one["op"], one["path"]
    if op == "test":
        return _is_met(path, one.get("value"), found)
    if path == BASE:
        return found is not None or op == "add"
    name = _setting_of(path)
    if op not in (*_SETS, "remove") or not name:
        # `_applied` says that it cannot be told.
        return True
    return found is not None if op == "add" else name in (found or {})


def _is_met(path: str, wanted: Any, found: Mapping[str, Any] | None) -> bool:
    """Whether a `test` holds. What it says of other parts of the spec is not looked at, as nothing here changes them;
    null is met by what is absent."""
    if _is_within(BASE, path):
        wanted = value_at(wanted, unescape(BASE[len(path.rstrip("/")) :]))
        return _same_settings(wanted, found)
    first, *rest = unescape(path[len(BASE) :])
    there = value_at((found or {}).get(first), rest)
    return same_value(first, there, wanted)


def _same_settings(one: Any, other: Mapping[str, Any] | None) -> bool:
    if not isinstance(one, Mapping) or other is None:
        return one is other
    return one.keys() == other.keys() and all(same_value(name, one[name], other[name]) for name in one)
