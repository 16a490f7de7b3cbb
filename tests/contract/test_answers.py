# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a module depends on what the API server itself answers, our definitions make it answer as the real ones do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.contract.objects import lost
from tests.contract.resources import DRY, STRICT, Resource, body_of, resources_of, said

KUBEVIRT = "kubevirts.kubevirt.io"
VMI = "virtualmachineinstances.kubevirt.io"
VMIM = "virtualmachineinstancemigrations.kubevirt.io"
POLICY = "migrationpolicies.migrations.kubevirt.io"
HCO = "hyperconvergeds.hco.kubevirt.io"
RULE = "prometheusrules.monitoring.coreos.com"

pytestmark = pytest.mark.usefixtures("real_folder")


def _settings(**settings: Any) -> dict[str, Any]:
    return {"spec": {"configuration": {"migrations": settings}}}


def _policy(**settings: Any) -> dict[str, Any]:
    return {"spec": {"selectors": {}, **settings}}


def _rule(**rule: Any) -> dict[str, Any]:
    return {"spec": {"groups": [{"name": "g", "rules": [rule]}]}}


# Name: the kind, the object, and the fields that the refusal names.
REFUSED: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a policy without selectors": (POLICY, {"spec": {}}, ["spec.selectors"]),
    "a policy without a spec": (POLICY, {}, ["spec"]),
    "a bandwidth that is no quantity": (POLICY, _policy(bandwidthPerMigration="64MiB"), ["spec.bandwidthPerMigration"]),
    "no downtime at all": (POLICY, _policy(maxDowntimeMs=0), ["spec.maxDowntimeMs"]),
    "a downtime too long": (POLICY, _policy(maxDowntimeMs=2000001), ["spec.maxDowntimeMs"]),
    "an unknown compression": (
        POLICY,
        _policy(experimental={"compression": "lz4"}),
        ["spec.experimental.compression"],
    ),
    "a setting of another type": (
        KUBEVIRT,
        _settings(parallelMigrationsPerCluster="5"),
        ["spec.configuration.migrations.parallelMigrationsPerCluster"],
    ),
    "a setting that is no quantity": (
        KUBEVIRT,
        _settings(bandwidthPerMigration="fast"),
        ["spec.configuration.migrations.bandwidthPerMigration"],
    ),
    "a HyperConverged setting of another type": (
        HCO,
        {"spec": {"virtualization": {"liveMigrationConfig": {"progressTimeout": "150"}}}},
        ["spec.virtualization.liveMigrationConfig.progressTimeout"],
    ),
    "a VMI without devices": (VMI, {"spec": {"domain": {}}}, ["spec.domain.devices"]),
    "a migration without a spec": (VMIM, {}, ["spec"]),
    "a rule without expression": (RULE, _rule(alert="A"), ["spec.groups[0].rules[0].expr"]),
    "a duration in words": (RULE, _rule(alert="A", expr="1", **{"for": "5 minutes"}), ["spec.groups[0].rules[0].for"]),
    "two groups of one name": (RULE, {"spec": {"groups": [{"name": "g"}, {"name": "g"}]}}, ["spec.groups[1]"]),
}

# Name: the kind, the object, and the path that the server does not know.
UNKNOWN: dict[str, tuple[str, dict[str, Any], str]] = {
    "spec of a migration": (VMIM, {"spec": {"vmiName": "sample", "foo": 1}}, "spec.foo"),
    "misspelt setting": (KUBEVIRT, _settings(progressTimeOut=1), "spec.configuration.migrations.progressTimeOut"),
    "experimental setting": (KUBEVIRT, _settings(experimental={}), "spec.configuration.migrations.experimental"),
    "spec of a policy": (POLICY, _policy(progressTimeout=1), "spec.progressTimeout"),
    "v1beta1 setting in v1": (HCO, {"spec": {"liveMigrationConfig": {}}}, "spec.liveMigrationConfig"),
    "misspelt rule": (RULE, _rule(expr="1", four="5m"), "spec.groups[0].rules[0].four"),
}


