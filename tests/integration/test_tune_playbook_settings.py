# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook tune with settings of the whole cluster, alone and with the policy that they belong to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.integration.settings_worlds import ask as ask_settings
from tests.integration.settings_worlds import managed, migrations, state
from tests.integration.test_tune_playbook import Object, acts, tune
from tests.integration.tuning_worlds import play_databases


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    return play_databases(cluster)


def test_settings_of_ones_own_go_to_hyperconverged_and_back(cluster: Cluster, tmp_path: Path) -> None:
    world = managed(cluster)
    before = world.state()

    planned = tune(cluster, tmp_path, mode="plan", settings={"completion_timeout_per_gib": 300})
    after_plan = world.state()
    made = tune(cluster, tmp_path, mode="apply", settings={"completion_timeout_per_gib": 300})
    set_to = world.config()
    again = tune(cluster, tmp_path, mode="apply", settings={"completion_timeout_per_gib": 300})
    undone = tune(cluster, tmp_path, mode="undo", undo_settings=True)

    assert [run.returncode for run in (planned, made, again, undone)] == [0, 0, 0, 0], made.output
    assert after_plan == before
    assert set_to == {"completionTimeoutPerGiB": 300}
    assert "completionTimeoutPerGiB: 20 → 300" in made.output
    assert "HyperConverged kubevirt-hyperconverged/kubevirt-hyperconverged: changed" in " ".join(made.output.split())
    assert (acts(planned), acts(made), acts(again), acts(undone)) == (
        ["would change"],
        ["changed"],
        ["unchanged"],
        ["changed"],
    )
    assert world.state()["spec"] == before["spec"]


def test_a_refused_setting_names_its_code_and_the_way_to_insist(world: Cluster, tmp_path: Path) -> None:
    before = state(world)
    refused = tune(world, tmp_path, mode="apply", settings={"parallel_migrations_per_cluster": 0})
    went_on = tune(
        world, tmp_path, mode="apply", settings={"parallel_migrations_per_cluster": 0}, fail_on_refusal=False
    )
    unchanged = state(world)
    insisted = tune(
        world,
        tmp_path,
        mode="apply",
        settings={"parallel_migrations_per_cluster": 0},
        accept_risks="ParallelismZero",
    )

    assert (refused.returncode, went_on.returncode, insisted.returncode) == (2, 0, 0), insisted.output
    assert "Insist with accept_risks: ParallelismZero." in " ".join(went_on.output.split())
    assert unchanged == before
    assert (migrations(world) or {})["parallelMigrationsPerCluster"] == 0


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"name": "everybody", "vmi_selector": {}, "completion_timeout_per_gib": 300}, "ClusterWidePolicy"),
        ({"name": "databases", "vmi_selector": {"tier": "db"}, "max_downtime_ms": 0}, "WrongInput"),
    ],
    ids=["refused", "failed"],
)
def test_settings_are_left_alone_where_the_policy_that_they_belong_to_is_not_kept(
    world: Cluster, tmp_path: Path, policy: Object, why: str
) -> None:
    before = state(world)

    run = tune(world, tmp_path, mode="apply", policy=policy, settings={"progress_timeout": 240})

    assert run.returncode == 2, run.output
    assert why in run.output
    assert state(world) == before
    assert f"MigrationPolicy {policy['name']} was not kept" in " ".join(run.output.split())
    assert acts(run)[1:] == ["not tried"]


def test_settings_are_undone_by_the_module_too_after_the_role_made_them(world: Cluster, tmp_path: Path) -> None:
    before = migrations(world)

    made = tune(world, tmp_path, mode="apply", settings={"progress_timeout": 240}, reset="bandwidth_per_migration")
    changed = migrations(world)
    ask_settings(world, undo=True)

    assert made.returncode == 0, made.output
    assert changed == {"completionTimeoutPerGiB": 60, "progressTimeout": 240}
    assert migrations(world) == before
