# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as they were written and as an API server gave them back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["as_new", "lost"]

# Set by the API server alone; sent by a client they are ignored or refused.
_SERVER_SET = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)


def as_new(obj: Mapping[str, Any], *, namespace: str = "", name: str = "") -> dict[str, Any]:
    """A copy of `obj` that can be created: without what the server sets, in `namespace` and as `name` where given."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _SERVER_SET}
    if namespace and "namespace" in metadata:
        metadata["namespace"] = namespace
    if name:
        metadata["name"] = name
    return {**obj, "metadata": metadata}


def lost(sent: Any, kept: Any, *, path: str = "") -> list[str]:
    """The paths of `sent` that `kept` lacks or holds with another value; what the server added does not count."""
    return list(_lost(sent, kept, path))


def _lost(sent: Any, kept: Any, path: str) -> Iterator[str]:
    if isinstance(sent, Mapping) and isinstance(kept, Mapping):
        for key, value in sent.items():
            where = f"{path}.{key}" if path else key
            if key in kept:
                yield from _lost(value, kept[key], where)
            else:
                yield where
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        for index, (before, after) in enumerate(zip(sent, kept, strict=True)):
            yield from _lost(before, after, f"{path}[{index}]")
    elif sent != kept:
        yield path
