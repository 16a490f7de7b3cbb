# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight_info says before a drain, of a real API server with each kind of VM on the nodes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.simulator.scenario import load
from tests.integration.looking import client_of, look

NODES = [{"name": "node-a"}, {"name": "node-b"}, {"name": "node-7"}]
EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction"}


def ask(cluster: Cluster, user: str = "admin", **params: Any) -> dict[str, Any]:
    """The result of preflight_info for `params`, as `user`."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.preflight_info import run

    with client_of(cluster, user) as client:
        return run(client, params, Clock())


def play(cluster: Cluster, *, vms: Any, nodes: Any = None, **more: Any) -> None:
    cluster.reset()
    named = [{"node": "node-7", **one} for one in vms]
    cluster.simulator.play({"title": "A drain", "nodes": nodes or NODES, "vms": named, **more})


def said(result: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Verdict and first reason by VM."""
    return {f"{one['namespace']}/{one['vm']}": (one["verdict"], one["reason"]) for one in result["vms"]}


def vm(result: dict[str, Any], name: str) -> dict[str, Any]:
    """The entry of one VM."""
    return next(one for one in result["vms"] if f"{one['namespace']}/{one['vm']}" == name)


def codes(entry: dict[str, Any]) -> list[str]:
    return [one["code"] for one in entry["reasons"]]


@pytest.mark.parametrize("user", ["admin", "operator"])
def test_each_kind_of_vm_gets_its_verdict_and_reason(cluster: Cluster, user: str) -> None:
    scenario = load("preflight")
    cluster.reset()
    cluster.simulator.play("preflight")
    result = ask(cluster, user, nodes=list(scenario.drain))

    assert said(result) == {one.vm: (one.verdict, one.first_reason or "") for one in scenario.drained}
    assert result["coverage"]["complete"]
    assert all(reason["evidence"] and reason["advice"] for one in result["vms"] for reason in one["reasons"])


def test_a_drain_costs_the_same_for_many_vms_and_reads_only(cluster: Cluster) -> None:
    costs = []
    for count in (2, 20):
        play(cluster, vms=[{"name": f"team-a/web-{number}", "memory": "1Gi"} for number in range(count)])
        mark = cluster.audit_mark()
        result = ask(cluster, "operator", nodes=["node-7"])
        seen = [entry for entry in cluster.audit_since(mark) if entry["user"] == "operator"]
        assert {entry["verb"] for entry in seen} <= {"get", "list"}
        coverage = result["coverage"]
        assert coverage["requests"] + coverage["requests_for_placement"] == len(seen)
        costs.append(len(seen))

    assert costs[0] == costs[1] <= 20


def test_a_tenant_gets_what_the_namespace_proves_and_the_missing_rules_for_the_rest(cluster: Cluster) -> None:
    cluster.reset()
    cluster.simulator.play("preflight")
    result = ask(cluster, "tenant", nodes=["node-7", "node-8"], namespaces=["team-a"])

    assert {verdict for verdict, _reason in said(result).values()} == {"unknown"}
    missing = {rule["resource"] for rule in result["coverage"]["missing"]}
    assert {"nodes", "kubevirts", "migrationpolicies"} <= missing
    assert all(one["not_known"] for one in result["vms"])
    assert result["drain"]["waves"] is None


def test_a_tenant_is_told_what_is_proven_without_the_cluster(cluster: Cluster) -> None:
    reason = {"reason": "DisksNotLiveMigratable", "message": "PVC data is not shared"}
    play(
        cluster, vms=[{"name": "team-a/disk-1", "not_migratable": reason}, {"name": "team-a/pet-1", "eviction": "None"}]
    )
    result = ask(cluster, "tenant", nodes=["node-7"], namespaces=["team-a"])

    assert said(result) == {
        "team-a/disk-1": ("would_not_migrate", "NotLiveMigratable"),
        "team-a/pet-1": ("would_stop", "EvictionStopsVM"),
    }
    # Budgets of the own namespace may be read, so nothing is left open.
    assert vm(result, "team-a/pet-1")["reasons"][0]["confidence"] == "certain"


