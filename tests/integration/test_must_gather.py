# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A must-gather and a folder of `oc adm inspect` in place of the cluster: the same verdict, or what the files lack."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster
from tests.integration.gathering import inspect_namespace, must_gather
from tests.integration.looking import by_vm, look, look_at

SCENARIOS = Path(__file__).parents[1] / "cluster" / "scenarios"
# One for each kind of object that verdicts rest on: VMI, pods, events, nodes, virt-handler, policies, the queue, none.
LEASE = "not in the capture: get leases (coordination.k8s.io) in namespace kubevirt"
# Where nothing else is found, once a minute is over.
REST_ON_THE_LEASE = ("outbound-limit", "copy-overdue", "healthy-queue")
PLAYED = (
    "selinux-context-missing",
    "vmi-gone",
    "quota-exceeded",
    "target-node-down",
    "source-handler-down-running",
    "outbound-limit",
    "copy-overdue",
    "healthy-queue",
)

Played = tuple[Cluster, str, dict[str, Any]]


@pytest.fixture(params=PLAYED, scope="module")
def played(request: pytest.FixtureRequest, cluster: Cluster) -> Played:
    """The cluster with one scenario in it, its name, and what is expected."""
    cluster.reset()
    cluster.simulator.play(request.param)
    expected = yaml.safe_load((SCENARIOS / f"{request.param}.yml").read_text())["expected"]
    return cluster, request.param, {entry["vm"]: entry for entry in expected}


def test_must_gather_with_the_namespaces_of_vms_gives_the_planted_verdict(played: Played, tmp_path: Path) -> None:
    cluster, name, expected = played
    src = must_gather(cluster, tmp_path)
    for namespace in {vm.partition("/")[0] for vm in expected}:
        inspect_namespace(cluster, next(src.iterdir()), namespace)

    found = by_vm(look_at(src, include_finished=True))

    # No must-gather has leases: where virt-controller's would decide, that is said, and nothing is guessed.
    open_ones = {vm for vm, one in found.items() if LEASE in one["summary"]}
    assert not open_ones or name in REST_ON_THE_LEASE
    assert {found[vm]["verdict"] for vm in open_ones} <= {"unknown"}
    said = {vm: (one["verdict"], one["cause"] or None) for vm, one in found.items() if vm not in open_ones}
    assert said == {vm: (one["verdict"], one["first_cause"]) for vm, one in expected.items() if vm not in open_ones}


def test_must_gather_alone_gives_the_same_or_says_what_it_lacks(played: Played, tmp_path: Path) -> None:
    cluster, _name, expected = played

    result = look_at(must_gather(cluster, tmp_path), include_finished=True)

    assert set(by_vm(result)) == set(expected)
    for vm, one in by_vm(result).items():
        if one["verdict"] != expected[vm]["verdict"]:
            assert one["verdict"] == "unknown", one["summary"]
            assert "not in the capture: " in one["summary"]
        assert "not allowed to" not in one["summary"]
    assert {missing["reason"] for missing in result["coverage"]["missing"]} <= {"not_captured"}
    assert (result["coverage"]["role"], result["coverage"]["requests"]) == ("", 0)


def test_lease_that_no_must_gather_has_is_no_missing_right(cluster: Cluster, tmp_path: Path) -> None:
    """Whether virt-controller is silent cannot be told from it."""
    cluster.reset()
    cluster.simulator.play("controller-silent-pending")

    result = look_at(must_gather(cluster, tmp_path))

    (entry,) = result["migrations"]
    assert entry["verdict"] == "unknown"
    assert "not in the capture: get leases (coordination.k8s.io) in namespace kubevirt" in entry["summary"]


def test_one_inspected_namespace_is_judged_by_itself(cluster: Cluster, tmp_path: Path) -> None:
    cluster.reset()
    cluster.simulator.play("demo")
    wanted = {vm: one["verdict"] for vm, one in by_vm(look(cluster)).items() if vm.startswith("shop/")}

    result = look_at(inspect_namespace(cluster, tmp_path, "shop"))

    found = {vm: one["verdict"] for vm, one in by_vm(result).items()}
    assert set(found) == set(wanted)
    assert {vm for vm, verdict in found.items() if verdict not in (wanted[vm], "unknown")} == set()
    assert any("the migrations of shop alone" in note for note in result["notes"])
    assert any("the newest time in the objects" in note for note in result["said_of_the_source"])


def test_tarball_of_a_must_gather_is_the_folder(cluster: Cluster, tmp_path: Path) -> None:
    cluster.reset()
    cluster.simulator.play("selinux-context-missing")
    src = must_gather(cluster, tmp_path)
    packed = shutil.make_archive(str(tmp_path / "x"), "gztar", src.parent, src.name)

    assert look_at(Path(packed))["migrations"] == look_at(src)["migrations"]
