# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped roles are enough for a cancel and a retry, and each of their rules is needed for something named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import at_real_pace, cancel, going_on, only, retry
from tests.integration.granting import bind, forbidden, lacking, shipped, take_away
from tests.integration.simulated import a_world, path_of, plant, read

USER = "remediator"
INSIST = {"accept_risks": ["NotStuck"]}
AS_USER = {"impersonate_user": USER}

Object = dict[str, Any]


@contextmanager
def granted(cluster: Cluster, *roles: Object) -> Iterator[None]:
    """The user has these roles: a Role where it lies, the gates' in all namespaces, every other in team-a alone."""
    made: list[str] = []
    for role in roles:
        where = "" if role["metadata"]["name"].endswith("-gates") else "team-a"
        made += bind(cluster, role, user=USER, where=where)
    try:
        yield
    finally:
        take_away(cluster, made)


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


ALL = ("remediator", "gates", "budget")


def test_shipped_roles_are_enough_for_a_cancel(cluster: Cluster) -> None:
    plant(cluster, "Pending")
    with granted(cluster, *map(shipped, ALL)), going_on(cluster):
        mark = cluster.audit_mark()
        result = cancel(cluster, connection=AS_USER, **INSIST)

    assert forbidden(cluster, mark) == []
    assert (only(result)["state"], result["coverage"]["complete"], result["notes"]) == ("cancelled", True, [])


def test_shipped_roles_are_enough_for_a_retry(cluster: Cluster) -> None:
    plant(cluster, "Failed")
    with granted(cluster, *map(shipped, ALL)):
        mark = cluster.audit_mark()
        result = retry(cluster, connection=AS_USER)

    assert forbidden(cluster, mark) == []
    assert (only(result)["state"], result["coverage"]["complete"], result["notes"]) == ("created", True, [])


def test_remediator_in_one_namespace_acts_there_on_one_named_vm(cluster: Cluster) -> None:
    plant(cluster, "Running")
    blind = ["ActingPaused", "BudgetSpent", "ClusterUnhealthy", "CoverageIncomplete", "KubeVirtUpgrading"]
    with granted(cluster, shipped("remediator")), going_on(cluster):
        result = cancel(cluster, connection=AS_USER, accept_risks=[*blind, "ManyStuckOnNode", "NotStuck"])

    entry = only(result)
    assert entry["state"] == "cancelled", entry
    assert "LockHeld" not in entry["protections_missing"]


def test_lock_that_cannot_be_named_is_not_gone_without_unless_somebody_insists(cluster: Cluster) -> None:
    """The VMI may not be read, and the lock has its UID in its name: two runs would not see each other."""
    vmim = plant(cluster, "Pending")
    blind = [without(shipped(one), "get", "virtualmachineinstances") for one in ALL]
    with granted(cluster, *blind), going_on(cluster):
        refused = [only(cancel(cluster, connection=AS_USER, check_mode=check, **INSIST)) for check in (True, False)]
        left = read(cluster, path_of(vmim))
        many = cancel(cluster, connection=AS_USER, found=True, accept_risks=["NotStuck", "LockHeld"])
        insisted = cancel(cluster, connection=AS_USER, accept_risks=["NotStuck", "LockHeld"])

    assert [(one["state"], one["code"]) for one in refused] == [("refused", "LockHeld")] * 2, refused
    assert "LockHeld" in [one["code"] for one in only(many)["refusals"]]
    assert "the VMI may not be read, and the lock is named from its UID" in refused[1]["reason"]
    assert "deletionTimestamp" not in left["metadata"]
    assert (only(insisted)["state"], "LockHeld" in only(insisted)["protections_missing"]) == ("cancelled", True)
    assert any("it acts without the lock" in note for note in insisted["notes"])


