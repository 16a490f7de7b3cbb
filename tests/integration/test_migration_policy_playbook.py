# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_policy as a playbook runs it: options, check mode, diff, warnings, and refusals that fail or do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.keeping import DB, WANTED, keep, play_a_database, spec_of, stored
from tests.integration.playing import Run, play_tasks


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    return play_a_database(cluster)


def played(cluster: Cluster, folder: Path, *arguments: str, then: Any = (), **params: Any) -> Run:
    """One task with the module; its result is `made` for the tasks after it."""
    task = {"migration_policy": {"kubeconfig": str(cluster.kubeconfig("admin")), **params}, "register": "made"}
    return play_tasks(folder, [{"name": "Keep it", **task}, *then], *arguments)


def say(expression: str) -> dict[str, Any]:
    return {"ansible.builtin.debug": {"msg": f"SAID {{{{ {expression} }}}}"}}


def test_check_mode_shows_the_diff_and_leaves_nothing_and_the_run_then_makes_it(world: Cluster, tmp_path: Path) -> None:
    checked = played(world, tmp_path, "--check", "--diff", **WANTED)
    left = stored(world)
    made = played(world, tmp_path, "--diff", **WANTED, reason="slow disks")
    again = played(world, tmp_path, **WANTED)

    assert (checked.returncode, made.returncode, again.returncode) == (0, 0, 0), checked.output
    assert '+    "completionTimeoutPerGiB": 800' in checked.output
    assert '+    "completionTimeoutPerGiB": 800' in made.output
    assert left is None
    assert spec_of(world)["completionTimeoutPerGiB"] == 800
    assert ["changed=1" in run.output for run in (checked, made, again)] == [True, True, False]


def test_a_refusal_fails_and_where_it_shall_not_a_play_may_branch_on_it(world: Cluster, tmp_path: Path) -> None:
    wanted = {"name": "all", "allow_auto_converge": True}
    failed = played(world, tmp_path, **wanted)
    went_on = played(world, tmp_path, **wanted, fail_on_refusal=False, then=[say("made.refusals[0].code")])

    assert failed.returncode != 0
    assert "To insist, give accept_risks: [ClusterWidePolicy]" in failed.output.replace("\n", " ")
    assert (went_on.returncode, "SAID ClusterWidePolicy" in went_on.output) == (0, True)
    assert stored(world, "all") is None


def test_what_a_run_returns_undoes_it_as_it_is(world: Cluster, tmp_path: Path) -> None:
    keep(world, **WANTED)
    kubeconfig = {"kubeconfig": str(world.kubeconfig("admin"))}
    undo = {"migration_policy": "{{ made.undo | combine(connection) }}"}

    run = played(
        world,
        tmp_path,
        name="db",
        completion_timeout_per_gib=900,
        allow_post_copy=True,
        then=[
            say("made.after.completionTimeoutPerGiB"),
            {"name": "Undo it", "vars": {"connection": kubeconfig}, **undo},
        ],
    )

    assert run.returncode == 0, run.output
    assert "SAID 900" in run.output
    assert "(accept_risks: PostCopyCanLoseVM)" in run.output
    assert spec_of(world) == {"selectors": {"virtualMachineInstanceSelector": DB}, "completionTimeoutPerGiB": 800}


def test_a_failure_carries_the_kind_of_error_and_what_was_planned(world: Cluster, tmp_path: Path) -> None:
    rescue = [say("made.error.code ~ ' ' ~ made.plan[0].outcome ~ ' ' ~ made.wins_for[0].vm")]
    task = {"kubeconfig": str(world.kubeconfig("operator")), **WANTED}
    block = {
        "block": [{"migration_policy": task, "register": "made"}],
        "rescue": rescue,
    }

    run = play_tasks(tmp_path, [block])

    assert run.returncode == 0, run.output
    assert "SAID Forbidden failed db-1" in run.output
