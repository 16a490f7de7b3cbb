# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_health_info on the real API server: as the operator, as a tenant, as nobody, and with rights in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.filter.node_verdict import FilterModule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import connect
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import Forbidden
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.node_health_info import run
from ansible_collections.kubevirt_ops.live_migration.plugins.modules import node_health_info
from tests.cluster import Cluster
from tests.integration.granting import Granting

RBAC = "/apis/rbac.authorization.k8s.io/v1"
WORLD: dict[str, Any] = {
    "title": "One node of each kind",
    "nodes": [
        {"name": "healthy"},
        {"name": "cordoned", "cordoned": True},
        {"name": "silent", "ready": "Unknown", "since": 700},
        {"name": "going", "ready": "False", "since": 100},
        {"name": "handler-gone", "handler": "missing", "handler_since": 600},
        {"name": "handler-down", "handler": "not_ready", "handler_since": 200},
        {"name": "handler-restarts", "handler": "not_ready", "handler_since": 15},
        {"name": "no-devices", "devices": False},
        {"name": "no-memory", "pressures": ["MemoryPressure"], "since": 900},
    ],
    "vms": [{"name": "team-a/web-1", "node": "healthy"}, {"name": "team-a/web-2", "node": "no-devices"}],
    "migrations": [{"vm": "team-a/web-1", "phase": "Running", "since": 60, "target": "no-devices"}],
    "healthy": True,
}
EXPECTED = {
    "healthy": ("healthy", ""),
    "cordoned": ("healthy", ""),
    "silent": ("unhealthy", "ReadyUnknown"),
    "going": ("degraded", "ReadyFalse"),
    "handler-gone": ("unhealthy", "HandlerMissing"),
    "handler-down": ("unhealthy", "HandlerNotReady"),
    "handler-restarts": ("degraded", "HandlerNotReady"),
    "no-devices": ("degraded", "DeviceMissing"),
    "no-memory": ("unhealthy", "MemoryPressure"),
}


def create(cluster: Cluster, path: str, body: dict[str, Any]) -> None:
    status, answer = cluster.request("POST", path, body=body)
    assert status == 201, answer


