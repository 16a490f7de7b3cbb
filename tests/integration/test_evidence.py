# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence from a real API server: what is in a bundle, who may take it, and what is said of the rest."""

from __future__ import annotations

import hashlib
import json
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.evidence import VM, a_measured_copy, take, texts_in, without_what_was_found
from tests.integration.granting import shipped_for
from tests.integration.kubelet import Kubelet
from tests.integration.looking import by_vm, look_at
from tests.integration.simulated import done, items

POLICIES = "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies"
HYPERCONVERGEDS = "/apis/hco.kubevirt.io/v1beta1/namespaces/hco/hyperconvergeds"
HCO = "kubevirt-hyperconverged"
VIEWS = {"configuration", "diagnosis", "events", "metrics", "migration", "pods", "vmi"}
Measured = tuple[Cluster, Kubelet]


@pytest.fixture(scope="module")
def reachable() -> Iterator[Measured]:
    """A cluster whose API server reaches its pods and nodes, with a copy that does not converge."""
    with a_measured_copy() as running:
        yield running


@pytest.fixture(scope="module")
def bundle(reachable: Measured, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """One bundle of it, and the module's result."""
    path = tmp_path_factory.mktemp("evidence") / "bundle"
    return path, take(reachable[0], path)


def manifest_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "manifest.json").read_text())
    return found


def test_folder_of_the_vm_has_each_view(bundle: tuple[Path, dict[str, Any]]) -> None:
    folder = bundle[0] / "migrations" / VM

    assert {path.stem for path in folder.iterdir()} >= VIEWS
    assert len(json.loads((folder / "metrics.json").read_text())["samples"]) >= 2
    assert len(json.loads((folder / "pods.json").read_text())) == 2
    assert json.loads((folder / "vmi.json").read_text())["metadata"]["name"] == "db-1"


def test_runbook_has_what_its_commands_print(reachable: Measured, bundle: tuple[Path, Any]) -> None:
    nodes = {node["metadata"]["name"]: node["status"] for node in items(reachable[0], "/api/v1/nodes")}

    for output in ("allocatable", "conditions"):
        found = json.loads((bundle[0] / "runbook" / f"{output}.json").read_text())
        assert set(found) == set(nodes)
    assert found["node-a"][0].keys() == nodes["node-a"]["conditions"][0].keys()


def test_bundle_gives_the_measured_verdict_without_the_cluster(bundle: tuple[Path, dict[str, Any]]) -> None:
    taken = bundle[1]["diagnosis"]

    again = look_at(bundle[0])

    assert by_vm(again)[VM]["verdict"] == "stalled"
    assert again["migrations"] == taken["migrations"]


def test_logs_are_those_of_who_is_involved_and_bounded(reachable: Measured, tmp_path: Path) -> None:
    cluster, kubelet = reachable
    kubelet.otherwise = b"".join(b"line %06d of a log that goes on and on\n" % number for number in range(10_000))
    take(cluster, tmp_path / "bundle", log_bytes=1000)

    logs = {path: text for path, text in texts_in(tmp_path / "bundle") if path.endswith("/logs/current.log")}

    containers = sorted(path.split("/")[4] for path in logs)
    assert containers == ["compute", "compute", "virt-controller", "virt-handler", "virt-handler"]
    assert all(len(text) <= 1000 and text.startswith("line ") for text in logs.values())
    assert not any("line 000000" in text for text in logs.values())


