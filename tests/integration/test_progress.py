# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress from a real Prometheus: what it has measured decides, and what it does not answer changes no verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster
from tests.cluster.simulator.handler_metrics import WatchedCopy, history
from tests.cluster.simulator.scenario import load, names
from tests.integration.looking import by_vm, look
from tests.integration.playing import TUNE, diagnose
from tests.integration.prometheus import Gate, MeasuredBy, running_gate, running_prometheus

MEASURED = [name for name in names() if load(name).measured]
VM = "team-a/db-1"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeasuredBy]:
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as running:
        yield running


@pytest.fixture
def gate(prometheus: MeasuredBy, tmp_path: Path) -> Iterator[Gate]:
    with running_gate(tmp_path, upstream=f"127.0.0.1:{prometheus.port}") as running:
        yield running


def watched(cluster: Cluster) -> list[WatchedCopy]:
    plans = cluster.simulator.world.plans.values()
    return [WatchedCopy(**plan.copy) for plan in plans if plan.copy]


def play(cluster: Cluster, scenario: str, prometheus: MeasuredBy, *, vm: str) -> None:
    """The scenario with its VM under a name of its own, so that Prometheus has no other's figures of it."""
    wanted = _renamed(scenario, vm)
    cluster.reset()
    cluster.simulator.play(wanted)
    copies = watched(cluster)
    prometheus.tell(lambda: history(copies, now=datetime.now(timezone.utc)), vm=vm)


def _renamed(scenario: str, vm: str) -> dict[str, Any]:
    path = Path(__file__).parents[1] / "cluster" / "scenarios" / f"{scenario}.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8").replace(VM, f"team-a/{vm}"))
    return found


def asking(gate: Gate, **more: Any) -> dict[str, Any]:
    return {
        "progress": "prometheus",
        "prometheus": {"url": gate.url, "token": gate.token, "ca_cert": str(gate.ca_file), **more},
    }


@pytest.mark.parametrize("scenario", MEASURED)
def test_measured_copy_gets_the_planted_verdict_and_cause(
    cluster: Cluster, prometheus: MeasuredBy, gate: Gate, scenario: str
) -> None:
    vm = scenario
    play(cluster, scenario, prometheus, vm=vm)
    wanted = load(scenario).measured[0]

    found = by_vm(look(cluster, **asking(gate)))[f"team-a/{vm}"]

    assert (found["verdict"], found["cause"] or None) == (wanted.verdict, wanted.first_cause), found["summary"]
    assert found["progress"]["source"] == "prometheus"
    assert found["progress"]["samples"]
    assert "times alone" not in found["summary"]


@pytest.mark.parametrize("scenario", MEASURED)
def test_without_progress_the_verdict_rests_on_times_and_says_so(cluster: Cluster, scenario: str) -> None:
    cluster.reset()
    cluster.simulator.play(scenario)

    found = by_vm(look(cluster))[VM]

    assert (found["progress"], found["causes"]) == ({}, [])
    assert found["summary"].endswith("; by times alone, as no figures of the copy were read")


@pytest.fixture(scope="module")
def stalled(cluster: Cluster, prometheus: MeasuredBy) -> str:
    """A copy that does not converge, measured; its VM."""
    play(cluster, "copy-not-converging", prometheus, vm="stalled-1")
    return "team-a/stalled-1"


def test_figures_are_those_of_virt_handler_with_its_times(cluster: Cluster, stalled: str, gate: Gate) -> None:
    found = by_vm(look(cluster, **asking(gate)))[stalled]["progress"]
    copy = watched(cluster)[0]
    told = {sample["at"]: sample["remaining_bytes"] for sample in found["samples"]}

    moments = {at: datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc) for at in told}
    figures = {at: copy.measure(moment.timestamp()) for at, moment in moments.items()}
    assert told == {at: one.remaining if one else None for at, one in figures.items()}
    assert (found["transfer_bytes_per_second"], found["dirty_bytes_per_second"]) == (64 * 2**20, 64 * 2**20)
    assert found["samples_total"] > len(found["samples"]) == 24


