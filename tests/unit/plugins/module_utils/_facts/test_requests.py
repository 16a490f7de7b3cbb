# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod requests: containers, start steps, sidecars, the pod as a whole, overhead; and what a node's pods do."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import QuantityError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.requests import (
    node_requests,
    pod_requests,
)


def a_container(cpu: str, *, always: bool = False) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu}}, **({"restartPolicy": "Always"} if always else {})}


def a_pod(
    *containers: str, init: list[dict[str, Any]] | None = None, phase: str = "Running", **spec: Any
) -> dict[str, Any]:
    running = [a_container(cpu) for cpu in containers]
    return {"spec": {"containers": running, "initContainers": init or [], **spec}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (a_pod("500m", "1"), "1.5"),
        (a_pod("1", init=[a_container("3"), a_container("2")]), "3"),
        (a_pod("4", init=[a_container("3")]), "4"),
        (a_pod("1", init=[a_container("500m", always=True)]), "1.5"),
        (a_pod("1", init=[a_container("1", always=True), a_container("5")]), "6"),
        (a_pod("1", init=[a_container("5"), a_container("1", always=True)]), "5"),
        (a_pod("1", overhead={"cpu": "250m"}), "1.25"),
        (a_pod("1", init=[a_container("3")], overhead={"cpu": "1"}), "4"),
        (a_pod("1", "1", resources={"requests": {"cpu": "8"}}), "8"),
        (a_pod("1", resources={"requests": {"cpu": "8"}}, overhead={"cpu": "1"}), "9"),
    ],
    ids=[
        "containers",
        "largest_start_step",
        "containers_larger_than_start",
        "sidecar",
        "start_step_beside_sidecar",
        "start_step_before_sidecar",
        "overhead",
        "overhead_on_start_step",
        "pod_level",
        "overhead_on_pod_level",
    ],
)
def test_pod_requests_follow_the_scheduler(pod: dict[str, Any], expected: str) -> None:
    assert pod_requests(pod) == {"cpu": Fraction(expected)}


def test_pod_requests_pod_level_counts_for_cpu_memory_and_hugepages_only() -> None:
    whole = {"requests": {"memory": "1Gi", "hugepages-2Mi": "4Mi", "example.com/gpu": "7"}}
    assert pod_requests(a_pod(resources=whole)) == {"memory": 2**30, "hugepages-2Mi": 2**22}


def test_pod_requests_unreadable_amount_is_an_error_that_names_it() -> None:
    with pytest.raises(QuantityError, match="'much' is not a Kubernetes quantity"):
        pod_requests(a_pod("1", "much"))


def test_node_requests_sum_up_and_count_pods_without_finished_ones() -> None:
    pods = [a_pod("1"), a_pod("500m", phase="Pending"), a_pod("8", phase="Succeeded"), a_pod("8", phase="Failed")]
    assert node_requests(pods) == {"cpu": Fraction("1.5"), "pods": 2}
    assert node_requests([]) == {"pods": Fraction(0)}


def test_node_requests_with_an_unreadable_pod_are_not_known() -> None:
    assert node_requests([a_pod("1"), a_pod("much")]) is None


@pytest.mark.parametrize(
    "pod",
    [None, "pod", {}, {"spec": []}, {"spec": {"containers": [None, 3]}}, {"spec": {"initContainers": {}}}],
    ids=repr,
)
def test_pod_requests_mangled_pod_requests_nothing(pod: Any) -> None:
    assert pod_requests(pod) == {}


MILLI = st.integers(0, 10**6)


@given(containers=st.lists(MILLI), steps=st.lists(st.tuples(MILLI, st.booleans())))
def test_pod_requests_are_never_less_than_any_moment_needs(
    containers: list[int], steps: list[tuple[int, bool]]
) -> None:
    init = [a_container(f"{cpu}m", always=always) for cpu, always in steps]
    asked = pod_requests(a_pod(*(f"{cpu}m" for cpu in containers), init=init)).get("cpu", Fraction(0)) * 1000
    sidecars = sum(cpu for cpu, always in steps if always)
    assert asked >= sum(containers) + sidecars
    assert asked >= max((cpu for cpu, _memory in steps), default=0)
    assert asked <= sum(containers) + sum(cpu for cpu, _memory in steps)
