# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real session against servers on loopback that behave well or badly, with and without TLS."""

from __future__ import annotations

import socket
import ssl
import traceback
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client, connect
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    BadRequest,
    CertificateRefused,
    ClusterError,
    ConfigError,
    ConnectionLost,
    Redirected,
    Timeout,
    Unauthorized,
    Unreachable,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from
from tests.unit.plugins.module_utils._cluster.certificates import Certificates, make_certificates
from tests.unit.plugins.module_utils._cluster.network import (
    FakeClock,
    Loopback,
    cut_in_the_middle,
    drip,
    drip_head,
    hang_up,
    http,
    silence,
)

TOKEN = "s3cr3t-token-of-a-user"
FINE = http(200, b'{"kind": "Node"}')
NODE = "/api/v1/nodes/n"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA, and a server certificate for the name api.internal.test alone."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def _no_cluster_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def a_client(url: str, *, environ: dict[str, str] | None = None, **params: Any) -> Client:
    given = {"host": url, "api_key": TOKEN, "request_timeout": 5, **params}
    return connect(settings_from(given, environ=environ or {}), clock=FakeClock())


def a_kubeconfig(path: Path, *, server: str, user: dict[str, Any], **cluster: Any) -> str:
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(content))
    return str(path)


def headers_of(head: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in head.strip().split("\r\n")[1:]:
        name, _colon, value = line.partition(": ")
        found.setdefault(name.lower(), []).append(value)
    return found


def test_session_sends_our_headers_and_the_token() -> None:
    with Loopback(FINE) as server:
        a_client(server.url + "/k8s/clusters/c-1/").get(NODE, query={"a": "b"})

    sent = headers_of(server.heads[0])
    assert server.heads[0].startswith("GET /k8s/clusters/c-1/api/v1/nodes/n?a=b HTTP/1.1\r\n")
    assert sent["authorization"] == [f"Bearer {TOKEN}"]
    assert (sent["accept"], sent["user-agent"]) == (["application/json"], ["kubevirt_ops.live_migration"])


def test_session_sends_basic_auth() -> None:
    with Loopback(FINE) as server:
        a_client(server.url, api_key=None, username="jürgen", password="pass:word").get(NODE)

    assert headers_of(server.heads[0])["authorization"] == ["Basic asO8cmdlbjpwYXNzOndvcmQ="]


def test_session_sends_each_group_in_its_own_header() -> None:
    with Loopback(FINE) as server:
        a_client(server.url, impersonate_user="jane", impersonate_groups=["a", "b"]).get(NODE)

    sent = headers_of(server.heads[0])
    assert (sent["impersonate-user"], sent["impersonate-group"]) == (["jane"], ["a", "b"])


def test_session_keeps_one_connection_for_many_requests() -> None:
    with Loopback(FINE) as server:
        client = a_client(server.url)
        for _time in range(3):
            client.get(NODE)
        client.close()

    assert len(server.heads) == client.requests == 3


@pytest.mark.parametrize("behaviour", [silence, drip, drip_head], ids=["silent", "dripping", "dripping headers"])
def test_session_ends_a_request_at_request_timeout(behaviour: Any) -> None:
    with Loopback(behaviour) as server, pytest.raises(Timeout) as caught:
        a_client(server.url, request_timeout=0.3).get(NODE)

    assert str(caught.value) == (
        f"GET {NODE}: {server.url}: no complete answer within 0.3 s. "
        "Check that the address answers at all; for a slow cluster raise request_timeout."
    )


@pytest.mark.parametrize("behaviour", [hang_up, cut_in_the_middle], ids=["before the answer", "in its middle"])
def test_session_repeats_when_the_connection_is_cut(behaviour: Any) -> None:
    with Loopback(behaviour, FINE) as server:
        assert a_client(server.url).get(NODE) == {"kind": "Node"}

    assert len(server.heads) == 2


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (hang_up, "the connection was closed without an answer"),
        (cut_in_the_middle, "the connection was closed in the middle of the answer"),
    ],
    ids=["before the answer", "in its middle"],
)
def test_session_that_is_always_cut_says_so(behaviour: Any, said: str) -> None:
    with Loopback(behaviour) as server, pytest.raises(ConnectionLost, match=said):
        a_client(server.url).get(NODE)

    assert len(server.heads) == 5


def test_session_whose_port_refuses_says_so_at_once() -> None:
    with Loopback(FINE) as server:
        pass
    client = a_client(server.url)

    with pytest.raises(Unreachable) as caught:
        client.get(NODE)

    assert str(caught.value) == (
        f"GET {NODE}: {server.url}: connection refused. "
        "Check the option host (or the kubeconfig's server), the network and the proxy."
    )
    assert client.requests == 1


def test_session_of_an_unknown_name_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_args: Any, **_kwargs: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)

    with pytest.raises(Unreachable, match=r"^GET /api/v1/nodes/n: https://api.test: name or service not known\. Check"):
        a_client("https://api.test").get(NODE)


