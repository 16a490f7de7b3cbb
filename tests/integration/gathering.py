# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What KubeVirt's must-gather and `oc adm inspect` would collect of the test cluster, as YAML files in their layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.cluster import Cluster
from tests.integration.simulated import items

__all__ = ["inspect_namespace", "must_gather"]

Object = dict[str, Any]
CUSTOM = {
    "virtualmachineinstancemigrations.kubevirt.io": "/apis/kubevirt.io/v1/virtualmachineinstancemigrations",
    "virtualmachineinstances.kubevirt.io": "/apis/kubevirt.io/v1/virtualmachineinstances",
    "kubevirts.kubevirt.io": "/apis/kubevirt.io/v1/kubevirts",
    "migrationpolicies.migrations.kubevirt.io": "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies",
}
IN_ALL = {"pods": "/api/v1", "events": "/api/v1", "persistentvolumeclaims": "/api/v1"}


def must_gather(cluster: Cluster, folder: Path) -> Path:
    """As `oc adm must-gather` with KubeVirt's image leaves it: gather_crs, the nodes, KubeVirt's own namespace; nothing
    but custom resources of the namespaces of VMs."""
    root = folder / "must-gather.local.1" / "quay-io-kubevirt-must-gather-sha256-0"
    for crd, path in CUSTOM.items():
        for obj in items(cluster, path):
            _write(root / _place(obj) / _folder(obj, crd) / f"{obj['metadata']['name']}.yaml", obj)
    for node in items(cluster, "/api/v1/nodes"):
        _write(root / "cluster-scoped-resources/core/nodes" / f"{node['metadata']['name']}.yaml", _kind(node, "Node"))
    _write(root / "cluster-scoped-resources/apiextensions.k8s.io/x.yaml", {"not": "read"})
    inspect_namespace(cluster, root, "kubevirt", custom=False)
    return folder / "must-gather.local.1"


def inspect_namespace(cluster: Cluster, root: Path, namespace: str, *, custom: bool = True) -> Path:
    """As `oc adm inspect ns/NAMESPACE` leaves it: a list of each kind."""
    place = root / "namespaces" / namespace
    for plural, prefix in IN_ALL.items():
        found = items(cluster, f"{prefix}/namespaces/{namespace}/{plural}")
        _write(place / "core" / f"{plural}.yaml", {"apiVersion": "v1", "kind": "List", "items": _kinds(found, plural)})
    for plural in ("virtualmachineinstancemigrations", "virtualmachineinstances") if custom else ():
        found = items(cluster, f"/apis/kubevirt.io/v1/namespaces/{namespace}/{plural}")
        kind = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceList"}
        _write(place / "kubevirt.io" / f"{plural}.yaml", {**kind, "items": found})
    return root


def _kinds(found: list[Object], plural: str) -> list[Object]:
    kind = {"pods": "Pod", "events": "Event", "persistentvolumeclaims": "PersistentVolumeClaim"}[plural]
    return [_kind(obj, kind) for obj in found]


def _kind(obj: Object, kind: str) -> Object:
    return {"apiVersion": "v1", "kind": kind, **obj}


def _place(obj: Object) -> str:
    namespace = obj["metadata"].get("namespace")
    return f"namespaces/{namespace}" if namespace else "cluster-scoped-resources"


def _folder(obj: Object, crd: str) -> str:
    return f"crs/{crd}" if obj["metadata"].get("namespace") else crd


def _write(path: Path, obj: Object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(obj), encoding="utf-8")
