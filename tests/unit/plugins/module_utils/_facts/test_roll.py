# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roll of a watch: each end is told once, whatever was missed in between, and it stays as small as it says."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.roll import Ended, Roll


def a_migration(number: int = 1, phase: str = "Running", **more: Any) -> dict[str, Any]:
    return {
        "kind": "VirtualMachineInstanceMigration",
        "metadata": {"namespace": "team-a", "name": f"mig-{number}", "uid": f"{number:036d}", **more},
        "spec": {"vmiName": f"web-{number}"},
        "status": {"phase": phase},
    }


def listed(roll: Roll, *objects: dict[str, Any]) -> list[str]:
    """A whole list; what it tells, as name and how it ended."""
    roll.begin_list()
    told = [roll.note_listed(obj) for obj in objects]
    return [f"{one.migration.name} {one.how}" for one in [*told, *roll.end_list()] if one is not None]


def test_what_was_over_before_the_first_list_is_no_news() -> None:
    roll = Roll()

    assert listed(roll, a_migration(1, "Succeeded"), a_migration(2)) == []
    assert ([known.vm for known in roll.active.values()], roll.finished) == (["web-2"], 1)


def test_end_is_told_once() -> None:
    roll = Roll()
    listed(roll, a_migration())
    ended = a_migration(phase="Failed")

    assert [roll.note(ended) is not None, roll.note(ended) is not None, roll.drop(ended) is not None] == [
        True,
        False,
        False,
    ]
    assert (roll.active, roll.finished) == ({}, 0)


def test_what_is_deleted_before_its_end_was_seen_is_gone() -> None:
    roll = Roll()
    listed(roll, a_migration(1), a_migration(2))

    assert roll.drop(a_migration(1)).how == "gone"  # type: ignore[union-attr]
    assert listed(roll) == ["mig-2 gone"]


def test_what_began_and_ended_while_nobody_watched_is_told() -> None:
    roll = Roll()
    listed(roll, a_migration(1))

    assert listed(roll, a_migration(1), a_migration(2, "Succeeded")) == ["mig-2 succeeded"]
    assert listed(roll, a_migration(1), a_migration(2, "Succeeded")) == []


def test_list_that_was_broken_off_loses_nothing() -> None:
    roll = Roll()
    listed(roll, a_migration(1), a_migration(2))
    roll.begin_list()
    first = roll.note_listed(a_migration(1, "Failed"))

    assert first is not None
    assert listed(roll, a_migration(1, "Failed"), a_migration(2, "Failed")) == ["mig-2 failed"]


def test_first_list_that_was_broken_off_loses_no_end() -> None:
    roll = Roll()
    roll.begin_list()
    roll.note_listed(a_migration(1))

    assert listed(roll, a_migration(1, "Succeeded")) == ["mig-1 succeeded"]


def test_object_without_uid_is_left_out() -> None:
    roll = Roll()

    assert (roll.note({"metadata": {}}), roll.drop({}), roll.active) == (None, None, {})


# One of five migrations goes on, ends or is deleted; and whether the watch sees it.
STEPS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["begin", "end", "delete"]), st.booleans()), max_size=60)


class World:
    """Migrations, a watch that misses some changes, and how often each end was told."""

    def __init__(self) -> None:
        self.roll, self.objects, self.serial = Roll(), {}, 0
        self.told: Counter[str] = Counter()
        self.ended: set[str] = set()

    def note(self, *found: Ended | None) -> None:
        self.told.update(one.migration.uid for one in found if one is not None)

    def relist(self) -> None:
        self.roll.begin_list()
        self.note(*[self.roll.note_listed(obj) for obj in self.objects.values()])
        self.note(*self.roll.end_list())

    def begin(self, slot: int, *, is_seen: bool) -> None:
        self.serial += 1
        self.objects[slot] = a_migration(self.serial)
        self.note(self.roll.note(self.objects[slot]) if is_seen else None)

    def end(self, slot: int, *, is_seen: bool) -> None:
        self.objects[slot] = {**self.objects[slot], "status": {"phase": "Failed"}}
        self.ended.add(self.objects[slot]["metadata"]["uid"])
        self.note(self.roll.note(self.objects[slot]) if is_seen else None)

    def delete(self, slot: int, *, is_seen: bool) -> None:
        obj = self.objects.pop(slot)
        self.ended.add(obj["metadata"]["uid"])
        self.note(self.roll.drop(obj) if is_seen else None)

    def can(self, slot: int, what: str) -> bool:
        there = self.objects.get(slot)
        return there is None if what == "begin" else there is not None and (what == "delete" or not is_over(there))


def is_over(obj: dict[str, Any]) -> bool:
    return bool(obj["status"]["phase"] == "Failed")


@given(STEPS)
def test_each_end_is_told_once_whatever_the_watch_misses(steps: list[tuple[int, str, bool]]) -> None:
    world, has_missed = World(), False
    world.relist()
    for slot, what, is_seen in steps:
        if is_seen and has_missed:
            # Who has missed something gets no more changes, but 410 and then the list.
            world.relist()
            has_missed = False
        if world.can(slot, what):
            getattr(world, what)(slot, is_seen=is_seen)
            has_missed = has_missed or not is_seen
    world.relist()

    there = {obj["metadata"]["uid"] for obj in world.objects.values()}
    assert set(world.told.values()) <= {1}
    assert set(world.told) <= world.ended
    # Only what began and was deleted while nobody watched leaves nothing that could be told of.
    assert not (world.ended - set(world.told)) & there
    assert world.roll.finished == sum(is_over(obj) for obj in world.objects.values())
    assert len(world.roll.active) == len(world.objects) - world.roll.finished


def test_what_was_under_way_before_a_gap_is_always_told() -> None:
    world = World()
    for slot in range(3):
        world.begin(slot, is_seen=True)
    for slot in range(3):
        world.delete(slot, is_seen=False)
    world.relist()

    assert world.told == Counter(world.ended)


def test_fifty_thousand_finished_migrations_take_a_few_megabytes() -> None:
    roll = Roll()
    tracemalloc.start()
    try:
        roll.begin_list()
        for number in range(50_000):
            roll.note_listed(a_migration(number, "Succeeded", annotations={"note": "x" * 2000}))
        roll.end_list()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert roll.finished == 50_000
    assert (kept < 10 * 2**20, peak < 20 * 2**20) == (True, True)
