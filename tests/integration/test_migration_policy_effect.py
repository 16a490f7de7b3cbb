# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a policy rules, on a real API server: told before, and then done by a hand-off; what it costs to tell."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from tests.cluster import Cluster
from tests.integration.keeping import DB, POLICIES, WANTED, keep, keep_with
from tests.integration.looking import client_of
from tests.integration.simulated import VMIS, VMS, done, items

NODES = [{"name": "node-a"}, {"name": "node-b"}]
SHOP = {"kubernetes.io/metadata.name": "shop"}


def a_policy(name: str, *, vmi: Any = None, namespace: Any = None, **spec: Any) -> dict[str, Any]:
    given = {"virtualMachineInstanceSelector": vmi, "namespaceSelector": namespace}
    selectors = {key: value for key, value in given.items() if value is not None}
    return {"name": name, "spec": {"selectors": selectors, **spec}}


def a_vm(name: str, **labels: str) -> dict[str, Any]:
    return {"name": name, "node": "node-a", "labels": labels}


def play(cluster: Cluster, *vms: dict[str, Any], policies: Any = (), **more: Any) -> Cluster:
    cluster.reset()
    world = {"title": "Policies", "nodes": NODES, "vms": list(vms), "policies": list(policies), **more}
    cluster.simulator.play(world)
    return cluster


