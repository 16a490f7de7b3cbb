# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics port of every virt-handler, over TLS on loopback: a server for each node, made when it is first asked."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .api import Api
from .clock import Clock
from .handler_metrics import RingOfTen, WatchedCopy, exposition
from .plans import Plan

__all__ = ["HandlerServers"]

METRICS_PORT = 8443


class HandlerServers:
    """What virt-handler serves at /metrics. `answer` replaces it by (status, body) on every node, for tests."""

    def __init__(
        self, api: Api, *, clock: Clock, plans: Callable[[], Mapping[str, Plan]], cert_file: Path, key_file: Path
    ) -> None:
        self._api = api
        self._clock = clock
        self._plans = plans
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(cert_file, key_file)
        self._servers: dict[str, Any] = {}
        self._rings: dict[str, RingOfTen] = {}
        self._lock = threading.Lock()
        self.answer: tuple[int, bytes] | None = None
        self.scrapes: list[str] = []

    def port_of(self, address: str, port: int) -> int | None:
        """The loopback port behind a virt-handler pod's metrics port."""
        if port != METRICS_PORT:
            return None
        for pod in self._api.find("Pod", namespace="kubevirt", labels="kubevirt.io=virt-handler"):
            if (pod.get("status") or {}).get("podIP") == address:
                return self._port(str(pod["spec"]["nodeName"]))
        return None

    def _port(self, node: str) -> int:
        with self._lock:
            if node not in self._servers:
                server: Any = _Server(("127.0.0.1", 0), _Metrics)
                server.socket = self._context.wrap_socket(
                    server.socket, server_side=True, do_handshake_on_connect=False
                )
                server.owner, server.node = self, node
                threading.Thread(target=server.serve_forever, args=(0.05,), name=node, daemon=True).start()
                self._servers[node] = server
            return int(self._servers[node].server_address[1])

    def scrape(self, node: str) -> tuple[int, bytes]:
        """The answer to one GET of /metrics on that node."""
        with self._lock:
            self.scrapes.append(node)
            if self.answer is not None:
                return self.answer
            now = self._clock.now().timestamp()
            plans = self._plans()
            copies = {uid: WatchedCopy(**plan.copy) for uid, plan in plans.items() if plan.copy}
            told = [
                (copy, self._rings.setdefault(uid, RingOfTen(copy)).scrape(now))
                for uid, copy in copies.items()
                if copy.node == node
            ]
            return 200, exposition(told).encode()

    def forget(self) -> None:
        """The world is gone."""
        with self._lock:
            self._rings.clear()
            self.scrapes.clear()
            self.answer = None

    def stop(self) -> None:
        """Serve no more."""
        with self._lock:
            for server in self._servers.values():
                server.shutdown()
                server.server_close()
            self._servers.clear()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that goes away is no error of ours."""


class _Metrics(BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        status, body = self.server.owner.scrape(self.server.node) if self.path == "/metrics" else (404, b"not found")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class'
        """Nothing."""
