# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes of the collection's client on the real API server: dry runs, preconditions, refusals, lost answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import connect
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadRequest,
    Cause,
    ChangedMeanwhile,
    ClusterError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Write
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from tests.cluster import Cluster
from tests.integration.fault_proxy import FaultProxy
from tests.integration.looking import client_of
from tests.integration.simulated import QUIET, done

MAPS = "/api/v1/namespaces/team-a/configmaps"
MAP = f"{MAPS}/settings"
POLICIES = "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies"
KUBEVIRT = "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts/kubevirt"
OLD_KUBEVIRT = KUBEVIRT.replace("/v1/", "/v1alpha3/")

Object = dict[str, Any]


def a_map(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}


def a_patch(was: str, now: str) -> list[Object]:
    return [{"op": "test", "path": "/data/a", "value": was}, {"op": "replace", "path": "/data/a", "value": now}]


def data(cluster: Cluster) -> Any:
    """What the map holds; None while there is none."""
    status, body = cluster.request("GET", MAP)
    return body.get("data") if status == 200 else None


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    cluster.reset()
    cluster.simulator.play(QUIET)
    return cluster


@pytest.fixture
def client(world: Cluster) -> Iterator[Any]:
    with client_of(world, "admin") as found:
        yield found


@pytest.fixture
def made(world: Cluster) -> Object:
    """A map with a=1."""
    return done(world.request("POST", MAPS, body=a_map(a="1")))


@pytest.fixture
def proxy(world: Cluster) -> Iterator[FaultProxy]:
    with FaultProxy(world) as running:
        yield running


def through(proxy: FaultProxy) -> Any:
    return connect(settings_from({"host": proxy.url, "api_key": proxy.cluster.token("admin")}, environ={}))


def writes(uid: str) -> dict[str, tuple[Write, Any]]:
    """Each verb with what the map holds after it."""
    merge = {"data": {"b": "2"}}
    applied = {**a_map(b="2")}
    return {
        "patch": (Write("patch", MAP, a_patch("1", "2")), {"a": "2"}),
        "merge": (Write("merge", MAP, merge), {"a": "1", "b": "2"}),
        "apply": (Write("apply", MAP, applied), {"a": "1", "b": "2"}),
        "delete": (Write("delete", MAP, uid=uid), None),
    }


@pytest.mark.parametrize("verb", ["patch", "merge", "apply", "delete"])
def test_dry_run_of_a_write_stores_nothing_and_the_write_does(
    world: Cluster, client: Any, made: Object, verb: str
) -> None:
    write, after = writes(made["metadata"]["uid"])[verb]

    dry = client.write(write, dry_run=True)
    between = data(world)
    client.write(write)

    assert between == {"a": "1"}
    assert data(world) == after
    assert dry.obj.get("data") == after


def test_create_in_a_dry_run_is_checked_and_not_made(world: Cluster, client: Any) -> None:
    assert client.write(Write("create", MAPS, a_map(a="1")), dry_run=True).obj["metadata"]["uid"]
    assert data(world) is None

    client.write(Write("create", MAPS, a_map(a="1")))
    assert data(world) == {"a": "1"}
    with pytest.raises(Conflict, match="already exists"):
        client.write(Write("create", MAPS, a_map(a="1")))


def test_apply_makes_what_is_missing_and_owns_its_fields(world: Cluster, client: Any) -> None:
    client.write(Write("apply", MAP, a_map(a="1")))
    raw = done(world.request("GET", MAP))
    assert [one["manager"] for one in raw["metadata"]["managedFields"]] == ["kubevirt-ops-live-migration"]


def test_apply_over_another_managers_field_is_a_conflict_unless_it_is_forced(
    world: Cluster, client: Any, made: Object
) -> None:
    with pytest.raises(Conflict) as caught:
        client.write(Write("apply", MAP, a_map(a="2")))
    assert [cause.reason for cause in caught.value.causes] == ["FieldManagerConflict"]
    assert caught.value.causes[0].field == ".data.a"

    client.write(Write("apply", MAP, a_map(a="2"), is_forced=True))
    assert data(world) == {"a": "2"}


@pytest.mark.parametrize("dry_run", [False, True], ids=["for good", "dry run"])
def test_patch_whose_test_fails_is_told_as_a_change_by_somebody_else(
    world: Cluster, client: Any, made: Object, dry_run: bool
) -> None:
    with pytest.raises(ChangedMeanwhile, match="Somebody else changes this object too"):
        client.write(Write("patch", MAP, a_patch("0", "2")), dry_run=dry_run)
    assert data(world) == {"a": "1"}


