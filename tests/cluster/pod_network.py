# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from the API server to pods: a proxy on a Unix socket that leads a pod's address to a port on loopback.

The API server reaches pods for its `proxy` subresource, and refuses addresses of loopback (k8s.io/kubernetes
pkg/registry/core/pod/strategy.go, ResourceLocation). So pods keep addresses of a pod network, and the API server is
told to go everywhere in the cluster through an HTTP CONNECT proxy (k8s.io/apiserver pkg/server/egressselector): no
packet leaves this machine. Webhooks and aggregated APIs on loopback go the same way and are let through.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["PodNetwork"]

_LOOPBACK = ("127.0.0.1", "localhost")
_CHUNK = 65536
_CONNECT_SECONDS = 10


class PodNetwork:
    """The proxy. `port_of` tells the loopback port behind a pod's address and port; None where nobody listens."""

    def __init__(self, folder: Path) -> None:
        self.port_of: Callable[[str, int], int | None] = lambda _address, _port: None
        self._socket_file = folder / "pods.sock"
        self._server = _Server(str(self._socket_file), _Tunnel)
        self._server.network = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="pod network", daemon=True).start()

    def write_configuration(self, file: Path) -> Path:
        """What the API server reads with --egress-selector-config-file."""
        transport = {"uds": {"udsName": str(self._socket_file)}}
        connection = {"proxyProtocol": "HTTPConnect", "transport": transport}
        selections = [{"name": "cluster", "connection": connection}]
        kind = {"apiVersion": "apiserver.k8s.io/v1beta1", "kind": "EgressSelectorConfiguration"}
        file.write_text(json.dumps({**kind, "egressSelections": selections}), encoding="utf-8")
        return file

    def dial(self, address: str, port: int) -> socket.socket | None:
        """A connection to whoever stands behind that address."""
        behind = port if address in _LOOPBACK else self.port_of(address, port)
        if behind is None:
            return None
        try:
            return socket.create_connection(("127.0.0.1", behind), timeout=_CONNECT_SECONDS)
        except OSError:
            return None

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    network: PodNetwork
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that goes away is no error of ours."""


class _Tunnel(socketserver.StreamRequestHandler):
    server: Any
    rbufsize = 0

    def handle(self) -> None:
        verb, target, _version = self.rfile.readline(_CHUNK).decode("ascii").split()
        while self.rfile.readline(_CHUNK).strip():
            continue
        address, _colon, port = target.rpartition(":")
        other = self.server.network.dial(address.strip("[]"), int(port)) if verb == "CONNECT" else None
        if other is None:
            self.wfile.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return
        with other:
            other.settimeout(None)
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(other, self.connection), daemon=True)
            back.start()
            _pump(self.connection, other)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until one side ends, and tell the other."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
