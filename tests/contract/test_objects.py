# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every object that the simulator writes is one that the real definitions accept, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.contract.resources import Acceptance, Resource, body_of
from tests.contract.samples import SAMPLES

SCENARIOS = sorted(path.stem for path in (Path(__file__).parents[1] / "cluster" / "scenarios").glob("*.yml"))

KUBEVIRT = "kubevirts.kubevirt.io"
VMI = "virtualmachineinstances.kubevirt.io"
VMIM = "virtualmachineinstancemigrations.kubevirt.io"


@pytest.fixture(scope="module")
def acceptance(real_server: Cluster) -> Iterator[Acceptance]:
    yield Acceptance(real_server)
    real_server.reset()


@pytest.fixture
def empty_cluster(cluster: Cluster) -> Iterator[Cluster]:
    cluster.reset()
    yield cluster
    cluster.reset()


def test_there_are_scenarios() -> None:
    assert SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_the_simulator_writes_is_accepted(
    acceptance: Acceptance, resources: Mapping[str, Resource], empty_cluster: Cluster, scenario: str
) -> None:
    empty_cluster.simulator.play(scenario)
    found = {name: _objects(empty_cluster, resource) for name, resource in resources.items()}

    assert found[KUBEVIRT], "no scenario goes without KubeVirt itself"
    assert found[VMI], "no scenario goes without a VMI"
    assert [
        problem
        for name, objects in found.items()
        for obj in objects
        for problem in acceptance.problems(resources[name], obj)
    ] == []


def _objects(server: Cluster, resource: Resource) -> list[dict[str, Any]]:
    kind = {"apiVersion": f"{resource.group}/{resource.version}", "kind": resource.kind}
    return [{**kind, **item} for item in body_of(server, resource.everywhere)["items"]]


@pytest.mark.parametrize("name", SAMPLES)
def test_an_object_that_is_right_is_accepted(
    acceptance: Acceptance, resources: Mapping[str, Resource], name: str
) -> None:
    assert acceptance.problems(resources[name], resources[name].object("right", SAMPLES[name])) == []


# Name: the kind, where the altered value goes, the value, and what the server says of it.
WRONG: dict[str, tuple[str, list[str], Any, str]] = {
    "misspelt spec": (VMIM, ["spec", "vmiNam"], "a", 'POST 400: .*unknown field "spec.vmiNam"'),
    "misspelt status": (VMIM, ["status", "fase"], "Running", 'PUT 400: .*unknown field "status.fase"'),
    "no time": (VMIM, ["status", "phaseTransitionTimestamps"], [{"phaseTransitionTimestamp": "now"}], "PUT 422: "),
    "unknown field of a state": (VMI, ["status", "migrationState"], {"sourceNod": "n"}, "POST 400: .*sourceNod"),
    "a number for a text": (VMI, ["status", "phase"], 1, "POST 422: .*status.phase"),
    "no condition type": (KUBEVIRT, ["status", "conditions"], [{"status": "True"}], "PUT 422: .*type"),
}


@pytest.mark.parametrize(("name", "place", "value", "answer"), WRONG.values(), ids=WRONG)
def test_an_object_that_is_wrong_is_not(
    acceptance: Acceptance,
    resources: Mapping[str, Resource],
    name: str,
    place: list[str],
    value: Any,
    answer: str,
) -> None:
    part, key = place
    parts = {**SAMPLES[name], part: {**SAMPLES[name][part], key: value}}

    problems = acceptance.problems(resources[name], resources[name].object("wrong", parts))

    assert len(problems) == 1
    assert re.search(answer, problems[0]), problems[0]