def test_manifest_sums_every_file_and_everything_is_its_owners_alone(bundle: tuple[Path, dict[str, Any]]) -> None:
    path, taken = bundle
    files = manifest_of(path)["files"]

    found = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts_in(path)}

    found.pop("manifest.json")
    assert {name: one["sha256"] for name, one in files.items()} == found
    assert [one["path"] for one in taken["files"]] == sorted([*found, "manifest.json"])
    modes = {(one.is_dir(), stat.S_IMODE(one.stat().st_mode)) for one in [path, *path.rglob("*")]}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_check_mode_says_what_it_would_write_and_writes_nothing(
    reachable: Measured, bundle: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    taken = take(reachable[0], tmp_path / "x" / "bundle", check_mode=True)

    assert taken["changed"] is True
    assert {one["path"] for one in taken["files"]} >= {"README.md", "manifest.json", "report.json"}
    assert list(tmp_path.iterdir()) == []


def test_same_look_gives_the_same_bytes(tmp_path: Path, bundle: tuple[Path, dict[str, Any]]) -> None:
    """As nothing of a running cluster stands still, the same files are packed twice."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.bundle_files import write_bundle
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import parse_timestamp

    files, read_at = dict(texts_in(bundle[0])), parse_timestamp(bundle[1]["read_at"])
    assert read_at is not None
    for name, order in (("a.tar.gz", sorted(files)), ("b.tar.gz", sorted(files, reverse=True))):
        write_bundle(str(tmp_path / name), {path: files[path] for path in order}, read_at=read_at)

    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    assert stat.S_IMODE((tmp_path / "a.tar.gz").stat().st_mode) == 0o600
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        assert {(member.uid, member.gid, member.uname, member.mode) for member in archive} == {(0, 0, "", 0o600)}
    assert look_at(tmp_path / "a.tar.gz")["migrations"] == bundle[1]["diagnosis"]["migrations"]


def test_earlier_bundle_is_replaced_and_another_folder_is_not(reachable: Measured, tmp_path: Path) -> None:
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    take(reachable[0], tmp_path / "bundle", log_bytes=0)
    (tmp_path / "bundle" / "stray").write_text("x")

    take(reachable[0], tmp_path / "bundle", log_bytes=0)
    with pytest.raises(WrongInput, match="holds other files"):
        take(reachable[0], tmp_path / "mine")

    assert not (tmp_path / "bundle" / "stray").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "mine"]
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_too_little_room_leaves_out_logs_first_and_never_objects(reachable: Measured, tmp_path: Path) -> None:
    cluster, kubelet = reachable
    kubelet.otherwise = b"x" * 99 + b"\n"
    kubelet.otherwise *= 10_000
    taken = take(cluster, tmp_path / "bundle", max_bytes=2**20, log_bytes=900_000)

    assert taken["size_bytes"] <= 2**20
    assert taken["left_out"]
    assert all(one["path"].endswith(".log") for one in taken["left_out"])
    assert set(manifest_of(tmp_path / "bundle")["left_out"]) == {one["path"] for one in taken["left_out"]}
    assert look_at(tmp_path / "bundle")["migrations"] == taken["diagnosis"]["migrations"]


def test_shipped_roles_are_enough_and_without_the_logs_the_rule_is_told(reachable: Measured, tmp_path: Path) -> None:
    cluster, _kubelet = reachable
    with shipped_for(cluster, "viewer", "progress-virt-handler", "evidence-logs") as user:
        whole = take(cluster, tmp_path / "whole", played=user)
    with shipped_for(cluster, "viewer", "progress-virt-handler") as user:
        less = take(cluster, tmp_path / "less", played=user)

    assert (whole["not_read"], whole["coverage"]["missing"]) == ([], [])
    assert len(less["not_read"]) == 5
    missing = {(one["verb"], one["resource"], one["namespace"]) for one in less["coverage"]["missing"]}
    assert missing == {("get", "pods/log", "kubevirt"), ("get", "pods/log", "team-a")}
    assert "pods/log" in less["coverage"]["role"]
    assert all("pods/log" in text or "forbidden" in text for text in less["not_read"])
    assert manifest_of(tmp_path / "less")["not_read"] == less["not_read"]
    assert less["not_read"][0] in (tmp_path / "less" / "README.md").read_text()


def test_without_the_right_to_measure_the_rule_is_told(reachable: Measured, tmp_path: Path) -> None:
    cluster, _kubelet = reachable
    with shipped_for(cluster, "viewer", "evidence-logs") as user:
        taken = take(cluster, tmp_path / "bundle", played=user)

    assert "not allowed to get pods/proxy in namespace kubevirt" in manifest_of(tmp_path / "bundle")["not_read"]
    assert "pods/proxy" in taken["coverage"]["role"]
    assert (
        not (tmp_path / "bundle" / "migrations" / VM / "metrics.json").exists()
        or not json.loads((tmp_path / "bundle" / "migrations" / VM / "metrics.json").read_text())["samples"]
    )


def test_metrics_that_are_not_wanted_are_not_read(reachable: Measured, tmp_path: Path) -> None:
    cluster, _kubelet = reachable
    mark = cluster.audit_mark()

    take(cluster, tmp_path / "bundle", progress="none")

    assert not [one for one in cluster.audit_since(mark) if "/proxy" in one["requestURI"]]
    assert not (tmp_path / "bundle" / "migrations" / VM / "metrics.json").exists()


def test_what_the_taker_could_not_see_stays_unseen(reachable: Measured, tmp_path: Path) -> None:
    taken = take(reachable[0], tmp_path / "bundle", "tenant", vms=[], namespaces=["team-a"])
    without_what_was_found(tmp_path / "bundle")

    again = look_at(tmp_path / "bundle", namespaces=["team-a"])

    assert again["migrations"] == taken["diagnosis"]["migrations"]
    assert taken["diagnosis"]["coverage"]["missing"]
    assert again["coverage"]["missing"] == taken["diagnosis"]["coverage"]["missing"]
    # The bundle was to hold the nodes too, which the diagnosis did not need.
    assert ("list", "nodes") in {(one["verb"], one["resource"]) for one in taken["coverage"]["missing"]}


def test_another_question_than_the_takers_is_not_answered_by_nothing(bundle: tuple[Path, dict[str, Any]]) -> None:
    """The bundle is of one VM: of others it knows nothing, and says so."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_client import NotCaptured

    with pytest.raises(NotCaptured, match="the capture does not hold this"):
        look_at(bundle[0], vms=["team-a/web-1"])


def test_report_of_the_bundle_is_that_of_migration_report(bundle: tuple[Path, dict[str, Any]]) -> None:
    from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_json import render_json
    from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report

    written = json.loads((bundle[0] / "report.json").read_text())

    report = read_report(written["migrations"], nodes=written["nodes"])
    reported = json.loads(render_json(report, migrations=written["migrations"], nodes=written["nodes"]))
    assert reported["migrations"] == written["migrations"]
    assert reported["nodes"] == written["nodes"]
    assert reported["meta"].keys() == written["meta"].keys()
    assert report.headline.startswith("1 of 1 migration is stuck")


def test_policy_and_who_configures_kubevirt_are_in_it(reachable: Measured, tmp_path: Path) -> None:
    cluster, _kubelet = reachable
    done(cluster.request("POST", "/api/v1/namespaces", body={"metadata": {"name": "hco"}}))
    for path, kind, spec in (
        (POLICIES, "MigrationPolicy", {"selectors": {"virtualMachineInstanceSelector": {}}}),
        (HYPERCONVERGEDS, "HyperConverged", {}),
    ):
        name = HCO if kind == "HyperConverged" else "mine"
        body = {"apiVersion": "/".join(path.split("/")[2:4]), "kind": kind, "metadata": {"name": name}, "spec": spec}
        done(cluster.request("POST", path, body=body))

    take(cluster, tmp_path / "bundle")

    texts = dict(texts_in(tmp_path / "bundle"))
    assert json.loads(texts[f"migrations/{VM}/policy.json"])[0]["metadata"]["name"] == "mine"
    assert "cluster-scoped-resources/migrationpolicies.migrations.kubevirt.io/mine.yaml" in texts
    assert f"namespaces/hco/crs/hyperconvergeds.hco.kubevirt.io/{HCO}.yaml" in texts
    assert "namespaces/kubevirt/crs/kubevirts.kubevirt.io/kubevirt.yaml" in texts
    assert json.loads(texts["versions.json"])["kubernetes"].startswith("v1.")
    cluster.request("DELETE", f"{POLICIES}/mine")
    cluster.request("DELETE", f"{HYPERCONVERGEDS}/{HCO}")
