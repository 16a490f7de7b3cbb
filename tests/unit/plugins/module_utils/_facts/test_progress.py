# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of a copy from points: KubeVirt's names of every version, several scrapers, and what is no figure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.exposition import Point
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import (
    Progress,
    Sample,
    progress_of,
)
from tests.unit.builders import NOW

REMAINING = "kubevirt_vmi_migration_data_remaining_bytes"
KEY = ("team-a", "web-1")


def a_point(metric: str = REMAINING, value: float = 5.0, *, age: float | None = 10, **labels: str) -> Point:
    at = None if age is None else NOW - timedelta(seconds=age)
    return Point(metric, {"namespace": "team-a", "name": "web-1", "node": "src", **labels}, value, at)


def samples(*points: Point) -> tuple[Sample, ...]:
    return progress_of(points, source="prometheus", read_at=NOW).get(KEY, Progress()).samples


@pytest.mark.parametrize(
    ("metric", "figure"),
    [
        ("data_remaining_bytes", "remaining_bytes"),
        ("data_processed_bytes", "processed_bytes"),
        ("data_bytes_total", "total_bytes"),
        ("data_total_bytes", "total_bytes"),
        ("memory_transfer_rate_bytes", "transfer_bytes_per_second"),
        ("disk_transfer_rate_bytes", "transfer_bytes_per_second"),
        ("dirty_memory_rate_bytes", "dirty_bytes_per_second"),
    ],
)
def test_each_metric_gives_its_figure(metric: str, figure: str) -> None:
    (found,) = samples(a_point(f"kubevirt_vmi_migration_{metric}"))

    given = {
        name: value for name, value in vars(found).items() if name.endswith(("bytes", "second")) and value is not None
    }
    assert given == {figure: 5}


def test_samples_are_in_order_of_time_whatever_the_order_of_points() -> None:
    found = samples(a_point(value=1, age=10), a_point(value=3, age=0), a_point(value=2, age=5))

    assert [one.remaining_bytes for one in found] == [1, 2, 3]


def test_two_scrapers_of_one_measurement_give_one_sample() -> None:
    found = samples(a_point(prometheus="k8s-0"), a_point(prometheus="k8s-1"))

    assert [one.remaining_bytes for one in found] == [5]


def test_two_values_of_one_measurement_are_none() -> None:
    points = [a_point(value=5, instance="a"), a_point(value=6, instance="b"), a_point(value=5, instance="c")]

    assert [one.remaining_bytes for one in samples(*points)] == [None]


def test_two_nodes_are_two_samples() -> None:
    assert [one.node for one in samples(a_point(node="b"), a_point(node="a"))] == ["a", "b"]


def test_scrape_without_honor_labels_keeps_the_vm() -> None:
    point = a_point(namespace="kubevirt", exported_namespace="team-a")

    assert len(samples(point)) == 1


def test_point_without_a_time_was_measured_when_it_was_read() -> None:
    assert [one.at for one in samples(a_point(age=None))] == [NOW]


@pytest.mark.parametrize("value", [-1.0, 2.0**64, 1e300], ids=str)
def test_value_that_is_no_uint64_is_no_figure(value: float) -> None:
    assert samples(a_point(value=value)) == ()


@pytest.mark.parametrize("labels", [{"namespace": ""}, {"name": ""}], ids=str)
def test_point_of_no_vm_is_left_out(labels: dict[str, Any]) -> None:
    assert progress_of([a_point(**labels)], source="prometheus", read_at=NOW) == {}


def test_metric_of_another_name_is_left_out() -> None:
    assert samples(a_point("kubevirt_vmi_memory_used_bytes")) == ()


@pytest.mark.parametrize(
    "node", ["\x1b[31m", "x" * 5000, "No De", "{{ x }}"], ids=["escape", "long", "words", "lookup"]
)
def test_what_is_no_name_is_no_nodes(node: str) -> None:
    (found,) = samples(a_point(node=node))

    assert found.node == ""
