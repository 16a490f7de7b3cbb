# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One etcd and one kube-apiserver on free loopback ports: started, waited for, ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.cluster.audit import write_policy
from tests.cluster.build import Programs
from tests.cluster.pki import Authority, write_key_pair
from tests.cluster.processes import Child, free_ports, start_child
from tests.cluster.users import write_tokens
from tests.cluster.wire import Wire, tls_context

__all__ = ["ControlPlane", "Files", "StartError", "prepare_files", "start_control_plane"]

_ATTEMPTS = 6
_READY_SECONDS = 180.0
_POLL_SECONDS = 0.05
# Short, because what listens there may be another program that never answers.
_PROBE_SECONDS = 2.0
_PORT_TAKEN = "address already in use"
# Names under which the API server may call the webhooks and the aggregated API that run on loopback.
_WEBHOOK_HOSTS = ["localhost", "virt-api", "virt-api.kubevirt", "virt-api.kubevirt.svc"]


class StartError(RuntimeError):
    """The control plane does not come up; the message holds the program's last words."""


class _PortTaken(Exception):
    """Another process took a port between our asking and the program's listening."""


@dataclass(frozen=True)
class Files:
    """What the programs read, and what clients need to reach them."""

    folder: Path
    ca: Path
    server: tuple[Path, Path]
    etcd_client: tuple[Path, Path]
    webhook: tuple[Path, Path]
    front_proxy_ca: Path
    front_proxy: tuple[Path, Path]
    signing: tuple[Path, Path]
    tokens: dict[str, str]
    audit_policy: Path | None
    egress: Path | None = None

    @property
    def audit_log(self) -> Path:
        """Where the API server writes its audit log when there is a policy."""
        return self.folder / "audit.log"


@dataclass
class ControlPlane:
    """Both programs, running."""

    etcd: Child
    apiserver: Child
    server: str
    etcd_server: str
    again: Callable[[], Child]

    def kill_apiserver(self) -> None:
        """The API server is gone, in the middle of whatever it did. What it stored is in etcd."""
        self.apiserver.kill()

    def start_apiserver(self) -> None:
        """The API server is back, at the same address; returns when it is ready."""
        self.apiserver = self.again()

    def stop(self) -> None:
        """End both at once: nothing of theirs is kept, so there is nothing to wait for."""
        self.apiserver.kill()
        self.etcd.kill()


def prepare_files(folder: Path, *, audit: bool) -> Files:
    """Write keys, certificates, tokens and the audit policy into `folder`."""
    pki = folder / "pki"
    pki.mkdir(mode=0o700)
    authority, front = Authority("ca", folder=pki), Authority("front-proxy-ca", folder=pki)
    return Files(
        folder=folder,
        ca=authority.file,
        server=authority.issue("server", hosts=["localhost", "kubernetes.default.svc"]),
        etcd_client=authority.issue("etcd-client", hosts=["localhost"]),
        webhook=authority.issue("webhook", hosts=_WEBHOOK_HOSTS),
        front_proxy_ca=front.file,
        front_proxy=front.issue("front-proxy-client", hosts=["localhost"]),
        signing=write_key_pair("service-account", folder=pki),
        tokens=write_tokens(folder / "tokens.csv"),
        audit_policy=write_policy(folder / "audit-policy.json") if audit else None,
    )


def start_control_plane(files: Files, *, programs: Programs) -> ControlPlane:
    """Start both and wait until the API server is ready; other ports are tried when one is taken meanwhile."""
    for _attempt in range(_ATTEMPTS):
        try:
            return _start_once(files, programs=programs)
        except _PortTaken:
            continue
    raise StartError(f"a port was taken by another process {_ATTEMPTS} times in a row")


def _start_once(files: Files, *, programs: Programs) -> ControlPlane:
    api_port, etcd_port, peer_port = free_ports(3)
    etcd = _start(_etcd_command(files, programs.etcd, port=etcd_port, peer_port=peer_port), folder=files.folder)
    apiserver: Child | None = None
    etcd_server, server = f"https://127.0.0.1:{etcd_port}", f"https://127.0.0.1:{api_port}"
    try:
        _wait_until(etcd, answers=_etcd_probe(files, etcd_server))
        command = _apiserver_command(files, programs.apiserver, port=api_port, etcd_server=etcd_server)
        again = partial(_start_apiserver, command, files=files, server=server)
        apiserver = _start(command, folder=files.folder)
        _wait_until(apiserver, answers=_apiserver_probe(files, server))
    except BaseException:
        for child in filter(None, (apiserver, etcd)):
            child.kill()
        raise
    return ControlPlane(etcd=etcd, apiserver=apiserver, server=server, etcd_server=etcd_server, again=again)


