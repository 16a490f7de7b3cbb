# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is advised, played out page by page: it makes the copy end, and a little less does not.

A little less is the next smaller whole number and one percent at least, as pages are not divisible; two seconds are
taken off the limit then, since KubeVirt looks each 400 ms and at whole seconds.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    COMPLETION_TIMEOUT,
    OUTBOUND_PER_NODE,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning import Advised, plan_tuning
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import Option
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Network,
    Outcome,
    Settings,
    Workload,
    predict,
)
from tests.simulation.precopy import End, Guest, Knobs, run

MIB, GIB = 2**20, 2**30
PAGES = 1 << 16
WORLDS = range(240)
# Those in which somebody has set something before: what helps a copy, no cap, or no limit.
SET_BEFORE = range(160, 240)
BEGINNINGS: list[dict[str, Any]] = [
    {"auto_converge": True},
    {"post_copy": True, "workload_disruption": True},
    {"workload_disruption": True},
    {"bandwidth_bytes": 0},
    {"timeout_per_gib": 0},
    {"timeout_per_gib": 0, "auto_converge": True},
]
LITTLE = 0.01
LOOK_SECONDS = 2
# An assisted end is predicted at the latest, when a pass has just begun at the limit: a value just below may do.
RAISED = 0.8


class World:
    """One VM as the adviser sees it and as the simulation has it."""

    @classmethod
    def numbered(cls, seed: int) -> World:
        return cls(seed=seed)

    def __init__(self, *, seed: int) -> None:
        rng = random.Random(seed)
        gib = rng.choice([1, 2, 4, 8, 16, 32])
        cap = rng.choice([32, 64, 128, 320])
        dirty = cap * rng.choice([0.05, 0.3, 0.6, 0.85, 0.95, 1.02, 1.3, 2.5]) * MIB
        self.memory, self.gigabytes = gib * GIB, -(-gib * GIB // 10**9)
        self.hot = rng.choice([0, 0, 0, 0.1, 0.6, 1.5, 4]) * cap * MIB * 0.3
        # Whole pages of the simulation.
        self.hot = min(self.hot, self.memory / 4) // (self.memory / PAGES) * (self.memory / PAGES)
        self.vfio = rng.random() < 0.2
        self.dirty = dirty
        outbound = rng.choice([1, 2, 4])
        link = rng.choice([None, cap * outbound * 0.9 * MIB, cap * outbound * 4.0 * MIB])
        self.settings = Settings(cap * MIB, rng.choice([3, 8, 20, 60, 150]))
        if seed in SET_BEFORE:
            self.settings = replace(self.settings, **rng.choice(BEGINNINGS))
            link = link or cap * outbound * 2.0 * MIB
        self.network = Network(link, None, outbound)
        self.workload = Workload(
            self.memory, self.gigabytes, dirty, self.hot, self.vfio, True, rng.random() < 0.8, rng.random() < 0.8
        )

    def advised(self) -> Advised:
        return plan_tuning(self.workload, network=self.network, settings=self.settings)

    def ends_by_a_pause(self, timeout: int) -> bool:
        settings = replace(self.settings, workload_disruption=True, post_copy=False, timeout_per_gib=timeout)
        return bool(predict(self.workload, network=self.network, settings=settings).finishes)

    def ends_alone(self, mebibytes: int) -> bool:
        settings = replace(
            self.settings, workload_disruption=False, post_copy=False, bandwidth_bytes=mebibytes * MIB
        )  # fmt: skip
        return bool(predict(self.workload, network=self.network, settings=settings).finishes)

    def play(self, settings: Settings, *, rate: float | None, at_random: bool = False, early: float = 0) -> End:
        pages = 2048 if at_random else PAGES
        guest = Guest(self.memory, self.dirty, self.hot, pages, at_random, self.vfio)
        limit = (settings.timeout_per_gib or 0) * self.gigabytes - early
        knobs = Knobs(
            rate or 0,
            limit,
            settings.downtime_seconds,
            settings.auto_converge,
            settings.post_copy,
            settings.workload_disruption,
        )
        return run(guest, knobs)

    def play_option(self, option: Option, *, at_random: bool = False) -> End:
        rate = option.outcome.bandwidth.bytes_per_second
        return self.play(option.settings, rate=rate, at_random=at_random)

    def play_a_little_less(self, option: Option) -> End:
        """The option with a value a little below the one that is advised; without it where it has none."""
        settings, rate = option.settings, option.outcome.bandwidth.bytes_per_second or 0
        if option.action == "bandwidth":
            advised = (settings.bandwidth_bytes or 0) // MIB
            rate = min(rate, min(advised - 1, int(advised * (1 - LITTLE))) * MIB)
        elif option.action == "parallelism":
            rate = min(rate, (option.network.link_bytes_per_second or 0) / (option.cluster[OUTBOUND_PER_NODE] + 1))
        elif option.action in ("deadline", "auto_converge") and COMPLETION_TIMEOUT in option.policy:
            settings = replace(settings, timeout_per_gib=option.policy[COMPLETION_TIMEOUT] - 1)
        elif is_raised(self, option):
            settings = replace(settings, timeout_per_gib=int(option.policy[COMPLETION_TIMEOUT] * RAISED))
        else:
            settings = self.settings
        return self.play(settings, rate=rate, early=LOOK_SECONDS)


def is_raised(world: World, option: Option) -> bool:
    """Whether a pause or post-copy needs a longer limit than the one that is set. Where none is set it takes the time
    of one pass, which is not the least that would do."""
    return (
        option.action in ("pause", "post_copy")
        and COMPLETION_TIMEOUT in option.policy
        and (world.settings.timeout_per_gib or 0) > 0
    )


def options() -> Iterator[tuple[World, Option]]:
    for seed in WORLDS:
        world = World.numbered(seed)
        for option in world.advised().options:
            yield world, option


def as_predicted(end: End, outcome: Outcome) -> bool:
    """Pages are not divisible, so the last pass may be one more or one less; an assisted end is at the latest then."""
    assert outcome.seconds is not None
    if end.how in ("pause", "post_copy"):
        return end.seconds <= outcome.seconds * (1 + LITTLE)
    if outcome.how == "auto_converge" and end.seconds < outcome.seconds:
        # A pass less is a step of the throttle less.
        return end.seconds >= outcome.seconds * 0.95
    return abs(end.seconds - outcome.seconds) <= outcome.seconds * LITTLE + 1


def test_the_worlds_hold_every_answer_and_every_lever() -> None:
    answers = [World.numbered(seed).advised() for seed in WORLDS]

    assert {one.answer for one in answers} >= {"none_needed", "change"}
    assert {option.action for one in answers for option in one.options} == {
        "deadline",
        "bandwidth",
        "parallelism",
        "auto_converge",
        "pause",
        "post_copy",
    }


def test_the_end_as_it_is_comes_as_predicted() -> None:
    wrong = []
    for seed in WORLDS:
        world = World.numbered(seed)
        outcome = world.advised().outcome
        end = world.play(world.settings, rate=outcome.bandwidth.bytes_per_second)
        if end.arrived != outcome.finishes or (end.arrived and not as_predicted(end, outcome)):
            wrong.append((seed, end, outcome))

    assert wrong == []


def test_each_option_makes_the_copy_end_as_predicted() -> None:
    ends = [(world, option, world.play_option(option)) for world, option in options()]

    assert len(ends) > 200
    assert [(option, end) for _world, option, end in ends if not end.arrived] == []
    assert [(option, end) for _world, option, end in ends if not as_predicted(end, option.outcome)] == []


def test_a_little_less_than_what_is_advised_does_not_make_it_end() -> None:
    """Where KubeVirt may stop the guest already, it does not end without that."""
    ends = [(option, world.play_a_little_less(option)) for world, option in options()]
    ended = [(option, end) for option, end in ends if end.arrived]
    without = [one for one in ended if one[0].action in ("pause", "post_copy") or one[1].how == "pre_copy"]

    assert [(option.action, dict(option.policy), end) for option, end in without] == []
    assert sum(is_raised(world, option) for world, option in options()) > 10


def test_what_is_said_to_be_no_help_is_none_with_any_value() -> None:
    """By the prediction, which the others hold against the simulation."""
    wrong = []
    for seed in WORLDS:
        world = World.numbered(seed)
        for one in world.advised().withheld:
            if one.why.startswith("the guest would have to stand still"):
                helped = [timeout for timeout in range(1, 600, 7) if world.ends_by_a_pause(timeout)]
            elif "MiB/s are needed, and the network gives" in one.why:
                helped = [rate for rate in range(1, 1200, 3) if world.ends_alone(rate)]
            else:
                continue
            wrong += [(seed, one, helped[:1])] if helped else []

    assert wrong == []


def test_worlds_in_which_something_is_set_already_hold_every_beginning() -> None:
    begun = [World.numbered(seed).settings for seed in SET_BEFORE]

    for beginning in BEGINNINGS:
        assert any(replace(one, **beginning) == one for one in begun), beginning
    offered = {option.action for seed in SET_BEFORE for option in World.numbered(seed).advised().options}
    assert offered >= {"deadline", "bandwidth", "auto_converge", "pause", "post_copy"}


def test_what_is_advised_also_suffices_where_pages_are_written_at_random() -> None:
    """Some pages are then hit twice, so that less is newly dirtied than the guest writes."""
    ends = [
        (option, world.play_option(option, at_random=True))
        for world, option in options()
        if not world.hot and world.memory <= 8 * GIB
    ]

    assert len(ends) > 50
    assert [(option.action, end) for option, end in ends if not end.arrived] == []


def test_time_alone_never_helps_where_it_is_said_so() -> None:
    told = [
        (world, one.why)
        for world in map(World.numbered, WORLDS)
        for one in world.advised().withheld
        if one.why.endswith("time alone never helps")
    ]
    ends = [
        world.play(replace(world.settings, timeout_per_gib=0), rate=world.advised().outcome.bandwidth.bytes_per_second)
        for world, _why in told
    ]

    assert {why.split()[0] for _world, why in told} == {"memory", "the"}
    assert {end.how for end in ends} == {"endless"}
