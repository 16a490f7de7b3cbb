# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_policy where the cluster lacks something, or the user may not do all of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    ResourceMissing,
)
from tests.cluster import Cluster
from tests.cluster.crds import OUR_CRDS
from tests.integration.keeping import (
    DB,
    POLICIES,
    WANTED,
    allow,
    client_for,
    codes,
    keep,
    keep_with,
    outcomes,
    play_a_database,
    stored,
)
from tests.integration.simulated import done


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    return play_a_database(cluster)


# --- what the cluster lacks ---


@pytest.fixture
def old_kubevirt(world: Cluster) -> Iterator[Cluster]:
    """A KubeVirt whose policies know neither experimental settings nor a downtime."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/migrationpolicies.migrations.kubevirt.io"
    crd = done(world.request("GET", path))
    known = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    kept = {name: known[name] for name in ("experimental", "maxDowntimeMs")}
    operations = [
        {"op": "remove", "path": f"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/{name}"}
        for name in kept
    ]
    kind = {"Content-Type": "application/json-patch+json"}
    done(world.request("PATCH", path, body=operations, headers=kind))
    wait_until(world, knows_experimental=False)
    yield world
    back = [{**one, "op": "add", "value": kept[one["path"].rpartition("/")[2]]} for one in operations]
    done(world.request("PATCH", path, body=back, headers=kind))
    wait_until(world, knows_experimental=True)


def wait_until(cluster: Cluster, *, knows_experimental: bool) -> None:
    """A changed definition takes a moment until the API server goes by it."""
    body = {"apiVersion": "migrations.kubevirt.io/v1alpha1", "kind": "MigrationPolicy", "metadata": {"name": "probe"}}
    spec = {"selectors": {}, "experimental": {"compression": "zstd"}}
    for _attempt in range(200):
        answer = done(cluster.request("POST", POLICIES, body={**body, "spec": spec}, query={"dryRun": "All"}))
        if ("experimental" in answer["spec"]) is knows_experimental:
            return
        Event().wait(0.05)
    raise AssertionError("the API server does not go by the changed definition")


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for good"])
def test_a_setting_that_the_cluster_does_not_serve_is_refused_by_its_option(
    old_kubevirt: Cluster, check_mode: bool
) -> None:
    result = keep(old_kubevirt, check_mode=check_mode, **WANTED, experimental={"compression": "zstd"})

    assert (codes(result), result["changed"], stored(old_kubevirt)) == (["SettingNotServed"], False, None)
    assert result["refusals"][0]["reason"].startswith("experimental: the MigrationPolicy of this cluster has no field")
    assert keep(old_kubevirt, **WANTED)["changed"] is True


class Lenient:
    """A client of a server that drops what it does not know without a word, as old ones do."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def write(self, write: Any, **options: Any) -> Any:
        return self._client.write(replace(write, is_strict=False), **options)


