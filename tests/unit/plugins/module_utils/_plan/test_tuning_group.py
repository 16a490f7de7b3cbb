# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Advice for several VMs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_group import (
    Member,
    TuningPlan,
    plan_group_tuning,
    with_policy,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import Situation
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Network,
    Settings,
    Workload,
    predict,
)
from tests.unit.builders import a_policy

MIB, GIB = 2**20, 2**30


def a_member(
    name: str,
    *,
    dirty: float | None,
    memory: int = 8 * GIB,
    tier: str = "db",
    bears: bool = True,
    rate: float | None = 64 * MIB,
    cap: int = 64,
) -> Member:
    workload = Workload(memory, -(-memory // 10**9), dirty, 0, False, bears_throttling=bears)
    situation = Situation(workload, Network(None, rate), Settings(cap * MIB, 20))
    return Member("team-a", name, {"tier": tier}, {}, situation)


def planned(*members: Member, policies: Sequence[MigrationPolicy] | None = ()) -> TuningPlan:
    return plan_group_tuning(members, policies=policies, policy_name="tuned")


def test_one_policy_has_the_values_of_the_neediest_and_leaves_the_healthy_alone() -> None:
    found = planned(
        a_member("db-1", dirty=60 * MIB),
        a_member("db-2", dirty=30 * MIB),
        a_member("web-1", dirty=1 * MIB, tier="web", memory=GIB),
    )
    (group,) = found.groups

    assert {key: one.answer for key, one in found.advised.items()} == {
        "team-a/db-1": "change",
        "team-a/db-2": "change",
        "team-a/web-1": "none_needed",
    }
    assert group.policy_name == "tuned"
    assert group.selection.vms == ("team-a/db-1", "team-a/db-2")
    assert group.selection.selectors is not None
    assert group.selection.selectors.vmi == {"tier": "db"}
    assert [option.action for option in group.options] == ["deadline", "bandwidth", "auto_converge"]
    assert [dict(option.policy) for option in group.options[:2]] == [
        {"completionTimeoutPerGiB": 228},
        {"bandwidthPerMigration": "106Mi"},
    ]


def test_values_of_each_size_are_compared_as_quantities() -> None:
    found = planned(a_member("a", dirty=60 * MIB), a_member("b", dirty=90 * MIB, cap=8, rate=8 * MIB))

    assert dict(found.groups[0].options[0].policy) == {"bandwidthPerMigration": "136Mi"}


def test_vms_that_no_one_change_helps_are_parted_by_what_does() -> None:
    found = planned(
        a_member("slow", dirty=60 * MIB, tier="slow", bears=False, rate=None),
        a_member("wild", dirty=100 * MIB, tier="wild", rate=40 * MIB),
    )

    assert [(group.policy_name, group.selection.vms) for group in found.groups] == [
        ("tuned-deadline", ("team-a/slow",)),
        ("tuned-auto-converge", ("team-a/wild",)),
    ]


def test_the_new_policy_repeats_what_the_one_that_rules_now_sets() -> None:
    """Only one policy rules a VM, so without that the new one would take their auto-converge away."""
    ruling = MigrationPolicy.from_object(a_policy("db", vmi={"tier": "db"}, allowAutoConverge=True))
    one, two = a_member("db-1", dirty=60 * MIB), a_member("web-1", dirty=60 * MIB, tier="web")
    one = replace(one, labels={"tier": "db", "name": "one"})
    found = planned(one, two, policies=[ruling])

    assert [(group.policy_name, group.selection.vms, dict(group.kept)) for group in found.groups] == [
        ("tuned.others", ("team-a/web-1",), {}),
        ("tuned-db", ("team-a/db-1",), {"allowAutoConverge": True}),
    ]
    assert found.groups[1].selection.selectors is not None
    assert found.groups[1].selection.selectors.vmi == {"name": "one", "tier": "db"}


def test_policies_that_were_not_read_keep_the_groups_unproven() -> None:
    spoilt = MigrationPolicy.from_object({"metadata": {"name": "spoilt"}, "spec": {"selectors": 5}})

    for policies in (None, [spoilt]):
        (group,) = planned(a_member("a", dirty=60 * MIB), policies=policies).groups
        assert not group.selection.is_proven


def test_nobody_in_need_gives_no_group() -> None:
    assert planned(a_member("a", dirty=1 * MIB, memory=GIB)).groups == ()
    assert planned().groups == ()


MEMBERS = st.lists(
    st.builds(
        lambda dirty, gib, tier, bears, rate: {
            "dirty": dirty,
            "memory": gib * GIB,
            "tier": tier,
            "bears": bears,
            "rate": rate,
        },
        st.none() | st.integers(0, 200).map(lambda count: count * MIB),
        st.integers(1, 64),
        st.sampled_from(["db", "web"]),
        st.booleans(),
        st.sampled_from([None, 0, 20 * MIB, 64 * MIB]),
    ),
    max_size=5,
)


@given(raw=MEMBERS, order=st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_order_and_each_change_makes_each_copy_end(raw: list[Any], order: Any) -> None:
    members = [a_member(f"vm-{place}", **item) for place, item in enumerate(raw)]
    found = planned(*members)
    shuffled = list(members)
    order.shuffle(shuffled)

    assert planned(*shuffled) == found
    by_key = {member.key: member for member in members}
    for group in found.groups:
        for option in group.options:
            assert set(option.outcomes) == set(group.selection.vms)
            for key in group.selection.vms:
                vm = by_key[key].situation
                settings = with_policy(vm.settings, option.policy)
                assert predict(vm.workload, network=vm.network_beyond_cap, settings=settings).finishes
                assert vm.workload.bears_throttling or option.action != "auto_converge"
