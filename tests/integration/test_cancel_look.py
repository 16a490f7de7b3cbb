# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What migration_cancel tells of the look that it acted by: the same as migration_info a moment before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import VM, at_real_pace, cancel, going_on, only
from tests.integration.fault_proxy import FaultProxy
from tests.integration.looking import look
from tests.integration.simulated import a_world

NODES = [{"name": "node-a"}, {"name": "node-b"}, {"name": "node-c"}]
CRASHED = {"vm": "team-a/web-1", "phase": "Scheduling", "since": 200, "target": "node-b"}
WAITING = {"vm": "team-a/web-2", "phase": "Pending", "since": 20}
POLICIES = "migrationpolicies"


@pytest.fixture(autouse=True)
def _stuck(cluster: Cluster) -> None:
    """team-a/web-1, whose target launcher has crashed, and another VM that waits."""
    at_real_pace(cluster)
    vms = [{"name": f"team-a/web-{number}", "node": "node-a"} for number in (1, 2)]
    pod = {"exit_code": 137, "ended": 150}
    cluster.simulator.play(a_world(nodes=NODES, vms=vms, migrations=[{**CRASHED, "pod": pod}, WAITING]))


def without_ages(found: Any) -> Any:
    """The same without what is another second later."""
    if isinstance(found, dict):
        kept = {
            key: value for key, value in found.items() if "second" not in key and key not in ("read_at", "coverage")
        }
        return {key: without_ages(value) for key, value in kept.items()}
    return [without_ages(one) for one in found] if isinstance(found, list) else found


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "real"])
def test_look_before_the_act_is_told_as_migration_info_tells_it(cluster: Cluster, check_mode: bool) -> None:
    before = look(cluster, vms=["team-a/web-1"])
    with going_on(cluster):
        result = cancel(cluster, look=True, check_mode=check_mode)

    found = result["looked"]
    assert only(result)["state"] == ("planned" if check_mode else "cancelled")
    assert [entry["vm"] for entry in found["migrations"]] == ["web-1"]
    assert found["migrations"][0]["causes"][0]["code"] == "TargetPodCrashing"
    for key in ("summary", "correlations", "settings", "plan", "refusals", "diff", "changed"):
        assert without_ages(found[key]) == without_ages(before[key]), key
    for key in ("uid", "phase", "verdict", "rung", "target_node", "policy", "deadlines"):
        assert without_ages(found["migrations"][0].get(key)) == without_ages(before["migrations"][0].get(key)), key
    assert set(found) == set(before) - {"notes"}
    assert found["coverage"]["complete"]


def test_look_is_told_only_where_it_was_asked_for_and_taken(cluster: Cluster) -> None:
    idle = {"targets": [{"namespace": "team-a", "vm": "web-3"}]}

    assert cancel(cluster, check_mode=True)["looked"] == {}
    assert cancel(cluster, check_mode=True, look=True, **idle)["looked"] == {}


def test_refused_one_is_told_of_too(cluster: Cluster) -> None:
    result = cancel(cluster, look=True, targets=[{"namespace": "team-a", "vm": "web-2"}])

    assert only(result)["code"] == "NotStuck"
    assert [entry["verdict"] for entry in result["looked"]["migrations"]] == ["progressing"]


def test_what_the_look_alone_may_not_read_is_missing_in_it_alone(cluster: Cluster) -> None:
    with FaultProxy(cluster) as proxy:
        proxy.fail(403, path=POLICIES, times=9)
        result = cancel(cluster, proxy=proxy, look=True, check_mode=True, **VM)

    assert [rule["resource"] for rule in result["looked"]["coverage"]["missing"]] == [POLICIES]
    assert [rule["resource"] for rule in result["coverage"]["missing"]] == []


def test_act_is_told_where_the_look_cannot_be_told_any_more(cluster: Cluster) -> None:
    with FaultProxy(cluster) as proxy, going_on(cluster):
        proxy.fail(500, path=POLICIES, times=99)
        result = cancel(cluster, proxy=proxy, rate=20, look=True, **VM)

    assert (only(result)["state"], result["changed"], result["looked"]) == ("cancelled", True, {})
    assert any("What the look before it said is left out" in note for note in result["notes"])
