# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pods ask of nodes and hold there: shapes that are wrong, resizes in place, selectors."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodNeeds,
    PodOnNode,
    group_by_node,
    namespace_labels,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.selector import (
    LabelSelector,
    Requirement,
    match_all,
)
from tests.unit.builders import Object
from tests.unit.placing import a_pod_there, a_target, requests

UNKNOWN = Requirement("a", "Like", ("b",))


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"containers": "x"}, "spec.containers is not a list"),
        ({"containers": [7]}, "a int stands where an object belongs"),
        ({"containers": [{"resources": 7}]}, "resources is not a mapping"),
        ({"containers": [{"resources": {"requests": []}}]}, "resources.requests is not a mapping"),
        ({"initContainers": [{"restartPolicy": True}]}, "restartPolicy is not a string"),
        ({"overhead": 7}, "spec.overhead is not a mapping"),
        ({"resources": {"requests": 7}}, "spec.resources.requests is not a mapping"),
        ({"nodeSelector": {"a": 7}}, "spec.nodeSelector.a is not a string"),
        ({"affinity": 7}, "spec.affinity is not a mapping"),
    ],
)
def test_wrong_shape_is_a_problem_and_not_nothing(spec: Object, problem: str) -> None:
    assert any(problem in one for one in PodNeeds.from_object(a_target(**spec)).problems)


def test_amount_that_is_none_is_a_problem() -> None:
    needs = PodNeeds.from_object(a_target(containers=[requests(memory="much")]))
    assert needs.units == {}
    assert needs.problems[0].startswith("resources.requests is not readable: 'much' is not a Kubernetes quantity")


def test_amounts_are_whole_units_rounded_up() -> None:
    needs = PodNeeds.from_object(a_target(containers=[requests(cpu="1u", memory="1.5"), requests(cpu="1500m")]))
    assert needs.units == {"cpu": 1501, "memory": 2}


def resized(*, init: bool = False, policy: str = "Always", actual: Any = None, allocated: Any = None) -> PodOnNode:
    """A pod that asks for 1 cpu and has been given something else."""
    status: Object = {"name": "compute", "resources": {"requests": {"cpu": "1"} if actual is None else actual}}
    status |= {} if allocated is None else {"allocatedResources": allocated}
    container = requests(cpu="1")
    spec = {"containers": [], "initContainers": [{**container, "restartPolicy": policy}]} if init else {}
    pod = a_pod_there("a", "n", **(spec or {"containers": [container]}))
    pod["status"]["initContainerStatuses" if init else "containerStatuses"] = [status]
    return PodOnNode.from_object(pod)


@pytest.mark.parametrize(
    ("found", "milli"),
    [
        (resized(actual={"cpu": "3"}), 3000),
        (resized(actual={"cpu": "500m"}), 1000),
        (resized(allocated={"cpu": "4"}), 4000),
        (resized(actual={"cpu": "2"}, allocated={"cpu": "1500m"}), 2000),
        # Without the actual amounts the allocated ones do not count.
        (resized(actual={}, allocated={"cpu": "4"}), 1000),
        (resized(init=True, actual={"cpu": "3"}), 3000),
        (resized(init=True, policy="", actual={"cpu": "3"}), 1000),
    ],
)
def test_running_pod_holds_the_most_of_wanted_allocated_and_actual(found: PodOnNode, milli: int) -> None:
    assert found.units == {"cpu": milli}
    assert found.problems == ()


def test_pod_as_a_whole_is_resized_too() -> None:
    pod = a_pod_there("a", "n", resources={"requests": {"cpu": "2"}})
    pod["status"] |= {"resources": {"requests": {"cpu": "5"}}, "allocatedResources": {"cpu": "3"}}
    assert PodOnNode.from_object(pod).units["cpu"] == 5000


@pytest.mark.parametrize("spoilt", [resized(actual={"cpu": "x"}), resized(actual=7), resized(allocated=[])])
def test_unreadable_resize_is_a_problem(spoilt: PodOnNode) -> None:
    assert spoilt.problems != ()


def test_pods_stand_at_their_nodes() -> None:
    pods = [PodOnNode.from_object(a_pod_there(name, node)) for name, node in (("a", "x"), ("b", "y"), ("c", ""))]
    found = group_by_node(pods, names=["x", "z"])
    assert {name: [pod.meta.name for pod in some] for name, some in found.items()} == {"x": ["a"], "z": []}


def test_pod_whose_node_cannot_be_read_is_not_lost() -> None:
    spoilt = PodOnNode.from_object({**a_pod_there("a", "x"), "spec": {"nodeName": 7}})
    assert group_by_node([spoilt], names=["x", "y"]) == {"x": [spoilt], "y": []}
    assert group_by_node([spoilt], names=[]) == {}


def test_namespaces_that_cannot_be_read_are_not_known() -> None:
    objects = [{"metadata": {"name": "a", "labels": {"x": "y"}}}, {"metadata": {"name": "b", "labels": 7}}, 7]
    assert namespace_labels(objects) == {"a": {"x": "y"}}


def test_what_cannot_be_judged_matters_only_where_the_rest_matches() -> None:
    assert match_all([Requirement("a", "Exists"), UNKNOWN], {"a": "b"}) is None
    assert match_all([Requirement("z", "Exists"), UNKNOWN], {"a": "b"}) is False
    assert match_all([], {}) is True
    assert LabelSelector(()).is_empty
    assert not LabelSelector((UNKNOWN,)).is_empty


@pytest.mark.parametrize(
    ("requirement", "text"),
    [
        (Requirement("zone", "In", ("a",)), "zone=a"),
        (Requirement("zone", "In", ("a", "b")), "zone in (a, b)"),
        (Requirement("zone", "NotIn", ("a",)), "zone not in (a)"),
        (Requirement("disk", "Exists"), "disk exists"),
        (Requirement("disk", "DoesNotExist"), "disk absent"),
        (Requirement("cores", "Gt", ("4",)), "cores > 4"),
        (Requirement("cores", "Lt", ("4",)), "cores < 4"),
        (UNKNOWN, "a Like (b)"),
    ],
)
def test_requirement_for_people(requirement: Requirement, text: str) -> None:
    assert requirement.text() == text


@pytest.mark.parametrize(
    ("value", "limit", "greater"),
    [
        ("9223372036854775807", "9223372036854775806", True),
        ("9223372036854775808", "1", False),
        ("-5", "-6", True),
        ("+5", "4", True),
        ("1_0", "4", False),
        (" 9", "4", False),
        ("5", "4.0", False),
    ],
)
def test_comparison_takes_integers_of_64_bits_alone(value: str, limit: str, greater: bool) -> None:
    assert Requirement("a", "Gt", (limit,)).matches({"a": value}) is greater
    assert Requirement("a", "Gt", (limit, limit)).matches({"a": value}) is False
