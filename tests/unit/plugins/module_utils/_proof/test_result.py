# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results: always the documented keys, plain data, worst first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import (
    EMPTY_ACT,
    render_correlations,
    render_migrations,
    render_summary,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.correlation import find_correlations
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import VERDICTS
from tests.unit import worlds
from tests.unit.builders import CONFIGURATION, a_kubevirt, ago
from tests.unit.table import TABLE
from tests.unit.worlds import World, a_copy, a_failed, a_world, together

MODULE = Path(__file__).parents[5] / "plugins" / "modules" / "migration_info.py"
RETURN: dict[str, Any] = yaml.safe_load(MODULE.read_text().split('RETURN = r"""')[1].split('"""')[0])
TYPES = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict}


def entry(world: World) -> dict[str, Any]:
    return render_migrations(world.judge()[:1])[0]


def documented(*path: str) -> dict[str, Any]:
    found: dict[str, Any] = RETURN
    for key in path:
        found = found[key]["contains"]
    return found


@pytest.mark.parametrize("name", TABLE)
def test_entry_has_exactly_the_documented_keys_and_types(name: str) -> None:
    found = entry(TABLE[name][0]())

    assert list(found) != []
    assert set(found) - {"summary"} == set(documented("migrations")) - {"summary"}
    for key, option in documented("migrations").items():
        assert found[key] is None or isinstance(found[key], TYPES[option["type"]]), key


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[2]])
def test_cause_has_exactly_the_documented_keys(name: str) -> None:
    for cause in entry(TABLE[name][0]())["causes"]:
        assert set(cause) == set(documented("migrations", "causes"))
        assert all(set(seen) == {"object", "field", "value", "at"} for seen in cause["evidence"])
        assert all(set(one) == {"action", "why", "risk", "command"} for one in cause["advice"])


def test_summary_and_correlations_have_exactly_the_documented_keys() -> None:
    judgements = together(worlds.same_node(vm="a"), a_copy(1500, vm="b"), a_copy(1500, vm="c")).judge()
    correlations = find_correlations(together(*(worlds.leaving("n", a_copy(1500, vm=vm)) for vm in "ab")).judge())

    assert set(render_summary(judgements)) == set(documented("summary"))
    for one in render_correlations(correlations, node_verdicts={}):
        assert set(one) == set(documented("correlations"))


def test_keys_of_an_act_are_there_and_empty() -> None:
    assert dict(EMPTY_ACT) == {"plan": [], "refused": False, "refusals": [], "diff": {}}


@pytest.mark.parametrize("name", TABLE)
def test_result_is_plain_data(name: str) -> None:
    found = render_migrations(TABLE[name][0]().judge())

    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_entry_of_a_copy() -> None:
    found = entry(a_copy(60, migrationPolicyName="fast"))

    expected = {
        "namespace": "team-a",
        "vm": "web-1",
        "name": "kubevirt-migrate-vm-mig-web-1",
        "uid": "mig-web-1",
        "origin": "user",
        "source_node": "src-web-1",
        "target_node": "dst-web-1",
        "target_pod": "virt-launcher-web-1-target",
        "phase": "Running",
        "phase_since_at": ago(60),
        "seconds_in_phase": 60,
        "age_seconds": 60,
        "started_at": ago(60),
        "deadline_at": ago(-1290),
        "seconds_left": 1290,
        "verdict": "progressing",
        "stuck": False,
        "cause": "",
        "causes": [],
        "mode": "PreCopy",
        "policy": "fast",
        "configuration": CONFIGURATION,
        "attempt": 1,
        "previous": [],
    }
    assert {key: found[key] for key in expected} == expected


def test_summary_of_an_entry_is_its_verdict_and_why() -> None:
    assert entry(worlds.selinux())["summary"] == (
        "blocked: The VM's SELinux context is not in its status: KubeVirt waits for it without a limit."
    )


def test_over_the_deadline_the_seconds_left_are_negative() -> None:
    assert entry(a_copy(1400))["seconds_left"] == -50


def test_what_is_not_known_is_empty_and_not_left_out() -> None:
    found = render_migrations(World(migrations=[{}], vmis=[], pods=[], nodes=[]).judge())[0]

    assert (found["seconds_in_phase"], found["seconds_left"], found["age_seconds"]) == (None, None, None)
    assert (found["created_at"], found["deadline_at"], found["configuration"]) == ("", "", {})


def test_previous_attempts_are_listed() -> None:
    world = a_world(age_seconds=10)
    world.migrations += a_failed(uid="old").migrations
    found = entry(world)

    assert found["attempt"] == 2
    assert set(found["previous"][0]) == {
        "name",
        "uid",
        "phase",
        "ended_at",
        "target_node",
        "failure_reason",
        "failure",
        "was_cancelled",
    }


def test_origin_is_told_for_each_owner() -> None:
    world = a_world()
    world.migration["metadata"]["annotations"]["kubevirt.io/evacuationMigration"] = "src-web-1"

    assert entry(world)["origin"] == "evacuation"


MIXED = (
    a_world("Succeeded", vm="h"),
    a_failed(vm="g"),
    a_copy(vm="f"),
    a_world("Scheduled", vm="e", deleted_seconds=5),
    a_world("Scheduling", vm="d", age_seconds=301),
    a_world("Pending", vm="c", age_seconds=100),
    a_world("PreparingTarget", vm="b", age_seconds=400),
    worlds.unschedulable(80, vm="a2"),
    worlds.unschedulable(90, vm="a1"),
)

CLUSTER = together(*MIXED, kubevirt=a_kubevirt(per_cluster=99))


def test_worst_stand_first_and_then_the_oldest() -> None:
    found = [(one["vm"], one["verdict"]) for one in render_migrations(CLUSTER.judge())]

    assert found == [
        ("a1", "blocked"),
        ("a2", "blocked"),
        ("b", "overdue"),
        ("c", "unknown"),
        ("d", "late"),
        ("e", "cancelling"),
        ("f", "progressing"),
        ("g", "failed"),
        ("h", "succeeded"),
    ]


def test_summary_counts_each_verdict_and_the_causes_of_the_stuck() -> None:
    found = render_summary(CLUSTER.judge())

    assert set(found["by_verdict"]) == set(VERDICTS)
    assert (found["total"], found["stuck"], found["finished"]) == (9, 3, 2)
    assert found["by_cause"] == {"TargetLauncherOverdue": 1, "TargetPodUnschedulable": 2}
    assert found["text"].startswith("3 of 9 migrations are stuck: 2 blocked, 1 overdue, 1 unknown")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        ((), "No migration to judge."),
        ((a_copy(),), "0 of 1 migration is stuck: 1 progressing."),
        ((worlds.quota(),), "1 of 1 migration is stuck: 1 blocked."),
    ],
    ids=["none", "healthy", "stuck"],
)
def test_summary_is_one_sentence(made: tuple[World, ...], text: str) -> None:
    assert render_summary(together(*made).judge() if made else ())["text"] == text


@pytest.mark.parametrize(
    ("verdicts", "ending"), [({"n": "unhealthy"}, "; n is unhealthy."), ({}, " elsewhere.")], ids=["judged", "not"]
)
def test_correlation_carries_the_nodes_own_verdict(verdicts: dict[str, str], ending: str) -> None:
    found = find_correlations(together(*(worlds.leaving("n", a_copy(1500, vm=vm)) for vm in "ab")).judge())

    one = render_correlations(found, node_verdicts=verdicts)[0]

    assert one["summary"].endswith(ending)
    assert one["node_verdict"] == verdicts.get("n", "")
