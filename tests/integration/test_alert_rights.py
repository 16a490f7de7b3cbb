# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role that README.md gives for migration_alert suffices, and each rule that is missing is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import Forbidden
from tests.cluster import Cluster
from tests.integration.alert_worlds import OBJECTS, ask
from tests.integration.granting import Granting, Rules
from tests.integration.settings_worlds import world
from tests.integration.simulated import items
from tests.make.readme import role_in_readme

SELECTORS = {"virtualMachineInstanceSelector": {"tier": "db"}, "namespaceSelector": {"team": "a"}}
POLICIES = [{"name": "slow", "spec": {"completionTimeoutPerGiB": 900, "selectors": SELECTORS}}]


@pytest.fixture
def grant(cluster: Cluster) -> Iterator[Granting]:
    granting = Granting(cluster)
    yield granting
    granting.forget()


def rules(*, without: tuple[str, str] = ("", "")) -> Rules:
    """The rules of the role in README.md but for one right (verb, resource)."""
    found = [
        {**rule, "resources": [one], "verbs": [verb for verb in rule["verbs"] if (verb, one) != without]}
        for rule in role_in_readme("live-migration-alert")["rules"]
        for one in rule["resources"]
    ]
    return [rule for rule in found if rule["verbs"]]


def test_the_role_suffices(cluster: Cluster, grant: Granting) -> None:
    world(cluster, policies=POLICIES)
    user = grant(rules())

    made = ask(cluster, impersonate=user)
    changed = ask(cluster, impersonate=user, stuck_after=600)
    gone = ask(cluster, impersonate=user, state="absent")

    assert [found["changed"] for found in (made, changed, gone)] == [True, True, True]
    assert [found["coverage"]["complete"] for found in (made, changed, gone)] == [True, True, True]


@pytest.mark.parametrize(
    ("verb", "resource"),
    [("get", "prometheusrules"), ("patch", "prometheusrules"), ("create", "prometheusrules"), ("list", "kubevirts")],
)
def test_without_a_right_that_it_needs_the_rule_is_named_and_nothing_is_made(
    cluster: Cluster, grant: Granting, verb: str, resource: str
) -> None:
    world(cluster)
    user = grant(rules(without=(verb, resource)))

    with pytest.raises(Forbidden) as caught:
        ask(cluster, impersonate=user)

    assert caught.value.rule.resource == resource
    assert caught.value.result["changed"] is False
    assert items(cluster, OBJECTS) == []


@pytest.mark.parametrize(
    ("verb", "resource", "words"),
    [
        ("list", "migrationpolicies", "MigrationPolicies may not be read: VMs that one gives more time"),
        ("list", "namespaces", "MigrationPolicy slow is left out of the alert's limit: the labels of namespaces"),
    ],
)
def test_without_a_right_that_it_can_do_without_it_goes_on_and_says_what_is_not_known(
    cluster: Cluster, grant: Granting, verb: str, resource: str, words: str
) -> None:
    world(cluster, policies=POLICIES)
    user = grant(rules(without=(verb, resource)))

    found = ask(cluster, impersonate=user)

    assert (found["changed"], found["threshold"]["policies"]) == (True, [])
    assert [one["resource"] for one in found["coverage"]["missing"]] == [resource]
    assert any(note.startswith(words) for note in found["notes"])


def test_a_fixed_limit_in_a_named_namespace_needs_no_more_than_the_object(cluster: Cluster, grant: Granting) -> None:
    world(cluster)
    user = grant([{"apiGroups": ["monitoring.coreos.com"], "resources": ["prometheusrules"], "verbs": ["*"]}])

    found = ask(cluster, impersonate=user, stuck_after=600, namespace="team-a")

    assert found["changed"]
    missing = [one["resource"] for one in found["coverage"]["missing"]]
    assert missing == ["kubevirts", "prometheuses", "thanosrulers", "namespaces"]
