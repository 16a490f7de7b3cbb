# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_health_info against a scripted API: which requests it makes, and what each refusal leaves it with."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, cast

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    error_from_status,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.node_health_info import run
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.node_migrations import count_moves

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=timezone.utc)
NODES = "/api/v1/nodes"
PODS = "/api/v1/pods"
VMIS = "/apis/kubevirt.io/v1/virtualmachineinstances"


class Api:
    """Answers lists and GETs from `world`, and errors from `refused` (path -> status). Keeps what was asked."""

    def __init__(self, *nodes: dict[str, Any], pods: Any = (), vmis: Any = (), refused: dict[str, int] | None = None):
        self.world: dict[str, Any] = {NODES: list(nodes), PODS: list(pods), VMIS: list(vmis)}
        self.refused = refused or {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.server_time: datetime | None = NOW

    @property
    def requests(self) -> int:
        return len(self.asked)

    def _error(self, path: str, status: int) -> ClusterError:
        body = b"404 page not found" if status == 404 else b""
        return error_from_status(status, method="GET", path=path, body=body)

    def list(self, path: str, *, query: dict[str, str] | None = None, limit: int = 500) -> Any:
        self.asked.append((path, query or {}))
        if path in self.refused:
            raise self._error(path, self.refused[path])
        return self.world[path]

    def get_many(self, paths: Any, *, parallel: int = 8) -> dict[str, Any]:
        self.asked += [(path, {}) for path in paths]
        by_path = {f"{NODES}/{node['metadata']['name']}": node for node in self.world[NODES]}
        return {path: by_path.get(path) or self._error(path, self.refused.get(path, 404)) for path in paths}


def a_node(name: str, *, schedulable: bool = True, worker: bool = False, ready: str = "True") -> dict[str, Any]:
    labels = {"kubevirt.io/schedulable": "false"} if schedulable else {}
    return {
        "metadata": {"name": name, "labels": labels | ({"node-role.kubernetes.io/worker": ""} if worker else {})},
        "spec": {"unschedulable": True},
        "status": {
            "allocatable": {"cpu": "4", "memory": "8Gi", "odd": "much"},
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-11-23T07:00:00Z"}],
        },
    }


def a_pod(node: str, *, handler: bool = False, cpu: str = "1") -> dict[str, Any]:
    return {
        "metadata": {"name": f"pod-{node}", "labels": {"kubevirt.io": "virt-handler"} if handler else {}},
        "spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": cpu}}}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def look(api: Api, **params: Any) -> dict[str, Any]:
    return run(cast(Client, api), params, Clock())


def names(result: dict[str, Any]) -> list[str]:
    return [node["name"] for node in result["nodes"]]


def test_run_default_judges_labelled_nodes_and_those_with_virt_handler() -> None:
    api = Api(
        a_node("a"), a_node("b", schedulable=False), a_node("c", schedulable=False), pods=[a_pod("c", handler=True)]
    )
    assert names(look(api)) == ["a", "c"]
    assert api.asked == [
        (NODES, {}),
        (PODS, {"labelSelector": "kubevirt.io=virt-handler"}),
        (VMIS, {"labelSelector": "kubevirt.io/migrationTargetNodeName"}),
    ]


def test_run_named_nodes_are_read_one_by_one_with_their_pods() -> None:
    api = Api(a_node("a"), a_node("b"), pods=[a_pod("a")])
    look(api, nodes=["a"])
    assert api.asked == [
        (f"{NODES}/a", {}),
        (PODS, {"fieldSelector": "spec.nodeName=a", "labelSelector": "kubevirt.io=virt-handler"}),
        (VMIS, {"labelSelector": "kubevirt.io/migrationTargetNodeName"}),
        (PODS, {"fieldSelector": "spec.nodeName=a,status.phase!=Succeeded,status.phase!=Failed"}),
    ]


def test_run_requested_of_many_nodes_is_one_list() -> None:
    api = Api(*(a_node(f"n{at:02}") for at in range(11)), pods=[a_pod("n03"), a_pod("n03"), a_pod("elsewhere")])
    result = look(api, requested=True)
    assert api.asked[-1] == (PODS, {"fieldSelector": "status.phase!=Succeeded,status.phase!=Failed"})
    assert {node["name"]: node["requested"]["numbers"].get("cpu") for node in result["nodes"]}["n03"] == 2.0
    assert result["coverage"]["requests_for_placement"] == 1


def test_run_free_is_left_out_where_allocatable_is_unreadable() -> None:
    node = look(Api(a_node("a"), pods=[a_pod("a", cpu="500m")]), nodes=["a"])["nodes"][0]
    assert node["free"] == {
        "api": {"cpu": "3500m", "memory": "8Gi"},
        "numbers": {"cpu": 3.5, "memory": 8 * 2**30},
    }
    assert node["allocatable"]["numbers"] == {"cpu": 4.0, "memory": 8 * 2**30, "odd": None}
    assert node["allocatable"]["api"]["odd"] == "much"


