# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is chosen for a group, and which settings of the whole cluster all groups together need."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_change import (
    Change,
    choose_changes,
    merged_settings,
    plan_tuning_changes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_group import (
    Group,
    Member,
    TuningPlan,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import Situation
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Network,
    Settings,
    Workload,
)

MIB, GIB = 2**20, 2**30
NOBODY: frozenset[str] = frozenset()


def a_group() -> Group:
    """One VM of 8 GiB at 64 MiB/s that is dirtied at 60 MiB/s: more time helps, or more bandwidth, or a pause."""
    workload = Workload(8 * GIB, 9, 60 * MIB, 0, False, True, True, False)
    settings = Settings(64 * MIB, 20, progress_timeout=150)
    situation = Situation(workload, Network(None, 64 * MIB, 1), settings)
    plan = plan_tuning_changes(
        [Member("team-a", "db-1", {"tier": "db"}, {"team": "a"}, situation)], policies=(), policy_name="tuned"
    )
    (group,) = plan.groups
    return group


@pytest.mark.parametrize(
    ("network", "action"),
    [
        (Network(None, 64 * MIB, 1), "auto_converge"),
        (Network(500 * MIB, 64 * MIB, 1), "bandwidth"),
        (Network(None, None, 1), "bandwidth"),
    ],
    ids=["the link is not known", "the link is known", "nothing was measured"],
)
def test_auto_takes_what_was_measured_before_what_rests_on_a_link_that_nobody_has_seen(
    network: Network, action: str
) -> None:
    """The guest writes more than the cap lets through, so time alone does not help."""
    workload = Workload(8 * GIB, 9, 80 * MIB, 0, has_host_devices=False)
    situation = Situation(workload, network, Settings(64 * MIB, 150, progress_timeout=150))
    plan = plan_tuning_changes(
        [Member("team-a", "db-1", {"tier": "db"}, {"team": "a"}, situation)], policies=(), policy_name="tuned"
    )

    (change,) = choose_changes(plan, action="auto", doubtful=NOBODY, are_vms_known=True)

    assert [one.action for one in plan.groups[0].options] == ["bandwidth", "auto_converge"]
    assert change.option is not None
    assert change.option.action == action


def chosen(**given: Any) -> Change:
    plan = TuningPlan({}, (a_group(),))
    asked: dict[str, Any] = {"action": "auto", "doubtful": NOBODY, "are_vms_known": True, **given}
    (change,) = choose_changes(plan, **asked)
    return change


@pytest.mark.parametrize(
    ("given", "action", "why"),
    [
        ({}, "deadline", ""),
        ({"action": "bandwidth"}, "bandwidth", ""),
        ({"action": "parallelism"}, "", "parallelism is not among what helps them all"),
        ({"doubtful": frozenset({"team-a/db-1"})}, "", "their guests may write more than was seen"),
        ({"doubtful": frozenset({"team-a/other-1"})}, "deadline", ""),
        ({"doubtful": frozenset({"team-a/db-1"}), "action": "deadline"}, "deadline", ""),
        ({"are_vms_known": False}, "", "whom the policy would rule is not known"),
    ],
    ids=["auto", "by name", "not offered", "doubtful", "another is", "doubtful, by name", "VMs not seen"],
)
def test_what_is_chosen_for_a_group_and_why_not(given: dict[str, Any], action: str, why: str) -> None:
    change = chosen(**given)

    assert (change.option.action if change.option else "") == action
    assert change.why_not.startswith(why)


@pytest.mark.parametrize(
    ("settings", "merged"),
    [
        ([], {}),
        ([None, {}], {}),
        (
            [{"parallel_outbound_migrations_per_node": 3}, {"parallel_outbound_migrations_per_node": 2}],
            {"parallel_outbound_migrations_per_node": 2},
        ),
        (
            [{"parallel_outbound_migrations_per_node": 1}, {"progress_timeout": 150}, None],
            {"parallel_outbound_migrations_per_node": 1, "progress_timeout": 150},
        ),
    ],
    ids=["no changes", "none of the cluster", "the smaller suffices for both", "different ones"],
)
def test_settings_of_the_cluster_suffice_for_every_group(settings: list[Any], merged: dict[str, Any]) -> None:
    group = a_group()

    assert merged_settings(Change(group, None, None, one) for one in settings) == merged
