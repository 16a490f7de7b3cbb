# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a capture was taken, by the times that the cluster itself wrote into its objects.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import HEARTBEAT
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import parse_timestamp

__all__ = ["newest_time"]

# Fields that are written with the time of the writing. A deletionTimestamp or a certificate's end lies ahead.
_WRITTEN: Final = frozenset(
    {
        *("creationTimestamp", "lastTransitionTime", "lastHeartbeatTime", "lastProbeTime"),
        *("lastTimestamp", "eventTime"),
        *("renewTime", "acquireTime", "startTimestamp", "endTimestamp", "phaseTransitionTimestamp", "startTime"),
        *("startedAt", "finishedAt", HEARTBEAT),
    }
)


def newest_time(objects: Iterable[Mapping[str, Any]], /) -> datetime | None:
    """The newest of these times: the capture is at least as new. None where there is none."""
    return max((moment for obj in objects for moment in _times(obj)), default=None)


def _times(obj: Any) -> Iterator[datetime]:
    waiting = [obj]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            for key, value in one.items():
                if isinstance(value, (Mapping, list)):
                    waiting.append(value)
                elif key in _WRITTEN and (moment := parse_timestamp(value)) is not None:
                    yield moment
        elif isinstance(one, list):
            waiting += one
