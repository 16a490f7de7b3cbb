# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy on loopback between a client and the test cluster that makes chosen requests fail.

::

    with FaultProxy(cluster) as proxy:
        proxy.fail(429, path=r"/virtualmachineinstances", times=2, headers={"Retry-After": "0"})
        client = connect(settings_from({"host": proxy.url, "api_key": cluster.token("operator")}, environ={}))

What no fault matches goes to the API server as it is, with the caller's token, and its answer comes back as it is. The
proxy itself speaks plain HTTP, so a client needs no certificate of it, unless `is_tls`: then it shows one that the
cluster's own CA has signed.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import urllib3

from tests.cluster import Cluster

__all__ = ["Fault", "FaultProxy", "Meanwhile"]

_HOP_BY_HOP = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length", "host"))
_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}
# What stands where a record of TLS is expected.
_NO_RECORD = b"HTTP/1.1 400 Bad Request\r\n\r\n" * 8


@dataclass
class Fault:
    """Answer `times` requests whose path with query matches, after letting the first `after` of them pass.

    `cut` is the number of bytes of the true answer that come through before the connection ends (None: the whole fault
    `status` is answered instead). `silent`: nothing is answered until the proxy ends; "heard" where the API server got
    the request, "lost" where it did not.

    The others serve the request. `is_short`: half of the true answer comes, as if it were the whole. `is_twice`: the
    API server gets the request twice, and its second answer comes. `delay`: the answer comes so many seconds late.
    `tears_tls`: something that is no TLS comes in place of the answer. `text`: a body that is no Status. `token`: only
    requests with this one are met.
    """

    status: int
    path: re.Pattern[str]
    times: int
    after: int
    headers: Mapping[str, str]
    cut: int | None
    method: str = ""
    silent: str = ""
    is_short: bool = False
    is_twice: bool = False
    delay: float = 0.0
    tears_tls: bool = False
    text: str = ""
    token: str = ""

    @property
    def is_served(self) -> bool:
        """Whether the API server gets the request."""
        changed = self.is_short or self.is_twice or self.delay or self.tears_tls or self.silent == "heard"
        return bool(changed) or self.cut is not None

    def fits(self, target: str, *, method: str = "", token: str = "") -> bool:
        """Whether the request is one that this fault is for."""
        is_meant = self.method in ("", method) and self.token in ("", token)
        return bool(self.path.search(target)) and self.times > 0 and is_meant

    def takes(self, target: str, *, method: str = "", token: str = "") -> bool:
        """Whether this fault answers the request; counts it."""
        if not self.fits(target, method=method, token=token):
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
    """Context manager. `requests` are the targets (path with query) in the order in which they came; `deletes` those of
    deletes, each with its body.

    What goes wrong in a `meanwhile` is raised at the end: a test that rests on it must not go on as if it had happened.
    """

    cluster: Cluster
    requests: list[str] = field(default_factory=list)
    deletes: list[tuple[str, bytes]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    acts: list[Meanwhile] = field(default_factory=list)
    mishaps: list[BaseException] = field(default_factory=list)
    url: str = ""
    is_tls: bool = False

    def __enter__(self) -> FaultProxy:
        self._lock = threading.Lock()
        self._ends = threading.Event()
        parts = urlsplit(self.cluster.server)
        # A handshake for each request would take longer than most requests do.
        self._upstream = urllib3.HTTPSConnectionPool(
            parts.hostname or "", port=parts.port, maxsize=8, ca_certs=str(self.cluster.ca_file), timeout=60
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if self.is_tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.cluster.webhook_cert_file, self.cluster.webhook_key_file)
            # Hands are shaken by whoever reads first, not by the one who waits for the next.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http{'s' if self.is_tls else ''}://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._upstream.close()
        if self.mishaps:
            raise self.mishaps[0]

    def fail(
        self,
        status: int = 500,
        *,
        path: str = "",
        times: int = 1,
        after: int = 0,
        headers: Mapping[str, str] | None = None,
        cut: int | None = None,
        **more: Any,
    ) -> None:
        """Add a fault; see :class:`Fault`. Without `method` of any method."""
        self.faults.append(Fault(status, re.compile(path), times, after, headers or {}, cut, **more))

    def meanwhile(self, act: Callable[[], object], *, method: str, path: str, is_before: bool = True) -> None:
        """Once, just before the request that matches is passed on (or just after its answer came), do `act`."""
        self.acts.append(Meanwhile(act, method, re.compile(path), is_before))

    def fault_for(self, target: str, *, method: str = "", token: str = "") -> Fault | None:
        """The fault that answers this request, None where it goes through. Notes the request."""
        with self._lock:
            self.requests.append(target)
            return next((one for one in self.faults if one.takes(target, method=method, token=token)), None)

    def note_body(self, target: str, *, method: str, body: bytes) -> None:
        """Keeps what a delete says."""
        if method == "DELETE":
            self.deletes.append((target, body))

    def do_meanwhile(self, method: str, target: str, *, is_before: bool) -> None:
        """What was to be done at this request."""
        with self._lock:
            found = [one for one in self.acts if one.fits(method, target, is_before=is_before)]
            self.acts = [one for one in self.acts if one not in found]
        for one in found:
            try:
                one.act()
            except BaseException as error:
                # Only the client would hear of it, as of a connection that was cut.
                self.mishaps.append(error)
                raise

    def will_be_silent(self, target: str, *, method: str) -> bool:
        """Whether a request would be answered by silence now."""
        with self._lock:
            return any(one.silent and one.after <= 0 and one.fits(target, method=method) for one in self.faults)

    def be_silent(self) -> None:
        """Returns when the proxy ends, or when nobody can be waiting any more."""
        self._ends.wait(60)

    def forward(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """The API server's own answer. Raises urllib3's HTTPError where it is away."""
        kept = {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
        answer = self._upstream.urlopen(
            method, target, body=body or None, headers=kept, retries=False, redirect=False, decode_content=False
        )
        found = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
        return answer.status, found, answer.data


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultProxy
    protocol_version = "HTTP/1.1"
    # Head and body go out in two pieces: the second would wait 40 ms for the client to confirm the first.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.proxy.do_meanwhile(self.command, self.path, is_before=True)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        fault = self.proxy.fault_for(self.path, method=self.command, token=token)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.proxy.note_body(self.path, method=self.command, body=body)
        if fault is not None and not fault.is_served:
            self._refuse(fault)
            return
        try:
            for _turn in range(2 if fault and fault.is_twice else 1):
                answer = self.proxy.forward(self.command, self.path, headers=dict(self.headers), body=body)
        except urllib3.exceptions.HTTPError:
            self.close_connection = True  # The API server is away: the client hears nothing.
            return
        self.proxy.do_meanwhile(self.command, self.path, is_before=False)
        self._pass_on(answer, fault)

    def _refuse(self, fault: Fault) -> None:
        if fault.silent:
            self._keep_silent()
            return
        body = fault.text.encode() or _status_body(fault.status)
        self._answer(fault.status, dict(fault.headers), body)

    def _pass_on(self, answer: tuple[int, dict[str, str], bytes], fault: Fault | None) -> None:
        status, headers, body = answer
        if fault is None:
            self._answer(status, headers, body)
        elif fault.silent:
            self._keep_silent()
        elif fault.tears_tls:
            # Past TLS, which would make it a record of its own.
            socket.socket.sendall(self.connection, _NO_RECORD)
            self.close_connection = True
        else:
            time.sleep(fault.delay)
            self._answer(status, headers, body[: len(body) // 2] if fault.is_short else body, cut=fault.cut)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

    def _keep_silent(self) -> None:
        self.proxy.be_silent()
        self.close_connection = True

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


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"proxy": proxy})


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
