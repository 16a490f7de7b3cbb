# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which reads give a Snapshot, so that cost follows the number of active migrations.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Key, Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import (
    HANDED_OVER_PHASES,
    RUNNING_PHASES,
    Migration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import LABEL_JOB_UID, Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import LABEL_TARGET_NODE, Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

__all__ = ["Scope", "add_events", "read_snapshot"]

# Pending ones are read for their place in the queue only while they fit into one selector with the running ones.
QUEUE_NAMES = 100


@dataclass(frozen=True)
class Scope:
    """What is asked about. `namespaces` empty: all. `vms` are (namespace or "", name); empty: all."""

    namespaces: tuple[str, ...] = ()
    vms: tuple[Key, ...] = ()
    include_finished: bool = False

    @property
    def is_whole_cluster(self) -> bool:
        """Whether every migration of the cluster is asked about."""
        return not self.namespaces and not self.vms


def read_snapshot(client: Client, scope: Scope, /) -> tuple[Snapshot, list[str]]:
    """One look at all that the migrations of `scope` need to be judged, events apart, and notes for the user.

    Raises WrongInput for names that do not exist, Forbidden where no migration may be read at all, and every other
    ClusterError as it is.
    """
    reading = Reading(client)
    notes: list[str] = []
    migrations = _in_scope(reading, scope, notes)
    vmis = reading.vmis(one.key for one in migrations if scope.include_finished or not one.is_final)
    migrations = _read_again(reading, migrations, vmis)
    subjects = [one for one in migrations if scope.include_finished or not one.is_final]
    active = [one for one in migrations if not one.is_final]
    kubevirt = reading.kubevirt() if active else None
    others, waiting_unread = _rest_of_queue(reading, scope, active)
    vmis.update(_vmis_of_queue(reading, [one.key for one in others], active, vmis))
    pods = reading.launchers(
        {vmi.meta.uid: vmi.meta.namespace for vmi in vmis.values() if vmi and vmi.meta.uid},
        at_once=not scope.namespaces,
    )
    pods += reading.attachments(_with_hotplug(active, vmis=vmis, pods=pods))
    place = kubevirt.meta.namespace if kubevirt else ""
    nodes = _nodes_of(active, vmis=vmis, pods=pods)
    all_nodes = _nodes_of([*active, *others], vmis=vmis, pods=pods)
    snapshot = Snapshot(
        read_at=_server_time(client),
        migrations=(*migrations, *others),
        subjects=frozenset(one.meta.uid for one in subjects),
        vmis=vmis,
        pods=tuple(pods),
        nodes=reading.nodes(nodes),
        handlers=reading.handlers(place, nodes=all_nodes, at_once=bool(others)) if place and all_nodes else {},
        kubevirt=kubevirt,
        lease=reading.lease(place) if place else None,
        unseen=dict(reading.unseen),
        waiting_unread=waiting_unread,
        needs=reading.needs,
    )
    return snapshot, [*notes, *reading.notes]


def _read_again(reading: Reading, migrations: Sequence[Migration], vmis: Mapping[Key, Vmi | None]) -> list[Migration]:
    """`migrations`, those read anew whose VMI is gone or carries another one's state.

    VMIs are read after the migrations: one that ended or whose VM was stopped in between would look stuck.
    """
    doubtful = [one for one in migrations if one.key in vmis and _seems_left(one, vmis[one.key])]
    fresh = reading.again(doubtful)
    found = (fresh.get(one.meta.uid, one) for one in migrations)
    return [one for one in found if one is not None]


def _seems_left(migration: Migration, vmi: Vmi | None) -> bool:
    if migration.is_final:
        return False
    if vmi is None:
        return True
    mine = vmi.state is not None and vmi.state.migration_uid == migration.meta.uid
    return migration.phase in HANDED_OVER_PHASES and not mine


def _server_time(client: Client) -> datetime:
    if client.server_time is None:
        raise BadAnswer("The API server's answers carry no Date header, so no age can be told.")
    return client.server_time


