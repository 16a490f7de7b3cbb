# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the causes from figures say word for word, and from which figure on each is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Progress, Sample
from tests.unit import copies
from tests.unit.builders import NOW
from tests.unit.copies import GIB, MIB, configured
from tests.unit.worlds import World, a_copy, cause_of

# 8 MiB/s are needed.
IN_128_SECONDS = {"completionTimeoutPerGiB": 128}
KEY = ("team-a", "web-1")
COMMON = {"source_node": "src-web-1", "target_node": "dst-web-1", "policy": "", "assistance": ""}


def steady(
    rate: float, dirty: float | None, *, remaining: int = 7 * GIB, falls: float = 0, seconds: int = 900, **settings: Any
) -> World:
    """A copy that has run for so long; for 100 s it has sent `rate` MiB/s while the guest wrote `dirty`, and what
    remains came down to `remaining` by `falls` MiB/s."""
    world = a_copy(seconds, migrationConfiguration=configured(**settings))
    written = None if dirty is None else round(dirty * MIB)
    world.progress = {
        KEY: Progress(
            tuple(
                Sample(
                    NOW - timedelta(seconds=age),
                    "",
                    remaining + round(falls * MIB * age),
                    round(rate * MIB * (200 - age)),
                    dirty_bytes_per_second=written,
                )
                for age in range(100, -1, -5)
            ),
            "prometheus",
        )
    }
    return world


def has(world: World, code: str) -> bool:
    return cause_of(world, code) is not None


def with_policy(world: World) -> World:
    world.state["migrationPolicyName"] = "gentle"
    return world


def with_device(world: World) -> World:
    world.vmi["spec"]["domain"]["devices"] = {"gpus": [{"name": "gpu", "deviceName": "vendor/gpu"}]}
    return world


def without_a_deadline() -> World:
    return steady(20, 10, remaining=100 * MIB, falls=20, completionTimeoutPerGiB=0, allowWorkloadDisruption=True)


SAID: dict[str, tuple[Callable[[], World], str, str]] = {
    "no flow": (
        copies.no_flow,
        "NoDataFlow",
        "No data flows: for 140 s nothing has left the source, and 4.3 GiB remain.",
    ),
    "cap": (
        copies.capped,
        "BandwidthTooLow",
        (
            "The bandwidth is too low: 40 MiB/s leave the source, and bandwidthPerMigration allows 40 MiB/s, the guest "
            "writes 38 MiB/s; to end in time the copy must outrun the guest by 6.8 MiB/s (1024 MiB in 150 s)."
        ),
    ),
    "idle guest": (
        lambda: copies.a_measured_copy(100, 5, 0),
        "BandwidthTooLow",
        (
            "The bandwidth is too low: 5 MiB/s leave the source, even if the guest wrote nothing that were too little; "
            "to end in time the copy must outrun the guest by 6.8 MiB/s (1024 MiB in 150 s)."
        ),
    ),
    "outrun": (
        copies.not_converging,
        "NotConverging",
        (
            "The copy does not converge: the guest writes 64 MiB/s and 64 MiB/s leave the source; a pass over what "
            "remained began with 7.8 GiB 240 s ago, and the last one with 7.9 GiB."
        ),
    ),
    "outrun, by rates alone": (
        lambda: copies.a_measured_copy(200, 64, 80, history=45),
        "NotConverging",
        "The copy does not converge: the guest writes 64 MiB/s and 64 MiB/s leave the source.",
    ),
    "slow": (
        copies.slow,
        "SlowButConverging",
        (
            "The copy is slow and converges: 2.5 GiB remain, 16 MiB/s faster than the guest writes; it ends at about "
            "2026-11-23T08:02:40Z, 880 s before its deadline."
        ),
    ),
    "slow and late": (
        copies.slow_and_late,
        "SlowButConverging",
        (
            "The copy is slow and converges: 3.6 GiB remain, 12 MiB/s faster than the guest writes; it ends at about "
            "2026-11-23T08:05:09Z, 160 s after its deadline."
        ),
    ),
    "slow without a deadline": (
        without_a_deadline,
        "SlowButConverging",
        (
            "The copy is slow and converges: 100 MiB remain, 10 MiB/s faster than the guest writes; it ends at about "
            "2026-11-23T08:00:10Z, and it has no deadline."
        ),
    ),
    "a second late": (
        lambda: steady(20, 10, remaining=500 * MIB, falls=20, seconds=1301),
        "SlowButConverging",
        (
            "The copy is slow and converges: 500 MiB remain, 10 MiB/s faster than the guest writes; it ends at about "
            "2026-11-23T08:00:50Z, 1 s after its deadline."
        ),
    ),
    "flat, with a dirty rate that is not known": (
        lambda: steady(20, None),
        "NotConverging",
        (
            "The copy does not converge; a pass over what remained began with 7 GiB 100 s ago, and the last one with "
            "7 GiB."
        ),
    ),
    "at its deadline": (
        # 9 GB have 1350 s.
        lambda: steady(20, 10, remaining=500 * MIB, falls=20, seconds=1300),
        "SlowButConverging",
        (
            "The copy is slow and converges: 500 MiB remain, 10 MiB/s faster than the guest writes; it ends at about "
            "2026-11-23T08:00:50Z, 0 s before its deadline."
        ),
    ),
}


