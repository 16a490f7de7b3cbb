# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test cluster itself: real processes, users and their rights, reads behind the API's back, no orphans."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster

ROOT = Path(__file__).parents[2]
MIGRATIONS = "/apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstancemigrations"
PODS = "/api/v1/namespaces/team-a/pods"
LONG_AGO = datetime(2020, 2, 29, 12, 30, 45, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def plain() -> Iterator[Cluster]:
    """A cluster of this module's own, without a simulator: these tests are about what lies below it."""
    with Cluster.start(audit=True) as running:
        yield running


@pytest.fixture(autouse=True)
def _as_started(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "plain" in request.fixturenames:
        request.getfixturevalue("plain").reset()


def a_migration(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstanceMigration",
        "metadata": {"name": name, "finalizers": ["kubevirt.io/migrationJobFinalize"]},
        "spec": {"vmiName": "web-1"},
    }


def a_pod(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "compute", "image": "compute:v1"}]}}


def create(cluster: Cluster, path: str, body: dict[str, Any]) -> None:
    status, answer = cluster.request("POST", path, body=body)
    assert status == 201, answer


def metadata_of(cluster: Cluster, path: str, *, query: dict[str, Any] | None = None) -> dict[str, Any]:
    """The metadata of the one object in the list at `path`."""
    status, answer = cluster.request("GET", path, query=query)
    assert status == 200, answer
    (item,) = answer["items"]
    found: dict[str, Any] = item["metadata"]
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; give up after a minute."""
    for _attempt in range(1200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("the awaited condition never held")


def test_version_is_the_pinned_one(plain: Cluster) -> None:
    status, version = plain.request("GET", "/version")

    pinned = (ROOT / "tests/cluster/tools/apiserver/go.mod").read_text(encoding="utf-8")
    assert status == 200
    assert f"\tk8s.io/kubernetes {version['gitVersion']} // indirect\n" in pinned


@pytest.mark.parametrize(
    ("user", "path", "status"),
    [
        ("admin", "/api/v1/secrets", 200),
        ("operator", "/api/v1/nodes", 200),
        ("operator", "/apis/kubevirt.io/v1/virtualmachineinstancemigrations", 200),
        ("operator", "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies", 200),
        ("operator", "/apis/policy/v1/poddisruptionbudgets", 200),
        ("operator", "/apis/coordination.k8s.io/v1/leases", 403),
        ("operator", "/api/v1/secrets", 403),
        ("operator", "/apis/apps/v1/deployments", 403),
        ("tenant", MIGRATIONS, 200),
        ("tenant", PODS, 200),
        ("tenant", "/api/v1/namespaces/team-a/events", 200),
        ("tenant", "/api/v1/namespaces/team-a", 200),
        ("tenant", "/api/v1/namespaces/team-a/secrets", 403),
        ("tenant", "/api/v1/nodes", 403),
        ("tenant", "/apis/kubevirt.io/v1/virtualmachineinstancemigrations", 403),
        ("tenant", "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts", 403),
        ("tenant", "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies", 403),
        ("nobody", MIGRATIONS, 403),
        ("nobody", "/api/v1/namespaces", 403),
        (None, "/api/v1/namespaces", 403),
    ],
)
def test_user_reads_what_its_role_says_and_no_more(plain: Cluster, user: str | None, path: str, status: int) -> None:
    assert plain.request("GET", path, user=user)[0] == status


def test_operator_cannot_write(plain: Cluster) -> None:
    assert plain.request("POST", MIGRATIONS, body=a_migration("m"), user="operator")[0] == 403


def test_tenant_creates_and_deletes_migrations_in_its_namespace_only(plain: Cluster) -> None:
    elsewhere = MIGRATIONS.replace("team-a", "default")

    assert plain.request("POST", MIGRATIONS, body=a_migration("m"), user="tenant")[0] == 201
    assert plain.request("DELETE", f"{MIGRATIONS}/m", user="tenant")[0] == 200
    assert plain.request("POST", elsewhere, body=a_migration("m"), user="tenant")[0] == 403


def test_unknown_token_is_unauthorized(plain: Cluster) -> None:
    status, answer = plain.request("GET", "/api", user=None, headers={"Authorization": "Bearer expired"})

    assert (status, answer["reason"]) == (401, "Unauthorized")


def test_kubeconfigs_are_private_and_work(plain: Cluster) -> None:
    line = ["kubectl", "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]
    kubectl = shutil.which("kubectl")
    for user in ("admin", "operator", "tenant", "nobody"):
        file = plain.kubeconfig(user)
        assert file.stat().st_mode & 0o777 == 0o600
        if kubectl:
            said = subprocess.run([*line, "--kubeconfig", str(file)], capture_output=True, text=True, check=True)
            assert said.stdout == user
    assert plain.directory.stat().st_mode & 0o777 == 0o700


def test_backdate_custom_resource_is_seen_in_get_list_and_watch_cache(plain: Cluster) -> None:
    create(plain, MIGRATIONS, a_migration("m"))
    before = metadata_of(plain, MIGRATIONS)

    plain.backdate(f"{MIGRATIONS}/m", creation=LONG_AGO)

    after = metadata_of(plain, MIGRATIONS)
    assert before["creationTimestamp"] != after["creationTimestamp"] == "2020-02-29T12:30:45Z"
    assert int(after["resourceVersion"]) > int(before["resourceVersion"])
    assert plain.request("GET", f"{MIGRATIONS}/m")[1]["metadata"] == after
    # A list "at least as new as" that version is answered from the watch cache.
    assert metadata_of(plain, MIGRATIONS, query={"resourceVersion": after["resourceVersion"]}) == after


def test_backdate_pod_is_seen_in_list_and_watch_cache(plain: Cluster) -> None:
    create(plain, PODS, a_pod("p"))

    plain.backdate(f"{PODS}/p", creation=LONG_AGO)

    after = metadata_of(plain, PODS)
    assert after["creationTimestamp"] == "2020-02-29T12:30:45Z"
    assert metadata_of(plain, PODS, query={"resourceVersion": after["resourceVersion"]}) == after
    assert plain.request("PATCH", f"{PODS}/p", body={"metadata": {"labels": {"a": "b"}}})[0] == 200


def test_backdate_deletion_of_an_object_that_waits_for_its_finalizer(plain: Cluster) -> None:
    create(plain, MIGRATIONS, a_migration("m"))
    assert plain.request("DELETE", f"{MIGRATIONS}/m")[0] == 200

    plain.backdate(f"{MIGRATIONS}/m", deletion=LONG_AGO)

    after = metadata_of(plain, MIGRATIONS)
    assert after["deletionTimestamp"] == "2020-02-29T12:30:45Z"
    assert after["creationTimestamp"] != "2020-02-29T12:30:45Z"


@pytest.mark.parametrize("path", ["/api/v1/nodes", "/version", "/api/v1/namespaces/a/pods", "/apis/kubevirt.io/v1"])
def test_backdate_refuses_a_path_that_is_no_object(plain: Cluster, path: str) -> None:
    with pytest.raises(ValueError, match="not the API path of one object"):
        plain.backdate(path, creation=LONG_AGO)


def test_backdate_missing_object_is_an_error(plain: Cluster) -> None:
    with pytest.raises(KeyError, match="nothing in etcd"):
        plain.backdate(f"{MIGRATIONS}/none", creation=LONG_AGO)


def test_rewrite_does_not_lose_a_change_made_meanwhile(plain: Cluster) -> None:
    create(plain, MIGRATIONS, a_migration("m"))
    path = f"{MIGRATIONS}/m"
    calls = []

    def edit(obj: dict[str, Any]) -> None:
        calls.append(1)
        if len(calls) == 1:
            assert plain.request("PATCH", path, body={"metadata": {"labels": {"theirs": "kept"}}})[0] == 200
        obj["metadata"].setdefault("labels", {})["ours"] = "written"

    plain.rewrite(path, edit)

    assert len(calls) == 2
    assert metadata_of(plain, MIGRATIONS)["labels"] == {"theirs": "kept", "ours": "written"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (MIGRATIONS, a_migration("x")),
        (PODS, a_pod("x")),
        ("/api/v1/nodes", {"metadata": {"name": "x"}}),
        ("/api/v1/namespaces", {"metadata": {"name": "x"}}),
        ("/api/v1/namespaces/team-a/resourcequotas", {"metadata": {"name": "x"}, "spec": {"hard": {"pods": "9"}}}),
        (
            "/api/v1/namespaces/team-a/events",
            {"metadata": {"name": "x"}, "involvedObject": {"namespace": "team-a", "kind": "Pod", "name": "p"}},
        ),
        ("/apis/coordination.k8s.io/v1/namespaces/kubevirt/leases", {"metadata": {"name": "x"}}),
        (
            "/apis/apps/v1/namespaces/kubevirt/daemonsets",
            {
                "metadata": {"name": "x"},
                "spec": {
                    "selector": {"matchLabels": {"a": "b"}},
                    "template": {"metadata": {"labels": {"a": "b"}}, "spec": a_pod("x")["spec"]},
                },
            },
        ),
        (
            "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies",
            {
                "apiVersion": "migrations.kubevirt.io/v1alpha1",
                "kind": "MigrationPolicy",
                "metadata": {"name": "x"},
                "spec": {"selectors": {}},
            },
        ),
    ],
    ids=lambda value: value.rsplit("/", 1)[-1] if isinstance(value, str) else "",
)
def test_key_backdating_and_reset_know_every_kind_that_scenarios_use(
    plain: Cluster, path: str, body: dict[str, Any]
) -> None:
    create(plain, path, body)

    plain.backdate(f"{path}/x", creation=LONG_AGO)

    status, found = plain.request("GET", f"{path}/x")
    assert (status, found["metadata"]["creationTimestamp"]) == (200, "2020-02-29T12:30:45Z")
    assert plain.reset() >= 1
    assert plain.request("GET", f"{path}/x")[0] == 404


def test_reset_takes_everything_back_and_keeps_definitions_rights_and_users(plain: Cluster) -> None:
    create(plain, MIGRATIONS, a_migration("m"))
    create(plain, PODS, a_pod("p"))
    assert plain.request("PATCH", "/api/v1/namespaces/team-a", body={"metadata": {"labels": {"a": "b"}}})[0] == 200
    assert plain.request("DELETE", "/api/v1/namespaces/kubevirt")[0] == 200

    assert plain.reset() == 4

    assert plain.made_since_start() == []
    assert plain.request("GET", MIGRATIONS, user="tenant")[1]["items"] == []
    assert plain.request("GET", PODS, query={"resourceVersion": "0"}, user="tenant")[0] == 200
    assert "a" not in plain.request("GET", "/api/v1/namespaces/team-a")[1]["metadata"]["labels"]
    assert plain.request("GET", "/api/v1/namespaces/kubevirt")[1]["status"]["phase"] == "Active"
    create(plain, MIGRATIONS, a_migration("m"))


def test_list_after_a_change_of_many_keys_is_complete(plain: Cluster) -> None:
    create(plain, MIGRATIONS, a_migration("m"))
    text = plain.store.scan("/registry/kubevirt.io/virtualmachineinstancemigrations/team-a/m")[0].text
    key = "/registry/kubevirt.io/virtualmachineinstancemigrations/team-a/copy-"

    plain.store.apply(put=[(f"{key}{number}", text.replace('"m"', f'"copy-{number}"')) for number in range(5000)])
    filled = plain.request("GET", MIGRATIONS)[1]["items"]
    plain.reset()
    emptied = plain.request("GET", MIGRATIONS)[1]["items"]

    assert (len(filled), len(emptied)) == (5001, 0)


def test_reset_is_seen_by_a_watch(plain: Cluster) -> None:
    create(plain, MIGRATIONS, a_migration("m"))
    made = metadata_of(plain, MIGRATIONS)
    query = {"watch": "true", "resourceVersion": made["resourceVersion"], "timeoutSeconds": 1}
    seen: list[Any] = []

    def watch() -> bool:
        # A watch of one second may end before the event came; it is asked again from the same version.
        status, events = plain.request("GET", MIGRATIONS, query=query)
        assert status == 200
        seen.append(events)
        return bool(events)

    plain.reset()
    wait_until(watch)

    assert seen[-1]["type"] == "DELETED"
    assert seen[-1]["object"]["metadata"]["name"] == "m"


def test_resource_quota_is_enforced(plain: Cluster) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}}}
    quotas = "/api/v1/namespaces/team-a/resourcequotas"
    create(plain, quotas, quota)
    # No controller runs here, so the test fills in what one would.
    status = {"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}}
    assert plain.request("PATCH", f"{quotas}/q/status", body=status)[0] == 200
    wait_until(lambda: plain.request("POST", PODS, body=a_pod("p"), query={"dryRun": "All"})[0] == 403)

    code, answer = plain.request("POST", PODS, body=a_pod("p"))

    assert code == 403
    assert "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0" in answer["message"]


def test_audit_since_lists_the_requests_after_the_mark(plain: Cluster) -> None:
    plain.request("GET", PODS)
    mark = plain.audit_mark()
    plain.request("GET", "/api/v1/nodes", user="tenant", headers={"User-Agent": "checker"})
    plain.request("GET", MIGRATIONS, user="operator", query={"limit": 5})

    first, second = plain.audit_since(mark)

    assert (first["verb"], first["user"], first["code"]) == ("list", "tenant", 403)
    assert (first["requestURI"], first["userAgent"]) == ("/api/v1/nodes", "checker")
    assert (second["user"], second["code"], second["requestURI"]) == ("operator", 200, f"{MIGRATIONS}?limit=5")
    assert second["object"]["resource"] == "virtualmachineinstancemigrations"
    assert plain.audit_since(plain.audit_mark()) == []


def test_etcd_is_closed_to_those_without_the_client_certificate(plain: Cluster) -> None:
    ports = {line.split(":")[-1] for line in _listening(plain.pids["etcd"])}

    assert len(ports) == 2
    for port in ports:
        tried = subprocess.run(
            [sys.executable, "-c", _ASK_WITHOUT_CERTIFICATE, port, str(plain.ca_file)], check=False, capture_output=True
        )
        assert b"alert certificate required" in tried.stderr.replace(b"_", b" ").lower()


_ASK_WITHOUT_CERTIFICATE = """
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
with context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="127.0.0.1") as s:
    s.sendall(b"GET /health HTTP/1.1\\r\\nHost: etcd\\r\\n\\r\\n")
    print(s.recv(1000))
"""


def _listening(pid: int) -> list[str]:
    """Local addresses in the kernel's hexadecimal form turned into host:port, of the sockets that `pid` listens on."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(link)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and row[9] in inodes]
    return [f"{address.split(':')[0]}:{int(address.split(':')[1], 16)}" for address in listening]