def test_who_may_not_list_vms_at_all_gets_an_error_with_the_rule(cluster: Cluster) -> None:
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import Forbidden

    play(cluster, vms=[{"name": "team-a/web-1"}])
    with pytest.raises(Forbidden) as caught:
        ask(cluster, "nobody", nodes=["node-7"])

    assert caught.value.rule.resource == "virtualmachineinstances"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "name the nodes"),
        ({"nodes": ["node-9"]}, "the cluster has no node node-9"),
        ({"nodes": ["node-7"], "avoid_nodes": ["node-8"]}, "avoid_nodes: the cluster has no node node-8"),
        ({"vms": ["team-a/nope"]}, "there is no VM 'team-a/nope'"),
        ({"vms": ["nope"]}, "there is no VM 'nope'"),
        ({"nodes": ["Node_7"]}, "is not a name that Kubernetes knows"),
        ({"vms": ["shop/x"], "namespaces": ["team-a"]}, "is not in namespaces"),
        ({"nodes": ["node-7"], "expected_bandwidth": "fast"}, "is not a Kubernetes quantity"),
        ({"nodes": ["node-7"], "expected_bandwidth": "0"}, "must be more than 0"),
        ({"nodes": ["node-7"], "dirty_rates": {"web-1": "1Mi"}}, "has no namespace"),
    ],
    ids=["nothing", "node", "avoided node", "vm", "bare vm", "bad name", "outside", "bandwidth", "zero", "dirty rate"],
)
def test_what_cannot_be_asked_is_refused_in_plain_words(cluster: Cluster, params: dict[str, Any], words: str) -> None:
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

    play(cluster, vms=[{"name": "team-a/web-1"}])
    with pytest.raises(WrongInput, match=words):
        ask(cluster, **params)


def test_a_node_without_vms_and_a_vm_that_is_off_are_said_and_no_error(cluster: Cluster) -> None:
    play(cluster, vms=[{"name": "team-a/web-1"}, {"name": "team-a/off-1", "node": None}])
    result = ask(cluster, nodes=["node-a"], vms=["team-a/off-1"])

    assert result["vms"] == []
    assert result["summary"]["text"] == "No VM runs on node-a."
    assert result["notes"] == ["team-a/off-1 is not running, so a drain has nothing to move."]


def test_a_vm_named_twice_and_on_a_drained_node_is_one_entry(cluster: Cluster) -> None:
    play(cluster, vms=[{"name": "team-a/web-1"}, {"name": "shop/web-2", "node": "node-a"}])
    result = ask(cluster, nodes=["node-7"], vms=["team-a/web-1", "team-a/web-1", "web-2"])

    assert sorted(said(result)) == ["shop/web-2", "team-a/web-1"]
    assert vm(result, "team-a/web-1")["placement"]["possible"] == ["node-a", "node-b"]
    # Its own node is not drained, so it stays open to the other; only not to itself.
    assert vm(result, "shop/web-2")["placement"]["possible"] == ["node-b"]


def test_a_drain_of_all_nodes_leaves_no_place(cluster: Cluster) -> None:
    play(cluster, vms=[{"name": "team-a/web-1"}])
    result = ask(cluster, nodes=["node-a", "node-b", "node-7"])

    assert said(result) == {"team-a/web-1": ("would_not_migrate", "TargetPodUnschedulable")}
    assert "3 to be drained" in vm(result, "team-a/web-1")["summary"]


def test_avoided_nodes_are_no_places(cluster: Cluster) -> None:
    play(cluster, vms=[{"name": "team-a/web-1"}])

    assert vm(ask(cluster, nodes=["node-7"], avoid_nodes=["node-a"]), "team-a/web-1")["placement"]["possible"] == [
        "node-b"
    ]


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        ({"handler": "missing", "handler_since": 900}, "SourceHandlerDown"),
        ({"ready": "Unknown", "since": 900}, "SourceNodeDown"),
    ],
    ids=["virt-handler", "node"],
)
def test_nothing_moves_off_a_node_that_cannot_act(cluster: Cluster, node: dict[str, Any], reason: str) -> None:
    play(cluster, nodes=[*NODES[:2], {"name": "node-7", **node}], vms=[{"name": "team-a/web-1"}])

    assert said(ask(cluster, nodes=["node-7"]))["team-a/web-1"] == ("would_not_migrate", reason)


def test_targets_in_trouble_are_a_risk(cluster: Cluster) -> None:
    sick = {"handler": "not_ready", "handler_since": 900, "schedulable": True, "heartbeat": 20}
    play(cluster, nodes=[{"name": "node-a", **sick}, {"name": "node-7"}], vms=[{"name": "team-a/web-1"}])
    entry = vm(ask(cluster, nodes=["node-7"]), "team-a/web-1")

    assert (entry["verdict"], entry["reason"]) == ("at_risk", "TargetNodesUnhealthy")


def test_a_stuck_migration_and_a_left_over_pod_hold_the_vm(cluster: Cluster) -> None:
    left = {"name": "team-a/left-1", "leftovers": [{"node": "node-b", "age": 900}]}
    stuck = {"vm": "team-a/stuck-1", "phase": "Scheduling", "since": 200, "pod": {"unschedulable": "0/3 nodes"}}
    play(cluster, vms=[left, {"name": "team-a/stuck-1"}], migrations=[stuck])
    result = ask(cluster, nodes=["node-7"])

    assert said(result) == {
        "team-a/left-1": ("would_not_migrate", "LeftoverLauncherPod"),
        "team-a/stuck-1": ("would_not_migrate", "MigrationStuck"),
    }


