# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_policy on a real API server: made, changed, unchanged, deleted and undone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    Invalid,
)
from tests.cluster import Cluster
from tests.integration.keeping import (
    DB,
    POLICIES,
    RECORD,
    WANTED,
    events,
    keep,
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
        ("PolicyCreated", "Created by admin"),
        ("PolicyChanged", "Changed (completion_timeout_per_gib) by admin for jane: still too short"),
        # The object's record goes with it: so its event has the spec.
        ("PolicyDeleted", f"Deleted by admin: not needed. Its spec was {json.dumps(changed['after'], sort_keys=True)}"),
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
