# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch behind the event source on the real API server: what it tells, once, whatever happens to its requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import connect
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.watch import Watch, watch_options
from tests.cluster import Cluster
from tests.integration.fault_proxy import FaultProxy
from tests.integration.simulated import create, delete, done, path_of, phase, plant

CRASHED: dict[str, Any] = {"since": 200, "pod": {"exit_code": 137, "ended": 150}}


class Quick(Clock):
    """Nothing is waited for."""

    def sleep(self, seconds: float) -> None:
        """Nothing."""


class Told:
    """A watch that is run by hand, and what it has told."""

    def __init__(self, client: Any, **options: Any) -> None:
        self.said: list[str] = []
        given = watch_options({"interval": 1, **options}, connection=frozenset())
        self._watch = Watch(client, given, Quick(), say=self.said.append)

    def begin(self) -> list[str]:
        return [_short(event) for event in self._watch.begin()]

    def turn(self) -> list[str]:
        return [_short(event) for event in self._watch.turn(lambda: False)]

    def forget(self) -> None:
        """As after a time in which the API server has forgotten what was known last."""
        for place in self._watch._places:
            place.since = "1"


def _short(event: dict[str, Any]) -> str:
    said = event["migration"]
    target = f"{event['target']['namespace']}/{event['target']['vm']}"
    return " ".join([said["event"], target, said["verdict"], *([said["cause"]] if said.get("cause") else [])])


@contextmanager
def watching(cluster: Cluster, proxy: FaultProxy, user: str = "admin", **options: Any) -> Iterator[Told]:
    client = connect(settings_from({"host": proxy.url, "api_key": cluster.token(user)}, environ={}), clock=Quick())
    try:
        yield Told(client, **options)
    finally:
        client.close()


def finish(cluster: Cluster, vmim: dict[str, Any]) -> None:
    """Take a migration to its good end."""
    while phase(cluster, vmim) != "Succeeded":
        cluster.simulator.advance(vmim)


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[FaultProxy]:
    cluster.reset()
    with FaultProxy(cluster) as found:
        yield found


def test_stuck_and_end_are_told_once(cluster: Cluster, proxy: FaultProxy) -> None:
    vmim = plant(cluster, "Scheduling", **CRASHED)

    with watching(cluster, proxy) as told:
        assert told.begin() == ["stuck team-a/web-1 blocked TargetPodCrashing"]
        assert told.turn() == []
        delete(cluster, vmim)
        cluster.simulator.step()
        cluster.simulator.step()
        assert told.turn() == ["ended team-a/web-1 failed"]
        assert told.turn() == []
        assert told.said == []


def test_event_holds_names_and_figures(cluster: Cluster, proxy: FaultProxy) -> None:
    vmim = plant(cluster, "Scheduling", **CRASHED)

    with watching(cluster, proxy) as told:
        (event,) = told._watch.begin()

    seconds = event["migration"].pop("seconds_in_phase")
    assert 200 <= seconds < 260
    assert event == {
        "migration": {
            "event": "stuck",
            "name": vmim["metadata"]["name"],
            "uid": vmim["metadata"]["uid"],
            "verdict": "blocked",
            "cause": "TargetPodCrashing",
            "phase": "Scheduling",
            "origin": "user",
            "seconds_left": event["migration"]["seconds_left"],
        },
        "target": {"namespace": "team-a", "vm": "web-1"},
        "lane": event["lane"],
    }
    assert event["lane"] in range(4)


def test_healthy_migration_is_told_of_when_it_ends(cluster: Cluster, proxy: FaultProxy) -> None:
    cluster.simulator.play(
        {"title": "t", "nodes": [{"name": "a"}, {"name": "b"}], "vms": [{"name": "team-a/web-1", "node": "a"}]}
    )

    with watching(cluster, proxy) as told:
        assert told.begin() == []
        vmim = create(cluster)
        assert told.turn() == []
        finish(cluster, vmim)
        assert told.turn() == ["ended team-a/web-1 succeeded"]


def test_cut_connection_loses_nothing_and_tells_nothing_twice(cluster: Cluster, proxy: FaultProxy) -> None:
    vmim = plant(cluster, "Running")

    with watching(cluster, proxy) as told:
        told.begin()
        cluster.simulator.fail(vmim, reason="planted")
        proxy.fail(path="watch=1", times=7, cut=40)
        assert told.turn() == ["ended team-a/web-1 failed"]
        assert told.turn() == []
        assert [text.partition(":")[0] for text in told.said] == ["The watch goes on in 1 s"]


@pytest.mark.parametrize("way", ["answered", "told"], ids=str)
def test_forgotten_version_is_caught_up_by_a_list(cluster: Cluster, proxy: FaultProxy, way: str) -> None:
    first = plant(cluster, "Running")

    with watching(cluster, proxy) as told:
        told.begin()
        cluster.simulator.fail(first, reason="planted")
        finish(cluster, create(cluster))
        if way == "answered":
            proxy.fail(410, path="watch=1")
        else:
            told.forget()
        assert sorted(told.turn()) == ["ended team-a/web-1 failed", "ended team-a/web-1 succeeded"]
        assert told.turn() == []
        assert told.said == []


def test_what_was_deleted_meanwhile_is_gone(cluster: Cluster, proxy: FaultProxy) -> None:
    vmim = plant(cluster, "Running")

    with watching(cluster, proxy) as told:
        told.begin()
        done(cluster.request("PATCH", path_of(vmim), body={"metadata": {"finalizers": None}}))
        done(cluster.request("DELETE", path_of(vmim)))
        told.forget()
        assert told.turn() == ["ended team-a/web-1 gone"]


def test_other_namespaces_are_not_watched(cluster: Cluster, proxy: FaultProxy) -> None:
    plant(cluster, "Scheduling", **CRASHED)

    with watching(cluster, proxy, namespaces=["default"]) as told:
        assert told.begin() == []
    with watching(cluster, proxy, namespaces=["default", "team-a"]) as told:
        assert told.begin() == ["stuck team-a/web-1 blocked TargetPodCrashing"]


def test_who_may_not_list_or_watch_learns_which_rule_is_missing(cluster: Cluster, proxy: FaultProxy) -> None:
    with (
        watching(cluster, proxy, "nobody") as told,
        pytest.raises(ClusterError, match="virtualmachineinstancemigrations"),
    ):
        told.begin()
    with (
        watching(cluster, proxy, "operator") as told,
        pytest.raises(WrongInput, match="watch virtualmachineinstancemig"),
    ):
        told.begin()


def test_nothing_is_looked_at_while_nothing_is_under_way(cluster: Cluster, proxy: FaultProxy) -> None:
    with watching(cluster, proxy) as told:
        told.begin()
        del proxy.requests[:]
        told.turn()

    assert [("watch=1" in target) for target in proxy.requests] == [True]


def test_error_of_a_look_is_said_and_the_next_one_tells(cluster: Cluster, proxy: FaultProxy) -> None:
    with watching(cluster, proxy) as told:
        told.begin()
        plant(cluster, "Scheduling", **CRASHED)
        proxy.fail(500, path="includeObject", times=5, headers={"Retry-After": "0"})
        assert told.turn() == []
        assert told.turn() == ["stuck team-a/web-1 blocked TargetPodCrashing"]
        assert [text.partition(":")[0] for text in told.said] == ["The migrations under way could not be looked at"]
