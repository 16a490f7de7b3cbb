# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Field paths in schemas: those of a CustomResourceDefinition and those that an API server publishes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Schemas", "missing_step", "rule_differences"]

_STEP = re.compile(r"\[\]|\*|[^.\[\]*]+")

# Rules that decide what the API server accepts, keeps or merges.
_RULES = (
    "type",
    "format",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "nullable",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
)
_KEEPS_UNKNOWN = "x-kubernetes-preserve-unknown-fields"

Schema = Mapping[str, Any]


def missing_step(schema: Schema, path: str, *, components: Mapping[str, Schema] | None = None) -> str:
    """The part of `path` up to the first step that `schema` does not describe; empty when it describes them all.

    `path` is dotted, `[]` stands for the items of a list and `*` for the values of a map. An object that merely keeps
    unknown fields describes none of them. `components` resolves references (`#/components/schemas/NAME`).
    """
    known = components or {}
    node = _resolved(schema, known)
    for step in _STEP.finditer(path):
        child = _child(node, step.group())
        if child is None:
            return path[: step.end()]
        node = _resolved(child, known)
    return ""


def _child(node: Schema, step: str) -> Schema | None:
    if step == "[]":
        found = node.get("items")
    elif step == "*":
        found = node.get("additionalProperties")
    else:
        found = node.get("properties", {}).get(step)
    return found if isinstance(found, Mapping) else None


def _resolved(node: Schema, components: Mapping[str, Schema]) -> Schema:
    """Follow `$ref`, which the API server wraps into `allOf` where a default stands beside it."""
    while True:
        inner = node.get("allOf") or []
        reference = node.get("$ref") or (inner[0].get("$ref") if len(inner) == 1 else None)
        if not reference:
            return node
        node = components[reference.rsplit("/", 1)[1]]


def rule_differences(ours: Schema, real: Schema, *, path: str = "") -> list[str]:
    """Where a minimal schema decides otherwise than the real one, as far as the minimal one goes.

    Ours may leave out what lies below an object that keeps unknown fields. What it does describe must be under the same
    rules, and where it prunes it must know every field of the real schema. Patterns are compared by being there.
    """
    return list(_rule_differences(ours, real, path))


def _rule_differences(ours: Schema, real: Schema, path: str) -> Iterator[str]:
    for rule, here, there in _rules(ours, real):
        if here != there:
            yield f"{path or 'object'}: {rule}: ours {here!r}, real {there!r}"
    known, described = ours.get("properties", {}), real.get("properties", {})
    if known and not ours.get(_KEEPS_UNKNOWN) and path:
        yield from (_below(path, f"{name}: ours prunes it") for name in described if name not in known)
    for name, schema in known.items():
        if name in described:
            yield from _rule_differences(schema, described[name], _below(path, name))
        else:
            yield _below(path, f"{name}: ours only")
    for step, keyword in (("[]", "items"), (".*", "additionalProperties")):
        if keyword in ours:
            yield from _rule_differences(ours[keyword], real.get(keyword, {}), path + step)


def _rules(ours: Schema, real: Schema) -> Iterator[tuple[str, Any, Any]]:
    yield from ((rule, ours.get(rule), real.get(rule)) for rule in _RULES)
    yield "pattern", "pattern" in ours, "pattern" in real
    if not ours.get(_KEEPS_UNKNOWN) or "properties" in ours:
        yield "required", sorted(ours.get("required", [])), sorted(real.get("required", []))
    defaults = ours.get("default"), real.get("default")
    if not any(isinstance(default, Mapping) for default in defaults):
        yield "default", *defaults


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


class Schemas:
    """The schemas of every kind, from documents of the API server's `/openapi/v3`.

    `documents` maps `api/v1`, `apis/GROUP/VERSION` to the document of that group and version.
    """

    def __init__(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        self._found: dict[str, dict[str, tuple[Schema, Mapping[str, Schema]]]] = {}
        for place, document in documents.items():
            components = document.get("components", {}).get("schemas", {})
            for schema in components.values():
                self._add(place, schema, components)

    def _add(self, place: str, schema: Schema, components: Mapping[str, Schema]) -> None:
        for known in schema.get("x-kubernetes-group-version-kind", []):
            if place == _place(known["group"], known["version"]):
                self._found.setdefault(known["kind"], {})[place] = (schema, components)

    def places(self, kind: str) -> list[str]:
        """Where `kind` is served; a kind of the core group (Event) counts there alone."""
        found = sorted(self._found.get(kind, {}))
        return ["api/v1"] if "api/v1" in found else found

    def problems(self, kind: str, path: str) -> list[str]:
        """One sentence for each served version of `kind` that does not describe `path`; empty when all do."""
        places = self.places(kind)
        if not places:
            return [f"{kind}: no such kind is served"]
        found = []
        for place in places:
            schema, components = self._found[kind][place]
            missing = missing_step(schema, path, components=components)
            if missing:
                found.append(f"{kind}.{path}: {place} does not describe {missing}")
        return found


def _place(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"
