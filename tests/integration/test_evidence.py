# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence from a real API server: what is in a bundle, and what must never be."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.store import etcd_key
from tests.integration.evidence import texts_in, without_what_was_found
from tests.integration.granting import shipped_for
from tests.integration.kubelet import Kubelet, kubelet_of
from tests.integration.looking import by_vm, look_at, take_evidence
from tests.integration.simulated import EVENTS, PODS, VMIS, VMS, done, items, read
from tests.integration.test_progress_of_handlers import HastyClock

VM = "team-a/db-1"
MEASURED = {"progress": "virt_handler", "vms": [VM]}
CONTROLLERS = "/api/v1/namespaces/kubevirt/pods"
CONTROLLER = {
    "metadata": {"name": "virt-controller-0", "labels": {"kubevirt.io": "virt-controller"}},
    "spec": {"nodeName": "node-a", "containers": [{"name": "virt-controller", "image": "virt-controller"}]},
}
POLICIES = "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies"
HYPERCONVERGEDS = "/apis/hco.kubevirt.io/v1beta1/namespaces/hco/hyperconvergeds"
HCO = "kubevirt-hyperconverged"
VIEWS = {"configuration", "diagnosis", "events", "metrics", "migration", "pods", "vmi"}


@pytest.fixture(scope="module")
def reachable() -> Iterator[tuple[Cluster, Kubelet]]:
    """A cluster whose API server reaches its pods and nodes, with a copy that does not converge."""
    with Cluster.start(audit=True, simulator=True, pods=True) as running, kubelet_of(running) as kubelet:
        running.simulator.play("copy-not-converging")
        done(running.request("POST", CONTROLLERS, body=CONTROLLER))
        yield running, kubelet


@pytest.fixture(scope="module")
def bundle(reachable: tuple[Cluster, Kubelet], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """One bundle of it, and the module's result."""
    path = tmp_path_factory.mktemp("evidence") / "bundle"
    return path, take(reachable[0], path)


def take(cluster: Cluster, path: Path, user: str = "admin", **params: Any) -> dict[str, Any]:
    return take_evidence(cluster, user, clock=HastyClock(), path=str(path), **{**MEASURED, **params})


def manifest_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "manifest.json").read_text())
    return found


def test_folder_of_the_vm_has_each_view(bundle: tuple[Path, dict[str, Any]]) -> None:
    folder = bundle[0] / "migrations" / VM

    assert {path.stem for path in folder.iterdir()} >= VIEWS
    assert len(json.loads((folder / "metrics.json").read_text())["samples"]) >= 2
    assert len(json.loads((folder / "pods.json").read_text())) == 2
    assert json.loads((folder / "vmi.json").read_text())["metadata"]["name"] == "db-1"


def test_runbook_has_what_its_commands_print(reachable: tuple[Cluster, Kubelet], bundle: tuple[Path, Any]) -> None:
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


def test_logs_are_those_of_who_is_involved_and_bounded(reachable: tuple[Cluster, Kubelet], tmp_path: Path) -> None:
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
    reachable: tuple[Cluster, Kubelet], bundle: tuple[Path, dict[str, Any]], tmp_path: Path
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


def test_earlier_bundle_is_replaced_and_another_folder_is_not(
    reachable: tuple[Cluster, Kubelet], tmp_path: Path
) -> None:
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


def test_too_little_room_leaves_out_logs_first_and_never_objects(
    reachable: tuple[Cluster, Kubelet], tmp_path: Path
) -> None:
    cluster, kubelet = reachable
    kubelet.otherwise = b"x" * 99 + b"\n"
    kubelet.otherwise *= 10_000
    taken = take(cluster, tmp_path / "bundle", max_bytes=2**20, log_bytes=900_000)

    assert taken["size_bytes"] <= 2**20
    assert taken["left_out"]
    assert all(one["path"].endswith(".log") for one in taken["left_out"])
    assert set(manifest_of(tmp_path / "bundle")["left_out"]) == {one["path"] for one in taken["left_out"]}
    assert look_at(tmp_path / "bundle")["migrations"] == taken["diagnosis"]["migrations"]


def test_shipped_roles_are_enough_and_without_the_logs_the_rule_is_told(
    reachable: tuple[Cluster, Kubelet], tmp_path: Path
) -> None:
    cluster, _kubelet = reachable
    with shipped_for(cluster, "viewer", "progress-virt-handler", "evidence-logs") as user:
        whole = take(cluster, tmp_path / "whole", played=user)
    with shipped_for(cluster, "viewer", "progress-virt-handler") as user:
        less = take(cluster, tmp_path / "less", played=user)

    assert (whole["not_read"], whole["coverage"]["missing"]) == ([], [])
    assert len(less["not_read"]) == 5
    assert all("pods/log" in text or "forbidden" in text for text in less["not_read"])
    assert manifest_of(tmp_path / "less")["not_read"] == less["not_read"]
    assert less["not_read"][0] in (tmp_path / "less" / "README.md").read_text()


