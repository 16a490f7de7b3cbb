# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a drain would meet: the VMs on nodes, their launcher pods, disruption budgets and quotas.

This module is private to the collection and may change without notice.

Lists, not one request a VM: the cost follows the number of nodes that are drained and of namespaces that may be read
one by one only. VMs that are named are read by name while they are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    NotFound,
    ResourceMissing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import (
    Key,
    Reading,
    chunked,
    is_label_value,
    vmi_path,
    vmis_path,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.budget import DisruptionBudget
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import (
    LABEL_NODE_NAME,
    Guest,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import LABEL_CREATED_BY
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quota import ResourceQuota
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

__all__ = [
    "DrainScope",
    "read_budgets",
    "read_guests",
    "read_launcher_objects",
    "read_quotas",
    "read_their_migrations",
]

# Up to so many VMs of a namespace are read by name; above it the namespace's list costs less.
VMS_SINGLY = 16
Objects = list[dict[str, Any]]


@dataclass(frozen=True)
class DrainScope:
    """Which VMs: all that run on `nodes` (of `namespaces`, empty: of all), and `vms` by (namespace or "", name)."""

    nodes: tuple[str, ...] = ()
    vms: tuple[Key, ...] = ()
    namespaces: tuple[str, ...] = ()


def read_guests(reading: Reading, scope: DrainScope, /) -> tuple[list[Guest], list[str]]:
    """The VMIs of `scope` that have not ended, each once, and notes on VMs that do not run.

    Raises WrongInput for a VM that does not exist and Forbidden where none of the VMIs may be read; namespaces that may
    not be read while others may stand in `reading.unseen` (topic `vmis/NAMESPACE`).
    """
    notes: list[str] = []
    found = [*_on_nodes(reading, scope), *_named(reading, scope, notes)]
    unique = {guest.key: guest for guest in found if not guest.is_over}
    return list(unique.values()), notes


def _on_nodes(reading: Reading, scope: DrainScope) -> list[Guest]:
    if not scope.nodes:
        return []
    places = scope.namespaces or ("",)
    refused: list[Forbidden] = []
    items: Objects = []
    for place in places:
        try:
            items += _list_on(reading, place, scope.nodes)
        except Forbidden as error:
            refused.append(error)
    if refused and len(refused) == len(places):
        raise refused[0]
    for one in refused:
        reading.miss(f"vmis/{one.rule.namespace}", one.rule)
    guests = [Guest.from_object(item) for item in items]
    # The label leads to them, the status decides: it changes first when a VM moves.
    return [guest for guest in guests if guest.vmi.node in scope.nodes]


def _list_on(reading: Reading, namespace: str, nodes: Sequence[str]) -> Objects:
    """By the label that KubeVirt keeps on VMIs; a node whose name can be no label's value makes it read them all."""
    path = vmis_path(namespace)
    if not all(is_label_value(name) for name in nodes):
        return reading.client.list(path)
    found: Objects = []
    for chunk in chunked(nodes):
        found += reading.client.list(path, query={"labelSelector": f"{LABEL_NODE_NAME} in ({','.join(chunk)})"})
    return found


def _named(reading: Reading, scope: DrainScope, notes: list[str]) -> list[Guest]:
    found: list[Guest] = []
    by_place: dict[str, list[str]] = {}
    for place, name in dict.fromkeys(scope.vms):
        by_place.setdefault(place, []).append(name)
    for place, names in by_place.items():
        if place:
            found += _in_namespace(reading, place, names, notes)
        else:
            found += [guest for name in names for guest in _anywhere(reading, scope, name, notes)]
    return found


def _in_namespace(reading: Reading, namespace: str, names: Sequence[str], notes: list[str]) -> list[Guest]:
    if len(names) > VMS_SINGLY:
        listed = {guest.key[1]: guest for guest in map(Guest.from_object, reading.client.list(vmis_path(namespace)))}
        answers: dict[str, Guest | None] = {name: listed.get(name) for name in names}
    else:
        answers = _by_name(reading, namespace, names)
    for name in [name for name, guest in answers.items() if guest is None or guest.is_over]:
        _explain_absent(reading, namespace, name, notes)
    return [guest for guest in answers.values() if guest is not None]


def _by_name(reading: Reading, namespace: str, names: Sequence[str]) -> dict[str, Guest | None]:
    wanted = {vmi_path((namespace, name)): name for name in names}
    found: dict[str, Guest | None] = {}
    for path, answer in reading.client.get_many(list(wanted)).items():
        if isinstance(answer, NotFound) and not isinstance(answer, ResourceMissing):
            found[wanted[path]] = None
        elif isinstance(answer, ClusterError):
            raise answer
        else:
            found[wanted[path]] = Guest.from_object(answer)
    return found


def _anywhere(reading: Reading, scope: DrainScope, name: str, notes: list[str]) -> list[Guest]:
    query = {"fieldSelector": f"metadata.name={name}"}
    places = scope.namespaces or ("",)
    items = [item for place in places for item in reading.client.list(vmis_path(place), query=query)]
    running = [guest for guest in map(Guest.from_object, items) if not guest.is_over]
    if not running:
        _explain_absent(reading, "", name, notes, places=scope.namespaces)
    return running


def _explain_absent(
    reading: Reading, namespace: str, name: str, notes: list[str], *, places: Sequence[str] = ()
) -> None:
    """A VM without a running VMI: a note where the VM exists, WrongInput where it does not."""
    query = {"fieldSelector": f"metadata.name={name}"}
    wanted: list[str | None] = [namespace] if namespace else [*places] or [None]
    items = [
        item
        for place in wanted
        for item in reading.client.list(
            paths.collection("kubevirt.io", version="v1", plural="virtualmachines", namespace=place), query=query
        )
    ]
    label = f"{namespace}/{name}" if namespace else name
    if not items:
        where = f" -n {namespace}" if namespace else " -A"
        raise WrongInput(f"vms: there is no VM {label!r}. List them with: kubectl get vm{where}")
    notes.append(f"{label} is not running, so a drain has nothing to move.")


# -- what belongs to them


def read_launcher_objects(reading: Reading, uids: Mapping[str, str], /, *, at_once: bool) -> Objects:
    """The launcher pods, as they came, of VMIs (UID -> namespace); what may not be read stands in `unseen` (topic
    `pods/NAMESPACE`)."""
    chunks = [f"{LABEL_CREATED_BY} in ({','.join(chunk)})" for chunk in chunked(sorted(uids))]
    return _everywhere(reading, "pods", _pods_path, sorted(set(uids.values())), at_once=at_once, selectors=chunks)


def read_budgets(reading: Reading, namespaces: Sequence[str], /, *, at_once: bool) -> tuple[DisruptionBudget, ...]:
    """The PodDisruptionBudgets of these namespaces (topic `budgets` with or without a namespace)."""

    def path(place: str) -> str:
        return paths.collection("policy", version="v1", plural="poddisruptionbudgets", namespace=place or None)

    found = _everywhere(reading, "budgets", path, namespaces, at_once=at_once)
    return tuple(DisruptionBudget.from_object(item) for item in found)


def read_quotas(reading: Reading, namespaces: Sequence[str], /, *, at_once: bool) -> tuple[ResourceQuota, ...]:
    """The ResourceQuotas of these namespaces (topic `quotas` with or without a namespace)."""

    def path(place: str) -> str:
        return paths.collection("", version="v1", plural="resourcequotas", namespace=place or None)

    return tuple(
        ResourceQuota.from_object(item) for item in _everywhere(reading, "quotas", path, namespaces, at_once=at_once)
    )


def read_their_migrations(reading: Reading, keys: Iterable[Key], /, *, at_once: bool) -> list[Migration]:
    """All migrations of these VMs, finished ones too (topic `migrations` with or without a namespace)."""
    wanted = set(keys)
    places = sorted({place for place, _name in wanted})
    if at_once:
        names = sorted({name for _place, name in wanted})
        found = reading.seeing("migrations", lambda: reading.migrations_of(names, namespace=""))
        if found is not None:
            return [one for one in found if one.key in wanted]
        del reading.unseen["migrations"]
    result: list[Migration] = []
    for place in places:
        own = sorted(name for there, name in wanted if there == place)
        result += reading.seeing(f"migrations/{place}", _reader(reading, own, place)) or []
    return result


def _reader(reading: Reading, names: Sequence[str], place: str) -> Callable[[], list[Migration]]:
    return lambda: reading.migrations_of(names, namespace=place)


def _pods_path(namespace: str) -> str:
    return paths.collection("", version="v1", plural="pods", namespace=namespace or None)


def _everywhere(
    reading: Reading,
    topic: str,
    path: Callable[[str], str],
    namespaces: Sequence[str],
    *,
    at_once: bool,
    selectors: Sequence[str] = ("",),
) -> Objects:
    """The objects of `namespaces`: in one list of the whole cluster where that is wanted and allowed, else one by
    one."""
    if at_once and len(namespaces) > 1:
        try:
            return _selected(reading, path(""), selectors)
        except Forbidden:
            pass
    found: Objects = []
    for place in namespaces:
        try:
            found += _selected(reading, path(place), selectors)
        except Forbidden as error:
            reading.miss(f"{topic}/{place}", error.rule)
    return found


def _selected(reading: Reading, path: str, selectors: Sequence[str]) -> Objects:
    queries = [{"labelSelector": selector} if selector else None for selector in selectors]
    return [item for query in queries for item in reading.client.list(path, query=query)]