@pytest.mark.parametrize("option", ["free_target_pod", "stop_evacuation"], ids=str)
def test_option_needs_its_own_role(cluster: Cluster, option: str) -> None:
    def world() -> None:
        cluster.reset()
        if option == "free_target_pod":
            plant(cluster, "TargetReady", stays=True)
            return
        vm = {"name": "team-a/web-1", "node": "node-a", "evacuation": True}
        copies = {"vm": "team-a/web-1", "phase": "Running", "since": 20, "target": "node-b", "origin": "evacuation"}
        cluster.simulator.play(a_world(vms=[vm], migrations=[copies]))

    world()
    with granted(cluster, *map(shipped, ALL)), going_on(cluster):
        without = cancel(cluster, connection=AS_USER, wait_timeout=2, **INSIST, **{option: True})
    world()
    with granted(cluster, *map(shipped, (*ALL, option.replace("_", "-")))), going_on(cluster):
        with_it = cancel(cluster, connection=AS_USER, **INSIST, **{option: True})

    assert (only(without)["state"], only(without)["code"]) == ("refused", "NotAllowed")
    assert without["coverage"]["missing"]
    assert only(with_it)["state"] == "cancelled", only(with_it)


def each_rule() -> list[tuple[str, str, str]]:
    """(role, verb, resource) of every rule that is shipped for acting."""
    return [
        (name, verb, resource)
        for name in ALL
        for rule in shipped(name)["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def without(role: Object, verb: str, resource: str) -> Object:
    """The role lacking one verb on one resource."""
    return {**role, "rules": lacking(role["rules"], verb, resource)}


# Of both roles: taken away from both with the gates' rule. In one namespace alone the remediator needs them itself.
TWICE = {
    ("remediator", verb, resource)
    for verb, resource in (
        ("list", "pods"),
        ("get", "namespaces"),
        ("list", "virtualmachineinstancemigrations"),
        ("get", "virtualmachineinstances"),
    )
}


def exercise(cluster: Cluster) -> list[Any]:
    """Cancels, a retry that admission refuses twice and then takes, and a question for a VM that is not there."""
    said: list[Any] = []
    plant(cluster, "Scheduling", pod={"waiting": "ImagePullBackOff"}, since=150)
    said.append(cancel(cluster, connection=AS_USER, wait=False, accept_risks=["NotStuck", "ImagePullFailing"]))
    cluster.reset()
    plant(cluster, "Running", stays=True)
    said.append(cancel(cluster, connection=AS_USER, wait_timeout=0, **INSIST))
    cluster.reset()
    plant(cluster, "Failed")
    cluster.simulator.virt_api.die()
    try:
        said += [retry(cluster, connection=AS_USER, wait_timeout=0) for _time in range(2)]
    finally:
        cluster.simulator.virt_api.serve()
    said.append(retry(cluster, connection=AS_USER))
    said.append(cancel(cluster, connection=AS_USER, namespace="team-a", vm="web-9"))
    said.append(retry(cluster, connection=AS_USER, due=True, due_namespaces=["team-a"]))
    return said


@pytest.mark.parametrize(
    ("name", "verb", "resource"),
    [rule for rule in each_rule() if rule not in TWICE],
    ids=lambda part: str(part).replace("/", "-"),
)
def test_each_rule_is_missed_and_named_when_it_is_taken_away(
    cluster: Cluster, name: str, verb: str, resource: str
) -> None:
    roles = [without(shipped(one), verb, resource) if one == name else shipped(one) for one in ALL]
    if name == "gates" and resource != "leases":
        # What both roles have must be missing in both to be missed.
        roles = [without(role, verb, resource) if role["kind"] == "ClusterRole" else role for role in roles]
    with granted(cluster, *roles):
        mark = cluster.audit_mark()
        said = exercise(cluster)

    refused = [(one["verb"], one["resource"]) for result in said for one in result["coverage"]["missing"]]
    assert forbidden(cluster, mark), "nothing asked for it, so nothing needs it"
    assert (verb, resource) in refused or any(resource in note for result in said for note in result["notes"])
