# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which event was the last, and what of events and pods may not or cannot be read."""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import Event
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.sightings import newest, pods_unseen
from tests.unit import held
from tests.unit.builders import NAMESPACE, an_event
from tests.unit.mangling import RULES, hide
from tests.unit.worlds import a_copy


def event(reason: str, *, last: int) -> Event:
    return Event.from_object(an_event("uid", reason, first_seconds=100, last_seconds=last))


def test_newest_is_the_one_that_was_seen_last() -> None:
    first, last = event("Zebra", last=50), event("Ant", last=5)

    assert newest([first, last]) is newest([last, first]) is last


def test_of_events_of_one_second_the_last_by_name_is_the_newest() -> None:
    first, last = event("Ant", last=5), event("Zebra", last=5)

    assert newest([first, last]) is newest([last, first]) is last


def test_event_without_a_time_is_the_oldest() -> None:
    raw = an_event("uid", "Zebra")
    raw |= {"firstTimestamp": None, "lastTimestamp": None}
    del raw["metadata"]["creationTimestamp"]
    other = event("Ant", last=90000)

    assert newest([Event.from_object(raw), other]) is other


def test_pods_are_unseen_where_the_vm_is_that_they_are_found_by() -> None:
    topic = f"vmis/{NAMESPACE}"
    case = judge_snapshot(hide(a_copy().snapshot(), [topic]))[0].case

    assert pods_unseen(case, "SyncFailed") == Gap("SyncFailed", (RULES[topic],))


def test_first_problem_of_an_event_is_said() -> None:
    world = held.sync_failed()
    world.events[1] |= {"reason": 5, "message": 6}

    whys = {gap.code: gap.why for gap in world.first().gaps}

    assert whys["SyncFailed"] == "Event team-a/vmi-web-1.SyncFailed: reason is not a string"
