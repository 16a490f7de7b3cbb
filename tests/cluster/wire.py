# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON over HTTPS with the standard library alone: one kept-alive connection for each thread."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

__all__ = ["Wire", "tls_context"]


def tls_context(ca_file: str, *, cert_file: str = "", key_file: str = "") -> ssl.SSLContext:
    """Trust `ca_file` alone; present a client certificate where one is given."""
    context = ssl.create_default_context(cafile=ca_file)
    if cert_file:
        context.load_cert_chain(cert_file, key_file)
    return context


class _Connection(http.client.HTTPSConnection):
    """Closes itself when its thread ends and nobody holds it any more."""

    def __del__(self) -> None:
        self.close()


class Wire:
    """Requests to one server."""

    def __init__(self, server: str, *, context: ssl.SSLContext, timeout_seconds: float = 60.0) -> None:
        self._timeout_seconds = timeout_seconds
        self._netloc = urlsplit(server).netloc
        self._context = context
        self._local = threading.local()

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> tuple[int, Any]:
        """(status, body): body is decoded where the server says that it is JSON, else bytes. OSError if unreachable."""
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        try:
            answer, content = self._exchange(method, target, payload=payload, headers=sent)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            # An idle connection that the server has closed meanwhile (Python 3.12 may find that out while it writes);
            # a new one says whether the server is there.
            self.close()
            answer, content = self._exchange(method, target, payload=payload, headers=sent)
        is_json = "json" in (answer.getheader("Content-Type") or "")
        return answer.status, json.loads(content) if is_json and content else content

    def lines(self, path: str, *, headers: Mapping[str, str], query: Mapping[str, Any]) -> Iterator[bytes]:
        """The lines of an answer that goes on and on, as they come; OSError when it breaks off."""
        connection = _Connection(self._netloc, context=self._context, timeout=self._timeout_seconds)
        try:
            connection.request("GET", f"{path}?{urlencode(query, doseq=True)}", headers=dict(headers))
            answer = connection.getresponse()
            if answer.status != 200:
                raise ConnectionError(f"GET {path}: {answer.status}")
            yield from answer
        finally:
            connection.close()

    def close(self) -> None:
        """Drop this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _exchange(
        self, method: str, target: str, *, payload: bytes | None, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self._connection()
        try:
            connection.request(method, target, body=payload, headers=dict(headers))
            answer = connection.getresponse()
            return answer, answer.read()
        except BaseException:
            self.close()
            raise

    def _connection(self) -> http.client.HTTPSConnection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = _Connection(self._netloc, context=self._context, timeout=self._timeout_seconds)
            self._local.connection = connection
        return connection
