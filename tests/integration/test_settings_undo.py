# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings beside others who write, what it leaves for later, and what it takes back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ChangedMeanwhile
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.ineffective import NotKept, Reverted
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_settings import run
from tests.cluster import Cluster
from tests.integration.fault_proxy import FaultProxy
from tests.integration.looking import client_of
from tests.integration.settings_worlds import KUBEVIRT, RECORD, SOME, ask, change, events, migrations, state, world
from tests.integration.simulated import VMIS, done
from tests.integration.test_writing import through

Object = dict[str, Any]
MOVING = {"vm": "team-a/web-1", "phase": "Running", "since": 30, "target": "node-b"}


# --- somebody else writes too ---


class Meddler:
    """Changes the object just before our patch, as often as it is told to."""

    def __init__(self, client: Any, *, cluster: Cluster, bodies: list[Object]) -> None:
        self._write, self._cluster, self._bodies = client.write, cluster, bodies
        client.write = self

    def __call__(self, write: Any, *, dry_run: bool = False) -> Any:
        if write.verb == "patch" and not dry_run and self._bodies:
            change(self._cluster, KUBEVIRT, self._bodies.pop(0))
        return self._write(write, dry_run=dry_run)


def meddled(cluster: Cluster, *bodies: Object, **params: Any) -> Object:
    with client_of(cluster, "admin") as client:
        Meddler(client, cluster=cluster, bodies=list(bodies))
        return run(client, params, Clock(), check_mode=False)


def theirs(**values: Any) -> Object:
    return {"spec": {"configuration": {"migrations": values}}}


def test_a_change_elsewhere_in_between_disturbs_nothing(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"progressTimeout": 1}})
    change(cluster, KUBEVIRT, {"metadata": {"annotations": {"kept": "yes"}}})
    other = {"metadata": {"labels": {"a": "b"}, "annotations": {"theirs": "too"}}, **theirs(allowAutoConverge=True)}

    found = meddled(cluster, other, settings={"progress_timeout": 240})

    assert [one["outcome"] for one in found["plan"]] == ["done", "done"]
    assert migrations(cluster) == {"progressTimeout": 240, "allowAutoConverge": True}
    assert set(state(cluster)["annotations"]) == {"kept", "theirs", RECORD}


@pytest.mark.parametrize(
    ("wish", "other", "said"),
    [
        ({"settings": {"progress_timeout": 240}}, {"progressTimeout": 77}, "progress_timeout was 1 when .* is 77 now"),
        ({"settings": {"network": "ours"}}, {"network": "theirs"}, "network was not set when .* is theirs now"),
        ({"reset": ["progress_timeout"]}, {"progressTimeout": 77}, "progress_timeout was 1 when .* is 77 now"),
        (
            {"settings": {"progress_timeout": 1, "network": "ours"}},
            {"progressTimeout": 77, "network": None},
            "progress_timeout was 1 when .* is 77 now",
        ),
        ({"settings": {"progress_timeout": 240}}, {"progressTimeout": 240}, "progress_timeout .* is 240 now"),
    ],
    ids=["changed", "added", "changed before a reset", "one that was right already", "changed to the same"],
)
def test_a_change_of_what_is_asked_for_in_between_is_an_error_and_not_overwritten(
    cluster: Cluster, wish: Object, other: Object, said: str
) -> None:
    world(cluster, configuration={"migrations": {"progressTimeout": 1}})
    change(cluster, KUBEVIRT, {"metadata": {"annotations": {"kept": "yes"}}})

    with pytest.raises(ChangedMeanwhile, match=f"changed KubeVirt kubevirt/kubevirt in between: {said}") as caught:
        meddled(cluster, theirs(**other), **wish)

    expected = {"progressTimeout": 1, **other}
    assert migrations(cluster) == {name: value for name, value in expected.items() if value is not None}
    assert [one["outcome"] for one in caught.value.result["plan"]] == ["failed", "not_tried"]
    assert caught.value.result["before"]["progress_timeout"] == expected["progressTimeout"]
    assert (caught.value.result["changed"], caught.value.status) == (False, 422)
    assert (set(state(cluster)["annotations"]), events(cluster)) == ({"kept"}, [])


def test_a_change_between_the_reading_and_the_dry_run_is_an_error_too(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"progressTimeout": 1}})

    with client_of(cluster, "admin") as client:
        write = client.write

        def change_first(one: Any, *, dry_run: bool = False) -> Any:
            if dry_run:
                client.write = write
                change(cluster, KUBEVIRT, theirs(progressTimeout=77))
            return write(one, dry_run=dry_run)

        client.write = change_first
        with pytest.raises(ChangedMeanwhile, match="progress_timeout was 1 when it was read and is 77 now"):
            run(client, {"settings": {"progress_timeout": 240}}, Clock(), check_mode=True)


