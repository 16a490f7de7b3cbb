# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a cluster whose Table does not tell: the definition has no column Phase, or the server knows no Table.

They cost more there, and say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import at_real_pace
from tests.integration.defining import versions_of, without
from tests.integration.fault_proxy import FaultProxy
from tests.integration.faulty import run_module

Object = dict[str, Any]
MIGRATIONS = "/apis/kubevirt.io/v1/virtualmachineinstancemigrations"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
# One that is stuck, one that waits for it, and one that has ended.
WORLD: Object = {
    "title": "A copy to a node that is silent",
    "nodes": [{"name": "node-a"}, {"name": "node-b", "ready": "Unknown", "since": 900}, {"name": "node-c"}],
    "vms": [{"name": f"team-a/{name}", "node": "node-a"} for name in ("web-1", "web-2", "db-1")],
    "migrations": [
        {"vm": "team-a/web-1", "phase": "Running", "since": 200, "target": "node-b"},
        {"vm": "team-a/web-2", "phase": "Pending", "since": 400},
        {"vm": "team-a/db-1", "phase": "Succeeded", "since": 60, "target": "node-c"},
    ],
}
LOOKS: dict[str, Object] = {
    "all": {},
    "a namespace": {"namespaces": ["team-a"]},
    "one VM, with the queue before it": {"vms": ["team-a/web-2"]},
}


class Plain(FaultProxy):
    """An API server that knows no Table: it answers with the list itself."""

    def forward(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """The answer to the same request for plain JSON."""
        plain = {name: "application/json" if value == TABLE else value for name, value in headers.items()}
        return super().forward(method, target, headers=plain, body=body)


@pytest.fixture(autouse=True)
def _world(cluster: Cluster) -> None:
    at_real_pace(cluster)
    cluster.simulator.play(WORLD)


def said_of(cluster: Cluster, proxy: FaultProxy, options: Object) -> list[Any]:
    """What migration_info says through `proxy`: of each migration its verdict, and whether all was seen."""
    ended = run_module("migration_info", options, cluster=cluster, proxy=proxy)
    assert not ended.has_failed, ended.printed
    found = [(one["vm"], one["phase"], one["verdict"], one["cause"]) for one in ended.printed["migrations"]]
    return [found, ended.printed["summary"], ended.printed["coverage"]["complete"]]


@pytest.mark.parametrize("options", LOOKS.values(), ids=LOOKS)
def test_server_that_ignores_table_gives_the_same_verdicts(cluster: Cluster, options: Object) -> None:
    with FaultProxy(cluster) as usual:
        truth = said_of(cluster, usual, options)
    with Plain(cluster) as plain:
        found = said_of(cluster, plain, options)

    assert truth[0]
    assert found == truth


@pytest.fixture
def without_columns(cluster: Cluster) -> Iterator[None]:
    columns = "additionalPrinterColumns"
    kept = {f"/spec/versions/{place}/{columns}": one[columns] for place, one in enumerate(versions_of(cluster))}

    def is_served() -> bool | None:
        status, answer = cluster.request("GET", MIGRATIONS, headers={"Accept": TABLE})
        return "Phase" in [one["name"] for one in answer["columnDefinitions"]] if status == 200 else None

    with without(cluster, kept, is_served=is_served):
        yield


def test_definition_without_a_column_phase_gives_the_same_verdicts(
    cluster: Cluster, request: pytest.FixtureRequest
) -> None:
    with FaultProxy(cluster) as usual:
        truth = [said_of(cluster, usual, options) for options in LOOKS.values()]
        request.getfixturevalue("without_columns")
        found = [said_of(cluster, usual, options) for options in LOOKS.values()]

    assert all(verdicts for verdicts, _summary, _is_complete in truth)
    assert found == truth
