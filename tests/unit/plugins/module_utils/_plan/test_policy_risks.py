# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against a policy, in which words, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_risks import (
    PolicyCase,
    find_policy_risks,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.risks import RISKS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_effect import Effect, Ruling
from tests.unit.builders import a_policy, a_vmi

DB = {"tier": "db"}


def risks(
    policy: Any = None, *, rulings: Any = (), configured: Any = None, blind: str = "", before: Any = None
) -> dict[str, str]:
    read, was = (None if one is None else MigrationPolicy.from_object(one) for one in (policy, before))
    case = PolicyCase(read, Effect(wins_for=tuple(rulings)), configured, blind=blind, before=was)
    return {one.code: one.reason for one in find_policy_risks(case)}


def ruling(vm: str = "db-1", *, before: str = "", devices: Any = None) -> Ruling:
    raw = a_vmi(vm)
    raw["spec"]["domain"]["devices"] = devices or {}
    return Ruling(Vmi.from_object(raw), before=before, after="fast")


SOUND: dict[str, dict[str, Any]] = {
    "a setting": {"allowAutoConverge": True},
    "bandwidth without a deadline": {"bandwidthPerMigration": "64Mi", "completionTimeoutPerGiB": 20},
    "no limit of bandwidth": {"bandwidthPerMigration": "0", "completionTimeoutPerGiB": 1},
    "just in time": {"bandwidthPerMigration": "10M", "completionTimeoutPerGiB": 100},
    "post-copy forbidden": {"allowPostCopy": False, "allowWorkloadDisruption": False},
}


@pytest.mark.parametrize("spec", SOUND.values(), ids=SOUND)
def test_nothing_is_said_of_what_is_sound(spec: dict[str, Any]) -> None:
    assert risks(a_policy(vmi=DB, **spec), configured={}) == {}


def test_a_deadline_that_the_bandwidth_cannot_meet_is_told_with_its_figures() -> None:
    found = risks(a_policy(vmi=DB, bandwidthPerMigration="10M", completionTimeoutPerGiB=99))

    assert found == {
        "BandwidthTooLow": "At 10M a second one GB takes 100 s, and the deadline allows 99 s: "
        "no copy of all of the memory is done in time."
    }


@pytest.mark.parametrize(
    ("spec", "configured", "is_told"),
    [
        ({"bandwidthPerMigration": "5M"}, {}, True),
        ({"bandwidthPerMigration": "5M"}, {"completionTimeoutPerGiB": 800}, False),
        ({"bandwidthPerMigration": "5M"}, None, False),
        ({"completionTimeoutPerGiB": 10}, {"bandwidthPerMigration": "64Mi"}, True),
        ({"allowAutoConverge": True}, {"bandwidthPerMigration": "5M"}, False),
    ],
    ids=["default deadline", "cluster's deadline", "not known", "cluster's bandwidth", "not the policy's doing"],
)
def test_what_the_policy_leaves_open_comes_from_the_cluster(spec: Any, configured: Any, is_told: bool) -> None:
    assert ("BandwidthTooLow" in risks(a_policy(vmi=DB, **spec), configured=configured)) is is_told


def test_post_copy_at_a_deadline_that_the_cluster_switched_off_never_applies() -> None:
    policy = a_policy(vmi=DB, allowPostCopy=True)

    assert set(risks(policy, configured={"completionTimeoutPerGiB": 0})) == {
        "PostCopyNeverApplies",
        "PostCopyCanLoseVM",
    }
    assert set(risks(policy, configured={})) == {"PostCopyCanLoseVM"}


