# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""virt-api's server: webhooks and the aggregated API, over TLS on loopback, and their registration."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .admission import WEBHOOKS, review
from .api import Api, Object, Refused
from .subresources import PREFIX, Answer, Caller, answer

__all__ = ["VirtApi"]

_TIMEOUT_SECONDS = 10


class _Server(ThreadingHTTPServer):
    """Handshakes in the thread of the connection, so that a slow caller keeps nobody waiting; ends all at the end."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: Any, *, context: ssl.SSLContext) -> None:
        self._context = context
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that goes away is no error of ours."""

    def end(self) -> None:
        """Stop listening and cut all connections: callers are refused from now on."""
        self.shutdown()
        self.server_close()
        with self._guard:
            left = list(self._open)
        for connection in left:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class VirtApi:
    """Serves on one port; it can be made to refuse connections (`die`), to `hang`, and to `serve` again."""

    def __init__(self, api: Api, *, cert_file: Path, key_file: Path, ca_file: Path, front_proxy_ca_file: Path) -> None:
        self._api = api
        self._ca = base64.b64encode(ca_file.read_bytes()).decode()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(cert_file, key_file)
        self._context.load_verify_locations(front_proxy_ca_file)
        # Webhook calls come without a certificate; the aggregated API is only for the API server, who has one.
        self._context.verify_mode = ssl.CERT_OPTIONAL
        self._server: _Server | None = None
        self._answering = threading.Event()
        self._registered = False
        self.port = 0

    def start(self) -> None:
        """Serve and register."""
        self.serve()
        self._register()

    def serve(self) -> None:
        """Answer (again), on the same port as before. Returns when the API server hears it."""
        self._answering.set()
        if self._server is not None:
            return
        self._server = _Server(("127.0.0.1", self.port), _handler(self), context=self._context)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="virt-api", daemon=True).start()
        if self._registered:
            self._wait_until_called()

    def die(self) -> None:
        """Refuse connections: what fails closed now fails. Returns when the API server has lost its old ones too."""
        self.stop()
        _until(lambda: "connection refused" in self._probe(), what="that virt-api is dead")

    def hang(self) -> None:
        """Take requests and do not answer until something else is asked of it."""
        self.serve()
        self._answering.clear()

    def stop(self) -> None:
        """Serve no more."""
        self._answering.set()
        if self._server is not None:
            self._server.end()
            self._server = None

    def respond(self, method: str, *, path: str, handler: BaseHTTPRequestHandler, body: bytes) -> Answer:
        """The answer to one request."""
        self._answering.wait()
        if path.startswith(PREFIX):
            return self._aggregated(method, path=path, handler=handler, body=body)
        found = review(path, body=json.loads(body), api=self._api) if method == "POST" else None
        return Answer(404) if found is None else Answer(200, json.dumps(found).encode())

    def _aggregated(self, method: str, *, path: str, handler: BaseHTTPRequestHandler, body: bytes) -> Answer:
        if not handler.connection.getpeercert():
            return Answer(401, b"Unauthorized", "text/plain")
        user, groups = handler.headers.get("X-Remote-User", ""), handler.headers.get_all("X-Remote-Group") or []
        accept = ",".join(handler.headers.get_all("Accept") or [])
        caller = Caller(user=user, groups=groups)
        return answer(method, path=path, accept=accept, body=body, caller=caller, api=self._api)

    def _register(self) -> None:
        for obj in (*self._webhooks(), *self._aggregation()):
            meta = obj["metadata"]
            try:
                self._api.create(obj)
            except Refused as refusal:
                if refusal.status != 409:
                    raise
                self._api.patch(obj, {key: obj[key] for key in ("webhooks", "spec") if key in obj})
            if obj["kind"] == "APIService":
                self._wait_for(meta["name"])
        self._wait_until_called()
        self._registered = True

    def _webhooks(self) -> list[Object]:
        kinds: dict[bool, list[Object]] = {True: [], False: []}
        for path, (name, mutating, group, version, resource, operations, _rules) in WEBHOOKS.items():
            rule = {"apiGroups": [group], "apiVersions": [version], "operations": list(operations)}
            kinds[mutating].append(
                {
                    "name": name,
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": {"url": f"https://127.0.0.1:{self.port}{path}", "caBundle": self._ca},
                    "rules": [{**rule, "resources": [resource]}],
                    "failurePolicy": "Fail",
                    "sideEffects": "NoneOnDryRun",
                    "timeoutSeconds": _TIMEOUT_SECONDS,
                }
            )
        base = {"apiVersion": "admissionregistration.k8s.io/v1"}
        mutating_meta, validating_meta = {"name": "virt-api-mutator"}, {"name": "virt-api-validator"}
        return [
            {**base, "kind": "MutatingWebhookConfiguration", "metadata": mutating_meta, "webhooks": kinds[True]},
            {**base, "kind": "ValidatingWebhookConfiguration", "metadata": validating_meta, "webhooks": kinds[False]},
        ]

    def _aggregation(self) -> list[Object]:
        where = {"name": "virt-api", "namespace": "kubevirt"}
        service = {"type": "ExternalName", "externalName": "localhost"}
        spec = {
            "group": "subresources.kubevirt.io",
            "version": "v1",
            "groupPriorityMinimum": 1000,
            "versionPriority": 15,
            "caBundle": self._ca,
            "service": {**where, "port": self.port},
        }
        base = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
        return [
            {"apiVersion": "v1", "kind": "Service", "metadata": where, "spec": service},
            {**base, "metadata": {"name": "v1.subresources.kubevirt.io"}, "spec": spec},
        ]

    def _wait_for(self, name: str) -> None:
        _until(lambda: _is_available(self._api.get("APIService", name=name)), what=f"APIService {name}")

    def _wait_until_called(self) -> None:
        """The API server learns of new webhooks by a watch: wait until they refuse what they should."""
        _until(lambda: "vmiName is missing" in self._probe(), what="the webhooks")

    def _probe(self) -> str:
        """What is said of a migration, in dry run, that must not be let in; "" where it is."""
        kind = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration"}
        probe: Object = {**kind, "metadata": {"namespace": "kubevirt", "generateName": "probe-"}, "spec": {}}
        try:
            self._api.create(probe, dry_run=True)
        except Refused as refusal:
            return refusal.message
        return ""


def _is_available(service: Object | None) -> bool:
    conditions = ((service or {}).get("status") or {}).get("conditions") or []
    return any(found["type"] == "Available" and found["status"] == "True" for found in conditions)


def _until(done: Callable[[], bool], *, what: str) -> None:
    pause = threading.Event()
    for _attempt in range(600):
        if done():
            return
        pause.wait(0.05)
    raise RuntimeError(f"the API server does not see {what}")


def _handler(owner: VirtApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = owner.respond(self.command, path=self.path.split("?")[0], handler=self, body=body)
            self.send_response(found.status)
            if found.body:
                self.send_header("Content-Type", found.content)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        do_GET = do_PUT = do_POST = _serve  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Nothing: requests are in the API server's audit log."""

    return Handler
