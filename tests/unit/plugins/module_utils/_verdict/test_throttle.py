# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto-converge, by hand and for any figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import (
    GIBIBYTE,
    MEBIBYTE,
    NO_LIMIT,
    Copy,
    judge_convergence,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.throttle import (
    Throttled,
    judge_throttled,
    needed_throttle,
)

# 64 s a pass; as much is dirtied as is copied.
EVEN = Copy(4 * GIBIBYTE, 64 * MEBIBYTE, 64 * MEBIBYTE, 0, NO_LIMIT)


def test_the_throttle_rises_every_second_pass_until_half_of_what_is_sent_is_dirtied() -> None:
    found = judge_throttled(EVEN)

    # 64 + 64 s, then 20 %: 64, 51.2; 30 %: 40.96, 28.672; 40 %: 20.07, 12.04; 50 %: passes halve, which is not more
    # than half, so it stays: 7.23, 3.61, 1.81, 0.90, 0.45, 0.23, the first that fits into 0.3 s.
    passes = [64, 64, 64, 51.2, 40.96, 28.672, 20.0704, 12.04224]
    passes += [passes[-1] * 0.6 / 2**index for index in range(6)]
    assert found.percent == 50
    assert found.convergence.seconds == pytest.approx(sum(passes))


@pytest.mark.parametrize(
    ("dirty", "percent"),
    [(32, 0), (33, 20), (7000, 99)],
    ids=["half is not more than half", "more than half", "more than can be stopped"],
)
def test_how_much_is_dirtied_decides_how_far_it_rises(dirty: int, percent: int) -> None:
    found = judge_throttled(replace(EVEN, dirty_bytes_per_second=dirty * MEBIBYTE))

    assert found.percent == percent
    assert (found.convergence.seconds is None) == (percent == 99)


@pytest.mark.parametrize(
    ("memory", "passes", "percent"),
    [
        # Looked at after 1.25 s and 2.5 s; the third look comes after another 1.125 s, the fourth no more.
        (40, [40, 40, 40, 40, 40, 32, 25.6, 20.48, 16.384], 20),
        # A second is not more than a second: looked at after each second pass.
        (64, [64, 64, 64, 64, 64, 51.2, 40.96, 32.768, 26.2144, 18.35008], 30),
    ],
    ids=["shorter", "a second"],
)
def test_passes_of_no_more_than_a_second_are_looked_at_together(memory: int, passes: list[float], percent: int) -> None:
    found = judge_throttled(Copy(memory * MEBIBYTE, 64 * MEBIBYTE, 64 * MEBIBYTE, 0, NO_LIMIT))

    assert found.percent == percent
    assert found.convergence.seconds == pytest.approx(sum(passes) / 64)
    assert found.convergence.last_pass_seconds == pytest.approx(passes[-1] / 64)


def test_the_last_step_is_99_percent_and_the_rest_shrinks_by_what_that_leaves() -> None:
    """3,200 MiB/s dirty everything in each pass until the ninth step; a hundredth of it is half of what is sent."""
    found = judge_throttled(replace(EVEN, dirty_bytes_per_second=3200 * MEBIBYTE))

    assert found.percent == 99
    assert found.convergence.seconds == pytest.approx(18 * 64 + sum(64 / 2**index for index in range(9)))
    assert found.convergence.last_pass_seconds == pytest.approx(64 / 2**8)


@pytest.mark.parametrize("dirty", [64, 3200], ids=["settled before", "at 99 %"])
def test_the_limit_is_kept_to_the_second(dirty: int) -> None:
    copy = replace(EVEN, dirty_bytes_per_second=dirty * MEBIBYTE)
    seconds = judge_throttled(copy).convergence.seconds or 0
    ends = [judge_throttled(replace(copy, limit_seconds=seconds + more)).convergence for more in (-1, 0)]

    assert [(one.finishes, one.reason) for one in ends] == [(False, "too_slow"), (True, "converges")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"limit_seconds": 128.0}, 0.5),
        ({"limit_seconds": NO_LIMIT}, 0.0),
        ({"limit_seconds": 64.0}, 1.0),
        ({"limit_seconds": 32.0}, 1.0),
        ({"limit_seconds": 0}, 1.0),
        ({"limit_seconds": 128.0, "dirty_bytes_per_second": 16 * MEBIBYTE}, 0.0),
        ({"dirty_bytes_per_second": 0}, 0.0),
        ({"dirty_bytes_per_second": None}, None),
    ],
    ids=["half", "no limit", "all of it", "more than all", "no time", "none of it", "nothing dirtied", "unknown"],
)
def test_the_needed_throttle_leaves_the_needed_headroom(changes: dict[str, float], expected: float | None) -> None:
    assert needed_throttle(replace(EVEN, **changes)) == (None if expected is None else pytest.approx(expected))


@given(
    gib=st.integers(1, 64),
    rate=st.integers(1, 2000),
    dirty=st.floats(0, 4000),
    hot=st.just(0.0) | st.floats(0, 500),
    limit=st.floats(1, 1e5) | st.just(NO_LIMIT),
)
def test_it_never_hurts_and_never_takes_more_than_99_percent(
    gib: int, rate: int, dirty: float, hot: float, limit: float
) -> None:
    copy = Copy(gib * GIBIBYTE, rate * MEBIBYTE, dirty * MEBIBYTE, hot * MEBIBYTE, limit)
    plain, throttled = judge_convergence(copy), judge_throttled(copy)

    assert 0 <= throttled.percent <= 99
    if plain.seconds is not None:
        assert throttled.convergence.seconds is not None
        assert throttled.convergence.seconds <= plain.seconds * (1 + 1e-9)
    if plain.finishes:
        assert throttled.convergence.finishes


def test_what_is_not_known_stays_so() -> None:
    for figure in ("memory_bytes", "bytes_per_second", "dirty_bytes_per_second"):
        copy = replace(EVEN, **{figure: None})
        assert judge_throttled(copy) == Throttled(judge_convergence(copy), 0)
    without_limit = judge_throttled(replace(EVEN, limit_seconds=None)).convergence
    assert (without_limit.finishes, without_limit.reason) == (None, "unknown")


def test_copy_that_does_not_flow_is_not_throttled() -> None:
    copy = replace(EVEN, bytes_per_second=1)

    assert judge_throttled(copy) == Throttled(judge_convergence(copy), 0)


@pytest.mark.parametrize("hot", [10, 32], ids=["fits", "fits exactly"])
def test_working_set_is_the_last_pass(hot: int) -> None:
    copy = Copy(4 * GIBIBYTE, 64 * MEBIBYTE, 0, hot * MEBIBYTE, NO_LIMIT, downtime_seconds=0.5)

    found = judge_throttled(copy).convergence

    assert (found.seconds, found.last_pass_seconds) == (64 + hot / 64, hot / 64)
