# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fields a served version of a kind has, read from the API server's own description (/openapi/v3).

This module is private to the collection and may change without notice.
A version number tells nothing certain: distributions add fields to old versions and leave out new ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["served_fields"]

_KINDS = "x-kubernetes-group-version-kind"
_ANYTHING = "x-kubernetes-preserve-unknown-fields"


def served_fields(document: Any, /, *, kind: str, steps: Sequence[str]) -> frozenset[str] | None:
    """The names that are described at the path `steps` of `kind`, in one group and version's document.

    None where that is not told: another document, or a place that takes anything. Empty where the kind has no such
    place.
    """
    schema = _schema_of(document, kind)
    for step in steps:
        if schema is None or (_ANYTHING in schema and step not in _properties(schema)):
            return None
        schema = _map(_properties(schema).get(step))
        if not schema:
            return frozenset()
    return None if schema is None or _ANYTHING in schema else frozenset(_properties(schema))


def _schema_of(document: Any, kind: str, /) -> Mapping[str, Any] | None:
    schemas = _map(_map(_map(document).get("components")).get("schemas"))
    for schema in schemas.values():
        told = _map(schema).get(_KINDS)
        if any(_map(one).get("kind") == kind for one in (told if isinstance(told, list) else ())):
            return _map(schema)
    return None


def _properties(schema: Mapping[str, Any], /) -> Mapping[str, Any]:
    return _map(schema.get("properties"))


def _map(value: Any, /) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
