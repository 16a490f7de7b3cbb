# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of evidence share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.integration.kubelet import Kubelet, kubelet_of
from tests.integration.looking import take_evidence
from tests.integration.simulated import done
from tests.integration.test_progress_of_handlers import HastyClock

__all__ = ["VM", "a_measured_copy", "take", "texts_in", "without_what_was_found"]

VM = "team-a/db-1"
MEASURED = {"vms": [VM]}
CONTROLLERS = "/api/v1/namespaces/kubevirt/pods"
CONTROLLER = {
    "metadata": {"name": "virt-controller-0", "labels": {"kubevirt.io": "virt-controller"}},
    "spec": {"nodeName": "node-a", "containers": [{"name": "virt-controller", "image": "virt-controller"}]},
}


@contextmanager
def a_measured_copy() -> Iterator[tuple[Cluster, Kubelet]]:
    """A cluster whose API server reaches its pods and nodes, with a copy that does not converge."""
    with Cluster.start(audit=True, simulator=True, pods=True) as running, kubelet_of(running) as kubelet:
        running.simulator.play("copy-not-converging")
        done(running.request("POST", CONTROLLERS, body=CONTROLLER))
        yield running, kubelet


def take(cluster: Cluster, path: Path, user: str = "admin", **params: Any) -> dict[str, Any]:
    """Evidence on that copy at `path`, with its figures."""
    return take_evidence(cluster, user, clock=HastyClock(), path=str(path), **{**MEASURED, **params})


def without_what_was_found(bundle: Path) -> None:
    """Takes the diagnosis out of a bundle, and all that was made for people: what was measured stays."""
    (bundle / "report.json").unlink()
    shutil.rmtree(bundle / "runbook", ignore_errors=True)
    for path in bundle.glob("migrations/*/*/*.json"):
        if path.name != "metrics.json":
            path.unlink()


def texts_in(bundle: Path) -> Iterator[tuple[str, str]]:
    """Path and text of each file."""
    for path in sorted(bundle.rglob("*")):
        if path.is_file():
            yield path.relative_to(bundle).as_posix(), path.read_text(encoding="utf-8")
