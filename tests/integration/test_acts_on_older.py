# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cancel and a retry on a KubeVirt that is older: what it does not serve is not sent, and what to do is said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.simulator import subresources
from tests.integration.acting import as_is, at_real_pace, cancel, going_on, only, retry, writes
from tests.integration.defining import versions_of, without
from tests.integration.simulated import MIGRATIONS, a_world, done, is_gone, items, plant

INSIST = {"accept_risks": ["NotStuck"]}
THREE = [{"name": "node-a"}, {"name": "node-b"}, {"name": "node-c"}]
FIELD = "/spec/versions/{version}/schema/openAPIV3Schema/properties/spec/properties/addedNodeSelector"


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


# -- before 1.7: no evacuate/cancel


@pytest.fixture
def without_evacuate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subresources, "_ROUTES", ("virtualmachines/migrate",))
    monkeypatch.setattr(subresources, "_ROUTE", re.compile(subresources._ROUTE.pattern.replace("|evacuate/cancel", "")))


def evacuating(cluster: Cluster) -> dict[str, Any]:
    vm = {"name": "team-a/web-1", "node": "node-a", "evacuation": True}
    copy = {"vm": "team-a/web-1", "phase": "Running", "since": 20, "target": "node-b", "origin": "evacuation"}
    made = cluster.simulator.play(a_world(vms=[vm], migrations=[copy]))
    return dict(made.migrations["team-a/web-1"][0])


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for good"])
@pytest.mark.usefixtures("without_evacuate")
def test_evacuation_that_cannot_be_stopped_is_left_alone_and_the_way_out_is_said(
    cluster: Cluster, check_mode: bool
) -> None:
    evacuating(cluster)
    before, mark = as_is(cluster), cluster.audit_mark()
    result = cancel(cluster, stop_evacuation=True, check_mode=check_mode, **INSIST)

    assert (only(result)["state"], only(result)["code"]) == ("refused", "EvacuationNotStoppable")
    assert "Uncordon node node-a" in only(result)["reason"]
    assert (as_is(cluster), writes(cluster, mark), result["changed"]) == (before, [], False)


@pytest.mark.usefixtures("without_evacuate")
def test_evacuation_that_cannot_be_stopped_is_cancelled_where_somebody_insists(cluster: Cluster) -> None:
    vmim = evacuating(cluster)
    with going_on(cluster):
        result = cancel(cluster, accept_risks=["NotStuck", "OwnedByController"])

    assert only(result)["state"] == "cancelled", only(result)
    assert is_gone(cluster, vmim)


# -- before 1.6: no addedNodeSelector


@pytest.fixture
def without_selector(cluster: Cluster) -> Iterator[None]:
    paths = {FIELD.format(version=place): one for place, one in enumerate(versions_of(cluster))}
    specs = {path: one["schema"]["openAPIV3Schema"]["properties"]["spec"] for path, one in paths.items()}
    kept = {path: spec["properties"]["addedNodeSelector"] for path, spec in specs.items()}

    def is_served() -> bool:
        document = done(cluster.request("GET", "/openapi/v3/apis/kubevirt.io/v1"))
        return "addedNodeSelector" in json.dumps(document)

    with without(cluster, kept, is_served=is_served):
        yield


@pytest.mark.usefixtures("without_selector")
def test_node_that_cannot_be_avoided_is_refused_or_left_to_the_scheduler(cluster: Cluster) -> None:
    plant(cluster, "Failed", nodes=THREE)
    mark = cluster.audit_mark()
    refused = retry(cluster, avoid_nodes=["node-b"])
    written = writes(cluster, mark)
    insisted = retry(cluster, avoid_nodes=["node-b"], accept_risks=["AvoidNotSupported"])

    assert (only(refused)["code"], written) == ("AvoidNotSupported", [])
    assert "it came with 1.6" in only(refused)["reason"]
    assert only(insisted)["state"] == "created", only(insisted)
    assert [one["spec"] for one in items(cluster, MIGRATIONS) if "retry" in one["metadata"]["name"]] == [
        {"vmiName": "web-1"}
    ]
