# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue and the settings as migration_info returns them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy, Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.surroundings import (
    render_queue,
    render_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.timeline import render_phases
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit import worlds
from tests.unit.builders import ago
from tests.unit.worlds import World, a_copy, a_world, together

MODULE = Path(__file__).parents[5] / "plugins" / "modules" / "migration_info.py"
RETURN: dict[str, Any] = yaml.safe_load(MODULE.read_text().split('RETURN = r"""')[1].split('"""')[0])


def queue_of(world: World) -> dict[str, Any]:
    snapshot = world.snapshot()
    return render_queue(snapshot, judgements=judge_snapshot(snapshot))


def one_of_each() -> World:
    waiting = (a_world("Pending", vm="second", age_seconds=20), a_world("Pending", vm="first", age_seconds=40))
    return together(a_copy(60, vm="well"), worlds.same_node(vm="sick"), *waiting)


def test_queue_says_who_runs_and_who_is_next() -> None:
    found = queue_of(one_of_each())

    assert [(one["vm"], one["stuck"]) for one in found["running"]] == [("team-a/sick", True), ("team-a/well", False)]
    assert found["running"][1] == {"vm": "team-a/well", "phase": "Running", "source_node": "src-well", "stuck": False}
    assert found["waiting"] == ["team-a/first", "team-a/second"]
    assert (found["parallel_migrations_per_cluster"], found["parallel_outbound_migrations_per_node"]) == (5, 2)


def test_holder_that_was_not_judged_is_not_called_well() -> None:
    world = one_of_each()

    assert {one["stuck"] for one in render_queue(world.snapshot(), judgements=())["running"]} == {None}


def test_limits_that_were_not_read_are_not_guessed() -> None:
    found = queue_of(together(one_of_each(), kubevirt=None))

    assert (found["parallel_migrations_per_cluster"], found["parallel_outbound_migrations_per_node"]) == (None, None)


def test_queue_has_exactly_the_documented_keys() -> None:
    assert set(queue_of(one_of_each())) == set(RETURN["queue"]["contains"])
    assert set(render_settings(one_of_each().snapshot(), policies=Policies())) == set(RETURN["settings"]["contains"])


def test_phases_have_exactly_the_documented_keys() -> None:
    found = render_phases(worlds.unschedulable(10).first())

    assert {key for one in found for key in one} == set(RETURN["migrations"]["contains"]["phases"]["contains"])
    assert found[-1]["deadline_reason"] == "KubeVirt gives an unschedulable target pod 300 s"
    assert (found[-1]["since_at"], found[-1]["until_at"], found[-1]["seconds"]) == (ago(10), "", 10)


def test_settings_of_the_cluster_are_those_in_force() -> None:
    found = render_settings(a_world().snapshot(), policies=Policies())

    assert found["cluster"]["completionTimeoutPerGiB"] == 150
    assert found["policies"] is None


def test_settings_that_were_not_read_are_empty() -> None:
    snapshot = replace(a_world().snapshot(), kubevirt=None)

    assert render_settings(snapshot, policies=Policies())["cluster"] == {}


def test_policies_stand_with_what_they_set() -> None:
    policy = MigrationPolicy.from_object({"metadata": {"name": "fast"}, "spec": {"allowPostCopy": True}})

    assert render_settings(a_world().snapshot(), policies=Policies((policy,)))["policies"] == {
        "fast": {"allowPostCopy": True}
    }
