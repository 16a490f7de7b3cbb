# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON patches that apply only to what they were made from.

This module is private to the collection and may change without notice.

A value that is replaced or removed is tested itself. That something is absent cannot be tested for itself (RFC 6902
knows no such test; servers differ on `value: null`), so where a patch adds, the whole value of the parent is tested: it
must hold just what was read. metadata is no such parent, as the server changes it with every write: there its
resourceVersion is tested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["guard_patch", "pointer", "unescape"]

Operation = dict[str, Any]


def pointer(*steps: str) -> str:
    """The JSON pointer of these steps."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def unescape(text: str, /) -> tuple[str, ...]:
    """The steps of a JSON pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def guard_patch(
    operations: Sequence[Mapping[str, Any]], /, *, before: Mapping[str, Any], unguarded: Iterable[str] = ()
) -> list[Operation]:
    """`operations` (add, replace, remove) with the tests ahead of them that make them safe on `before`.

    A path in `unguarded` that is added may have been added by somebody else meanwhile: it is ours to replace.
    """
    tests: dict[str, Operation] = {}
    for operation in operations:
        path = str(operation["path"])
        if operation["op"] == "add":
            if path in unguarded:
                continue
            path = _parent(path)
        tests.setdefault(path, {"op": "test", "path": path, "value": _value(before, path)})
    return [*tests.values(), *(dict(operation) for operation in operations)]


def _parent(path: str) -> str:
    parent = path.rpartition("/")[0]
    return "/metadata/resourceVersion" if parent == "/metadata" else parent


def _value(document: Any, path: str) -> Any:
    for step in unescape(path):
        document = document[step]
    return document
