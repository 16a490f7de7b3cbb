# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VirtualMachineInstance: what the running VM says.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, staging/src/kubevirt.io/api/core/v1/types.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import (
    Condition,
    ConditionFields,
    Meta,
    MetaFields,
    Reader,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import (
    MigrationState,
    StateFields,
)

__all__ = ["CONDITIONS", "EVACUATION_NODE", "LABEL_TARGET_NODE", "META", "NODE", "SELINUX_CONTEXT", "STATE", "Vmi"]

KIND = "VirtualMachineInstance"
LABEL_TARGET_NODE = "kubevirt.io/migrationTargetNodeName"
# virt-controller puts it on VMIs whose launcher is not of the installed version.
LABEL_OUTDATED_LAUNCHER = "kubevirt.io/outdatedLauncherImage"

META = MetaFields(KIND)
CONDITIONS = ConditionFields(KIND)
STATE = StateFields(KIND)
PHASE = declare(KIND, "status.phase")
NODE = declare(KIND, "status.nodeName")
EVACUATION_NODE = declare(KIND, "status.evacuationNodeName")
SELINUX_CONTEXT = declare(KIND, "status.selinuxContext")
LAUNCHER_VERSION = declare(KIND, "status.launcherContainerImageVersion")
METHOD = declare(KIND, "status.migrationMethod")
MIGRATED_VOLUMES = declare(KIND, "status.migratedVolumes")
GUEST_MEMORY = declare(KIND, "spec.domain.memory.guest")
NODE_SELECTOR = declare(KIND, "spec.nodeSelector")
REQUESTS = declare(KIND, "spec.domain.resources.requests")


@dataclass(frozen=True)
class Vmi:
    """One VMI. `guest_memory` is the quantity that KubeVirt's copy deadline is counted from, "" where unknown."""

    meta: Meta
    phase: str
    node: str
    evacuation_node: str
    selinux_context: str
    moves_storage: bool
    guest_memory: str
    launcher_version: str
    node_selector: Mapping[str, str]
    conditions: Mapping[str, Condition]
    state: MigrationState | None
    problems: tuple[str, ...]

    @property
    def has_outdated_launcher(self) -> bool:
        """Whether it runs in a launcher of another version than the installed one."""
        return LABEL_OUTDATED_LAUNCHER in self.meta.labels

    @classmethod
    def from_object(cls, obj: Any) -> Vmi:
        """The VMI in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        meta = META.read(reader)
        vmi = cls(
            meta=meta,
            phase=reader.text(PHASE),
            node=reader.text(NODE),
            evacuation_node=reader.text(EVACUATION_NODE),
            selinux_context=reader.text(SELINUX_CONTEXT),
            moves_storage=reader.text(METHOD) == "BlockMigration" or bool(reader.items(MIGRATED_VOLUMES)),
            guest_memory=_guest_memory(reader),
            launcher_version=reader.text(LAUNCHER_VERSION),
            node_selector=reader.texts(NODE_SELECTOR),
            conditions=CONDITIONS.read(reader),
            state=STATE.read(reader),
            problems=(),
        )
        return Vmi(**{**vmi.__dict__, "problems": tuple(dict.fromkeys(reader.problems))})


def _guest_memory(reader: Reader) -> str:
    """spec.domain.memory.guest, else the memory request: the order of virtwrap/manager.go getVMIMigrationDataSize."""
    return reader.quantity(GUEST_MEMORY) or reader.quantity(REQUESTS, key="memory")