def test_somebody_who_changes_it_again_and_again_is_a_clear_error(cluster: Cluster) -> None:
    """What they change is another setting, which the patch rests on as it adds one beside it."""
    world(cluster, configuration={"migrations": {"progressTimeout": 1}})

    with pytest.raises(ChangedMeanwhile, match="Somebody else changes this object too") as caught:
        meddled(cluster, theirs(progressTimeout=77), theirs(progressTimeout=78), settings={"network": "ours"})

    assert [one["outcome"] for one in caught.value.result["plan"]] == ["failed", "not_tried"]
    assert (caught.value.result["changed"], migrations(cluster)) == (False, {"progressTimeout": 78})
    assert events(cluster) == []


def test_a_change_of_another_setting_that_the_patch_rests_on_is_read_again_and_kept(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"progressTimeout": 1}})

    found = meddled(cluster, theirs(progressTimeout=77), settings={"network": "ours"})

    assert (found["before"], found["after"]) == ({"progress_timeout": 77}, {"progress_timeout": 77, "network": "ours"})
    assert ask(cluster, undo=True)["changed"]
    assert migrations(cluster) == {"progressTimeout": 77}


def test_an_undo_never_takes_back_a_change_that_came_in_between(cluster: Cluster) -> None:
    world(cluster)
    ask(cluster, settings={"progress_timeout": 240})

    with client_of(cluster, "admin") as client:
        write = client.write

        def change_first(one: Any, *, dry_run: bool = False) -> Any:
            if one.verb == "patch" and not dry_run:
                client.write = write
                ask(cluster, settings={"progress_timeout": 300})
            return write(one, dry_run=dry_run)

        client.write = change_first
        with pytest.raises(ChangedMeanwhile, match="in between: its last change is another one now"):
            run(client, {"undo": True}, Clock(), check_mode=False)

    assert migrations(cluster) == {"progressTimeout": 300}


def test_somebody_who_puts_it_back_at_once_is_told(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"progressTimeout": 1}})

    with client_of(cluster, "admin") as client:
        get = client.get

        def put_back_first(path: str, **more: Any) -> Any:
            if path == KUBEVIRT:
                change(cluster, KUBEVIRT, theirs(progressTimeout=1))
            return get(path, **more)

        client.get = put_back_first
        with pytest.raises(Reverted, match="somebody has put back progress_timeout") as caught:
            run(client, {"settings": {"progress_timeout": 240}}, Clock(), check_mode=False)

    assert [one["outcome"] for one in caught.value.result["plan"]] == ["done", "done"]
    assert caught.value.result["changed"]


def test_what_the_server_leaves_out_of_the_change_itself_is_an_error_and_the_rest_stands(cluster: Cluster) -> None:
    """Stands in for admission that treats a dry run otherwise: what it takes out never reaches the API server."""
    world(cluster, configuration={"migrations": {"progressTimeout": 1}})

    with client_of(cluster, "admin") as client:
        write = client.write

        def without_network(one: Any, *, dry_run: bool = False) -> Any:
            if one.verb == "patch" and not dry_run:
                kept = [step for step in one.body if not step["path"].endswith("/network")]
                one = replace(one, body=kept)
            return write(one, dry_run=dry_run)

        client.write = without_network
        with pytest.raises(NotKept, match=r"accepted network for .* \(so the rest of the change stands\)") as caught:
            run(client, {"settings": {"network": "ours", "progress_timeout": 240}}, Clock(), check_mode=False)

    result = caught.value.result
    assert (result["changed"], [one["outcome"] for one in result["plan"]]) == (True, ["done", "done"])
    assert result["after"] == {"progress_timeout": 240}
    assert migrations(cluster) == {"progressTimeout": 240}


WRITE = r"kubevirts/kubevirt\?fieldManager=[^&]+&fieldValidation=Strict$"


def test_a_change_whose_answer_was_lost_is_found_to_be_made(cluster: Cluster) -> None:
    world(cluster)
    with FaultProxy(cluster) as proxy:
        proxy.fail(path=WRITE, cut=10)
        found = run(through(proxy), {"settings": SOME, "reason": "lost"}, Clock(), check_mode=False)

    assert (found["changed"], found["before"], found["after"]) == (True, {}, SOME)
    assert [one["outcome"] for one in found["plan"]] == ["done", "done"]
    assert "its answer was lost" in found["plan"][0]["answer"]
    assert [one["reason"] for one in events(cluster)] == ["MigrationSettingsChanged"]
    assert ask(cluster, undo=True)["changed"]
    assert migrations(cluster) is None


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


def test_migration_under_a_policy_may_keep_what_that_sets_and_the_note_says_so(cluster: Cluster) -> None:
    world(cluster, migrations=[MOVING])
    ruled = {"migrationPolicyName": "databases"}
    cluster.rewrite(f"{VMIS}/web-1", lambda vmi: vmi["status"]["migrationState"].update(ruled))

    (note,) = ask(cluster, settings={"progress_timeout": 240})["notes"]

    assert note.endswith("gives them the new ones, but for what their MigrationPolicy (databases) sets itself.")


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