def test_tenancy_port_is_asked_for_each_namespace_that_has_a_copy(cluster: Cluster, stalled: str, gate: Gate) -> None:
    gate.namespaces = frozenset({"team-a"})

    result = look(cluster, namespaces=["team-a", "kubevirt"], **asking(gate, query_parameters={"tenant": "7"}))

    assert by_vm(result)[stalled]["verdict"] == "stalled"
    assert [(one["namespace"], one["tenant"]) for one in gate.asked] == [(["team-a"], ["7"])]
    assert result["coverage"]["requests_to_prometheus"] == 1


def test_tenancy_port_without_namespaces_is_a_note_that_names_the_way_out(
    cluster: Cluster, stalled: str, gate: Gate
) -> None:
    gate.namespaces = frozenset({"team-a"})

    result = look(cluster, **asking(gate))

    found = by_vm(result)[stalled]
    assert found["verdict"] == "progressing"
    assert "; by times alone: prometheus.url " in found["summary"]
    assert "Check prometheus.query_parameters, and namespaces: a tenancy port" in " ".join(result["notes"])


SPOILT: dict[str, tuple[dict[str, Any], str]] = {
    "no token": ({"token": None}, "answered 401"),
    "another token": ({"token": "not-the-right-one"}, "answered 401"),
    "another authority": ({"ca_cert": None}, "its certificate is not accepted"),
    "nobody there": ({"url": "https://127.0.0.1:9"}, "connection refused"),
    "another path": ({"url": "{url}/nowhere"}, "answered 404"),
}


@pytest.mark.parametrize("case", SPOILT.values(), ids=SPOILT.keys())
def test_prometheus_that_cannot_be_asked_is_a_note_and_no_failure(
    cluster: Cluster, stalled: str, gate: Gate, case: tuple[dict[str, Any], str]
) -> None:
    options, why = case
    options = {name: str(one).format(url=gate.url) if one else None for name, one in options.items()}

    result = look(cluster, **asking(gate, **options))

    found, notes = by_vm(result)[stalled], " ".join(result["notes"])
    assert (found["verdict"], found["causes"]) == ("progressing", [])
    assert why in notes
    assert "Therefore the verdicts on running copies rest on times." in notes
    assert "not-the-right-one" not in notes


ODD: dict[str, tuple[int, str, bytes]] = {
    "error of the query": (422, "application/json", b'{"status":"error","errorType":"execution","error":"too much"}'),
    "page": (200, "text/html", b"<html>Log in</html>"),
    "cut off": (200, "application/json", b'{"status":"success","data":{"resultType":"matrix","result":[{'),
    "other shape": (200, "application/json", b'{"status":"success","data":{"resultType":"matrix","result":{}}}'),
    "redirect": (302, "text/html", b""),
    "endless": (200, "application/json", b" " * (33 * 2**20)),
    "fault": (500, "text/plain", b"oops"),
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD.keys())
def test_odd_answer_changes_no_verdict(
    cluster: Cluster, stalled: str, gate: Gate, answer: tuple[int, str, bytes]
) -> None:
    gate.answer, gate.location = answer, gate.url + "/elsewhere"

    result = look(cluster, **asking(gate))

    assert by_vm(result)[stalled]["verdict"] == "progressing"
    assert "No progress was read" in " ".join(result["notes"])
    # One request: neither repeated, nor did the token follow a redirect.
    assert len(gate.tokens) == 1


def test_certificate_is_not_checked_where_that_is_off_and_a_warning_says_so(
    cluster: Cluster, stalled: str, gate: Gate
) -> None:
    result = look(cluster, **asking(gate, ca_cert=None), validate_certs=False)

    assert by_vm(result)[stalled]["verdict"] == "stalled"
    assert any("the certificate of prometheus.url" in note for note in result["notes"])


