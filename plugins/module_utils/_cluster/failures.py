# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HTTP and TLS libraries raise, as errors of `errors`.

This module is private to the collection and may change without notice.

The text of such an exception is never used, as it can hold a header, a URL with a password or a piece of the
kubeconfig; its type and errno are.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    CertificateRefused,
    ClusterError,
    ConfigError,
    ConnectionLost,
    Timeout,
    Unreachable,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import clean

__all__ = ["error_from_exception"]

# Names of exceptions, looked up along the class and its parents, so that no library must be imported to know them.
_BY_EXCEPTION: Final[Mapping[str, type[ClusterError]]] = {
    "SSLError": CertificateRefused,
    "SSLCertVerificationError": CertificateRefused,
    "NewConnectionError": Unreachable,
    "NameResolutionError": Unreachable,
    "ConnectTimeoutError": Timeout,
    "ReadTimeoutError": Timeout,
    "TimeoutError": Timeout,
    "ProxyError": Unreachable,
    "ProtocolError": ConnectionLost,
    "IncompleteRead": ConnectionLost,
    "ConnectionResetError": ConnectionLost,
    "BrokenPipeError": ConnectionLost,
    "DecodeError": BadAnswer,
    "LocationParseError": ConfigError,
    "InvalidHeader": ConfigError,
    "ProxySchemeUnknown": ConfigError,
    "ProxySchemeUnsupported": ConfigError,
}

_WORDS: Final[Mapping[str, str]] = {
    "RemoteDisconnected": "the connection was closed without an answer",
    "IncompleteRead": "the connection was closed in the middle of the answer",
    "InvalidChunkLength": "the connection was closed in the middle of the answer",
    "BadStatusLine": "the answer is not HTTP",
    "CertificateError": "its certificate is not accepted (it is for another name)",
    "ReadTimeoutError": "no answer in time",
    "ConnectTimeoutError": "no connection in time",
    "TimeoutError": "no answer in time",
}

_TLS_REMEDIES: Final[Mapping[str, str]] = {
    "WRONG_VERSION_NUMBER": "The server does not speak TLS on this port: check scheme and port of host, and the proxy.",
    "RECORD_LAYER_FAILURE": "The server does not speak TLS on this port: check scheme and port of host, and the proxy.",
    "KEY_VALUES_MISMATCH": "client_key does not belong to client_cert: give the pair that was made together.",
    "PEM": "client_cert, client_key or ca_cert is not a PEM file: check the paths.",
    "NO_CERTIFICATE_OR_CRL_FOUND": "ca_cert holds no certificate in PEM form: check the path.",
}

# What OpenSSL finds only with X509_V_FLAG_X509_STRICT (x509_vfy.h, from PATHLEN_INVALID_FOR_NON_CA to
# EC_KEY_EXPLICIT_PARAMS), which urllib3 asks for from Python 3.13 on. A CA that is right may lack what it wants.
_STRICT_CODES: Final = range(80, 95)
_STRICT_REMEDY: Final = (
    "Python checks certificates by RFC 5280 from 3.13 on. Have the cluster's CA and certificates issued with what is "
    "missing, or run this with Python 3.12 (ansible_python_interpreter)."
)


def error_from_exception(
    exc: BaseException,
    *,
    method: str = "",
    path: str = "",
    server: str = "",
    seconds: float | None = None,
    is_sent: bool = False,
) -> ClusterError:
    """The error for an exception of the HTTP or TLS library. Its text is not used, only its type and errno.

    `is_sent`: the whole request had gone out.
    """
    kind = next((_BY_EXCEPTION[base.__name__] for base in type(exc).__mro__ if base.__name__ in _BY_EXCEPTION), None)
    reason, remedy = _why(exc)
    root = _root(exc)
    if isinstance(root, ssl.SSLError) and _is_torn(root, is_sent=is_sent):
        kind, remedy = ConnectionLost, ""
    elif kind is Unreachable and isinstance(root, ssl.SSLError):
        kind = CertificateRefused
    kind = kind or Unreachable
    if kind is Timeout and seconds is not None:
        reason = f"no complete answer within {seconds:g} s"
    head = f"{method} {clean(path)}: {server}" if method else server
    return kind(f"{head}: {reason}.", method=method, path=path, reason=reason, remedy=remedy)


def _is_torn(root: ssl.SSLError, /, *, is_sent: bool) -> bool:
    """Whether TLS was ended or garbled on the way, which says nothing of certificates.

    In TLS 1.3 a server refuses a client's certificate after the request has gone out, by an alert. An alert about a bad
    record is none of these: what it got was garbled.
    """
    code = root.reason or ""
    if isinstance(root, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or code.endswith("BAD_RECORD_MAC"):
        return True
    return is_sent and not isinstance(root, ssl.SSLCertVerificationError) and "ALERT" not in code


def _why(exc: BaseException) -> tuple[str, str]:
    """What happened in the operating system's or OpenSSL's words, and a remedy where a better one than usual exists."""
    root = _root(exc)
    if isinstance(root, ssl.SSLCertVerificationError):
        remedy = _STRICT_REMEDY if root.verify_code in _STRICT_CODES else ""
        return f"its certificate is not accepted ({clean(root.verify_message)})", remedy
    if isinstance(root, ssl.SSLError):
        code = root.reason or ""
        return f"TLS failed ({code or type(root).__name__})", _TLS_REMEDIES.get(code, "")
    proxied = any(type(one).__name__ == "ProxyError" for one in _chain(exc))
    where = " at the proxy" if proxied else ""
    remedy = "Check the option proxy, the kubeconfig's proxy-url and HTTPS_PROXY." if proxied else ""
    refusal = re.fullmatch(r"Tunnel connection failed: (\d{3}).*", str(root), re.DOTALL)
    if refusal:
        return f"the proxy refused the way to it ({refusal.group(1)})", remedy
    if isinstance(root, OSError) and root.strerror:
        return clean(root.strerror).lower() + where, remedy
    names = [type(one).__name__ for one in _chain(exc)]
    words = next((_WORDS[name] for name in names if name in _WORDS), type(root).__name__)
    return words + where, remedy


def _root(exc: BaseException) -> BaseException:
    """The innermost cause that the operating system or OpenSSL named, else the innermost of all."""
    found = list(_chain(exc))
    return next((one for one in reversed(found) if isinstance(one, OSError)), found[-1])


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        yield exc
        inner = next((arg for arg in exc.args if isinstance(arg, BaseException)), None)
        exc = inner or exc.__cause__ or exc.__context__
