# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight over spoilt objects: no traceback, and nothing spoilt ever makes a VM look better."""

from __future__ import annotations

import copy
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.preflight import render_outlooks
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.catalogue import VERDICTS
from tests.unit.builders import a_kubevirt, a_migration, a_policy
from tests.unit.draining import Drain, a_budget, a_guest, a_quota
from tests.unit.mangling import at, dropped, paths_of, replaced

CALM = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LISTS = ("vmis", "launchers", "nodes", "handlers", "leases", "policies", "budgets", "quotas", "migrations")
STRANGE: list[Any] = [7, "x", [], {}, True, 1.5, [7], {"x": 7}, 10**30, "日本", "9999-99-99T00:00:00Z"]
# Numbers and text are both amounts.
NO_AMOUNTS: list[Any] = [[], {}, True, [7]]
AMOUNTS = ("requests", "hard", "used")
QUOTA = a_quota({"requests.memory": "100Gi"}, {"requests.memory": "9Gi"})
POLICY = a_policy(vmi={}, bandwidthPerMigration="64Mi", completionTimeoutPerGiB=150)
STUCK = a_migration("Pending", age_seconds=900)

DRAINS = {
    "would_migrate": Drain(quotas=[QUOTA], policies=[POLICY]),
    "would_stop": Drain(vmis=[a_guest(strategy="None")]),
    "budget": Drain(vmis=[a_guest(strategy="None")], budgets=[a_budget()]),
    "stuck": Drain(vmis=[a_guest(selinuxContext="")], migrations=[STUCK]),
    "quota": Drain(quotas=[a_quota({"requests.memory": "16Gi"}, {"requests.memory": "9Gi"})]),
    "zero": Drain(kubevirt=a_kubevirt(per_cluster=0)),
}


def spoil(drain: Drain, random: Random, change: Any) -> Drain:
    """One place of one object changed."""
    kind = random.choice([name for name in LISTS if getattr(drain, name)])
    items = copy.deepcopy(getattr(drain, kind))
    number = random.randrange(len(items))
    path = random.choice([one for one in paths_of(items[number]) if one])
    items[number] = change(items[number], path)
    return replace(drain, **{kind: items})


@CALM
@given(st.sampled_from(sorted(DRAINS)), st.randoms(use_true_random=False), st.sampled_from(STRANGE))
def test_no_object_makes_a_traceback_and_each_verdict_is_said(name: str, random: Random, value: Any) -> None:
    for change in (dropped, lambda obj, path: replaced(obj, path, value)):
        for entry in render_outlooks(spoil(DRAINS[name], random, change).judge()):
            assert entry["verdict"] in VERDICTS
            assert entry["summary"]


@CALM
@given(st.randoms(use_true_random=False), st.sampled_from(["stuck", "quota", "zero"]))
def test_a_value_of_another_type_never_lets_a_held_vm_go(random: Random, name: str) -> None:
    def change(obj: Any, path: tuple[Any, ...]) -> Any:
        old = at(obj, path)
        allowed = NO_AMOUNTS if len(path) > 1 and path[-2] in AMOUNTS else STRANGE
        return replaced(obj, path, random.choice([new for new in allowed if type(new) is not type(old)]))

    found = [one.verdict for one in spoil(DRAINS[name], random, change).judge().outlooks]
    assert "would_migrate" not in found


@CALM
@given(st.randoms(use_true_random=False))
def test_order_of_lists_means_nothing(random: Random) -> None:
    drain = DRAINS["would_migrate"]
    nodes, handlers = list(drain.nodes), list(drain.handlers)
    random.shuffle(nodes)
    random.shuffle(handlers)
    before, after = (one.judge() for one in (drain, replace(drain, nodes=nodes, handlers=handlers)))

    assert render_outlooks(before) == render_outlooks(after)


@pytest.mark.parametrize("name", sorted(DRAINS))
def test_the_worlds_are_what_they_are_called(name: str) -> None:
    verdict = DRAINS[name].only().verdict

    assert verdict == {"would_migrate": name, "would_stop": name}.get(name, "would_not_migrate")