def test_what_the_taker_could_not_see_stays_unseen(reachable: tuple[Cluster, Kubelet], tmp_path: Path) -> None:
    taken = take(reachable[0], tmp_path / "bundle", "tenant", vms=[], namespaces=["team-a"])
    without_what_was_found(tmp_path / "bundle")

    again = look_at(tmp_path / "bundle", namespaces=["team-a"])

    assert again["migrations"] == taken["diagnosis"]["migrations"]
    assert taken["coverage"]["missing"]
    assert again["coverage"]["missing"] == taken["coverage"]["missing"]


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


def test_policy_and_who_configures_kubevirt_are_in_it(reachable: tuple[Cluster, Kubelet], tmp_path: Path) -> None:
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


# -- what must never be in it

SECRET = "Zq7hunter2Zq7"
CODED = base64.b64encode(f"#cloud-config\npassword: {SECRET}".encode()).decode()


def volume(name: str, **source: Any) -> Callable[[Any], None]:
    def edit(obj: Any) -> None:
        spec = obj["spec"]["template"]["spec"] if obj["kind"] == "VirtualMachine" else obj["spec"]
        spec.setdefault("volumes", []).append({"name": name, **source})

    return edit


def within(*path: str, value: Any) -> Callable[[Any], None]:
    def edit(obj: Any) -> None:
        place = obj["spec"]["template"] if obj["kind"] == "VirtualMachine" and path[0] == "spec" else obj
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = value

    return edit


def annotated(name: str, value: str) -> Callable[[Any], None]:
    return within("metadata", "annotations", name, value=value)


def in_container(**more: Any) -> Callable[[Any], None]:
    return lambda pod: pod["spec"]["containers"][0].update(more)


def of_a_domain() -> list[Callable[[Any], None]]:
    return [
        volume("a", cloudInitNoCloud={"userData": SECRET, "networkData": SECRET}),
        volume("b", cloudInitNoCloud={"userDataBase64": CODED, "networkDataBase64": CODED}),
        volume("c", cloudInitConfigDrive={"userData": SECRET, "networkData": SECRET}),
        volume("d", cloudInitConfigDrive={"userDataBase64": CODED, "networkDataBase64": CODED}),
        volume("e", sysprep={"secret": {"name": SECRET}}),
        within("spec", "accessCredentials", value=[{"userPassword": {"source": SECRET}}]),
        within("spec", "domain", "firmware", "kernelBoot", "kernelArgs", value=f"root={SECRET}"),
        within("spec", "domain", "launchSecurity", "sev", "session", value=SECRET),
        within("spec", "domain", "launchSecurity", "sev", "dhCert", value=SECRET),
        annotated("kubectl.kubernetes.io/last-applied-configuration", f'{{"spec": "{SECRET}"}}'),
        annotated("kubevirt.io/ignitiondata", SECRET),
        annotated("hooks.kubevirt.io/hookSidecars", f'[{{"args": ["{SECRET}"]}}]'),
        annotated("example.com/note", f"the password: {SECRET}"),
    ]


MESSAGES = [
    f"pull from https://robot:{SECRET}@registry.example/disk failed",
    f"Authorization: Bearer {SECRET}",
    f"sent eyJhbGciOiJSUzI1NiJ9.{SECRET}.sig",
    f"sent sha256~{SECRET}",
    f"key ssh-ed25519 AAAA{SECRET} refused",
    f"login --token {SECRET} now",
    f"passwd $6$salt${SECRET} set",
]
LINES = [
    *MESSAGES,
    f'{{"msg": "{{\\"userData\\": \\"{SECRET}\\"}}"}}',
    f"iso from {CODED} made",
    f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
]


