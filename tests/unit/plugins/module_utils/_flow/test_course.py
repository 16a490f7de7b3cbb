# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen of an act while it was waited for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import Course, Target

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=timezone.utc)


def a_course() -> Course:
    return Course(Target("team-a", "web-1"))


def test_same_again_is_one_entry() -> None:
    course = a_course()
    for second in range(5):
        course.note_seen("waits for KubeVirt to end it", at=NOW + timedelta(seconds=second))

    assert course.timeline == [{"at": "2026-11-24T08:00:00Z", "phase": "", "what": "waits for KubeVirt to end it"}]


def test_other_phase_is_another_entry() -> None:
    course = a_course()
    for phase in ("Pending", "Scheduling", "Pending"):
        course.phase = phase
        course.note_seen("waits", at=NOW)

    assert [one["phase"] for one in course.timeline] == ["Pending", "Scheduling", "Pending"]


def test_of_very_many_the_first_and_the_last_are_kept() -> None:
    course = a_course()
    for number in range(1000):
        course.note_seen(f"{number}", at=NOW)

    whats = [one["what"] for one in course.timeline]
    assert (len(whats), whats[0], whats[-1]) == (60, "0", "999")
