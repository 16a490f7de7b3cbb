# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single reads of what belongs to migrations, each with what it could not see.

This module is private to the collection and may change without notice.

The API server's Table form names the unfinished migrations of a cluster without sending one object; their objects are
then read by selector, and with them the finished ones of the same VMs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    NotFound,
    ResourceMissing,
    TableUnsupported,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import (
    FINAL_PHASES,
    LABEL_VMI_NAME,
    Migration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import (
    HandlerState,
    Node,
    handler_state,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.places import needs_of_targets
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import (
    HOTPLUG,
    LABEL_APP,
    LABEL_CREATED_BY,
    LABEL_JOB_UID,
    Pod,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import (
    Event,
    KubeVirt,
    Lease,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi

__all__ = [
    "Key",
    "Reading",
    "cell",
    "chunked",
    "is_label_value",
    "migration_path",
    "migrations_path",
    "vmi_path",
    "vmis_path",
]

T = TypeVar("T")
Key = tuple[str, str]

KUBEVIRT = "kubevirt.io"
CONTROLLER_LEASE = "virt-controller"
# A selector is part of the URL, and grows when it is quoted: this much passes every proxy.
SELECTOR_BYTES = 3000
# Up to this many single requests; above it the whole list costs less.
HANDLERS_SINGLY = 2
NODES_SINGLY = 64
VMIS_SINGLY = 16
_PAGE = 500
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)


def migrations_path(namespace: str) -> str:
    """The migrations of `namespace`, of the whole cluster for ""."""
    return paths.collection(
        KUBEVIRT, version="v1", plural="virtualmachineinstancemigrations", namespace=namespace or None
    )


def vmis_path(namespace: str) -> str:
    """The VMIs of `namespace`, of the whole cluster for ""."""
    return paths.collection(KUBEVIRT, version="v1", plural="virtualmachineinstances", namespace=namespace or None)


def migration_path(migration: Migration) -> str:
    """The migration object itself."""
    plural, meta = "virtualmachineinstancemigrations", migration.meta
    return paths.item(KUBEVIRT, version="v1", plural=plural, namespace=meta.namespace, name=meta.name)


def vmi_path(key: Key) -> str:
    """The VMI (namespace, name)."""
    return paths.item(KUBEVIRT, version="v1", plural="virtualmachineinstances", namespace=key[0], name=key[1])


class Reading:
    """Reads through `client`. `unseen` collects, by topic, the rules that were missing (403), `needs` what the target
    pods ask for that have no node yet, by UID, `notes` what is odd in the cluster and worth a warning."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.unseen: dict[str, tuple[Rule, ...]] = {}
        self.needs: dict[str, PodNeeds] = {}
        self.notes: list[str] = []

    def miss(self, topic: str, rule: Rule, /) -> None:
        """Keeps that `topic` could not be read for want of `rule`."""
        self.unseen[topic] = tuple(dict.fromkeys((*self.unseen.get(topic, ()), rule)))

    def seeing(self, topic: str, read: Callable[[], T], /) -> T | None:
        """What `read` gives, or None when it is forbidden."""
        try:
            return read()
        except Forbidden as error:
            self.miss(topic, error.rule)
            return None

    # -- migrations

    def migrations_of(self, names: Iterable[str], *, namespace: str) -> list[Migration]:
        """All migrations, finished ones too, of the VMIs with these names; a name that can be no label is left out, as
        one would make the API server refuse the whole selector."""
        found = [
            item
            for chunk in chunked(sorted(name for name in set(names) if is_label_value(name)))
            for item in self.client.list(
                migrations_path(namespace), query={"labelSelector": f"{LABEL_VMI_NAME} in ({','.join(chunk)})"}
            )
        ]
        return [Migration.from_object(item) for item in found]

    def again(self, migrations: Iterable[Migration]) -> dict[str, Migration | None]:
        """By UID these migrations as they are now, None for those that are gone; one that may not be read by name is
        left out, and the rule is kept."""
        wanted = {migration_path(one): one for one in migrations if one.meta.namespace and one.meta.name}
        found: dict[str, Migration | None] = {}
        for path, answer in self.client.get_many(list(wanted)).items():
            uid = wanted[path].meta.uid
            if isinstance(answer, NotFound):
                found[uid] = None
            elif isinstance(answer, ClusterError):
                if not isinstance(answer, Forbidden):
                    raise answer
                self.miss("migrations/again", answer.rule)
            else:
                now = Migration.from_object(answer)
                found[uid] = now if now.meta.uid == uid else None
        return found

    def all_migrations(self, namespace: str) -> list[Migration]:
        """Every migration object: for servers without the Table form, and where finished ones are asked for."""
        return [Migration.from_object(item) for item in self.client.list(migrations_path(namespace))]

    def unfinished_rows(self, namespace: str) -> dict[str, tuple[str, str]] | None:
        """Name -> (phase, name of the VMI) of the unfinished migrations, from the Table; None where the server has no
        Table or its columns do not tell."""
        try:
            table = self.client.table(migrations_path(namespace))
        except TableUnsupported:
            return None
        columns = {name.lower(): place for place, name in enumerate(table.columns)}
        if not {"name", "phase", "vmi"} <= set(columns):
            return None
        rows = {}
        for row in table.rows:
            name, phase, vmi = (cell(row, place=columns[column]) for column in ("name", "phase", "vmi"))
            if phase not in FINAL_PHASES:
                rows[name] = (phase, vmi)
        return rows

    def active_migrations(self, namespace: str) -> list[Migration]:
        """The unfinished migrations with the finished ones of the same VMs."""
        rows = self.unfinished_rows(namespace)
        if rows is None:
            return _of_active_vms(self.all_migrations(namespace))
        vms = {vmi for _phase, vmi in rows.values() if vmi}
        found = self.migrations_of(vms, namespace=namespace) if vms else []
        # A row that its label does not lead to: read by name, as only its object can say what it is.
        missed = set(rows) - {migration.meta.name for migration in found}
        return _of_active_vms([*found, *self._by_name(missed, namespace=namespace)])

    def _by_name(self, names: set[str], *, namespace: str) -> list[Migration]:
        found = [
            item
            for name in sorted(names)
            for item in self.client.list(migrations_path(namespace), query={"fieldSelector": f"metadata.name={name}"})
        ]
        return [Migration.from_object(item) for item in found]

    # -- what stands around them

    def vmis(self, keys: Iterable[Key]) -> dict[Key, Vmi | None]:
        """The VMIs, None for those that do not exist; what may not be read is missing and stands in `unseen`."""
        asked = sorted(key for key in set(keys) if all(key))
        found: dict[Key, Vmi | None] = self._many_vmis(asked)
        wanted = {vmi_path(key): key for key in asked if key not in found}
        for path, answer in self.client.get_many(list(wanted)).items():
            key = wanted[path]
            if isinstance(answer, Forbidden):
                self.miss(f"vmis/{key[0]}", answer.rule)
            elif isinstance(answer, NotFound) and not isinstance(answer, ResourceMissing):
                found[key] = None
            elif isinstance(answer, ClusterError):
                raise answer
            else:
                found[key] = Vmi.from_object(answer)
        return found

    def _many_vmis(self, keys: Sequence[Key]) -> dict[Key, Vmi | None]:
        """Of namespaces of which many are wanted, those on the first page of a list that is twice as long: where others
        are few it has them all, and else it costs little."""
        found: dict[Key, Vmi | None] = {}
        for namespace in {key[0] for key in keys}:
            names = [key for key in keys if key[0] == namespace]
            if len(names) < VMIS_SINGLY:
                continue
            try:
                page, is_all = self.client.first_page(vmis_path(namespace), limit=min(2 * len(names), _PAGE))
            except ClusterError:
                continue  # Each by itself says what is the matter.
            vmis = [Vmi.from_object(item) for item in page]
            there = {(vmi.meta.namespace, vmi.meta.name): vmi for vmi in vmis}
            found.update({key: there.get(key) for key in names if is_all or key in there})
        return found

    def vmis_with(self, selector: str) -> dict[Key, Vmi]:
        """The VMIs of the cluster that `selector` picks; empty where that is forbidden (topic `queue`)."""
        items = self.seeing("queue", lambda: self.client.list(vmis_path(""), query={"labelSelector": selector}))
        vmis = [Vmi.from_object(item) for item in items or ()]
        return {(vmi.meta.namespace, vmi.meta.name): vmi for vmi in vmis}

    def launchers(self, uids: Mapping[str, str], *, at_once: bool) -> list[Pod]:
        """The launcher pods of VMIs (UID -> namespace): in one list over all namespaces where that is allowed and
        `at_once`, else by namespace."""
        if at_once and len(set(uids.values())) > 1:
            try:
                return self._launchers(sorted(uids), namespace="")
            except Forbidden:
                pass
        found: list[Pod] = []
        for namespace in sorted(set(uids.values())):
            own = sorted(uid for uid, place in uids.items() if place == namespace)
            read = self._reader_of_launchers(own, namespace)
            found += self.seeing(f"pods/{namespace}", read) or []
        return found

    def _reader_of_launchers(self, uids: Sequence[str], namespace: str) -> Callable[[], list[Pod]]:
        return lambda: self._launchers(uids, namespace=namespace)

    def _launchers(self, uids: Sequence[str], *, namespace: str) -> list[Pod]:
        path = paths.collection("", version="v1", plural="pods", namespace=namespace or None)
        items = [
            item
            for chunk in chunked(uids)
            for item in self.client.list(path, query={"labelSelector": f"{LABEL_CREATED_BY} in ({','.join(chunk)})"})
        ]
        self.needs.update(needs_of_targets(items))
        return [Pod.from_object(item) for item in items]

    def attachments(self, uids: Mapping[str, str]) -> list[Pod]:
        """The pods that attach hot-plugged volumes for migrations (UID -> namespace)."""
        found: list[Pod] = []
        for namespace in sorted(set(uids.values())):
            own = sorted(uid for uid, place in uids.items() if place == namespace)
            found += self.seeing(f"pods/{namespace}", self._reader_of_attachments(own, namespace)) or []
        return found

    def _reader_of_attachments(self, uids: Sequence[str], namespace: str) -> Callable[[], list[Pod]]:
        path = paths.collection("", version="v1", plural="pods", namespace=namespace)
        selectors = [f"{LABEL_APP}={HOTPLUG},{LABEL_JOB_UID} in ({','.join(chunk)})" for chunk in chunked(uids)]
        return lambda: [
            Pod.from_object(item)
            for selector in selectors
            for item in self.client.list(path, query={"labelSelector": selector})
        ]

    def kubevirt(self) -> KubeVirt | None:
        """The KubeVirt object; None where there is none, or it may not be read (topic `kubevirt`). Of several see
        `KubeVirt.from_objects`; a note says so."""
        path = paths.collection(KUBEVIRT, version="v1", plural="kubevirts")
        items = self.seeing("kubevirt", lambda: self.client.list(path))
        found = KubeVirt.from_objects(items or ())
        if found is not None and found.doubt:
            self.notes.append(f"{found.doubt[0].upper()}{found.doubt[1:]}: what hangs on its settings is unknown.")
        return found

    def lease(self, namespace: str) -> Lease | None:
        """virt-controller's lease; None where there is none, or it may not be read (topic `lease`)."""
        path = paths.item(
            "coordination.k8s.io", version="v1", plural="leases", namespace=namespace, name=CONTROLLER_LEASE
        )
        try:
            return self.seeing("lease", lambda: Lease.from_object(self.client.get(path)))
        except NotFound:
            return None

    def handlers(self, namespace: str, *, nodes: Sequence[str], at_once: bool = False) -> dict[str, HandlerState]:
        """virt-handler on each of `nodes`; empty where its pods may not be read (topic `handlers`). For two nodes they
        are read one by one, unless `at_once`: the queue of one VM must do with few requests."""
        path = paths.collection("", version="v1", plural="pods", namespace=namespace)
        query = {"labelSelector": "kubevirt.io=virt-handler"}
        places = [query]
        if len(nodes) <= HANDLERS_SINGLY and not at_once:
            places = [{**query, "fieldSelector": f"spec.nodeName={node}"} for node in nodes]

        def read() -> list[dict[str, Any]]:
            return [item for place in places for item in self.client.list(path, query=place)]

        items = self.seeing("handlers", read)
        if items is None:
            return {}
        pods = [Pod.from_object(item) for item in items]
        return {node: handler_state((pod for pod in pods if pod.node == node), node) for node in nodes}

    def nodes(self, names: Sequence[str]) -> dict[str, Node | None]:
        """The nodes, None for those that do not exist; empty where nodes may not be read (topic `nodes`)."""
        if len(names) > NODES_SINGLY:
            return self._nodes_from_list(names)
        wanted = {paths.item("", version="v1", plural="nodes", name=name): name for name in names}
        found: dict[str, Node | None] = {}
        for path, answer in self.client.get_many(list(wanted)).items():
            if isinstance(answer, Forbidden):
                self.miss("nodes", answer.rule)
            elif isinstance(answer, NotFound):
                found[wanted[path]] = None
            elif isinstance(answer, ClusterError):
                raise answer
            else:
                found[wanted[path]] = Node.from_object(answer)
        return found

    def _nodes_from_list(self, names: Sequence[str]) -> dict[str, Node | None]:
        path = paths.collection("", version="v1", plural="nodes")
        items = self.seeing("nodes", lambda: self.client.list(path))
        if items is None:
            return {}
        by_name = {node.name: node for node in (Node.from_object(item) for item in items)}
        return {name: by_name.get(name) for name in names}

    def events(self, wanted: Mapping[str, Sequence[str]], *, singly: int = 4) -> list[Event]:
        """Events about objects (namespace -> UIDs): one by one while they are few, else a namespace's at once."""
        found: list[Event] = []
        for namespace, uids in sorted(wanted.items()):
            path = paths.collection("", version="v1", plural="events", namespace=namespace)
            queries = [{"fieldSelector": f"involvedObject.uid={uid}"} for uid in uids]
            if len(uids) > singly:
                queries = [{"fieldSelector": "type!=Normal"}]
            read = self._reader_of_events(path, queries)
            found += self.seeing(f"events/{namespace}", read) or []
        return found

    def _reader_of_events(self, path: str, queries: Sequence[Mapping[str, str]]) -> Callable[[], list[Event]]:
        return lambda: [Event.from_object(item) for query in queries for item in self.client.list(path, query=query)]


def cell(row: Sequence[Any], *, place: int) -> str:
    """The text in that place of a Table's row, "" where there is none."""
    value = row[place] if place < len(row) else ""
    # kubectl prints "<none>" for an empty cell; the server sends null or "".
    return value if isinstance(value, str) else ""


def _of_active_vms(migrations: Sequence[Migration]) -> list[Migration]:
    """Unfinished ones, and the finished ones of the same VMs: a label selector over all namespaces also finds VMs of
    the same name elsewhere."""
    active = {migration.key for migration in migrations if not migration.is_final}
    unique = {migration.meta.uid or id(migration): migration for migration in migrations if migration.key in active}
    return list(unique.values())


def is_label_value(text: str) -> bool:
    """Whether `text` can be the value of a label, and so stand in a selector."""
    return _LABEL_VALUE.fullmatch(text) is not None


def chunked(values: Sequence[str]) -> Iterable[list[str]]:
    """Parts of `values` that each fit into a selector."""
    chunk: list[str] = []
    size = 0
    for value in values:
        if chunk and size + len(value) + 3 > SELECTOR_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(value)
        size += len(value) + 3  # a comma is three bytes once it is quoted
    if chunk:
        yield chunk
