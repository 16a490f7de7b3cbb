# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our minimal definitions promise what the real ones promise: on paper, in discovery, and in what is printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.contract.definitions import OURS, differences, load
from tests.contract.resources import Resource, body_of, resources_of, said
from tests.contract.samples import SAMPLES
from tests.contract.schemas import rule_differences

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"

pytestmark = pytest.mark.usefixtures("real_folder")


def test_ours_promise_what_the_real_ones_promise(real_definitions: Mapping[str, Any]) -> None:
    assert differences(load(OURS), real_definitions) == []


def test_ours_rule_as_the_real_ones_rule(real_definitions: Mapping[str, Any]) -> None:
    """Types, ranges, required fields, list types, defaults, and what is pruned, as far as ours go."""
    for name, definition in load(OURS).items():
        ours, real = _schemas(definition), _schemas(real_definitions[name])
        for version, schema in ours.items():
            assert rule_differences(schema, real[version]) == [], f"{name} {version}"


def _schemas(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {version["name"]: version["schema"]["openAPIV3Schema"] for version in definition["spec"]["versions"]}


@pytest.fixture(scope="module")
def places(real_definitions: Mapping[str, Any]) -> list[str]:
    """The discovery documents of our kinds: of each group, and of each version."""
    served = [resource for definition in real_definitions.values() for resource in resources_of(definition)]
    groups = {f"/apis/{resource.group}" for resource in served}
    return sorted(groups | {f"/apis/{resource.group}/{resource.version}" for resource in served})


def test_both_servers_announce_the_same(cluster: Cluster, real_server: Cluster, places: list[str]) -> None:
    assert len(places) == 10, "four groups with six versions"
    for place in places:
        ours, real = _announced(cluster, place), _announced(real_server, place)
        assert ours == real, place
        assert ours, place


def _announced(server: Cluster, place: str) -> dict[str, Any]:
    document = body_of(server, place)
    resources = {entry["name"]: entry for entry in document.pop("resources", [])}
    return {**document, **resources}


@pytest.fixture(scope="module")
def both(
    cluster: Cluster, real_server: Cluster, resources: Mapping[str, Resource]
) -> Iterator[tuple[Cluster, Cluster]]:
    """Both servers with the samples stored."""
    for server in (cluster, real_server):
        server.reset()
        for name, parts in SAMPLES.items():
            _store(server, resources[name], parts)
    yield cluster, real_server
    for server in (cluster, real_server):
        server.reset()


def _store(server: Cluster, resource: Resource, parts: Mapping[str, Any]) -> None:
    body = resource.object("sample", parts)
    status, stored = server.request("POST", resource.here, body=body)
    assert status == 201, f"POST {resource.here}: {status} {said(stored)}"
    if resource.has_status and "status" in parts:
        body = {**stored, "status": parts["status"]}
        status, stored = server.request("PUT", f"{resource.path('sample')}/status", body=body)
        assert status == 200, f"PUT {resource.path('sample')}/status: {status} {said(stored)}"


@pytest.mark.parametrize("name", SAMPLES)
def test_both_servers_print_the_same(
    both: tuple[Cluster, Cluster], real_definitions: Mapping[str, Any], name: str
) -> None:
    for resource in resources_of(real_definitions[name]):
        ours, real = (_printed(server, resource) for server in both)
        assert ours == real
        assert ours["Name"]["cell"] == resource.named("sample")


def test_the_samples_fill_the_columns(both: tuple[Cluster, Cluster], resources: Mapping[str, Resource]) -> None:
    """A column that stays empty on both servers would prove nothing."""
    for name in SAMPLES:
        printed = _printed(both[1], resources[name])
        empty = [column for column, found in printed.items() if found["cell"] in (None, "", "<none>", "<unknown>")]
        assert empty == [], name


def _printed(server: Cluster, resource: Resource) -> dict[str, dict[str, Any]]:
    """The columns of the sample by name. An age moves on between two reads: only that it is shown counts."""
    table = body_of(server, resource.path("sample"), accept=TABLE)
    cells = table["rows"][0]["cells"]
    found = {}
    for column, cell in zip(table["columnDefinitions"], cells, strict=True):
        shape = {key: value for key, value in column.items() if key != "description"}
        found[column["name"]] = {**shape, "cell": "shown" if column["type"] == "date" and cell else cell}
    return found
