# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What placement reads: each thing once, pods of some nodes only, and what a refusal leaves."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    error_from_status,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.placement_reads import (
    NODES_SINGLY,
    PlacementReading,
)

MANY = [f"node-{number}" for number in range(NODES_SINGLY + 1)]


class Api:
    """Nodes, their pods and namespaces; refuses or fails what `statuses` names by the last step of the path."""

    def __init__(self, given: list[str], /, **statuses: int) -> None:
        self.nodes, self.statuses = given, statuses
        self.requests = 0
        self.asked: list[str] = []

    def _answer(self, path: str, query: dict[str, str], items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self.requests += 1
        self.asked.append(f"{path}?{query.get('fieldSelector', '')}")
        kind = path.split("/")[3]
        if kind in self.statuses:
            raise error_from_status(self.statuses[kind], method="GET", path=path, body=b"")
        return items

    def list(self, path: str, *, query: dict[str, str] | None = None) -> list[dict[str, Any]]:
        if path.endswith("/nodes"):
            return self._answer(path, query or {}, [{"metadata": {"name": name}} for name in self.nodes])
        return self._answer(path, query or {}, [a_pod_on(name) for name in self.nodes])

    def list_many(self, path: str, *, queries: list[dict[str, str]]) -> list[Any]:
        return [self._one(path, query) for query in queries]

    def _one(self, path: str, query: dict[str, str]) -> Any:
        node = query["fieldSelector"].split(",")[0].removeprefix("spec.nodeName=")
        try:
            return self._answer(path, query, [a_pod_on(node)] if node in self.nodes else [])
        except ClusterError as error:
            return error

    def get_many(self, paths: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for path in paths:
            name = path.split("/")[-1]
            try:
                self._answer(path, {}, [])
                found[path] = {"metadata": {"name": name, "labels": {"team": name}}}
            except ClusterError as error:
                found[path] = error
        return found


def a_pod_on(node: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "a", "name": f"on-{node}", "uid": f"u-{node}"}, "spec": {"nodeName": node}}


def reading_of(api: Api) -> PlacementReading:
    return PlacementReading(cast(Client, api))


def names_on(reading: PlacementReading, *nodes: str) -> dict[str, list[str]]:
    return {node: [pod.name for pod in pods] for node, pods in reading.pods_on(nodes).items()}


def test_nodes_are_read_once_for_many_questions() -> None:
    api = Api(["node-a", "node-b"])
    reading = reading_of(api)

    assert [node.name for _question in "12" for node in reading.nodes() or ()] == ["node-a", "node-b"] * 2
    assert (api.requests, reading.requests, reading.unseen) == (1, 1, {})


def test_pods_are_read_only_on_the_nodes_asked_for_and_once() -> None:
    api = Api(["node-a", "node-b", "node-c"])
    reading = reading_of(api)

    assert names_on(reading, "node-a") == {"node-a": ["a/on-node-a"]}
    assert names_on(reading, "node-a", "node-c") == {"node-a": ["a/on-node-a"], "node-c": ["a/on-node-c"]}
    finished = ",status.phase!=Succeeded,status.phase!=Failed"
    assert api.asked == [f"/api/v1/pods?spec.nodeName={name}{finished}" for name in ("node-a", "node-c")]
    assert reading.requests == 2


def test_a_node_without_pods_has_an_empty_list() -> None:
    assert names_on(reading_of(Api([])), "node-a") == {"node-a": []}


def test_many_nodes_pods_are_read_in_one_list_that_shows_every_node() -> None:
    api = Api([*MANY, "node-z"])
    reading = reading_of(api)
    reading.nodes()

    assert names_on(reading, *MANY)["node-z"] == ["a/on-node-z"]
    assert names_on(reading, "node-z")["node-0"] == ["a/on-node-0"]
    assert api.asked[1:] == ["/api/v1/pods?status.phase!=Succeeded,status.phase!=Failed"]


@pytest.mark.parametrize(("wanted", "requests"), [(2, 2), (3, 1), (4, 1)], ids=["half", "more than half", "all"])
def test_pods_of_more_than_half_of_the_nodes_are_read_in_one_list(wanted: int, requests: int) -> None:
    api = Api(MANY[:4])
    reading = reading_of(api)
    reading.nodes()

    found = names_on(reading, *MANY[:wanted])

    assert [found[name] for name in MANY[:wanted]] == [[f"a/on-{name}"] for name in MANY[:wanted]]
    assert len(api.asked[1:]) == requests, api.asked


@pytest.mark.parametrize("names", [MANY[:2], MANY], ids=["few", "many"])
def test_pods_that_may_not_be_read_are_no_empty_node(names: list[str]) -> None:
    api = Api(MANY, pods=403)
    reading = reading_of(api)

    assert names_on(reading, *names) == {}
    asked = api.requests
    assert names_on(reading, *names) == {}
    assert api.requests == asked, "a refusal is not asked for twice"
    assert [(rule.verb, rule.resource) for rule in reading.unseen["placement/pods"]] == [("list", "pods")]


def test_nodes_that_may_not_be_read_are_not_no_nodes() -> None:
    api = Api(MANY, nodes=403)
    reading = reading_of(api)

    assert (reading.nodes(), reading.nodes()) == (None, None)
    assert api.requests == 1
    assert [rule.resource for rule in reading.unseen["placement/nodes"]] == ["nodes"]


def test_namespaces_are_read_once_and_a_refused_one_is_missing() -> None:
    api, refused = Api([]), reading_of(Api([], namespaces=403))
    reading = reading_of(api)

    assert reading.namespace_labels(["a"]) == {"a": {"team": "a"}}
    assert set(reading.namespace_labels(["a", "b", ""])) == {"a", "b"}
    assert (api.requests, reading.requests) == (2, 2)
    assert refused.namespace_labels(["a"]) == {}
    assert [rule.resource for rule in refused.unseen["placement/namespaces"]] == ["namespaces"]


@pytest.mark.parametrize("names", [MANY[:2], MANY], ids=["few", "many"])
def test_a_fault_of_the_server_is_no_answer(names: list[str]) -> None:
    reading = reading_of(Api(MANY, pods=500))

    with pytest.raises(ClusterError):
        reading.pods_on(names)
