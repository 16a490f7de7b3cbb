# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Prometheus on loopback that scrapes what virt-handler would tell, and a proxy before it as OpenShift has one.

Prometheus itself asks for no bearer token; the proxy does, over TLS, and as a tenancy port it demands a namespace.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.cluster.build import ensure_prometheus
from tests.cluster.pki import Authority
from tests.cluster.processes import Child, free_ports, start_child

__all__ = ["Gate", "MeasuredBy", "running_gate", "running_prometheus"]

REMAINING = "kubevirt_vmi_migration_data_remaining_bytes"
_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.1
_ATTEMPTS = 5


def _served(server: ThreadingHTTPServer) -> None:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()


class _Exporter(BaseHTTPRequestHandler):
    """Serves what the owner's `text` gives."""

    server: Any

    def do_GET(self) -> None:
        body = self.server.text().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class'
        """Nothing."""


class MeasuredBy:
    """A running Prometheus. What it scrapes is what `text` was set to last."""

    def __init__(self, *, port: int, child: Child, exporter: Any) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self._child = child
        self._exporter = exporter

    def tell(self, text: Callable[[], str], *, vm: str, metric: str = REMAINING) -> None:
        """From now on this is scraped; returns once this figure of that VM is there."""
        self._exporter.text = text
        question = f'count_over_time({metric}{{name="{vm}"}}[20m])'
        self._wait(lambda: bool(self.ask(question)), what=f"figures of {vm}")

    def ask(self, question: str) -> list[Any]:
        """The result of a query now; empty where there is none."""
        return list(self._get("query?" + urlencode({"query": question})).get("result", []))

    def alerts(self) -> list[Any]:
        """Those that are pending or fire, as its rules have them now."""
        return list(self._get("alerts").get("alerts", []))

    def _get(self, path: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", f"/api/v1/{path}")
            answer = json.loads(connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            return {}
        finally:
            connection.close()
        return dict(answer.get("data", {}))

    def _wait(self, condition: Callable[[], bool], *, what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            if self._child.exit_code is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Prometheus has no {what}:\n{self._child.last_words()}")
            time.sleep(_POLL_SECONDS)

    def wait_until_it_scrapes(self) -> None:
        """Returns once its first scrape is done."""
        self._wait(lambda: bool(self.ask("up == 1")), what="target")


@contextmanager
def running_prometheus(folder: Path, *, more: Mapping[str, Any] | None = None) -> Iterator[MeasuredBy]:
    """Prometheus with its data in `folder`, scraping every second; ended at the end. `more` of its configuration, such
    as its rules and whom it tells of alerts."""
    exporter: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Exporter)
    exporter.text = lambda: ""
    _served(exporter)
    target = f"127.0.0.1:{exporter.server_address[1]}"
    scrape = {"job_name": "kubevirt", "honor_labels": True, "static_configs": [{"targets": [target]}]}
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape], **(more or {})}
    (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
    child: Child | None = None
    try:
        found, child = _started(folder, exporter=exporter)
        yield found
    finally:
        if child is not None:
            child.kill()
        exporter.shutdown()
        exporter.server_close()


def _started(folder: Path, *, exporter: Any) -> tuple[MeasuredBy, Child]:
    """One that scrapes; another port is tried where somebody else took the first meanwhile."""
    program = ensure_prometheus()
    for attempt in range(_ATTEMPTS):
        port = free_ports(1)[0]
        options = {
            "config.file": folder / "prometheus.yml",
            "storage.tsdb.path": folder / f"data-{attempt}",
            "web.listen-address": f"127.0.0.1:{port}",
            "log.level": "warn",
        }
        command = [str(program), *(f"--{name}={value}" for name, value in options.items())]
        child = start_child(command, name="prometheus", log=folder / "prometheus.log")
        found = MeasuredBy(port=port, child=child, exporter=exporter)
        try:
            found.wait_until_it_scrapes()
        except RuntimeError:
            child.kill()
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        return found, child
    raise AssertionError("unreachable")


@dataclass
class Gate:
    """A TLS proxy before Prometheus. `namespaces` None: no parameter is demanded; else one of these must be named.
    `asked` are the parameters of each request; `answer` replaces Prometheus by (status, content type, body)."""

    url: str
    ca_file: Path
    token: str
    upstream: str
    namespaces: frozenset[str] | None = None
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    answer: tuple[int, str, bytes] | None = None
    location: str = ""

    def reply(self, path: str, *, authorization: str) -> tuple[int, str, bytes]:
        """The answer to one GET."""
        parameters = parse_qs(urlsplit(path).query)
        self.asked.append(parameters)
        self.tokens.append(authorization)
        if self.answer is not None:
            return self.answer
        if authorization != f"Bearer {self.token}":
            return 401, "text/plain", b"Unauthorized"
        if self.namespaces is not None and not set(parameters.get("namespace", ())) & self.namespaces:
            if "namespace" not in parameters:
                return 400, "text/plain", b"Bad Request. The request or configuration is malformed.\n"
            return 403, "text/plain", b"Forbidden (user=someone, verb=get, resource=pods, subresource=)\n"
        connection = http.client.HTTPConnection(self.upstream, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type") or "", answer.read()
        finally:
            connection.close()


class _Door(BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        gate: Gate = self.server.gate
        status, kind, body = gate.reply(self.path, authorization=self.headers.get("Authorization", ""))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if gate.location:
            self.send_header("Location", gate.location)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class'
        """Nothing."""


class _DoorServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not like our certificate is no error of ours."""


@contextmanager
def running_gate(folder: Path, *, upstream: str, token: str = "a-token-for-prometheus") -> Iterator[Gate]:
    """The proxy with a certificate of an authority of its own; `upstream` is name:port of what stands behind it."""
    authority = Authority("prometheus-ca", folder=folder)
    cert, key = authority.issue("prometheus", hosts=["localhost"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server: Any = _DoorServer(("127.0.0.1", 0), _Door)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.gate = Gate(
        url=f"https://127.0.0.1:{server.server_address[1]}", ca_file=authority.file, token=token, upstream=upstream
    )
    _served(server)
    try:
        yield server.gate
    finally:
        server.shutdown()
        server.server_close()
