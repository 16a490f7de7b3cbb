# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of pre-copy: by hand in round figures, and what must hold for any figures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import (
    GIBIBYTE,
    MEBIBYTE,
    NO_LIMIT,
    Copy,
    capped_bytes_per_second,
    effective_bandwidth,
    judge_convergence,
    known,
    limit_seconds,
    needed_headroom,
    rule_of_thumb,
    tolerated_dirty_rate,
)

# 8 GiB at 64 MiB/s, half of it dirtied meanwhile: passes of 128, 64, 32, ... seconds.
HALVING = Copy(8 * GIBIBYTE, 64 * MEBIBYTE, 32 * MEBIBYTE, 0, 1350)
RATES = st.floats(0, 2000 * MEBIBYTE)
COPIES = st.builds(
    Copy,
    memory_bytes=st.integers(1, 2048).map(lambda count: count * GIBIBYTE / 4),
    bytes_per_second=st.integers(1, 4000).map(lambda count: float(count * MEBIBYTE)),
    dirty_bytes_per_second=RATES,
    working_set_bytes=st.just(0.0) | st.floats(0, 4 * GIBIBYTE),
    limit_seconds=st.floats(1, 1e6) | st.just(NO_LIMIT),
    downtime_seconds=st.sampled_from([0.3, 0.9, 2.0]),
)


def test_passes_add_up_until_what_is_left_fits_into_the_downtime() -> None:
    found = judge_convergence(HALVING)

    # 64 MiB/s x 0.3 s is 19.2 MiB; 8192 / 2^9 = 16 MiB is the first that fits.
    assert (found.finishes, found.reason) == (True, "converges")
    assert found.seconds == pytest.approx(sum(128 / 2**index for index in range(10)))
    assert found.last_pass_seconds == pytest.approx(16 / 64)


def test_with_a_working_set_the_passes_shrink_to_what_it_leaves() -> None:
    """4.8 MiB that are always dirty, and half of each pass: they shrink to 9.6 MiB, by half of the rest each time."""
    found = judge_convergence(replace(HALVING, working_set_bytes=4.8 * MEBIBYTE))
    passes = [9.6 + (8192 - 9.6) / 2**index for index in range(11)]

    assert passes[-1] <= 19.2 < passes[-2]
    assert found.seconds == pytest.approx(sum(passes) / 64)
    assert found.last_pass_seconds == pytest.approx(passes[-1] / 64)


def test_what_fits_at_once_is_one_pass() -> None:
    whole = Copy(32 * MEBIBYTE, 64 * MEBIBYTE, 60 * MEBIBYTE, 0, 10, downtime_seconds=0.5)

    assert judge_convergence(whole).seconds == 0.5
    assert (judge_convergence(replace(whole, downtime_seconds=0.49)).seconds or 0) > 0.5


