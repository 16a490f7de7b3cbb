# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the API server as plain data.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    TableUnsupported,
    error_from_status,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import clean

__all__ = [
    "Table",
    "changes_in",
    "continue_token",
    "json_object",
    "list_items",
    "resource_version",
    "table_page",
    "warning_texts",
    "without_managed_fields",
]

_HALVES = (b"\\ud", b"\\uD")
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Table:
    """The Table form of a list: the names of the printer columns and one list of cells for each object."""

    columns: list[str] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)


def json_object(body: bytes, *, path: str, content_type: str, method: str = "GET") -> dict[str, Any]:
    """The JSON object in `body`. Raises BadAnswer for anything else, naming what it was and never showing it."""
    found: Any = None
    problem = ""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        problem = _what_it_is(body, content_type=content_type)
    if not problem and _has_half_characters(found, body=body):
        problem = "answered with JSON that holds half a character"
    if not problem and not isinstance(found, dict):
        problem = f"answered with a JSON {type(found).__name__} where an object belongs"
    if problem:
        raise BadAnswer(f"{method} {clean(path)} {problem}.", method=method, path=path, status=200, reason=problem)
    return dict(found)


def _has_half_characters(found: Any, *, body: bytes) -> bool:
    """Whether a text in it is none that can be written. An API server writes no character as an escape of two halves,
    so that nearly always one look at the bytes is enough."""
    if not any(half in body for half in _HALVES):
        return False
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return True
    return False


def _what_it_is(body: bytes, *, content_type: str) -> str:
    if not body:
        return "answered with nothing"
    if "json" in content_type:
        return f"answered with JSON that is broken or cut off after {len(body)} bytes"
    return f"answered with {clean(content_type, longest=60) or 'an unnamed type'} instead of JSON"


def continue_token(page: Mapping[str, Any]) -> str:
    """The token for the next page of a list or Table; "" after the last one."""
    metadata = page.get("metadata")
    token = metadata.get("continue") if isinstance(metadata, Mapping) else None
    return token if isinstance(token, str) else ""


def resource_version(found: Mapping[str, Any]) -> str:
    """The resourceVersion of a list or an object; "" where there is none."""
    metadata = found.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, Mapping) else None
    return version if isinstance(version, str) else ""


def changes_in(body: bytes, *, path: str) -> list[tuple[str, dict[str, Any]]]:
    """The changes that a watch told: what happened (ADDED, MODIFIED, DELETED, BOOKMARK), and the object.

    A last line that was cut off is left out: it comes again. Raises BadAnswer for anything else that is no change, and
    where the server told an error its own, such as Gone.
    """
    found = []
    for line in body.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        change = json_object(line, path=path, content_type="application/json")
        kind, obj = change.get("type"), change.get("object")
        if not isinstance(kind, str) or not isinstance(obj, dict):
            raise BadAnswer(f"GET {clean(path)} told a change that is none.", method="GET", path=path, status=200)
        if kind == "ERROR":
            code = obj.get("code")
            status = code if isinstance(code, int) and code >= 300 else 500
            raise error_from_status(status, method="GET", path=path, body=json.dumps(obj).encode())
        found.append((kind, without_managed_fields(obj)))
    return found


def list_items(page: Mapping[str, Any], *, path: str) -> list[dict[str, Any]]:
    """The objects of one page, each with apiVersion and kind and without managedFields. Raises BadAnswer for no list.

    An object in a list of built-in kinds has no apiVersion and kind of its own: it gets the list's.
    """
    kind, version = page.get("kind"), page.get("apiVersion")
    items = page.get("items", [])
    if items is None and "items" in page:
        items = []
    if not isinstance(kind, str) or not kind.endswith("List") or not isinstance(items, list):
        raise BadAnswer(
            f"GET {clean(path)} answered with {clean(str(kind), longest=60)} where a list belongs.",
            method="GET",
            path=path,
            status=200,
            remedy="Use the path of a collection.",
        )
    if not all(isinstance(item, dict) for item in items):
        raise BadAnswer(
            f"GET {clean(path)} answered with a list that holds something other than objects.",
            method="GET",
            path=path,
            status=200,
        )
    return [_whole(item, kind=kind.removesuffix("List"), version=version) for item in items]


def _whole(item: dict[str, Any], *, kind: str, version: Any) -> dict[str, Any]:
    item.setdefault("kind", kind)
    item.setdefault("apiVersion", version)
    return without_managed_fields(item)


def without_managed_fields(item: dict[str, Any]) -> dict[str, Any]:
    """The same object without metadata.managedFields: half of its bytes, and nothing that a verdict rests on."""
    metadata = item.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("managedFields", None)
    return item


def table_page(page: Mapping[str, Any], *, path: str) -> Table:
    """Columns and rows of one page. Raises TableUnsupported where the server answered with another form."""
    columns, rows = page.get("columnDefinitions"), page.get("rows") or []
    if page.get("kind") != "Table" or not isinstance(columns, list) or not isinstance(rows, list):
        raise TableUnsupported(
            f"GET {clean(path)}: the server has no Table form of this list (it answered with "
            f"{clean(str(page.get('kind')), longest=60)}).",
            method="GET",
            path=path,
            status=200,
        )
    names = [str(column.get("name", "")) if isinstance(column, Mapping) else "" for column in columns]
    cells = [row.get("cells") if isinstance(row, Mapping) else None for row in rows]
    return Table(columns=names, rows=[list(cell) if isinstance(cell, list) else [] for cell in cells])


def warning_texts(header: str) -> tuple[str, ...]:
    """The sentences in an answer's Warning header that the API server means for people (code 299); each once."""
    return tuple(dict.fromkeys(clean(re.sub(r"\\(.)", r"\1", text)) for text in _WARNING.findall(header)))
