# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON patches between two documents, by the Python package jsonpatch.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ConfigError

__all__ = ["apply_patch", "make_patch"]

Operation = dict[str, Any]


def make_patch(before: Mapping[str, Any], *, after: Mapping[str, Any]) -> list[Operation]:
    """The operations add, remove and replace that make `after` of `before`; none where they are equal.

    jsonpatch writes a value that goes here and comes there as a `move`: two settings that happen to have the same value
    are not one that moved, so it is taken apart.
    """
    found: list[Operation] = []
    state: Any = before
    for operation in _jsonpatch().make_patch(before, after).patch:
        if operation["op"] == "move":
            value = _jsonpatch().JsonPointer(operation["from"]).resolve(state)
            parts = [
                {"op": "remove", "path": operation["from"]},
                {"op": "add", "path": operation["path"], "value": value},
            ]
        else:
            parts = [dict(operation)]
        found += parts
        state = apply_patch(state, operations=parts)
    return found


def apply_patch(document: Mapping[str, Any], *, operations: list[Operation]) -> dict[str, Any]:
    """What the operations make of `document`, which stays as it is."""
    made: dict[str, Any] = _jsonpatch().apply_patch(document, operations, in_place=False)
    return made


def _jsonpatch() -> Any:
    try:
        return importlib.import_module("jsonpatch")
    except ImportError:
        pass
    raise ConfigError(
        "The Python package jsonpatch is not there.",
        remedy="Install it for the Python that runs this module: pip install jsonpatch.",
    )
