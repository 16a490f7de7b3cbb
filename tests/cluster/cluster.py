# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test cluster as one object: start it, talk to it, look behind the API server's back, take it back, stop it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.cluster.audit import AuditLog
from tests.cluster.baseline import Baseline
from tests.cluster.build import ensure_programs
from tests.cluster.control_plane import ControlPlane, Files, prepare_files, start_control_plane
from tests.cluster.crds import OUR_CRDS, load_crds
from tests.cluster.folder import Folder, read_state
from tests.cluster.pod_network import PodNetwork
from tests.cluster.store import Store, etcd_key
from tests.cluster.users import USERS, grant_rights, write_kubeconfig
from tests.cluster.wire import Wire, tls_context

__all__ = ["Cluster"]

_BASELINE = "baseline.json"


class _Owned:
    """What only the process that started the cluster has."""

    def __init__(self, folder: Folder, *, plane: ControlPlane, network: PodNetwork | None) -> None:
        self.folder = folder
        self.plane = plane
        self.network = network

    def stop(self) -> None:
        """End the programs and remove the folder."""
        self.plane.stop()
        if self.network is not None:
            self.network.stop()
        self.folder.remove()


class Cluster:
    """A running cluster. `start` makes one that belongs to this process; `attach` uses one of another process."""

    def __init__(self, state: dict[str, Any], *, owned: _Owned | None) -> None:
        self._state = state
        self._owned = owned
        self._simulator: Any = None
        self.server: str = state["server"]
        self.directory = Path(state["directory"])
        self.ca_file = Path(state["ca_file"])
        self.front_proxy_ca_file = Path(state["front_proxy_ca_file"])
        self.webhook_cert_file = Path(state["webhook_cert_file"])
        self.webhook_key_file = Path(state["webhook_key_file"])
        self._wire = Wire(self.server, context=tls_context(str(self.ca_file)))
        etcd_tls = tls_context(str(self.ca_file), cert_file=state["etcd_cert_file"], key_file=state["etcd_key_file"])
        self.store = Store(Wire(state["etcd_server"], context=etcd_tls))
        self._audit = AuditLog(Path(state["audit_log"]), get=lambda path: self.request("GET", path))

    @classmethod
    def start(
        cls,
        *,
        audit: bool = False,
        crds: Path | str | None = None,
        simulator: bool = False,
        pods: bool = False,
        directory: Path | str | None = None,
        report: Callable[[str], None] | None = None,
    ) -> Cluster:
        """Start one and wait until it is ready. Its programs die with this process, however that ends.

        `crds`: a folder of definitions instead of ours. `pods`: whether the API server reaches the simulator's pods;
        its webhooks then go through a proxy of ours, and fail with other words. `directory`: where its private folder
        shall be (default: a new one in the temporary folder). `report` gets lines of progress of a first build.
        """
        programs = ensure_programs(report=report)
        folder = Folder.create(Path(directory).absolute() if directory else None)
        try:
            network = PodNetwork(folder.path) if pods else None
            files = prepare_files(folder.path, audit=audit)
            if network is not None:
                files = replace(files, egress=network.write_configuration(folder.path / "egress.json"))
            owned = _Owned(folder, plane=start_control_plane(files, programs=programs), network=network)
        except BaseException:
            folder.remove()
            raise
        cluster = cls(_state(files, owned.plane), owned=owned)
        try:
            cluster._fill_in(files, crds=Path(crds) if crds else OUR_CRDS, simulator=simulator)
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @classmethod
    def attach(cls, directory: Path | str) -> Cluster | None:
        """The cluster that another process runs in `directory`; None where none is ready there."""
        state = read_state(Path(directory))
        return None if state is None else cls(state, owned=None)

    def _fill_in(self, files: Files, *, crds: Path, simulator: bool) -> None:
        for user in USERS:
            write_kubeconfig(
                self.kubeconfig(user), user=user, token=self.token(user), server=self.server, ca_file=self.ca_file
            )
        grant_rights(self._send)
        load_crds(crds, request=self.request)
        if simulator:
            self._simulator = self._new_simulator()
            self._simulator.start()
            if self._owned and self._owned.network is not None:
                self._owned.network.port_of = self._simulator.handlers.port_of
        Baseline.capture(self.store, file=self.directory / _BASELINE)
        if self._owned:
            self._owned.folder.write_state(self._state)

    def _new_simulator(self) -> Any:
        # Imported late: a cluster without a simulator needs nothing of it.
        return import_module("tests.cluster.simulator").Simulator(self)

    @property
    def simulator(self) -> Any:
        """The simulator: of this process, or one that only plays (its webhooks run in the process that started it)."""
        if self._simulator is None:
            self._simulator = self._new_simulator()
        return self._simulator

    @property
    def pids(self) -> dict[str, int]:
        """Process ids: `owner` (who started it), `etcd`, `kube-apiserver`."""
        return dict(self._state["pids"])

    def has_died(self) -> str:
        """The last words of a program of ours that ended by itself; "" while all run."""
        plane = self._owned.plane if self._owned else None
        dead = [child for child in (plane.etcd, plane.apiserver) if child.exit_code is not None] if plane else []
        return "\n".join(f"{child.name} ended with {child.exit_code}:\n{child.last_words()}" for child in dead)

    def stop(self) -> None:
        """End everything and remove the folder. Harmless when it is stopped already.

        A cluster of another process goes on: only our connections to it are closed.
        """
        self._wire.close()
        self.store.close()
        owned, self._owned = self._owned, None
        if owned is None:
            return
        try:
            if self._simulator is not None:
                self._simulator.stop()
        finally:
            owned.stop()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def token(self, user: str) -> str:
        """The bearer token of admin, operator, tenant or nobody."""
        return str(self._state["tokens"][user])

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig file of a user."""
        if user not in USERS:
            raise KeyError(f"no user {user}; there are {', '.join(USERS)}")
        return self.directory / f"kubeconfig-{user}"

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        user: str | None = "admin",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> tuple[int, Any]:
        """(status, decoded JSON or bytes) of one request as `user` (None: without a token). Raises nothing on 4xx, 5xx.

        A PATCH is a merge patch unless `headers` names another Content-Type.
        """
        sent = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
        if method == "PATCH":
            sent["Content-Type"] = "application/merge-patch+json"
        return self._wire.request(method, path, body=body, headers={**sent, **(headers or {})}, query=query)

    def _send(self, method: str, path: str, body: Any) -> Any:
        status, answer = self.request(method, path, body=body)
        if status >= 300:
            raise RuntimeError(f"{method} {path} answered {status}: {answer}")
        return answer

    def etcd_get(self, key: str) -> Any:
        """The object stored at an etcd key; None where there is none."""
        return self.store.get(key)

    def etcd_put(self, key: str, obj: Any) -> None:
        """Store an object past the API server: no admission, no validation."""
        self.store.put(key, obj)

    def etcd_delete_prefix(self, prefix: str) -> int:
        """Delete all keys that begin with `prefix`; how many there were."""
        return self.store.delete_prefix(prefix)

    def backdate(self, path: str, *, creation: datetime | None = None, deletion: datetime | None = None) -> None:
        """Rewrite creationTimestamp or deletionTimestamp of the object at an API path: the API would not let us."""

        def edit(obj: dict[str, Any]) -> None:
            metadata = obj["metadata"]
            if creation is not None:
                metadata["creationTimestamp"] = _rfc3339(creation)
            if deletion is not None:
                metadata["deletionTimestamp"] = _rfc3339(deletion)
                metadata.setdefault("deletionGracePeriodSeconds", 0)

        self.store.change(etcd_key(path), edit)

    def rewrite(self, path: str, edit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Let `edit` alter the stored object at an API path in place, past the API server; returns what was written."""
        written: dict[str, Any] = self.store.change(etcd_key(path), edit)
        return written

    def reset(self) -> int:
        """Remove all that was made since the start and put back what was changed; keeps CRDs, rights and users.

        Returns the number of objects touched. Reads that follow see it: the API server follows etcd. Rights given since
        the start stay, so a test gives them to a user of its own, never to one of USERS.
        """
        forget = getattr(self._simulator, "reset", None)
        if forget is not None:
            forget()
        return Baseline.read(self.directory / _BASELINE).restore(self.store)

    def made_since_start(self) -> list[str]:
        """etcd keys of the objects made since the start."""
        return Baseline.read(self.directory / _BASELINE).made_since(self.store)

    def audit_mark(self) -> int:
        """A place in the audit log: now (needs `audit=True`)."""
        return self._audit.mark()

    def audit_since(self, mark: int) -> list[dict[str, Any]]:
        """Requests finished since a mark, oldest first: `verb, user, requestURI, code, userAgent, object`."""
        return self._audit.since(mark)


def _rfc3339(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _state(files: Files, plane: ControlPlane) -> dict[str, Any]:
    return {
        "server": plane.server,
        "etcd_server": plane.etcd_server,
        "directory": str(files.folder),
        "ca_file": str(files.ca),
        "front_proxy_ca_file": str(files.front_proxy_ca),
        "webhook_cert_file": str(files.webhook[0]),
        "webhook_key_file": str(files.webhook[1]),
        "etcd_cert_file": str(files.etcd_client[0]),
        "etcd_key_file": str(files.etcd_client[1]),
        "audit_log": str(files.audit_log) if files.audit_policy else "",
        "tokens": files.tokens,
        "pids": {"owner": os.getpid(), "etcd": plane.etcd.pid, "kube-apiserver": plane.apiserver.pid},
    }
