# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a request is tried again, and after what pause.

This module is private to the collection and may change without notice.

A read, and a write that cannot be done twice (see `writing`), is repeated after any answer of the table and after a
lost one. Any other write only after an answer that says that nothing was done. Every wait is bounded, by the number of
attempts and by what is left of request_timeout; where the pause would not fit, the error comes at once and not after a
wait for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    ConnectionLost,
    Refused,
    TooManyRequests,
)

__all__ = ["ATTEMPTS", "RETRIED_STATUSES", "is_retried", "pause_seconds"]

ATTEMPTS: Final = 5

# Each with its why. Not here: 408 and 425 (the API server sends neither), 501 (stays so).
RETRIED_STATUSES: Final[Mapping[int, str]] = {
    429: "API Priority and Fairness, or the server's start-up: it asks to come again and says when",
    500: "etcd changes its leader, or a webhook or aggregated API was reached while it restarted",
    502: "the load balancer before the API servers met one that was just going away",
    503: "an API server that starts or stops, or an aggregated API without a ready endpoint",
    504: "the server's own time limit towards etcd or an aggregated API, under load",
}

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 4.0
_SHORTEST_RETRY_AFTER_SECONDS = 0.1
_LONGEST_RETRY_AFTER_SECONDS = 10.0


def is_retried(error: ClusterError, *, is_safe: bool = True) -> bool:
    """Whether asking again can help: a status of the table, or a connection that was cut (a load balancer's reset).

    Where repeating is not safe only 429 counts: the server sends it before it looks at the request.
    """
    if not is_safe:
        return isinstance(error, TooManyRequests)
    return isinstance(error, ConnectionLost) or (isinstance(error, Refused) and error.status in RETRIED_STATUSES)


def pause_seconds(*, attempt: int, retry_after: str | None) -> float:
    """Seconds before the next attempt: what the server asks for within limits, else doubling from a quarter second.

    `attempt` counts from 1. Only the number form of Retry-After is known: it is the only one that Kubernetes sends.
    """
    if retry_after is not None and retry_after.strip().isdecimal():
        asked = float(retry_after.strip()[:6])
        return min(max(asked, _SHORTEST_RETRY_AFTER_SECONDS), _LONGEST_RETRY_AFTER_SECONDS)
    return min(_FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), _LONGEST_PAUSE_SECONDS)
