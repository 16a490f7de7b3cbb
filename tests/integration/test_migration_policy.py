# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_policy on a real API server: made, changed, unchanged, deleted, and what somebody else does in between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ChangedMeanwhile,
    Conflict,
    Invalid,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from tests.cluster import Cluster
from tests.integration.keeping import (
    DB,
    POLICIES,
    RECORD,
    WANTED,
    client_for,
    codes,
    events,
    keep,
    keep_with,
    outcomes,
    play_a_database,
    spec_of,
    stored,
)
from tests.integration.simulated import done


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    return play_a_database(cluster)


def test_made_then_unchanged_then_changed_then_deleted_then_absent(world: Cluster) -> None:
    made = keep(world, **WANTED, reason="slow disks")
    again = keep(world, **WANTED)
    changed = keep(world, name="db", bandwidth_per_migration="64Mi")
    spec = spec_of(world)
    deleted = keep(world, name="db", state="absent")
    absent = keep(world, name="db", state="absent")

    results = (made, again, changed, deleted, absent)
    assert [one["changed"] for one in results] == [True, False, True, True, False]
    assert [outcomes(one) for one in results] == [
        [("create", "done"), ("create", "done")],
        [],
        [("patch", "done"), ("create", "done")],
        [("delete", "done"), ("create", "done")],
        [],
    ]
    assert spec == {
        "selectors": {"virtualMachineInstanceSelector": DB},
        "completionTimeoutPerGiB": 800,
        "bandwidthPerMigration": "64Mi",
    }
    assert stored(world) is None
    assert (deleted["object"], deleted["after"], absent["before"]) == ({}, {}, {})


def test_who_when_why_and_what_was_before_is_recorded_on_the_object_and_in_events(world: Cluster) -> None:
    keep(world, **WANTED)
    changed = keep(world, name="db", completion_timeout_per_gib=900, reason="still too short", requested_by="jane")
    record = json.loads(changed["object"]["metadata"]["annotations"][RECORD])
    keep(world, name="db", state="absent", reason="not needed")

    assert (record["by"], record["requested_by"], record["reason"]) == ("admin", "jane", "still too short")
    assert record["at"].endswith("Z")
    assert record["changes"]["spec"] == {"before": changed["before"], "after": changed["after"]}
    assert changed["last_change"] == {
        **{key: record[key] for key in ("at", "by", "requested_by", "reason")},
        "undone": {},
    }
    assert events(world) == [
        ("PolicyCreated", "created by admin"),
        ("PolicyChanged", "changed (completionTimeoutPerGiB) by admin for jane: still too short"),
        ("PolicyDeleted", "deleted by admin: not needed"),
    ]


def test_annotations_of_others_stay(world: Cluster) -> None:
    keep(world, **WANTED)
    done(world.request("PATCH", f"{POLICIES}/db", body={"metadata": {"annotations": {"a": "b"}}}))

    keep(world, name="db", completion_timeout_per_gib=900)

    annotations = (stored(world) or {})["metadata"]["annotations"]
    assert set(annotations) == {"a", RECORD}


def test_a_policy_without_annotations_gets_the_record(world: Cluster) -> None:
    body = {"apiVersion": "migrations.kubevirt.io/v1alpha1", "kind": "MigrationPolicy", "metadata": {"name": "db"}}
    selectors = {"virtualMachineInstanceSelector": DB}
    done(world.request("POST", POLICIES, body={**body, "spec": {"selectors": selectors, "allowAutoConverge": True}}))

    keep(world, **WANTED)

    assert RECORD in (stored(world) or {})["metadata"]["annotations"]
    assert spec_of(world)["allowAutoConverge"] is True


@pytest.mark.parametrize(
    ("params", "exists"),
    [
        (WANTED, False),
        ({"name": "db", "completion_timeout_per_gib": 900}, True),
        ({"name": "db", "state": "absent"}, True),
    ],
    ids=["create", "change", "delete"],
)
def test_check_mode_leaves_nothing_and_says_what_the_run_then_does(
    world: Cluster, params: dict[str, Any], exists: bool
) -> None:
    if exists:
        keep(world, **WANTED)
    before, said = stored(world), events(world)

    checked = keep(world, check_mode=True, **params)
    between = (stored(world), events(world))
    real = keep(world, **params)

    assert between == (before, said)
    assert {one["outcome"] for one in checked["plan"]} <= {"dry_run", "not_possible_yet"}
    same = ("changed", "diff", "before", "after", "undo", "undo_patch", "wins_for", "loses_for", "refusals")
    assert {key: checked[key] for key in same} == {key: real[key] for key in same}
    assert [steps(one) for one in checked["plan"]] == [steps(one) for one in real["plan"]]
    assert checked["object"].get("spec") == real["object"].get("spec")