def test_run_unreadable_request_leaves_requested_unknown() -> None:
    node = look(Api(a_node("a"), pods=[a_pod("a", cpu="much")]), nodes=["a"])["nodes"][0]
    assert (node["requested"], node["free"]) == ({"api": {}, "numbers": {}}, {"api": {}, "numbers": {}})


def test_run_without_rights_on_pods_judges_what_is_known_and_names_the_rule_once() -> None:
    api = Api(a_node("a", ready="False"), refused={PODS: 403})
    result = look(api, requested=True)
    assert result["nodes"][0]["verdict"] == "unhealthy"
    assert result["nodes"][0]["virt_handler"] == {"present": None, "ready": None, "since_at": "", "pod": ""}
    assert [(rule["verb"], rule["resource"]) for rule in result["coverage"]["missing"]] == [("list", "pods")]


@pytest.mark.parametrize("status", [401, 403, 500], ids=str)
@pytest.mark.parametrize("params", [{}, {"label_selector": "a"}, {"nodes": ["a"]}], ids=["all", "selector", "named"])
def test_run_that_cannot_read_nodes_is_an_error(status: int, params: dict[str, Any]) -> None:
    with pytest.raises(ClusterError) as caught:
        look(Api(refused={NODES: status, f"{NODES}/a": status}), **params)
    assert caught.value.status == status


def test_run_error_of_another_kind_on_pods_is_not_taken_for_a_missing_right() -> None:
    with pytest.raises(ClusterError) as caught:
        look(Api(a_node("a"), refused={PODS: 500}))
    assert caught.value.status == 500


def test_run_without_kubevirt_says_that_migrations_are_unknown() -> None:
    result = look(Api(a_node("a"), refused={VMIS: 404}))
    assert result["nodes"][0]["migrations"] == {"in": None, "out": None}
    assert result["notes"] == ["The cluster does not know KubeVirt's VMIs, so nothing is said about migrations."]


def test_run_one_mangled_node_is_unknown_and_the_rest_is_judged() -> None:
    mangled = {"metadata": {"name": "odd", "labels": {"kubevirt.io/schedulable": "true"}}, "status": "gone"}
    handlers = [a_pod(name, handler=True) for name in ("odd", "a")]
    verdicts = {node["name"]: node["verdict"] for node in look(Api(mangled, a_node("a"), pods=handlers))["nodes"]}
    assert verdicts == {"odd": "unknown", "a": "healthy"}


def test_run_runbook_rows_of_mangled_workers_are_empty() -> None:
    worker = {"metadata": {"name": "w", "labels": {"node-role.kubernetes.io/worker": ""}}, "status": "gone"}
    assert look(Api(worker))["runbook"] == {"nodes": ["w"], "allocatable": [{}], "conditions": [[]]}


def test_run_no_node_at_all_allows_nothing() -> None:
    result = look(Api())
    assert (result["nodes"], result["summary"]["remediation_allowed"]) == ([], False)
    assert result["summary"]["text"] == "No node was judged: remediation is not allowed."


def test_run_min_healthy_zero_is_not_taken_for_the_default() -> None:
    assert look(Api(a_node("a", ready="False")), min_healthy=0)["summary"]["remediation_allowed"] is True


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"min_healthy": "-1"}, "min_healthy: '-1'"),
        ({"nodes": ["a", ""]}, "holds an entry that is no node's name"),
        ({"nodes": [".."]}, "holds an entry that is no node's name"),
        ({"unhealthy_conditions": [{"type": "Ready", "status": "False", "duration": "-5"}]}, "'-5' is not a duration"),
    ],
    ids=["guard", "empty", "dots", "duration"],
)
def test_run_bad_option_is_an_error_before_any_request(params: dict[str, Any], message: str) -> None:
    api = Api(a_node("a"))
    with pytest.raises(WrongInput, match=message):
        look(api, **params)
    assert api.asked == []


def test_run_answers_without_a_date_are_no_ground_for_ages() -> None:
    api = Api(a_node("a"))
    api.server_time = None
    with pytest.raises(ClusterError, match="carry no Date"):
        look(api)


def a_vmi(**state: Any) -> dict[str, Any]:
    return {"status": {"migrationState": {"sourceNode": "a", "targetNode": "b", **state}}}


def test_count_moves_ended_migrations_and_odd_objects_do_not_count() -> None:
    ended = [a_vmi(endTimestamp="2026-11-23T07:00:00Z"), a_vmi(completed=True), a_vmi(failed=True)]
    moves = count_moves([a_vmi(), a_vmi(targetNode="c"), *ended, {}, None, {"status": {"migrationState": 3}}])
    assert (moves.at("a"), moves.at("b"), moves.at("c"), moves.at("d")) == ((0, 2), (1, 0), (1, 0), (0, 0))
