# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real Prometheus knows of how fast guests write decides beforehand whether their copies can end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.playing import PREFLIGHT, diagnose
from tests.integration.prometheus import Gate, MeasuredBy, running_gate, running_prometheus
from tests.integration.test_preflight import ask, play, said, vm

METRIC = "kubevirt_vmi_dirty_rate_bytes_per_second"
MIB = 2**20
# 64 MiB/s for each migration, and at least 6.8 MiB/s must be left of them.
CAPPED = {"migrations": {"bandwidthPerMigration": "64Mi"}}
RATES = {("team-a", "db-1"): 62 * MIB, ("team-a", "web-1"): 5 * MIB, ("team-b", "db-1"): 1}


def rates(share: float, *, also: str) -> str:
    """A scrape in which each guest writes this share of its rate, and one more VM is there."""
    told = {**RATES, ("team-a", also): 1}
    lines = [
        f'{METRIC}{{namespace="{place}",name="{name}",node="node-7"}} {rate * share}'
        for (place, name), rate in told.items()
    ]
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeasuredBy]:
    """Has seen the rates a moment ago, and a tenth of them since."""
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as running:
        running.tell(lambda: rates(1, also="early-1"), vm="early-1", metric=METRIC)
        running.tell(lambda: rates(0.1, also="later-1"), vm="later-1", metric=METRIC)
        yield running


@pytest.fixture
def gate(prometheus: MeasuredBy, tmp_path: Path) -> Iterator[Gate]:
    with running_gate(tmp_path, upstream=f"127.0.0.1:{prometheus.port}") as running:
        yield running


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    names = ("team-a/db-1", "team-a/web-1", "team-b/db-1", "team-b/quiet-1")
    play(cluster, vms=[{"name": name, "memory": "2Gi"} for name in names], configuration=CAPPED)
    return cluster


def asking(gate: Gate, **more: Any) -> dict[str, Any]:
    return {
        "nodes": ["node-7"],
        "progress": "prometheus",
        "prometheus": {"url": gate.url, "token": gate.token, "ca_cert": str(gate.ca_file), **more},
    }


def test_guest_that_wrote_too_fast_in_the_last_hour_is_at_risk_and_no_other(world: Cluster, gate: Gate) -> None:
    result = ask(world, **asking(gate))

    risky = {name: reason for name, (verdict, reason) in said(result).items() if verdict == "at_risk"}
    assert risky == {"team-a/db-1": "BandwidthTooLow"}
    (reason,) = vm(result, "team-a/db-1")["reasons"]
    assert "less 62 MiB/s that the guest writes leave 2 MiB/s" in reason["summary"]
    assert {"dirty rate, highest of the last hour, by Prometheus": "62 MiB/s"}.items() <= {
        one["field"]: one["value"] for one in reason["evidence"]
    }.items()
    assert (result["coverage"]["requests_to_prometheus"], result["notes"]) == (1, [])


def test_what_is_given_goes_before_what_was_measured(world: Cluster, gate: Gate) -> None:
    result = ask(world, **asking(gate), dirty_rates={"team-a/db-1": "1Mi", "team-b/quiet-1": "63Mi"})

    assert {name for name, (verdict, _reason) in said(result).items() if verdict == "at_risk"} == {"team-b/quiet-1"}


def test_tenancy_port_is_asked_for_each_namespace(world: Cluster, gate: Gate) -> None:
    gate.namespaces = frozenset({"team-a", "team-b"})

    result = ask(world, **asking(gate), namespaces=["team-a", "team-b"])

    assert [one["namespace"] for one in gate.asked] == [["team-a"], ["team-b"]]
    assert said(result)["team-a/db-1"] == ("at_risk", "BandwidthTooLow")


def test_prometheus_that_does_not_answer_is_a_note(world: Cluster, gate: Gate) -> None:
    refused = ask(world, **asking(gate, token="another"))
    gate.answer = (422, "application/json", b'{"status":"error","errorType":"execution","error":"too much"}')
    failed = ask(world, **asking(gate))

    for result, words in ((refused, "answered 401"), (failed, "answered: execution: too much.")):
        (note,) = result["notes"]
        assert note.startswith("No dirty rates were read: prometheus.url ")
        assert words in note
        assert note.endswith("Guests that dirty_rates does not name are judged as if they wrote nothing.")
        assert "at_risk" not in {verdict for verdict, _reason in said(result).values()}


def test_playbook_asks_and_hides_the_token(world: Cluster, gate: Gate, tmp_path: Path) -> None:
    run = diagnose(tmp_path, "-vvv", playbook=PREFLIGHT, kubeconfig=str(world.kubeconfig("operator")), **asking(gate))

    assert run.returncode == 0, run.output
    assert said(run.preflight["preflight"])["team-a/db-1"] == ("at_risk", "BandwidthTooLow")
    assert gate.token not in run.output
