# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VirtualMachine: the labels that its VMI is made with.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, staging/src/kubevirt.io/api/core/v1/types.go (VirtualMachineInstanceTemplateSpec); the VMI gets
the template's labels when it is made, and none of the VM's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_map, declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import (
    Meta,
    MetaFields,
    Reader,
)

__all__ = ["VirtualMachine"]

KIND = "VirtualMachine"

_META = MetaFields(KIND)
# The schema keeps whatever stands in it and describes none of it.
TEMPLATE_METADATA = declare(KIND, "spec.template.metadata")


@dataclass(frozen=True)
class VirtualMachine:
    """One VM. `template_labels` are those that its next VMI gets."""

    meta: Meta
    template_labels: Mapping[str, str]
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> VirtualMachine:
        """The VM in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        meta = _META.read(reader)
        labels = as_map(reader.mapping(TEMPLATE_METADATA).get("labels")) or {}
        found = {str(key): value for key, value in labels.items() if isinstance(value, str)}
        return cls(meta=meta, template_labels=found, problems=tuple(dict.fromkeys(reader.problems)))
