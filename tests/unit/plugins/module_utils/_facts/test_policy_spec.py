# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a policy: what is refused before anybody is asked, and which values are the same."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy_spec import (
    option_of,
    parse_selector,
    parse_settings,
    same_value,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput


def test_options_get_the_names_of_the_api_and_what_is_not_given_is_left_out() -> None:
    given = {
        "allow_post_copy": False,
        "bandwidth_per_migration": "64Mi",
        "completion_timeout_per_gib": 0,
        "max_downtime_ms": None,
        "experimental": {"compression": "zstd", "stall_detector": {"ewma_alpha": "0.5", "stall_margin": None}},
    }

    assert parse_settings(given) == {
        "allowPostCopy": False,
        "bandwidthPerMigration": "64Mi",
        "completionTimeoutPerGiB": 0,
        "experimental": {"compression": "zstd", "stallDetector": {"ewmaAlpha": "0.5"}},
    }
    assert parse_settings({}) == {}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "negative time": ({"completion_timeout_per_gib": -1}, "completion_timeout_per_gib: -1 cannot be"),
    "negative bandwidth": ({"bandwidth_per_migration": "-1Mi"}, "bandwidth_per_migration: -1Mi cannot be"),
    "time beyond KubeVirt's numbers": (
        {"completion_timeout_per_gib": 2**62},
        "at least 0 and at most 4611686018",
    ),
    "bandwidth beyond libvirt's": ({"bandwidth_per_migration": "100E"}, "libvirt takes at most 9223372036853727232"),
    "unit": ({"bandwidth_per_migration": "64MiB"}, "bandwidth_per_migration: '64MiB' is not a Kubernetes quantity"),
    "no downtime": ({"max_downtime_ms": 0}, "at least 1 and at most 2000000"),
    "long downtime": ({"max_downtime_ms": 2000001}, "max_downtime_ms: 2000001"),
    "inner": ({"experimental": {"downtime_tuning": {"steps": 0}}}, "experimental.downtime_tuning.steps: 0"),
    "factor": ({"experimental": {"stall_detector": {"ewma_alpha": "0"}}}, "must be more than 0"),
    "margin": ({"experimental": {"stall_detector": {"stall_margin": 101}}}, "at most 100"),
    "both": (
        {"experimental": {"stall_detector": {"stall_margin": 1}, "downtime_tuning": {"steps": 3}}},
        "not both",
    ),
}


@pytest.mark.parametrize(("params", "words"), WRONG.values(), ids=WRONG)
def test_what_kubevirt_would_refuse_is_named_before_it_is_asked(params: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongInput) as caught:
        parse_settings(params)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"tier": True}, "True, which is no text; write it in quotes"),
        ({"tier": 5}, "5, which is no text"),
        ({"tier": None}, "None, which is no text"),
        ({"a b": "c"}, "no label"),
        ({"tier": "a b"}, "no label"),
        ({"": "c"}, "no label"),
        ({"/x": "c"}, "no label"),
        ({"A_b/x": "c"}, "no label"),
        ({"tier": "x" * 64}, "no label"),
    ],
    ids=["boolean", "number", "null", "key", "value", "no key", "no prefix", "prefix", "long"],
)
def test_selector_that_could_never_match_is_named(value: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongInput) as caught:
        parse_selector(value, option="vmi_selector")

    assert words in str(caught.value)
    assert str(caught.value).startswith("vmi_selector: ")


@pytest.mark.parametrize(
    "value",
    [None, {}, {"a.b-c/D_e": "V.1"}, {"tier": ""}, {"kubevirt.io/x": "y" * 63}],
    ids=["not given", "empty", "all signs", "no value", "long"],
)
def test_selector_that_may_match_passes(value: Any) -> None:
    assert parse_selector(value, option="vmi_selector") == value


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("64Mi", 67108864, True),
        ("64Mi", "64M", False),
        ("0.50", "500m", True),
        (True, 1, False),
        (True, True, True),
        ("zstd", "zstd", True),
        ("zstd", "none", False),
        (None, 0, False),
        ({"a": "1k"}, {"a": 1000}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, "x", False),
    ],
)
def test_values_are_compared_by_what_they_amount_to(one: Any, other: Any, same: bool) -> None:
    for first, second in ((one, other), (other, one)):
        assert same_value(first, second) is same


def test_fields_are_named_by_their_options() -> None:
    assert option_of("maxDowntimeMs") == "max_downtime_ms"
    assert option_of("virtualMachineInstanceSelector") == "vmi_selector"
    assert option_of("spec") == "spec"
