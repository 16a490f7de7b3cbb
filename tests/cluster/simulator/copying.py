# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How QEMU copies memory and what it tells of it: passes, each over what the guest wrote during the one before.

What remains falls during a pass and rises where the next begins; the dirty rate is told from the second pass on, and
counts each page once however often the guest wrote it during the pass. A copy
whose connection hangs keeps its last transfer rate, as the thread that would measure it waits.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Figures", "MemoryCopy"]

# QEMU hands over once what remains takes no longer than this.
_DOWNTIME_SECONDS = 0.3


@dataclass(frozen=True)
class Figures:
    """What QEMU tells at one moment, in bytes and bytes a second."""

    remaining: int
    processed: int
    total: int
    transfer_rate: int
    dirty_rate: int


@dataclass(frozen=True)
class MemoryCopy:
    """A guest of `memory` bytes copied at `transfer` bytes a second, that writes `dirty` within `working_set` bytes.
    Nothing flows before `begins_after` seconds, and nothing any more from `stops_after` on."""

    memory: int
    transfer: int
    dirty: int
    working_set: int | None = None
    begins_after: float = 0
    stops_after: float | None = None

    def after(self, seconds: float) -> Figures | None:
        """So many seconds after its start; None once it has ended."""
        if self.stops_after is not None:
            seconds = min(seconds, self.stops_after)
        seconds = max(0.0, seconds - self.begins_after)
        size, elapsed, written = float(self.memory), 0.0, 0.0
        while size / self.transfer < seconds - elapsed:
            duration = size / self.transfer
            elapsed += duration
            size = min(self.dirty * duration, float(self.working_set or self.memory))
            written = size / duration
            if size / self.transfer <= _DOWNTIME_SECONDS:
                return None
        return Figures(
            remaining=round(size - self.transfer * (seconds - elapsed)),
            processed=round(self.transfer * seconds),
            total=self.memory,
            transfer_rate=self.transfer,
            dirty_rate=round(written),
        )
