# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook preflight as a user runs it, against a real API server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.cluster.simulator.scenario import load
from tests.integration.playing import PREFLIGHT, Run, diagnose, diagnose_in_terminal

DRAIN = load("preflight").drain


@pytest.fixture
def planted(cluster: Cluster) -> Cluster:
    """The cluster before two of its nodes are drained. Planted for each test: a lease that is a minute old is a silent
    virt-controller."""
    cluster.reset()
    cluster.simulator.play("preflight")
    return cluster


def run(cluster: Cluster, folder: Path, *arguments: str, user: str = "operator", **variables: object) -> Run:
    kubeconfig = str(cluster.kubeconfig(user))
    return diagnose(folder, *arguments, playbook=PREFLIGHT, kubeconfig=kubeconfig, **variables)


@pytest.mark.parametrize("nodes", [list(DRAIN), "node-7,node-8", "node-7 node-8"], ids=["list", "commas", "blanks"])
def test_nodes_are_taken_as_list_or_text_and_each_vm_is_said(planted: Cluster, tmp_path: Path, nodes: object) -> None:
    done = run(planted, tmp_path, nodes=nodes)

    assert done.returncode == 0, done.output
    found = done.preflight["preflight"]["vms"]
    expected = {one.vm: (one.verdict, one.first_reason or "") for one in load("preflight").drained}
    assert {f"{one['namespace']}/{one['vm']}": (one["verdict"], one["reason"]) for one in found} == expected
    assert "1. team-b/pet-1: would_stop" in done.output
    assert (tmp_path / "live-migration-report" / "preflight.html").is_file()


def test_what_was_found_is_handed_on(planted: Cluster, tmp_path: Path) -> None:
    stats = run(planted, tmp_path, nodes="node-7").stats["preflight"]["localhost"]

    assert stats["by_verdict"]["would_stop"] == 1
    assert {"namespace": "team-a", "vm": "huge-1", "node": "node-7"}.items() <= stats["holding"][1].items()
    assert stats["coverage_complete"]
    assert stats["least_seconds"] == 768


def test_a_vm_that_holds_the_drain_is_an_error_on_request_after_the_report(planted: Cluster, tmp_path: Path) -> None:
    done = run(planted, tmp_path, nodes="node-7", fail_when_held=True)

    assert done.returncode == 2
    assert done.preflight["meta"]["headline"].startswith("6 VMs on node-7")


def test_without_nodes_and_vms_it_says_what_is_missing(planted: Cluster, tmp_path: Path) -> None:
    done = run(planted, tmp_path)

    assert done.returncode == 2
    assert "name the nodes that are to be drained" in done.output


def test_check_mode_prints_and_writes_nothing(planted: Cluster, tmp_path: Path) -> None:
    done = run(planted, tmp_path, "--check", nodes="node-7")

    assert done.returncode == 0, done.output
    assert "Would write" in done.output
    assert not (tmp_path / "live-migration-report").exists()


def test_a_tenant_gets_verdicts_and_the_role_that_is_missing(planted: Cluster, tmp_path: Path) -> None:
    done = run(planted, tmp_path, user="tenant", nodes="node-7", namespaces="team-a")

    assert done.returncode == 0, done.output
    assert "could not be judged" in done.output
    assert "kind: ClusterRole" in done.output


@pytest.mark.parametrize("columns", [80, 200])
def test_no_line_is_wider_than_the_terminal(planted: Cluster, tmp_path: Path, columns: int) -> None:
    done = diagnose_in_terminal(
        tmp_path, columns=columns, playbook=PREFLIGHT, kubeconfig=str(planted.kubeconfig("operator")), nodes="node-7"
    )

    assert done.returncode == 0, done.output
    table = done.output[done.output.index("VERDICT") : done.output.index("1. team-b/pet-1")]
    plain = [re.sub("\x1b[^m]*m", "", line) for line in table.splitlines()]
    assert [line for line in plain if len(line) > columns] == []
    assert "COULD GO TO" in table


def test_lines_are_as_wide_as_is_asked_for(planted: Cluster, tmp_path: Path) -> None:
    done = run(planted, tmp_path, "-e", "report_width=140", nodes="node-7")

    printed = done.output.partition(": Report] *")[2].partition("Report: ")[0].split("\n")[1:]
    assert done.returncode == 0, done.output
    assert 80 < max(len(line) for line in printed if "kubectl" not in line) <= 140
