# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries to a Prometheus, or to whatever speaks its HTTP API (Thanos, OpenShift's tenancy port).

This module is private to the collection and may change without notice.

GET and not POST: proxies before a Prometheus judge the method too (OpenShift's tenancy port asks for the right to get).
The connection to the API server is none of its business: neither its credentials nor its proxy option go along, only
`validate_certs` and `request_timeout`.
"""

from __future__ import annotations

import importlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    CertificateRefused,
    ClusterError,
    ConfigError,
    Timeout,
    error_from_status,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.failures import error_from_exception
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.guard import (
    Guard,
    use_guarded_connections,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import (
    ConnectionSettings,
    settings_from,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.proxy import is_loopback, proxy_for
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.session import (
    USER_AGENT,
    Answer,
    read_bounded,
)

__all__ = ["PROMETHEUS_SPEC", "Prometheus", "PrometheusSettings", "prometheus_settings"]

PROMETHEUS_SPEC: Final[dict[str, dict[str, Any]]] = {
    "url": {"type": "str"},
    "token": {"type": "str", "no_log": True},
    "ca_cert": {"type": "path"},
    "query_parameters": {"type": "dict"},
}

# Ten minutes of a hundred copies are 2 MB.
LONGEST_ANSWER: Final = 32 * 1024 * 1024
_PATH: Final = "/api/v1/query"
_REMEDIES: Final[Mapping[int, str]] = {
    400: "Check prometheus.query_parameters, and namespaces: a tenancy port (OpenShift: 9092) answers only for one.",
    401: "Give a token that it accepts as prometheus.token.",
    403: "The user of prometheus.token may not query it; OpenShift's tenancy port (9092) answers for the namespaces in "
    "which one may view: set namespaces.",
    404: "Write prometheus.url without /api/v1, with the path that stands before it if there is one.",
}


@dataclass(frozen=True)
class PrometheusSettings:
    """How to ask it. `connection` gives validate_certs, request_timeout and the environment's proxies."""

    url: str
    connection: ConnectionSettings = field(repr=False)
    token: str | None = field(default=None, repr=False)
    ca_cert: str | None = None
    query_parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_verified(self) -> bool:
        """Whether its certificate is checked."""
        return self.connection.validate_certs is not False


def prometheus_settings(params: Mapping[str, Any], *, environ: Mapping[str, str]) -> PrometheusSettings:
    """The settings in the option `prometheus`. Raises ConfigError naming the option, its value and the way out."""
    given = params.get("prometheus") or {}
    connection = settings_from(params, environ=environ)
    return PrometheusSettings(
        url=_url(given.get("url")),
        # The API server's own proxy and exceptions say nothing of the way to Prometheus.
        connection=replace(connection, proxy=None, no_proxy=None, proxy_headers={}),
        token=_token(given.get("token")),
        ca_cert=_ca_cert(given.get("ca_cert")),
        query_parameters=_parameters(given.get("query_parameters")),
    )


def _url(value: Any) -> str:
    url = value.strip() if isinstance(value, str) else ""
    if not url:
        raise ConfigError(
            "progress is prometheus, and prometheus.url is not given.",
            remedy="Write its address, as https://thanos-querier.openshift-monitoring.svc:9091, or progress: none.",
        )
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known, parts = False, urlsplit("")
    if parts.username is not None or parts.password is not None:
        raise ConfigError("prometheus.url holds a user name or password.", remedy="Give a token as prometheus.token.")
    if not known or parts.query or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError(
            f"prometheus.url is {url[:200]!r}, which is no address of the form https://NAME:PORT.",
            remedy="Write scheme, name and port, and a path if there is one; parameters go into query_parameters.",
        )
    return url.rstrip("/")


def _token(value: Any) -> str | None:
    token = value.strip() if isinstance(value, str) else ""
    if not token.isprintable() or not token.isascii():
        raise ConfigError(
            "prometheus.token holds a line break or another odd character.", remedy="Give it on one line."
        )
    return token or None


def _ca_cert(value: Any) -> str | None:
    if not value:
        return None
    path = Path(str(value))
    if not path.is_file():
        raise ConfigError(
            f"prometheus.ca_cert is {str(path)!r}, and there is no such file.", remedy="Give the path of a PEM file."
        )
    return str(path)


def _parameters(value: Any) -> dict[str, str]:
    """As text; what a query is made of is not theirs to give."""
    found = {str(name): str(one) for name, one in (value or {}).items()}
    taken = sorted(set(found) & {"query", "time"})
    if taken:
        raise ConfigError(
            f"prometheus.query_parameters has {taken[0]!r}, which is part of the query itself.",
            remedy="Leave it out; it is for parameters that a proxy wants, such as tenant.",
        )
    return found


class Prometheus:
    """Asks one Prometheus. Each query ends within request_timeout, is not repeated and follows no redirect."""

    def __init__(self, settings: PrometheusSettings) -> None:
        self._settings = settings
        self._manager = _pool_manager(settings)
        self.requests = 0
        self.warnings = _warnings(settings)

    def close(self) -> None:
        """End all connections."""
        self._manager.clear()

    def query(self, expression: str, *, namespace: str = "") -> bytes:
        """The body of the answer to an instant query, by Prometheus' own clock. `namespace` is the parameter that a
        tenancy port demands, "" for none. Raises ClusterError; an error that Prometheus words itself is in the body."""
        parameters = {**self._settings.query_parameters, **({"namespace": namespace} if namespace else {})}
        self.requests += 1
        answer = self._send(urlencode({**parameters, "query": expression}))
        is_json = "json" in answer.headers.get("content-type", "")
        # 400, 422 and 503 carry Prometheus' own words, which say more than the status.
        if 200 <= answer.status < 300 or (is_json and answer.status in (422, 503)):
            return answer.body
        secrets = (self._settings.token or "",)
        error = error_from_status(
            answer.status, method="GET", path=_PATH, body=answer.body, reason=answer.reason, secrets=secrets
        )
        remedy = _REMEDIES.get(answer.status, "Check prometheus.url.")
        raise ClusterError(
            f"prometheus.url {self._settings.url}: {error.args[0]}",
            status=error.status,
            reason=error.reason,
            remedy=remedy,
        )

    def _send(self, query: str) -> Answer:
        urllib3 = importlib.import_module("urllib3")
        url, seconds = f"{self._settings.url}{_PATH}?{query}", self._settings.connection.request_timeout
        answer: Answer | None = None
        failure: Exception | None = None
        with Guard(seconds) as guard:
            try:
                response = self._manager.request(
                    "GET", url, headers=self._headers(), redirect=False, retries=False,
                    timeout=urllib3.Timeout(total=seconds), preload_content=False,
                )  # fmt: skip
                found = {name.lower(): value for name, value in response.headers.items()}
                body = read_bounded(response, longest=LONGEST_ANSWER)
                answer = Answer(response.status, response.reason or "", found, body)
            except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError, BadAnswer) as exc:
                failure = exc
        if guard.expired:
            failure = TimeoutError()
        if failure is not None or answer is None:
            raise self._error(failure or TimeoutError())
        return answer

    def _headers(self) -> dict[str, str]:
        # Not compressed: what is bounded is then what was sent.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        return {**headers, **({"Authorization": f"Bearer {self._settings.token}"} if self._settings.token else {})}

    def _error(self, failure: Exception) -> ClusterError:
        """In our words; the text of a library's exception is never used."""
        seconds = self._settings.connection.request_timeout
        if isinstance(failure, BadAnswer):
            return ClusterError(f"prometheus.url {self._settings.url}: {failure.args[0]}")
        found = error_from_exception(failure, server=f"prometheus.url {self._settings.url}", seconds=seconds)
        remedy = "Check prometheus.url, and that it can be reached from here."
        if isinstance(found, CertificateRefused):
            remedy = "Give its CA as prometheus.ca_cert; validate_certs=false only switches the check off."
        elif isinstance(found, Timeout):
            remedy = "Check prometheus.url; for a slow Prometheus raise request_timeout."
        return type(found)(str(found.args[0]), reason=found.reason, remedy=remedy)


