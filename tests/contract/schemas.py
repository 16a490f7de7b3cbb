# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Field paths in schemas: those of a CustomResourceDefinition and those that an API server publishes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["Schemas", "missing_step"]

_STEP = re.compile(r"\[\]|\*|[^.\[\]*]+")

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
