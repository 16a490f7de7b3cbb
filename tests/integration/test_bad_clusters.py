# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad clusters, bad networks and bad credentials, on the real API server: each an error that says what to do."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client, connect
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    CertificateRefused,
    ClusterError,
    ConfigError,
    Forbidden,
    Gone,
    NotFound,
    ResourceMissing,
    ServerFault,
    TableUnsupported,
    Timeout,
    Unauthorized,
    Unreachable,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from tests.cluster import Cluster
from tests.integration.fault_proxy import FaultProxy

MIGRATIONS = paths.collection("kubevirt.io", version="v1", plural="virtualmachineinstancemigrations")
CONFIGMAPS = paths.collection("", version="v1", plural="configmaps", namespace="default")
NAMESPACES = paths.collection("", version="v1", plural="namespaces")
ACCOUNTS = paths.collection("", version="v1", plural="serviceaccounts", namespace="default")
LABEL = "purpose=paging"


@contextmanager
def a_client(**params: Any) -> Iterator[Client]:
    client = connect(settings_from({"request_timeout": 10, **params}, environ={}))
    try:
        yield client
    finally:
        client.close()


def the_error(path: str = MIGRATIONS, **params: Any) -> ClusterError:
    """The error that listing `path` ends with."""
    with pytest.raises(ClusterError) as caught, a_client(**params) as client:
        client.list(path)
    return caught.value


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[FaultProxy]:
    with FaultProxy(cluster) as running:
        yield running


@pytest.fixture
def through(cluster: Cluster, proxy: FaultProxy) -> Iterator[Client]:
    """A client of the admin through the fault proxy."""
    with a_client(host=proxy.url, api_key=cluster.token("admin")) as client:
        yield client


@pytest.fixture(scope="module")
def seven_configmaps(cluster: Cluster) -> Iterator[list[str]]:
    """Names of objects that a list has to return, all of them and each once."""
    names = [f"page-{number}" for number in range(7)]
    for name in names:
        body = {"metadata": {"name": name, "labels": {"purpose": "paging"}}}
        status, answer = cluster.request("POST", CONFIGMAPS, body=body)
        assert status == 201, answer
    yield names
    for name in names:
        cluster.request("DELETE", f"{CONFIGMAPS}/{name}")


# --- who asks


def test_cluster_with_another_ca_is_not_trusted(cluster: Cluster, tmp_path: Path) -> None:
    content = yaml.safe_load(cluster.kubeconfig("admin").read_text())
    for part in content["clusters"]:
        part["cluster"]["certificate-authority-data"] = base64.b64encode(_another_ca()).decode()
        part["cluster"].pop("certificate-authority", None)

    error = the_error(kubeconfig=content)

    assert isinstance(error, CertificateRefused)
    assert str(error).startswith(f"GET {MIGRATIONS}: {cluster.server}: its certificate is not accepted (")
    assert "Give the cluster's own CA with ca_cert" in error.remedy


def test_cluster_without_checks_is_read_with_a_warning(cluster: Cluster) -> None:
    with a_client(host=cluster.server, api_key=cluster.token("admin"), validate_certs=False) as client:
        assert client.get("/version")["major"] == "1"

        assert [warning.partition(":")[0] for warning in client.warnings] == ["validate_certs is false"]


def test_cluster_does_not_know_the_token(cluster: Cluster) -> None:
    error = the_error(host=cluster.server, api_key="s3cr3t-unknown-token", ca_cert=str(cluster.ca_file))

    assert isinstance(error, Unauthorized)
    assert str(error) == (
        f"GET {MIGRATIONS} answered 401 Unauthorized: Unauthorized. The credentials are missing, wrong or expired: "
        "renew the token or the kubeconfig (api_key, K8S_AUTH_API_KEY)."
    )


