# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of the host that a VMI was given: with them KubeVirt migrates it by other rules.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/vmitrait/vmitrait.go HasVFIO (host devices, GPUs, SR-IOV interfaces).
"""

from __future__ import annotations

from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader

__all__ = ["GPUS", "HOST_DEVICES", "INTERFACES", "SRIOV", "has_host_devices", "has_vfio"]

KIND = "VirtualMachineInstance"

HOST_DEVICES = declare(KIND, "spec.domain.devices.hostDevices")
GPUS = declare(KIND, "spec.domain.devices.gpus")
INTERFACES = declare(KIND, "spec.domain.devices.interfaces")
SRIOV = declare(KIND, "sriov", base="spec.domain.devices.interfaces[]")


def has_vfio(reader: Reader, /) -> bool:
    """Whether the VMI of `reader` has a VFIO device; what cannot be read there stands in the reader's problems."""
    given = bool(reader.items(HOST_DEVICES)) or bool(reader.items(GPUS))
    return given or any(SRIOV.present(item.obj) for item in reader.readers(INTERFACES))


def has_host_devices(vmi: Any, /) -> bool | None:
    """Whether this VMI has a VFIO device; None where the object cannot be read there."""
    reader = Reader(vmi)
    if has_vfio(reader):
        return True
    return None if reader.problems else False
