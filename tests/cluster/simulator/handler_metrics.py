# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What virt-handler tells of the copies that leave its node, as KubeVirt 1.9 names it.

Facts: pkg/monitoring/metrics/virt-handler/migrationdomainstats: each copy is polled every 5 s into a ring of ten, with
the time of the poll. A scrape gives the whole ring, and turns it by one place: the call that should empty it
(ring.Unlink of the ring's own length) removes nothing, as running it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from .api import Object
from .copying import Figures, MemoryCopy
from .machines import memory_bytes
from .scenario import Copying

__all__ = ["POLL_SECONDS", "RingOfTen", "WatchedCopy", "exposition", "history", "watched"]

POLL_SECONDS = 5
_MIB = 2**20
_RING = 10
# Figure, metric and type, as migrationstats_collector.go has them.
_FAMILIES = (
    ("total", "kubevirt_vmi_migration_data_bytes_total", "counter"),
    ("remaining", "kubevirt_vmi_migration_data_remaining_bytes", "gauge"),
    ("processed", "kubevirt_vmi_migration_data_processed_bytes", "gauge"),
    ("dirty_rate", "kubevirt_vmi_migration_dirty_memory_rate_bytes", "gauge"),
    ("transfer_rate", "kubevirt_vmi_migration_memory_transfer_rate_bytes", "gauge"),
)


@dataclass(frozen=True)
class WatchedCopy:
    """A copy that virt-handler on `node` polls. `started` is a Unix time."""

    namespace: str
    name: str
    node: str
    started: float
    shape: Mapping[str, Any]

    def measure(self, at: float) -> Figures | None:
        """What a poll then gives; None once the copy has ended."""
        return MemoryCopy(**self.shape).after(at - self.started)

    def polls(self, *, after: float, until: float) -> list[float]:
        """The times of the polls in between, the last one included."""
        first = max(0, int((after - self.started) // POLL_SECONDS) + 1)
        last = int((until - self.started) // POLL_SECONDS)
        return [self.started + number * POLL_SECONDS for number in range(first, last + 1)]


def watched(vmi: Object, *, copying: Copying) -> dict[str, Any]:
    """The copy of this VMI as a plan has it, which is written as JSON."""
    meta, state = vmi["metadata"], vmi["status"]["migrationState"]
    shape = MemoryCopy(
        memory=memory_bytes(vmi["spec"]["domain"]["memory"]["guest"]),
        transfer=copying.transfer * _MIB,
        dirty=copying.dirty * _MIB,
        working_set=None if copying.working_set is None else copying.working_set * _MIB,
        begins_after=copying.begins_after,
        stops_after=copying.stops_after,
    )
    started = datetime.strptime(state["startTimestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    found = WatchedCopy(meta["namespace"], meta["name"], state["sourceNode"], started.timestamp(), asdict(shape))
    return asdict(found)


class RingOfTen:
    """The last ten polls of one copy, as virt-handler keeps them."""

    def __init__(self, copy: WatchedCopy) -> None:
        self._copy = copy
        self._slots: list[float | None] = [None] * _RING
        self._next = 0
        self._polled = copy.started - 1

    def scrape(self, now: float) -> list[float]:
        """The times of the polls that a scrape tells, in the ring's own order."""
        for at in self._copy.polls(after=self._polled, until=now):
            self._slots[self._next] = at
            self._next = (self._next + 1) % _RING
            self._polled = at
        ordered = [*self._slots[self._next :], *self._slots[: self._next]]
        self._next = (self._next + 1) % _RING
        return [at for at in ordered if at is not None]


def exposition(told: Iterable[tuple[WatchedCopy, Iterable[float]]]) -> str:
    """The metrics of these copies at these times, in the text format."""
    rows = [(copy, at, copy.measure(at)) for copy, times in told for at in times]
    lines = []
    for figure, metric, kind in _FAMILIES:
        lines.append(f"# TYPE {metric} {kind}")
        for copy, at, figures in rows:
            if figures is not None:
                labels = f'name="{copy.name}",namespace="{copy.namespace}",node="{copy.node}"'
                lines.append(f"{metric}{{{labels}}} {float(getattr(figures, figure))!r} {round(at * 1000)}")
    return "\n".join(lines) + "\n"


def history(copies: Iterable[WatchedCopy], *, now: datetime, seconds: int = 900) -> str:
    """Everything that was measured in the last `seconds`: what a Prometheus that was there all the while has read."""
    until, since = now.timestamp(), (now - timedelta(seconds=seconds)).timestamp()
    return exposition((copy, copy.polls(after=max(since, copy.started - 1), until=until)) for copy in copies)
