# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates for one cluster, made anew at each start and thrown away with its folder."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authority", "key_usage", "write_key_pair"]

_LIFETIME = timedelta(days=30)
_USAGES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def key_usage(*, is_ca: bool) -> x509.KeyUsage:
    """What a key is for. Python 3.13 takes no authority that does not say so (VERIFY_X509_STRICT)."""
    no = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    return x509.KeyUsage(
        digital_signature=not is_ca, key_cert_sign=is_ca, crl_sign=is_ca, encipher_only=False, decipher_only=False, **no
    )


def _write_private(path: Path, *, content: bytes) -> Path:
    """Write a file that only its owner may read, from its first byte on."""
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _builder(name: str, *, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _alternative_names(hosts: list[str]) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
    return x509.SubjectAlternativeName([*names, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])


class Authority:
    """A certificate authority whose certificate is `<folder>/<name>.crt`; its key never leaves memory."""

    def __init__(self, name: str, *, folder: Path) -> None:
        self._name = name
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, issuer=name, key=self._key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        certificate = builder.add_extension(key_usage(is_ca=True), critical=True).sign(self._key, hashes.SHA256())
        self.file = _write_private(folder / f"{name}.crt", content=certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, hosts: list[str]) -> tuple[Path, Path]:
        """Certificate and key files `<name>.crt`, `<name>.key` for 127.0.0.1 and `hosts`, for servers and clients."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(name, issuer=self._name, key=key)
            .add_extension(_alternative_names(hosts), critical=False)
            .add_extension(key_usage(is_ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_USAGES), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        return (
            _write_private(self._folder / f"{name}.crt", content=pem),
            _write_private(self._folder / f"{name}.key", content=_pem(key)),
        )


def write_key_pair(name: str, *, folder: Path) -> tuple[Path, Path]:
    """A bare key pair `<name>.pub`, `<name>.key` (for signing service account tokens)."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return (
        _write_private(folder / f"{name}.pub", content=public),
        _write_private(folder / f"{name}.key", content=_pem(key)),
    )