@pytest.mark.parametrize(
    ("changes", "finishes", "reason"),
    [
        ({"limit_seconds": 255.7}, False, "too_slow"),
        ({"limit_seconds": 255.8}, True, "converges"),
        ({"limit_seconds": NO_LIMIT}, True, "converges"),
        ({"limit_seconds": None}, None, "unknown"),
        ({"limit_seconds": 0}, False, "too_slow"),
        ({"dirty_bytes_per_second": 64 * MEBIBYTE, "limit_seconds": NO_LIMIT}, False, "diverges"),
        ({"dirty_bytes_per_second": 0, "limit_seconds": 128}, True, "converges"),
        ({"dirty_bytes_per_second": 0, "limit_seconds": 127}, False, "too_slow"),
        ({"dirty_bytes_per_second": None}, None, "unknown"),
        ({"dirty_bytes_per_second": None, "limit_seconds": 127}, False, "too_slow"),
        ({"dirty_bytes_per_second": None, "limit_seconds": 128}, None, "unknown"),
        ({"bytes_per_second": 0}, False, "no_flow"),
        ({"bytes_per_second": MEBIBYTE // 16}, False, "diverges"),
        ({"bytes_per_second": MEBIBYTE // 16 - 1, "memory_bytes": None}, False, "no_flow"),
        ({"bytes_per_second": None}, None, "unknown"),
        ({"memory_bytes": None}, None, "unknown"),
        ({"memory_bytes": 0}, None, "unknown"),
        # The passes shrink to W / (1 - 32/64), and 19.2 MiB fit into the downtime.
        ({"working_set_bytes": 9.5 * MEBIBYTE}, True, "converges"),
        ({"working_set_bytes": 9.6 * MEBIBYTE, "limit_seconds": NO_LIMIT}, False, "working_set"),
        ({"working_set_bytes": 9.6 * MEBIBYTE, "downtime_seconds": 0.9}, True, "converges"),
        # All of it fits into the downtime at once, whatever is dirtied.
        ({"memory_bytes": 19 * MEBIBYTE, "dirty_bytes_per_second": 99 * MEBIBYTE}, True, "converges"),
    ],
    ids=lambda value: str(value).replace("_", " ") if isinstance(value, dict) else "",
)
def test_each_figure_decides_at_its_bound(changes: dict[str, Any], finishes: bool | None, reason: str) -> None:
    found = judge_convergence(replace(HALVING, **changes))

    assert (found.finishes, found.reason) == (finishes, reason)


@pytest.mark.parametrize(
    "value", [None, True, "5", -1, -0.1, math.nan, -math.inf, 2**63, 10**400], ids=lambda value: f"{value!r:.20}"
)
@pytest.mark.parametrize("figure", ["memory_bytes", "bytes_per_second", "dirty_bytes_per_second", "limit_seconds"])
def test_what_is_no_reading_is_not_known_and_named(figure: str, value: Any) -> None:
    found = judge_convergence(replace(HALVING, **{figure: value}))

    assert known(value) is None
    assert (found.finishes, len(found.missing)) == (None, 1)


def test_what_never_ends_is_no_reading_either_but_of_a_limit() -> None:
    assert known(math.inf) is None
    assert judge_convergence(replace(HALVING, memory_bytes=math.inf)).missing == ("memory",)
    assert judge_convergence(replace(HALVING, limit_seconds=math.inf)).missing == ()


def test_the_limit_counts_decimal_gigabytes_and_not_the_gib_of_its_name() -> None:
    assert limit_seconds(timeout_per_gib=150, gigabytes=9) == 1350
    assert limit_seconds(timeout_per_gib=0, gigabytes=None) == NO_LIMIT
    assert limit_seconds(timeout_per_gib=-1, gigabytes=9) == 0
    assert limit_seconds(timeout_per_gib=None, gigabytes=9) is None
    assert limit_seconds(timeout_per_gib=150, gigabytes=None) is None


@pytest.mark.parametrize(
    ("quantity", "mebibytes"),
    [(1, 1), (MEBIBYTE, 1), (1_500_000, 1), (1_600_000, 2), (64 * MEBIBYTE, 64), (64 * MEBIBYTE + MEBIBYTE // 2, 65)],
    ids=str,
)
def test_the_cap_is_whole_mebibytes_as_kubevirt_hands_it_on(quantity: int, mebibytes: int) -> None:
    assert capped_bytes_per_second(quantity) == mebibytes * MEBIBYTE


@pytest.mark.parametrize("quantity", [0, -5], ids=str)
def test_no_cap_is_not_a_cap_of_nothing(quantity: int) -> None:
    assert capped_bytes_per_second(quantity) is None


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({}, (None, "", False)),
        ({"cap": 64.0}, (64.0, "cap", False)),
        ({"cap": 64.0, "link": 100.0, "outbound": 2}, (50.0, "link", False)),
        ({"cap": 64.0, "link": 100.0}, (64.0, "cap", False)),
        ({"link": 100.0, "outbound": 0}, (100.0, "link", False)),
        ({"cap": 64.0, "rate": 60.0}, (60.0, "rate", True)),
        ({"cap": 64.0, "rate": 64.0}, (64.0, "cap", True)),
        ({"cap": 64.0, "rate": math.nan}, (64.0, "cap", False)),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_the_bandwidth_is_the_smallest_that_is_known(figures: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = effective_bandwidth(**figures)

    assert (found.bytes_per_second, found.limited_by, found.is_measured) == expected


def test_the_rule_of_thumb_is_a_whole_gibibyte_in_each_timeout() -> None:
    assert rule_of_thumb(timeout_per_gib=150) == pytest.approx(1024 / 150 * MEBIBYTE)
    assert rule_of_thumb(timeout_per_gib=0) == 0
    assert rule_of_thumb(timeout_per_gib=-1) == math.inf


@pytest.mark.parametrize("figure", ["memory_bytes", "bytes_per_second", "limit_seconds"])
def test_the_tolerated_dirty_rate_needs_every_other_figure(figure: str) -> None:
    assert tolerated_dirty_rate(replace(HALVING, **{figure: None})) is None
    assert tolerated_dirty_rate(replace(HALVING, dirty_bytes_per_second=None)) is not None


@pytest.mark.parametrize(("outbound", "share"), [(None, 60), (-1, 60), (0, 60), (1, 60), (2, 30)], ids=str)
def test_the_link_is_shared_by_what_leaves_the_node(outbound: int | None, share: float) -> None:
    assert effective_bandwidth(link=60, outbound=outbound).bytes_per_second == share


def test_every_figure_that_is_missing_is_named() -> None:
    found = judge_convergence(Copy(None, None, None))

    assert found.missing == ("memory", "bandwidth", "dirty_rate", "deadline")


def test_a_working_set_that_is_not_known_counts_as_none() -> None:
    assert judge_convergence(replace(HALVING, working_set_bytes=None)) == judge_convergence(HALVING)


def test_without_a_downtime_there_is_no_last_pass() -> None:
    assert judge_convergence(replace(HALVING, downtime_seconds=-1)).reason == "working_set"


@pytest.mark.parametrize(
    ("memory", "dirty", "seconds", "last"),
    [(32, 500, 0.5, 0.5), (64, 0, 1, 0), (64, 16, 1.25, 0.25), (256, 32, 7.5, 0.5)],
    ids=["fits exactly", "idle guest", "one more pass", "three more"],
)
def test_passes_end_with_the_first_that_fits(memory: int, dirty: int, seconds: float, last: float) -> None:
    copy = Copy(memory * MEBIBYTE, 64 * MEBIBYTE, dirty * MEBIBYTE, 0, 1350, downtime_seconds=0.5)

    found = judge_convergence(copy)

    assert (found.seconds, found.last_pass_seconds) == (pytest.approx(seconds), pytest.approx(last))


@pytest.mark.parametrize(("limit", "headroom"), [(-1, math.inf), (0, math.inf), (0.5, 200), (1, 100), (4, 25)], ids=str)
def test_the_needed_headroom_is_all_memory_in_the_limit(limit: float, headroom: float) -> None:
    assert needed_headroom(memory_bytes=100, limit_seconds=limit) == headroom


@pytest.mark.parametrize(
    ("memory", "limit", "rate"),
    [(64, 1.25, 16), (64, NO_LIMIT, 64), (64, 1, 0), (64, 0, 0), (16, 1, math.inf)],
    ids=["a quarter", "no limit", "one pass", "no time", "fits at once"],
)
def test_the_tolerated_dirty_rate_by_hand(memory: int, limit: float, rate: float) -> None:
    found = tolerated_dirty_rate(Copy(memory * MEBIBYTE, 64 * MEBIBYTE, None, 0, limit))

    assert found == pytest.approx(rate * MEBIBYTE, abs=1e-6)


def test_no_time_tolerates_exactly_nothing() -> None:
    assert tolerated_dirty_rate(Copy(64 * MEBIBYTE, 64 * MEBIBYTE, None, 0, 0)) == 0


def test_figures_of_64_bits_are_readings() -> None:
    assert known(2**62) == 2**62


@given(timeout=st.integers(1, 10_000), gigabytes=st.integers(1, 4096), part=st.floats(0.001, 1))
def test_no_vm_needs_as_much_as_the_rule_of_thumb(timeout: int, gigabytes: int, part: float) -> None:
    memory = (gigabytes - 1 + part) * 10**9
    limit = limit_seconds(timeout_per_gib=timeout, gigabytes=gigabytes) or 0

    exact = needed_headroom(memory_bytes=memory, limit_seconds=limit)

    assert exact <= 10**9 / timeout * (1 + 1e-9) < rule_of_thumb(timeout_per_gib=timeout)


@given(copy=COPIES)
def test_the_needed_headroom_always_suffices_without_a_working_set(copy: Copy) -> None:
    limit, memory, dirty = copy.limit_seconds or 0, copy.memory_bytes or 0, copy.dirty_bytes_per_second or 0
    enough = dirty + needed_headroom(memory_bytes=memory, limit_seconds=limit) * (1 + 1e-9) + MEBIBYTE

    assert judge_convergence(replace(copy, bytes_per_second=enough, working_set_bytes=0)).finishes


@given(copy=COPIES, more=st.floats(1, 50))
def test_more_bandwidth_never_makes_it_later_nor_undoes_an_end(copy: Copy, more: float) -> None:
    before = judge_convergence(copy)
    after = judge_convergence(replace(copy, bytes_per_second=(copy.bytes_per_second or 0) * more))

    if before.seconds is not None:
        assert after.seconds is not None
        assert after.seconds <= before.seconds * (1 + 1e-9)


@given(copy=COPIES, less=st.floats(0, 1), figure=st.sampled_from(["dirty_bytes_per_second", "working_set_bytes"]))
def test_less_that_is_dirtied_never_makes_it_later(copy: Copy, less: float, figure: str) -> None:
    before = judge_convergence(copy)
    after = judge_convergence(replace(copy, **{figure: getattr(copy, figure) * less}))

    if before.seconds is not None:
        assert after.seconds is not None
        assert after.seconds <= before.seconds * (1 + 1e-9)


@given(copy=COPIES)
def test_the_end_is_never_before_one_pass_and_its_last_pass_fits(copy: Copy) -> None:
    found = judge_convergence(copy)

    if found.seconds is not None and found.last_pass_seconds is not None:
        assert found.seconds >= (copy.memory_bytes or 0) / (copy.bytes_per_second or 1) * (1 - 1e-9)
        assert found.last_pass_seconds <= copy.downtime_seconds * (1 + 1e-9)


@given(copy=COPIES)
def test_the_tolerated_dirty_rate_is_where_the_end_turns(copy: Copy) -> None:
    rate = tolerated_dirty_rate(copy) or 0

    if rate == math.inf:
        assert judge_convergence(replace(copy, dirty_bytes_per_second=2.0**62)).finishes
        return
    if rate:
        assert judge_convergence(replace(copy, dirty_bytes_per_second=rate * 0.999)).finishes
    assert not judge_convergence(replace(copy, dirty_bytes_per_second=rate * 1.001 + 1)).finishes


@given(
    figures=st.lists(
        st.none() | st.integers() | st.floats() | st.sampled_from(["", True, 10**400]), min_size=6, max_size=6
    )
)
def test_any_figures_at_all_give_an_answer(figures: list[Any]) -> None:
    copy = Copy(*figures)
    found = judge_convergence(copy)

    assert found.finishes in (True, False, None)
    assert found.seconds is None or math.isfinite(found.seconds)
    assert (found.reason == "unknown") == (found.finishes is None)
    tolerated_dirty_rate(copy)
