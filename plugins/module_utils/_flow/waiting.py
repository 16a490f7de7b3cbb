# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of many that wait have to be looked at closely.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import Acting, Course

__all__ = ["LISTED_FROM", "due_for_a_look"]

# Up to so many are looked at one by one.
LISTED_FROM = 4


def due_for_a_look(
    acting: Acting, courses: Sequence[Course], /, *, may_wait_on: Callable[[Course], bool] | None
) -> list[Course]:
    """Of those that have not ended the ones to look at.

    One list in each namespace tells of those that only wait (`may_wait_on`) that they still do: fifty then cost one
    request a turn and not a hundred. None: all of them.
    """
    open_ones = [one for one in courses if one.outcome is None]
    if may_wait_on is None:
        return open_ones
    waiting = [one for one in open_ones if one.waited_for and may_wait_on(one)]
    if len(waiting) <= LISTED_FROM:
        return open_ones
    left = _unended(acting, waiting)
    return [one for one in open_ones if one not in waiting or one.target.uid not in left]


def _unended(acting: Acting, courses: Sequence[Course], /) -> set[str]:
    """UIDs of those that are there and have not ended; none of a namespace that could not be listed.

    Those that are gone from a list know it.
    """
    found: set[str] = set()
    for namespace in {one.target.namespace for one in courses}:
        names = [one.target.vm for one in courses if one.target.namespace == namespace]
        try:
            listed = acting.reads.reading.migrations_of(names, namespace=namespace)
        except ClusterError:
            continue
        found |= {one.meta.uid for one in listed if not one.is_final}
        there = {one.meta.uid: one for one in listed}
        for one in courses:
            if one.target.namespace == namespace and one.target.uid not in there:
                one.known = (None,)
            elif one.target.namespace == namespace and not there[one.target.uid].is_final:
                one.phase = there[one.target.uid].phase
                one.note_seen(f"waits {one.waited_for}", at=acting.now)
    return found
