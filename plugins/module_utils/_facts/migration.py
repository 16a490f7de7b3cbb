# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VirtualMachineInstanceMigration: what one migration object says.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, staging/src/kubevirt.io/api/core/v1/types.go,
pkg/virt-controller/watch/migration/migration.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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

__all__ = [
    "ANNOTATION_PENDING_TIMEOUT",
    "ANNOTATION_UNSCHEDULABLE_TIMEOUT",
    "ANNOTATION_UTILITY_TIMEOUT",
    "ANNOTATION_WORKLOAD_UPDATE",
    "CONDITIONS",
    "FINAL_PHASES",
    "HANDED_OVER_PHASES",
    "KNOWN_PHASES",
    "LABEL_VMI_NAME",
    "LABEL_VOLUME_UPDATE",
    "META",
    "PHASE",
    "RUNNING_PHASES",
    "STATE",
    "TRANSITIONS",
    "Migration",
]

KIND = "VirtualMachineInstanceMigration"
LABEL_VMI_NAME = "kubevirt.io/vmi-name"
LABEL_VOLUME_UPDATE = "kubevirt.io/volume-update-migration"
ANNOTATION_EVACUATION = "kubevirt.io/evacuationMigration"
ANNOTATION_WORKLOAD_UPDATE = "kubevirt.io/workloadUpdateMigration"
ANNOTATION_UNSCHEDULABLE_TIMEOUT = "kubevirt.io/migrationUnschedulablePodTimeoutSeconds"
ANNOTATION_UTILITY_TIMEOUT = "kubevirt.io/migrationUtilityVolumesTimeoutSeconds"
ANNOTATION_PENDING_TIMEOUT = "kubevirt.io/migrationPendingPodTimeoutSeconds"

FINAL_PHASES = frozenset({"Succeeded", "Failed"})
HANDED_OVER_PHASES = frozenset({"PreparingTarget", "TargetReady", "Running"})
# What counts against the parallel limits (migration.go: IsRunning), Pending ones with a target pod apart.
RUNNING_PHASES = frozenset({"Scheduling", "Scheduled"}) | HANDED_OVER_PHASES
KNOWN_PHASES = RUNNING_PHASES | FINAL_PHASES | {"", "Pending", "WaitingForSync", "Synchronizing"}

META = MetaFields(KIND)
CONDITIONS = ConditionFields(KIND)
STATE = StateFields(KIND)
VMI_NAME = declare(KIND, "spec.vmiName")
PRIORITY = declare(KIND, "spec.priority")
SEND_TO = declare(KIND, "spec.sendTo")
RECEIVE = declare(KIND, "spec.receive")
PHASE = declare(KIND, "status.phase")
TRANSITIONS = declare(KIND, "status.phaseTransitionTimestamps")
TRANSITION_PHASE = declare(KIND, "phase", base="status.phaseTransitionTimestamps[]")
TRANSITION_AT = declare(KIND, "phaseTransitionTimestamp", base="status.phaseTransitionTimestamps[]")


@dataclass(frozen=True)
class Migration:
    """One migration object. `phase` is as found, "" while KubeVirt has not set one."""

    meta: Meta
    vmi_name: str
    priority: str
    phase: str
    transitions: tuple[tuple[str, datetime | None], ...]
    conditions: Mapping[str, Condition]
    state: MigrationState | None
    sends: bool
    receives: bool
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> Migration:
        """The migration in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        meta = META.read(reader)
        migration = cls(
            meta=meta,
            vmi_name=reader.text(VMI_NAME),
            priority=reader.text(PRIORITY),
            phase=reader.text(PHASE),
            transitions=tuple(
                (item.text(TRANSITION_PHASE), item.moment(TRANSITION_AT)) for item in reader.readers(TRANSITIONS)
            ),
            conditions=CONDITIONS.read(reader),
            state=STATE.read(reader),
            sends=SEND_TO.present(obj),
            receives=RECEIVE.present(obj),
            problems=(),
        )
        return _with_problems(migration, reader.problems)

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name of the VMI): where its VMI is found."""
        return self.meta.namespace, self.vmi_name

    @property
    def label(self) -> str:
        """`namespace/vm`, as people name it."""
        return f"{self.meta.namespace}/{self.vmi_name}"

    @property
    def is_final(self) -> bool:
        """Whether KubeVirt has ended it."""
        return self.phase in FINAL_PHASES

    @property
    def is_decentralized(self) -> bool:
        """Whether it moves the VM to or from another cluster or namespace."""
        return self.sends or self.receives

    @property
    def other_side(self) -> str:
        """`target` or `source` where that side has its own migration object, and may be in another cluster; else ""."""
        if self.sends == self.receives:
            return ""
        return "target" if self.sends else "source"

    @property
    def is_being_deleted(self) -> bool:
        """Whether somebody asked for its end: deleting the object is how a migration is cancelled."""
        return self.meta.deleted_at is not None

    def reached_at(self, phase: str) -> datetime | None:
        """When it came into `phase`; the newest entry counts; None where KubeVirt wrote none."""
        times = [at for name, at in self.transitions if name == phase and at is not None]
        return max(times) if times else None

    @property
    def phase_since(self) -> datetime | None:
        """When its present phase began; creation while the phase is not set."""
        return self.meta.created_at if self.phase == "" else self.reached_at(self.phase)

    @property
    def origin(self) -> str:
        """Who made it: user, evacuation, workload_update, volume_update or decentralized."""
        if self.is_decentralized:
            return "decentralized"
        if LABEL_VOLUME_UPDATE in self.meta.labels:
            return "volume_update"
        if ANNOTATION_EVACUATION in self.meta.annotations:
            return "evacuation"
        return "workload_update" if ANNOTATION_WORKLOAD_UPDATE in self.meta.annotations else "user"

    def seconds_from(self, annotation: str, *, default: int) -> int:
        """A pod timeout: the annotation's seconds when it is a whole number, else KubeVirt's default."""
        text = self.meta.annotations.get(annotation, "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _with_problems(migration: Migration, problems: list[str]) -> Migration:
    """Adds what is missing but must be there, so that the object cannot be judged."""
    found = list(problems)
    if not migration.vmi_name:
        found.append("spec.vmiName is missing")
    if migration.meta.created_at is None:
        found.append("metadata.creationTimestamp is missing")
    if not migration.meta.uid:
        found.append("metadata.uid is missing")
    if migration.phase not in KNOWN_PHASES:
        found.append(f"status.phase {migration.phase[:60]!r} is not a phase that is known here")
    elif migration.phase and not migration.is_final and migration.phase_since is None:
        found.append(f"status.phaseTransitionTimestamps has no time for phase {migration.phase}")
    return Migration(**{**migration.__dict__, "problems": tuple(dict.fromkeys(found))})
