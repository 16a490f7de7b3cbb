# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a look to the members of an advice: whose figures, under which settings, with what taken for granted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_subject import (
    Figures,
    Subject,
    find_subjects,
)
from tests.unit.builders import NAMESPACE, a_kubevirt
from tests.unit.copies import MIB
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