def test_cluster_does_not_accept_an_expired_token_and_takes_the_renewed_one(cluster: Cluster, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(_expired_token(cluster))
    content = yaml.safe_load(cluster.kubeconfig("admin").read_text())
    content["users"][0]["user"] = {"tokenFile": str(token_file)}
    with a_client(kubeconfig=content) as client:
        with pytest.raises(Unauthorized):
            client.list(MIGRATIONS)
        token_file.write_text(cluster.token("admin"))

        assert client.list(NAMESPACES)
        assert client.requests == 3


def test_cluster_is_not_asked_with_an_unknown_context(cluster: Cluster) -> None:
    with pytest.raises(ConfigError, match=r"has no context prod\. It has: "):
        connect(settings_from({"kubeconfig": str(cluster.kubeconfig("admin")), "context": "prod"}, environ={}))


def test_cluster_forbids_nobody_and_the_error_names_the_rule(cluster: Cluster) -> None:
    error = the_error(kubeconfig=str(cluster.kubeconfig("nobody")))

    assert isinstance(error, Forbidden)
    assert error.rule == Rule("list", "kubevirt.io", "virtualmachineinstancemigrations")
    assert "Grant this user: list virtualmachineinstancemigrations (kubevirt.io)." in str(error)


def test_cluster_is_asked_as_the_impersonated_user(cluster: Cluster) -> None:
    admin = str(cluster.kubeconfig("admin"))
    with a_client(kubeconfig=admin, impersonate_user="jane", impersonate_groups=["a", "system:masters"]) as client:
        assert client.list(NAMESPACES)

    error = the_error(kubeconfig=admin, impersonate_user="jane", impersonate_groups=["a", "b"])
    assert 'User "jane" cannot list' in str(error)


# --- what there is


@pytest.mark.parametrize("read", [Client.get, Client.list, Client.table], ids=["get", "list", "table"])
def test_cluster_without_the_crd_is_told_from_a_missing_object(cluster: Cluster, read: Any) -> None:
    with a_client(kubeconfig=str(cluster.kubeconfig("admin"))) as client:
        with pytest.raises(ResourceMissing, match="its CRD or API is not installed, or serves another version"):
            read(client, "/apis/nothing.test/v1/things")
        with pytest.raises(NotFound) as caught:
            client.get("/api/v1/nodes/no-such-node")

    assert caught.type is NotFound


def test_cluster_gives_migrations_as_a_table(cluster: Cluster) -> None:
    with a_client(kubeconfig=str(cluster.kubeconfig("admin"))) as client:
        assert client.table(MIGRATIONS).columns[:2] == ["Name", "Phase"]
        with pytest.raises(TableUnsupported):
            client.table("/version")


def test_cluster_tells_its_own_time(cluster: Cluster) -> None:
    with a_client(kubeconfig=str(cluster.kubeconfig("admin"))) as client:
        client.get("/version")
        assert client.server_time is not None

        assert client.server_time.tzinfo is timezone.utc


# --- an address that does not answer


def test_address_that_refuses_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    error = the_error(host=f"https://127.0.0.1:{port}", api_key="s3cr3t-token")

    assert error.__class__ is Unreachable
    assert f"https://127.0.0.1:{port}: connection refused. Check the option host" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_address_that_never_answers_ends_at_request_timeout(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        error = the_error(host=f"{scheme}://127.0.0.1:{port}", api_key="s3cr3t-token", request_timeout=0.5)

    assert isinstance(error, Timeout)
    assert "no complete answer within 0.5 s" in str(error)


def test_address_that_takes_no_connection_ends_at_request_timeout() -> None:
    # With its queue full the listener drops what else knocks: a black hole without leaving this machine.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        knocking = [_knock(address) for _knocker in range(4)]

        error = the_error(host=f"https://127.0.0.1:{address[1]}", api_key="s3cr3t-token", request_timeout=0.5)
        for one in knocking:
            one.close()

    assert isinstance(error, Timeout)


# --- faults in between


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_fault_in_between_is_got_over(
    proxy: FaultProxy, through: Client, seven_configmaps: list[str], status: int
) -> None:
    proxy.fail(status, path="configmaps", times=2, headers={"Retry-After": "0"})

    found = through.list(CONFIGMAPS, query={"labelSelector": LABEL})

    assert ([one["metadata"]["name"] for one in found], through.requests) == (seven_configmaps, 3)


def test_fault_that_stays_is_named(proxy: FaultProxy, through: Client) -> None:
    proxy.fail(500, times=99, headers={"Retry-After": "0"})

    with pytest.raises(ServerFault, match=r"answered 500 InternalError: planted 500\. The fault is on the server's"):
        through.get("/version")
    assert len(proxy.requests) == 5


@pytest.mark.parametrize("cut", [0, 40], ids=["before the body", "in its middle"])
def test_fault_of_a_cut_connection_is_got_over(
    proxy: FaultProxy, through: Client, seven_configmaps: list[str], cut: int
) -> None:
    proxy.fail(path="configmaps", times=1, cut=cut)

    assert len(through.list(CONFIGMAPS, query={"labelSelector": LABEL})) == len(seven_configmaps)


def test_pages_are_all_read(through: Client, proxy: FaultProxy, seven_configmaps: list[str]) -> None:
    found = through.list(CONFIGMAPS, query={"labelSelector": LABEL}, limit=2)

    assert [one["metadata"]["name"] for one in found] == seven_configmaps
    assert {(one["apiVersion"], one["kind"], "managedFields" in one["metadata"]) for one in found} == {
        ("v1", "ConfigMap", False)
    }
    assert len(proxy.requests) == 4


def test_pages_of_a_table_are_all_read(through: Client, seven_configmaps: list[str]) -> None:
    found = through.table(CONFIGMAPS, query={"labelSelector": LABEL, "limit": 3})

    assert [row[0] for row in found.rows] == seven_configmaps


def test_pages_start_over_when_their_state_is_gone(
    proxy: FaultProxy, through: Client, seven_configmaps: list[str]
) -> None:
    proxy.fail(410, path="continue=", times=1, after=1)

    found = through.list(CONFIGMAPS, query={"labelSelector": LABEL}, limit=2)

    assert [one["metadata"]["name"] for one in found] == seven_configmaps
    assert ["continue=" in target for target in proxy.requests] == [False, True, True, False, True, True, True]


def test_pages_that_are_always_gone_are_an_error_and_never_a_part(
    proxy: FaultProxy, through: Client, seven_configmaps: list[str]
) -> None:
    proxy.fail(410, path="continue=", times=99)

    with pytest.raises(Gone, match="The list changes faster than it can be read in pages"):
        through.list(CONFIGMAPS, query={"labelSelector": LABEL}, limit=2)


def test_many_threads_share_one_client(through: Client, seven_configmaps: list[str]) -> None:
    wanted = [f"{CONFIGMAPS}/{name}" for name in seven_configmaps] + [f"{CONFIGMAPS}/absent-{n}" for n in range(20)]

    with ThreadPoolExecutor(max_workers=3) as pool:
        results = list(pool.map(lambda _turn: through.get_many(wanted), range(3)))

    for found in results:
        assert [type(found[path]) for path in wanted] == [dict] * 7 + [NotFound] * 20
    assert through.requests == 3 * len(wanted)


# --- the module, as a user meets it


@pytest.mark.parametrize("case", ["unknown token", "forbidden", "silent", "wrong kubeconfig"])
def test_module_fails_with_the_way_out_and_never_shows_a_token(cluster: Cluster, tmp_path: Path, case: str) -> None:
    secret = "s3cr3t-unknown-token-1"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = f"https://127.0.0.1:{listener.getsockname()[1]}"
        nobody = yaml.safe_load(cluster.kubeconfig("nobody").read_text())
        arguments, said = {
            "unknown token": (
                {"host": cluster.server, "api_key": secret, "ca_cert": str(cluster.ca_file)},
                "renew the",
            ),
            "forbidden": ({"kubeconfig": nobody}, "list virtualmachineinstancemigrations (kubevirt.io)"),
            "silent": ({"host": silent, "api_key": secret, "request_timeout": 0.5}, "no complete answer within 0.5 s"),
            "wrong kubeconfig": ({"kubeconfig": {**nobody, "current-context": "prod"}}, "has no context prod"),
        }[case]

        output = _run_module("migration_info", arguments, folder=tmp_path)

    assert "FAILED!" in output
    assert said in output
    assert [text for text in (secret, cluster.token("nobody")) if text in output] == []


def _run_module(name: str, arguments: dict[str, Any], *, folder: Path) -> str:
    """Everything that ansible prints with -vvvv, whatever its status."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("K8S_AUTH_", "KUBECONFIG"))}
    environ |= {
        "ANSIBLE_COLLECTIONS_PATH": environ.get("LIVE_MIGRATION_COLLECTIONS", ""),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TMP": str(folder / "remote"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_NOCOLOR": "1",
    }
    program = Path(sys.executable).parent / "ansible"
    done = subprocess.run(
        [program, "localhost", "-c", "local", "-vvvv", "-e", f"ansible_python_interpreter={sys.executable}",
         "-m", f"kubevirt_ops.live_migration.{name}", "-a", json.dumps(arguments)],
        env=environ, capture_output=True, text=True, timeout=120, check=False, cwd=folder,
    )  # fmt: skip
    return done.stdout + done.stderr


def _knock(address: tuple[str, int]) -> socket.socket:
    knocking = socket.socket()
    knocking.setblocking(False)
    knocking.connect_ex(address)
    return knocking


def _another_ca() -> bytes:
    from tests.unit.plugins.module_utils._cluster.certificates import a_ca_in_pem

    return a_ca_in_pem()


def _expired_token(cluster: Cluster) -> str:
    """A token of a service account, signed by the cluster's own key, whose time is over."""
    cluster.request("POST", ACCOUNTS, body={"metadata": {"name": "short-lived"}})
    status, answer = cluster.request("POST", f"{ACCOUNTS}/short-lived/token", body={"spec": {"expirationSeconds": 600}})
    assert status == 201, answer
    cluster.request("DELETE", f"{ACCOUNTS}/short-lived")
    head, claims, _signature = answer["status"]["token"].split(".")
    content = json.loads(base64.urlsafe_b64decode(claims + "=="))
    past = int((datetime.now(timezone.utc) - timedelta(hours=2)).timestamp())
    content.update(iat=past, nbf=past, exp=past + 3600)
    signed = head + "." + _base64url(json.dumps(content).encode())
    key_file = next(cluster.directory.rglob("service-account*key*"))
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    first, second = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_base64url(first.to_bytes(32, 'big') + second.to_bytes(32, 'big'))}"


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
