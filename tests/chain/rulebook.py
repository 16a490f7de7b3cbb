# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-rulebook as an operator runs it, with one of the collection's rulebooks, and what it says."""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chain.java import java_home
from tests.cluster.pki import Authority
from tests.cluster.processes import Child, free_ports, start_child
from tests.make.environment import ENVIRONMENTS, prepare
from tests.make.places import COLLECTIONS, FULL_NAME, ROOT

__all__ = ["PLAY", "Rulebook", "Webhook", "firing", "running_rulebook"]

_PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.05
_EDA = ROOT / "extensions" / "eda"
PLAY = "PLAY [Cancel live migrations that are stuck"

Alert = dict[str, Any]


def firing(
    target: str, /, *, status: str = "firing", alert: str = "KubeVirtVMStuckInMigratingState", **labels: Any
) -> Alert:
    """An alert as Alertmanager posts it; `target` is namespace/name of a VM. `labels` are added, or replace others."""
    namespace, _slash, vm_name = target.partition("/")
    return {
        "status": status,
        "labels": {"alertname": alert, "namespace": namespace, "name": vm_name, "severity": "warning", **labels},
        "annotations": {"summary": "The live migration of a virtual machine takes longer than it may."},
        "startsAt": "2026-11-23T08:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://127.0.0.1/graph",
        "fingerprint": "5ef77f1f8a3ecfe2",
    }


@dataclass(frozen=True)
class Webhook:
    """Where a rulebook listens, and what a client needs: its token, its authority, a certificate of one's own."""

    port: int
    token: str
    authority: Authority
    certificate: Path
    key: Path

    @classmethod
    def prepared(cls, folder: Path) -> Webhook:
        """A free port with a certificate of an authority made for it."""
        authority = Authority("webhook-ca", folder=folder)
        certificate, key = authority.issue("webhook", hosts=["localhost"])
        return cls(free_ports(1)[0], "a-token-for-the-webhook", authority, certificate, key)

    def post(
        self, *alerts: Alert, token: str | None = None, certificate: tuple[Path, Path] | None = None, body: Any = None
    ) -> int:
        """The HTTP status of a notification of these alerts; 0 where TLS was refused."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if certificate is not None:
            context.load_cert_chain(*certificate)
        payload = {"version": "4", "status": "firing", "receiver": "automation", "alerts": alerts}
        data = json.dumps(payload if body is None else body).encode()
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}/alerts", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except (ssl.SSLError, urllib.error.URLError, ConnectionError):
            return 0


class Rulebook:
    """A running rulebook. `played`: what Ansible itself has logged of its playbooks."""

    def __init__(self, child: Child, *, played: Path) -> None:
        self._child = child
        self._played = played

    @property
    def said(self) -> str:
        """Its log so far."""
        return self._child.log.read_text(encoding="utf-8", errors="replace")

    @property
    def plays(self) -> int:
        """How many playbooks it has started. Its own log is no measure: it has the output of one that failed twice."""
        return self._logged(PLAY)

    @property
    def ended(self) -> int:
        """How many playbooks have ended, also those that failed."""
        return self._logged("PLAY RECAP")

    def _logged(self, text: str) -> int:
        return self._played.read_text(encoding="utf-8", errors="replace").count(text) if self._played.exists() else 0

    def wait_for(self, condition: str | Callable[[], Any], /) -> None:
        """Returns once its log has this text, or the condition holds; fails where it has ended, or after minutes."""
        text = condition if isinstance(condition, str) else ""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (text in self.said if text else condition()):  # type: ignore[operator]
            if self._child.exit_code is not None or time.monotonic() > deadline:
                raise AssertionError(f"ansible-rulebook did not come to {text or condition}:\n{self.said[-6000:]}")
            time.sleep(_POLL_SECONDS)

    def wait_for_plays(self, number: int) -> None:
        """Returns once so many playbooks have ended."""
        self.wait_for(lambda: self.ended >= number)

    def stop(self) -> None:
        """End it."""
        self._child.stop()


def environment_of(folder: Path, *, extra: Mapping[str, str], collections: Path | None = None) -> dict[str, str]:
    """What a rulebook runs with: its own Python, a Java, the collection, and nothing of ours."""
    eda = prepare(ENVIRONMENTS["eda"])
    return {
        "PATH": f"{eda / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "JAVA_HOME": str(java_home()),
        "ANSIBLE_COLLECTIONS_PATH": str(collections or COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        **extra,
    }


@contextmanager
def running_rulebook(
    folder: Path,
    name: str = "remediate_with_playbook",
    *,
    webhook: Webhook | None = None,
    kubeconfig: Path | None = None,
    variables: Mapping[str, Any] | None = None,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    collections: Path | None = None,
    knows_token: bool = True,
    log: str = "rulebook.log",
) -> Iterator[Rulebook]:
    """The rulebook of this name, ready to take alerts where it has a webhook; ended at the end."""
    given = {
        "alert_names": ["KubeVirtVMStuckInMigratingState", "KubeVirtMigrationWaitingTooLong"],
        "listen_address": "127.0.0.1",
        **({"listen_port": webhook.port} if webhook else {}),
        **({"webhook_certificate": str(webhook.certificate), "webhook_key": str(webhook.key)} if webhook else {}),
        **(variables or {}),
    }
    (folder / "variables.yml").write_text(json.dumps(given), encoding="utf-8")
    played = folder / f"playbooks-{log}"
    extra = {
        "ANSIBLE_LOG_PATH": str(played),
        **({"WEBHOOK_TOKEN": webhook.token} if webhook and knows_token else {}),
        **({"K8S_AUTH_KUBECONFIG": str(kubeconfig)} if kubeconfig else {}),
        **(environment or {}),
    }
    command = [str(prepare(ENVIRONMENTS["eda"]) / "bin" / "ansible-rulebook"), "--rulebook", f"{FULL_NAME}.{name}"]
    command += ["--inventory", str(_EDA / "inventory.yml"), "--vars", str(folder / "variables.yml"), *arguments]
    command += ["--env-vars", "WEBHOOK_TOKEN"] if webhook and knows_token else []
    child = start_child(
        command,
        name="ansible-rulebook",
        log=folder / log,
        cwd=folder,
        environment=environment_of(folder, extra=extra, collections=collections),
    )
    rulebook = Rulebook(child, played=played)
    try:
        if webhook is not None:
            rulebook.wait_for(lambda: _listens(webhook.port))
        yield rulebook
    finally:
        rulebook.stop()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
