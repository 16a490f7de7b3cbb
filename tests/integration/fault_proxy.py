# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy on loopback between a client and the test cluster that makes chosen requests fail.

::

    with FaultProxy(cluster) as proxy:
        proxy.fail(429, path=r"/virtualmachineinstances", times=2, headers={"Retry-After": "0"})
        client = connect(settings_from({"host": proxy.url, "api_key": cluster.token("operator")}, environ={}))

What no fault matches goes to the API server as it is, with the caller's token, and its answer comes back as it is. The
proxy itself speaks plain HTTP, so a client needs no certificate of it.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

from tests.cluster import Cluster

__all__ = ["Fault", "FaultProxy", "Meanwhile"]

_HOP_BY_HOP = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length", "host"))
_REASONS = {410: "Expired", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}


@dataclass
class Fault:
    """Answer `times` requests whose path with query matches, after letting the first `after` of them pass.

    `cut` is the number of bytes of the true answer that come through before the connection ends (None: the whole fault
    `status` is answered instead).
    """

    status: int
    path: re.Pattern[str]
    times: int
    after: int
    headers: Mapping[str, str]
    cut: int | None
    method: str = ""

    def takes(self, target: str, *, method: str = "") -> bool:
        """Whether this fault answers the request; counts it."""
        if not self.path.search(target) or self.times <= 0 or self.method not in ("", method):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass(frozen=True)
class Meanwhile:
    """Something that happens at a request, in the very moment between two of a client's steps."""

    act: Callable[[], object]
    method: str
    path: re.Pattern[str]
    is_before: bool

    def fits(self, method: str, target: str, *, is_before: bool) -> bool:
        """Whether this is its request."""
        return self.is_before is is_before and self.method == method and bool(self.path.search(target))


@dataclass
class FaultProxy:
    """Context manager. `requests` are the targets (path with query) in the order in which they came."""

    cluster: Cluster
    requests: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    acts: list[Meanwhile] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> FaultProxy:
        self._lock = threading.Lock()
        self._context = ssl.create_default_context(cafile=str(self.cluster.ca_file))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(
        self,
        status: int = 500,
        *,
        path: str = "",
        times: int = 1,
        after: int = 0,
        headers: Mapping[str, str] | None = None,
        cut: int | None = None,
        method: str = "",
    ) -> None:
        """Add a fault; see :class:`Fault`. Without `method` of any method."""
        self.faults.append(Fault(status, re.compile(path), times, after, headers or {}, cut, method))

    def meanwhile(self, act: Callable[[], object], *, method: str, path: str, is_before: bool = True) -> None:
        """Once, just before the request that matches is passed on (or just after its answer came), do `act`."""
        self.acts.append(Meanwhile(act, method, re.compile(path), is_before))

    def fault_for(self, target: str, *, method: str = "") -> Fault | None:
        """The fault that answers this request, None where it goes through. Notes the request."""
        with self._lock:
            self.requests.append(target)
            return next((fault for fault in self.faults if fault.takes(target, method=method)), None)

    def do_meanwhile(self, method: str, target: str, *, is_before: bool) -> None:
        """What was to be done at this request."""
        with self._lock:
            found = [one for one in self.acts if one.fits(method, target, is_before=is_before)]
            self.acts = [one for one in self.acts if one not in found]
        for one in found:
            one.act()

    def forward(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """The API server's own answer."""
        parts = urlsplit(self.cluster.server)
        upstream = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=self._context, timeout=60)
        try:
            kept = {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
            upstream.request(method, target, body=body or None, headers=kept)
            answer = upstream.getresponse()
            found = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
            return answer.status, found, answer.read()
        finally:
            upstream.close()


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            proxy.do_meanwhile(self.command, self.path, is_before=True)
            fault = proxy.fault_for(self.path, method=self.command)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if fault is not None and fault.cut is None:
                self._answer(fault.status, dict(fault.headers), _status_body(fault.status))
                return
            try:
                answer = proxy.forward(self.command, self.path, headers=dict(self.headers), body=body)
            except (OSError, http.client.HTTPException):
                self.close_connection = True  # The API server is away: the client hears nothing.
                return
            proxy.do_meanwhile(self.command, self.path, is_before=False)
            self._answer(*answer, cut=fault.cut if fault else None)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

        def _answer(self, status: int, headers: Mapping[str, str], body: bytes, cut: int | None = None) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if cut is None else body[:cut])
            self.close_connection = cut is not None

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives
            """Says nothing on stderr."""

    return Handler


def _status_body(status: int) -> bytes:
    reason = _REASONS.get(status, "Fault")
    message = f"planted {status}"
    return json.dumps(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": status,
            "reason": reason,
            "message": message,
        }
    ).encode()