def test_slots_that_others_hold_make_it_wait_and_stuck_ones_hold_it(cluster: Cluster) -> None:
    limits = {"migrations": {"parallelMigrationsPerCluster": 1}}
    other = {"name": "shop/cart-1", "node": "node-a"}
    running = {"vm": "shop/cart-1", "phase": "Running", "since": 20, "target": "node-b"}
    play(cluster, vms=[{"name": "team-a/web-1"}, other], migrations=[running], configuration=limits)
    waits = ask(cluster, nodes=["node-7"])
    stuck = {"vm": "shop/cart-1", "phase": "Scheduling", "since": 250, "pod": {"unschedulable": "0/3 nodes"}}
    play(cluster, vms=[{"name": "team-a/web-1"}, other], migrations=[stuck], configuration=limits)
    held = ask(cluster, nodes=["node-7"])

    assert said(waits)["team-a/web-1"] == ("would_wait", "ClusterLimitReached")
    assert said(held)["team-a/web-1"] == ("would_not_migrate", "SlotsHeldByStuck")
    assert waits["drain"]["slots"]["taken"] == ["shop/cart-1"]


def test_a_cluster_that_may_not_migrate_says_so(cluster: Cluster) -> None:
    play(
        cluster,
        vms=[{"name": "team-a/web-1"}],
        configuration={"migrations": {"parallelMigrationsPerCluster": 0}},
        controller_silent=600,
    )
    entry = vm(ask(cluster, nodes=["node-7"]), "team-a/web-1")

    assert entry["verdict"] == "would_not_migrate"
    assert codes(entry)[:2] == ["VirtControllerSilent", "UnworkableLimits"]


def test_vms_that_fit_alone_and_not_together_are_a_risk_with_the_figures(cluster: Cluster) -> None:
    vms = [{"name": f"team-a/big-{number}", "memory": "5Gi"} for number in range(3)]
    nodes = [{"name": "node-a", "memory": "9Gi"}, {"name": "node-b", "memory": "9Gi"}, {"name": "node-7"}]
    play(cluster, nodes=nodes, vms=vms)
    result = ask(cluster, nodes=["node-7"])

    assert set(said(result).values()) == {("at_risk", "NodesCannotHoldAll")}
    assert result["drain"]["together"]["answer"] == "cannot"
    assert "there is room for 2 of these 3 at most" in result["vms"][0]["summary"]


def test_a_quota_with_room_for_one_at_a_time_makes_them_wait(cluster: Cluster) -> None:
    vms = [{"name": f"team-a/web-{number}", "memory": "2Gi"} for number in range(3)]
    quota = {"name": "tight", "namespace": "team-a", "hard": {"requests.memory": "10Gi"}}
    play(cluster, vms=vms, quotas=[quota])
    result = ask(cluster, nodes=["node-7"])

    assert set(said(result).values()) == {("would_wait", "ResourceQuotaTight")}
    assert "enough for 1 of the 2 target pods" in result["vms"][0]["summary"]


@pytest.mark.parametrize(
    ("dirty", "verdict"), [("12Mi", "would_migrate"), ("13Mi", "at_risk")], ids=["below 12.8 MiB/s", "above"]
)
def test_a_cap_of_64_mi_with_20_s_for_each_gib_carries_12_point_8_mib_a_second(
    cluster: Cluster, dirty: str, verdict: str
) -> None:
    limits = {"migrations": {"bandwidthPerMigration": "64Mi", "completionTimeoutPerGiB": 20}}
    play(cluster, vms=[{"name": "team-a/db-1", "memory": "8Gi"}], configuration=limits)
    entry = vm(ask(cluster, nodes=["node-7"], dirty_rates={"team-a/db-1": dirty}), "team-a/db-1")

    assert entry["verdict"] == verdict
    assert entry["copy"]["limit_seconds"] == 180


def test_expected_bandwidth_counts_where_it_is_less_than_the_cap(cluster: Cluster) -> None:
    limits = {"migrations": {"bandwidthPerMigration": "64Mi"}}
    vms = [{"name": f"team-a/web-{number}", "memory": "8Gi"} for number in range(3)]
    play(cluster, vms=vms, configuration=limits)
    capped, slower = (ask(cluster, nodes=["node-7"], **more) for more in ({}, {"expected_bandwidth": "32Mi"}))

    # Three copies of 8 GiB, two at a time: 3 x 128 s / 2 and 3 x 256 s / 2.
    assert (capped["drain"]["least_seconds"], slower["drain"]["least_seconds"]) == (192, 384)
    assert capped["drain"]["waves"] == 2
    assert slower["vms"][0]["copy"]["bandwidth_from"] == "expected"
    assert [said for said in slower["assumed"] if "never used are not sent" in said]


