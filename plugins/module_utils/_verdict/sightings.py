# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cause functions look at alike: events about one object, and pods that may not be read.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import Event
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import HOLD_SECONDS, Gap

__all__ = ["events_unseen", "is_still_tried", "newest", "pods_unseen", "since_first", "unreadable_event"]

# A controller tries again after as long as it has tried before, and a little.
_SLACK_SECONDS = 60

_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


def newest(events: Sequence[Event], /) -> Event | None:
    """The event that was seen last; None of none. One without a time counts as the oldest."""
    return max(events, key=lambda event: (event.last_at or _LONG_AGO, event.meta.name)) if events else None


def since_first(events: Sequence[Event], /) -> datetime | None:
    """When the first of them was seen first; None where no time is readable."""
    return min((event.first_at for event in events if event.first_at), default=None)


def is_still_tried(events: Sequence[Event], /, *, now: datetime) -> bool:
    """Whether what these events say still goes wrong, as its next try is not long over.

    Controllers try again after ever longer pauses, each about as long as all before it: a single failure says nothing
    a minute later. True where a time is not readable.
    """
    first, last = since_first(events), max((event.last_at for event in events if event.last_at), default=None)
    if first is None or last is None or any(event.problems for event in events):
        return True
    return (now - last).total_seconds() <= (last - first).total_seconds() + _SLACK_SECONDS


def pods_unseen(case: Case, code: str, /, *, after: int = HOLD_SECONDS["no"]) -> Gap | None:
    """The gap `code` where launcher pods or VMIs of its namespace may not be read."""
    namespace = case.migration.meta.namespace
    rules = case.snapshot.unseen_for("pods", namespace=namespace) or case.snapshot.unseen_for(
        "vmis", namespace=namespace
    )
    return Gap(code, rules, after) if rules else None


def events_unseen(case: Case, code: str, /, *, after: int = HOLD_SECONDS["no"]) -> Gap | None:
    """The gap `code` where events of its namespace may not be read."""
    rules = case.snapshot.unseen_for("events", namespace=case.migration.meta.namespace)
    return Gap(code, rules, after) if rules else None


def unreadable_event(case: Case, code: str, /, *, uid: str, after: int = HOLD_SECONDS["no"]) -> Gap | None:
    """The gap `code` where an event that may be about the object with `uid` cannot be read."""
    for event in case.snapshot.unreadable_events:
        if event.about_uid in ("", uid):
            why = f"Event {event.meta.namespace}/{event.meta.name}: {event.problems[0]}"
            return Gap(code, (), after_seconds=after, why=why)
    return None
