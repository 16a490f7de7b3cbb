# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_policy on the test cluster: one call, the users it is called by, and what the cluster holds after it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

from tests.cluster import Cluster
from tests.integration.granting import bind
from tests.integration.looking import client_of
from tests.integration.simulated import done
from tests.make.readme import role_in_readme

POLICIES = "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies"
EVENTS = "/api/v1/namespaces/default/events"
RECORD = "live-migration.kubevirt-ops/last-change"

Object = dict[str, Any]
DB = {"tier": "db"}
WANTED: Object = {"name": "db", "vmi_selector": DB, "completion_timeout_per_gib": 800}


def keep(cluster: Cluster, *, check_mode: bool = False, as_user: str = "", **params: Any) -> Object:
    """The result of migration_policy, as the administrator or as the user `as_user`."""
    with client_for(cluster, as_user) as client:
        return keep_with(client, check_mode=check_mode, **params)


def keep_with(client: Any, *, check_mode: bool = False, **params: Any) -> Object:
    """The same over a client."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_policy import run

    return run(client, params, Clock(), check_mode=check_mode)


@contextmanager
def client_for(cluster: Cluster, as_user: str = "") -> Any:
    """A client of the administrator, or of one that he plays."""
    options = {"impersonate_user": as_user} if as_user else {}
    with client_of(cluster, "admin", **options) as client:
        yield client


def allow(cluster: Cluster, user: str, *, without: tuple[str, ...] = ()) -> str:
    """Give `user` the rights that README.md names but those on the resources `without`; returns the name."""
    given = role_in_readme("live-migration-policy")["rules"]
    kept = [{**rule, "resources": [one for one in rule["resources"] if one not in without]} for rule in given]
    role = {"kind": "ClusterRole", "metadata": {"name": user}, "rules": [rule for rule in kept if rule["resources"]]}
    bind(cluster, role, user=user, where="")
    return user


def play_a_database(cluster: Cluster) -> Cluster:
    """The cluster with nothing but one VM, which has the label tier=db."""
    cluster.reset()
    cluster.simulator.play(
        {
            "title": "A database",
            "nodes": [{"name": "node-a"}, {"name": "node-b"}],
            "vms": [{"name": "team-a/db-1", "node": "node-a", "labels": DB}],
        }
    )
    return cluster


def stored(cluster: Cluster, name: str = "db") -> Object | None:
    """The policy as the API server has it, None where there is none."""
    status, body = cluster.request("GET", f"{POLICIES}/{name}")
    return body if status == 200 and isinstance(body, dict) else None


def spec_of(cluster: Cluster, name: str = "db") -> Object:
    """The spec of a policy that must be there."""
    found = stored(cluster, name)
    assert found is not None
    return dict(found["spec"])


def events(cluster: Cluster) -> list[tuple[str, str]]:
    """Reason and message of the events about policies, in the order of their writing."""
    items = done(cluster.request("GET", EVENTS))["items"]
    ours = [one for one in items if one["involvedObject"]["kind"] == "MigrationPolicy"]
    return [
        (one["reason"], one["message"]) for one in sorted(ours, key=lambda one: int(one["metadata"]["resourceVersion"]))
    ]


def outcomes(result: Object) -> list[tuple[str, str]]:
    """Verb and outcome of each step."""
    return [(step["verb"], step["outcome"]) for step in result["plan"]]


def codes(result: Object) -> list[str]:
    """The codes of the refusals."""
    return [one["code"] for one in result["refusals"]]