def test_without_a_bandwidth_only_the_rounds_are_known(cluster: Cluster) -> None:
    play(cluster, vms=[{"name": f"team-a/web-{number}"} for number in range(3)])
    drain = ask(cluster, nodes=["node-7"])["drain"]

    assert (drain["waves"], drain["least_seconds"]) == (2, None)
    assert "not known without a bandwidth" in drain["arithmetic"]


def test_the_clusters_eviction_strategy_holds_for_a_vm_that_names_none(cluster: Cluster) -> None:
    plain = [{"name": "team-a/web-1", "eviction": ""}]
    play(cluster, vms=plain)
    default = said(ask(cluster, nodes=["node-7"]))
    play(cluster, vms=plain, configuration={"evictionStrategy": "LiveMigrate"})

    assert default["team-a/web-1"] == ("would_stop", "EvictionStopsVM")
    assert said(ask(cluster, nodes=["node-7"]))["team-a/web-1"] == ("would_migrate", "")


def test_an_eviction_does_what_was_said_of_it(cluster: Cluster) -> None:
    """The API server's own order: KubeVirt's webhook first, then disruption budgets."""
    labels = {"held": "yes"}
    vms = [
        {"name": "team-a/pet-1", "eviction": "None"},
        {"name": "team-a/held-1", "eviction": "None", "labels": labels},
        {"name": "team-a/moves-1", "labels": labels},
    ]
    budget = {"name": "keep", "namespace": "team-a", "labels": labels}
    play(cluster, vms=vms, budgets=[budget])
    result = said(ask(cluster, nodes=["node-7"]))
    answers = {name: evict(cluster, name) for name in ("pet-1", "held-1", "moves-1")}

    assert result["team-a/pet-1"] == ("would_stop", "EvictionStopsVM")
    assert answers["pet-1"] == (201, "")
    assert result["team-a/held-1"] == ("would_not_migrate", "DisruptionBudgetBlocks")
    assert answers["held-1"][0] == 429
    assert "disruption budget" in answers["held-1"][1]
    assert result["team-a/moves-1"] == ("would_migrate", "")
    assert answers["moves-1"][0] == 429
    assert "Eviction triggered evacuation" in answers["moves-1"][1]


def test_two_disruption_budgets_on_one_pod_make_its_eviction_fail(cluster: Cluster) -> None:
    labels = {"held": "yes"}
    budgets = [{"name": name, "namespace": "team-a", "labels": labels, "allowed": 1} for name in ("one", "two")]
    play(cluster, vms=[{"name": "team-a/pet-1", "eviction": "None", "labels": labels}], budgets=budgets)
    entry = vm(ask(cluster, nodes=["node-7"]), "team-a/pet-1")
    status, message = evict(cluster, "pet-1")

    assert (entry["verdict"], entry["reason"]) == ("would_not_migrate", "DisruptionBudgetBlocks")
    assert (status, "more than one PodDisruptionBudget" in message) == (500, True)


def evict(cluster: Cluster, name: str) -> tuple[int, str]:
    """The API server's answer to a dry-run eviction of the VM's pod: status, and the message of a refusal."""
    path = "/api/v1/namespaces/team-a/pods"
    pods = cluster.request("GET", path, query={"labelSelector": f"vm.kubevirt.io/name={name}"})[1]["items"]
    meta = {"name": pods[0]["metadata"]["name"], "namespace": "team-a"}
    body = {**EVICTION, "metadata": meta, "deleteOptions": {"dryRun": ["All"]}}
    status, answer = cluster.request("POST", f"{path}/{meta['name']}/eviction", body=body, query={"dryRun": "All"})
    return status, "" if status == 201 else str(answer.get("message"))


def test_a_migration_that_a_drain_makes_meets_the_same_obstacle(cluster: Cluster) -> None:
    """What is foretold of a VM is what the diagnosis says once its migration is there."""
    quota = {"name": "compute", "namespace": "team-a", "hard": {"requests.memory": "6Gi"}}
    play(cluster, vms=[{"name": "team-a/web-1", "memory": "4Gi"}], quotas=[quota])
    foretold = said(ask(cluster, nodes=["node-7"]))["team-a/web-1"][1]
    migration = {"vm": "team-a/web-1", "phase": "Pending", "since": 180, "origin": "evacuation"}
    play(cluster, vms=[{"name": "team-a/web-1", "memory": "4Gi"}], quotas=[quota], migrations=[migration])

    assert foretold == "ResourceQuotaExceeded" == look(cluster)["migrations"][0]["cause"]