def by_vm(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{one['namespace']}/{one['vm']}": one for one in entries}


def test_who_ruled_before_and_what_differs_is_told_for_each_vm(cluster: Cluster) -> None:
    play(
        cluster,
        a_vm("team-a/db-1", tier="db"),
        a_vm("shop/db-2", tier="db"),
        a_vm("shop/web-1", tier="web"),
        policies=[a_policy("shop", namespace=SHOP, completionTimeoutPerGiB=300)],
        configuration={"migrations": {"bandwidthPerMigration": "1Gi", "completionTimeoutPerGiB": 200}},
    )

    result = keep(cluster, **WANTED, bandwidth_per_migration="1Gi")

    timeout = {"setting": "completion_timeout_per_gib", "after": 800}
    assert {vm: (one["before"], one["changes"]) for vm, one in by_vm(result["wins_for"]).items()} == {
        "team-a/db-1": ("", [{**timeout, "before": 200}]),
        "shop/db-2": ("shop", [{**timeout, "before": 300}]),
    }
    assert result["loses_for"] == []


LOSES = {
    "more labels": (
        WANTED,
        a_policy("z", vmi={"tier": "db", "os": "linux"}),
        "it matches with 1 labels, z with 2",
    ),
    "more of the VMI's": (
        {"name": "db", "namespace_selector": SHOP, "allow_auto_converge": True},
        a_policy("z", vmi={"os": "linux"}),
        "it matches with 0 labels of the VMI, z with 1",
    ),
    "first name": (WANTED, a_policy("a", vmi={"os": "linux"}), "it matches as well as a, whose name comes first"),
}


@pytest.mark.parametrize(("wanted", "other", "why"), LOSES.values(), ids=LOSES)
def test_a_policy_that_stands_before_it_is_named_with_the_reason(
    cluster: Cluster, wanted: dict[str, Any], other: dict[str, Any], why: str
) -> None:
    play(cluster, a_vm("shop/db-1", tier="db", os="linux"), policies=[other])

    result = keep(cluster, **wanted)

    (lost,) = result["loses_for"]
    assert (lost["to"], lost["why"], lost["changes"]) == (other["name"], why, [])
    assert (result["wins_for"], result["changed"]) == ([], True)


def test_deleting_it_says_who_rules_then(cluster: Cluster) -> None:
    play(
        cluster,
        a_vm("team-a/db-1", tier="db"),
        a_vm("shop/db-2", tier="db"),
        policies=[a_policy("db", vmi=DB, allowAutoConverge=True), a_policy("shop", namespace=SHOP)],
    )

    result = keep(cluster, name="db", state="absent")

    assert {vm: (one["to"], one["why"]) for vm, one in by_vm(result["loses_for"]).items()} == {
        "team-a/db-1": ("", "it is deleted"),
        "shop/db-2": ("shop", "it is deleted"),
    }
    assert result["loses_for"][0]["changes"] == [{"setting": "allow_auto_converge", "before": True, "after": False}]


def test_what_was_told_is_what_a_hand_off_then_does(cluster: Cluster) -> None:
    vms = [
        a_vm("team-a/db-1", tier="db"),
        a_vm("team-a/db-2", tier="db", os="linux"),
        a_vm("shop/db-3", tier="db"),
        a_vm("shop/web-1", os="linux"),
    ]
    policies = [a_policy("linux", vmi={"os": "linux"}, completionTimeoutPerGiB=99), a_policy("shop", namespace=SHOP)]
    play(cluster, *vms, policies=policies)
    checked = keep(cluster, check_mode=True, **WANTED)
    keep(cluster, **WANTED)
    moves = [{"vm": vm["name"], "phase": "Running", "since": 5, "target": "node-b"} for vm in vms]
    ours = a_policy("db", vmi=DB, completionTimeoutPerGiB=800)
    limits = {"parallelMigrationsPerCluster": 9, "parallelOutboundMigrationsPerNode": 9}

    play(cluster, *vms, policies=[*policies, ours], migrations=moves, configuration={"migrations": limits})

    ruled = {}
    for vmi in items(cluster, "/apis/kubevirt.io/v1/virtualmachineinstances"):
        state = vmi["status"]["migrationState"]
        name = f"{vmi['metadata']['namespace']}/{vmi['metadata']['name']}"
        ruled[name] = (state.get("migrationPolicyName", ""), state["migrationConfiguration"]["completionTimeoutPerGiB"])
    wins, loses = by_vm(checked["wins_for"]), by_vm(checked["loses_for"])
    assert {vm for vm, (policy, _timeout) in ruled.items() if policy == "db"} == set(wins)
    assert {vm: one["to"] for vm, one in loses.items()} == {vm: ruled[vm][0] for vm in loses}
    assert {ruled[vm][1] for vm in wins} == {800}
    assert set(ruled) - set(wins) - set(loses) == {"shop/web-1"}


def test_a_migration_in_flight_is_named_so_that_it_can_be_cancelled(cluster: Cluster) -> None:
    moving = {"vm": "team-a/db-1", "phase": "Running", "since": 60, "target": "node-b"}
    waiting = {"vm": "team-a/db-2", "phase": "Scheduling", "since": 5, "target": "node-b"}
    vms = [a_vm("team-a/db-1", tier="db"), a_vm("team-a/db-2", tier="db")]
    play(cluster, *vms, migrations=[moving, waiting])

    (found,) = keep(cluster, **WANTED)["in_flight"]

    path = f"/apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstancemigrations/{found['name']}"
    assert done(cluster.request("GET", path))["metadata"]["uid"] == found["uid"]
    assert (found["vm"], found["can_cancel"]) == ("db-1", True)
    assert (found["keeps"], found["would_get"]) == (
        {"completion_timeout_per_gib": 150},
        {"completion_timeout_per_gib": 800},
    )


# --- why it matches less than meant ---


def test_a_label_that_was_put_into_the_template_gives_the_command_and_the_command_helps(cluster: Cluster) -> None:
    play(cluster, a_vm("team-a/db-1"))
    template = {"spec": {"template": {"metadata": {"labels": DB}}}}
    done(cluster.request("PATCH", f"{VMS}/db-1", body=template))

    hints = keep(cluster, **WANTED)["unmatched_hint"]
    done(cluster.request("PATCH", f"{VMIS}/db-1", body={"metadata": {"labels": DB}}))
    again = keep(cluster, **WANTED)

    assert [one["code"] for one in hints] == ["NothingMatches", "LabelOnTemplateOnly"]
    assert hints[1]["command"] == "kubectl label vmi db-1 tier=db --namespace team-a"
    assert ([one["vm"] for one in again["wins_for"]], again["unmatched_hint"]) == (["db-1"], [])


def test_a_label_on_the_vm_alone_is_told_beside_vms_that_match(cluster: Cluster) -> None:
    play(cluster, a_vm("team-a/db-1", tier="db"), a_vm("team-a/db-2"))
    done(cluster.request("PATCH", f"{VMS}/db-2", body={"metadata": {"labels": DB}}))

    (hint,) = keep(cluster, **WANTED)["unmatched_hint"]

    assert (hint["code"], hint["vm"]) == ("LabelOnVmOnly", "db-2")


def test_a_namespace_without_the_label_is_told_with_its_command(cluster: Cluster) -> None:
    play(cluster, a_vm("team-a/db-1", tier="db"))
    wanted = {**WANTED, "namespace_selector": {"stage": "prod"}}

    hints = keep(cluster, **wanted)["unmatched_hint"]
    done(cluster.request("PATCH", "/api/v1/namespaces/team-a", body={"metadata": {"labels": {"stage": "prod"}}}))
    again = keep(cluster, **wanted)

    assert [(one["code"], one["command"]) for one in hints] == [
        ("NothingMatches", ""),
        ("NamespaceLacksLabel", "kubectl label namespace team-a stage=prod"),
    ]
    assert [one["vm"] for one in again["wins_for"]] == ["db-1"]


def test_where_there_are_many_vms_their_templates_are_left_out_and_that_is_said(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import policy_effect_reads

    monkeypatch.setattr(policy_effect_reads, "VMS_AT_MOST", 2)
    play(cluster, *(a_vm(f"team-a/db-{number}") for number in range(4)))
    done(cluster.request("PATCH", f"{VMS}/db-1", body={"metadata": {"labels": DB}}))

    hints = keep(cluster, **WANTED)["unmatched_hint"]

    assert [(one["code"], one["vm"]) for one in hints] == [
        ("NothingMatches", ""),
        ("LabelOnVmOnly", "db-1"),
        ("VMsNotRead", ""),
    ]
    assert "3 VMs were not looked into" in hints[-1]["text"]


def test_post_copy_names_the_vms_that_it_never_comes_to(cluster: Cluster) -> None:
    play(cluster, a_vm("team-a/db-1", tier="db"), a_vm("team-a/db-2", tier="db"))
    card = [{"name": "card", "deviceName": "vendor.example/card"}]
    cluster.rewrite(f"{VMIS}/db-2", lambda vmi: vmi["spec"]["domain"]["devices"].update(hostDevices=card))

    notes = keep(cluster, name="db", vmi_selector=DB, allow_post_copy=True)["notes"]

    assert len(notes) == 2
    assert notes[1].startswith("team-a/db-2: each holds a device of its node (VFIO)")
    assert "PostCopyWithHostDevices" in notes[1]


# --- what it costs ---


def asked(cluster: Cluster, **params: Any) -> list[str]:
    """The addresses that one who may only read asks for."""
    mark = cluster.audit_mark()
    with client_of(cluster, "operator") as client:
        result = keep_with(client, **params)
    seen = [unquote(entry["requestURI"]) for entry in cluster.audit_since(mark) if entry["user"] == "operator"]
    assert len(seen) == result["coverage"]["requests"]
    return seen


def test_vmis_are_read_by_the_policys_labels_alone(cluster: Cluster) -> None:
    play(cluster, a_vm("team-a/db-1", tier="db"), *(a_vm(f"shop/web-{number}") for number in range(4)))
    keep(cluster, **WANTED)

    seen = asked(cluster, **WANTED)

    lists = [uri for uri in seen if uri.startswith("/apis/kubevirt.io/v1/virtualmachineinstances")]
    assert len(lists) == 1
    assert "labelSelector=tier=db" in lists[0]
    assert len(seen) == 5
    assert len([uri for uri in seen if uri.startswith(POLICIES)]) == 1


def test_a_policy_for_a_namespace_reads_that_namespace_alone(cluster: Cluster) -> None:
    play(cluster, a_vm("team-a/db-1"), a_vm("shop/web-1"))
    wanted = {"name": "shop", "namespace_selector": SHOP, "allow_auto_converge": True}
    keep(cluster, **wanted)

    seen = asked(cluster, **wanted)

    vmis = [uri.partition("?")[0] for uri in seen if "/virtualmachineinstances" in uri]
    assert vmis == ["/apis/kubevirt.io/v1/namespaces/shop/virtualmachineinstances"]
    assert "/apis/kubevirt.io/v1/virtualmachines" not in {uri.partition("?")[0] for uri in seen}


def test_other_selectors_read_the_vms_of_both(cluster: Cluster) -> None:
    play(cluster, a_vm("team-a/db-1", tier="db"), a_vm("team-a/web-1", tier="web"))
    keep(cluster, **WANTED)

    result = keep(cluster, name="db", vmi_selector={"tier": "web"})

    assert [one["vm"] for one in result["wins_for"]] == ["web-1"]
    assert [(one["vm"], one["to"]) for one in result["loses_for"]] == [("db-1", "")]
    assert result["loses_for"][0]["why"].startswith("it matches no longer")
