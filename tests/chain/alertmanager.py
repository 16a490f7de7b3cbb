# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Alertmanager on loopback with the sample configuration as it is shipped, but for places and pauses."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chain.rulebook import Webhook
from tests.cluster.build import ensure_alertmanager
from tests.cluster.processes import Child, free_ports, start_child
from tests.make.places import ROOT

__all__ = ["SAMPLE", "Alertmanager", "running_alertmanager", "sample_for"]

SAMPLE = ROOT / "docs" / "alerts" / "alertmanager.yml"
_PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.1
_ATTEMPTS = 5


@dataclass(frozen=True)
class Alertmanager:
    """A running one."""

    port: int
    child: Child

    @property
    def target(self) -> str:
        """Its address, as Prometheus takes it."""
        return f"127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """Its log so far."""
        return self.child.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text: str, /) -> None:
        """Returns once its log has this text."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while text not in self.said:
            if self.child.exit_code is not None or time.monotonic() > deadline:
                raise AssertionError(f"Alertmanager did not say {text}:\n{self.child.last_words()}")
            time.sleep(_POLL_SECONDS)

    def is_ready(self) -> bool:
        """Whether it takes alerts."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def sample_for(webhook: Webhook, *, token_file: Path) -> str:
    """The shipped sample with where the webhook is, its authority and its token, and with pauses of a second.

    All else stays: routes, matchers, grouping, TLS, the kind of credentials. What is replaced has to be there.
    """
    replaced: Mapping[str, str] = {
        "https://automation.example.org:5000/": f"https://127.0.0.1:{webhook.port}/",
        "/etc/alertmanager/secrets/automation/token": str(token_file),
        "/etc/alertmanager/secrets/automation/ca.crt": str(webhook.authority.file),
        "group_wait: 10s": "group_wait: 1s",
        "group_interval: 5m": "group_interval: 1s",
    }
    text = SAMPLE.read_text(encoding="utf-8")
    for shipped, ours in replaced.items():
        if text.count(shipped) != 1:
            raise AssertionError(f"{SAMPLE} has not just one {shipped}")
        text = text.replace(shipped, ours)
    return text


@contextmanager
def running_alertmanager(folder: Path, *, webhook: Webhook) -> Iterator[Alertmanager]:
    """One that posts to this webhook; ended at the end."""
    folder.mkdir(exist_ok=True)
    token_file = folder / "token"
    token_file.write_text(webhook.token, encoding="utf-8")
    (folder / "alertmanager.yml").write_text(sample_for(webhook, token_file=token_file), encoding="utf-8")
    found = _started(folder)
    try:
        yield found
    finally:
        found.child.stop()


def _started(folder: Path) -> Alertmanager:
    """One that is ready; another port is tried where somebody else took the first meanwhile."""
    program = ensure_alertmanager()
    for _attempt in range(_ATTEMPTS):
        port = free_ports(1)[0]
        options = {
            "config.file": folder / "alertmanager.yml",
            "storage.path": folder / "data",
            "web.listen-address": f"127.0.0.1:{port}",
            # It is alone: no port for others of its kind.
            "cluster.listen-address": "",
        }
        command = [str(program), *(f"--{name}={value}" for name, value in options.items())]
        child = start_child(command, name="alertmanager", log=folder / "alertmanager.log")
        found = Alertmanager(port, child)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while child.exit_code is None and time.monotonic() < deadline:
            if found.is_ready():
                return found
            time.sleep(_POLL_SECONDS)
        child.kill()
    raise AssertionError(f"Alertmanager did not start:\n{child.last_words()}")
