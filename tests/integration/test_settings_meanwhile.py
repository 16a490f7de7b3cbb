# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings beside others who write meanwhile, and where its own answers are lost."""

from __future__ import annotations

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
from tests.integration.test_writing import through

Object = dict[str, Any]


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