def _start_apiserver(command: list[str], *, files: Files, server: str) -> Child:
    apiserver = _start(command, folder=files.folder)
    _wait_until(apiserver, answers=_apiserver_probe(files, server))
    return apiserver


def _start(command: list[str], *, folder: Path) -> Child:
    name = Path(command[0]).name
    log = folder / f"{name}.log"
    log.unlink(missing_ok=True)
    return start_child(command, name=name, log=log)


def _wait_until(child: Child, *, answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while child.exit_code is None:
        if answers():
            return
        if time.monotonic() > deadline:
            raise StartError(f"{child.name} is not ready after {_READY_SECONDS:.0f} s:\n{child.last_words()}")
        time.sleep(_POLL_SECONDS)
    if _PORT_TAKEN in child.last_words(lines=50):
        raise _PortTaken
    raise StartError(f"{child.name} ended with {child.exit_code} at its start:\n{child.last_words()}")


def _etcd_probe(files: Files, server: str) -> Callable[[], bool]:
    cert, key = files.etcd_client
    context = tls_context(str(files.ca), cert_file=str(cert), key_file=str(key))
    return _probe(Wire(server, context=context, timeout_seconds=_PROBE_SECONDS), path="/health", headers={})


def _apiserver_probe(files: Files, server: str) -> Callable[[], bool]:
    headers = {"Authorization": f"Bearer {files.tokens['admin']}"}
    wire = Wire(server, context=tls_context(str(files.ca)), timeout_seconds=_PROBE_SECONDS)
    return _probe(wire, path="/readyz", headers=headers)


def _probe(wire: Wire, *, path: str, headers: dict[str, str]) -> Callable[[], bool]:
    """Answers 200, over a certificate of ours: a foreign program on that port is not taken for ours."""

    def ask() -> bool:
        try:
            return wire.request("GET", path, headers=headers)[0] == 200
        except OSError:
            return False

    return ask


def _etcd_command(files: Files, program: Path, *, port: int, peer_port: int) -> list[str]:
    client, peer = f"https://127.0.0.1:{port}", f"https://127.0.0.1:{peer_port}"
    cert, key = files.server
    options = {
        "name": "test",
        "data-dir": files.folder / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"test={peer}",
        "unsafe-no-fsync": "true",
        "max-txn-ops": 10000,
        "max-request-bytes": 32 * 1024 * 1024,
        "log-level": "warn",
        "client-cert-auth": "true",
        "trusted-ca-file": files.ca,
        "cert-file": cert,
        "key-file": key,
        "peer-client-cert-auth": "true",
        "peer-trusted-ca-file": files.ca,
        "peer-cert-file": cert,
        "peer-key-file": key,
    }
    return _command(program, options)


def _apiserver_command(files: Files, program: Path, *, port: int, etcd_server: str) -> list[str]:
    options: dict[str, object] = {
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": port,
        "tls-cert-file": files.server[0],
        "tls-private-key-file": files.server[1],
        "etcd-servers": etcd_server,
        "etcd-cafile": files.ca,
        "etcd-certfile": files.etcd_client[0],
        "etcd-keyfile": files.etcd_client[1],
        "storage-media-type": "application/json",
        "event-ttl": "24h",
        "token-auth-file": files.folder / "tokens.csv",
        "authorization-mode": "RBAC",
        # No controllers run here: none would make service accounts, and none would take a new node's taint away.
        "disable-admission-plugins": "ServiceAccount,TaintNodesByCondition",
        "allow-privileged": "true",
        "enable-priority-and-fairness": "false",
        "endpoint-reconciler-type": "none",
        "service-cluster-ip-range": "10.96.0.0/24",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": files.signing[0],
        "service-account-signing-key-file": files.signing[1],
        "profiling": "false",
        **_aggregation_options(files),
        **_audit_options(files),
        **({"egress-selector-config-file": files.egress} if files.egress else {}),
    }
    return _command(program, options)


def _aggregation_options(files: Files) -> dict[str, object]:
    """By these an aggregated API (subresources.kubevirt.io) knows that it is the API server who calls, and for whom."""
    return {
        "proxy-client-cert-file": files.front_proxy[0],
        "proxy-client-key-file": files.front_proxy[1],
        "requestheader-client-ca-file": files.front_proxy_ca,
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
    }


def _audit_options(files: Files) -> dict[str, object]:
    """Blocking: a request's line is in the log before its answer is out, so that it can be counted at once."""
    if files.audit_policy is None:
        return {}
    return {
        "audit-policy-file": files.audit_policy,
        "audit-log-path": files.audit_log,
        "audit-log-mode": "blocking",
        "audit-log-maxsize": 100000,
    }


def _command(program: Path, options: dict[str, object]) -> list[str]:
    return [str(program), *(f"--{name}={value}" for name, value in options.items())]
