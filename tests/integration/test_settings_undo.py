# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What migration_settings leaves for later, and what it takes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.keeping import keep
from tests.integration.settings_worlds import (
    KUBEVIRT,
    RECORD,
    SOME,
    ask,
    change,
    events,
    migrations,
    state,
    theirs,
    world,
)
from tests.integration.simulated import VMIS, done

Object = dict[str, Any]
MOVING = {"vm": "team-a/web-1", "phase": "Running", "since": 30, "target": "node-b"}


# --- record and undo ---


def test_who_when_and_why_stand_at_the_object_and_in_an_event(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"progressTimeout": 1}})

    found = ask(cluster, settings=SOME, reason="CHG-1", requested_by="anna")

    record = json.loads(state(cluster)["annotations"][RECORD])
    assert (record["by"], record["requested_by"], record["reason"]) == ("admin", "anna", "CHG-1")
    assert record["changes"]["progressTimeout"] == {"before": 1, "after": 240}
    assert record["at"] == found["plan"][0]["at"] == found["last_change"]["at"]
    told = events(cluster)[0]
    assert (told["reason"], told["involvedObject"]["uid"]) == ("MigrationSettingsChanged", found["object"]["uid"])
    assert told["message"] == (
        "Changed by admin, anna: CHG-1. bandwidth_per_migration not set -> 64Mi; progress_timeout 1 -> 240"
    )


BEFORE: dict[str, Object] = {
    "nothing": {},
    "no migrations": {"developerConfiguration": {"useEmulation": True}},
    "empty migrations": {"migrations": {}},
    "some": {"migrations": {"progressTimeout": 1, "bandwidthPerMigration": "1024Mi", "network": "net-1"}},
}


@pytest.mark.parametrize("configuration", BEFORE.values(), ids=BEFORE)
def test_undo_restores_the_spec_exactly(cluster: Cluster, configuration: Object) -> None:
    world(cluster, configuration=configuration)
    change(cluster, KUBEVIRT, {"metadata": {"annotations": {"kept": "yes"}}})
    before = state(cluster)
    ask(cluster, settings={**SOME, "allow_auto_converge": True}, reset=["network"])

    found = ask(cluster, undo=True, reason="enough")
    again = ask(cluster, undo=True)

    after = state(cluster)
    assert found["changed"]
    assert after["spec"] == before["spec"]
    assert {**after["annotations"], RECORD: ""} == {**before["annotations"], RECORD: ""}
    assert found["last_change"]["undone"]["reason"] == "enough"
    assert (again["changed"], again["plan"]) == (False, [])
    assert ["was undone already, at " in note for note in again["notes"]] == [True]
    assert [one["reason"] for one in events(cluster)] == ["MigrationSettingsChanged", "MigrationSettingsUndone"]


@pytest.mark.parametrize("configuration", BEFORE.values(), ids=BEFORE)
def test_the_undo_patch_of_the_result_restores_everything(cluster: Cluster, configuration: Object) -> None:
    world(cluster, configuration=configuration)
    before = state(cluster)
    found = ask(cluster, settings=SOME, reset=["network"])

    headers = {"Content-Type": "application/json-patch+json"}
    done(cluster.request("PATCH", KUBEVIRT, body=found["undo_patch"], headers=headers))

    assert state(cluster) == before


def test_undo_without_a_change_before_is_no_change_and_says_so(cluster: Cluster) -> None:
    world(cluster)

    found = ask(cluster, undo=True)

    assert (found["changed"], found["refused"]) == (False, False)
    assert found["notes"] == [
        "KubeVirt kubevirt/kubevirt has no record of a change by this collection, so there is nothing to undo."
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (theirs(progressTimeout=5), "progress_timeout is 5 now and not 240"),
        (theirs(progressTimeout=None), "progress_timeout is not set now and not 240"),
    ],
    ids=["changed", "removed"],
)
def test_undo_is_refused_where_a_value_is_not_the_one_that_was_set(cluster: Cluster, body: Object, said: str) -> None:
    world(cluster)
    ask(cluster, settings=SOME)
    change(cluster, KUBEVIRT, body)
    before = state(cluster)

    found = ask(cluster, undo=True)

    assert [one["code"] for one in found["refusals"]] == ["ValueChangedSince"]
    assert said in found["refusals"][0]["reason"]
    assert (found["changed"], state(cluster)) == (False, before)


def test_undo_leaves_what_others_have_added_since(cluster: Cluster) -> None:
    world(cluster)
    ask(cluster, settings=SOME)
    change(cluster, KUBEVIRT, theirs(allowAutoConverge=True))

    ask(cluster, undo=True)

    assert migrations(cluster) == {"allowAutoConverge": True}


