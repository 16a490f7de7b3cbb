# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that cannot be meant, at their bounds, and what they are told with."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.settings_risks import find_risks


def codes(changed: dict[str, Any], **effective: Any) -> list[str]:
    return [one.code for one in find_risks(changed, effective={**effective, **changed})]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("progressTimeout", -1, ["NegativeValue"]),
        ("progressTimeout", 0, []),
        ("completionTimeoutPerGiB", -1, ["NegativeValue"]),
        ("completionTimeoutPerGiB", 0, []),
        ("utilityVolumesTimeout", -1, ["NegativeValue"]),
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


def test_a_bare_number_for_the_bandwidth_is_asked_about() -> None:
    (found,) = find_risks({"bandwidthPerMigration": "64"}, effective={})

    assert found.reason == (
        "bandwidth_per_migration is 64 bytes a second, so 1 GiB takes over 17 minutes. Perhaps 64Mi is meant."
    )
