# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which policy rules, what settings hold and what migrations share, as migration_info says it of a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.looking import by_vm, look

POLICIES = "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies"
NODES = [{"name": "node-a"}, {"name": "node-b"}, {"name": "node-c"}]


def a_policy(name: str, *, vmi: dict[str, str] | None = None, namespace: str = "", **spec: Any) -> dict[str, Any]:
    selectors: dict[str, Any] = {"virtualMachineInstanceSelector": vmi or {}}
    if namespace:
        selectors["namespaceSelector"] = {"kubernetes.io/metadata.name": namespace}
    return {"name": name, "spec": {"selectors": selectors, **spec}}


def play(cluster: Cluster, *, policies: Any = (), migrations: Any = (), vms: Any = (), **more: Any) -> None:
    cluster.reset()
    names = [{"name": one["vm"], "node": "node-a", "labels": {"tier": "db"}} for one in migrations]
    cluster.simulator.play(
        {
            "title": "Policies",
            "nodes": NODES,
            "vms": list(vms) or names,
            "policies": list(policies),
            "migrations": list(migrations),
            **more,
        }
    )


def asked(cluster: Cluster, user: str = "admin", **params: Any) -> tuple[dict[str, Any], list[str]]:
    mark = cluster.audit_mark()
    result = look(cluster, user, **params)
    return result, [entry["requestURI"] for entry in cluster.audit_since(mark) if entry["user"] == user]


RUNNING = {"vm": "team-a/web-1", "phase": "Running", "since": 60, "target": "node-b"}
SCHEDULING = {"vm": "team-a/web-1", "phase": "Scheduling", "since": 5, "target": "node-b"}


def test_a_policy_that_came_after_the_hand_off_rules_now_and_not_this_migration(cluster: Cluster) -> None:
    play(cluster, policies=[a_policy("old", completionTimeoutPerGiB=100)], migrations=[RUNNING])
    body = {"apiVersion": "migrations.kubevirt.io/v1alpha1", "kind": "MigrationPolicy"}
    new = a_policy("new", vmi={"tier": "db"}, completionTimeoutPerGiB=7)
    status, answer = cluster.request("POST", POLICIES, body={**body, "metadata": {"name": "new"}, "spec": new["spec"]})
    assert status == 201, answer

    found = by_vm(look(cluster))["team-a/web-1"]

    assert (found["policy"], found["policy_now"]) == ("old", "new")
    assert found["configuration"]["completionTimeoutPerGiB"] == 100
    assert found["configuration_from"]["completionTimeoutPerGiB"] == "migration"


def test_before_the_hand_off_each_setting_names_where_it_would_come_from(cluster: Cluster) -> None:
    play(
        cluster,
        policies=[a_policy("team", namespace="team-a", allowPostCopy=True)],
        migrations=[SCHEDULING],
        configuration={"migrations": {"bandwidthPerMigration": "64Mi"}},
    )
    found = by_vm(look(cluster, vms=["team-a/web-1"]))["team-a/web-1"]
    told = {name: (found["configuration"][name], origin) for name, origin in found["configuration_from"].items()}

    assert (found["policy"], found["policy_now"]) == ("", "team")
    assert told["allowPostCopy"] == told["allowWorkloadDisruption"] == (True, "policy team")
    assert told["bandwidthPerMigration"] == ("64Mi", "KubeVirt")
    assert told["progressTimeout"] == (150, "default")
    assert set(found["configuration"]) == set(found["configuration_from"])


@pytest.mark.parametrize(
    ("policies", "requests"),
    [
        ([], 0),
        ([a_policy("by-label", vmi={"tier": "db"})], 0),
        ([a_policy("by-team", namespace="team-a")], 1),
        ([a_policy("other", vmi={"tier": "web"}, namespace="team-a")], 0),
    ],
    ids=["no policy", "labels alone", "namespace", "namespace of a policy that cannot match"],
)
def test_the_namespace_is_read_only_where_it_decides(
    cluster: Cluster, policies: list[dict[str, Any]], requests: int
) -> None:
    play(cluster, policies=policies, migrations=[RUNNING])
    _result, seen = asked(cluster, vms=["team-a/web-1"])

    assert len([uri for uri in seen if uri.startswith(POLICIES)]) == 1
    assert len([uri for uri in seen if uri.partition("?")[0] == "/api/v1/namespaces/team-a"]) == requests
    assert len(seen) <= 12


