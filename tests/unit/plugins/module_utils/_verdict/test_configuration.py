# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a migration: what was recorded for it, before that what a hand-off would take, and from where."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import (
    MigrationPolicy,
    Policies,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import SETTINGS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    configuration_of,
    expect_configuration,
    policy_now,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import (
    PolicyMatch,
    match_policies,
)
from tests.unit.builders import CONFIGURATION, a_policy
from tests.unit.worlds import World, a_copy, a_failed, a_world

IN_KUBEVIRT = {setting.name for setting in SETTINGS if setting.in_kubevirt}
IN_POLICY = {setting.name for setting in SETTINGS if setting.in_policy}


def read(*policies: dict[str, Any], **namespace_labels: dict[str, str]) -> Policies:
    return Policies(tuple(MigrationPolicy.from_object(policy) for policy in policies), namespace_labels)


def ruled_by(**spec: Any) -> PolicyMatch:
    policy = MigrationPolicy.from_object(a_policy("fast", **spec))
    return match_policies([policy], vmi_labels={"a": "b"}, namespace_labels={})


def shown(world: World, policies: Policies) -> dict[str, tuple[Any, str]]:
    found = configuration_of(world.first().case, policies=policies)
    return {name: (one.value, one.origin) for name, one in found.items()}


NO_POLICY = PolicyMatch(None, True, ())


def test_without_policy_and_settings_all_are_kubevirts_defaults() -> None:
    found = expect_configuration(NO_POLICY, configured={})

    assert {one.origin for one in found.values()} == {"default"}
    assert set(found) == IN_KUBEVIRT
    assert found["completionTimeoutPerGiB"].value == 150
    assert found["matchSELinuxLevelOnMigration"].value is True


def test_a_policy_stands_above_the_kubevirt_object_and_that_above_the_defaults() -> None:
    found = expect_configuration(
        ruled_by(completionTimeoutPerGiB=10), configured={"completionTimeoutPerGiB": 20, "progressTimeout": 30}
    )

    assert (found["completionTimeoutPerGiB"].value, found["completionTimeoutPerGiB"].origin) == (10, "policy fast")
    assert (found["progressTimeout"].value, found["progressTimeout"].origin) == (30, "KubeVirt")
    assert (found["bandwidthPerMigration"].value, found["bandwidthPerMigration"].origin) == ("0", "default")


def test_a_value_of_zero_or_false_is_set() -> None:
    found = expect_configuration(
        ruled_by(completionTimeoutPerGiB=0, allowAutoConverge=False), configured={"allowAutoConverge": True}
    )

    assert (found["completionTimeoutPerGiB"].value, found["allowAutoConverge"].value) == (0, False)
    assert found["allowAutoConverge"].origin == "policy fast"


@pytest.mark.parametrize(
    ("spec", "configured", "expected"),
    [
        ({"allowPostCopy": True}, {"allowWorkloadDisruption": False}, (True, "policy fast")),
        ({"allowPostCopy": True, "allowWorkloadDisruption": False}, {}, (False, "policy fast")),
        ({}, {"allowPostCopy": True}, (True, "KubeVirt")),
        ({}, {"allowPostCopy": True, "allowWorkloadDisruption": False}, (False, "KubeVirt")),
        ({}, {}, (False, "default")),
    ],
    ids=["policy", "policy sets both", "KubeVirt", "KubeVirt sets both", "nobody"],
)
def test_workload_disruption_follows_post_copy_where_it_is_not_set(
    spec: dict[str, Any], configured: dict[str, Any], expected: tuple[bool, str]
) -> None:
    found = expect_configuration(ruled_by(**spec), configured=configured)["allowWorkloadDisruption"]

    assert (found.value, found.origin) == expected


def test_what_hangs_on_something_unread_is_left_out() -> None:
    assert set(expect_configuration(None, configured={})) == IN_KUBEVIRT - IN_POLICY
    assert set(expect_configuration(PolicyMatch(None, False, ()), configured={})) == IN_KUBEVIRT - IN_POLICY
    assert set(expect_configuration(ruled_by(maxDowntimeMs=5), configured=None)) == {"maxDowntimeMs"}
    assert expect_configuration(None, configured=None) == {}


def test_a_policy_alone_sets_experimental() -> None:
    found = expect_configuration(ruled_by(experimental={"compression": "zstd"}), configured={})

    assert found["experimental"].value == {"compression": "zstd"}


def test_from_the_hand_off_on_only_the_record_counts() -> None:
    world = a_copy(60)

    assert shown(world, read(a_policy("new", completionTimeoutPerGiB=7))) == {
        name: (value, "migration") for name, value in CONFIGURATION.items()
    }
    match = policy_now(world.first().case, policies=read(a_policy("new")))
    assert match is not None
    assert match.name == "new"


def test_before_the_hand_off_it_is_what_kubevirt_would_take_now() -> None:
    world = a_world("Scheduling")
    world.kubevirt["spec"]["configuration"] = {"migrations": {"bandwidthPerMigration": "64Mi"}}
    found = shown(world, read(a_policy("by-node", vmi={"kubevirt.io/nodeName": "src-web-1"}, maxDowntimeMs=300)))

    assert found["maxDowntimeMs"] == (300, "policy by-node")
    assert found["bandwidthPerMigration"] == ("64Mi", "KubeVirt")
    assert found["progressTimeout"] == (150, "default")


def test_the_record_of_an_older_migration_does_not_count() -> None:
    world = a_world("Scheduling")
    world.vmi["status"]["migrationState"] = {"migrationUid": "older", "migrationConfiguration": {"progressTimeout": 1}}

    assert shown(world, read())["progressTimeout"] == (150, "default")


def test_a_spoilt_setting_of_the_kubevirt_object_leaves_its_part_open() -> None:
    world = a_world("Scheduling")
    world.kubevirt["spec"]["configuration"] = {"migrations": {"bandwidthPerMigration": ["64Mi"]}}

    assert shown(world, read()) == {}


def test_the_namespaces_labels_count_as_far_as_they_were_read() -> None:
    world, policy = a_world("Pending"), a_policy("team", namespace={"team": "a"})
    case = world.first().case

    unread = policy_now(case, policies=read(policy))
    other = policy_now(case, policies=read(policy, **{"team-a": {"team": "b"}}))
    same = policy_now(case, policies=read(policy, **{"team-a": {"team": "a"}}))

    assert [one.name for one in (unread, other, same) if one is not None] == [None, "", "team"]


def test_policies_that_were_not_read_and_migrations_that_ended_have_no_answer() -> None:
    assert policy_now(a_world("Pending").first().case, policies=Policies()) is None
    assert policy_now(a_failed().first().case, policies=read(a_policy())) is None


def test_without_the_vmi_it_is_not_known_whether_a_record_stands_in_it() -> None:
    world = a_world("Scheduling")
    world.vmis = []

    assert shown(world, read()) == {}


def test_a_copy_without_its_record_is_not_guessed() -> None:
    world = a_copy(60)
    del world.vmi["status"]["migrationState"]

    assert shown(world, read()) == {}
