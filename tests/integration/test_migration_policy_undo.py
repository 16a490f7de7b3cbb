# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last change of a policy is taken back from what stands on it, on a real API server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from tests.cluster import Cluster
from tests.integration.keeping import (
    DB,
    POLICIES,
    RECORD,
    WANTED,
    codes,
    events,
    keep,
    play_a_database,
    spec_of,
    stored,
)
from tests.integration.simulated import done


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    return play_a_database(cluster)


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
    assert ["was undone already, at " in note for note in again["notes"]] == [True]
    assert (undone["last_change"]["reason"], undone["last_change"]["undone"]["reason"]) == ("wrong", "right again")
    assert events(world)[-1][0] == "PolicyChangeUndone"


def test_undo_of_a_policy_that_was_made_deletes_it_and_then_finds_nothing(world: Cluster) -> None:
    keep(world, **WANTED)

    undone = keep(world, name="db", undo=True)

    assert (undone["changed"], stored(world)) == (True, None)
    assert undone["last_change"]["at"] <= undone["last_change"]["undone"]["at"]
    assert [one["to"] for one in undone["loses_for"]] == [""]
    again = keep(world, name="db", undo=True)
    assert (again["changed"], again["refused"]) == (False, False)
    assert ["does not exist, as it was undone already: 2026-" in note for note in again["notes"]] == [True]


def test_undo_of_a_policy_that_was_never_there_is_refused_unless_somebody_insists(world: Cluster) -> None:
    keep(world, **WANTED)
    keep(world, name="db", undo=True)

    refused = keep(world, name="bd", undo=True)
    insisted = keep(world, name="bd", undo=True, accept_risks=["NothingToUndo"])

    assert (codes(refused), refused["changed"]) == (["NothingToUndo"], False)
    assert "There is no MigrationPolicy bd" in refused["refusals"][0]["reason"]
    assert (insisted["refused"], insisted["changed"]) == (False, False)
    assert ["There is no MigrationPolicy bd" in note for note in insisted["notes"]] == [True]


def test_after_a_delete_undo_brings_nothing_back_and_the_delete_has_said_so(world: Cluster) -> None:
    keep(world, **WANTED)
    before = spec_of(world)

    checked = keep(world, check_mode=True, name="db", state="absent")
    deleted = keep(world, name="db", state="absent")
    undone = keep(world, name="db", undo=True)

    assert ["undo cannot bring it back from the cluster" in note for note in deleted["notes"]] == [True]
    assert deleted["undo_manifest"] == checked["undo_manifest"]
    assert deleted["undo_manifest"]["spec"] == before
    assert codes(undone) == ["NothingToUndo"]
    reason, said = events(world)[-1]
    assert (reason, json.loads(said.partition("Its spec was ")[2])) == ("PolicyDeleted", before)
    done(world.request("POST", POLICIES, body=deleted["undo_manifest"]))
    assert spec_of(world) == before


def test_undo_is_refused_where_somebody_changed_it_since(world: Cluster) -> None:
    keep(world, **WANTED)
    keep(world, name="db", completion_timeout_per_gib=900)
    done(world.request("PATCH", f"{POLICIES}/db", body={"spec": {"completionTimeoutPerGiB": 901}}))

    result = keep(world, name="db", undo=True)

    assert (codes(result), result["changed"]) == (["ValueChangedSince"], False)
    assert result["refusals"][0]["reason"].startswith("spec.completionTimeoutPerGiB is not as it was left")
    assert spec_of(world)["completionTimeoutPerGiB"] == 901


def test_an_undo_is_warned_of_what_it_brings_back_and_one_that_makes_it_safer_is_not(world: Cluster) -> None:
    keep(world, name="db", vmi_selector=DB, allow_post_copy=True)
    keep(world, name="db", allow_post_copy=False)
    brought_back = keep(world, name="db", undo=True)
    keep(
        world,
        name="db",
        purge=True,
        vmi_selector={},
        completion_timeout_per_gib=900,
        accept_risks=["ClusterWidePolicy"],
    )
    safer = keep(world, name="db", undo=True, accept_risks=["PostCopyCanLoseVM"])

    assert ["PostCopyCanLoseVM" in note for note in brought_back["notes"]] == [True]
    assert (brought_back["changed"], safer["changed"], safer["notes"]) == (True, True, [])


def test_an_undo_by_a_name_that_others_share_is_refused_where_it_is_asked_to_be(world: Cluster) -> None:
    keep(world, **WANTED)
    keep(world, **{**WANTED, "name": "db-2", "vmi_selector": {"tier": "db", "app": "shop"}})

    refused = keep(world, name="db", undo=True, refuse_if_ambiguous=True)
    undone = keep(world, name="db-2", undo=True, refuse_if_ambiguous=True)
    alone = keep(world, name="db", undo=True, refuse_if_ambiguous=True)

    assert (codes(refused), refused["changed"]) == (["UndoAmbiguous"], False)
    assert (undone["changed"], alone["changed"]) == (True, True)


@pytest.mark.parametrize("note", [None, "", "not JSON", "{}", "[]"], ids=["none", "empty", "text", "object", "list"])
def test_undo_is_refused_without_a_record_that_can_be_read(world: Cluster, note: Any) -> None:
    keep(world, **WANTED)
    done(world.request("PATCH", f"{POLICIES}/db", body={"metadata": {"annotations": {RECORD: note}}}))

    result = keep(world, name="db", undo=True)

    assert codes(result) == ["NothingToUndo" if note is None else "RecordUnreadable"]
    assert f"MigrationPolicy db {'has' if note is None else 'cannot'}" in result["refusals"][0]["reason"]
    assert (result["changed"], result["last_change"], spec_of(world)["completionTimeoutPerGiB"]) == (False, {}, 800)


@pytest.mark.parametrize(
    "params",
    [{"vmi_selector": DB}, {"allow_post_copy": False}, {"purge": True}, {"state": "absent"}],
    ids=lambda params: next(iter(params)),
)
def test_undo_goes_with_nothing_else(world: Cluster, params: dict[str, Any]) -> None:
    with pytest.raises(WrongInput, match=f"give no {next(iter(params))} with it"):
        keep(world, name="db", undo=True, **params)