@pytest.fixture(scope="module")
def world(cluster: Cluster) -> Iterator[Cluster]:
    """The nodes of WORLD, and two more that no virt-handler was ever on."""
    cluster.simulator.play(WORLD)
    for name in ("control-plane", "bare"):
        body = {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        create(cluster, "/api/v1/nodes", body)
    yield cluster
    cluster.reset()


def look(cluster: Cluster, *, user: str = "operator", played: str = "", **params: Any) -> dict[str, Any]:
    """The module's result for a user of the cluster, or for one of the name `played`, whom the administrator plays."""
    options = {"kubeconfig": str(cluster.kubeconfig("admin" if played else user))}
    if played:
        options["impersonate_user"] = played
    client = connect(settings_from(options, environ={}), clock=Clock())
    try:
        return run(client, params, Clock())
    finally:
        client.close()


def by_name(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in result["nodes"]}


def test_every_node_of_kubevirt_gets_the_planted_verdict_and_reason(world: Cluster) -> None:
    nodes = by_name(look(world))
    found = {
        name: (node["verdict"], node["reasons"][0]["code"] if node["reasons"] else "") for name, node in nodes.items()
    }
    assert found == EXPECTED


def test_worst_nodes_stand_first_and_the_summary_counts_them(world: Cluster) -> None:
    result = look(world)
    verdicts = [node["verdict"] for node in result["nodes"]]
    assert verdicts == ["unhealthy"] * 4 + ["degraded"] * 3 + ["healthy"] * 2
    assert {key: result["summary"][key] for key in ("total", "healthy", "degraded", "unhealthy", "unknown")} == {
        "total": 9,
        "healthy": 2,
        "degraded": 3,
        "unhealthy": 4,
        "unknown": 0,
    }
    assert (result["summary"]["required_healthy"], result["summary"]["remediation_allowed"]) == (5, False)


def test_min_healthy_as_a_count_allows_what_the_percentage_forbids(world: Cluster) -> None:
    assert look(world, min_healthy="2")["summary"]["remediation_allowed"] is True
    assert look(world, min_healthy="3")["summary"]["remediation_allowed"] is False


def test_runbook_rows_are_exactly_what_the_api_gives_for_the_workers(world: Cluster) -> None:
    _status, answer = world.request("GET", "/api/v1/nodes", query={"labelSelector": "node-role.kubernetes.io/worker="})
    runbook = look(world)["runbook"]
    assert len(answer["items"]) == len(WORLD["nodes"])
    assert runbook["nodes"] == [node["metadata"]["name"] for node in answer["items"]]
    assert runbook["allocatable"] == [node["status"]["allocatable"] for node in answer["items"]]
    assert runbook["conditions"] == [node["status"]["conditions"] for node in answer["items"]]


def test_runbook_without_any_worker_label_shows_the_judged_nodes(world: Cluster) -> None:
    assert look(world, nodes=["bare"])["runbook"]["nodes"] == ["bare"]


def test_whole_cluster_costs_three_requests_and_says_so(world: Cluster) -> None:
    mark = world.audit_mark()
    coverage = look(world)["coverage"]
    asked = [entry for entry in world.audit_since(mark) if entry["user"] == "operator"]
    assert len(asked) == coverage["requests"] == 3
    assert (coverage["complete"], coverage["requests_for_placement"]) == (True, 0)


def test_migrations_are_counted_where_they_leave_and_arrive(world: Cluster) -> None:
    nodes = by_name(look(world))
    assert nodes["healthy"]["migrations"] == {"in": 0, "out": 1}
    assert nodes["no-devices"]["migrations"] == {"in": 1, "out": 0}
    assert nodes["silent"]["migrations"] == {"in": 0, "out": 0}


def test_named_nodes_may_be_ones_that_kubevirt_does_not_use(world: Cluster) -> None:
    result = look(world, nodes=["control-plane", "silent", "silent"])
    assert {name: node["verdict"] for name, node in by_name(result).items()} == {
        "silent": "unhealthy",
        "control-plane": "healthy",
    }


def test_named_node_that_does_not_exist_is_an_error_that_names_it(world: Cluster) -> None:
    with pytest.raises(WrongInput, match="the cluster has no node node-x, node-y"):
        look(world, nodes=["healthy", "node-x", "node-y"])


def test_label_selector_picks_its_nodes(world: Cluster) -> None:
    result = look(world, label_selector="kubernetes.io/hostname in (silent,healthy)")
    assert sorted(by_name(result)) == ["healthy", "silent"]


def test_own_conditions_make_a_node_unhealthy_sooner(world: Cluster) -> None:
    own = [{"type": "Ready", "status": "False", "duration": "1m"}]
    nodes = by_name(look(world, nodes=["going", "no-memory"], unhealthy_conditions=own))
    assert nodes["going"]["verdict"] == "unhealthy"
    assert "MemoryPressure" not in [reason["code"] for reason in nodes["no-memory"]["reasons"]]


def a_pod(name: str, *, init: str = "", phase: str = "") -> dict[str, Any]:
    asks = {"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}
    first = {"name": "prepare", "image": "i", "resources": {"requests": {"cpu": init}}}
    return {
        "metadata": {"name": name, "labels": {"phase": phase}},
        "spec": {
            "nodeName": "bare",
            "containers": [{"name": "one", "image": "i", **asks}, {"name": "two", "image": "i", **asks}],
            "initContainers": [first] if init else [],
        },
    }


def test_requested_is_what_the_scheduler_counts_without_finished_pods(world: Cluster) -> None:
    pods = "/api/v1/namespaces/team-a/pods"
    for pod in (a_pod("plain"), a_pod("starts-big", init="2500m"), a_pod("finished")):
        create(world, pods, pod)
    world.request("PATCH", f"{pods}/finished/status", body={"status": {"phase": "Succeeded"}})
    result = look(world, nodes=["bare"])
    assert result["nodes"][0]["requested"] == {
        "api": {"cpu": "3500m", "memory": "4Gi", "pods": "2"},
        "numbers": {"cpu": 3.5, "memory": 4 * 2**30, "pods": 2},
    }
    assert result["coverage"]["requests_for_placement"] == 1


def test_free_is_allocatable_less_requested(world: Cluster) -> None:
    node = by_name(look(world, nodes=["healthy"]))["healthy"]
    for name, free in node["free"]["numbers"].items():
        taken = node["requested"]["numbers"].get(name, 0)
        assert free == pytest.approx(node["allocatable"]["numbers"][name] - taken)
    assert node["requested"]["numbers"]["memory"] > 0


def test_requested_for_the_whole_cluster_costs_a_list_for_each_of_few_nodes(world: Cluster) -> None:
    result = look(world, requested=True)
    assert result["coverage"]["requests_for_placement"] == len(WORLD["nodes"])
    assert all(node["requested"]["numbers"] for node in result["nodes"])
    assert not look(world)["nodes"][0]["requested"]["numbers"]


@pytest.mark.parametrize("user", ["tenant", "nobody"])
def test_who_may_not_read_nodes_gets_an_error_with_the_rule_never_all_healthy(world: Cluster, user: str) -> None:
    with pytest.raises(Forbidden, match="list nodes"):
        look(world, user=user)
    with pytest.raises(Forbidden, match="get nodes"):
        look(world, user=user, nodes=["healthy"])


@pytest.fixture
def grant(cluster: Cluster) -> Iterator[Granting]:
    granting = Granting(cluster)
    yield granting
    granting.forget()


def test_missing_rules_are_named_and_the_pasted_role_mends_them(world: Cluster, grant: Granting) -> None:
    rules = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]}]
    blind = look(world, played=grant(rules))
    missing = [(rule["verb"], rule["resource"], rule["namespace"]) for rule in blind["coverage"]["missing"]]
    assert missing == [("list", "pods", ""), ("list", "virtualmachineinstances", "")]
    assert by_name(blind)["silent"]["verdict"] == "unhealthy"
    assert by_name(blind)["healthy"]["virt_handler"]["ready"] is None
    assert by_name(blind)["healthy"]["migrations"] == {"in": None, "out": None}

    role = yaml.safe_load(blind["coverage"]["role"])
    create(world, f"{RBAC}/clusterroles?dryRun=All", role)
    seeing = look(world, played=grant([*rules, *role["rules"]]))
    assert seeing["coverage"]["complete"] is True
    assert seeing["coverage"]["role"] == ""
    assert {name: node["verdict"] for name, node in by_name(seeing).items()} == {
        name: verdict for name, (verdict, _reasons) in EXPECTED.items()
    }


