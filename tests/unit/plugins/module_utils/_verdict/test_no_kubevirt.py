# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose KubeVirt object is gone while its migrations are still there: nothing is called fine unlooked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement
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
