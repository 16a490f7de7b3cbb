# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a bundle as text, in a fixed order, from what was read.

This module is private to the collection and may change without notice.

Objects lie where must-gather has them, and are JSON, which is YAML too: read in a hundredth of the time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.bundle import (
    METRICS,
    progress_as_data,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import KINDS, Kind, path_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import GIVEN_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Progress

__all__ = ["File", "Log", "Material", "Treat", "as_json", "render_files"]

Named = tuple[Kind, str, str]
Key = tuple[str, str]
Object = Mapping[str, Any]
# Takes from plain data what may not be handed on.
Treat = Callable[[Any], Any]

_MIGRATION: Final = KINDS["kubevirt.io", "VirtualMachineInstanceMigration"]
_VMI: Final = KINDS["kubevirt.io", "VirtualMachineInstance"]
_POLICY: Final = KINDS["migrations.kubevirt.io", "MigrationPolicy"]
_NODE: Final = KINDS["", "Node"]
_POD: Final = KINDS["", "Pod"]
_EVENT: Final = KINDS["", "Event"]


@dataclass(frozen=True)
class Log:
    """The end of a container's log."""

    namespace: str
    pod: str
    container: str
    text: str

    @property
    def path(self) -> str:
        """Where inspect puts it."""
        return f"namespaces/{self.namespace}/pods/{self.pod}/{self.container}/{self.container}/logs/current.log"


@dataclass(frozen=True)
class Material:
    """All that a bundle is made of. `diagnosis` and `nodes` are the results of migration_info and node_health_info;
    `nodes` is None where nodes could not be read."""

    diagnosis: Mapping[str, Any]
    nodes: Mapping[str, Any] | None
    objects: Mapping[Named, Object]
    progress: Mapping[Key, Progress] = field(default_factory=dict)
    logs: Sequence[Log] = ()
    versions: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class File:
    """One file. `rank` 0 is needed for the rest to mean what it says; the higher it is, the sooner it is left out."""

    path: str
    text: str
    rank: int = 0

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.text.encode())


def as_json(value: Any, /) -> str:
    """Text that is the same for the same data, in ASCII, so that no byte of a cluster's string reaches a terminal."""
    return json.dumps(value, sort_keys=True, indent=1) + "\n"


def render_files(material: Material, /, *, treat: Treat) -> list[File]:
    """The files by path, the manifest and the page for the reader apart."""
    found = [
        File("report.json", as_json(treat(_report(material)))),
        File("versions.json", as_json(treat(material.versions))),
        *(_object(named, obj, treat) for named, obj in material.objects.items()),
        *_runbook(material, treat),
        *(file for key in _vms(material) for file in _view(material, key, treat)),
        *(File(treat(log.path), treat(log.text), rank=2) for log in material.logs),
    ]
    return sorted(found, key=lambda file: file.path)


def _report(material: Material) -> dict[str, Any]:
    """As migration_report writes it."""
    return {"meta": material.meta, "migrations": material.diagnosis, "nodes": material.nodes}


def _object(named: Named, obj: Object, treat: Treat) -> File:
    kind, namespace, name = named
    kept = _without_images(obj) if kind == _NODE else obj
    return File(treat(path_of(kind, namespace=namespace, name=name)), as_json(treat(kept)))


def _without_images(node: Object) -> Object:
    """Which images a node has pulled is most of its object, and nothing rests on it."""
    status = node.get("status")
    if not isinstance(status, Mapping):
        return node
    return {**node, "status": {key: value for key, value in status.items() if key != "images"}}


def _runbook(material: Material, treat: Treat) -> list[File]:
    """The two outputs of the runbook, of each worker."""
    runbook = (material.nodes or {}).get("runbook") or {}
    outputs = [output for output in ("allocatable", "conditions") if output in runbook]
    by_node = {output: dict(zip(runbook["nodes"], runbook[output], strict=True)) for output in outputs}
    return [File(f"runbook/{name}.json", as_json(treat({"runbook": one})["runbook"])) for name, one in by_node.items()]


# -- one folder for each VM


def _vms(material: Material) -> list[Key]:
    return sorted({(entry["namespace"], entry["vm"]) for entry in material.diagnosis["migrations"]})


def _view(material: Material, key: Key, treat: Treat) -> list[File]:
    entries = [entry for entry in material.diagnosis["migrations"] if (entry["namespace"], entry["vm"]) == key]
    objects = _objects_about(material.objects, key, entries)
    views: dict[str, Any] = {
        "diagnosis.json": entries,
        "configuration.json": {entry["name"]: _configuration(entry) for entry in entries},
        **{name: value for name, value in objects.items() if value},
    }
    rank = 1 if any(entry["stuck"] for entry in entries) else 3
    folder = treat("/".join(["migrations", *map(_step, key)]))
    found = [File(f"{folder}/{name}", as_json(treat(value)), rank=rank) for name, value in views.items()]
    if key in material.progress:
        found.append(File(f"{folder}/{METRICS}", as_json(treat(progress_as_data(material.progress[key])))))
    return found


def _step(name: str) -> str:
    """The name as a folder. A migration may name anything for its VM, which is no way to other folders."""
    if GIVEN_NAME.fullmatch(name) and name.strip("."):
        return name
    return f"not-a-name-{hashlib.blake2b(name.encode(errors='replace'), digest_size=4).hexdigest()}"


def _configuration(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("configuration", "configuration_from", "policy", "policy_now")}


def _objects_about(objects: Mapping[Named, Object], key: Key, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    namespace, vm = key
    own = {named: obj for named, obj in objects.items() if named[1] == namespace}
    vmi = own.get((_VMI, namespace, vm))
    names = {entry["name"] for entry in entries}
    migrations = [obj for (kind, _place, name), obj in own.items() if kind == _MIGRATION and name in names]
    uids = {_meta(obj).get("uid") for obj in [*migrations, *([vmi] if vmi else [])]} - {None}
    pods = [obj for (kind, *_rest), obj in own.items() if kind == _POD and uids & set(_labels(obj).values())]
    uids |= {_meta(pod).get("uid") for pod in pods}
    policies = {entry["policy"] for entry in entries} | {entry["policy_now"] for entry in entries}
    return {
        "migration.json": _by_name(migrations),
        "vmi.json": vmi,
        "pods.json": _by_name(pods),
        "events.json": _by_name(obj for (kind, *_rest), obj in own.items() if kind == _EVENT and _about(obj) in uids),
        "policy.json": _by_name(
            obj for (kind, _place, name), obj in objects.items() if kind == _POLICY and name in policies
        ),
    }


def _by_name(objects: Iterable[Object]) -> list[Object]:
    return sorted(objects, key=lambda obj: str(_meta(obj).get("name")))


def _meta(obj: Object) -> Mapping[str, Any]:
    found = obj.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _labels(obj: Object) -> Mapping[str, Any]:
    found = _meta(obj).get("labels")
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, Mapping) else {}


def _about(event: Object) -> Any:
    found = event.get("involvedObject")
    return found.get("uid") if isinstance(found, Mapping) else None
