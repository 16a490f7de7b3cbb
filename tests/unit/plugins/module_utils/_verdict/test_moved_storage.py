# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a copy may take that moves disks too: as KubeVirt counts it, or no deadline and why."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import copy_limit
from tests.unit.builders import Object
from tests.unit.worlds import World, a_copy

CLAIM = {"name": "root", "persistentVolumeClaim": {"claimName": "root"}}


def moved(capacity: Any, request: Any, *, name: str = "root") -> Object:
    info = {"claimName": f"old-{name}", "capacity": {"storage": capacity}, "requests": {"storage": request}}
    return {"volumeName": name, "sourcePVCInfo": info, "destinationPVCInfo": {"claimName": f"new-{name}"}}


def copying(*volumes: Object, moves: Any = (), method: str = "BlockMigration", **metadata: Any) -> World:
    """8 GiB of memory, which are 9 GB."""
    world = a_copy(60)
    world.vmi["spec"]["volumes"] = list(volumes)
    world.vmi["status"] |= {"migrationMethod": method, "migratedVolumes": list(moves)}
    world.vmi["metadata"] |= metadata
    return world


def limit(world: World) -> tuple[int | None, str]:
    return copy_limit(world.first().case)


def test_volumes_that_move_are_counted_with_the_memory_and_rounded_up_once() -> None:
    # 8 GiB and 10 GiB are 19.3 GB: together 20, apart 9 and 11.
    assert limit(copying(CLAIM, moves=[moved("10Gi", "10Gi")])) == (
        3000,
        "20 GB of guest memory and moving volumes x 150 s",
    )


@pytest.mark.parametrize(
    ("moves", "gigabytes"),
    [
        ([moved("20Gi", "10Gi")], 20),
        ([moved("10Gi", "20Gi")], 20),
        ([moved("10Gi", "10Gi"), moved("1G", "1G", name="data")], 21),
        ([{"volumeName": "root", "destinationPVCInfo": {"capacity": {"storage": "10Gi"}}}], 9),
        ([{"volumeName": "root", "sourcePVCInfo": {"capacity": {"storage": "10Gi"}}}], 9),
        ([], 9),
    ],
    ids=["larger than asked for", "smaller than asked for", "two", "no source", "no request", "none"],
)
def test_of_each_volume_the_lesser_of_request_and_capacity_counts(moves: list[Object], gigabytes: int) -> None:
    assert limit(copying(CLAIM, moves=moves))[0] == gigabytes * 150


@pytest.mark.parametrize(
    "volume",
    [
        {"name": "root", "containerDisk": {"image": "disk"}},
        {"name": "root", "cloudInitNoCloud": {"userData": "x"}},
        {"name": "root", "ephemeral": {"persistentVolumeClaim": {"claimName": "a"}}},
        {"name": "root", "something-new": {}},
    ],
    ids=["container disk", "cloud-init", "ephemeral", "unknown"],
)
def test_disks_that_only_the_launcher_can_measure_leave_no_deadline(volume: Object) -> None:
    said = (None, "KubeVirt counts in disks that only the launcher can measure (root)")
    assert limit(copying(volume, moves=[moved("10Gi", "10Gi")])) == said
    # KubeVirt looks at them for a block migration only: as a read-only disk they are not copied.
    assert limit(copying(volume, method="LiveMigration"))[0] == 1350


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        (copying(CLAIM), True),
        (copying(CLAIM, method="LiveMigration", moves=[moved("1Gi", "1Gi")]), True),
        (copying(CLAIM, method="LiveMigration"), False),
    ],
    ids=["block", "volumes", "memory alone"],
)
def test_storage_moves_with_the_method_or_with_volumes(world: World, expected: bool) -> None:
    vmi = world.first().case.vmi
    assert vmi is not None
    assert vmi.moves_storage is expected


def test_ignition_data_lie_with_those_disks() -> None:
    seconds, why = limit(copying(CLAIM, annotations={"kubevirt.io/ignitiondata": "{}"}))
    assert (seconds, "its ignition data" in why) == (None, True)


def test_disks_elsewhere_cost_nothing() -> None:
    volumes = [
        {"name": "a", "emptyDisk": {"capacity": "9Gi"}},
        {"name": "b", "secret": {}},
        {"name": "c", "dataVolume": {}},
    ]
    assert limit(copying(*volumes)) == (1350, "9 GB of guest memory x 150 s")


@pytest.mark.parametrize("size", ["much", "-", "1e999"])
def test_size_that_cannot_be_read_leaves_no_deadline(size: str) -> None:
    assert limit(copying(CLAIM, moves=[moved(size, "10Gi")])) == (
        None,
        "the size of the volumes that move is not readable",
    )


@pytest.mark.parametrize(
    "spoil",
    [
        {"migratedVolumes": 5},
        {"migratedVolumes": [5]},
        {"migratedVolumes": [{"sourcePVCInfo": 5}]},
        {"migratedVolumes": [moved(True, "1Gi")]},
        {"migrationMethod": 5},
    ],
    ids=["list", "item", "claim", "size", "method"],
)
def test_spoilt_storage_is_not_judged(spoil: Object) -> None:
    world = copying(CLAIM)
    world.vmi["status"] |= spoil
    assert world.first().verdict == "unknown"


def test_copy_past_the_limit_of_its_volumes_is_overdue() -> None:
    world = copying(CLAIM, moves=[moved("10Gi", "10Gi")])
    assert world.first().verdict == "progressing"
    late = a_copy(3001)
    late.vmi["status"] |= world.vmi["status"] | {"migrationState": late.state}
    assert (late.first().verdict, late.first().seconds_left) == ("overdue", -1)
