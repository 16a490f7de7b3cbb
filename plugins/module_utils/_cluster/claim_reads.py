# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the storage classes of claims, from the API server's Table form: no claim itself is sent.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import TableUnsupported
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Key, Reading, cell

__all__ = ["read_storage_classes"]


def read_storage_classes(reading: Reading, /, *, namespaces: Iterable[str]) -> dict[Key, str]:
    """By namespace and claim its storage class, in one request a namespace; "" for a claim of none.

    What may not be read (topic `claims`), or of what the server has no Table with these columns, is left out.
    """
    found: dict[Key, str] = {}
    for namespace in namespaces:
        rows = reading.seeing("claims", _reader(reading, namespace))
        found.update({(namespace, name): storage_class for name, storage_class in (rows or {}).items()})
    return found


def _reader(reading: Reading, namespace: str) -> Callable[[], dict[str, str]]:
    path = paths.collection("", version="v1", plural="persistentvolumeclaims", namespace=namespace)

    def read() -> dict[str, str]:
        try:
            table = reading.client.table(path)
        except TableUnsupported:
            return {}
        places = {name.lower(): place for place, name in enumerate(table.columns)}
        if not {"name", "storageclass"} <= set(places):
            return {}
        return {cell(row, place=places["name"]): cell(row, place=places["storageclass"]) for row in table.rows}

    return read
