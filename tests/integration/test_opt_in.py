# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""only_opted_in on the real API server: nothing is done unless the VM or its namespace says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import as_is, cancel, going_on, only, retry, writes
from tests.integration.simulated import VMS, done, plant

MARK = "live-migration.kubevirt-ops/remediate"
NAMESPACE = "/api/v1/namespaces/team-a"
STUCK: dict[str, Any] = {
    "since": 200,
    "pod": {"exit_code": 137, "ended": 150},
    "nodes": [{"name": name} for name in ("node-a", "node-b", "node-c")],
}


@pytest.fixture(autouse=True)
def _anew(cluster: Cluster) -> None:
    cluster.reset()


def test_without_an_opt_in_nothing_is_done(cluster: Cluster) -> None:
    plant(cluster, "Scheduling", **STUCK)
    before, mark = as_is(cluster), cluster.audit_mark()

    result = cancel(cluster, only_opted_in=True)

    assert (only(result)["state"], only(result)["code"]) == ("refused", "NotOptedIn")
    assert (as_is(cluster), writes(cluster, mark)) == (before, [])


@pytest.mark.parametrize(
    ("path", "place"), [(f"{VMS}/web-1", "labels"), (NAMESPACE, "annotations")], ids=["vm", "namespace"]
)
def test_vm_and_namespace_can_opt_in(cluster: Cluster, path: str, place: str) -> None:
    plant(cluster, "Scheduling", **STUCK)
    done(cluster.request("PATCH", path, body={"metadata": {place: {MARK: "true"}}}))

    with going_on(cluster):
        cancelled = only(cancel(cluster, only_opted_in=True))
        again = only(retry(cluster, only_opted_in=True))

    assert (cancelled["state"], again["state"]) == ("cancelled", "created")


def test_retry_needs_it_too_and_a_vm_can_opt_out(cluster: Cluster) -> None:
    plant(cluster, "Scheduling", **STUCK)
    done(cluster.request("PATCH", NAMESPACE, body={"metadata": {"annotations": {MARK: "true"}}}))
    with going_on(cluster):
        cancel(cluster)
        done(cluster.request("PATCH", f"{VMS}/web-1", body={"metadata": {"labels": {MARK: "false"}}}))
        again = only(retry(cluster, only_opted_in=True))

    assert (again["state"], again["code"]) == ("refused", "NotOptedIn")


def test_who_may_not_read_the_vm_does_not_act(cluster: Cluster) -> None:
    plant(cluster, "Scheduling", **STUCK)
    rules = [
        {"apiGroups": [""], "resources": ["pods", "events", "nodes", "namespaces"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["daemonsets"], "verbs": ["list"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "list", "create", "update"]},
        {
            "apiGroups": ["kubevirt.io"],
            "resources": ["virtualmachineinstancemigrations", "virtualmachineinstances", "kubevirts"],
            "verbs": ["get", "list"],
        },
    ]
    grant(cluster, "blind", rules)

    result = cancel(cluster, only_opted_in=True, connection={"impersonate_user": "blind"})

    assert only(result)["code"] == "NotOptedIn"
    assert "Whether the VM has opted in could not be read" in only(result)["reason"]


def grant(cluster: Cluster, user: str, rules: list[dict[str, Any]]) -> None:
    rbac, meta = "/apis/rbac.authorization.k8s.io/v1", {"metadata": {"name": user}}
    done(cluster.request("POST", f"{rbac}/clusterroles", body={**meta, "rules": rules}))
    binding = {
        **meta,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    done(cluster.request("POST", f"{rbac}/clusterrolebindings", body=binding))
