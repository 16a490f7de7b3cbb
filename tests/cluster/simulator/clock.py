# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's clock: the wall clock, and how long things take in a demo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

__all__ = ["Clock", "micro", "moment", "stamp"]


def stamp(at: datetime) -> str:
    """`2026-11-23T08:00:00Z`, as metav1.Time is written."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro(at: datetime) -> str:
    """`2026-11-23T08:00:00.123456Z`, as metav1.MicroTime is written (Lease)."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str | None) -> datetime | None:
    """The time in a timestamp of the API; None where there is none."""
    if not text:
        return None
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@dataclass
class Clock:
    """`factor` 60 makes a copy of ten minutes last ten seconds; what is written always is the true time."""

    factor: float = 1.0

    def now(self) -> datetime:
        """The present moment, to the second as KubeVirt writes it."""
        return datetime.now(timezone.utc).replace(microsecond=0)

    def lasts(self, seconds: float) -> timedelta:
        """How long something of so many seconds takes here."""
        return timedelta(seconds=seconds / self.factor)