def test_filter_on_raw_objects_gives_the_verdicts_of_the_module(world: Cluster) -> None:
    judge = FilterModule().filters()["node_verdict"]
    result = look(world)
    _status, pods = world.request("GET", "/api/v1/pods", query={"labelSelector": "kubevirt.io=virt-handler"})
    _status, nodes = world.request("GET", "/api/v1/nodes")
    judged = {
        node["metadata"]["name"]: judge(node, result["read_at"], pods=pods["items"])["verdict"]
        for node in nodes["items"]
    }
    assert {name: judged[name] for name in EXPECTED} == {n: node["verdict"] for n, node in by_name(result).items()}


def ansible(cluster: Cluster, *, user: str, arguments: str) -> tuple[int, dict[str, Any]]:
    """The module as a user runs it: exit status, and the result as Ansible has it."""
    module = "kubevirt_ops.live_migration.node_health_info"
    command = [str(Path(sys.executable).parent / "ansible"), "localhost", "-m", module]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cluster.directory),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": os.environ["LIVE_MIGRATION_COLLECTIONS"],
        "ANSIBLE_NOCOLOR": "1",
        "K8S_AUTH_KUBECONFIG": str(cluster.kubeconfig(user)),
    }
    command += ["-e", f"ansible_python_interpreter={sys.executable}", "-a", arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout.partition("localhost | ")[2].partition(" => ")[2])


def test_module_under_ansible_returns_just_the_documented_keys(world: Cluster) -> None:
    status, result = ansible(world, user="operator", arguments="nodes=silent")
    documented = yaml.safe_load(node_health_info.RETURN)
    assert status == 0
    # The callback shows no diff.
    assert set(result) - {"changed"} == set(documented) - {"diff"}
    assert set(result["nodes"][0]) == set(documented["nodes"]["contains"])
    assert set(result["summary"]) == set(documented["summary"]["contains"])
    assert set(result["coverage"]) == set(documented["coverage"]["contains"])
    assert (result["changed"], result["nodes"][0]["verdict"]) == (False, "unhealthy")


@pytest.mark.parametrize(
    ("user", "arguments", "message"),
    [
        ("operator", "min_healthy=half", "min_healthy: 'half' is neither a count"),
        ("operator", "nodes=node-x", "the cluster has no node node-x"),
        ("tenant", "", "list nodes"),
    ],
    ids=["option", "name", "rights"],
)
def test_module_under_ansible_fails_with_a_way_out(world: Cluster, user: str, arguments: str, message: str) -> None:
    status, result = ansible(world, user=user, arguments=arguments)
    assert status != 0
    assert message in result["msg"]
    assert world.token(user) not in json.dumps(result)
