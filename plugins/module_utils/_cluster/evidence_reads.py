# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a diagnosis does not need and whoever gets the evidence asks for: events, logs, policies, versions.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.log_reads import Container
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import read_policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading, vmi_path
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.recording import RecordingClient
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.settings_reads import read_owners
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_text
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import KINDS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import VIRT_HANDLER, Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import LABEL_CREATED_BY, NODE, Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi

__all__ = ["MOST_INVOLVED", "Involved", "containers_of", "read_more", "read_versions", "silent_nodes"]

# Of so many VMs, those that are worst, more is read than the verdicts need.
MOST_INVOLVED: Final = 40
_PODS, _VMIS = KINDS["", "Pod"], KINDS["kubevirt.io", "VirtualMachineInstance"]
_NODES = KINDS["", "Node"]
_KUBEVIRTS = KINDS["kubevirt.io", "KubeVirt"]
_CONTROLLER: Final = "virt-controller"
_COMPONENT: Final = "kubevirt.io"


@dataclass(frozen=True)
class Involved:
    """Whom the evidence is about: migrations (namespace, name, UID), their VMs (namespace, name), and nodes."""

    migrations: tuple[tuple[str, str, str], ...]
    vms: tuple[tuple[str, str], ...]
    nodes: frozenset[str]


def read_more(client: RecordingClient, involved: Involved, /) -> list[str]:
    """Reads into the recording; says what could not be read besides what that knows."""
    reading = Reading(client)
    problems: list[str] = []
    for what, read in (
        ("the VMs involved", lambda: client.get_many([_vm_path(key) for key in involved.vms])),
        ("the VMIs involved", lambda: client.get_many([vmi_path(key) for key in involved.vms])),
        ("policies", lambda: read_policies(reading)),
        ("who owns KubeVirt's settings", lambda: read_owners(reading)),
        ("virt-controller's pods", lambda: _read_controllers(reading, client)),
        ("events", lambda: reading.events(_event_subjects(client, involved), singly=MOST_INVOLVED)),
    ):
        try:
            read()
        except ClusterError as error:
            problems.append(f"{what}: {error}")
    return problems


def _vm_path(key: tuple[str, str]) -> str:
    return paths.item("kubevirt.io", version="v1", plural="virtualmachines", namespace=key[0], name=key[1])


def _read_controllers(reading: Reading, client: RecordingClient) -> None:
    for namespace in _places(client):
        path = paths.collection("", version="v1", plural="pods", namespace=namespace)
        query = {"labelSelector": f"{_COMPONENT}={_CONTROLLER}"}
        reading.seeing("controllers", lambda path=path, query=query: client.list(path, query=query))  # type: ignore[misc]


def _places(client: RecordingClient) -> list[str]:
    """Where KubeVirt runs."""
    return sorted({namespace for kind, namespace, _name in client.recording.objects if kind == _KUBEVIRTS})


def _event_subjects(client: RecordingClient, involved: Involved) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for namespace, _name, uid in involved.migrations:
        found.setdefault(namespace, []).append(uid)
    vmis = _vmi_uids(client, involved)
    for uid, namespace in vmis.items():
        found.setdefault(namespace, []).append(uid)
    for pod in _launchers(client, vmis):
        found.setdefault(pod.meta.namespace, []).append(pod.meta.uid)
    return {namespace: list(dict.fromkeys(uid for uid in uids if uid)) for namespace, uids in found.items()}


def _vmi_uids(client: RecordingClient, involved: Involved) -> dict[str, str]:
    objects = client.recording.objects
    found = (objects.get((_VMIS, namespace, name)) for namespace, name in involved.vms)
    vmis = (Vmi.from_object(obj) for obj in found if obj is not None)
    return {vmi.meta.uid: vmi.meta.namespace for vmi in vmis if vmi.meta.uid}


def _launchers(client: RecordingClient, vmis: Collection[str]) -> list[Pod]:
    pods = (Pod.from_object(obj) for (kind, *_rest), obj in client.recording.objects.items() if kind == _PODS)
    return [pod for pod in pods if pod.meta.labels.get(LABEL_CREATED_BY) in vmis]


def containers_of(client: RecordingClient, involved: Involved, /) -> Sequence[Container]:
    """Whose logs tell of these migrations: virt-controller, virt-handler on their nodes, their launchers."""
    launchers = _launchers(client, _vmi_uids(client, involved))
    nodes = involved.nodes | {pod.node for pod in launchers}
    found = [Container(pod.meta.namespace, pod.meta.name, "compute", pod.node) for pod in launchers]
    for (kind, namespace, name), obj in client.recording.objects.items():
        component = _component(obj) if kind == _PODS else ""
        if component == _CONTROLLER or (component == VIRT_HANDLER and NODE.read(obj, of=as_text) in nodes):
            found.append(Container(namespace, name, component, NODE.read(obj, of=as_text) or ""))
    return sorted(set(found)) if involved.migrations else ()


def silent_nodes(client: RecordingClient, /) -> frozenset[str]:
    """Nodes whose kubelet does not answer for its node, as the cluster sees it: asking it for logs only takes time."""
    nodes = [Node.from_object(obj) for (kind, *_rest), obj in client.recording.objects.items() if kind == _NODES]
    return frozenset(
        node.name for node in nodes if (ready := node.conditions.get("Ready")) is not None and ready.status == "Unknown"
    )


def _component(pod: Mapping[str, Any]) -> str:
    labels = Pod.from_object(pod).meta.labels
    return labels.get(_COMPONENT, "")


def read_versions(client: RecordingClient, /) -> dict[str, Any]:
    """What the API server and KubeVirt say they are; "" for what they do not say."""
    said: Mapping[str, Any] = {}
    with contextlib.suppress(ClusterError):
        said = client.get("/version")
    return {
        "kubernetes": as_text(said.get("gitVersion")) or "",
        "kubevirt": _versions(client, _KUBEVIRTS, "observedKubeVirtVersion"),
        "hyperconverged": _versions(client, KINDS["hco.kubevirt.io", "HyperConverged"], "versions"),
    }


def _versions(client: RecordingClient, wanted: Any, field: str) -> list[Any]:
    objects: Iterable[Any] = (obj for (kind, *_rest), obj in client.recording.objects.items() if kind == wanted)
    return [(obj.get("status") or {}).get(field, "") for obj in objects if isinstance(obj.get("status") or {}, Mapping)]
