# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that cannot be meant, at their bounds, and what they are told with."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.settings_risks import find_risks


def codes(changed: dict[str, Any], *, before: Any = None, **effective: Any) -> list[str]:
    after = {**effective, **{name: value for name, value in changed.items() if value is not None}}
    return [one.code for one in find_risks(changed, effective=after, before=before or {})]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("progressTimeout", -1, ["NegativeValue"]),
        ("progressTimeout", 0, []),
        ("completionTimeoutPerGiB", -1, ["NegativeValue"]),
        ("completionTimeoutPerGiB", 0, ["NoCompletionTimeout"]),
        ("utilityVolumesTimeout", -1, ["NegativeValue"]),
        ("utilityVolumesTimeout", 0, ["NoWaitForUtilityVolumes"]),
        ("utilityVolumesTimeout", 1, []),
        ("maxDowntimeMs", -1, ["NegativeValue"]),
        ("parallelMigrationsPerCluster", -1, ["NegativeValue"]),
        ("parallelMigrationsPerCluster", 0, ["ParallelismZero"]),
        ("parallelMigrationsPerCluster", 1, []),
        ("parallelOutboundMigrationsPerNode", 0, ["ParallelismZero"]),
        ("bandwidthPerMigration", "-1", ["NegativeValue"]),
        ("bandwidthPerMigration", "0", []),
        ("bandwidthPerMigration", "1", ["BandwidthTooLow"]),
        ("bandwidthPerMigration", "1048575", ["BandwidthTooLow"]),
        ("bandwidthPerMigration", "1M", ["BandwidthTooLow"]),
        ("bandwidthPerMigration", "1Mi", []),
        ("bandwidthPerMigration", None, []),
        ("unsafeMigrationOverride", True, ["UnsafeMigration"]),
        ("unsafeMigrationOverride", False, []),
        ("disableTLS", False, ["VirtHandlerRestart"]),
        ("network", None, ["VirtHandlerRestart"]),
        ("allowAutoConverge", True, []),
    ],
)
def test_find_risks_of_single_values(name: str, value: Any, expected: list[str]) -> None:
    assert codes({name: value}) == expected


@pytest.mark.parametrize(
    ("changed", "effective", "expected"),
    [
        (
            {"allowPostCopy": True},
            {"completionTimeoutPerGiB": 150, "allowWorkloadDisruption": True},
            ["PostCopyCanLoseVM"],
        ),
        (
            {"allowPostCopy": True},
            {"completionTimeoutPerGiB": 0, "allowWorkloadDisruption": True},
            ["PostCopyNeverApplies", "PostCopyCanLoseVM"],
        ),
        (
            {"allowPostCopy": True},
            {"completionTimeoutPerGiB": 150, "allowWorkloadDisruption": False},
            ["PostCopyNeverApplies", "PostCopyCanLoseVM"],
        ),
        ({"allowWorkloadDisruption": False}, {"allowPostCopy": True}, ["PostCopyNeverApplies"]),
        ({"allowWorkloadDisruption": False}, {"allowPostCopy": False}, []),
        (
            {"allowWorkloadDisruption": True},
            {"allowPostCopy": True, "completionTimeoutPerGiB": 150, "allowWorkloadDisruption": True},
            ["PostCopyCanLoseVM"],
        ),
        (
            {"allowWorkloadDisruption": None},
            {"allowPostCopy": True, "completionTimeoutPerGiB": 150, "allowWorkloadDisruption": True},
            ["PostCopyCanLoseVM"],
        ),
        ({"progressTimeout": 7}, {"allowPostCopy": True, "completionTimeoutPerGiB": 0}, []),
        ({"allowPostCopy": False}, {"completionTimeoutPerGiB": 0}, []),
    ],
    ids=[
        "fine",
        "no deadline",
        "no disruption",
        "disruption taken away",
        "without it",
        "disruption given",
        "disruption left to it",
        "about something else",
        "off",
    ],
)
def test_find_risks_of_post_copy_looks_at_what_will_hold(
    changed: dict[str, Any], effective: dict[str, Any], expected: list[str]
) -> None:
    assert codes(changed, **effective) == expected


@pytest.mark.parametrize(
    ("name", "zero"),
    [("progressTimeout", "0 switches a timeout off"), ("utilityVolumesTimeout", "0 waits for nothing")],
    ids=["a copy without progress", "utility volumes"],
)
def test_what_zero_means_is_said_of_each_timeout(name: str, zero: str) -> None:
    (found,) = find_risks({name: -1}, effective={}, before={})

    assert found.reason.endswith(f"less than 0 has no meaning, {zero}.")


def test_a_bare_number_for_the_bandwidth_is_asked_about() -> None:
    given = {"bandwidthPerMigration": "64"}
    (found,) = find_risks(given, effective=given, before={})

    assert found.reason == (
        "bandwidth_per_migration is 64 bytes a second, so 1 GiB takes over 17 minutes. Perhaps 64Mi is meant."
    )


ALIVE = {"allowPostCopy": True, "allowWorkloadDisruption": True, "completionTimeoutPerGiB": 150}
COMES_ALIVE: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "a deadline where there was none": (
        {"completionTimeoutPerGiB": 150},
        {**ALIVE, "completionTimeoutPerGiB": 0},
        ["PostCopyCanLoseVM"],
    ),
    "another deadline": ({"completionTimeoutPerGiB": 150}, {**ALIVE, "completionTimeoutPerGiB": 90}, []),
    "the deadline's default where there was none": (
        {"completionTimeoutPerGiB": None},
        {**ALIVE, "completionTimeoutPerGiB": 0},
        ["PostCopyCanLoseVM"],
    ),
    "disruption that was allowed": ({"allowWorkloadDisruption": True}, ALIVE, []),
}


@pytest.mark.parametrize(("changed", "before", "expected"), COMES_ALIVE.values(), ids=COMES_ALIVE)
def test_post_copy_that_comes_alive_by_another_setting_is_warned_of_and_one_that_was_alive_is_not(
    changed: dict[str, Any], before: dict[str, Any], expected: list[str]
) -> None:
    assert codes(changed, before=before, **ALIVE) == expected


@pytest.mark.parametrize(
    ("changed", "effective", "expected"),
    [
        ({"bandwidthPerMigration": "10M"}, {"completionTimeoutPerGiB": 99}, ["BandwidthTooLow"]),
        ({"bandwidthPerMigration": "10M"}, {"completionTimeoutPerGiB": 100}, []),
        ({"completionTimeoutPerGiB": 99}, {"bandwidthPerMigration": "10M"}, ["BandwidthTooLow"]),
        ({"bandwidthPerMigration": "10M"}, {"completionTimeoutPerGiB": 0}, []),
        ({"progressTimeout": 99}, {"bandwidthPerMigration": "10M", "completionTimeoutPerGiB": 99}, []),
    ],
    ids=["too low", "just enough", "too short", "no deadline", "about something else"],
)
def test_a_bandwidth_that_cannot_meet_the_deadline_is_refused_as_in_a_policy(
    changed: dict[str, Any], effective: dict[str, Any], expected: list[str]
) -> None:
    assert codes(changed, **effective) == expected
