# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MigrationPolicy: which VMIs it picks and what it sets, as the API says it.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, staging/src/kubevirt.io/api/migrations/v1alpha1/types.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import (
    Meta,
    MetaFields,
    Reader,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    SettingsFields,
    read_settings,
)

__all__ = [
    "CHANGING_LABELS",
    "NAMESPACE_SELECTOR",
    "SELECTORS",
    "VMI_SELECTOR",
    "MigrationPolicy",
    "Policies",
    "Selectors",
]

KIND = "MigrationPolicy"
# Labels of a VMI that KubeVirt sets and changes while the VM runs, and what makes it do so.
CHANGING_LABELS: Mapping[str, str] = {
    "kubevirt.io/migrationTargetNodeName": "it names the node of the last migration, and is there from a hand-off on",
    "kubevirt.io/nodeName": "it changes with every migration",
    "kubevirt.io/outdatedLauncherImage": "it goes when the VM has moved to a launcher of the installed version",
}

_META = MetaFields(KIND)
SELECTORS = declare(KIND, "spec.selectors")
VMI_SELECTOR = declare(KIND, "spec.selectors.virtualMachineInstanceSelector")
NAMESPACE_SELECTOR = declare(KIND, "spec.selectors.namespaceSelector")
_SETTINGS = SettingsFields(KIND, base="spec", wanted=lambda setting: setting.in_policy)


@dataclass(frozen=True)
class Selectors:
    """Labels that a VMI and its namespace must carry, key and value; an absent map is as an empty one."""

    vmi: Mapping[str, str]
    namespace: Mapping[str, str]


@dataclass(frozen=True)
class MigrationPolicy:
    """One policy. `selectors` None: there are none, and it never matches. `settings` holds what its spec sets."""

    meta: Meta
    selectors: Selectors | None
    settings: Mapping[str, Any]
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name; policies belong to the whole cluster."""
        return self.meta.name

    @classmethod
    def from_object(cls, obj: Any) -> MigrationPolicy:
        """The policy in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        meta = _META.read(reader)
        # `selectors: {}` is there, and picks every VMI.
        present = SELECTORS.present(obj)
        vmi, namespace = reader.texts(VMI_SELECTOR), reader.texts(NAMESPACE_SELECTOR)
        settings = read_settings(reader, fields=_SETTINGS)
        if not meta.name:
            reader.problems.append("metadata.name is missing")
        return cls(
            meta=meta,
            selectors=Selectors(vmi, namespace) if present else None,
            settings=settings,
            problems=tuple(dict.fromkeys(reader.problems)),
        )


@dataclass(frozen=True)
class Policies:
    """The policies of a cluster, None where they were not read, and the labels of namespaces as far as they were."""

    policies: tuple[MigrationPolicy, ...] | None = None
    namespace_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