def steps(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["action"], one["verb"], one["path"]


def test_check_mode_hears_what_kubevirts_webhook_says(world: Cluster) -> None:
    with pytest.raises(Invalid, match="feature gate") as caught:
        keep(world, check_mode=True, **WANTED, max_downtime_ms=500)

    assert caught.value.remedy.startswith("It is about max_downtime_ms")


def test_diff_holds_the_spec_before_and_after(world: Cluster) -> None:
    keep(world, **WANTED)

    diff = keep(world, name="db", completion_timeout_per_gib=900)["diff"]

    assert json.loads(diff["before"])["spec"]["completionTimeoutPerGiB"] == 800
    assert json.loads(diff["after"])["spec"]["completionTimeoutPerGiB"] == 900


def test_what_was_not_given_stays_unless_it_is_purged(world: Cluster) -> None:
    keep(world, **WANTED, allow_auto_converge=True, namespace_selector={"team": "a"})

    kept = keep(world, name="db", bandwidth_per_migration="64Mi")["after"]
    purged = keep(world, **WANTED, purge=True)["after"]

    assert kept == {
        "allowAutoConverge": True,
        "bandwidthPerMigration": "64Mi",
        "completionTimeoutPerGiB": 800,
        "selectors": {"namespaceSelector": {"team": "a"}, "virtualMachineInstanceSelector": DB},
    }
    assert purged == {"completionTimeoutPerGiB": 800, "selectors": {"virtualMachineInstanceSelector": DB}}
    assert spec_of(world) == purged


def test_a_quantity_written_in_another_way_is_no_change(world: Cluster) -> None:
    keep(world, **WANTED, bandwidth_per_migration="64Mi")

    again = keep(world, **WANTED, bandwidth_per_migration="67108864", purge=True)

    assert (again["changed"], spec_of(world)["bandwidthPerMigration"]) == (False, "64Mi")


def test_undo_brings_back_what_was_there(world: Cluster) -> None:
    keep(world, **WANTED, experimental={"compression": "zstd"})
    first = spec_of(world)

    changed = keep(world, name="db", vmi_selector={"tier": "web"}, experimental={"compression": "none"})
    keep(world, **changed["undo"])
    after_change = spec_of(world)
    deleted = keep(world, name="db", state="absent")
    keep(world, **deleted["undo"])

    assert (after_change, spec_of(world)) == (first, first)


def test_undo_patch_brings_back_the_very_spec(world: Cluster) -> None:
    keep(world, **WANTED)
    first = spec_of(world)
    changed = keep(world, name="db", bandwidth_per_migration="64Mi")

    kind = {"Content-Type": "application/json-patch+json"}
    done(world.request("PATCH", f"{POLICIES}/db", body=changed["undo_patch"], headers=kind))

    assert spec_of(world) == first


# --- undo from the cluster alone ---


def test_undo_brings_the_spec_before_the_last_change_back_and_a_second_one_changes_nothing(world: Cluster) -> None:
    body = {"apiVersion": "migrations.kubevirt.io/v1alpha1", "kind": "MigrationPolicy", "metadata": {"name": "db"}}
    first = {
        "selectors": {"virtualMachineInstanceSelector": DB, "namespaceSelector": {}},
        "bandwidthPerMigration": "1k",
    }
    done(world.request("POST", POLICIES, body={**body, "spec": first}))
    keep(world, name="db", bandwidth_per_migration="64Mi", reason="wrong")

    checked = keep(world, check_mode=True, name="db", undo=True)
    between = spec_of(world)
    undone = keep(world, name="db", undo=True, reason="right again")
    again = keep(world, name="db", undo=True)

    assert between["bandwidthPerMigration"] == "64Mi"
    assert checked["diff"] == undone["diff"]
    assert spec_of(world) == first
    assert [one["changed"] for one in (checked, undone, again)] == [True, True, False]
    assert (undone["last_change"]["reason"], undone["last_change"]["undone"]["reason"]) == ("wrong", "right again")
    assert events(world)[-1][0] == "PolicyChangeUndone"


def test_undo_of_a_policy_that_was_made_deletes_it_and_then_finds_nothing(world: Cluster) -> None:
    keep(world, **WANTED)

    undone = keep(world, name="db", undo=True)

    assert (undone["changed"], stored(world)) == (True, None)
    assert [one["to"] for one in undone["loses_for"]] == [""]
    assert keep(world, name="db", undo=True)["changed"] is False


def test_undo_is_refused_where_somebody_changed_it_since(world: Cluster) -> None:
    keep(world, **WANTED)
    keep(world, name="db", completion_timeout_per_gib=900)
    done(world.request("PATCH", f"{POLICIES}/db", body={"spec": {"completionTimeoutPerGiB": 901}}))

    result = keep(world, name="db", undo=True)

    assert (codes(result), result["changed"]) == (["ValueChangedSince"], False)
    assert result["refusals"][0]["reason"].startswith("spec.completionTimeoutPerGiB is not as it was left")
    assert spec_of(world)["completionTimeoutPerGiB"] == 901


@pytest.mark.parametrize("note", [None, "", "not JSON", "{}", "[]"], ids=["none", "empty", "text", "object", "list"])
def test_without_a_record_that_can_be_read_there_is_nothing_to_undo(world: Cluster, note: Any) -> None:
    keep(world, **WANTED)
    done(world.request("PATCH", f"{POLICIES}/db", body={"metadata": {"annotations": {RECORD: note}}}))

    result = keep(world, name="db", undo=True)

    assert (result["changed"], result["refused"], result["last_change"]) == (False, False, {})


@pytest.mark.parametrize(
    "params",
    [{"vmi_selector": DB}, {"allow_post_copy": False}, {"purge": True}, {"state": "absent"}],
    ids=lambda params: next(iter(params)),
)
def test_undo_goes_with_nothing_else(world: Cluster, params: dict[str, Any]) -> None:
    with pytest.raises(WrongInput, match=f"give no {next(iter(params))} with it"):
        keep(world, name="db", undo=True, **params)


# --- somebody else in between ---


class Meanwhile:
    """A client before whose next writes of a policy somebody else does something."""

    def __init__(self, client: Any, act: Any, *, times: int = 1) -> None:
        self._client, self._act, self._times = client, act, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def write(self, write: Any, **options: Any) -> Any:
        if write.path.startswith(POLICIES) and self._times:
            self._times -= 1
            self._act()
        return self._client.write(write, **options)


def keep_meanwhile(cluster: Cluster, act: Any, **params: Any) -> Any:
    with client_for(cluster) as client:
        return keep_with(Meanwhile(client, act), **params)


def test_a_change_of_the_same_setting_by_somebody_else_is_an_error_and_not_overwritten(world: Cluster) -> None:
    keep(world, **WANTED)

    def somebody() -> None:
        done(world.request("PATCH", f"{POLICIES}/db", body={"spec": {"completionTimeoutPerGiB": 700}}))

    with pytest.raises(ChangedMeanwhile, match=r"changed spec\.completionTimeoutPerGiB in between") as caught:
        keep_meanwhile(world, somebody, name="db", completion_timeout_per_gib=900)

    assert spec_of(world)["completionTimeoutPerGiB"] == 700
    assert outcomes(caught.value.result) == [("patch", "failed")]
    assert caught.value.result["changed"] is False


def test_a_change_of_another_setting_by_somebody_else_is_read_and_kept(world: Cluster) -> None:
    keep(world, **WANTED)

    def somebody() -> None:
        done(world.request("PATCH", f"{POLICIES}/db", body={"spec": {"allowAutoConverge": True}}))

    result = keep_meanwhile(world, somebody, name="db", completion_timeout_per_gib=900)

    assert (result["changed"], result["before"]["allowAutoConverge"]) == (True, True)
    assert (spec_of(world)["allowAutoConverge"], spec_of(world)["completionTimeoutPerGiB"]) == (True, 900)


def test_it_is_planned_anew_only_once(world: Cluster) -> None:
    keep(world, **WANTED)
    values = iter((True, False, True))

    def somebody() -> None:
        done(world.request("PATCH", f"{POLICIES}/db", body={"spec": {"allowAutoConverge": next(values)}}))

    with client_for(world) as client, pytest.raises(ChangedMeanwhile, match=r"changed spec\.allowAutoConverge"):
        keep_with(Meanwhile(client, somebody, times=2), name="db", completion_timeout_per_gib=900)

    assert spec_of(world)["completionTimeoutPerGiB"] == 800
    assert next(values) is True


def test_a_policy_that_somebody_else_makes_first_is_an_error(world: Cluster) -> None:
    def somebody() -> None:
        keep(world, name="db", vmi_selector={"tier": "web"})

    with pytest.raises(Conflict, match="Somebody else made MigrationPolicy db in between"):
        keep_meanwhile(world, somebody, **WANTED)

    assert spec_of(world)["selectors"] == {"virtualMachineInstanceSelector": {"tier": "web"}}


def test_a_policy_that_was_changed_is_not_deleted(world: Cluster) -> None:
    keep(world, **WANTED)

    def somebody() -> None:
        done(world.request("PATCH", f"{POLICIES}/db", body={"spec": {"completionTimeoutPerGiB": 1}}))

    with pytest.raises(Conflict, match=r"changed spec\.completionTimeoutPerGiB"):
        keep_meanwhile(world, somebody, name="db", state="absent")

    assert spec_of(world)["completionTimeoutPerGiB"] == 1


def test_one_made_anew_under_the_same_name_is_neither_changed_nor_deleted(world: Cluster) -> None:
    keep(world, **WANTED)

    def somebody() -> None:
        done(world.request("DELETE", f"{POLICIES}/db"))
        keep(world, **WANTED)

    for params in ({"completion_timeout_per_gib": 900}, {"state": "absent"}):
        with pytest.raises(Conflict, match="in between"):
            keep_meanwhile(world, somebody, name="db", **params)

    assert spec_of(world)["completionTimeoutPerGiB"] == 800