@pytest.mark.parametrize(("build", "code", "summary"), SAID.values(), ids=SAID.keys())
def test_cause_says_its_figures(build: Callable[[], World], code: str, summary: str) -> None:
    cause = cause_of(build(), code)

    assert cause is not None
    assert cause.summary == summary


@pytest.mark.parametrize(
    ("build", "code", "expected"),
    [
        (copies.no_flow, "NoDataFlow", ("no", "certain", {})),
        (copies.capped, "BandwidthTooLow", ("no", "certain", {"capped_alone": "yes"})),
        (lambda: copies.a_measured_copy(500, 20, 18), "BandwidthTooLow", ("no", "likely", {"slow_alone": "yes"})),
        (lambda: with_policy(copies.capped()), "BandwidthTooLow", ("no", "certain", {"capped_policy": "gentle"})),
        (copies.slow, "SlowButConverging", ("yes", "likely", {"late": ""})),
        (copies.slow_and_late, "SlowButConverging", ("yes", "likely", {"late": "yes"})),
        (without_a_deadline, "SlowButConverging", ("yes", "likely", {"late": ""})),
        (copies.not_converging, "NotConverging", ("no", "certain", {"throttle_policy": "", "throttle_alone": "yes"})),
    ],
    ids=["no flow", "cap", "network", "cap of a policy", "slow", "late", "no deadline", "outrun"],
)
def test_cause_says_how_sure_it_is_and_what_its_advice_needs(
    build: Callable[[], World], code: str, expected: tuple[str, str, dict[str, str]]
) -> None:
    world = build()
    cause = cause_of(world, code)
    names = COMMON | {"policy": world.state.get("migrationPolicyName", "")} | expected[2]

    assert cause is not None
    assert (cause.time_cures, cause.confidence, dict(cause.names)) == (*expected[:2], names)


@pytest.mark.parametrize(
    ("settings", "change", "levers"),
    [
        ({}, with_policy, {"throttle_policy": "gentle", "throttle_alone": ""}),
        ({}, with_device, {"throttle_policy": "", "throttle_alone_with_device": "yes"}),
        ({"allowAutoConverge": True}, with_device, {"throttled_with_device": "yes"}),
        ({"allowAutoConverge": True}, lambda world: world, {"throttled": "yes"}),
        ({"allowAutoConverge": True, "allowPostCopy": True}, lambda world: world, {"throttled": ""}),
    ],
    ids=["policy", "device", "throttled with a device", "throttled", "post-copy is next"],
)
def test_copy_that_does_not_converge_names_what_may_still_be_allowed(
    settings: dict[str, Any], change: Callable[[World], World], levers: dict[str, str]
) -> None:
    world = change(copies.not_converging())
    world.state["migrationConfiguration"] = configured(**settings)

    cause = cause_of(world, "NotConverging")

    assert cause is not None
    assert {name: value for name, value in cause.names.items() if name not in COMMON} == levers


@pytest.mark.parametrize(
    ("settings", "change", "assistance"),
    [
        ({"allowWorkloadDisruption": True, "allowPostCopy": True}, lambda world: world, "post-copy"),
        ({"allowWorkloadDisruption": True}, lambda world: world, "a pause of the guest"),
        ({"allowWorkloadDisruption": True}, with_device, "a long standstill of the guest"),
    ],
    ids=["post-copy", "pause", "device"],
)
def test_what_kubevirt_does_at_the_deadline_is_named(
    settings: dict[str, Any], change: Callable[[World], World], assistance: str
) -> None:
    world = change(copies.not_converging())
    world.state["migrationConfiguration"] = configured(**settings)

    cause = cause_of(world, "NotConverging")

    assert cause is not None
    assert cause.names["assistance"] == assistance


