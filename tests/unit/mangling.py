# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hiding parts of a snapshot as missing rights do, and spoiling objects as no API server would."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from tests.unit.builders import NAMESPACE, Object
from tests.unit.worlds import World

OTHER = "team-b"
RULES = {
    "nodes": Rule("get", "", "nodes"),
    "handlers": Rule("list", "", "pods", "kubevirt"),
    "kubevirt": Rule("list", "kubevirt.io", "kubevirts"),
    "lease": Rule("get", "coordination.k8s.io", "leases", "kubevirt"),
    "queue": Rule("list", "kubevirt.io", "virtualmachineinstancemigrations"),
    "placement/nodes": Rule("list", "", "nodes"),
    "placement/pods": Rule("list", "", "pods"),
    **{
        f"{resource}/{namespace}": Rule("list", group, plural, namespace)
        for namespace in (NAMESPACE, OTHER)
        for resource, group, plural in (
            ("pods", "", "pods"),
            ("events", "", "events"),
            ("vmis", "kubevirt.io", "virtualmachineinstances"),
        )
    },
}
KINDS = ("migrations", "vmis", "pods", "nodes", "events", "leases")

Path = tuple[Any, ...]


def moved(world: World, *, namespace: str = OTHER) -> World:
    """The same in another namespace."""
    return World(**json.loads(json.dumps(world.__dict__).replace(f'"{NAMESPACE}"', f'"{namespace}"')))


def hide(snapshot: Snapshot, topics: Iterable[str], /) -> Snapshot:
    """What somebody sees who lacks the rights to `topics`."""
    for topic in sorted(topics):
        snapshot = replace(_without(snapshot, *topic.split("/")), unseen={**snapshot.unseen, topic: (RULES[topic],)})
    return snapshot


def _without(seen: Snapshot, topic: str, namespace: str = "") -> Snapshot:
    if topic == "kubevirt":  # it says where virt-handler and the lease are
        return replace(seen, kubevirt=None, lease=None, handlers={})
    if topic == "lease":
        return replace(seen, lease=None)
    if topic == "nodes":
        return replace(seen, nodes={})
    if topic == "handlers":
        return replace(seen, handlers={})
    if topic == "placement":
        places = replace(seen.places, pods_by_node={}) if seen.places and namespace == "pods" else None
        return replace(seen, places=places)
    if topic == "queue":
        own = {one.key for one in seen.migrations[:1]}
        return replace(seen, migrations=tuple(one for one in seen.migrations if one.key in own))
    if topic == "events":
        return replace(seen, events=tuple(one for one in seen.events if one.meta.namespace != namespace))
    pods = tuple(one for one in seen.pods if one.meta.namespace != namespace)
    if topic == "pods":
        return replace(seen, pods=pods)
    return replace(seen, pods=pods, vmis={key: vmi for key, vmi in seen.vmis.items() if key[0] != namespace})


def paths_of(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in an object, itself too."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths_of(inner, (*path, key))


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def replaced(value: Any, path: Path, new: Any) -> Any:
    """A copy with `new` at `path`."""
    if not path:
        return new
    found = copy.deepcopy(value)
    at(found, path[:-1])[path[-1]] = new
    return found


def dropped(value: Any, path: Path) -> Any:
    """A copy without what stands at `path`."""
    if not path:
        return {}
    found = copy.deepcopy(value)
    del at(found, path[:-1])[path[-1]]
    return found


def objects_of(world: World) -> list[tuple[str, int]]:
    """Where each object stands: its kind's list and its place there; of the one KubeVirt object the place is 0."""
    found = [(kind, place) for kind in KINDS for place in range(len(getattr(world, kind)))]
    return found if world.kubevirt is None else [*found, ("kubevirt", 0)]


def with_object(world: World, where: tuple[str, int], new: Any) -> World:
    """A copy with another object in that place."""
    if where[0] == "kubevirt":
        return World(**{**world.__dict__, "kubevirt": new})
    items = list(getattr(world, where[0]))
    items[where[1]] = new
    return World(**{**world.__dict__, where[0]: items})


def object_at(world: World, where: tuple[str, int]) -> Object:
    found: Object = world.kubevirt if where[0] == "kubevirt" else getattr(world, where[0])[where[1]]
    return found


def reordered(value: Any, shuffle: Callable[[list[Any]], list[Any]]) -> Any:
    """A copy in which every list, however deep, is in the order that `shuffle` gives."""
    if isinstance(value, dict):
        return {key: reordered(inner, shuffle) for key, inner in value.items()}
    return shuffle([reordered(inner, shuffle) for inner in value]) if isinstance(value, list) else value
