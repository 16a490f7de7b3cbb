# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence from a real API server: what must never be in it, and names that go."""

from __future__ import annotations

import base64
import json
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.store import etcd_key
from tests.integration.evidence import a_measured_copy, take, texts_in
from tests.integration.kubelet import Kubelet
from tests.integration.looking import look_at
from tests.integration.simulated import EVENTS, PODS, VMIS, VMS, done, items, read

Measured = tuple[Cluster, Kubelet]


@pytest.fixture(scope="module")
def reachable() -> Iterator[Measured]:
    """A cluster whose API server reaches its pods and nodes, with a copy that does not converge."""
    with a_measured_copy() as running:
        yield running


SECRET = "Zq7hunter2Zq7"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# As it stands there, and in base64 wherever a group of three bytes begins.
FORMS = [SECRET, *(base64.b64encode(b"x" * shift + SECRET.encode())[4:16].decode() for shift in range(3))]
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
        annotated("pre.hook.backup.velero.io/command", f'["mysql", "-p{SECRET}"]'),
        annotated("kubevirt.io/copy", json.dumps({"spec": {"env": [{"name": "A", "value": SECRET}]}})),
        annotated("kubevirt.io/nested", json.dumps({"a": json.dumps({LAST_APPLIED: json.dumps({"x": SECRET})})})),
    ]


MESSAGES = [
    f"pull from https://robot:{SECRET}@registry.example/disk failed",
    f"Authorization: Bearer {SECRET}",
    f"sent eyJhbGciOiJSUzI1NiJ9.{SECRET}.sig",
    f"sent sha256~{SECRET}",
    f"key ssh-ed25519 AAAA{SECRET} refused",
    f"login --token {SECRET} now",
    f"passwd $6$salt${SECRET} set",
    f"Set-Cookie: sid={SECRET}; path=/",
    f"the password is {SECRET}",
    f"password: two {SECRET}",
    f"clone https://{SECRET}@git.example/x",
]
LINES = [
    *MESSAGES,
    f'{{"msg": "{{\\"userData\\": \\"{SECRET}\\"}}"}}',
    f"iso from {CODED} made",
    f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
    f'{{"execute":"guest-set-user-password","arguments":{{"password":"{SECRET}"}}}}',
    f'{{"execute":"guest-exec","arguments":{{"path":"sh","arg":["-c","echo {SECRET}"]}}}}',
    f"<AdministratorPassword><Value>{SECRET}</Value></AdministratorPassword>",
    f"echo root:{SECRET} | chpasswd",
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
            in_container(command=["sh", "-c", f"start {SECRET}"]),
            in_container(livenessProbe={"httpGet": {"port": 1, "httpHeaders": [{"name": "X", "value": SECRET}]}}),
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


def rendered(bundle: Path) -> dict[str, str]:
    """The report on a bundle in each form, as another look at it gives it."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
    from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_json import render_json
    from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import render_markdown
    from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
    from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import render_text

    looked = look_at(bundle)
    report = read_report(looked)
    return {
        "report.html": render_html(report),
        "report.md": render_markdown(report),
        "the terminal": "\n".join(line.text for line in render_text(report, width=200)),
        "report.json of the look": render_json(report, migrations=looked),
    }


def test_planted_secrets_are_nowhere_in_bundle_or_report(reachable: Measured, tmp_path: Path) -> None:
    cluster, kubelet = reachable
    cluster.simulator.play("copy-not-converging")
    planted = plant_secrets(cluster, kubelet)

    result = take(cluster, tmp_path / "bundle")
    take(cluster, tmp_path / "plain", redact=False)

    texts = {**dict(texts_in(tmp_path / "bundle")), **rendered(tmp_path / "bundle")}
    there = {path for path, text in texts_in(tmp_path / "plain") if SECRET in text or CODED in text}
    assert planted >= 70
    # Each kind of place did hold some, so that their absence says something.
    parts = ("/crs/virtualmachines.", "/crs/virtualmachineinstances.", "/pods/", "/events/", ".log", "/vmi.json")
    assert [part for part in parts if not any(part in path for path in there)] == []
    texts["the module's result"] = json.dumps(result)
    assert [(path, form) for path, text in texts.items() for form in FORMS if form in text] == []
    assert "<redacted>" in texts["migrations/team-a/db-1/vmi.json"]
    assert look_at(tmp_path / "bundle")["migrations"] == result["diagnosis"]["migrations"]


def test_service_accounts_go_where_that_is_wanted(reachable: Measured, tmp_path: Path) -> None:
    cluster, _kubelet = reachable
    for pod in items(cluster, PODS):
        edit = within("spec", "serviceAccountName", value="robot-of-db")
        cluster.store.change(etcd_key(f"{PODS}/{pod['metadata']['name']}"), edit)

    take(cluster, tmp_path / "with")
    take(cluster, tmp_path / "without", redact_service_accounts=True)

    assert any("robot-of-db" in text for _path, text in texts_in(tmp_path / "with"))
    assert not any("robot-of-db" in text for _path, text in texts_in(tmp_path / "without"))


def test_secrets_are_never_asked_for(reachable: Measured, tmp_path: Path) -> None:
    cluster, _kubelet = reachable
    mark = cluster.audit_mark()

    take(cluster, tmp_path / "bundle")

    asked = [entry["requestURI"] for entry in cluster.audit_since(mark) if entry["user"] == "admin"]
    assert asked
    assert [path for path in asked if "secret" in path or "configmap" in path] == []
    assert {entry["verb"] for entry in cluster.audit_since(mark) if entry["user"] == "admin"} <= {"get", "list"}


def test_pseudonyms_replace_each_name_and_lead_back_through_the_key_alone(reachable: Measured, tmp_path: Path) -> None:
    cluster, kubelet = reachable
    cluster.simulator.play("copy-not-converging")
    kubelet.otherwise = b"domain team-a_db-1 leaves node-a\n"
    key = tmp_path / "key.json"
    options = {"pseudonyms": True, "pseudonym_key_file": str(key)}

    taken = take(cluster, tmp_path / "bundle", **options)
    again = take(cluster, tmp_path / "second", **options)

    named = re.compile("(?<![a-z0-9])(db-1|team-a|node-a|node-b)(?![a-z0-9])")
    for path, text in [*texts_in(tmp_path / "bundle"), *rendered(tmp_path / "bundle").items()]:
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
