# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a VMI's storage a migration copies, and what is hot-plugged.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/manager.go getVMIMigrationDataSize (the same since v1.3.0),
pkg/storage/types/volume.go GetTotalSizeMigratedVolumes, pkg/storage/types/pvc.go GetDiskCapacity,
cmd/virt-launcher/virt-launcher.go (what lies under the launcher's directory of ephemeral disks),
pkg/controller/controller.go VMIHasHotplugVolumes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.confidential import IGNITION
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    quantity_bytes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader

__all__ = ["HOTPLUG_VOLUME", "MovedStorage", "claims_of", "hotplugged_volumes", "moved_storage"]

KIND = "VirtualMachineInstance"
METHOD = declare(KIND, "status.migrationMethod")
_MIGRATED = declare(KIND, "status.migratedVolumes")
_MIGRATED_BASE = "status.migratedVolumes[]"
_CAPACITY = declare(KIND, "sourcePVCInfo.capacity", base=_MIGRATED_BASE)
_REQUESTS = declare(KIND, "sourcePVCInfo.requests", base=_MIGRATED_BASE)
_VOLUMES = declare(KIND, "spec.volumes")
_VOLUME_NAME = declare(KIND, "name", base="spec.volumes[]")
_HOTPLUGGABLE = [
    declare(KIND, f"{source}.hotpluggable", base="spec.volumes[]") for source in ("persistentVolumeClaim", "dataVolume")
]
_CLAIMS = [
    declare(KIND, path, base="spec.volumes[]") for path in ("persistentVolumeClaim.claimName", "dataVolume.name")
]
_STATUSES = declare(KIND, "status.volumeStatus")
_STATUS_NAME = declare(KIND, "name", base="status.volumeStatus[]")
HOTPLUG_VOLUME = declare(KIND, "hotplugVolume", base="status.volumeStatus[]")
_STORAGE = "storage"
# Sources that leave nothing in the launcher's directory of ephemeral disks; any other may, a new one too.
_ELSEWHERE = frozenset(
    ("persistentVolumeClaim", "dataVolume", "hostDisk", "emptyDisk", "configMap", "secret", "serviceAccount", "sysprep")
)


@dataclass(frozen=True)
class MovedStorage:
    """What is copied beside the memory. `volume_bytes`: of the volumes that move to other claims, None where that is
    not readable; `launcher_disks`: volumes whose files only the launcher can measure, and which it counts too.
    `is_moved`: whether storage moves at all."""

    is_moved: bool
    volume_bytes: int | None
    launcher_disks: tuple[str, ...]


def moved_storage(reader: Reader, /, *, annotations: Mapping[str, str]) -> MovedStorage:
    """As KubeVirt counts it for its deadline: of each volume that moves the lesser of request and capacity, and the
    launcher's own disks where the method is BlockMigration."""
    is_block = reader.text(METHOD) == "BlockMigration"
    volumes = reader.readers(_MIGRATED)
    return MovedStorage(
        is_moved=is_block or bool(volumes),
        volume_bytes=_total(volumes),
        launcher_disks=_launcher_disks(reader, annotations=annotations) if is_block else (),
    )


def _total(volumes: list[Reader]) -> int | None:
    try:
        return sum(_size(volume) for volume in volumes)
    except QuantityError:
        return None


def _size(volume: Reader) -> int:
    """0 where either is absent: KubeVirt passes over such a volume."""
    capacity, request = volume.quantity(_CAPACITY, key=_STORAGE), volume.quantity(_REQUESTS, key=_STORAGE)
    return min(quantity_bytes(capacity), quantity_bytes(request)) if capacity and request else 0


def _launcher_disks(reader: Reader, *, annotations: Mapping[str, str]) -> tuple[str, ...]:
    found = [volume.text(_VOLUME_NAME) for volume in reader.readers(_VOLUMES) if _sources(volume.obj) - _ELSEWHERE]
    return (*found, *(["its ignition data"] if IGNITION in annotations else []))


def _sources(volume: Mapping[str, Any]) -> set[str]:
    return {str(key) for key, value in volume.items() if key != "name" and value is not None}


def claims_of(reader: Reader, /) -> tuple[str, ...]:
    """Names of the persistent volume claims that the VM uses; a DataVolume's claim is called as it is."""
    found = [volume.text(field) for volume in reader.readers(_VOLUMES) for field in _CLAIMS]
    return tuple(dict.fromkeys(name for name in found if name))


def hotplugged_volumes(reader: Reader, /) -> tuple[str, ...]:
    """Names of the volumes that an attachment pod must bring to the target node."""
    plugged = [one.text(_STATUS_NAME) for one in reader.readers(_STATUSES) if HOTPLUG_VOLUME.present(one.obj)]
    for volume in reader.readers(_VOLUMES):
        if any(volume.boolean(field) for field in _HOTPLUGGABLE):
            plugged.append(volume.text(_VOLUME_NAME))
    return tuple(dict.fromkeys(plugged))
