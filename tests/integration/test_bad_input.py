# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that cannot be used, objects that make no sense, and users who may see only a part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.looking import by_vm, look

ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
MIGRATIONS = "/apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstancemigrations"


@pytest.fixture
def moving(cluster: Cluster) -> Cluster:
    """Two VMs that move, and a third that does not."""
    cluster.reset()
    cluster.simulator.play(
        {
            "title": "Two VMs move",
            "nodes": [{"name": "node-x"}, {"name": "node-y"}],
            "vms": [{"name": name, "node": "node-x"} for name in ("team-a/web-1", "team-a/idle-1", "shop/cart-1")],
            "migrations": [
                {"vm": "team-a/web-1", "phase": "Running", "since": 200, "target": "node-y"},
                {"vm": "shop/cart-1", "phase": "Running", "since": 150, "target": "node-y"},
            ],
        }
    )
    return cluster


def _wrong_input() -> type[Exception]:
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

    return WrongInput


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"namespaces": ["nowhere"]}, ["namespaces", "'nowhere'", "kubectl get namespaces"]),
        ({"vms": ["team-a/nobody"]}, ["vms", "'nobody'", "'team-a'", "kubectl get vm"]),
        ({"vms": ["nobody"]}, ["vms", "'nobody'", "any namespace"]),
        ({"vms": ["a/b/c"]}, ["vms", "'a/b/c'", "namespace/name"]),
        ({"vms": ["Web 1"]}, ["vms", "'Web 1'"]),
        ({"namespaces": ["team-a"], "vms": ["shop/web-1"]}, ["vms", "'shop/web-1'", "namespaces"]),
        ({"late_after": -1}, ["late_after", "-1", "300"]),
        ({"nodes": ["no/de"]}, ["nodes", "'no/de'"]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_option_that_cannot_be_used_is_named_with_value_and_way_out(
    moving: Cluster, params: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(_wrong_input()) as caught:
        look(moving, **params)

    assert [word for word in words if word not in str(caught.value)] == []


def test_vm_without_migration_is_a_note_and_no_error(moving: Cluster) -> None:
    result = look(moving, vms=["team-a/idle-1"])

    assert result["notes"] == ["team-a/idle-1 has no unfinished migration."]
    assert result["migrations"] == []


def test_stopped_vm_is_a_note_that_says_so(moving: Cluster) -> None:
    status, _body = moving.request(
        "DELETE", "/apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstances/idle-1", body={}
    )
    assert status == 200
    moving.request(
        "PATCH",
        "/apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstances/idle-1",
        body={"metadata": {"finalizers": None}},
    )

    assert "is not running" in look(moving, vms=["team-a/idle-1"])["notes"][0]


def test_nothing_may_be_read_is_an_error_and_never_nothing_stuck(moving: Cluster) -> None:
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import Forbidden

    for params in ({}, {"namespaces": ["team-a"]}, {"vms": ["team-a/web-1"]}):
        with pytest.raises(Forbidden) as caught:
            look(moving, "nobody", **params)
        assert "list virtualmachineinstancemigrations" in str(caught.value)


@pytest.fixture
def without_nodes(moving: Cluster) -> Iterator[Cluster]:
    """The operator's role without nodes, for as long as the test takes."""
    path = f"{ROLES}/kubevirt-ops-live-migration-diagnose"
    status, role = moving.request("GET", path)
    assert status == 200
    assert isinstance(role, dict)
    rules = [
        {**rule, "resources": [one for one in rule["resources"] if one != "nodes"]}
        for rule in role["rules"]
        if rule["resources"] != ["nodes"]
    ]
    assert moving.request("PUT", path, body={**role, "rules": rules})[0] == 200
    yield moving
    fresh = moving.request("GET", path)[1]
    assert isinstance(fresh, dict)
    assert moving.request("PUT", path, body={**fresh, "rules": role["rules"]})[0] == 200


def test_nodes_forbidden_still_gives_verdicts_and_the_missing_rule(without_nodes: Cluster) -> None:
    result = look(without_nodes, "operator")

    assert {entry["verdict"] for entry in result["migrations"]} == {"progressing"}
    assert result["coverage"]["complete"] is False
    (missing,) = result["coverage"]["missing"]
    assert (missing["verb"], missing["group"], missing["resource"]) == ("get", "", "nodes")
    assert "kind: ClusterRole" in missing["role"]
    assert '"nodes"' in missing["role"]


@pytest.mark.parametrize(
    ("mangle", "words"),
    [
        (lambda obj: obj["status"].update(phase=7), "status.phase is not a string"),
        (lambda obj: obj["status"].update(phase="Teleporting"), "'Teleporting' is not a phase that is known"),
        (lambda obj: obj["status"].pop("phaseTransitionTimestamps"), "has no time for phase Running"),
        (lambda obj: obj["status"].update(phaseTransitionTimestamps="soon"), "is not a list"),
        (lambda obj: obj["metadata"].pop("creationTimestamp"), "creationTimestamp is missing"),
        (lambda obj: obj["spec"].pop("vmiName"), "spec.vmiName is missing"),
    ],
    ids=["phase-number", "phase-unknown", "no-times", "times-text", "no-creation", "no-vmi-name"],
)
def test_nonsense_in_one_object_makes_that_one_unknown_and_the_rest_is_judged(
    moving: Cluster, mangle: Any, words: str
) -> None:
    name = by_vm(look(moving))["team-a/web-1"]["name"]
    moving.rewrite(f"{MIGRATIONS}/{name}", lambda obj: (mangle(obj), obj)[1])

    result = look(moving)
    entries = {entry["name"]: entry for entry in result["migrations"]}

    assert (entries[name]["verdict"], entries[name]["cause"]) == ("unknown", "Unknown")
    assert words in entries[name]["summary"]
    assert {entry["verdict"] for other, entry in entries.items() if other != name} == {"progressing"}


@pytest.mark.parametrize(
    "name", ["UPPER case!", "a),b in (c", "../../secrets", "a" * 70], ids=["words", "selector", "path", "long"]
)
def test_vm_name_that_no_selector_can_hold_does_not_hide_the_others(moving: Cluster, name: str) -> None:
    own = by_vm(look(moving))["team-a/web-1"]["name"]
    moving.rewrite(f"{MIGRATIONS}/{own}", lambda obj: (obj["spec"].update(vmiName=name), obj)[1])

    result = look(moving)
    entries = {entry["name"]: entry for entry in result["migrations"]}

    assert entries[own]["vm"] == name
    assert "does not exist" in entries[own]["summary"]
    assert {entry["verdict"] for other, entry in entries.items() if other != own} == {"progressing"}
