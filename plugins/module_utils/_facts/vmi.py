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

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.devices import has_vfio
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
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.storage import (
    HOTPLUG_VOLUME,
    MovedStorage,
    claims_of,
    hotplugged_volumes,
    moved_storage,
)

__all__ = [
    "CONDITIONS",
    "CPU_MODEL",
    "EVACUATION_NODE",
    "HOST_MODEL",
    "HOTPLUG_PATH",
    "LABEL_TARGET_NODE",
    "META",
    "NODE",
    "SELINUX_CONTEXT",
    "STATE",
    "Vmi",
]

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
CPU_MODEL = declare(KIND, "spec.domain.cpu.model")
HOST_MODEL = "host-model"
HOTPLUG_PATH = HOTPLUG_VOLUME.path
GUEST_MEMORY = declare(KIND, "spec.domain.memory.guest")
NODE_SELECTOR = declare(KIND, "spec.nodeSelector")
REQUESTS = declare(KIND, "spec.domain.resources.requests")


@dataclass(frozen=True)
class Vmi:
    """One VMI. `guest_memory` is the quantity that KubeVirt's copy deadline is counted from, "" where unknown;
    `hotplugged` names volumes that were plugged in while it ran.

    `has_vfio`: it holds a device of the node's (host device, GPU, SR-IOV), which keeps KubeVirt from post-copy.
    """

    meta: Meta
    phase: str
    node: str
    evacuation_node: str
    selinux_context: str
    storage: MovedStorage
    hotplugged: tuple[str, ...]
    claims: tuple[str, ...]
    cpu_model: str
    guest_memory: str
    has_vfio: bool
    launcher_version: str
    node_selector: Mapping[str, str]
    conditions: Mapping[str, Condition]
    state: MigrationState | None
    problems: tuple[str, ...]

    @property
    def moves_storage(self) -> bool:
        """Whether its migration copies more than memory."""
        return self.storage.is_moved

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
            storage=moved_storage(reader, annotations=meta.annotations),
            hotplugged=hotplugged_volumes(reader),
            claims=claims_of(reader),
            cpu_model=reader.text(CPU_MODEL),
            guest_memory=_guest_memory(reader),
            has_vfio=has_vfio(reader),
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
