# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fresh reads of one VM and its migration, just before an act and while waiting for what it does.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    NotFound,
    ResourceMissing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import (
    KUBEVIRT,
    Key,
    Reading,
    vmi_path,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Write
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import LEASE_OF, RETRY_DUE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import (
    LABEL_CREATED_BY,
    LABEL_JOB_UID,
    Pod,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import MetaFields, Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.served import served_fields
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import Event, Lease
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi

__all__ = ["ActReads", "lease_path", "leases_path", "migration_name_path"]

SUBRESOURCES = "subresources.kubevirt.io"
_NAMESPACE = MetaFields("Namespace")
_VIRTUAL_MACHINE = MetaFields("VirtualMachine")


def migration_name_path(namespace: str, name: str, /) -> str:
    """The migration of this name."""
    plural = "virtualmachineinstancemigrations"
    return paths.item(KUBEVIRT, version="v1", plural=plural, namespace=namespace, name=name)


def leases_path(namespace: str) -> str:
    """The Leases of a namespace."""
    return paths.collection("coordination.k8s.io", version="v1", plural="leases", namespace=namespace)


def lease_path(namespace: str, name: str, /) -> str:
    """One Lease."""
    return paths.item("coordination.k8s.io", version="v1", plural="leases", namespace=namespace, name=name)


class ActReads:
    """Reads through `client`; what is forbidden stands in `reading.unseen`."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.reading = Reading(client)

    def migration(self, namespace: str, name: str, /) -> Migration | None:
        """What has this name now; None for nothing. Raises what the client raises, Forbidden too."""
        try:
            return Migration.from_object(self.client.get(migration_name_path(namespace, name)))
        except NotFound as error:
            if isinstance(error, ResourceMissing):
                raise
            return None

    def migrations_of(self, key: Key) -> list[Migration]:
        """All migrations of the VM, finished ones too."""
        found = self.reading.migrations_of([key[1]], namespace=key[0])
        return [one for one in found if one.vmi_name == key[1]]

    def vmi(self, key: Key) -> tuple[Vmi | None, bool]:
        """The VMI, None for none; and whether it could be seen."""
        try:
            return Vmi.from_object(self.client.get(vmi_path(key))), True
        except NotFound:
            return None, True
        except Forbidden as error:
            self.reading.miss(f"vmis/{key[0]}", error.rule)
            return None, False

    def has_vm(self, key: Key) -> bool | None:
        """Whether there is a VM of this name; None where that may not be read."""
        found = self._vm(key)
        return None if found is None else bool(found)

    def vm_labels(self, key: Key) -> Mapping[str, str] | None:
        """The labels of the VM, none for a VMI without one; None where that may not be read."""
        found = self._vm(key)
        return None if found is None else _VIRTUAL_MACHINE.read(Reader(found)).labels

    def _vm(self, key: Key) -> dict[str, Any] | None:
        """The VM, {} for none; None where that may not be read."""
        path = paths.item(KUBEVIRT, version="v1", plural="virtualmachines", namespace=key[0], name=key[1])
        try:
            return self.client.get(path)
        except NotFound:
            return {}
        except Forbidden as error:
            self.reading.miss(f"vms/{key[0]}", error.rule)
            return None

    def target_pod(self, namespace: str, migration_uid: str, /) -> tuple[Pod | None, bool]:
        """The newest pod that was made for this migration, None for none; and whether pods could be seen."""
        path = paths.collection("", version="v1", plural="pods", namespace=namespace)
        query = {"labelSelector": f"{LABEL_JOB_UID}={migration_uid},kubevirt.io=virt-launcher"}
        items = self.reading.seeing(f"pods/{namespace}", lambda: self.client.list(path, query=query))
        if items is None:
            return None, False
        pods = [Pod.from_object(item) for item in items]
        return max(pods, key=lambda pod: (str(pod.meta.created_at), pod.meta.name), default=None), True

    def launchers(self, namespace: str, vmi_uid: str, /) -> list[dict[str, Any]] | None:
        """The VM's launcher pods as they are; None where pods may not be read."""
        path = paths.collection("", version="v1", plural="pods", namespace=namespace)
        query = {"labelSelector": f"{LABEL_CREATED_BY}={vmi_uid},kubevirt.io=virt-launcher"}
        return self.reading.seeing(f"pods/{namespace}", lambda: self.client.list(path, query=query))

    def can_select_node(self) -> bool | None:
        """Whether the served schema of migrations has addedNodeSelector (KubeVirt 1.6); None where it is not told."""
        try:
            document = self.client.get("/openapi/v3/apis/kubevirt.io/v1")
        except ClusterError:
            return None
        fields = served_fields(document, kind="VirtualMachineInstanceMigration", steps=("spec",))
        return None if fields is None else "addedNodeSelector" in fields

    def events_about(self, namespace: str, uid: str, /) -> tuple[Event, ...]:
        """Events about one object, oldest first; empty where they may not be read."""
        found = self.reading.events({namespace: [uid]})
        return tuple(sorted(found, key=lambda event: str(event.last_at or "")))

    def node_answers(self, name: str) -> bool | None:
        """Whether the node's kubelet reports; None where that is not known."""
        if not name:
            return None
        found = self.reading.nodes([name])
        if name not in found:
            return None
        node: Node | None = found[name]
        ready = node.conditions.get("Ready") if node else None
        return node is not None and ready is not None and ready.status == "True"

    def namespace_annotations(self, name: str) -> Mapping[str, str] | None:
        """The annotations of a namespace; None where it may not be read."""
        path = paths.item("", version="v1", plural="namespaces", name=name)
        try:
            found = self.reading.seeing("namespaces", lambda: self.client.get(path))
        except NotFound:
            return {}
        return None if found is None else _NAMESPACE.read(Reader(found)).annotations

    def lease(self, namespace: str, name: str, /) -> dict[str, Any] | None:
        """The Lease, None for none. Raises what the client raises, Forbidden too."""
        try:
            return self.client.get(lease_path(namespace, name))
        except NotFound:
            return None

    def leases_of_vms(self, namespace: str) -> dict[str, dict[str, Any]] | None:
        """The Leases of VMs by name; None where they cannot be listed: each may be readable all the same."""
        try:
            items = self.client.list(leases_path(namespace), query={"labelSelector": f"{LEASE_OF}=vm"})
        except ClusterError:
            return None
        return {Lease.from_object(item).meta.name: item for item in items}

    def retries_due(self, namespaces: Iterable[str], /) -> list[Key]:
        """(namespace, VM) of each VM whose Lease remembers that a retry is due; of all namespaces for none given.

        What may not be listed is missing and stands in `reading.unseen`.
        """
        found: list[Key] = []
        for namespace in tuple(namespaces) or (None,):
            path = paths.collection("coordination.k8s.io", version="v1", plural="leases", namespace=namespace)
            read = partial(self.client.list, path, query={"labelSelector": f"{RETRY_DUE}=true"})
            leases = [Lease.from_object(item) for item in self.reading.seeing("leases", read) or ()]
            found += [(lease.meta.namespace, lease.owners[0]) for lease in leases if lease.owners]
        return sorted(set(found))

    def can_stop_evacuations(self) -> bool | None:
        """Whether virt-api serves evacuate/cancel (KubeVirt 1.7); None where that could not be told."""
        try:
            found = self.client.get(f"/apis/{SUBRESOURCES}/v1")
        except NotFound:
            return False
        except ClusterError:
            return None
        names = [one.get("name") for one in found.get("resources") or () if isinstance(one, Mapping)]
        return any(str(name).startswith("virtualmachineinstances/evacuate") for name in names)

    def user(self) -> str:
        """The name by which the API server knows us; "" where it does not say (Kubernetes before 1.28)."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = paths.collection("authentication.k8s.io", version="v1", plural="selfsubjectreviews")
        try:
            answer = self.client.write(Write("create", path, body, is_harmless=True))
        except ClusterError:
            return ""
        status = answer.obj.get("status")
        info = status.get("userInfo") if isinstance(status, Mapping) else None
        name = info.get("username") if isinstance(info, Mapping) else None
        return name if isinstance(name, str) else ""
