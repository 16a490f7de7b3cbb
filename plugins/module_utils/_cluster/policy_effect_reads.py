# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a MigrationPolicy reaches: the VMIs that carry its labels, and what tells who rules them.

This module is private to the collection and may change without notice.

A policy with labels of VMIs costs one list by these labels, one with labels of namespaces alone one list for each such
namespace (up to NAMESPACES_SINGLY); only without any are all VMIs of the cluster read. A running VMI always carries
kubevirt.io/nodeName, which nobody but KubeVirt may take away, so none is without labels and beyond a label selector.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import Forbidden
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import (
    NAMESPACES_SINGLY,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import (
    KUBEVIRT,
    SELECTOR_BYTES,
    Key,
    Reading,
    vmis_path,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Selectors
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import MetaFields, Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vm import VirtualMachine
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi

__all__ = ["VMS_AT_MOST", "read_copies", "read_matching_vmis", "read_vmis_of", "read_vms"]

# Templates cannot be selected by label: so many VMs are read for them, in two pages, and no more.
VMS_AT_MOST = 1000
# So many VMIs are read one by one to tell whether they carry a label of their VM.
VMIS_SINGLY = 50
_NAMESPACE = MetaFields("Namespace")


def read_matching_vmis(reading: Reading, selectors: Iterable[Selectors], /) -> tuple[Vmi, ...] | None:
    """All VMIs that any of `selectors` could match, and maybe others; None where that is forbidden (topic `vmis`)."""
    found: dict[Key, Vmi] = {}
    for one in selectors:
        items = _matching(reading, one)
        if items is None:
            return None
        found.update({(vmi.meta.namespace, vmi.meta.name): vmi for vmi in map(Vmi.from_object, items)})
    return tuple(found.values())


def _matching(reading: Reading, selectors: Selectors) -> list[dict[str, Any]] | None:
    if selectors.vmi or not selectors.namespace:
        return _vmis(reading, "", labels=selectors.vmi)
    names = _namespaces(reading, selectors.namespace)
    if names is None or len(names) > NAMESPACES_SINGLY:
        return _vmis(reading, "", labels={})
    found: list[dict[str, Any]] = []
    for name in names:
        items = _vmis(reading, name, labels={})
        if items is None:
            return None
        found += items
    return found


def _vmis(reading: Reading, namespace: str, *, labels: Mapping[str, str]) -> list[dict[str, Any]] | None:
    return reading.seeing("vmis", lambda: reading.client.list(vmis_path(namespace), query=_query(labels)))


def _query(labels: Mapping[str, str]) -> dict[str, str] | None:
    """As many of the labels as fit into an address: what they pick is compared with all of them afterwards."""
    text = ""
    for key, value in sorted(labels.items()):
        more = f"{text},{key}={value}" if text else f"{key}={value}"
        if len(more) > SELECTOR_BYTES:
            break
        text = more
    return {"labelSelector": text} if text else None


def _namespaces(reading: Reading, labels: Mapping[str, str]) -> list[str] | None:
    path = paths.collection("", version="v1", plural="namespaces")
    items = reading.seeing("namespaces", lambda: reading.client.list(path, query=_query(labels)))
    return None if items is None else [_NAMESPACE.read(Reader(item)).name for item in items]


def read_vms(reading: Reading, labels: Mapping[str, str], /) -> tuple[tuple[VirtualMachine, ...] | None, int]:
    """VMs that may carry `labels` on themselves or in their template, and how many were left out.

    Up to VMS_AT_MOST all VMs, else those that carry the labels themselves; None where they may not be read (topic
    `vms`).
    """
    path = paths.collection(KUBEVIRT, version="v1", plural="virtualmachines")
    try:
        count = _count(reading.client.get(path, query={"limit": 1}))
        query = None if count <= VMS_AT_MOST else _query(labels)
        items = reading.client.list(path, query=query)
    except Forbidden as error:
        reading.miss("vms", error.rule)
        return None, 0
    return tuple(VirtualMachine.from_object(item) for item in items), max(0, count - len(items)) if query else 0


def _count(page: Mapping[str, Any]) -> int:
    """How many objects a list has by its first page; more than VMS_AT_MOST where the server does not say."""
    metadata = page.get("metadata") or {}
    remaining = metadata.get("remainingItemCount", None if metadata.get("continue") else 0)
    return len(page.get("items") or ()) + (remaining if isinstance(remaining, int) else VMS_AT_MOST)


def read_vmis_of(reading: Reading, keys: Sequence[Key], /, *, known: Mapping[Key, Vmi]) -> tuple[dict[Key, Vmi], int]:
    """The VMIs of these names as far as they exist and may be read, and how many were left out: `known` ones are taken
    as they are, VMIS_SINGLY others are asked for."""
    wanted = [key for key in keys if key not in known]
    answers = reading.vmis(wanted[:VMIS_SINGLY]) if wanted else {}
    found = {key: vmi for key, vmi in answers.items() if vmi is not None}
    return {**{key: known[key] for key in keys if key in known}, **found}, len(wanted[VMIS_SINGLY:])


def read_copies(reading: Reading, vmis: Sequence[Vmi], /) -> list[Migration] | None:
    """The migrations of these VMIs; None where they may not be read (topic `migrations`)."""
    places = sorted({vmi.meta.namespace for vmi in vmis})
    names = {vmi.meta.name for vmi in vmis}
    namespace = places[0] if len(places) == 1 else ""
    return reading.seeing("migrations", lambda: reading.migrations_of(names, namespace=namespace)) if vmis else []