def _pool_manager(settings: PrometheusSettings) -> Any:
    urllib3 = importlib.import_module("urllib3")
    tls: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED" if settings.is_verified else "CERT_NONE"}
    proxy = proxy_for(settings.connection, server=settings.url, proxy_url=None)
    why = ""
    try:
        context = urllib3.util.ssl_.create_urllib3_context(cert_reqs=getattr(ssl, tls["cert_reqs"]))
        if settings.ca_cert and settings.is_verified:
            context.load_verify_locations(cafile=settings.ca_cert)
        elif settings.is_verified:
            context.load_default_certs()
        more = {"ssl_context": context, **tls, **({} if settings.is_verified else {"assert_hostname": False})}
        manager = urllib3.ProxyManager(proxy, **more) if proxy else urllib3.PoolManager(**more)
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as exc:
        why = type(exc).__name__
    if why:
        raise ConfigError(
            f"The connection to prometheus.url {settings.url} cannot be set up ({why}).",
            remedy="prometheus.ca_cert must be a PEM file with a certificate, and HTTPS_PROXY an address like "
            "http://NAME:PORT.",
        )
    use_guarded_connections(manager, is_verified=settings.is_verified)
    return manager


def _warnings(settings: PrometheusSettings) -> list[str]:
    is_https = settings.url.startswith("https://")
    if is_https and not settings.is_verified:
        return [f"validate_certs is false: the certificate of prometheus.url {settings.url} is not checked either."]
    if not is_https and settings.token and not is_loopback(settings.url):
        return [f"prometheus.token goes to {settings.url} unencrypted. Write https:// in prometheus.url."]
    return []
