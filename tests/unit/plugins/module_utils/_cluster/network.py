# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for the network: a scripted transport and clock, and a loopback server that misbehaves on purpose."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, TypeAlias, Union

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.session import Answer


class FakeClock(Clock):
    """Time passes only by sleeping; the sleeps are kept."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 8, 0, tzinfo=timezone.utc)

    def monotonic(self) -> float:
        return sum(self.sleeps)

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)


@dataclass(frozen=True)
class Sent:
    """One request as the transport saw it."""

    path: str
    query: str
    accept: str
    method: str = "GET"
    content_type: str = ""
    body: Any = None


Reply: TypeAlias = "Answer | ClusterError"


@dataclass
class ScriptedTransport:
    """Gives `replies` in order; one request more than replies fails the test. `renewals` are the answers of renew."""

    replies: list[Reply]
    renewals: list[bool] = field(default_factory=list)
    server: str = "https://api.test:6443"
    warnings: list[str] = field(default_factory=list)
    secrets: frozenset[str] = frozenset({"s3cr3t-token-of-a-user"})
    sent: list[Sent] = field(default_factory=list)

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
        assert seconds > 0
        content = None if body is None else json.loads(body)
        self.sent.append(Sent(path, query, headers["Accept"], method, headers.get("Content-Type", ""), content))
        assert self.replies, f"nobody expected a request for {path}?{query}"
        reply = self.replies.pop(0)
        if isinstance(reply, ClusterError):
            raise reply
        return reply

    def renew(self) -> bool:
        return self.renewals.pop(0)

    def close(self) -> None:
        assert not self.replies, "requests that were expected did not come"


def a_client(*replies: Reply, renewals: tuple[bool, ...] = ()) -> tuple[Client, ScriptedTransport, FakeClock]:
    transport, clock = ScriptedTransport(list(replies), renewals=list(renewals)), FakeClock()
    return Client(transport, clock=clock, request_timeout=30), transport, clock


def an_answer(body: Any, *, status: int = 200, **headers: str) -> Answer:
    """An answer with a JSON body, or with the bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    known = {"content-type": "application/json", "date": "Mon, 23 Nov 2026 08:00:00 GMT"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, reason="", headers={**known, **named}, body=content)


def a_status(code: int, *, message: str = "no", reason: str = "", **headers: str) -> Answer:
    body = {"kind": "Status", "apiVersion": "v1", "code": code, "message": message, "reason": reason}
    return an_answer(body, status=code, **headers)


def a_list(*names: str, token: str = "", kind: str = "NodeList") -> Answer:
    items = [{"metadata": {"name": name, "managedFields": [{}]}} for name in names]
    return an_answer({"kind": kind, "apiVersion": "v1", "metadata": {"continue": token}, "items": items})


def http(status: int, body: bytes, *, content_type: str = "application/json", extra: str = "") -> bytes:
    """The bytes of a whole HTTP answer."""
    head = f"HTTP/1.1 {status} Any\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


Behaviour: TypeAlias = Union[bytes, Callable[[socket.socket, threading.Event], None]]  # noqa: UP007 - seen at run time


class Loopback:
    """A server on 127.0.0.1. Each request gets the next of `behaviours`, the last one for ever; `heads` are kept.

    A blunt one answers whatever it hears, also a TLS greeting.
    """

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None, is_blunt: bool = False) -> None:
        self._is_blunt = is_blunt
        self.heads: list[str] = []
        self._behaviours = list(behaviours)
        self._tls = tls
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        # Closing alone would leave accept waiting.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if self._tls is not None:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
            while head := _read_head(connection, is_blunt=self._is_blunt):
                behaviour = self._next(head)
                if isinstance(behaviour, bytes):
                    connection.sendall(behaviour)
                    continue
                behaviour(connection, self._ended)
                return

    def _next(self, head: str) -> Behaviour:
        with self._lock:
            self.heads.append(head)
            return self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]


def _read_head(connection: socket.socket, *, is_blunt: bool) -> str:
    data = b""
    while b"\r\n\r\n" not in data and not (is_blunt and data):
        piece = connection.recv(65536)
        if not piece:
            return ""
        data += piece
    return data.decode("latin-1")


def silence(connection: socket.socket, ended: threading.Event) -> None:
    """Never answers; gives up with the server."""
    ended.wait()


def hang_up(connection: socket.socket, ended: threading.Event) -> None:
    """Ends the connection without a word."""


def cut_in_the_middle(connection: socket.socket, ended: threading.Event) -> None:
    """Promises more than it sends, then ends the connection."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"kind": "No')


def drip(connection: socket.socket, ended: threading.Event) -> None:
    """A byte every 20 ms, for longer than any test's request_timeout; the answer would be whole after 12 s."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 600\r\n\r\n{")
    for _byte in range(598):
        if ended.wait(0.02):
            return
        connection.sendall(b" ")
    connection.sendall(b"}")


def drip_head(connection: socket.socket, ended: threading.Event) -> None:
    """The same before the headers are over."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _byte in range(600):
        if ended.wait(0.02):
            return
        connection.sendall(b"x")
    connection.sendall(b"\r\nContent-Length: 2\r\n\r\n{}")
