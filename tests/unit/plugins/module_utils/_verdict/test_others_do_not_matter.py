# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other VMs do between other nodes, below all limits, changes nothing that is said of a migration."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.table import TABLE
from tests.unit.worlds import World, a_copy, a_world, cause_of, judged, together

OTHERS: dict[str, Callable[[], World]] = {
    "one that succeeded": lambda: a_world("Succeeded", vm="other"),
    "one that copies": lambda: a_copy(vm="other"),
    "one that is prepared": lambda: a_world("PreparingTarget", vm="other"),
}
# There the limit is 1, so that one more is not below it.
AT_THE_LIMIT = {name for name, row in TABLE.items() if cause_of(row[0](), "ClusterLimitReached")}


def test_rows_at_the_limit_are_few() -> None:
    assert {"queued", "queued-behind-stuck"} <= AT_THE_LIMIT
    assert len(AT_THE_LIMIT) < 6


# There every node counts, as one more may take the target pod.
UNPLACED = {name for name, row in TABLE.items() if cause_of(row[0](), "TargetPodUnschedulable")}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("name", [name for name in TABLE if name not in AT_THE_LIMIT | UNPLACED])
def test_others_change_no_verdict(name: str, other: Callable[[], World]) -> None:
    world = TABLE[name][0]()
    alone = world.first()

    beside = together(world, other()).first()

    assert (beside.verdict, beside.reason) == (alone.verdict, alone.reason)
    assert [cause.code for cause in beside.causes] == [cause.code for cause in alone.causes]


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("name", sorted(UNPLACED))
def test_others_on_nodes_that_are_not_for_the_vm_change_no_verdict(name: str, other: Callable[[], World]) -> None:
    world, more = TABLE[name][0](), other()
    alone = world.first()
    for node in more.nodes:
        del node["metadata"]["labels"]["kubevirt.io/schedulable"]

    beside = together(world, more).first()

    assert beside.verdict == alone.verdict
    assert [cause.code for cause in beside.causes] == [cause.code for cause in alone.causes]


@pytest.mark.parametrize("name", sorted(AT_THE_LIMIT))
def test_one_that_has_ended_takes_no_slot(name: str) -> None:
    world = TABLE[name][0]()

    assert judged(together(world, a_world("Succeeded", vm="other"))) == judged(world)
