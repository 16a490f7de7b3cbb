# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what tells one group of VMs from all the others: policies, and the labels of VMIs and of namespaces.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import read_policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading, vmis_path
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Meta, MetaFields, Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import META

__all__ = ["Surroundings", "read_surroundings"]

_NAMESPACE = MetaFields("Namespace")


@dataclass(frozen=True)
class Surroundings:
    """`policies` and `vmis` (their metadata) are None where they may not be read. A namespace whose labels were not
    read is left out."""

    policies: tuple[MigrationPolicy, ...] | None = None
    vmis: tuple[Meta, ...] | None = None
    namespace_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_surroundings(reading: Reading, /) -> Surroundings:
    """All of it in three requests, one more for each further 500 VMIs or namespaces (topics `policies`, `vmis`,
    `namespaces`)."""
    policies = read_policies(reading)
    vmis = reading.seeing("vmis", lambda: reading.client.metadata(vmis_path("")))
    path = paths.collection("", version="v1", plural="namespaces")
    namespaces = reading.seeing("namespaces", lambda: reading.client.metadata(path)) or []
    places = [_NAMESPACE.read(Reader(item)) for item in namespaces]
    return Surroundings(
        policies=policies,
        vmis=None if vmis is None else tuple(META.read(Reader(item)) for item in vmis),
        namespace_labels={place.name: dict(place.labels) for place in places},
    )
