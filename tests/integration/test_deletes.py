# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each delete says, as it goes over the wire: which object is meant, and never how long its end may take.

With grace period 0 the API server forgets a pod whose guest may still run on a node that does not answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow import (
    migration_alert,
    migration_policy,
)
from tests.cluster import Cluster
from tests.integration.acting import Skewed, at_real_pace, cancel, client_for, going_on, only, retry
from tests.integration.fault_proxy import FaultProxy
from tests.integration.keeping import WANTED
from tests.integration.settings_worlds import world
from tests.integration.simulated import path_of, plant, target_pod

INSIST = {"accept_risks": ["NotStuck", "TargetNodeDown", "ClusterUnhealthy"]}
# Not for so long that its pods are deleted by others already.
DEAD_TARGET = [{"name": "node-a"}, {"name": "node-b", "ready": "Unknown", "since": 200}, {"name": "node-c"}]


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


def free_a_pod(cluster: Cluster, proxy: FaultProxy) -> None:
    plant(cluster, "TargetReady", stays=True)
    with going_on(cluster):
        cancel(cluster, proxy=proxy, free_target_pod=True, **INSIST)


def free_a_pod_of_a_dead_node(cluster: Cluster, proxy: FaultProxy) -> None:
    vmim = plant(cluster, "PreparingTarget", nodes=DEAD_TARGET, since=150)
    with going_on(cluster):
        entry = only(cancel(cluster, proxy=proxy, free_target_pod=True, wait_timeout=1, **INSIST))
    assert (entry["state"], entry["code"]) == ("hanging", "TargetNodeDown"), entry
    assert target_pod(cluster, vmim)["metadata"]["deletionGracePeriodSeconds"] > 0


def withdraw(cluster: Cluster, proxy: FaultProxy) -> None:
    older = plant(cluster, "Failed")

    def unfinished() -> None:
        cluster.rewrite(path_of(older), lambda obj: obj["status"].update(phase="Pending"))

    proxy.meanwhile(unfinished, method="POST", path=r"/virtualmachineinstancemigrations", is_before=False)
    retry(cluster, proxy=proxy, wait_timeout=1)


def take_back(cluster: Cluster, proxy: FaultProxy, module: Any, wanted: dict[str, Any]) -> None:
    world(cluster)
    with client_for(cluster, "admin", proxy, {}, Skewed()) as client:
        for state in ("present", "absent"):
            assert module.run(client, {**wanted, "state": state}, Skewed(), check_mode=False)["changed"]


def take_a_policy_back(cluster: Cluster, proxy: FaultProxy) -> None:
    take_back(cluster, proxy, migration_policy, WANTED)


def take_an_alert_back(cluster: Cluster, proxy: FaultProxy) -> None:
    take_back(cluster, proxy, migration_alert, {})


DELETES: dict[str, tuple[Callable[[Cluster, FaultProxy], None], list[str]]] = {
    "target pod": (free_a_pod, ["virtualmachineinstancemigrations", "pods"]),
    "target pod of a dead node": (free_a_pod_of_a_dead_node, ["virtualmachineinstancemigrations", "pods"]),
    "own migration": (withdraw, ["virtualmachineinstancemigrations"]),
    "policy": (take_a_policy_back, ["migrationpolicies"]),
    "alert": (take_an_alert_back, ["prometheusrules"]),
}


@pytest.mark.parametrize(("act", "kinds"), DELETES.values(), ids=DELETES)
def test_delete_says_which_object_is_meant_and_never_how_long_its_end_may_take(
    cluster: Cluster, act: Callable[[Cluster, FaultProxy], None], kinds: list[str]
) -> None:
    with FaultProxy(cluster) as proxy:
        act(cluster, proxy)

    assert [path.split("/")[-2] for path, _body in proxy.deletes] == kinds
    for path, body in proxy.deletes:
        options = json.loads(body)
        assert sorted(options) == ["apiVersion", "kind", "preconditions"], path
        assert options["preconditions"]["uid"], path
        assert "?" not in path
