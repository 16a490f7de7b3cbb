# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VMI says about being drained away: its eviction strategy, and what its next launcher pod would hang on.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, staging/src/kubevirt.io/api/core/v1/types.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi

__all__ = [
    "BACKUP_NAME",
    "CPU_MODEL",
    "EVICTION_STRATEGY",
    "EXTERNAL",
    "HOST_MODEL",
    "LABEL_NODE_NAME",
    "LIVE_MIGRATE",
    "LIVE_MIGRATE_IF_POSSIBLE",
    "UTILITY_VOLUMES",
    "Guest",
]

KIND = "VirtualMachineInstance"
LABEL_NODE_NAME = "kubevirt.io/nodeName"
LIVE_MIGRATE = "LiveMigrate"
LIVE_MIGRATE_IF_POSSIBLE = "LiveMigrateIfPossible"
EXTERNAL = "External"
HOST_MODEL = "host-model"

EVICTION_STRATEGY = declare(KIND, "spec.evictionStrategy")
CPU_MODEL = declare(KIND, "spec.domain.cpu.model")
NODE_SELECTOR = declare(KIND, "spec.nodeSelector")
UTILITY_VOLUMES = declare(KIND, "spec.utilityVolumes")
UTILITY_NAME = declare(KIND, "name", base="spec.utilityVolumes[]")
BACKUP_NAME = declare(KIND, "status.changedBlockTracking.backupStatus.backupName")
BACKUP_COMPLETED = declare(KIND, "status.changedBlockTracking.backupStatus.completed")


@dataclass(frozen=True)
class Guest:
    """One VMI with what a drain asks of it. `eviction_strategy` is "" where the cluster's own holds; `backup` names a
    backup that is running. `problems` are those of the VMI too."""

    vmi: Vmi
    eviction_strategy: str
    cpu_model: str
    node_selector: Mapping[str, str]
    utility_volumes: tuple[str, ...]
    backup: str
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> Guest:
        """The VMI in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        vmi = Vmi.from_object(obj)
        backup = "" if reader.boolean(BACKUP_COMPLETED) else reader.text(BACKUP_NAME)
        guest = cls(
            vmi=vmi,
            eviction_strategy=reader.text(EVICTION_STRATEGY),
            cpu_model=reader.text(CPU_MODEL),
            node_selector=reader.texts(NODE_SELECTOR),
            utility_volumes=tuple(item.text(UTILITY_NAME) or "?" for item in reader.readers(UTILITY_VOLUMES)),
            backup=backup,
            problems=(),
        )
        return Guest(**{**guest.__dict__, "problems": tuple(dict.fromkeys((*vmi.problems, *reader.problems)))})

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name)."""
        return self.vmi.meta.namespace, self.vmi.meta.name

    @property
    def label(self) -> str:
        """`namespace/vm`, as people name it."""
        return "/".join(self.key)

    @property
    def name(self) -> str:
        """`VirtualMachineInstance namespace/name`, as evidence names it."""
        return f"VirtualMachineInstance {self.label}"

    @property
    def is_over(self) -> bool:
        """Whether it has ended: there is nothing left to move."""
        return self.vmi.phase in ("Succeeded", "Failed")

    @property
    def is_migratable(self) -> bool:
        """As KubeVirt asks it: the condition LiveMigratable is there and True."""
        found = self.vmi.conditions.get("LiveMigratable")
        return found is not None and found.status == "True"
