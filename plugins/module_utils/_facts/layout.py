# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where files of a capture lie: the layout of `oc adm inspect` and of KubeVirt's must-gather, both ways.

This module is private to the collection and may change without notice.
Facts: openshift/oc pkg/cli/admin/inspect (util.go dirPathForInfo and filenameForInfo, namespace.go, pod.go);
kubevirt/must-gather collection-scripts (gather_crs, gather_virtualmachines). The core group is called `core` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["KINDS", "Kind", "Place", "group_of", "kind_of", "path_of", "place_of", "root_of"]


@dataclass(frozen=True, order=True)
class Kind:
    """A resource: its API group ("" for the core group) and its plural."""

    group: str
    plural: str

    @property
    def folder(self) -> str:
        """The group as a folder."""
        return self.group or "core"

    @property
    def crd(self) -> str:
        """The name of its definition."""
        return f"{self.plural}.{self.group}"

    @property
    def is_of_kubevirt(self) -> bool:
        """Whether gather_crs of KubeVirt's must-gather collects it."""
        return self.group == "kubevirt.io" or self.group.endswith(".kubevirt.io")


# What a look at migrations or nodes reads, by group and kind. Secrets and ConfigMaps are none of it.
KINDS: Final[Mapping[tuple[str, str], Kind]] = {
    (group, kind): Kind(group, plural)
    for group, kind, plural in (
        ("kubevirt.io", "VirtualMachineInstanceMigration", "virtualmachineinstancemigrations"),
        ("kubevirt.io", "VirtualMachineInstance", "virtualmachineinstances"),
        ("kubevirt.io", "VirtualMachine", "virtualmachines"),
        ("kubevirt.io", "KubeVirt", "kubevirts"),
        ("migrations.kubevirt.io", "MigrationPolicy", "migrationpolicies"),
        ("hco.kubevirt.io", "HyperConverged", "hyperconvergeds"),
        ("coordination.k8s.io", "Lease", "leases"),
        ("", "Pod", "pods"),
        ("", "Node", "nodes"),
        ("", "Event", "events"),
        ("", "Namespace", "namespaces"),
        ("", "PersistentVolumeClaim", "persistentvolumeclaims"),
    )
}
_BY_PLACE: Final[Mapping[tuple[str, str], Kind]] = {(kind.folder, kind.plural): kind for kind in KINDS.values()}
_BY_CRD: Final[Mapping[str, Kind]] = {kind.crd: kind for kind in KINDS.values() if kind.group}
_CLUSTER: Final = "cluster-scoped-resources"
_NAMESPACES: Final = "namespaces"
_CRS: Final = "crs"
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_NODES, _PODS, _NAMESPACE = Kind("", "nodes"), Kind("", "pods"), Kind("", "namespaces")
_VMS: Final = ("kubevirt.io", "virtualmachines")


@dataclass(frozen=True)
class Place:
    """What a file holds by where it lies. `is_whole`: all of the kind in that namespace, as one list. `is_gathered`:
    it comes of gather_crs, which collects all custom resources of KubeVirt in the whole cluster."""

    kind: Kind
    namespace: str = ""
    is_whole: bool = False
    is_gathered: bool = False


def group_of(api_version: Any) -> str:
    """The group of an apiVersion, "" for the core group."""
    group, slash, _version = api_version.partition("/") if isinstance(api_version, str) else ("", "", "")
    return group if slash else ""


def kind_of(obj: Mapping[str, Any], /) -> Kind | None:
    """The kind of an object; None for one that no look reads."""
    return KINDS.get((group_of(obj.get("apiVersion")), str(obj.get("kind"))))


def place_of(path: str, /) -> Place | None:
    """What the file at this path of a capture holds; None for what no look reads. What stands above the layout's own
    folders (a must-gather has one for each image) does not matter."""
    steps = path.split("/")
    stem, suffix = _stem(steps[-1])
    if not suffix:
        return None
    for position, step in enumerate(steps[:-1]):
        below = [*steps[position + 1 : -1], stem]
        if step == _CLUSTER:
            return _of_cluster(below)
        if step == _NAMESPACES:
            return _of_namespace(below[0], below[1:]) if len(below) > 1 else None
    return None


def root_of(path: str, /) -> str:
    """The folder in which the layout of this file begins, "" for the capture itself."""
    steps = path.split("/")
    place = next((at for at, step in enumerate(steps) if step in (_CLUSTER, _NAMESPACES)), 0)
    return "/".join(steps[:place])


def _stem(name: str) -> tuple[str, str]:
    suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), "")
    return name.removesuffix(suffix), suffix


def _of_cluster(below: list[str]) -> Place | None:
    if len(below) == 2:
        folder, name = below
        if folder in _BY_CRD:
            return Place(_BY_CRD[folder], is_gathered=True)
        kind = _BY_PLACE.get((folder, name))
        return None if kind is None else Place(kind, is_whole=True)
    kind = _BY_PLACE.get((below[0], below[1])) if len(below) == 3 else None
    return None if kind is None else Place(kind)


def _of_namespace(namespace: str, below: list[str]) -> Place | None:
    if below == [namespace]:
        return Place(_NAMESPACE)
    if len(below) == 3 and below[0] == _PODS.plural and below[1] == below[2]:
        return Place(_PODS, namespace)
    if len(below) == 3 and below[0] == _CRS:
        return Place(_BY_CRD[below[1]], namespace, is_gathered=True) if below[1] in _BY_CRD else None
    if len(below) == 4 and (below[0], below[1]) == _VMS:
        return Place(_BY_PLACE[_VMS], namespace)
    kind = _BY_PLACE.get((below[0], below[1])) if len(below) in (2, 3) else None
    return None if kind is None else Place(kind, namespace, is_whole=len(below) == 2)


def path_of(kind: Kind, /, *, namespace: str, name: str) -> str:
    """Where the object belongs: custom resources of KubeVirt as gather_crs puts them, all others as inspect does."""
    if kind == _NAMESPACE:
        return f"{_NAMESPACES}/{name}/{name}.yaml"
    if not namespace:
        return f"{_CLUSTER}/{kind.crd if kind.is_of_kubevirt else f'{kind.folder}/{kind.plural}'}/{name}.yaml"
    if kind == _PODS:
        return f"{_NAMESPACES}/{namespace}/{_PODS.plural}/{name}/{name}.yaml"
    folder = f"{_CRS}/{kind.crd}" if kind.is_of_kubevirt else f"{kind.folder}/{kind.plural}"
    return f"{_NAMESPACES}/{namespace}/{folder}/{name}.yaml"
