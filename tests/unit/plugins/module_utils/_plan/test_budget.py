# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many acts are left in an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.budget import (
    Budget,
    plan_budget_lease,
    read_budget,
)
from tests.unit.builders import NOW


def made(*ages: int) -> Budget:
    return Budget("7", tuple(sorted(NOW - timedelta(seconds=age) for age in ages)))


def stored(budget: Budget, *, acts: int) -> dict[str, Any]:
    body = plan_budget_lease(Budget(acts=budget.acts), namespace="kubevirt", acts=acts, holder="me", now=NOW)
    return {**body, "metadata": {**body["metadata"], "resourceVersion": "8"}}


@pytest.mark.parametrize(("ages", "left"), [((), 2), ((3600,), 2), ((3599,), 1), ((1, 2, 3), 0), ((-600,), 1)], ids=str)
def test_acts_of_the_last_hour_count(ages: tuple[int, ...], left: int) -> None:
    assert made(*ages).left(NOW, per_hour=2) == left


def test_next_act_comes_when_the_oldest_that_counts_is_an_hour_old() -> None:
    assert made(3000, 1000, 10).next_at(NOW, per_hour=2) == NOW + timedelta(seconds=2600)
    assert made(3000).next_at(NOW, per_hour=2) == NOW
    assert made().next_at(NOW, per_hour=0) is None


def test_acts_are_added_and_old_ones_forgotten() -> None:
    found = read_budget(stored(made(4000, 5), acts=2))

    assert found is not None
    assert (found.version, len(found.acts), found.left(NOW, per_hour=5)) == ("8", 3, 2)


def test_change_rests_on_what_was_read() -> None:
    assert (
        plan_budget_lease(made(5), namespace="kubevirt", acts=1, holder="me", now=NOW)["metadata"]["resourceVersion"]
        == "7"
    )


@pytest.mark.parametrize("text", ["{}", "[5]", '["yesterday"]', "["], ids=["no list", "number", "no time", "cut off"])
def test_spoilt_budget_is_not_taken_for_an_empty_one(text: str) -> None:
    body = stored(made(), acts=1)
    body["metadata"]["annotations"]["live-migration.kubevirt-ops/memory"] = text

    assert read_budget(body) is None
