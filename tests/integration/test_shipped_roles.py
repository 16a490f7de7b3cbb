# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role of docs/rbac that reads, tunes or installs is enough for its modules, and asks for nothing else.

Those for acts on migrations are in test_act_rights.py; what is lost without a rule, in those of each module.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration import alert_worlds, settings_worlds
from tests.integration.granting import forbidden, shipped_for
from tests.integration.keeping import WANTED, keep, play_a_database, stored
from tests.integration.looking import by_vm, client_of
from tests.integration.settings_worlds import INSISTING, SOME, managed, migrations, world

LOOKS: dict[str, dict[str, Any]] = {
    "migration_info": {"include_finished": True, "placement": "auto"},
    "node_health_info": {"requested": True},
    "preflight_info": {"nodes": ["node-7"]},
    "tuning_info": {},
}


def ask(cluster: Cluster, user: str, module: str, **params: Any) -> dict[str, Any]:
    """The result of a module that only looks, for the user, whom the administrator plays."""
    from importlib import import_module

    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock

    rooms = "ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow"
    with client_of(cluster, "admin", impersonate_user=user) as client:
        result: dict[str, Any] = import_module(f"{rooms}.{module}").run(client, params, Clock())
    return result


@pytest.mark.parametrize("module", LOOKS)
def test_viewer_sees_all_of_the_cluster(cluster: Cluster, module: str) -> None:
    cluster.reset()
    cluster.simulator.play("preflight")
    with shipped_for(cluster, "viewer") as user:
        mark = cluster.audit_mark()
        result = ask(cluster, user, module, **LOOKS[module])

    assert (result["coverage"]["complete"], forbidden(cluster, mark)) == (True, [])


def test_viewer_of_one_namespace_sees_what_its_objects_prove(cluster: Cluster) -> None:
    cluster.reset()
    cluster.simulator.play("target-pod-unschedulable")
    with shipped_for(cluster, "viewer", inside="team-a") as user:
        result = ask(cluster, user, "migration_info", namespaces=["team-a"])

    (found,) = by_vm(result).values()
    assert (found["verdict"], found["cause"]) == ("blocked", "TargetPodUnschedulable")
    assert "nodes" in {rule["resource"] for rule in result["coverage"]["missing"]}


def test_tuner_changes_kubevirt_and_takes_it_back(cluster: Cluster) -> None:
    world(cluster)
    with shipped_for(cluster, "tuner-reads", "tuner") as user:
        mark = cluster.audit_mark()
        made = settings_worlds.ask(cluster, impersonate=user, settings=SOME)
        undone = settings_worlds.ask(cluster, impersonate=user, undo=True)

    assert (made["changed"], undone["changed"], migrations(cluster), forbidden(cluster, mark)) == (True, True, None, [])
    assert made["coverage"]["complete"]


def test_tuner_of_hyperconverged_changes_it_and_its_annotation(cluster: Cluster) -> None:
    hco = managed(cluster)
    risks = [*INSISTING, "VirtHandlerRestart"]
    with shipped_for(cluster, "tuner-reads", "tuner-hyperconverged") as user:
        mark = cluster.audit_mark()
        made = hco.ask(impersonate=user, settings={**SOME, "disable_tls": True}, accept_risks=risks)

    assert (made["changed"], made["coverage"]["complete"], forbidden(cluster, mark)) == (True, True, [])


def test_policies_are_made_and_taken_back(cluster: Cluster) -> None:
    play_a_database(cluster)
    with shipped_for(cluster, "policies") as user:
        mark = cluster.audit_mark()
        made = keep(cluster, as_user=user, **WANTED)
        undone = keep(cluster, as_user=user, name="db", undo=True)

    assert (made["changed"], undone["changed"], stored(cluster), forbidden(cluster, mark)) == (True, True, None, [])
    assert made["coverage"]["complete"]


def test_alert_is_installed_changed_and_removed(cluster: Cluster) -> None:
    world(cluster)
    with shipped_for(cluster, "alert-reads", "alert-installer") as user:
        mark = cluster.audit_mark()
        asked: list[dict[str, Any]] = [{}, {"stuck_after": 600}, {"state": "absent"}]
        results = [alert_worlds.ask(cluster, impersonate=user, **more) for more in asked]

    assert [one["changed"] for one in results] == [True, True, True]
    assert (all(one["coverage"]["complete"] for one in results), forbidden(cluster, mark)) == (True, [])
