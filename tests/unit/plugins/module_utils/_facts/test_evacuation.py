# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a drain: VMIs, disruption budgets, quotas, launcher pods."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.budget import DisruptionBudget
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.launcher import Launcher
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quota import (
    ResourceQuota,
    quota_usage,
)
from tests.unit.draining import a_budget, a_guest, a_quota, its_pod

GIB = 2**30


@pytest.mark.parametrize("obj", [None, [], "x", {"spec": 7, "status": []}], ids=["null", "list", "text", "wrong parts"])
@pytest.mark.parametrize(
    "read", [Guest.from_object, DisruptionBudget.from_object, ResourceQuota.from_object], ids=["VMI", "budget", "quota"]
)
def test_what_is_no_object_is_a_problem_and_no_traceback(read: Any, obj: Any) -> None:
    assert read(obj).problems


def test_a_launcher_that_is_no_object_has_no_owner() -> None:
    assert (Launcher.from_object("x").owner, Launcher.from_object(its_pod()).owner) == ("", "vmi-web-1")


@pytest.mark.parametrize(
    ("selector", "means"),
    [
        ({"matchLabels": {"kubevirt.io": "virt-launcher"}}, True),
        ({"matchLabels": {"kubevirt.io": "other"}}, False),
        ({}, True),
        (None, False),
        ({"matchExpressions": [{"key": "a", "operator": "Strange"}]}, None),
        ("x", None),
    ],
    ids=["its label", "another", "empty", "none", "operator not known", "spoilt"],
)
def test_which_pods_a_budget_means(selector: Any, means: bool | None) -> None:
    budget = a_budget()
    budget["spec"]["selector"] = selector

    assert DisruptionBudget.from_object(budget).means(Pod.from_object(its_pod())) is means


def test_a_budget_of_another_namespace_means_no_pod_here() -> None:
    budget = a_budget()
    budget["metadata"]["namespace"] = "elsewhere"

    assert DisruptionBudget.from_object(budget).means(Pod.from_object(its_pod())) is False


def test_a_budget_that_kubevirt_made_is_known_by_its_owner() -> None:
    own = a_budget()
    own["metadata"]["ownerReferences"] = [{"kind": "VirtualMachineInstance", "name": "web-1", "controller": True}]

    assert DisruptionBudget.from_object(own).is_kubevirts
    assert not DisruptionBudget.from_object(a_budget()).is_kubevirts


def test_quota_usage_counts_requests_limits_and_the_pod() -> None:
    pod = its_pod(memory="9Gi")
    pod["spec"]["containers"][0]["resources"]["limits"] = {"cpu": "2"}
    pod["spec"]["initContainers"] = [{"name": "i", "resources": {"limits": {"cpu": "3", "memory": "1Gi"}}}]
    usage = quota_usage(pod)

    assert usage is not None
    assert usage["requests.memory"] == usage["memory"] == 9 * GIB
    assert (usage["requests.cpu"], usage["limits.cpu"], usage["limits.memory"]) == (1, 3, GIB)
    assert usage["pods"] == usage["count/pods"] == 1


def test_usage_of_an_amount_that_cannot_be_read_is_not_known() -> None:
    assert quota_usage(its_pod(memory="much")) is None


@pytest.mark.parametrize(
    ("spec", "applies"),
    [
        ({}, True),
        ({"scopes": ["NotTerminating", "NotBestEffort"]}, True),
        ({"scopes": ["Terminating"]}, False),
        ({"scopeSelector": {"matchExpressions": [{"scopeName": "BestEffort", "operator": "Exists"}]}}, False),
        ({"scopes": ["PriorityClass"]}, None),
        ({"scopes": ["PriorityClass", "BestEffort"]}, False),
    ],
    ids=["none", "those of launchers", "ending pods", "best effort", "not judged", "not judged and never"],
)
def test_which_quotas_are_about_launcher_pods(spec: Any, applies: bool | None) -> None:
    assert ResourceQuota.from_object(a_quota({"pods": "1"}, {}, **spec)).applies is applies


def test_free_is_what_is_left_and_may_be_less_than_nothing() -> None:
    quota = ResourceQuota.from_object(a_quota({"pods": "2", "requests.cpu": "500m"}, {"pods": "3"}))

    assert quota.free == {"pods": -1, "requests.cpu": Fraction(1, 2)}


@pytest.mark.parametrize(
    ("statuses", "migratable"),
    [(["True"], True), (["False"], False), ([], False)],
    ids=["true", "false", "absent"],
)
def test_a_vmi_is_migratable_only_where_kubevirt_says_so(statuses: list[str], migratable: bool) -> None:
    conditions = [{"type": "LiveMigratable", "status": status} for status in statuses]

    assert Guest.from_object(a_guest(conditions=conditions)).is_migratable is migratable


@pytest.mark.parametrize("name", [[7], {"x": 7}, 7], ids=["list", "mapping", "number"])
def test_a_container_status_whose_name_is_no_text_is_a_problem_and_no_traceback(name: Any) -> None:
    pod = its_pod()
    pod["status"]["containerStatuses"][0]["name"] = name

    assert Launcher.from_object(pod).needs.problems
