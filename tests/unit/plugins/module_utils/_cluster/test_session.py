# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real session against servers on loopback that behave well or badly; TLS is in its own file."""

from __future__ import annotations

import socket
import traceback
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    BadRequest,
    ClusterError,
    ConfigError,
    ConnectionLost,
    Redirected,
    ResourceMissing,
    Timeout,
    Unauthorized,
    Unreachable,
)
from tests.unit.plugins.module_utils._cluster.network import (
    Loopback,
    cut_in_the_middle,
    drip,
    drip_head,
    hang_up,
    http,
    silence,
)
from tests.unit.plugins.module_utils._cluster.sessions import FINE, NODE, TOKEN, a_client, a_kubeconfig, headers_of


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
        (http(404, b"default backend - 404"), BadAnswer, "answered 404, and not as an API server does"),
        (http(404, b"404 page not found\n"), ResourceMissing, "CRD or API is not installed"),
        (http(404, b"404: Page Not Found"), ResourceMissing, "CRD or API is not installed"),
        (b"nonsense\r\n\r\n", ConnectionLost, "the answer is not HTTP"),
    ],
    ids=["html", "truncated", "plain text", "ten megabytes", "404 of a gateway", "404", "404 of virt-api", "no http"],
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