def plant_secrets(cluster: Cluster, kubelet: Kubelet) -> int:
    """How many were planted in the VM, its VMI, its pods, their events and logs."""
    count = 0
    for path in (f"{VMIS}/db-1", f"{VMS}/db-1"):
        for edit in of_a_domain():
            cluster.store.change(etcd_key(path), edit)
            count += 1
    pods = [pod["metadata"] for pod in items(cluster, PODS) if pod["metadata"]["name"].startswith("virt-launcher-db-1")]
    for pod in pods:
        for edit in (
            in_container(env=[{"name": "DB", "value": SECRET}]),
            in_container(args=[f"--password={SECRET}"]),
            annotated("kubectl.kubernetes.io/last-applied-configuration", SECRET),
            within("status", "message", value=f"token: {SECRET}"),
        ):
            cluster.store.change(etcd_key(f"{PODS}/{pod['name']}"), edit)
            count += 1
    vmi = read(cluster, f"{VMIS}/db-1")
    about = {"kind": "VirtualMachineInstance", "namespace": "team-a", "name": "db-1", "uid": vmi["metadata"]["uid"]}
    for number, message in enumerate(MESSAGES):
        event = {"metadata": {"name": f"planted.{number}"}, "involvedObject": about, "reason": "X", "message": message}
        done(cluster.request("POST", EVENTS, body=event))
        count += 1
    kubelet.otherwise = "\n".join(LINES).encode()
    return count + len(LINES)


def test_planted_secrets_are_nowhere_in_bundle_or_report(reachable: tuple[Cluster, Kubelet], tmp_path: Path) -> None:
    cluster, kubelet = reachable
    cluster.simulator.play("copy-not-converging")
    planted = plant_secrets(cluster, kubelet)

    result = take(cluster, tmp_path / "bundle")
    take(cluster, tmp_path / "plain", redact=False)

    texts = dict(texts_in(tmp_path / "bundle"))
    there = {path for path, text in texts_in(tmp_path / "plain") if SECRET in text or CODED in text}
    assert planted >= 40
    # Each kind of place did hold some, so that their absence says something.
    parts = ("/crs/virtualmachines.", "/crs/virtualmachineinstances.", "/pods/", "/events/", ".log", "/vmi.json")
    assert [part for part in parts if not any(part in path for path in there)] == []
    assert [path for path, text in texts.items() if SECRET in text or CODED in text] == []
    assert SECRET not in json.dumps(result)
    assert "<redacted>" in texts["migrations/team-a/db-1/vmi.json"]
    assert look_at(tmp_path / "bundle")["migrations"] == result["diagnosis"]["migrations"]


def test_service_accounts_go_where_that_is_wanted(reachable: tuple[Cluster, Kubelet], tmp_path: Path) -> None:
    cluster, _kubelet = reachable
    for pod in items(cluster, PODS):
        edit = within("spec", "serviceAccountName", value="robot-of-db")
        cluster.store.change(etcd_key(f"{PODS}/{pod['metadata']['name']}"), edit)

    take(cluster, tmp_path / "with")
    take(cluster, tmp_path / "without", redact_service_accounts=True)

    assert any("robot-of-db" in text for _path, text in texts_in(tmp_path / "with"))
    assert not any("robot-of-db" in text for _path, text in texts_in(tmp_path / "without"))


def test_secrets_are_never_asked_for(reachable: tuple[Cluster, Kubelet], tmp_path: Path) -> None:
    cluster, _kubelet = reachable
    mark = cluster.audit_mark()

    take(cluster, tmp_path / "bundle")

    asked = [entry["requestURI"] for entry in cluster.audit_since(mark) if entry["user"] == "admin"]
    assert asked
    assert [path for path in asked if "secret" in path or "configmap" in path] == []
    assert {entry["verb"] for entry in cluster.audit_since(mark) if entry["user"] == "admin"} <= {"get", "list"}


def test_pseudonyms_replace_each_name_and_lead_back_through_the_key_alone(
    reachable: tuple[Cluster, Kubelet], tmp_path: Path
) -> None:
    cluster, kubelet = reachable
    cluster.simulator.play("copy-not-converging")
    kubelet.otherwise = b"domain team-a_db-1 leaves node-a\n"
    key = tmp_path / "key.json"
    options = {"pseudonyms": True, "pseudonym_key_file": str(key)}

    taken = take(cluster, tmp_path / "bundle", **options)
    again = take(cluster, tmp_path / "second", **options)

    named = re.compile("(?<![a-z0-9])(db-1|team-a|node-a|node-b)(?![a-z0-9])")
    for path, text in texts_in(tmp_path / "bundle"):
        assert named.search(path) is None, path
        assert named.search(text) is None, path
    names = json.loads(key.read_text())["names"]
    assert set(names.values()) >= {"db-1", "team-a", "node-a", "node-b"}
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    entry, later = taken["diagnosis"]["migrations"][0], again["diagnosis"]["migrations"][0]
    assert (names[entry["namespace"]], names[entry["vm"]]) == ("team-a", "db-1")
    assert entry["vm"] == later["vm"]
    found = look_at(tmp_path / "bundle")["migrations"][0]
    assert (found["verdict"], found["cause"], found["vm"]) == ("stalled", "NotConverging", entry["vm"])
