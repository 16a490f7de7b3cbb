# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of ours, a must-gather or a folder of `oc adm inspect` as what it holds and what it can answer.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_files import (
    BOUNDS,
    Bounds,
    read_files,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_yaml import (
    objects_in,
    plain_data,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import clean
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.bundle import (
    COLLECTION,
    FORMAT,
    MANIFEST,
    METRICS,
    absent_from,
    listed_from,
    missing_from,
    progress_from,
    refused_from,
    scope_from,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.capture_time import newest_time
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.captured import (
    Asked,
    Captured,
    by_kind,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import (
    KINDS,
    Kind,
    Place,
    kind_of,
    place_of,
    root_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Progress
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    parse_timestamp,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

__all__ = ["open_capture"]

_MIGRATIONS: Final = "migrations"
_MIGRATION_KIND: Final = KINDS["kubevirt.io", "VirtualMachineInstanceMigration"]
_VMS: Final = KINDS["kubevirt.io", "VirtualMachine"]
_NODES: Final = KINDS["", "Node"]
_NAMESPACES: Final = KINDS["", "Namespace"]
_Found = tuple[Kind, str, str, Mapping[str, Any]]


def open_capture(src: str, /, *, bounds: Bounds = BOUNDS) -> Captured:
    """What `src`, a folder or a tarball, holds. Raises WrongInput for what is no capture, or cannot be trusted."""
    files = _Files()
    for path, content in read_files(src, wanted=_is_wanted, bounds=bounds):
        files.take(path, content=content)
    _check_single(src, files)
    if files.manifest is not None:
        return _of_bundle(src, files)
    if not files.objects:
        raise WrongInput(
            f"src: {src} holds no objects of Kubernetes where a must-gather, a folder of oc adm inspect or a bundle of "
            f"{COLLECTION} has them (below namespaces/ or cluster-scoped-resources/). Name one that does."
        )
    return _of_must_gather(files)


@dataclass
class _Files:
    """What was read so far."""

    objects: list[_Found] = field(default_factory=list)
    places: set[Place] = field(default_factory=set)
    progress: dict[tuple[str, str], Progress] = field(default_factory=dict)
    manifest: Mapping[str, Any] | None = None
    # Where the captures lie: the folders of manifests, and those that gather_crs has filled.
    tops: set[str] = field(default_factory=set)
    gathered: set[str] = field(default_factory=set)
    sums: dict[str, str] = field(default_factory=dict)

    def take(self, path: str, *, content: bytes) -> None:
        """One more file."""
        if path.rpartition("/")[2] == MANIFEST:
            (document,) = plain_data(content, path=path) or [None]
            if isinstance(document, Mapping) and document.get("collection") == COLLECTION:
                self.manifest = document
                self.tops.add(path.rpartition("/")[0])
            return
        self.sums[path] = hashlib.sha256(content).hexdigest()
        metrics = _copy_of(path)
        if metrics is not None:
            (document,) = plain_data(content, path=path) or [None]
            self.progress[metrics] = progress_from(document)
            return
        place = place_of(path)
        if place is not None:
            self.places.add(place)
            self.gathered |= {root_of(path)} if place.is_gathered else set()
            self.objects += [found for obj in objects_in(content, path=path) for found in _object(obj, path, place)]


def _check_single(src: str, files: _Files) -> None:
    """Two captures are two moments, or two clusters: what one has says nothing of the other."""
    found = sorted(files.tops or files.gathered)
    if len(found) > 1:
        names = ", ".join(clean(one) or "." for one in found[:5])
        raise WrongInput(f"src: {src} holds {len(found)} captures ({names}). Name one of them.")


def _check_sums(src: str, files: _Files) -> None:
    """What counts of a bundle is as its manifest says. An object that is missing would be taken for one that was not
    there, and one that was changed for what the cluster said."""
    manifest, (top,) = files.manifest or {}, files.tops
    given = manifest.get("files")
    entries = given.items() if isinstance(given, Mapping) else ()
    paths = {f"{top}/{path}".lstrip("/"): entry for path, entry in entries}
    said = {path: entry.get("sha256") if isinstance(entry, Mapping) else None for path, entry in paths.items()}
    for path in sorted({*files.sums, *filter(_is_wanted, said)}):
        if files.sums.get(path) == said.get(path):
            continue
        why = "is not there but in" if path not in files.sums else "is not in" if path not in said else "differs from"
        raise WrongInput(
            f"src: {src} is refused: {clean(path)} {why} its {MANIFEST}. "
            f"Get the bundle again, whole; without its {MANIFEST} it is read as a must-gather."
        )


def _is_wanted(path: str) -> bool:
    steps = path.split("/")
    is_manifest = steps[-1] == MANIFEST and len(steps) <= 2
    return is_manifest or _copy_of(path) is not None or (_MIGRATIONS not in steps[:-3] and place_of(path) is not None)


def _copy_of(path: str) -> tuple[str, str] | None:
    """The VM whose figures the file holds."""
    steps = path.split("/")
    if len(steps) in (4, 5) and steps[-1] == METRICS and steps[-4] == _MIGRATIONS:
        return steps[-3], steps[-2]
    return None


def _object(obj: Mapping[str, Any], path: str, place: Place) -> Iterable[_Found]:
    """The object, where it is of the kind that lies there; an empty list is one of no kind."""
    metadata = obj.get("metadata")
    meta = metadata if isinstance(metadata, Mapping) else {}
    namespace, name = meta.get("namespace") or "", meta.get("name")
    if kind_of(obj) != place.kind or not isinstance(namespace, str) or not isinstance(name, str):
        raise WrongInput(f"src: {clean(path)} holds something else than {place.kind.plural} with names. Take it out.")
    if namespace != place.namespace:
        raise WrongInput(f"src: {clean(path)} holds an object of another namespace. Take it out.")
    return ((place.kind, namespace, name, obj),)


# -- a bundle of ours


def _of_bundle(src: str, files: _Files) -> Captured:
    manifest = files.manifest or {}
    read_at = parse_timestamp(manifest.get("read_at"))
    if manifest.get("format") != FORMAT or read_at is None:
        raise WrongInput(f"src: the {MANIFEST} of {src} is not of a form that this version reads ({FORMAT}).")
    _check_sums(src, files)
    reads = manifest.get("reads")
    return Captured(
        read_at=read_at,
        objects=by_kind(files.objects),
        listed=listed_from(reads),
        unfinished=listed_from(reads, key="unfinished"),
        absent=absent_from(reads),
        refused=refused_from(reads),
        progress=files.progress,
        missing=missing_from(reads, resource="pods/proxy"),
        scope=scope_from(manifest.get("scope")),
    )


# -- what others collect


def _of_must_gather(files: _Files) -> Captured:
    read_at = newest_time(obj for _kind, _namespace, _name, obj in files.objects)
    if read_at is None:
        raise WrongInput("src: its objects carry no times, so no age can be told. Collect them anew, whole.")
    return Captured(
        read_at=read_at,
        objects=by_kind(files.objects),
        listed=tuple(_listed(files)),
        notes=(_taken(read_at),),
    )


def _taken(read_at: datetime) -> str:
    return (
        f"src: ages are as of {format_timestamp(read_at)}, the newest time in the objects; the capture may have been "
        "taken some minutes later."
    )


def _listed(files: _Files) -> Iterable[Asked]:
    """What was collected as a whole. gather_crs takes every custom resource of KubeVirt (VMs are gathered apart), and
    who calls it has nodes gathered too; a single file elsewhere says nothing of others."""
    yield from {Asked(place.kind, place.namespace) for place in files.places if place.is_whole}
    if any(place.is_gathered for place in files.places):
        yield from (Asked(kind) for kind in KINDS.values() if kind.is_of_kubevirt and kind != _VMS)
        if any(place.kind == _NODES for place in files.places):
            yield Asked(_NODES)