# -- which migrations


def _in_scope(reading: Reading, scope: Scope, notes: list[str]) -> list[Migration]:
    if scope.vms:
        return [one for key in scope.vms for one in _of_vm(reading, scope, key, notes)]
    if not scope.namespaces:
        return _everything(reading, "", include_finished=scope.include_finished)
    found: list[Migration] = []
    refused: list[Forbidden] = []
    for namespace in scope.namespaces:
        try:
            own = _everything(reading, namespace, include_finished=scope.include_finished)
        except Forbidden as error:
            refused.append(error)
            continue
        if not own:
            _check_namespace(reading, namespace)
        found += own
    _some_or_raise(reading, refused, wanted=len(scope.namespaces))
    return found


def _some_or_raise(reading: Reading, refused: Sequence[Forbidden], *, wanted: int) -> None:
    """All refused: it could not look. Some: the others are judged, and coverage says which were not."""
    if refused and len(refused) == wanted:
        raise refused[0]
    for error in refused:
        reading.miss(f"migrations/{error.rule.namespace}", error.rule)


def _everything(reading: Reading, namespace: str, *, include_finished: bool) -> list[Migration]:
    return reading.all_migrations(namespace) if include_finished else reading.active_migrations(namespace)


def _check_namespace(reading: Reading, namespace: str) -> None:
    path = paths.item("", version="v1", plural="namespaces", name=namespace)
    try:
        reading.seeing("", lambda: reading.client.get(path))
    except NotFound:
        raise WrongInput(
            f"namespaces: there is no namespace {namespace!r}. List them with: kubectl get namespaces"
        ) from None
    # Who may list migrations there but not read the namespace knows that it exists.
    reading.unseen.pop("", None)


def _of_vm(reading: Reading, scope: Scope, key: Key, notes: list[str]) -> list[Migration]:
    namespace, name = key
    places = [namespace] if namespace else list(scope.namespaces) or [""]
    found = [one for place in places for one in reading.migrations_of([name], namespace=place) if one.vmi_name == name]
    if not any(not one.is_final for one in found):
        for place in places:
            _check_vm(reading, place, name, notes)
    return found


def _check_vm(reading: Reading, namespace: str, name: str, notes: list[str]) -> None:
    """A VM without an unfinished migration: it may have no VMI (not running), or not exist at all."""
    if not namespace:
        return _check_vm_anywhere(reading, name)
    path = paths.item("kubevirt.io", version="v1", plural="virtualmachineinstances", namespace=namespace, name=name)
    try:
        reading.client.get(path)
        notes.append(f"{namespace}/{name} has no unfinished migration.")
        return None
    except NotFound:
        pass
    vm_path = paths.item("kubevirt.io", version="v1", plural="virtualmachines", namespace=namespace, name=name)
    try:
        vm = reading.client.get(vm_path)
    except NotFound:
        raise WrongInput(
            f"vms: there is no VM {name!r} in namespace {namespace!r}. List them with: kubectl get vm -n {namespace}"
        ) from None
    status = vm.get("status") if isinstance(vm.get("status"), Mapping) else {}
    said = status.get("printableStatus", "") if isinstance(status, Mapping) else ""
    notes.append(
        f"{namespace}/{name} is not running{f' ({said})' if isinstance(said, str) and said else ''}: "
        "it has no VMI, so there is nothing to migrate."
    )
    return None


def _check_vm_anywhere(reading: Reading, name: str) -> None:
    path = paths.collection("kubevirt.io", version="v1", plural="virtualmachines")
    if not reading.client.list(path, query={"fieldSelector": f"metadata.name={name}"}):
        raise WrongInput(f"vms: there is no VM {name!r} in any namespace. Name it as namespace/{name}.")


# -- the queue, for those that wait


