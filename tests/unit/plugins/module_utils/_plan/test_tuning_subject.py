# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a look to the members of an advice: whose figures, under which settings, with what taken for granted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy, Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_subject import (
    OLD_SETTINGS,
    Figures,
    Subject,
    find_subjects,
    other_members,
)
from tests.unit.builders import NAMESPACE, a_kubevirt, a_policy, a_vmi
from tests.unit.copies import MIB, a_measured_copy, configured
from tests.unit.worlds import World, a_copy, a_world, leaving, together

KNOWN = Policies((), {NAMESPACE: {}})


def subjects(world: World, *, policies: Policies = KNOWN, **figures: Any) -> tuple[Subject, ...]:
    return find_subjects(world.judge(), policies=policies, figures=Figures(**figures))[0]


def subject(world: World, *, policies: Policies = KNOWN, **figures: Any) -> Subject:
    return subjects(world, policies=policies, **figures)[0]


def test_those_that_copy_no_memory_yet_are_counted_and_not_judged() -> None:
    found, waiting = find_subjects(
        together(a_copy(60, vm="db-1"), a_world("Pending", vm="db-2")).judge(), policies=KNOWN, figures=Figures()
    )

    assert ([one.member.key for one in found], waiting) == (["team-a/db-1"], 1)


def test_copies_that_leave_one_node_share_its_link() -> None:
    world = together(leaving("node-a", a_copy(60, vm="db-1")), leaving("node-a", a_copy(60, vm="db-2")), a_copy(60))

    found = {one.member.name: one.running.network.outbound for one in subjects(world)}

    assert found == {"db-1": 2, "db-2": 2, "web-1": 1}


SCOPES: dict[str, tuple[dict[str, Any], int, str]] = {
    "all were looked at": ({}, 1, ""),
    "some were, and KubeVirt lets two": ({"is_scoped": True, "link_bytes_per_second": 100 * MIB}, 2, "2 migrations"),
    "some were, and no link is known": ({"is_scoped": True}, 2, ""),
}


@pytest.mark.parametrize(("figures", "outbound", "said"), SCOPES.values(), ids=SCOPES)
def test_a_scoped_look_counts_as_many_on_the_link_as_kubevirt_lets_and_says_so(
    figures: dict[str, Any], outbound: int, said: str
) -> None:
    found = subject(a_copy(60), **figures)

    assert found.running.network.outbound == found.member.situation.network.outbound == outbound
    assert [text.partition(" leave")[0] for text in found.assumes] == ([said] if said else [])


def test_a_scoped_look_takes_the_number_that_is_set() -> None:
    world = a_copy(60)
    world.kubevirt = a_kubevirt(outbound=5)

    assert subject(world, is_scoped=True).running.network.outbound == 5


MORE: dict[str, tuple[World, str]] = {
    "memory is written as fast as it is copied": (a_measured_copy(300, 64, 80), "as fast as it is copied"),
    "throttled": (
        a_measured_copy(160, 64, 20, migrationConfiguration=configured(allowAutoConverge=True)),
        "may have been throttled",
    ),
}


@pytest.mark.parametrize(("world", "words"), MORE.values(), ids=MORE)
def test_a_guest_that_may_write_more_than_was_seen_stays_one_with_a_margin(world: World, words: str) -> None:
    plain, more = subject(world), subject(world, margin_percent=20)
    rates = [one.running.workload.dirty_bytes_per_second or 0 for one in (plain, more)]

    assert (plain.is_at_least, more.is_at_least) == (True, True)
    assert words in plain.assumes[0]
    assert words in more.assumes[0]
    assert "than was seen and 20 %:" in more.assumes[0]
    assert rates[1] == pytest.approx(rates[0] * 1.2)


def test_a_guest_that_writes_less_than_is_copied_is_taken_as_seen_and_one_whose_rate_is_given_as_given() -> None:
    calm, given = a_measured_copy(160, 64, 20), a_measured_copy(300, 64, 80)
    named = subject(given, dirty_rates={(NAMESPACE, "web-1"): 90 * MIB}, margin_percent=10)

    assert (subject(calm).is_at_least, subject(calm).assumes) == (False, ())
    assert (named.is_at_least, named.assumes) == (False, ())
    assert named.running.workload.dirty_bytes_per_second == pytest.approx(99 * MIB)


@pytest.mark.parametrize("mode", ["PostCopy", "Paused"])
def test_what_is_measured_while_the_guest_does_not_run_there_says_nothing(mode: str) -> None:
    found = subject(a_measured_copy(160, 64, 20, mode=mode))

    assert found.running.workload.dirty_bytes_per_second is None
    assert found.running.network.rate_bytes_per_second is None


def test_the_next_migration_gets_what_policy_and_cluster_say_now_and_this_one_keeps_its_own() -> None:
    world = a_copy(60, migrationConfiguration=configured(completionTimeoutPerGiB=20))
    policy = MigrationPolicy.from_object(a_policy("slow", vmi={}, completionTimeoutPerGiB=300))
    found = subject(world, policies=Policies((policy,), {NAMESPACE: {}}))

    assert (found.running.settings.timeout_per_gib, found.member.situation.settings.timeout_per_gib) == (20, 300)
    assert found.differing == {"completionTimeoutPerGiB": (20, 300)}
    assert (found.policy_now, found.assumes) == ("slow", ())


def test_where_policies_were_not_read_the_settings_of_this_one_stand_for_the_next_and_that_is_said() -> None:
    world = a_copy(60, migrationConfiguration=configured(completionTimeoutPerGiB=20))
    found = subject(world, policies=Policies(None, {}))

    assert found.member.situation.settings.timeout_per_gib == 20
    assert (found.differing, found.policy_now) == ({}, None)
    assert found.assumes == (OLD_SETTINGS,)


def test_what_was_measured_under_a_cap_says_nothing_of_another_cap() -> None:
    world = a_measured_copy(160, 64, 20, migrationConfiguration=configured(bandwidthPerMigration="64Mi"))
    found = subject(world)

    assert found.running.network.rate_bytes_per_second == pytest.approx(64 * MIB, rel=0.01)
    assert found.member.situation.network.rate_bytes_per_second is None


def test_a_vmi_that_cannot_be_understood_may_have_host_devices() -> None:
    world = a_copy(60)
    world.vmi["spec"]["domain"]["devices"] = "none"

    assert subject(world).running.workload.has_host_devices is None
    assert subject(a_copy(60)).running.workload.has_host_devices is False


def test_the_other_vms_are_there_with_their_labels_alone() -> None:
    found = subjects(a_copy(60))
    metas = [Vmi.from_object(a_vmi(name)).meta for name in ("web-1", "web-2")]
    (other,) = other_members(metas, subjects=found, namespace_labels={})

    assert (other.key, other.labels, other.namespace_labels) == ("team-a/web-2", metas[1].labels, None)
    assert other.situation.workload.memory_bytes is None