def test_session_does_not_take_its_token_to_another_server() -> None:
    with (
        Loopback(FINE) as other,
        Loopback(http(302, b"", extra=f"Location: {other.url}/x\r\n")) as server,
        pytest.raises(Redirected),
    ):
        a_client(server.url).get(NODE)

    assert (len(server.heads), other.heads) == (1, [])


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (http(200, b"<html>", content_type="text/html"), BadAnswer, "answered with text/html instead of JSON"),
        (http(200, b'{"kind": '), BadAnswer, "broken or cut off after 9 bytes"),
        (http(400, b"Client sent an HTTP request to an HTTPS server."), BadRequest, "HTTP request to an HTTPS server"),
        (http(418, b"\x1b[31m" + b"x" * 10_000_000), ClusterError, r"answered 418 Any: \[31mx{300,400} \[cut\]"),
        (b"nonsense\r\n\r\n", ConnectionLost, "the answer is not HTTP"),
    ],
    ids=["html", "truncated", "plain text", "ten megabytes", "no http"],
)
def test_session_names_what_is_wrong_with_an_answer(answer: bytes, kind: type[ClusterError], said: str) -> None:
    with Loopback(answer) as server, pytest.raises(kind, match=said) as caught:
        a_client(server.url).get(NODE)

    assert len(str(caught.value)) < 700


def test_session_errors_leave_no_library_exception_behind() -> None:
    with Loopback(hang_up) as server, pytest.raises(ClusterError) as caught:
        a_client(server.url).get(NODE)

    assert (caught.value.__context__, caught.value.__cause__) == (None, None)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_session_asks_the_host_of_the_option_with_the_kubeconfig_s_token(tmp_path: Path) -> None:
    kubeconfig = a_kubeconfig(tmp_path / "k", server="http://api.test", user={"token": TOKEN})
    with Loopback(FINE) as server:
        client = a_client(server.url, api_key=None, kubeconfig=kubeconfig)
        client.get(NODE)
        client.get(NODE)

    assert (client.server, client.warnings) == (server.url, [])
    assert [headers_of(head)["authorization"] for head in server.heads] == [[f"Bearer {TOKEN}"]] * 2


# --- TLS


def test_session_trusts_the_ca_it_is_given(certificates: Certificates, tmp_path: Path) -> None:
    with Loopback(FINE, tls=certificates.server_context()) as server:
        kubeconfig = a_kubeconfig(
            tmp_path / "k", server=server.url, user={"token": TOKEN},
            **{"certificate-authority": str(certificates.ca), "tls-server-name": "api.internal.test"},
        )  # fmt: skip
        client = a_client("", api_key=None, kubeconfig=kubeconfig)

        assert (client.get(NODE), client.warnings) == ({"kind": "Node"}, [])
    assert headers_of(server.heads[0])["authorization"] == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize("ca", ["ca", "other_ca"], ids=["wrong name", "wrong ca"])
def test_session_refuses_another_certificate(certificates: Certificates, ca: str) -> None:
    with (
        Loopback(FINE, tls=certificates.server_context()) as server,
        pytest.raises(CertificateRefused, match=r"its certificate is not accepted \(.+\)\. Give the cluster's own"),
    ):
        a_client(server.url, ca_cert=str(getattr(certificates, ca))).get(NODE)

    assert server.heads == []


def test_session_without_checks_warns_once_by_name_and_nobody_else_does(certificates: Certificates) -> None:
    with Loopback(FINE, tls=certificates.server_context()) as server, warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        client = a_client(server.url, validate_certs=False)
        client.get(NODE)
        client.get(NODE)

    assert client.warnings == [
        (
            f"validate_certs is false: the certificate of {server.url} is not checked, so anybody in between can "
            "read the credentials. Give the cluster's CA with ca_cert instead."
        )
    ]
    assert [str(one.message) for one in shown] == []


def test_session_without_checks_leaves_urllib3_s_warning_to_others(certificates: Certificates) -> None:
    import urllib3

    with Loopback(FINE, tls=certificates.server_context()) as server:
        a_client(server.url, validate_certs=False).get(NODE)
        with (
            pytest.warns(urllib3.exceptions.InsecureRequestWarning),
            urllib3.PoolManager(cert_reqs="CERT_NONE", retries=False) as manager,
        ):
            assert manager.request("GET", server.url).status == 200


def test_session_warns_where_the_kubeconfig_switches_checks_off(certificates: Certificates, tmp_path: Path) -> None:
    kubeconfig = a_kubeconfig(
        tmp_path / "k", server="https://127.0.0.1:1", user={}, **{"insecure-skip-tls-verify": True}
    )

    client = a_client("", api_key=None, kubeconfig=kubeconfig)

    assert client.warnings[0].startswith("insecure-skip-tls-verify is set in the kubeconfig: the certificate of https:")


def test_session_warns_of_a_token_sent_in_the_clear() -> None:
    assert a_client("http://api.test").warnings == [
        "The credentials go to http://api.test unencrypted. Write https:// in host."
    ]


def test_session_with_tls_to_a_plain_server_names_the_cure() -> None:
    said = "does not speak TLS on this port: check scheme and port of host"
    with Loopback(http(400, b""), is_blunt=True) as server, pytest.raises(CertificateRefused, match=said):
        a_client(server.url.replace("http:", "https:")).get(NODE)


