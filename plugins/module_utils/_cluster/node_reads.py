# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests show the nodes of a cluster, their virt-handlers, their pods and the migrations between them.

This module is private to the collection and may change without notice.

Whole cluster: one list of nodes and one of virt-handler pods, as most nodes are wanted anyway. Named nodes: one GET
each. A refused list of nodes is an error, since nothing was seen; any other refusal becomes a missing rule.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    NotFound,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage, Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_text
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import (
    LABEL_SCHEDULABLE,
    LABEL_WORKER,
    META,
    VIRT_HANDLER,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import NODE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import LABEL_TARGET_NODE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

__all__ = ["NodeReading", "NodeScope", "read_nodes"]

# Up to so many nodes their pods are listed node by node; beyond that one list of all is cheaper.
NODES_SINGLY = 10
HANDLERS = f"kubevirt.io={VIRT_HANDLER}"
UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"

Objects = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class NodeScope:
    """Which nodes are asked about: `names`, or all that match `label_selector`, or (both empty) KubeVirt's nodes.
    `requested`, `moves`: whether their pods, and the migrations to and from them, are read too. `maybe_gone`: names
    that may have no node any more."""

    names: tuple[str, ...] = ()
    maybe_gone: tuple[str, ...] = ()
    label_selector: str = ""
    requested: bool = False
    moves: bool = True


@dataclass(frozen=True)
class NodeReading:
    """One look, in raw objects. `read_at` is the cluster's time.

    `handlers`, `pods` and `vmis` are None where they could not be read or were not asked for. `workers` are those of
    the nodes read that carry the worker role's label; where none does, they are `nodes`. `vmis` are those that are
    being migrated. `notes` are sentences for the user. `gone` are names of the scope that no node has.
    """

    read_at: datetime
    nodes: Objects
    workers: Objects
    handlers: Objects | None
    pods: Mapping[str, Objects] | None
    vmis: Objects | None
    coverage: Coverage
    notes: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


class _Reader:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.missing: list[Rule] = []
        self.notes: list[str] = []
        self.gone: list[str] = []

    def listing(self, path: str, **query: str) -> Objects:
        """A list; raises what the client raises."""
        return tuple(self.client.list(path, query=query or None))

    def seeing(self, read: Callable[[], Any]) -> Any:
        """`read()`, or None when it is forbidden; the missing rule is kept."""
        try:
            return read()
        except Forbidden as error:
            self.missing.append(error.rule)
            return None


def read_nodes(client: Client, scope: NodeScope, /) -> NodeReading:
    """Read what the nodes of `scope` need to be judged.

    Raises WrongInput naming each name that no node has and none may have lost, and every ClusterError of
    reading nodes, 403 too: it could not look.
    """
    reader = _Reader(client)
    started = client.requests
    everyone = _read_objects(reader, scope)
    handlers = reader.seeing(lambda: _read_handlers(reader, scope))
    nodes = everyone if scope.names or scope.label_selector else _of_kubevirt(everyone, handlers=handlers or ())
    vmis = reader.seeing(lambda: _read_moving(reader)) if scope.moves else None
    before_pods = client.requests
    pods = reader.seeing(lambda: _read_pods(reader, nodes)) if scope.requested else None
    return NodeReading(
        read_at=_server_time(client),
        nodes=nodes,
        workers=tuple(node for node in everyone if LABEL_WORKER in _labels(node)) or nodes,
        handlers=handlers,
        pods=pods,
        vmis=vmis,
        notes=tuple(reader.notes),
        gone=tuple(reader.gone),
        coverage=Coverage(requests=before_pods - started, requests_for_placement=client.requests - before_pods).adding(
            reader.missing
        ),
    )


def _nodes_path() -> str:
    return paths.collection("", version="v1", plural="nodes")


def _pods_path() -> str:
    return paths.collection("", version="v1", plural="pods")


def _read_objects(reader: _Reader, scope: NodeScope) -> Objects:
    if scope.names:
        return _read_named(reader, dict.fromkeys(scope.names), maybe_gone=scope.maybe_gone)
    if scope.label_selector:
        return reader.listing(_nodes_path(), labelSelector=scope.label_selector)
    return reader.listing(_nodes_path())


def _read_named(reader: _Reader, names: Iterable[str], *, maybe_gone: Collection[str]) -> Objects:
    wanted = {name: paths.item("", version="v1", plural="nodes", name=name) for name in names}
    answers = reader.client.get_many(wanted.values())
    absent = [name for name, path in wanted.items() if isinstance(answers[path], NotFound)]
    unknown = [name for name in absent if name not in maybe_gone]
    if unknown:
        raise WrongInput(f"nodes: the cluster has no node {', '.join(unknown)}. See which it has: kubectl get nodes")
    reader.gone += absent
    return tuple(_found(answers[path]) for name, path in wanted.items() if name not in absent)


def _found(answer: dict[str, Any] | ClusterError) -> dict[str, Any]:
    if isinstance(answer, ClusterError):
        raise answer
    return answer


def _read_handlers(reader: _Reader, scope: NodeScope) -> Objects:
    if not scope.names or len(scope.names) > NODES_SINGLY:
        return reader.listing(_pods_path(), labelSelector=HANDLERS)
    names = dict.fromkeys(scope.names)
    return tuple(pod for name in names for pod in _pods_on(reader, name, labelSelector=HANDLERS))


def _pods_on(reader: _Reader, node: str, *, phase: str = "", **query: str) -> Objects:
    fields = ",".join(part for part in (f"spec.nodeName={node}", phase) if part)
    return reader.listing(_pods_path(), fieldSelector=fields, **query)


def _of_kubevirt(everyone: Objects, *, handlers: Objects) -> Objects:
    running = {NODE.read(pod, of=as_text) for pod in handlers}
    return tuple(node for node in everyone if LABEL_SCHEDULABLE in _labels(node) or _name(node) in running)


def _read_moving(reader: _Reader) -> Objects | None:
    """VMIs that are handed to a target node; None where the cluster does not know VMIs."""
    path = paths.collection("kubevirt.io", version="v1", plural="virtualmachineinstances")
    try:
        return reader.listing(path, labelSelector=LABEL_TARGET_NODE)
    except NotFound:
        reader.notes.append("The cluster does not know KubeVirt's VMIs, so nothing is said about migrations.")
        return None


def _read_pods(reader: _Reader, nodes: Objects) -> dict[str, Objects]:
    """Unfinished pods by node: finished ones hold nothing."""
    names = [_name(node) for node in nodes]
    if len(names) <= NODES_SINGLY:
        return {name: _pods_on(reader, name, phase=UNFINISHED) for name in names}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for pod in reader.listing(_pods_path(), fieldSelector=UNFINISHED):
        found.get(NODE.read(pod, of=as_text) or "", []).append(pod)
    return {name: tuple(pods) for name, pods in found.items()}


def _name(node: Any) -> str:
    return str(META.name.read(node) or "")


def _labels(node: Any) -> Mapping[str, Any]:
    found = META.labels.read(node)
    return found if isinstance(found, Mapping) else {}


def _server_time(client: Client) -> datetime:
    if client.server_time is None:
        raise ClusterError(
            "The API server's answers carry no Date, so nothing can be said about ages.",
            remedy="A proxy in between may have removed the header Date: ask the API server directly.",
        )
    return client.server_time
