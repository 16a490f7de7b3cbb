# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock as one object, so that tests can hand in another.

This module is private to the collection and may change without notice. It is the one place in the collection that
reads a clock or sleeps.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone

__all__ = ["Clock"]


class Clock:
    """The machine's clock. Tests replace it by an object with the same three methods."""

    def now(self) -> datetime:
        """This machine's wall clock as an aware UTC datetime; the cluster's own time is `Client.server_time`."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Seconds that only grow, for deadlines."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; a negative number is no wait."""
        time.sleep(max(0.0, seconds))
