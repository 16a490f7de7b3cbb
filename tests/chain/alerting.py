# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus with the rules that the collection wrote. It scrapes what the simulator tells, and tells Alertmanagers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.chain.alertmanager import Alertmanager
from tests.cluster import Cluster
from tests.cluster.simulator.controller_metrics import controller_exposition
from tests.cluster.simulator.handler_metrics import WatchedCopy, history
from tests.cluster.simulator.view import look
from tests.integration.prometheus import MeasuredBy, running_prometheus

__all__ = ["MARK", "STUCK", "alerting", "hung_copy", "metrics_of", "planted_copies", "state_of"]

STUCK = "KubeVirtVMStuckInMigratingState"
# With this label a VM has opted in.
MARK = "live-migration.kubevirt-ops/remediate"
_KINDS = ("VirtualMachineInstanceMigration", "VirtualMachineInstance")


def hung_copy(vms: Sequence[str], /) -> dict[str, Any]:
    """A world in which the copies of these VMs began well and hang since a minute after; all of them have opted in."""
    copy = {"transfer": 64, "dirty": 0, "stops_after": 60}
    running = {"phase": "Running", "since": 200, "target": "node-b", "copy": copy}
    return {
        "title": "the connection between two nodes hangs",
        "nodes": [{"name": name} for name in ("node-a", "node-b", "node-c")],
        "vms": [{"name": name, "node": "node-a", "memory": "8Gi", "labels": {MARK: "true"}} for name in vms],
        "migrations": [{"vm": name, **running} for name in vms],
    }


def planted_copies(cluster: Cluster) -> list[WatchedCopy]:
    """The copies of the world that virt-handler measures."""
    plans = cluster.simulator.world.plans.values()
    return [WatchedCopy(**plan.copy) for plan in plans if plan.copy]


def metrics_of(cluster: Cluster) -> str:
    """What virt-controller and the virt-handlers tell now. Of copies that were planted all that a Prometheus has read
    that was there from their start."""
    found = look(cluster.simulator.api, kinds=_KINDS)
    by_controller = controller_exposition(found[_KINDS[0]], vmis=found[_KINDS[1]])
    return by_controller + history(planted_copies(cluster), now=datetime.now(timezone.utc))


@contextmanager
def alerting(cluster: Cluster, folder: Path, *, rules: Path, told: Mapping[str, Alertmanager]) -> Iterator[MeasuredBy]:
    """Prometheus with these rules. `told`: who hears of the alerts about VMs of which namespace."""
    receivers = [
        {
            "static_configs": [{"targets": [alertmanager.target]}],
            "alert_relabel_configs": [{"source_labels": ["namespace"], "regex": namespace, "action": "keep"}],
        }
        for namespace, alertmanager in told.items()
    ]
    more = {"rule_files": [str(rules)], "alerting": {"alertmanagers": receivers}}
    with running_prometheus(folder, more=more) as running:
        for copy in planted_copies(cluster):
            running.tell(lambda: metrics_of(cluster), vm=copy.name)
        yield running


def state_of(prometheus: MeasuredBy, vm: str, /) -> str:
    """Whether the alert about the copy of namespace/VM is pending or firing; "" where there is none."""
    namespace, _slash, name = vm.partition("/")
    wanted = {"alertname": STUCK, "namespace": namespace, "name": name}
    found = [one["state"] for one in prometheus.alerts() if wanted.items() <= one["labels"].items()]
    return found[0] if found else ""