def test_what_a_lenient_server_drops_is_refused_in_check_mode_and_an_error_for_good(old_kubevirt: Cluster) -> None:
    wanted = {**WANTED, "experimental": {"compression": "zstd"}}
    with client_for(old_kubevirt) as client:
        checked = keep_with(Lenient(client), check_mode=True, **wanted)
        with pytest.raises(ClusterError, match=r"dropped spec\.experimental\.compression without a word") as caught:
            keep_with(Lenient(client), **wanted)

    assert (codes(checked), checked["changed"]) == (["SettingNotServed"], False)
    assert caught.value.result["changed"] is True
    assert keep(old_kubevirt, **caught.value.result["undo"])["changed"] is True
    assert stored(old_kubevirt) is None


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster whose KubeVirt knows no policies."""
    folder = tmp_path_factory.mktemp("crds")
    for path in OUR_CRDS.glob("*.yml"):
        if not path.name.startswith("migrationpolicies"):
            shutil.copy(path, folder)
    with Cluster.start(crds=folder) as running:
        yield running


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_cluster_without_the_kind_is_a_clear_error(bare: Cluster, state: str) -> None:
    with pytest.raises(ResourceMissing) as caught:
        keep(bare, **{**WANTED, "state": state})

    assert "The cluster does not serve the kind MigrationPolicy" in str(caught.value)


# --- what the user may not ---


@pytest.mark.parametrize(
    ("params", "verb"),
    [
        (WANTED, "create"),
        ({"name": "db", "completion_timeout_per_gib": 9}, "patch"),
        ({"name": "db", "state": "absent"}, "delete"),
    ],
    ids=["create", "change", "delete"],
)
def test_who_may_not_write_gets_the_rule(world: Cluster, params: dict[str, Any], verb: str) -> None:
    if verb != "create":
        keep(world, **WANTED)
    before = stored(world)

    with client_for(world, "operator") as client, pytest.raises(Forbidden) as caught:
        keep_with(client, **params)

    assert caught.value.rule.sentence() == f"{verb} migrationpolicies (migrations.kubevirt.io)"
    assert stored(world) == before


def test_who_may_not_even_read_it_gets_the_rule(world: Cluster) -> None:
    with client_for(world, "nobody") as client, pytest.raises(Forbidden) as caught:
        keep_with(client, **WANTED)

    assert caught.value.rule.sentence() == "get migrationpolicies (migrations.kubevirt.io)"


def test_all_rights_are_those_that_the_documentation_names(world: Cluster) -> None:
    user = allow(world, "tuner")

    results = [
        keep(world, as_user=user, **WANTED),
        keep(world, as_user=user, name="db", completion_timeout_per_gib=900),
        keep(world, as_user=user, name="db", state="absent"),
        keep(world, as_user=user, **WANTED),
        keep(world, as_user=user, name="db", undo=True),
    ]
    again = keep(world, as_user=user, name="db", undo=True)

    assert [(one["changed"], one["coverage"]["complete"]) for one in results] == [(True, True)] * 5
    assert [len(one["notes"]) for one in results] == [0, 0, 1, 0, 0]
    # The event of the undo may be read too.
    assert (again["changed"], again["refused"], again["coverage"]["complete"]) == (False, False, True)


@pytest.mark.parametrize("without", ["virtualmachineinstances", "namespaces"])
def test_without_knowing_whom_it_rules_nothing_is_done_unless_somebody_insists(world: Cluster, without: str) -> None:
    user = allow(world, f"blind-{without}", without=(without,))
    wanted = {**WANTED, "namespace_selector": {"kubernetes.io/metadata.name": "team-a"}}

    refused = keep(world, as_user=user, **wanted)
    checked = keep(world, as_user=user, check_mode=True, **wanted)
    left = stored(world)
    insisted = keep(world, as_user=user, **wanted, accept_risks=["EffectUnknown"])

    assert codes(refused) == codes(checked) == ["EffectUnknown"]
    assert left is None
    assert without in {rule["resource"] for rule in refused["coverage"]["missing"]}
    assert (insisted["changed"], insisted["wins_for"]) == (True, [])


def test_without_a_list_of_policies_one_is_found_by_its_name_and_its_effect_is_not_told(world: Cluster) -> None:
    keep(world, **WANTED)
    user = allow(world, "one-by-one", without=("migrationpolicies",))
    rules = [
        {"apiGroups": ["migrations.kubevirt.io"], "resources": ["migrationpolicies"], "verbs": ["get", "patch"]},
    ]
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/one-by-one"
    body = done(world.request("GET", role))
    done(world.request("PUT", role, body={**body, "rules": [*body["rules"], *rules]}))

    unchanged = keep(world, as_user=user, **WANTED)
    refused = keep(world, as_user=user, name="db", completion_timeout_per_gib=900)

    assert (unchanged["changed"], unchanged["refused"]) == (False, False)
    assert codes(refused) == ["EffectUnknown"]
    assert "list migrationpolicies" in refused["refusals"][0]["reason"]


@pytest.mark.parametrize("without", ["kubevirts", "virtualmachines", "virtualmachineinstancemigrations"])
def test_what_only_says_more_is_named_and_holds_nothing_up(world: Cluster, without: str) -> None:
    user = allow(world, f"less-{without}", without=(without,))
    world.simulator.play(
        {
            "title": "A database moves",
            "nodes": [{"name": "node-a"}, {"name": "node-b"}],
            "vms": [{"name": "team-a/db-2", "node": "node-a", "labels": DB}],
            "migrations": [{"vm": "team-a/db-2", "phase": "Running", "since": 60, "target": "node-b"}],
        }
    )

    result = keep(world, as_user=user, **WANTED)

    assert result["changed"] is True
    assert [rule["resource"] for rule in result["coverage"]["missing"]] == [without]
    assert "db-2" in [one["vm"] for one in result["wins_for"]]


def test_an_event_that_may_not_be_written_is_a_warning(world: Cluster) -> None:
    user = allow(world, "silent", without=("events",))

    result = keep(world, as_user=user, **WANTED)

    assert (result["changed"], outcomes(result)) == (True, [("create", "done"), ("create", "failed")])
    assert "create events in namespace default" in result["notes"][0]
