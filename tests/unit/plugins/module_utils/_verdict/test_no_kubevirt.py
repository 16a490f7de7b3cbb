# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose KubeVirt object is gone while its migrations are still there: nothing is called fine unlooked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import KubeVirt
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement
from tests.unit.builders import a_kubevirt
from tests.unit.worlds import World, a_copy, a_world, node_down


def judged_without_kubevirt(world: World) -> Judgement:
    """As the API answers it: an empty list, which is no missing right."""
    snapshot = replace(world.snapshot(), kubevirt=None, lease=None, handlers={}, unseen={})
    return judge_snapshot(snapshot)[0]


@pytest.mark.parametrize("world", [a_copy(400), a_world("PreparingTarget", age_seconds=90)], ids=["copy", "preparing"])
def test_migration_is_unknown_and_says_what_is_not_there(world: World) -> None:
    found = judged_without_kubevirt(world)

    assert found.verdict == "unknown"
    assert "no KubeVirt object" in found.reason


def test_virt_controller_is_not_ruled_out() -> None:
    found = judged_without_kubevirt(a_world("Scheduled", age_seconds=61))

    assert "VirtControllerSilent" in {gap.code for gap in found.gaps}


def test_what_the_nodes_themselves_show_still_counts() -> None:
    found = judged_without_kubevirt(node_down("src"))

    assert (found.verdict, found.causes[0].code) == ("blocked", "SourceNodeDown")


def another(namespace: str) -> dict[str, Any]:
    found = a_kubevirt(per_cluster=1)
    return {**found, "metadata": {**found["metadata"], "name": "aaa", "namespace": namespace}}


def judged_with_two(world: World, *, namespace: str = "kubevirt") -> Judgement:
    """Two objects, of which KubeVirt acts on one; which one, nobody says."""
    kubevirt = KubeVirt.from_objects([another(namespace), a_kubevirt()])
    return judge_snapshot(replace(world.snapshot(), kubevirt=kubevirt, lease=None, unseen={}))[0]


def test_a_migration_that_waits_is_unknown_where_nobody_knows_the_limits() -> None:
    found = judged_with_two(a_world("Pending", age_seconds=200))

    assert found.verdict == "unknown"
    assert "there are 2 KubeVirt objects (kubevirt/aaa, kubevirt/kubevirt), and which one" in found.reason


def test_where_kubevirt_runs_is_not_guessed() -> None:
    found = judged_with_two(a_world("Scheduled", age_seconds=61), namespace="zzz")

    why = {gap.code: gap.why for gap in found.gaps}["VirtControllerSilent"]
    assert why.startswith("there are 2 KubeVirt objects (kubevirt/kubevirt, zzz/aaa)")


@pytest.mark.parametrize(("namespace", "kept"), [("kubevirt", "kubevirt"), ("zzz", "")], ids=["one place", "two"])
def test_of_two_objects_nothing_is_known_but_a_namespace_that_they_share(namespace: str, kept: str) -> None:
    found = KubeVirt.from_objects([a_kubevirt(), another(namespace)])

    assert found is not None
    assert (found.meta.namespace, found.settings, found.eviction_strategy) == (kept, None, None)
    assert KubeVirt.from_objects([]) is None
    assert KubeVirt.from_objects([a_kubevirt()]) == KubeVirt.from_object(a_kubevirt())
