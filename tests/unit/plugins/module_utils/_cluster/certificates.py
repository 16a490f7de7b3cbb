# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for tests of TLS, made anew for each run."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cluster.pki import key_usage

SERVER_NAME = "api.internal.test"


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files. `ca` signed `server` and `client`; `other_ca` and `other_key` belong to nothing."""

    ca: Path
    other_ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path
    other_key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server, self.server_key)
        return context


def make_certificates(folder: Path) -> Certificates:
    ca_key, other_key, server_key, client_key = (ec.generate_private_key(ec.SECP256R1()) for _key in range(4))
    ca = _certificate("test ca", key=ca_key, issuer="test ca", issuer_key=ca_key, is_ca=True)
    other_ca = _certificate("other ca", key=other_key, issuer="other ca", issuer_key=other_key, is_ca=True)
    server = _certificate(SERVER_NAME, key=server_key, issuer="test ca", issuer_key=ca_key)
    client = _certificate("jane", key=client_key, issuer="test ca", issuer_key=ca_key)
    return Certificates(
        ca=_write(folder / "ca.pem", ca.public_bytes(serialization.Encoding.PEM)),
        other_ca=_write(folder / "other-ca.pem", other_ca.public_bytes(serialization.Encoding.PEM)),
        server=_write(folder / "server.pem", server.public_bytes(serialization.Encoding.PEM)),
        server_key=_write(folder / "server-key.pem", _pem(server_key)),
        client=_write(folder / "client.pem", client.public_bytes(serialization.Encoding.PEM)),
        client_key=_write(folder / "client-key.pem", _pem(client_key)),
        other_key=_write(folder / "other-key.pem", _pem(other_key)),
    )


def a_ca_in_pem() -> bytes:
    """A certificate authority that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("nobody's ca", key=key, issuer="nobody's ca", issuer_key=key, is_ca=True)
    return ca.public_bytes(serialization.Encoding.PEM)


def _certificate(
    name: str,
    *,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    is_ca: bool = False,
) -> x509.Certificate:
    now = datetime.now(timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(key_usage(is_ca=is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not is_ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path
