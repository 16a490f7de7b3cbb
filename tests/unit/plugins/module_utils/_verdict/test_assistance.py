# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What KubeVirt does at the deadline of a copy where it may disrupt the guest."""

from __future__ import annotations

import pytest

from tests.unit import copies
from tests.unit.worlds import World, cause_of, judged

POST_COPY, PAUSE = {"allowPostCopy": True}, {"allowWorkloadDisruption": True}
AT_THE_DEADLINE = {
    "post-copy": (POST_COPY, "yes", "KubeVirt goes over to post-copy."),
    "post-copy without disruption": (POST_COPY | {"allowWorkloadDisruption": False}, "no", ""),
    "pause": (PAUSE, "maybe", "KubeVirt suspends the guest, so that the copy can end."),
    "no deadline": (POST_COPY | {"completionTimeoutPerGiB": 0}, "no", ""),
}


def under(world: World, **changed: object) -> World:
    """The same, whose hand-off settled these too."""
    world.state["migrationConfiguration"] = {**world.state["migrationConfiguration"], **changed}
    return world


@pytest.mark.parametrize("row", AT_THE_DEADLINE.values(), ids=AT_THE_DEADLINE.keys())
def test_copy_that_does_not_converge_says_what_its_deadline_brings(row: tuple[dict[str, object], str, str]) -> None:
    settings, cures, words = row

    cause = cause_of(under(copies.not_converging(), **settings), "NotConverging")

    assert cause is not None
    assert cause.time_cures == cures
    assert ("at its deadline, 2026-11-23T08:" in cause.summary) == bool(words)
    assert cause.summary.endswith(words or "leave the source.") or not words


@pytest.mark.parametrize(("settings", "cures"), [(POST_COPY, "yes"), (PAUSE, "maybe")], ids=["post-copy", "pause"])
def test_copy_too_slow_for_its_time_is_not_blocked_where_kubevirt_ends_it(
    settings: dict[str, object], cures: str
) -> None:
    world = under(copies.capped(), **settings)

    assert judged(copies.capped()) == ("blocked", "BandwidthTooLow")
    assert judged(world) == ("progressing", "BandwidthTooLow")
    cause = cause_of(world, "BandwidthTooLow")
    assert cause is not None
    assert cause.time_cures == cures


@pytest.mark.parametrize(("settings", "late"), [({}, "yes"), (POST_COPY, ""), (PAUSE, "")], ids=["no", "post", "pause"])
def test_slow_copy_that_kubevirt_ends_otherwise_is_not_called_aborted(settings: dict[str, object], late: str) -> None:
    cause = cause_of(under(copies.slow_and_late(), **settings), "SlowButConverging")

    assert cause is not None
    assert cause.names["late"] == late
    assert ("at its deadline" in cause.summary) == (not late)