@pytest.mark.parametrize("text", ["", "{}", "nonsense", '{"changes": 3}', "[]"])
def test_a_record_that_cannot_be_read_is_an_error_of_the_undo_and_of_nothing_else(cluster: Cluster, text: str) -> None:
    world(cluster)
    change(cluster, KUBEVIRT, {"metadata": {"annotations": {RECORD: text}}})

    found = ask(cluster, undo=True)

    assert [one["code"] for one in found["refusals"]] == ["RecordUnreadable"]
    assert f"The annotation {RECORD} of KubeVirt kubevirt/kubevirt cannot be read" in found["refusals"][0]["reason"]
    assert (found["changed"], found["last_change"], state(cluster)["annotations"]) == (False, {}, {RECORD: text})
    assert ask(cluster, settings=SOME)["changed"]
    assert ask(cluster, undo=True)["changed"]


# --- migrations under way ---


def test_migrations_that_were_handed_over_keep_the_old_values(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"progressTimeout": 150}}, migrations=[MOVING])

    found = ask(cluster, settings={"progress_timeout": 240, "parallel_migrations_per_cluster": 9})
    again = ask(cluster, settings={"progress_timeout": 240})

    assert [(one["vm"], one["phase"], one["keeps"]) for one in found["in_flight"]] == [
        ("web-1", "Running", {"progress_timeout": 150})
    ]
    assert (again["in_flight"], again["notes"]) == (found["in_flight"], [])
    assert ["only a cancel and a new migration gives them the new ones." in note for note in found["notes"]] == [True]


def test_migration_under_a_policy_keeps_nothing_old_of_what_that_sets(cluster: Cluster) -> None:
    world(cluster, migrations=[MOVING])
    ruled = {"migrationPolicyName": "databases"}
    cluster.rewrite(f"{VMIS}/web-1", lambda vmi: vmi["status"]["migrationState"].update(ruled))
    keep(cluster, name="databases", vmi_selector={"app": "db"}, completion_timeout_per_gib=150)

    of_the_policy = ask(cluster, settings={"completion_timeout_per_gib": 300})
    of_both = ask(cluster, settings={"completion_timeout_per_gib": 400, "progress_timeout": 240})

    assert of_the_policy["in_flight"] == []
    assert [(one["policy"], one["keeps"]) for one in of_both["in_flight"]] == [("databases", {"progress_timeout": 150})]
    assert [note.endswith("gives them the new ones.") for note in of_both["notes"]] == [True]


@pytest.mark.parametrize(
    ("wish", "migration"),
    [
        ({"parallel_migrations_per_cluster": 9}, MOVING),
        ({"progress_timeout": 240}, {"vm": "team-a/web-1", "phase": "Pending", "since": 30}),
        ({"progress_timeout": 240}, {**MOVING, "phase": "Succeeded"}),
    ],
    ids=["read whenever it looks", "before the hand-off", "ended"],
)
def test_what_takes_the_new_values_is_not_in_flight(cluster: Cluster, wish: Object, migration: Object) -> None:
    world(cluster, migrations=[migration])

    assert ask(cluster, settings=wish)["in_flight"] == []


def noted(found: Object) -> list[str]:
    """The codes of the warnings."""
    return [note.rpartition("accept_risks: ")[2].rstrip(")") for note in found["notes"]]


def test_an_undo_that_costs_something_is_done_with_the_warnings_of_a_change(cluster: Cluster) -> None:
    """What would be refused as a change (no parallelism, none that post-copy can apply) stood there before."""
    before = {
        "network": "theirs",
        "allowPostCopy": True,
        "completionTimeoutPerGiB": 0,
        "parallelMigrationsPerCluster": 0,
    }
    world(cluster, configuration={"migrations": before})
    ask(
        cluster,
        settings={
            "network": "ours",
            "allow_post_copy": False,
            "completion_timeout_per_gib": 150,
            "parallel_migrations_per_cluster": 5,
        },
    )

    found = ask(cluster, undo=True)

    assert (found["changed"], found["refusals"]) == (True, [])
    assert sorted(noted(found)) == [
        "NoCompletionTimeout",
        "ParallelismZero",
        "PostCopyCanLoseVM",
        "PostCopyNeverApplies",
        "VirtHandlerRestart",
    ]
    assert migrations(cluster) == before


def test_an_undo_that_makes_it_safer_is_done_without_a_word(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"completionTimeoutPerGiB": 150}})
    changed = ask(cluster, settings={"allow_post_copy": True})

    found = ask(cluster, undo=True)

    assert noted(changed) == ["PostCopyCanLoseVM"]
    assert (found["changed"], found["notes"]) == (True, [])