def test_one_vm_whose_requests_are_used_up_says_that_the_policy_is_not_known(cluster: Cluster) -> None:
    left_over = {"name": "team-a/web-1", "node": "node-a", "leftovers": [{"node": "node-c", "age": 900}]}
    others = [{"name": f"shop/cart-{number}", "node": "node-b"} for number in range(3)]
    running = [{"vm": one["name"], "phase": "Running", "since": 60, "target": "node-c"} for one in others]
    waiting = {"vm": "team-a/web-1", "phase": "Pending", "since": 200}
    policies = [a_policy("team", namespace="team-a")]
    play(cluster, policies=policies, vms=[left_over, *others], migrations=[*running, waiting])

    alone, seen = asked(cluster, vms=["team-a/web-1"])
    everything = by_vm(look(cluster))["team-a/web-1"]

    assert len(seen) <= 12
    assert by_vm(alone)["team-a/web-1"]["policy_now"] is None
    assert everything["policy_now"] == "team"
    assert everything["verdict"] == by_vm(alone)["team-a/web-1"]["verdict"]


def test_without_an_unfinished_migration_no_policy_is_read(cluster: Cluster) -> None:
    play(cluster, policies=[a_policy("all")], migrations=[{**RUNNING, "phase": "Succeeded", "since": 60}])
    result, seen = asked(cluster, include_finished=True)

    assert [uri for uri in seen if uri.startswith(POLICIES)] == []
    assert [entry["policy_now"] for entry in result["migrations"]] == [None]


def test_who_may_not_read_policies_gets_the_same_verdict_and_the_rule(cluster: Cluster) -> None:
    play(cluster, policies=[a_policy("all")], migrations=[RUNNING])
    tenant = look(cluster, "tenant", namespaces=["team-a"])
    admin = by_vm(look(cluster))["team-a/web-1"]
    found = by_vm(tenant)["team-a/web-1"]

    assert (found["policy_now"], found["policy"], admin["policy_now"]) == (None, "all", "all")
    assert found["configuration"] == admin["configuration"]
    assert "migrationpolicies" in {rule["resource"] for rule in tenant["coverage"]["missing"]}


def test_stuck_ones_under_one_policy_and_namespace_are_correlated_with_both_shares(cluster: Cluster) -> None:
    stuck = [f"shop/cart-{number}" for number in range(2)]
    fine = [f"team-a/web-{number}" for number in range(3)]
    play(
        cluster,
        policies=[a_policy("hasty", namespace="shop", completionTimeoutPerGiB=1)],
        migrations=[
            *({"vm": vm, "phase": "Running", "since": 200, "target": "node-b"} for vm in stuck),
            *({"vm": vm, "phase": "Running", "since": 205, "target": "node-b"} for vm in fine),
        ],
        configuration={"migrations": {"parallelMigrationsPerCluster": 9, "parallelOutboundMigrationsPerNode": 9}},
    )
    found = {one["kind"]: one for one in look(cluster)["correlations"]}

    assert {kind: (one["value"], one["stuck_or_late"], one["elsewhere_total"]) for kind, one in found.items()} == {
        "source_node": ("node-a", 2, 0),
        "target_node": ("node-b", 2, 0),
        "policy": ("hasty", 2, 3),
        "namespace": ("shop", 2, 3),
    }
    assert found["policy"]["summary"] == "2 of 2 migrations under policy hasty are late or stuck, 0 of 3 elsewhere."
    assert found["policy"]["migrations"] == stuck


def test_settings_that_cannot_work_are_a_warning_while_the_migration_gets_on(cluster: Cluster) -> None:
    second = {**RUNNING, "vm": "team-a/web-2"}
    play(
        cluster,
        policies=[a_policy("slow", vmi={"tier": "db"}, bandwidthPerMigration="1Ki")],
        migrations=[RUNNING, second],
    )

    found = look(cluster)

    assert {entry["verdict"] for entry in found["migrations"]} == {"progressing"}
    (note,) = found["notes"]
    assert note == (
        "MigrationPolicy slow sets bandwidthPerMigration 1Ki, under which no migration can work (less than 1 MiB/s); "
        "it rules team-a/web-1 and 1 more, not stopped by it so far."
    )
