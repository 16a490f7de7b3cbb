# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody else does between reading and writing a policy, and answers that are lost, on a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ChangedMeanwhile,
    Conflict,
    ConnectionLost,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import in_doubt
from tests.cluster import Cluster
from tests.integration.keeping import (
    POLICIES,
    WANTED,
    client_for,
    keep,
    keep_with,
    outcomes,
    play_a_database,
    spec_of,
)
from tests.integration.simulated import done


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    return play_a_database(cluster)


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


@pytest.mark.parametrize(
    ("theirs", "params", "field"),
    [
        ({"completionTimeoutPerGiB": 800, "allowAutoConverge": True}, {"purge": True}, "allowAutoConverge"),
        ({"completionTimeoutPerGiB": 1}, {"completion_timeout_per_gib": 800}, "completionTimeoutPerGiB"),
    ],
    ids=["what a purge would take out", "what was right already"],
)
def test_what_only_the_second_look_would_overwrite_is_an_error_too(
    world: Cluster, theirs: dict[str, Any], params: dict[str, Any], field: str
) -> None:
    keep(world, **WANTED)

    def somebody() -> None:
        done(world.request("PATCH", f"{POLICIES}/db", body={"spec": theirs}))

    with pytest.raises(ChangedMeanwhile, match=rf"changed spec\.{field} in between"):
        keep_meanwhile(world, somebody, **{**WANTED, "allow_post_copy": False, **params})

    assert {**spec_of(world), **theirs} == spec_of(world)
    assert "allowPostCopy" not in spec_of(world)


def test_somebody_who_comes_between_the_two_looks_is_not_overwritten(world: Cluster) -> None:
    keep(world, **WANTED)

    class Later(Meanwhile):
        """Changes another setting before the write, and the same one before the second reading."""

        def list(self, path: str, **options: Any) -> Any:
            if path.startswith(POLICIES) and not self._times:
                done(world.request("PATCH", f"{POLICIES}/db", body={"spec": {"completionTimeoutPerGiB": 700}}))
            return self._client.list(path, **options)

    def somebody() -> None:
        done(world.request("PATCH", f"{POLICIES}/db", body={"spec": {"allowAutoConverge": True}}))

    with (
        client_for(world) as client,
        pytest.raises(ChangedMeanwhile, match=r"spec\.completionTimeoutPerGiB in between"),
    ):
        keep_with(Later(client, somebody), name="db", completion_timeout_per_gib=900)

    assert spec_of(world)["completionTimeoutPerGiB"] == 700


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


# --- an answer that is lost ---


class LosesAnswers:
    """A client whose writes of a policy are made (`arrives`) or not, and whose answers never come."""

    def __init__(self, client: Any, *, arrives: bool) -> None:
        self._client, self._arrives = client, arrives

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def write(self, write: Any, **options: Any) -> Any:
        if not write.path.startswith(POLICIES):
            return self._client.write(write, **options)
        if self._arrives:
            self._client.write(write, **options)
        raise in_doubt(ConnectionLost("The connection ended."))


CHANGES: dict[str, dict[str, Any]] = {
    "create": {**WANTED, "name": "new"},
    "change": {"name": "db", "completion_timeout_per_gib": 900},
    "delete": {"name": "db", "state": "absent"},
}


@pytest.mark.parametrize("params", CHANGES.values(), ids=CHANGES)
def test_a_write_whose_answer_is_lost_is_known_by_its_record(world: Cluster, params: dict[str, Any]) -> None:
    keep(world, **WANTED)

    with client_for(world) as client:
        result = keep_with(LosesAnswers(client, arrives=True), **params)

    assert (result["changed"], result["plan"][0]["outcome"]) == (True, "done")
    assert "its answer was lost" in result["plan"][0]["answer"]
    assert keep(world, **params)["changed"] is False


@pytest.mark.parametrize("params", CHANGES.values(), ids=CHANGES)
def test_a_write_that_may_have_been_lost_is_an_error_that_says_so(world: Cluster, params: dict[str, Any]) -> None:
    keep(world, **WANTED)

    with client_for(world) as client, pytest.raises(ConnectionLost, match="not known") as caught:
        keep_with(LosesAnswers(client, arrives=False), **params)

    assert [one["outcome"] for one in caught.value.result["plan"]] == ["unknown"]
    assert keep(world, check_mode=True, **params)["changed"] is True
