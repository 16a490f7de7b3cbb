# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real session over TLS: whom it trusts, what it shows of itself, what it says when that fails."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from pathlib import Path

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    CertificateRefused,
    ClusterError,
    ConnectionLost,
    Timeout,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.failures import error_from_exception
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Write
from tests.unit.plugins.module_utils._cluster.certificates import Certificates, make_certificates
from tests.unit.plugins.module_utils._cluster.network import Loopback, drip, http
from tests.unit.plugins.module_utils._cluster.sessions import FINE, NODE, TOKEN, a_client, a_kubeconfig, headers_of


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA, and a server certificate for the name api.internal.test alone."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


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


@pytest.mark.parametrize(
    ("code", "remedy"),
    [(19, "Give the cluster's own CA"), (85, "or run this with Python 3.12"), (92, "or run this with Python 3.12")],
    ids=["unknown CA", "no authority key identifier", "CA without key usage"],
)
def test_certificate_that_only_newer_pythons_refuse_is_told_from_a_wrong_one(code: int, remedy: str) -> None:
    refused = ssl.SSLCertVerificationError(1, "certificate verify failed")
    refused.reason, refused.verify_code, refused.verify_message = "CERTIFICATE_VERIFY_FAILED", code, "Missing Something"

    error = error_from_exception(refused, server="https://api.test", method="GET", path=NODE)

    assert isinstance(error, CertificateRefused)
    assert "its certificate is not accepted (Missing Something). " in str(error)
    assert remedy in str(error)


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


def a_torn_answer(connection: socket.socket, ended: threading.Event) -> None:
    """Something that is no TLS where the answer was due."""
    socket.socket.sendall(connection, b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_session_repeats_a_read_whose_answer_was_torn(certificates: Certificates) -> None:
    with Loopback(a_torn_answer, FINE, tls=certificates.server_context()) as server:
        assert a_client(server.url, validate_certs=False).get(NODE) == {"kind": "Node"}

    assert len(server.heads) == 2


def test_session_that_is_always_torn_blames_no_certificate(certificates: Certificates) -> None:
    with Loopback(a_torn_answer, tls=certificates.server_context()) as server, pytest.raises(ConnectionLost) as caught:
        a_client(server.url, validate_certs=False).get(NODE)

    assert "TLS failed (" in str(caught.value)
    assert "ends connections: check its load balancer" in caught.value.remedy
    assert len(server.heads) == 5


def test_session_leaves_doubt_about_a_write_whose_answer_was_torn(certificates: Certificates) -> None:
    with Loopback(a_torn_answer, tls=certificates.server_context()) as server, pytest.raises(ConnectionLost) as caught:
        a_client(server.url, validate_certs=False).write(Write("create", "/api/v1/nodes", body={"kind": "Node"}))

    assert caught.value.is_uncertain
    assert len(server.heads) == 1


def hang_up_at_once(connection: socket.socket, ended: threading.Event) -> None:
    # No unread byte is left, so that an end is sent and no reset.
    connection.shutdown(socket.SHUT_RDWR)


def test_session_repeats_where_the_server_goes_away_while_hands_are_shaken(certificates: Certificates) -> None:
    with Loopback(hang_up_at_once, is_blunt=True) as server, pytest.raises(ConnectionLost) as caught:
        a_client(server.url.replace("http:", "https:")).get(NODE)

    assert len(server.heads) == 5
    assert "certificate" not in str(caught.value)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", CertificateRefused),
        ("SSLV3_ALERT_BAD_CERTIFICATE", CertificateRefused),
        ("SSLV3_ALERT_BAD_RECORD_MAC", ConnectionLost),
        ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", ConnectionLost),
        ("WRONG_VERSION_NUMBER", ConnectionLost),
    ],
    ids=str,
)
def test_refusal_of_a_client_s_certificate_comes_after_the_request_and_is_told_from_a_torn_answer(
    reason: str, kind: type[ClusterError]
) -> None:
    """In TLS 1.3 the client has sent its request before it hears of its certificate."""
    failure = ssl.SSLError(1, "text")
    failure.reason = reason

    assert error_from_exception(failure, method="GET", path=NODE, is_sent=True).__class__ is kind