def test_only_copies_that_run_are_asked_for(cluster: Cluster, gate: Gate) -> None:
    cluster.reset()
    cluster.simulator.play("quota-exceeded")

    result = look(cluster, **asking(gate))

    assert (gate.asked, result["coverage"]["requests_to_prometheus"], result["notes"]) == ([], 0, [])


def test_figures_of_an_earlier_migration_do_not_count(cluster: Cluster, prometheus: MeasuredBy, gate: Gate) -> None:
    play(cluster, "copy-not-converging", prometheus, vm="twice-1")
    before = watched(cluster)
    world = _renamed("copy-not-converging", "twice-1")
    world["migrations"][0] |= {"since": 20, "copy": {"transfer": 400, "dirty": 10}}
    cluster.reset()
    cluster.simulator.play(world)
    both = [*before, *watched(cluster)]
    prometheus.tell(lambda: history(both, now=datetime.now(timezone.utc)), vm="twice-1")

    found = by_vm(look(cluster, **asking(gate)))["team-a/twice-1"]

    assert found["verdict"] == "progressing"
    assert found["causes"] == []
    assert all(sample["at"] >= found["started_at"] for sample in found["progress"]["samples"])


def test_playbook_asks_prometheus_shows_the_figures_and_hides_the_token(
    cluster: Cluster, prometheus: MeasuredBy, gate: Gate, tmp_path: Path
) -> None:
    play(cluster, "copy-not-converging", prometheus, vm="played-1")

    run = diagnose(
        tmp_path, "-vvv", kubeconfig=str(cluster.kubeconfig("admin")), report_formats=["json", "html"], **asking(gate)
    )

    assert run.returncode == 0, run.output
    found = by_vm(run.report["migrations"])["team-a/played-1"]
    assert (found["verdict"], found["cause"]) == ("stalled", "NotConverging")
    assert "64 MiB/s sent, 64 MiB/s written by the guest" in " ".join(run.output.split())
    assert "64 MiB/s written by the guest" in (tmp_path / "live-migration-report" / "report.html").read_text()
    assert gate.token not in run.output
    assert gate.token not in str(run.report)


def test_tune_is_advised_by_what_prometheus_has_measured(
    cluster: Cluster, prometheus: MeasuredBy, gate: Gate, tmp_path: Path
) -> None:
    play(cluster, "tuning", prometheus, vm="tuned-1")

    run = diagnose(
        tmp_path, "-vvv", playbook=TUNE, mode="plan", kubeconfig=str(cluster.kubeconfig("admin")), **asking(gate)
    )

    assert run.returncode == 0, run.output
    assert re.search(r"^change +team-a/tuned-1 +8 GiB +60 MiB/s +64 MiB/s +2044 s +540 s$", run.output, re.MULTILINE)
    (group,) = run.tuning["tuning"]["advice"]["groups"]
    assert (group["vms"], group["chosen"]) == (["team-a/db-2", "team-a/tuned-1"], "deadline")
    assert {one["dirty_bytes_per_second"] for one in run.tuning["tuning"]["advice"]["vms"]} == {
        60 << 20,
        58 << 20,
        20 << 20,
    }
    assert run.tuning["tuning"]["advice"]["coverage"]["requests_to_prometheus"] == len(gate.asked) == 1
    assert gate.token not in run.output + str(run.tuning)


def test_one_vm_costs_one_request_more_and_at_most_fourteen(cluster: Cluster, gate: Gate) -> None:
    cluster.reset()
    cluster.simulator.play("copy-not-converging")
    mark = cluster.audit_mark()

    result = look(cluster, vms=[VM], **asking(gate))

    made = [entry for entry in cluster.audit_since(mark) if entry["user"] == "admin"]
    assert len(made) + len(gate.asked) <= 14
    assert result["coverage"]["requests"] == len(made)
    assert result["coverage"]["requests_to_prometheus"] == len(gate.asked) == 1