def test_session_ends_a_dripping_request_over_tls_too(certificates: Certificates) -> None:
    with Loopback(drip, tls=certificates.server_context()) as server, pytest.raises(Timeout):
        a_client(server.url, validate_certs=False, request_timeout=0.5).get(NODE)


def test_session_names_a_key_that_does_not_fit(certificates: Certificates) -> None:
    pair = {"client_cert": str(certificates.client), "client_key": str(certificates.other_key)}
    said = "client_key does not belong to client_cert"
    with (
        Loopback(FINE, tls=certificates.server_context()) as server,
        pytest.raises(CertificateRefused, match=said),
    ):
        a_client(server.url, validate_certs=False, **pair).get(NODE)


def test_session_shows_its_client_certificate(certificates: Certificates) -> None:
    context = certificates.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.ca)
    with Loopback(FINE, tls=context) as server:
        client = a_client(
            server.url, api_key=None, validate_certs=False,
            client_cert=str(certificates.client), client_key=str(certificates.client_key),
        )  # fmt: skip

        assert client.get(NODE) == {"kind": "Node"}
    assert "authorization" not in headers_of(server.heads[0])


# --- proxies


def test_session_goes_through_the_proxy_with_its_headers() -> None:
    with Loopback(FINE) as proxy:
        a_client("http://api.test:80", proxy=proxy.url, proxy_headers={"proxy_basic_auth": "me:pass"}).get(NODE)

    assert proxy.heads[0].startswith("GET http://api.test:80/api/v1/nodes/n HTTP/1.1\r\n")
    assert headers_of(proxy.heads[0])["proxy-authorization"] == ["Basic bWU6cGFzcw=="]


def test_session_goes_through_the_kubeconfig_s_proxy_url(tmp_path: Path) -> None:
    with Loopback(FINE) as proxy:
        kubeconfig = a_kubeconfig(
            tmp_path / "k", server="http://api.test", user={"token": TOKEN}, **{"proxy-url": proxy.url}
        )
        a_client("", api_key=None, kubeconfig=kubeconfig).get(NODE)

    assert proxy.heads[0].startswith("GET http://api.test/api/v1/nodes/n HTTP/1.1\r\n")


def test_session_asks_the_proxy_for_a_tunnel_and_names_its_refusal() -> None:
    with (
        Loopback(http(407, b"")) as proxy,
        pytest.raises(Unreachable, match=r"the proxy refused the way to it \(407\)\. Check the") as caught,
    ):
        a_client("https://api.test", proxy=proxy.url.replace("//", "//me:pr0xy-pass@")).get(NODE)

    assert proxy.heads[0].startswith("CONNECT api.test:443 HTTP/1.")
    assert "pr0xy-pass" not in str(caught.value) + repr(caught.value)


def test_session_leaves_the_proxy_out_for_no_proxy() -> None:
    with Loopback(FINE) as server, Loopback(FINE) as proxy:
        a_client(server.url, proxy=proxy.url, no_proxy="127.0.0.0/8").get(NODE)

    assert (len(server.heads), proxy.heads) == (1, [])


def test_session_with_an_unusable_proxy_names_its_scheme_alone() -> None:
    with pytest.raises(ConfigError, match="the proxy's scheme is gopher") as caught:
        a_client("https://api.test", proxy="gopher://me:pr0xy-pass@p:1")
    assert caught.value.__context__ is None
    assert "pr0xy-pass" not in str(caught.value) + repr(caught.value)


# --- credentials that change


UNAUTHORIZED = http(401, b'{"kind": "Status", "message": "Unauthorized", "reason": "Unauthorized"}')


def test_session_reads_the_token_file_again_after_401(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("old-token\n")
    with Loopback(UNAUTHORIZED, FINE) as server:
        kubeconfig = a_kubeconfig(tmp_path / "k", server=server.url, user={"tokenFile": str(token_file)})
        client = a_client("", api_key=None, kubeconfig=kubeconfig)
        token_file.write_text("new-token\n")

        assert client.get(NODE) == {"kind": "Node"}
    sent = [headers_of(head)["authorization"] for head in server.heads]
    assert sent == [["Bearer old-token"], ["Bearer new-token"]]


def test_session_runs_the_exec_plugin_again_after_401(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    status = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t%s"}}'
    script = f"echo x >> {counter}; printf '{status}' $(grep -c x {counter})"
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script]}
    with Loopback(UNAUTHORIZED, FINE) as server:
        kubeconfig = a_kubeconfig(tmp_path / "k", server=server.url, user={"exec": plugin})

        assert a_client("", api_key=None, kubeconfig=kubeconfig).get(NODE) == {"kind": "Node"}
    assert [headers_of(head)["authorization"] for head in server.heads] == [["Bearer t1"], ["Bearer t2"]]


def test_session_with_the_same_token_does_not_ask_twice_after_401() -> None:
    with Loopback(UNAUTHORIZED) as server, pytest.raises(Unauthorized, match="The credentials are missing, wrong or"):
        a_client(server.url).get(NODE)

    assert len(server.heads) == 1