POST_COPY = {"allowPostCopy": True, "allowWorkloadDisruption": True, "completionTimeoutPerGiB": 150}
HELD: dict[str, tuple[dict[str, Any], dict[str, Any], set[str]]] = {
    "disruption, which the cluster forbids": (
        {"allowWorkloadDisruption": True},
        {**POST_COPY, "allowWorkloadDisruption": False},
        {"PostCopyCanLoseVM"},
    ),
    "a deadline, which the cluster has not": (
        {"completionTimeoutPerGiB": 150},
        {**POST_COPY, "completionTimeoutPerGiB": 0},
        {"PostCopyCanLoseVM"},
    ),
    "no deadline": ({"completionTimeoutPerGiB": 0}, POST_COPY, {"PostCopyNeverApplies", "NoCompletionTimeout"}),
    "another deadline": ({"completionTimeoutPerGiB": 200}, POST_COPY, set()),
    "something else": ({"allowAutoConverge": True}, POST_COPY, set()),
    "neither": ({"allowPostCopy": False, "allowWorkloadDisruption": False}, POST_COPY, set()),
}


@pytest.mark.parametrize(("spec", "configured", "expected"), HELD.values(), ids=HELD)
def test_post_copy_is_judged_by_what_holds_with_the_cluster_below(
    spec: dict[str, Any], configured: dict[str, Any], expected: set[str]
) -> None:
    assert set(risks(a_policy(vmi=DB, **spec), configured=configured)) == expected


def test_post_copy_that_comes_from_elsewhere_is_warned_of_where_another_policy_may_have_held_it() -> None:
    policy = a_policy(vmi=DB, completionTimeoutPerGiB=200)

    assert set(risks(policy, configured=POST_COPY, rulings=[ruling(before="held")])) == {"PostCopyCanLoseVM"}
    assert risks(policy, configured=POST_COPY, rulings=[ruling(before="fast")]) == {}


@pytest.mark.parametrize(
    "after", [None, a_policy(vmi=DB, allowAutoConverge=True)], ids=["deleted", "sets it no longer"]
)
def test_a_policy_that_no_longer_holds_post_copy_back_is_warned_of(after: Any) -> None:
    before = a_policy(vmi=DB, allowPostCopy=False)

    assert set(risks(after, configured=POST_COPY, before=before)) == {"PostCopyCanLoseVM"}
    assert risks(after, configured={}, before=before) == {}


def test_post_copy_names_the_vms_with_devices_of_their_node() -> None:
    card = {"gpus": [{"name": "g", "deviceName": "v/g"}]}
    many = [ruling(f"db-{number}", devices=card) for number in range(7)]

    told = risks(a_policy(vmi=DB, allowPostCopy=True), rulings=[ruling("plain"), *many])["PostCopyWithHostDevices"]

    assert told.startswith("team-a/db-0, team-a/db-1, team-a/db-2, team-a/db-3, team-a/db-4 and 2 more: each holds")
    assert "plain" not in told


def test_a_policy_without_settings_names_the_policies_that_it_hides() -> None:
    told = risks(a_policy(vmi=DB), rulings=[ruling(before="slow"), ruling("db-2")])["PolicyWithoutSettings"]

    assert "in place of those of slow;" in told


def test_empty_selectors_say_how_many_run_now() -> None:
    told = risks(a_policy(allowAutoConverge=True), rulings=[ruling(), ruling("db-2")])

    assert list(told) == ["ClusterWidePolicy"]
    assert "2 running now" in told["ClusterWidePolicy"]


def test_a_delete_is_only_refused_blind() -> None:
    assert risks(None) == {}
    assert list(risks(None, blind="nobody looks")) == ["EffectUnknown"]


def test_every_code_is_one_that_accept_risks_knows() -> None:
    odd = a_policy(vmi={"kubevirt.io/nodeName": "n"}, allowPostCopy=True, completionTimeoutPerGiB=0)
    everything = {
        *risks(odd, rulings=[ruling(devices={"hostDevices": [{}]})], blind="x"),
        *risks(a_policy()),
        *risks(a_policy(vmi=DB, bandwidthPerMigration="64")),
    }

    assert everything == {
        "BandwidthTooLow", "ClusterWidePolicy", "EffectUnknown", "NoCompletionTimeout", "PolicyWithoutSettings",
        "PostCopyCanLoseVM", "PostCopyNeverApplies", "PostCopyWithHostDevices", "SelectorChanges",
    }  # fmt: skip
    assert everything <= set(RISKS)
