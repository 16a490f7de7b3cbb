# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress from virt-handler's own metrics, through the pod proxy of a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_plot import read_plots
from tests.cluster import Cluster
from tests.integration.granting import shipped_for
from tests.integration.looking import by_vm, client_of

VM = "team-a/db-1"
# What the ring of ten tells: 45 s, which is enough for no progress and not for a cause that must hold for a minute.
SEEN = {
    "copy-not-converging": ("stalled", "NotConverging"),
    "copy-no-data-flow": ("stalled", "NoDataFlow"),
    "copy-bandwidth-too-low": ("progressing", "BandwidthTooLow"),
    "copy-slow-in-time": ("progressing", "SlowButConverging"),
    "copy-slow-and-late": ("progressing", "SlowButConverging"),
    "healthy-copy-measured": ("progressing", ""),
}


@pytest.fixture(scope="module")
def reachable() -> Iterator[Cluster]:
    """A cluster whose API server reaches its pods."""
    with Cluster.start(audit=True, simulator=True, pods=True) as running:
        yield running


class HastyClock:
    """Keeps the pauses, and does not wait."""

    def __init__(self) -> None:
        from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock

        self.slept: list[float] = []
        self.now, self.monotonic = Clock().now, Clock().monotonic

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def look(cluster: Cluster, user: str = "admin", *, played: str | None = None, **params: Any) -> dict[str, Any]:
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_info import run

    clock: Any = HastyClock()
    with client_of(cluster, user, impersonate_user=played) as client:
        result = run(client, {"progress": "virt_handler", **params}, clock)
    result["slept"] = clock.slept
    return result


def play(cluster: Cluster, scenario: str) -> None:
    cluster.reset()
    cluster.simulator.play(scenario)


@pytest.mark.parametrize("scenario", SEEN)
def test_measured_copy_gets_its_verdict_and_cause(reachable: Cluster, scenario: str) -> None:
    play(reachable, scenario)

    result = look(reachable)

    found = by_vm(result)[VM]
    assert (found["verdict"], found["cause"]) == SEEN[scenario], found["summary"]
    assert found["progress"]["source"] == "virt_handler"
    assert "takes samples from it" in " ".join(result["notes"])
    # The report draws each of the samples.
    plots, samples = read_plots(found["progress"]), len(found["progress"]["samples"])
    assert [plot.title for plot in plots] == ["What remains", "Rate"]
    assert {len(line.path.split("L")) for plot in plots for line in plot.lines} == {samples}
    assert samples > 5


def test_source_node_is_asked_twice_with_a_pause_longer_than_a_poll(reachable: Cluster) -> None:
    play(reachable, "copy-not-converging")

    result = look(reachable)

    assert reachable.simulator.handlers.scrapes == ["node-a", "node-a"]
    assert result["slept"] == [6.0]


def test_shipped_roles_are_enough(reachable: Cluster) -> None:
    play(reachable, "copy-not-converging")

    with shipped_for(reachable, "viewer", "progress-virt-handler") as user:
        result = look(reachable, played=user)

    assert by_vm(result)[VM]["verdict"] == "stalled"
    assert result["coverage"]["complete"]


def test_operator_without_the_right_gets_the_rule_and_a_verdict_by_times(reachable: Cluster) -> None:
    play(reachable, "copy-not-converging")

    result = look(reachable, "operator")

    found = by_vm(result)[VM]
    assert (found["verdict"], found["causes"]) == ("progressing", [])
    assert "; by times alone: " in found["summary"]
    missing = [{key: one[key] for key in ("verb", "resource", "namespace")} for one in result["coverage"]["missing"]]
    assert missing == [{"verb": "get", "resource": "pods/proxy", "namespace": "kubevirt"}]
    assert reachable.simulator.handlers.scrapes == []
    # Refused once: there is nothing to wait for.
    assert result["slept"] == []


BAD: dict[str, tuple[int, bytes]] = {
    "busy": (503, b"Limit of concurrent requests reached (3), try again later."),
    "no metrics": (200, b"# nothing\n"),
    "garbage": (200, b"\xff\xfe{{{\n" * 50),
    "login page": (200, b"<html>Log in</html>"),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
def test_odd_metrics_change_no_verdict_and_are_said(reachable: Cluster, answer: tuple[int, bytes]) -> None:
    play(reachable, "copy-not-converging")
    reachable.simulator.handlers.answer = answer

    found = by_vm(look(reachable))[VM]

    assert (found["verdict"], found["causes"]) == ("progressing", [])
    assert "; by times alone: " in found["summary"]


def test_metrics_without_a_bound_are_not_read_to_their_end(reachable: Cluster) -> None:
    play(reachable, "copy-not-converging")
    reachable.simulator.handlers.answer = (200, b"x" * (65 * 2**20))

    result = look(reachable)

    assert by_vm(result)[VM]["verdict"] == "progressing"
    assert "the answer has more than 64 MiB" in " ".join(result["notes"])


def test_one_vm_costs_at_most_fourteen_requests(reachable: Cluster) -> None:
    play(reachable, "copy-not-converging")
    mark = reachable.audit_mark()

    result = look(reachable, vms=[VM])

    # The simulator asks as admin too, and says so in its name.
    entries = [entry for entry in reachable.audit_since(mark) if entry["userAgent"] == "kubevirt_ops.live_migration"]
    made = [entry["requestURI"] for entry in entries]
    assert result["coverage"]["requests"] == len(made) <= 14, made
    assert sum("/proxy/metrics" in uri for uri in made) == 2
