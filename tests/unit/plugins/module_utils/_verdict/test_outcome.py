# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a copy ends under given settings, in round figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import (
    GIBIBYTE,
    MEBIBYTE,
    NO_LIMIT,
    Bandwidth,
    Copy,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Network,
    Outcome,
    Settings,
    Workload,
    bandwidth_of,
    copy_of,
    is_held_by_cap,
    left_at_limit,
    predict,
)

# 64 s a pass, and a limit of 100 s.
EVEN = Workload(4 * GIBIBYTE, 5, 64 * MEBIBYTE, 0, has_host_devices=False)
MEASURED = Network(rate_bytes_per_second=64 * MEBIBYTE)
SETTINGS = Settings(timeout_per_gib=20)


def ends(workload: dict[str, Any] | None = None, *, network: Network = MEASURED, **settings: Any) -> Outcome:
    """How that copy ends with these changed."""
    return predict(replace(EVEN, **workload or {}), network=network, settings=replace(SETTINGS, **settings))


@pytest.mark.parametrize(
    ("finishes", "is_measured", "confidence"),
    [(None, True, ""), (None, False, ""), (True, True, "likely"), (False, True, "likely"), (True, False, "possible"),
     (False, False, "likely")],
    ids=["not known, measured", "not known", "ends, measured", "never, measured", "ends", "never"],
)  # fmt: skip
def test_end_that_only_a_bound_shows_is_no_more_than_possible(
    finishes: bool | None, is_measured: bool, confidence: str
) -> None:
    assert Outcome(finishes, "", "", Bandwidth(1, "rate", is_measured), 1).confidence == confidence


@pytest.mark.parametrize(
    ("cap", "expected"),
    [(10 * MEBIBYTE, (10 * MEBIBYTE, "cap")), (0, (30 * MEBIBYTE, "link")), (None, (30 * MEBIBYTE, "link"))],
    ids=["cap", "no cap", "not known"],
)
def test_bandwidth_is_the_least_of_cap_and_share_of_the_link(cap: int | None, expected: tuple[float, str]) -> None:
    found = bandwidth_of(Network(60 * MEBIBYTE, outbound=2), Settings(bandwidth_bytes=cap))

    assert (found.bytes_per_second, found.limited_by) == expected


@pytest.mark.parametrize(
    ("rate", "cap", "expected"),
    [(9, 10, True), (8.99, 10, False), (9, 0, False), (1, None, True)],
    ids=["0.9", "less", "no cap", "not known"],
)
def test_rate_near_the_cap_is_the_caps_doing(rate: float, cap: int | None, expected: bool) -> None:
    found = is_held_by_cap(rate * MEBIBYTE, bandwidth_bytes=None if cap is None else cap * MEBIBYTE)

    assert found is expected


@pytest.mark.parametrize(
    ("cap", "network", "expected"),
    [
        (None, Network(60), None),
        (None, Network(60, 50), 50),
        (0, Network(60), 60),
        (None, Network(), None),
    ],
    ids=["cap not known", "measured", "no cap", "nothing"],
)
def test_only_a_measured_rate_tells_the_bandwidth_where_the_cap_is_not_known(
    cap: int | None, network: Network, expected: float | None
) -> None:
    copy = copy_of(EVEN, network=network, settings=replace(SETTINGS, bandwidth_bytes=cap))

    assert (copy.bytes_per_second, copy.limit) == (expected, 100)


# -- what is left when the limit is over


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"dirty_bytes_per_second": 0}, 0),
        ({"dirty_bytes_per_second": 10}, 640),
        ({"dirty_bytes_per_second": 50}, 3200),
        ({"dirty_bytes_per_second": 63}, 4032),
        ({"dirty_bytes_per_second": 64}, 4096),
        ({"dirty_bytes_per_second": None}, 4096),
        ({"dirty_bytes_per_second": 32, "working_set_bytes": 100}, 150 + 2048),
        ({"dirty_bytes_per_second": 32, "working_set_bytes": None}, 2048),
        ({"dirty_bytes_per_second": 10, "limit_seconds": 54}, 640 + 560),
        ({"dirty_bytes_per_second": 10, "limit_seconds": 30}, 2176 + 320),
        ({"dirty_bytes_per_second": 63, "limit_seconds": 30}, 4096),
        ({"dirty_bytes_per_second": 10, "limit_seconds": None}, 4096),
    ],
    ids=["idle", "a pass of it", "more", "nearly all", "all", "not known", "working set", "no working set",
         "cut short", "cut short early", "no more than all", "no limit known"],
)  # fmt: skip
def test_what_is_left_is_dirtied_in_the_longest_pass_or_was_not_sent(changes: dict[str, Any], left: float) -> None:
    copy = replace(Copy(4096, 64, 0, 0, 100), **changes)

    assert left_at_limit(copy) == pytest.approx(left)


# -- how it ends