@pytest.fixture(scope="module")
def both(cluster: Cluster, real_server: Cluster) -> Iterator[tuple[Cluster, Cluster]]:
    yield cluster, real_server
    for server in (cluster, real_server):
        server.reset()


@pytest.mark.parametrize(("name", "parts", "fields"), REFUSED.values(), ids=REFUSED)
def test_both_servers_refuse(
    both: tuple[Cluster, Cluster],
    resources: Mapping[str, Resource],
    name: str,
    parts: dict[str, Any],
    fields: list[str],
) -> None:
    body = resources[name].object("refused", parts)
    for server in both:
        status, answer = server.request("POST", resources[name].here, body=body, query=DRY)
        assert status == 422, said(answer)
        assert _named(answer) == fields


def _named(answer: Mapping[str, Any]) -> list[str]:
    """The fields that a refusal names; "<nil>" says that further rules were not looked at."""
    return sorted({cause["field"] for cause in answer["details"]["causes"]} - {"", "<nil>"})


@pytest.mark.parametrize(("name", "parts", "path"), UNKNOWN.values(), ids=UNKNOWN)
def test_both_servers_refuse_an_unknown_field_when_strict(
    both: tuple[Cluster, Cluster], resources: Mapping[str, Resource], name: str, parts: dict[str, Any], path: str
) -> None:
    body = resources[name].object("strict", parts)
    for server in both:
        status, answer = server.request("POST", resources[name].here, body=body, query=DRY | STRICT)
        assert (status, answer["reason"]) == (400, "BadRequest")
        assert f'unknown field "{path}"' in said(answer)


@pytest.mark.parametrize(("name", "parts", "path"), UNKNOWN.values(), ids=UNKNOWN)
def test_both_servers_prune_an_unknown_field_else(
    both: tuple[Cluster, Cluster], resources: Mapping[str, Resource], name: str, parts: dict[str, Any], path: str
) -> None:
    resource = resources[name]
    for server in both:
        with_vmi(server, resources[VMI])
        status, answer = server.request("POST", resource.here, body=resource.object("pruned", parts), query=DRY)
        assert status == 201, said(answer)
        assert lost(parts, answer) == [path]


def with_vmi(server: Cluster, resource: Resource) -> None:
    """A running VMI, without which KubeVirt's admission takes no migration. It may stand there already."""
    parts = {"spec": {"domain": {"devices": {}}}, "status": {"phase": "Running"}}
    status, answer = server.request("POST", resource.here, body=resource.object("sample", parts))
    assert status in (201, 409), said(answer)


def test_both_servers_fill_in_the_same_settings(
    both: tuple[Cluster, Cluster], resources: Mapping[str, Resource]
) -> None:
    """A HyperConverged shows its defaults, which are not KubeVirt's (150, 2)."""
    resource = resources[HCO]
    filled = []
    for server in both:
        status, answer = server.request("POST", resource.here, body=resource.object("filled", {}), query=DRY)
        assert status == 201, said(answer)
        filled.append(answer["spec"]["virtualization"]["liveMigrationConfig"])

    assert (filled[0]["completionTimeoutPerGiB"], filled[0]["parallelOutboundMigrationsPerNode"]) == (20, 1)
    assert filled[0] == filled[1]


def test_both_servers_lose_what_is_written_in_the_older_form(
    both: tuple[Cluster, Cluster], real_definitions: Mapping[str, Any]
) -> None:
    """Without the operator's conversion webhook nothing carries a v1beta1 setting over to the stored version."""
    newer, older = resources_of(real_definitions[HCO])
    assert (newer.version, older.version) == ("v1", "v1beta1")
    body = older.object("older", {"spec": {"liveMigrationConfig": {"completionTimeoutPerGiB": 999}}})
    for server in both:
        status, answer = server.request("POST", older.here, body=body)
        assert status == 201, said(answer)
        stored = body_of(server, newer.path("older"))
        assert "liveMigrationConfig" not in body_of(server, older.path("older"))["spec"]
        server.request("DELETE", newer.path("older"))
        assert stored["spec"]["virtualization"]["liveMigrationConfig"]["completionTimeoutPerGiB"] == 20
