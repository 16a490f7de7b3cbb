# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running copies with the figures that virt-handler would tell of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.exposition import Point
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import progress_of
from tests.cluster.simulator.copying import MemoryCopy
from tests.unit.builders import NAMESPACE, NOW
from tests.unit.worlds import World, a_copy

MIB, GIB = 2**20, 2**30
NAMES = {
    "remaining": "kubevirt_vmi_migration_data_remaining_bytes",
    "processed": "kubevirt_vmi_migration_data_processed_bytes",
    "total": "kubevirt_vmi_migration_data_bytes_total",
    "transfer_rate": "kubevirt_vmi_migration_memory_transfer_rate_bytes",
    "dirty_rate": "kubevirt_vmi_migration_dirty_memory_rate_bytes",
}


def points_of(copy: MemoryCopy, *, vm: str = "web-1", started_seconds: int, history: int = 600) -> list[Point]:
    """What virt-handler told every 5 s of a copy that started so long ago, as far back as `history`."""
    found = []
    for age in range(min(started_seconds, history), -1, -5):
        figures = copy.after(started_seconds - age)
        labels = {"namespace": NAMESPACE, "name": vm, "node": f"src-{vm}"}
        for name, metric in NAMES.items() if figures else ():
            found.append(Point(metric, labels, float(getattr(figures, name)), NOW - timedelta(seconds=age)))
    return found


def measure(world: World, points: list[Point], *, source: str = "prometheus") -> World:
    """The same, with these figures read."""
    world.progress = progress_of(points, source=source, read_at=NOW)
    return world


def a_measured_copy(
    seconds: int, transfer: float, dirty: float, *, vm: str = "web-1", history: int = 600, gib: int = 8, **more: Any
) -> World:
    """Copied for so long at these rates in MiB/s. `more`: parts of MemoryCopy, or fields of the state."""
    shape = {name: more.pop(name) for name in ("working_set", "begins_after", "stops_after") if name in more}
    copy = MemoryCopy(gib * GIB, round(transfer * MIB), round(dirty * MIB), **shape)
    world = a_copy(seconds, vm=vm, memory=f"{gib}Gi", **more)
    return measure(world, points_of(copy, vm=vm, started_seconds=seconds, history=history))


def configured(**settings: Any) -> dict[str, Any]:
    """migrationConfiguration with these settings changed."""
    return {"completionTimeoutPerGiB": 150, "progressTimeout": 150, "bandwidthPerMigration": "0", **settings}


def not_converging(*, vm: str = "web-1") -> World:
    """8 GiB at 64 MiB/s, of which the guest writes 80."""
    return a_measured_copy(500, 64, 80, vm=vm)


def capped(*, vm: str = "web-1") -> World:
    """A cap of 40 MiB/s, a guest that writes 38: 2 MiB/s are less than the 6.8 that 150 s for each GiB need."""
    return a_measured_copy(600, 40, 38, vm=vm, migrationConfiguration=configured(bandwidthPerMigration="40Mi"))


def no_flow(*, vm: str = "web-1") -> World:
    """Nothing flows any more since 60 s after the start."""
    return a_measured_copy(200, 64, 0, vm=vm, stops_after=60)


def slow(*, vm: str = "web-1") -> World:
    """64 MiB/s against 40: it ends in time."""
    return a_measured_copy(310, 64, 48, vm=vm)


def slow_and_late(*, vm: str = "web-1") -> World:
    """Nothing flowed for its first 900 s: now it converges, but KubeVirt will not wait for its end."""
    return a_measured_copy(1200, 32, 20, vm=vm, begins_after=900)