@pytest.mark.parametrize(
    ("workload", "settings", "expected"),
    [
        ({"dirty_bytes_per_second": 0}, {}, (True, "pre_copy", "converges")),
        ({"dirty_bytes_per_second": 0}, {"timeout_per_gib": 12}, (False, "", "too_slow")),
        ({}, {}, (False, "", "diverges")),
        ({}, {"progress_timeout": -1}, (False, "", "progress_timeout")),
        ({}, {"progress_timeout": 0}, (False, "", "diverges")),
        ({}, {"auto_converge": True, "timeout_per_gib": 0}, (True, "auto_converge", "converges")),
        ({"dirty_bytes_per_second": 0}, {"auto_converge": True}, (True, "pre_copy", "converges")),
        ({}, {"workload_disruption": True, "post_copy": True}, (True, "post_copy", "assisted")),
        ({}, {"post_copy": True}, (False, "", "diverges")),
        ({}, {"workload_disruption": True}, (True, "pause", "assisted")),
        ({}, {"workload_disruption": True, "timeout_per_gib": 13}, (False, "", "too_slow")),
        ({}, {"workload_disruption": True, "timeout_per_gib": 0}, (False, "", "diverges")),
        ({"dirty_bytes_per_second": None}, {"workload_disruption": True}, (True, "pause", "assisted")),
        ({"dirty_bytes_per_second": None}, {"workload_disruption": True, "timeout_per_gib": 13}, (None, "", "unknown")),
        ({"dirty_bytes_per_second": None}, {}, (None, "", "unknown")),
        ({"memory_bytes": None}, {"workload_disruption": True}, (None, "", "unknown")),
        ({"gigabytes": None}, {"workload_disruption": True}, (False, "", "diverges")),
        ({"has_host_devices": True}, {"workload_disruption": True, "post_copy": True}, (True, "pause", "assisted")),
        ({"has_host_devices": None}, {"workload_disruption": True, "post_copy": True},
         (True, "post_copy_or_pause", "assisted")),
        ({"has_host_devices": None}, {"workload_disruption": True, "post_copy": True, "timeout_per_gib": 13},
         (None, "", "assisted")),
    ],
    ids=["idle", "idle, too slow", "even", "progress timeout", "no progress timeout", "throttled", "no throttle needed",
         "post-copy", "post-copy not allowed", "pause", "pause too short", "no limit", "dirty rate not known",
         "perhaps before", "nothing known", "no memory", "limit not known", "device", "perhaps a device",
         "a device and too short"],
)  # fmt: skip
def test_copy_ends_as_its_settings_say(
    workload: dict[str, Any], settings: dict[str, Any], expected: tuple[bool | None, str, str]
) -> None:
    found = ends(workload, **settings)

    assert (found.finishes, found.how, found.reason) == expected


def test_copy_at_a_rate_that_is_not_known_is_not_assisted() -> None:
    found = ends(network=Network(), workload_disruption=True, post_copy=True)

    assert (found.finishes, found.reason) == (None, "unknown")


def test_copy_without_any_flow_is_not_assisted() -> None:
    found = ends(network=Network(rate_bytes_per_second=1), workload_disruption=True, post_copy=True)

    assert (found.finishes, found.reason) == (False, "no_flow")


@pytest.mark.parametrize(
    ("devices", "settings", "seconds", "standstill", "missing"),
    [
        (False, {"post_copy": True}, 166, None, ()),
        (False, {}, 166, 64, ()),
        (True, {}, 166, 64, ()),
        (None, {"post_copy": True}, 166, 64, ()),
        (None, {"post_copy": True, "timeout_per_gib": 13}, 131, 64, ("host_devices",)),
    ],
    ids=["post-copy", "pause", "device", "either", "hangs on devices"],
)
def test_assisted_copy_takes_the_limit_a_look_and_the_rest(
    devices: bool | None, settings: dict[str, Any], seconds: float, standstill: float | None, missing: tuple[str, ...]
) -> None:
    found = ends({"has_host_devices": devices}, workload_disruption=True, **settings)

    assert (found.seconds, found.standstill_seconds, found.missing) == (seconds, standstill, missing)
    assert found.throttle_percent == 0


@pytest.mark.parametrize(("gigabytes", "expected"), [(66, True), (65, False)], ids=["66 s", "65 s"])
def test_pause_ends_within_the_limit_again(gigabytes: int, expected: bool) -> None:
    """64 s are left, and KubeVirt may look 2 s late."""
    found = ends({"gigabytes": gigabytes}, workload_disruption=True, timeout_per_gib=1)

    assert found.finishes is expected


@pytest.mark.parametrize(
    ("seconds", "devices", "expected"),
    [(1998, True, True), (1999, True, False), (1999, False, True), (1999, None, False)],
    ids=["2000 s", "more", "no device", "perhaps a device"],
)
def test_vm_with_a_device_stands_still_for_2000_seconds_at_most(
    seconds: int, devices: bool | None, expected: bool
) -> None:
    memory = seconds * 64 * MEBIBYTE
    found = ends(
        {"memory_bytes": memory, "gigabytes": 5000, "has_host_devices": devices},
        workload_disruption=True,
        timeout_per_gib=1,
    )

    assert found.finishes is expected


def test_end_by_itself_says_how_long_it_takes() -> None:
    plain, throttled = ends({"dirty_bytes_per_second": 0}), ends(auto_converge=True, timeout_per_gib=0)

    assert (plain.seconds, plain.standstill_seconds, plain.throttle_percent, plain.limit_seconds) == (64, 0, 0, 100)
    assert (throttled.throttle_percent, throttled.limit_seconds) == (50, NO_LIMIT)


def test_defaults_are_those_of_kubevirt_without_any_setting() -> None:
    given, workload = Settings(), Workload(1, 1, 1)

    assert predict(workload, network=Network(), settings=given).reason == "unknown"
    assert given.bandwidth_bytes == 0
    assert (given.auto_converge, given.post_copy, given.workload_disruption) == (False, False, False)
    assert (workload.bears_throttling, workload.bears_pause, workload.bears_post_copy) == (True, False, False)
