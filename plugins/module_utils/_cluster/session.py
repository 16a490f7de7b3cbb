# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request at a time, over the HTTP pool that the kubernetes package builds.

This module is private to the collection and may change without notice.

Only `RESTClientObject.pool_manager` is taken of the package's client, as all releases from 24.2 to 37 have it. The
typed API is not used: it costs seconds to import, and `ApiClient.call_api` has another signature in 37.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final, Protocol

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.credentials import (
    Credentials,
    import_kubernetes,
    load_credentials,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    ConfigError,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.failures import error_from_exception
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.guard import (
    Guard,
    use_guarded_connections,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import ConnectionSettings
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.proxy import is_loopback, proxy_for

__all__ = ["PARALLEL_CONNECTIONS", "USER_AGENT", "Answer", "Session", "Transport", "read_bounded"]

PARALLEL_CONNECTIONS: Final = 8
_OLDEST: Final = (24, 2)
_CHUNK_BYTES: Final = 1024 * 1024
# A browser's or curl's name is answered with indented JSON, twice the bytes.
USER_AGENT: Final = "kubevirt_ops.live_migration"


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status. The names in `headers` are in small letters, each of them once."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """What `Client` needs of the network; tests hand in a scripted one."""

    server: str
    warnings: list[str]
    secrets: frozenset[str]

    def send(
        self,
        method: str,
        *,
        path: str,
        query: str,
        headers: Mapping[str, str],
        seconds: float,
        body: bytes | None = None,
        longest: int | None = None,
    ) -> Answer:
        """One request; `query` is encoded already. Raises ClusterError where no answer comes within `seconds`, or a
        body of more than `longest` bytes."""

    def renew(self) -> bool:
        """Load the credentials again; whether they changed."""

    def close(self) -> None:
        """End all connections."""


class Session:
    """The real transport. Threads may share it."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._managers: list[Any] = []
        self._use(load_credentials(settings, seconds=settings.request_timeout))
        self.server = self._credentials.server
        self.warnings = _warnings(self._credentials, version=str(import_kubernetes().__version__))

    def _use(self, credentials: Credentials) -> None:
        self._manager = _pool_manager(credentials)
        self._managers.append(self._manager)
        self._credentials = credentials
        self._fingerprint = credentials.fingerprint()
        token = (credentials.authorization() or "").partition(" ")[2]
        self.secrets = credentials.secrets | {token}

    def send(
        self,
        method: str,
        *,
        path: str,
        query: str,
        headers: Mapping[str, str],
        seconds: float,
        body: bytes | None = None,
        longest: int | None = None,
    ) -> Answer:
        """See `Transport.send`. Redirects are not followed: the credentials would go along."""
        with self._lock:
            manager, credentials = self._manager, self._credentials
            authorization = credentials.authorization()
        sent = _headers(headers, authorization=authorization, credentials=credentials)
        url = self.server + path + (("&" if "?" in path else "?") + query if query else "")
        urllib3 = importlib.import_module("urllib3")
        response: Any = None
        content = b""
        failure: Exception | None = None
        with Guard(seconds) as guard:
            try:
                response = manager.request(
                    method,
                    url,
                    body=body,
                    headers=sent,
                    redirect=False,
                    retries=False,
                    timeout=urllib3.Timeout(total=seconds),
                    preload_content=longest is None,
                )
                content = response.data if longest is None else read_bounded(response, longest=longest)
            except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as exc:
                failure = exc
        # A connection that the guard ended can look like a short answer too.
        if guard.expired:
            failure = TimeoutError()
        # Raised outside of the except block: the library's exception, whose text may hold a header, does not go along.
        if failure is not None:
            limit, is_sent = self._settings.request_timeout, guard.is_sent
            raise error_from_exception(
                failure, method=method, path=path, server=self.server, seconds=limit, is_sent=is_sent
            )
        found = _merged(response.headers.items())
        return Answer(status=response.status, reason=response.reason or "", headers=found, body=content)

    def renew(self) -> bool:
        """Load token file, exec plugin or kubeconfig again; whether token, certificate or key are others now."""
        with self._lock:
            before = self._fingerprint
            self._use(load_credentials(self._settings, seconds=self._settings.request_timeout))
            return self._fingerprint != before

    def close(self) -> None:
        """End all connections."""
        for manager in self._managers:
            manager.clear()


def read_bounded(response: Any, /, *, longest: int) -> bytes:
    """The body of an answer that was not loaded yet. Raises BadAnswer for more than `longest` bytes, or for one that is
    compressed: what comes out of that has no bound."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        response.close()
        raise BadAnswer("the answer is compressed, which was not asked for.")
    body = b""
    while chunk := response.read(_CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > longest:
            response.close()
            raise BadAnswer(f"the answer has more than {longest // 2**20} MiB.")
    response.release_conn()
    return body


def _headers(given: Mapping[str, str], *, authorization: str | None, credentials: Credentials) -> Any:
    # A plain dict cannot hold Impersonate-Group twice.
    headers = importlib.import_module("urllib3._collections").HTTPHeaderDict(given)
    headers["User-Agent"] = USER_AGENT
    if authorization:
        headers["Authorization"] = authorization
    for name, value in credentials.impersonation():
        headers.add(name, value)
    return headers


def _merged(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names in small letters; the values of one that comes several times (Warning) joined as HTTP joins them."""
    found: dict[str, str] = {}
    for name, value in headers:
        known = found.get(name.lower())
        found[name.lower()] = value if known is None else f"{known}, {value}"
    return found


def _pool_manager(credentials: Credentials) -> Any:
    settings, configuration, chosen = credentials.settings, credentials.configuration, credentials.chosen
    configuration.proxy = proxy_for(settings, server=credentials.server, proxy_url=chosen.proxy_url if chosen else None)
    # Decided by proxy_for already; None would make some releases look into the environment.
    configuration.no_proxy = ""
    configuration.connection_pool_maxsize = PARALLEL_CONNECTIONS
    if settings.proxy_headers:
        configuration.proxy_headers = importlib.import_module("urllib3").make_headers(**settings.proxy_headers)
    why = ""
    try:
        manager = import_kubernetes().client.rest.RESTClientObject(configuration).pool_manager
    except Exception as exc:  # noqa: BLE001 - the text of what is raised can hold the proxy's password
        why = type(exc).__name__
    if why:
        scheme = str(configuration.proxy or "").partition("://")[0] if "://" in str(configuration.proxy) else "none"
        raise ConfigError(
            f"The connection cannot be set up ({why}); the proxy's scheme is {scheme}.",
            remedy="Write proxy as http://NAME:PORT; socks5 needs a newer kubernetes package and PySocks.",
        )
    if chosen and chosen.tls_server_name:
        manager.connection_pool_kw["server_hostname"] = chosen.tls_server_name
    use_guarded_connections(manager, is_verified=credentials.is_verified)
    return manager


def _warnings(credentials: Credentials, *, version: str) -> list[str]:
    """What the user should know about this connection, once."""
    found = []
    server, settings = credentials.server, credentials.settings
    is_https = server.startswith("https://")
    if is_https and not credentials.is_verified:
        named = (
            "validate_certs is false"
            if settings.validate_certs is False
            else ("insecure-skip-tls-verify is set in the kubeconfig")
        )
        found.append(
            f"{named}: the certificate of {server} is not checked, so anybody in between can read the credentials. "
            "Give the cluster's CA with ca_cert instead."
        )
    if not is_https and credentials.authorization() and not is_loopback(server):
        found.append(f"The credentials go to {server} unencrypted. Write https:// in host.")
    if _release(version) < _OLDEST:
        found.append(f"The Python package kubernetes is {version}; the oldest release that is tested is 24.2.")
    return found


def _release(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else _OLDEST