def _rest_of_queue(reading: Reading, scope: Scope, active: Sequence[Migration]) -> tuple[list[Migration], int]:
    """The unfinished migrations outside of `scope`, when one inside waits for a slot; and how many were left out."""
    if scope.is_whole_cluster or not any(one.phase == "Pending" for one in active):
        return [], 0
    known = {one.meta.uid for one in active}
    try:
        found, left_out = _queue(reading)
    except Forbidden as error:
        reading.miss("queue", error.rule)
        return [], 0
    return [one for one in found if not one.is_final and one.meta.uid not in known], left_out


def _queue(reading: Reading) -> tuple[list[Migration], int]:
    rows = reading.unfinished_rows("")
    if rows is None:
        return reading.all_migrations(""), 0
    names, left_out = _queue_names(rows.values())
    return (reading.migrations_of(names, namespace="") if names else []), left_out


def _queue_names(rows: Iterable[tuple[str, str]]) -> tuple[list[str], int]:
    """VMs whose migrations hold slots, and of those that wait as many as fit."""
    running = sorted({vmi for phase, vmi in rows if phase in RUNNING_PHASES and vmi})
    waiting = sorted({vmi for phase, vmi in rows if phase == "Pending" and vmi} - set(running))
    if len(running) + len(waiting) <= QUEUE_NAMES:
        return [*running, *waiting], 0
    return running, len(waiting)


def _vmis_of_queue(
    reading: Reading, keys: Sequence[Key], active: Sequence[Migration], vmis: Mapping[Key, Vmi | None]
) -> dict[Key, Vmi | None]:
    """The VMIs of the rest of the queue in at most two lists: those handed over, and those on the source nodes."""
    wanted = set(keys) - set(vmis)
    if not wanted:
        return {}
    found: dict[Key, Vmi] = reading.vmis_with(LABEL_TARGET_NODE)
    waiting = [vmis.get(one.key) for one in active if one.phase == "Pending"]
    nodes = sorted({vmi.node for vmi in waiting if vmi and vmi.node})
    if nodes and not wanted <= set(found):
        found.update(reading.vmis_with(f"kubevirt.io/nodeName in ({','.join(nodes)})"))
    return {key: found[key] for key in wanted if key in found}


# -- hot-plugged volumes, nodes and events


def _with_hotplug(
    active: Sequence[Migration], *, vmis: Mapping[Key, Vmi | None], pods: Iterable[Pod]
) -> dict[str, str]:
    """The migrations (UID -> namespace) whose target pod runs and whose VM has hot-plugged volumes: only then is there
    an attachment pod that may hold them."""
    targets = {pod.meta.labels.get(LABEL_JOB_UID, "") for pod in pods if pod.phase == "Running"}
    waiting = [one for one in active if one.phase in ("Pending", "Scheduling") and one.meta.uid in targets]
    return {one.meta.uid: one.meta.namespace for one in waiting if (vmi := vmis.get(one.key)) and vmi.hotplugged}


def _nodes_of(migrations: Iterable[Migration], *, vmis: Mapping[Key, Vmi | None], pods: Iterable[Pod]) -> list[str]:
    """Source and target nodes, and those of launcher pods of a VM that waits (a left-over pod may live there)."""
    by_vmi: dict[str, set[str]] = {}
    for pod in pods:
        by_vmi.setdefault(pod.meta.labels.get("kubevirt.io/created-by", ""), set()).add(
            "" if pod.is_finished else pod.node
        )
    found: set[str] = set()
    for migration in migrations:
        vmi = vmis.get(migration.key)
        if vmi is None:
            continue
        found |= {vmi.node} | by_vmi.get(vmi.meta.uid, set())
        if vmi.state and vmi.state.migration_uid == migration.meta.uid:
            found |= {vmi.state.source_node, vmi.state.target_node}
    return sorted(found - {""})


def add_events(client: Client, snapshot: Snapshot, /, *, wanted: Mapping[str, Sequence[str]]) -> Snapshot:
    """`snapshot` with the events about `wanted` (namespace -> UIDs)."""
    reading = Reading(client)
    events = reading.events(wanted)
    return replace(snapshot, events=tuple(events), unseen={**snapshot.unseen, **reading.unseen})