def test_cause_shows_the_newest_figures_and_the_setting_that_it_counts_with() -> None:
    cause = cause_of(steady(20, 13, **IN_128_SECONDS), "BandwidthTooLow")

    assert cause is not None
    assert [(one.field.rpartition(".")[2], one.value, one.at) for one in cause.evidence] == [
        ("kubevirt_vmi_migration_data_remaining_bytes", str(7 * GIB), NOW),
        ("kubevirt_vmi_migration_memory_transfer_rate_bytes", str(20 * MIB), NOW),
        ("kubevirt_vmi_migration_dirty_memory_rate_bytes", str(13 * MIB), NOW),
        ("completionTimeoutPerGiB", "128", NOW - timedelta(seconds=900)),
    ]
    assert cause.holds_since == NOW - timedelta(seconds=90)


# -- from which figure on


@pytest.mark.parametrize(
    ("dirty", "remaining", "expected"),
    [(12, 7 * GIB, False), (12.5, 7 * GIB, True), (12.5, 40 * MIB, False), (0, 7 * GIB, False)],
    ids=["as needed", "less", "less, but soon done", "more"],
)
def test_bandwidth_is_too_low_below_what_the_limit_needs(dirty: float, remaining: int, expected: bool) -> None:
    assert has(steady(20, dirty, remaining=remaining, falls=20, **IN_128_SECONDS), "BandwidthTooLow") is expected


@pytest.mark.parametrize(("cap", "expected"), [("25Mi", "certain"), ("26Mi", "likely")], ids=["0.8", "less"])
def test_cap_is_to_blame_from_0_8_of_it_on(cap: str, expected: str) -> None:
    cause = cause_of(steady(20, 15, bandwidthPerMigration=cap), "BandwidthTooLow")

    assert cause is not None
    assert (cause.confidence, "bandwidthPerMigration" in cause.summary) == (expected, expected == "certain")


@pytest.mark.parametrize(("dirty", "expected"), [(90, True), (89, False)], ids=["a tenth", "more"])
def test_stalled_copy_converges_where_it_outruns_the_guest_by_more_than_a_tenth(dirty: int, expected: bool) -> None:
    assert has(steady(100, dirty), "NotConverging") is expected


@pytest.mark.parametrize(("seconds", "expected"), [(300, True), (299, False)], ids=["300 s", "299 s"])
def test_slow_copy_is_worth_a_word_after_300_seconds(seconds: int, expected: bool) -> None:
    assert has(steady(20, 10, remaining=GIB, falls=20, seconds=seconds), "SlowButConverging") is expected


@pytest.mark.parametrize(
    ("dirty", "code"), [(12, "SlowButConverging"), (12.5, "BandwidthTooLow")], ids=["as needed", "less"]
)
def test_late_copy_has_one_cause(dirty: float, code: str) -> None:
    world = steady(20, dirty, falls=20, **IN_128_SECONDS)

    assert [cause.code for cause in world.first().causes] == [code]


CODES = ["NoDataFlow", "BandwidthTooLow", "NotConverging", "SlowButConverging"]


@pytest.mark.parametrize("code", CODES)
def test_figures_that_were_not_read_are_a_gap_that_never_makes_a_verdict_unknown(code: str) -> None:
    judgement = a_copy(600).first()

    gap = next(gap for gap in judgement.gaps if gap.code == code)
    assert (judgement.verdict, gap.sentence()) == ("progressing", "no figures of the copy were read")


def test_copy_whose_mode_is_not_told_is_a_pre_copy() -> None:
    world = copies.not_converging()
    del world.state["mode"]

    assert has(world, "NotConverging")


def test_copy_with_nothing_left_converges() -> None:
    assert not has(steady(20, 20, remaining=0), "NotConverging")


@pytest.mark.parametrize("code", CODES)
def test_old_figures_are_a_gap_that_says_how_old_they_are(code: str) -> None:
    world = copies.not_converging()
    read = world.progress[KEY]
    world.progress = {KEY: replace(read, samples=read.samples[:-21])}

    gap = next(gap for gap in world.first().gaps if gap.code == code)
    assert gap.sentence() == "its newest figures are 105 s old"


@pytest.mark.parametrize("code", CODES[:3])
def test_few_figures_are_a_gap(code: str) -> None:
    world = steady(20, 18)
    read = world.progress[KEY]
    world.progress = {KEY: replace(read, samples=read.samples[-2:])}

    gap = next(gap for gap in world.first().gaps if gap.code == code)
    assert gap.sentence() == "the figures of the copy are over too short a time"


def test_fast_pass_of_the_guest_is_no_verdict_on_a_copy_whose_passes_shrink() -> None:
    world = steady(20, 100, seconds=100)
    read = world.progress[KEY]
    falling = [
        replace(one, remaining_bytes=8 * GIB * age // 100)
        for one, age in zip(read.samples, range(100, -1, -5), strict=True)
    ]
    world.progress = {KEY: replace(read, samples=(*falling[:-1], replace(falling[-1], remaining_bytes=GIB)))}

    assert not has(world, "NotConverging")
