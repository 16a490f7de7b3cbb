# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubelet for tests: the logs of every container of a cluster whose API server reaches its nodes."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.cluster import Cluster

__all__ = ["Kubelet", "kubelet_of"]

PORT = 10250


class Kubelet:
    """Says `logs` (by namespace/pod/container) as kubelet does: the last `tailLines`, of these the first `limitBytes`.
    A container that is not in it gets `otherwise`. `asked` are the paths with their queries."""

    def __init__(self) -> None:
        self.logs: dict[str, bytes] = {}
        self.otherwise: bytes = b"nothing happened\n"
        self.asked: list[str] = []

    def say(self, path: str) -> tuple[int, bytes]:
        """The answer to one GET."""
        self.asked.append(path)
        parts = urlsplit(path)
        steps, query = parts.path.split("/"), parse_qs(parts.query)
        if steps[1] != "containerLogs":
            return 404, b"not found"
        lines = self.logs.get("/".join(steps[2:]), self.otherwise).splitlines(keepends=True)
        tail = b"".join(lines[-int(query["tailLines"][0]) :])
        return 200, tail[: int(query["limitBytes"][0])]


@contextmanager
def kubelet_of(cluster: Cluster) -> Iterator[Kubelet]:
    """The kubelet of all nodes of a cluster that was started with `pods`."""
    network: Any = cluster._owned.network  # type: ignore[union-attr]
    kubelet, before = Kubelet(), network.port_of
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cluster.webhook_cert_file, cluster.webhook_key_file)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.kubelet = kubelet
    threading.Thread(target=server.serve_forever, args=(0.05,), name="kubelet", daemon=True).start()
    port = int(server.server_address[1])
    network.port_of = lambda address, wanted: port if wanted == PORT else before(address, wanted)
    try:
        yield kubelet
    finally:
        network.port_of = before
        server.shutdown()
        server.server_close()


class _Answer(BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        status, body = self.server.kubelet.say(self.path)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class'
        """Nothing."""
