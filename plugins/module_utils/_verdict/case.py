# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One migration with everything of the snapshot that belongs to it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import HandlerState, Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import (
    HOTPLUG,
    LABEL_APP,
    LABEL_CREATED_BY,
    LABEL_JOB_UID,
    LAUNCHER,
    Pod,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import MigrationState
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import (
    Placement,
    find_candidates,
)

__all__ = ["Case", "PodIndex"]

# Its namespace is where virt-controller and virt-handler are looked for.
NO_KUBEVIRT = "the cluster has no KubeVirt object that says where KubeVirt runs"


@dataclass(frozen=True)
class PodIndex:
    """Launcher pods by the VMI they were made for, and attachment pods by the migration, so that each migration finds
    its own without a search."""

    by_vmi: Mapping[str, tuple[Pod, ...]]
    attachments: Mapping[str, tuple[Pod, ...]]

    @classmethod
    def of(cls, pods: tuple[Pod, ...]) -> PodIndex:
        """The index over all virt-launcher pods in `pods`, and those that attach hot-plugged volumes."""
        return cls(
            by_vmi=_by_label(pods, app=LAUNCHER, label=LABEL_CREATED_BY),
            attachments=_by_label(pods, app=HOTPLUG, label=LABEL_JOB_UID),
        )


def _by_label(pods: tuple[Pod, ...], *, app: str, label: str) -> dict[str, tuple[Pod, ...]]:
    found: dict[str, list[Pod]] = {}
    for pod in pods:
        if pod.meta.labels.get(LABEL_APP) == app:
            found.setdefault(pod.meta.labels.get(label, ""), []).append(pod)
    return {uid: tuple(sorted(some, key=lambda pod: pod.meta.name)) for uid, some in found.items()}


@dataclass(frozen=True)
class Case:
    """`migration` seen in its surroundings. What was not read is None or empty; `snapshot.unseen` says why."""

    snapshot: Snapshot
    migration: Migration
    pod_index: PodIndex = field(repr=False)

    @property
    def now(self) -> datetime:
        """The cluster's time of the look."""
        return self.snapshot.read_at

    @property
    def name(self) -> str:
        """`VirtualMachineInstanceMigration namespace/name`, as evidence names it."""
        return f"VirtualMachineInstanceMigration {self.migration.meta.namespace}/{self.migration.meta.name}"

    @property
    def vmi_name(self) -> str:
        """`VirtualMachineInstance namespace/name`, as evidence names it."""
        return f"VirtualMachineInstance {self.migration.label}"

    @property
    def why_no_place(self) -> str:
        """Why it is not known where KubeVirt runs, "" where it is."""
        kubevirt = self.snapshot.kubevirt
        return NO_KUBEVIRT if kubevirt is None else kubevirt.doubt

    @cached_property
    def vmi(self) -> Vmi | None:
        """Its VMI, or None where there is none or it was not read."""
        return self.snapshot.vmis.get(self.migration.key)

    @cached_property
    def state(self) -> MigrationState | None:
        """The state that belongs to this migration: the VMI's while its UID matches, else the object's own copy."""
        vmi_state = self.vmi.state if self.vmi else None
        if vmi_state is not None and vmi_state.migration_uid == self.migration.meta.uid:
            return vmi_state
        own = self.migration.state
        return own if own is not None and own.migration_uid == self.migration.meta.uid else None

    @cached_property
    def launchers(self) -> tuple[Pod, ...]:
        """All virt-launcher pods of its VMI that were read."""
        return self.pod_index.by_vmi.get(self.vmi.meta.uid, ()) if self.vmi else ()

    @cached_property
    def target_pod(self) -> Pod | None:
        """The newest pod that was made for this very migration."""
        own = [pod for pod in self.launchers if pod.meta.labels.get(LABEL_JOB_UID) == self.migration.meta.uid]
        return max(own, key=lambda pod: (pod.meta.created_at or self.now, pod.meta.name)) if own else None

    @cached_property
    def attachment_pods(self) -> tuple[Pod, ...]:
        """The pods that attach its VM's hot-plugged volumes on the target node."""
        return self.pod_index.attachments.get(self.migration.meta.uid, ())

    @cached_property
    def placement(self) -> Placement | None:
        """Where its target pod could go; None where the pod has its node, or where that was not read."""
        needs = self.snapshot.needs.get(self.target_pod.meta.uid) if self.target_pod else None
        places = self.snapshot.places
        if needs is None or places is None:
            return None
        return find_candidates(needs, places.nodes, pods_by_node=places.pods_by_node, namespaces=places.namespaces)

    @cached_property
    def source_pod(self) -> Pod | None:
        """The pod that the VM runs in, by the name KubeVirt recorded."""
        own, handed = self.migration.state, self.state
        wanted = (handed.source_pod if handed else "") or (own.source_pod if own else "")
        return next((pod for pod in self.launchers if pod.meta.name == wanted), None)

    @property
    def is_followed(self) -> bool:
        """Whether the VM has a newer migration: then this one is history."""
        newest = self.snapshot.by_vm.get(self.migration.key, (self.migration,))[0]
        mine, made = self.migration.meta.created_at, newest.meta.created_at
        return mine is not None and made is not None and made > mine

    @property
    def source_node(self) -> str:
        """Where the VM runs: as handed over, before that the VMI's node; "" where not known."""
        if self.state and self.state.source_node:
            return self.state.source_node
        if self.migration.is_final:
            return ""
        return self.vmi.node if self.vmi else ""

    @property
    def target_node(self) -> str:
        """Where it goes: as handed over, before that the target pod's node; "" while not chosen."""
        if self.state and self.state.target_node:
            return self.state.target_node
        return self.target_pod.node if self.target_pod else ""

    @property
    def target_pod_name(self) -> str:
        """The target pod's name, "" while there is none."""
        return self.target_pod.meta.name if self.target_pod else (self.state.target_pod if self.state else "")

    def node(self, name: str) -> Node | None:
        """The node object, None where it does not exist or was not read."""
        return self.snapshot.nodes.get(name)

    def handler(self, name: str) -> HandlerState | None:
        """virt-handler on that node; None where it was not read."""
        return self.snapshot.handlers.get(name)

    def later(self, *moments: datetime | None) -> datetime | None:
        """The latest of the known moments: a cause holds for this migration from then on."""
        known = [moment for moment in moments if moment is not None]
        return max(known) if known else None