def test_test_of_a_whole_value_fails_when_somebody_added_to_it(world: Cluster, client: Any, made: Object) -> None:
    done(world.request("PATCH", MAP, body={"data": {"b": "theirs"}}))
    whole = [
        {"op": "test", "path": "/data", "value": {"a": "1"}},
        {"op": "add", "path": "/data/b", "value": "ours"},
    ]
    with pytest.raises(ChangedMeanwhile):
        client.write(Write("patch", MAP, whole))
    assert data(world) == {"a": "1", "b": "theirs"}


@pytest.mark.parametrize("dry_run", [False, True], ids=["for good", "dry run"])
@pytest.mark.parametrize(
    "preconditions", [{"uid": "another"}, {"resource_version": "1"}], ids=["another uid", "another version"]
)
def test_delete_of_another_object_than_was_meant_is_a_conflict(
    world: Cluster, client: Any, made: Object, preconditions: dict[str, str], dry_run: bool
) -> None:
    with pytest.raises(Conflict, match="precondition"):
        client.write(Write("delete", MAP, **{"uid": made["metadata"]["uid"], **preconditions}), dry_run=dry_run)
    assert data(world) == {"a": "1"}


def test_merge_with_an_old_version_is_a_conflict(world: Cluster, client: Any, made: Object) -> None:
    done(world.request("PATCH", MAP, body={"data": {"a": "theirs"}}))
    body = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"a": "ours"}}

    with pytest.raises(Conflict):
        client.write(Write("merge", MAP, body))
    assert data(world) == {"a": "theirs"}


def test_unknown_field_is_an_error_when_strict_and_pruned_when_not(client: Any) -> None:
    body = {"spec": {"configuration": {"migrations": {"progresTimeout": 7}}}}

    with pytest.raises(
        BadRequest,
        match=r"422 Invalid: strict decoding error: unknown field .spec\.configuration\.migrations\.progresTimeout",
    ):
        client.write(Write("merge", KUBEVIRT, body), dry_run=True)
    pruned = client.write(Write("merge", KUBEVIRT, body, is_strict=False), dry_run=True).obj
    assert "progresTimeout" not in pruned["spec"]["configuration"].get("migrations", {})


def test_webhooks_refusal_carries_its_causes(client: Any) -> None:
    policy = {
        "apiVersion": "migrations.kubevirt.io/v1alpha1",
        "kind": "MigrationPolicy",
        "metadata": {"name": "p"},
        "spec": {"selectors": {}, "completionTimeoutPerGiB": -1},
    }
    with pytest.raises(Invalid, match="migration-policy-validator") as caught:
        client.write(Write("create", POLICIES, policy), dry_run=True)
    assert caught.value.causes == (Cause("spec.completionTimeoutPerGiB", "FieldValueInvalid", "must not be negative"),)


def test_warning_of_the_server_is_handed_on(client: Any) -> None:
    written = client.write(Write("merge", OLD_KUBEVIRT, {"metadata": {"labels": {"a": "b"}}}), dry_run=True)

    assert written.warnings == ("kubevirt.io/v1alpha3 is now deprecated and will be removed in a future release.",)


def test_forbidden_write_names_its_rule(world: Cluster, made: Object) -> None:
    with client_of(world, "tenant") as client, pytest.raises(Forbidden) as caught:
        client.write(Write("patch", MAP, a_patch("1", "2")))
    assert caught.value.rule == Rule("patch", "", "configmaps", "team-a")


def test_delete_of_what_is_gone_is_not_found(client: Any) -> None:
    with pytest.raises(NotFound):
        client.write(Write("delete", MAP, uid="u"))


@pytest.mark.parametrize("verb", ["apply", "delete"])
def test_write_whose_answer_was_lost_is_done_once_and_ends_well(
    world: Cluster, proxy: FaultProxy, made: Object, verb: str
) -> None:
    write, after = writes(made["metadata"]["uid"])[verb]
    proxy.fail(path="/configmaps/settings", cut=10)

    through(proxy).write(write)

    assert data(world) == after
    assert len(proxy.requests) == 2


def test_guarded_patch_whose_answer_was_lost_is_done_once_and_says_that_it_may_be(
    world: Cluster, proxy: FaultProxy, made: Object
) -> None:
    proxy.fail(path="/configmaps/settings", cut=10)

    with pytest.raises(ChangedMeanwhile) as caught:
        through(proxy).write(Write("patch", MAP, a_patch("1", "2")))

    assert (caught.value.is_uncertain, data(world), len(proxy.requests)) == (True, {"a": "2"}, 2)


def test_create_whose_answer_was_lost_is_not_repeated_and_says_that_it_may_be_done(
    world: Cluster, proxy: FaultProxy
) -> None:
    proxy.fail(path="/configmaps", cut=10)

    with pytest.raises(ClusterError) as caught:
        through(proxy).write(Write("create", MAPS, a_map(a="1")))

    assert (caught.value.is_uncertain, data(world), len(proxy.requests)) == (True, {"a": "1"}, 1)
