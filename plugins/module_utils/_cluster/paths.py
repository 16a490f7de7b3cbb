# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixed API paths from their parts.

This module is private to the collection and may change without notice.

Every part that comes from outside is quoted, so a name can neither leave its segment nor add a query. The rule that a
request on a path needs is `_facts.coverage.rule_from_path`.
"""

from __future__ import annotations

from urllib.parse import quote

__all__ = ["collection", "item"]


def collection(group: str, *, version: str, plural: str, namespace: str | None = None) -> str:
    """The path of all objects of a resource, or of those in `namespace`. The group "" is the core group.

    Raises ValueError where a part cannot be a path segment (empty, "." or "..").
    """
    parts = ["apis", group, version] if group else ["api", version]
    if namespace is not None:
        parts += ["namespaces", namespace]
    return _join([*parts, plural])


def item(
    group: str, *, version: str, plural: str, name: str, namespace: str | None = None, subresource: str | None = None
) -> str:
    """The path of one object, or of its `subresource`, which may have parts (KubeVirt's `evacuate/cancel`).

    Raises ValueError as `collection` does.
    """
    parent = collection(group, version=version, plural=plural, namespace=namespace)
    return parent + _join([name] if subresource is None else [name, *subresource.split("/")])


def _join(parts: list[str]) -> str:
    for part in parts:
        if part in ("", ".", ".."):
            raise ValueError(f"{part!r} cannot be part of an API path")
    return "".join("/" + quote(part, safe="") for part in parts)
