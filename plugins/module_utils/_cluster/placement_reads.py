# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what placement asks about: all nodes, the pods on some of them, the labels of some namespaces.

This module is private to the collection and may change without notice.

It knows of no migration. However many pods are to be placed, each thing is read at most once: keep one
:class:`PlacementReading` for all of them. What it costs is counted apart from everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import (
    read_namespace_labels,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodOnNode,
    group_by_node,
)

__all__ = ["NODES_SINGLY", "TOPIC", "PlacementReading"]

# Up to so many nodes their pods are listed node by node; beyond that, and of more than half of all nodes, one list of
# all pods costs less: many API servers read all of them from etcd for each list.
NODES_SINGLY = 64
TOPIC = "placement"
# Finished pods hold nothing.
_UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"


class PlacementReading:
    """Nodes, pods and namespaces as `_verdict.placement.find_candidates` takes them, each read when first asked for.

    `requests` counts what this made the client send. What is refused (403) is None or missing in the answer, never
    empty, and stands in `unseen` under the topics `placement/nodes`, `placement/pods`, `placement/namespaces` with the
    rules that would show it. Every other error of the client is raised as it is.
    """

    def __init__(self, client: Client) -> None:
        self.requests = 0
        self._client = client
        self._reading = Reading(client)
        self._nodes: tuple[Node, ...] | None = None
        self._pods: dict[str, Sequence[PodOnNode]] = {}
        self._labels: dict[str, Mapping[str, str]] = {}
        self._asked: set[str] = set()

    @property
    def unseen(self) -> dict[str, tuple[Rule, ...]]:
        """By topic the rules that were missing."""
        return {f"{TOPIC}/{topic}": rules for topic, rules in self._reading.unseen.items()}

    def nodes(self) -> tuple[Node, ...] | None:
        """All nodes of the cluster; None where they may not be read."""
        if self._nodes is None and "nodes" not in self._reading.unseen:
            items = self._list("nodes", paths.collection("", version="v1", plural="nodes"))
            self._nodes = None if items is None else tuple(Node.from_object(item) for item in items)
        return self._nodes

    def pods_on(self, names: Iterable[str]) -> Mapping[str, Sequence[PodOnNode]]:
        """The unfinished pods by node, of `names` at least and of every node that was read before.

        A node without pods has an empty list; one whose pods may not be read is missing. Once more than NODES_SINGLY
        nodes, or than half of those that :meth:`nodes` has found, are asked for at once, all nodes are read.
        """
        wanted = [name for name in dict.fromkeys(names) if name and name not in self._pods]
        if wanted and "pods" not in self._reading.unseen:
            if len(wanted) > NODES_SINGLY or (self._nodes and 2 * len(wanted) > len(self._nodes)):
                self._read_all_pods(wanted)
            else:
                self._read_pods_on(wanted)
        return self._pods

    def namespace_labels(self, names: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """The labels by namespace, of `names` and of those that were read before; a namespace that does not exist or
        may not be read is missing."""
        wanted = sorted(set(names) - self._asked - {""})
        if wanted and "namespaces" not in self._reading.unseen:
            before = self._client.requests
            self._labels.update(read_namespace_labels(self._reading, names=wanted))
            self._count(before)
            self._asked.update(wanted)
        return self._labels

    def _read_all_pods(self, wanted: Sequence[str]) -> None:
        items = self._list("pods", _pods_path(), fieldSelector=_UNFINISHED)
        if items is not None:
            names = [*wanted, *(node.name for node in self._nodes or ())]
            self._pods.update(group_by_node(map(PodOnNode.from_object, items), names=names))

    def _read_pods_on(self, wanted: Sequence[str]) -> None:
        before = self._client.requests
        queries = [{"fieldSelector": f"spec.nodeName={name},{_UNFINISHED}"} for name in wanted]
        answers = self._client.list_many(_pods_path(), queries=queries)
        self._count(before)
        for name, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, Forbidden):
                self._reading.miss("pods", answer.rule)
            elif isinstance(answer, ClusterError):
                raise answer
            else:
                self._pods[name] = tuple(map(PodOnNode.from_object, answer))

    def _list(self, topic: str, path: str, **query: str) -> list[dict[str, Any]] | None:
        before = self._client.requests
        items = self._reading.seeing(topic, lambda: self._client.list(path, query=query or None))
        self._count(before)
        return items

    def _count(self, before: int) -> None:
        self.requests += self._client.requests - before


def _pods_path() -> str:
    return paths.collection("", version="v1", plural="pods")
