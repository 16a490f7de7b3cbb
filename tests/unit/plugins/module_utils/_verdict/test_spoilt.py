# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as no API server sends them, one by one; what holds of all of them stands in test_properties."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import STUCK
from tests.unit import worlds
from tests.unit.mangling import Path, paths_of, replaced, with_object
from tests.unit.table import TABLE
from tests.unit.worlds import a_copy, a_world

STUCK_ROWS = sorted(name for name, (_build, verdict, _cause) in TABLE.items() if verdict in STUCK)
SPOILT_ONES: dict[str, tuple[str, Path, Any]] = {
    "lease without a time": ("leases", ("spec", "renewTime"), 5),
    "heartbeat": ("nodes", ("metadata", "annotations", "kubevirt.io/heartbeat"), 5),
    "annotations of a node": ("nodes", ("metadata", "annotations"), []),
    "reason of an event": ("events", ("reason",), 5),
    "object of an event": ("events", ("involvedObject", "uid"), 5),
    "label of the target pod": ("pods", ("metadata", "labels", "kubevirt.io/created-by"), 5),
    "labels of a pod": ("pods", ("metadata", "labels"), "x"),
}


@pytest.mark.parametrize("spoilt", SPOILT_ONES.values(), ids=SPOILT_ONES.keys())
@pytest.mark.parametrize("name", STUCK_ROWS)
def test_spoilt_surroundings_never_make_a_stuck_one_fine(name: str, spoilt: tuple[str, Path, Any]) -> None:
    kind, path, value = spoilt
    world = TABLE[name][0]()
    for place, found in enumerate(getattr(world, kind)):
        if path in paths_of(found):
            verdict = with_object(world, (kind, place), replaced(found, path, value)).first().verdict
            assert verdict not in ("progressing", "queued", "succeeded")


@pytest.mark.parametrize("phase", [5, "Preparing", None, ["Running"]], ids=str)
def test_holder_with_an_unreadable_phase_may_hold_the_last_slot(phase: Any) -> None:
    world = worlds.queue(a_copy(vm="one"), per_cluster=1, age_seconds=20)
    world.migrations[1]["status"]["phase"] = phase
    world.migrations[1]["metadata"]["creationTimestamp"] = "soon"

    found = world.first()

    assert found.verdict == "unknown"
    assert "it is not known whether team-a/one holds a slot" in found.reason


@pytest.mark.parametrize("kind", ["creationTimestamp", "deletionTimestamp"])
def test_times_in_the_future_are_no_ages(kind: str) -> None:
    world = a_world("Scheduled", deleted_seconds=10)
    world.migration["metadata"][kind] = "2026-11-23T08:01:01Z"

    assert "its times lie in the future" in world.first().reason


@pytest.mark.parametrize("value", [None, 5, "text", [], {}], ids=repr)
def test_what_is_no_migration_is_unknown_with_the_reason(value: Any) -> None:
    world = a_copy()
    world.migrations = [value, *world.migrations]

    first, second = world.judge()

    assert (first.verdict, second.verdict) == ("unknown", "progressing")
    assert "spec.vmiName is missing" in first.reason
