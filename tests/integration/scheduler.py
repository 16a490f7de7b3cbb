# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real kube-scheduler on a test cluster, and what its own filters leave of the nodes.

A filter extender is asked last, with the names of the nodes that passed every plugin. Ours writes them down and
leaves none, so no pod is ever bound and the cluster stays as it was made.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.cluster.build import ensure_scheduler
from tests.cluster.processes import Child, free_ports, start_child

__all__ = ["PATIENCE_SECONDS", "Scheduler", "running_scheduler"]

# The scheduler's user has its rights from the API server's own bootstrap roles.
_USER = "system:kube-scheduler"
PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.05


class _Extender(ThreadingHTTPServer):
    """Remembers for each pod the nodes of its last call."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.left: dict[str, frozenset[str]] = {}

    def filter(self, asked: dict[str, Any]) -> dict[str, Any]:
        names = asked["NodeNames"] or []
        self.left[asked["Pod"]["metadata"]["uid"]] = frozenset(names)
        return {"NodeNames": [], "FailedNodes": dict.fromkeys(names, "written down")}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # See fault_proxy: else the answer's second piece waits 40 ms.
    disable_nagle_algorithm = True
    server: _Extender

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(self.server.filter(asked)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class'
        """Nothing: the scheduler has a log of its own."""


class Scheduler:
    """A running scheduler."""

    def __init__(self, cluster: Cluster, *, extender: _Extender, child: Child) -> None:
        self._cluster = cluster
        self._extender = extender
        self._child = child

    def nodes_left(self, pods_path: str, *, selector: str) -> dict[str, frozenset[str]]:
        """For each pod of the list, by name: the nodes left after the scheduler's own filters.

        Waits until the scheduler has tried each of them.
        """
        pods = self._wait(lambda: self._all_tried(pods_path, selector=selector))
        return {pod["metadata"]["name"]: self._extender.left.get(pod["metadata"]["uid"], frozenset()) for pod in pods}

    def _all_tried(self, pods_path: str, *, selector: str) -> list[dict[str, Any]] | None:
        status, answer = self._cluster.request("GET", pods_path, query={"labelSelector": selector})
        assert status == 200, answer
        verdicts = [_scheduled(pod) for pod in answer["items"]]
        assert verdicts, f"no pod has {selector}"
        assert {verdict.get("reason", "") for verdict in verdicts} <= {"", "Unschedulable"}, verdicts
        return answer["items"] if all(verdicts) else None

    def _wait(self, ask: Callable[[], list[dict[str, Any]] | None]) -> list[dict[str, Any]]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := ask()) is None:
            assert self._child.exit_code is None, self._child.last_words()
            assert time.monotonic() < deadline, f"the scheduler does not answer:\n{self._child.last_words()}"
            time.sleep(_POLL_SECONDS)
        return found


def _scheduled(pod: dict[str, Any]) -> dict[str, Any]:
    conditions = pod["status"].get("conditions") or []
    return next((one for one in conditions if one["type"] == "PodScheduled"), {})


@contextmanager
def running_scheduler(cluster: Cluster) -> Iterator[Scheduler]:
    """kube-scheduler with its default plugins and our extender, on loopback alone."""
    folder = cluster.directory / "scheduler"
    folder.mkdir(mode=0o700)
    extender = _Extender()
    thread = threading.Thread(target=extender.serve_forever, daemon=True)
    thread.start()
    child = _start(cluster, folder=folder, extender_port=extender.server_address[1])
    try:
        yield Scheduler(cluster, extender=extender, child=child)
    finally:
        child.kill()
        extender.shutdown()
        extender.server_close()
        thread.join()


def _start(cluster: Cluster, *, folder: Path, extender_port: int) -> Child:
    kubeconfig = _write_kubeconfig(folder, admin=cluster.kubeconfig("admin"))
    configuration = _write_configuration(folder, kubeconfig=kubeconfig, extender_port=extender_port)
    (port,) = free_ports(1)
    options = {
        "config": configuration,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "secure-port": port,
        "cert-dir": folder,
    }
    command = [str(ensure_scheduler()), *(f"--{name}={value}" for name, value in options.items())]
    return start_child(command, name="kube-scheduler", log=folder / "kube-scheduler.log")


def _write_kubeconfig(folder: Path, *, admin: Path) -> Path:
    """The administrator acts as the scheduler's user: so it has the scheduler's rights, and no more."""
    content = json.loads(admin.read_text(encoding="utf-8"))
    content["users"][0]["user"]["as"] = _USER
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _write_configuration(folder: Path, *, kubeconfig: Path, extender_port: int) -> Path:
    content = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig), "qps": 1000, "burst": 1000},
        "leaderElection": {"leaderElect": False},
        "percentageOfNodesToScore": 100,
        "extenders": [
            {"urlPrefix": f"http://127.0.0.1:{extender_port}", "filterVerb": "filter", "nodeCacheCapable": True}
        ],
        # Nothing is to be evicted in favour of the pods that are tried.
        "profiles": [{"plugins": {"postFilter": {"disabled": [{"name": "*"}]}}}],
    }
    path = folder / "configuration.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
