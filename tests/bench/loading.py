# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills a test cluster with many nodes, VMs and migrations in seconds: a few are played, the rest are copies in etcd.

The simulator plays one VM for each state that is wanted, so the API server has seen each of these objects, defaulted it
and written its managedFields. A copy is the stored text with other names and uids. Object sizes are therefore those of
objects that came through the API (a finished migration 1.9 kB, a VMI 5.7 kB, a node 5.1 kB).
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.cluster import Cluster

__all__ = ["ACTIVE", "STUCK", "Loader"]

NAMESPACE = "fleet"
SOURCE, TARGET = "model-source", "model-target"
# A model's name stands in no other name, so that a copy of its text with another name is a copy of the VM.
HEALTHY = {
    "model-copying": {"phase": "Running", "since": 25, "target": TARGET},
    "model-starting": {"phase": "Scheduling", "since": 12, "target": TARGET},
}
STUCK = {
    "model-crashed": {"phase": "Scheduling", "since": 200, "target": TARGET, "pod": {"exit_code": 137, "ended": 150}},
    "model-overdue": {"phase": "Running", "since": 1050, "target": TARGET},
    "model-unplaced": {
        "phase": "Scheduling",
        "since": 210,
        "pod": {
            "unschedulable": "0/1000 nodes are available: 1000 node(s) didn't match Pod's node affinity/selector. "
            "preemption: 0/1000 nodes are available: 1000 Preemption is not helpful for scheduling."
        },
    },
    "model-pulling": {
        "phase": "Scheduling",
        "since": 260,
        "target": TARGET,
        "pod": {
            "waiting": "ImagePullBackOff",
            "message": 'Back-off pulling image "quay.io/kubevirt/virt-launcher:v1.9.0"',
            "events": [
                {"reason": "Failed", "message": "Error: ErrImagePull", "first": 250, "last": 40, "count": 5},
            ],
        },
    },
}
ACTIVE = tuple(HEALTHY)
ENDED, RESTING = "model-ended", "model-resting"
# Where in etcd the objects of VMs and nodes are.
STORED = ("/registry/kubevirt.io/", "/registry/pods/", "/registry/events/", "/registry/minions/")
HANDLERS = "/registry/pods/kubevirt/virt-handler-"
LISTS, RESOURCES = "/apis/kubevirt.io/v1/", ("virtualmachineinstancemigrations", "virtualmachineinstances")
MIGRATIONS = f"/registry/kubevirt.io/virtualmachineinstancemigrations/{NAMESPACE}/"
VMIS = f"/registry/kubevirt.io/virtualmachineinstances/{NAMESPACE}/"
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_AT_ONCE = 500

Texts = Sequence[tuple[str, str]]


class Loader:
    """Fills one cluster. Everything is gone after `Cluster.reset`."""

    def __init__(self, cluster: Cluster, *, progress: bool = True) -> None:
        self._cluster = cluster
        self._progress = progress
        self._models: dict[str, Texts] = {}
        self._nodes: list[str] = [SOURCE]

    def play(self) -> None:
        """The models, in an otherwise empty cluster."""
        self._cluster.reset()
        self._cluster.simulator.play(world())
        stored = [(one.key, one.text) for prefix in STORED for one in self._cluster.store.scan(prefix)]
        for name in (*HEALTHY, *STUCK, ENDED, RESTING):
            self._models[name] = [one for one in stored if name in one[0]]
        node = [one for one in stored if one[0] == f"/registry/minions/{SOURCE}"]
        ((key, text),) = [one for one in stored if one[0].startswith(HANDLERS) and f'"{SOURCE}"' in one[1]]
        # virt-handler's pod is named by its node nowhere but in its spec.
        pod = key.rpartition("/")[2]
        self._models[SOURCE] = [
            *node,
            (key.replace(pod, f"virt-handler-{SOURCE}"), text.replace(pod, f"virt-handler-{SOURCE}")),
        ]

    def nodes(self, count: int) -> None:
        """So many nodes more, each with its virt-handler."""
        names = [f"worker-{number:05}" for number in range(count)]
        self._write("nodes", (self._copy(SOURCE, {SOURCE: name}, seed=name) for name in names), count=count)
        self._nodes += names

    def vmis(self, count: int) -> None:
        """So many running VMIs that do not migrate (alone: without pods)."""
        wanted = [one for one in self._models[RESTING] if one[0].startswith(VMIS)]
        copies = (
            _copied(wanted, {RESTING: f"vm-{number:05}", SOURCE: self._node(number)}, seed=f"vmi-{number}")
            for number in range(count)
        )
        self._write("VMIs", copies, count=count)

    def finished(self, count: int, *, first: int = 0, vms: int = 10_000) -> None:
        """So many succeeded migrations of those VMIs."""
        wanted = [one for one in self._models[ENDED] if one[0].startswith(MIGRATIONS)]
        copies = (
            _copied(
                wanted,
                {f"{ENDED}-moves": f"moved-{number:06}", ENDED: f"vm-{number % vms:05}"},
                seed=f"moved-{number}",
            )
            for number in range(first, first + count)
        )
        self._write("finished migrations", copies, count=count)

    def active(self, count: int, *, models: Sequence[str], name: str) -> None:
        """So many VMs with an unfinished migration, each like one of the models in turn, pods and events included."""
        copies = (
            self._copy(
                models[number % len(models)],
                {
                    models[number % len(models)]: f"{name}-{number:05}",
                    SOURCE: self._node(number),
                    TARGET: self._node(number + len(self._nodes) // 2),
                },
                seed=f"{name}-{number}",
            )
            for number in range(count)
        )
        self._write("unfinished migrations", copies, count=count)

    def _node(self, number: int) -> str:
        return self._nodes[number % len(self._nodes)]

    def _copy(self, model: str, names: Mapping[str, str], *, seed: str) -> Texts:
        return _copied(self._models[model], names, seed=seed)

    def _write(self, what: str, copies: Iterator[Texts], *, count: int) -> None:
        batch: list[tuple[str, str]] = []
        for number, texts in enumerate(copies, 1):
            batch += texts
            if len(batch) >= _AT_ONCE or number == count:
                self._cluster.store.apply(put=batch)
                batch = []
        self._settle()
        if self._progress:
            print(f"  {count} {what}", flush=True)

    def _settle(self) -> None:
        """Wait until the API server's watch caches have what was written: until then it answers lists late, or 504."""
        waiting = {f"{LISTS}{resource}" for resource in RESOURCES} | {"/api/v1/pods", "/api/v1/nodes", "/api/v1/events"}
        for _attempt in range(100):
            waiting = {path for path in waiting if not self._is_listed(path)}
            if not waiting:
                return
            time.sleep(1)
        raise RuntimeError(f"the API server does not catch up: {', '.join(sorted(waiting))}")

    def _is_listed(self, path: str) -> bool:
        """Whether two pages are had: the first may come from etcd, the second waits for the cache."""
        status, page = self._cluster.request("GET", path, query={"limit": 1})
        more = page["metadata"].get("continue") if status == 200 else None
        if more:
            status, _page = self._cluster.request("GET", path, query={"limit": 1, "continue": more})
        return status == 200


def world() -> dict[str, Any]:
    """The scenario of the models."""
    nodes = [{"name": name, "cpu": "64", "memory": "256Gi"} for name in (SOURCE, TARGET)]
    wanted: dict[str, Mapping[str, Any]] = {**HEALTHY, **STUCK}
    wanted[ENDED] = {"phase": "Succeeded", "since": 3600, "target": TARGET, "ran": 40}
    return {
        "title": "one VM for each state",
        "nodes": nodes,
        "vms": [{"name": f"{NAMESPACE}/{vm}", "node": SOURCE, "memory": "4Gi"} for vm in (*wanted, RESTING)],
        "migrations": [{"vm": f"{NAMESPACE}/{vm}", "name": f"{vm}-moves", **one} for vm, one in wanted.items()],
        "configuration": {
            "migrations": {"parallelMigrationsPerCluster": 5000, "parallelOutboundMigrationsPerNode": 5000}
        },
    }


def _copied(texts: Texts, names: Mapping[str, str], *, seed: str) -> Texts:
    """The texts with other names, and with uids that no other seed gives."""
    uids = sorted({uid for _key, text in texts for uid in _UID.findall(text)})
    changes = {**names, **{uid: str(uuid.uuid5(uuid.NAMESPACE_OID, f"{seed}/{uid}")) for uid in uids}}
    pattern = re.compile("|".join(sorted(map(re.escape, changes), key=len, reverse=True)))

    def other(found: re.Match[str]) -> str:
        return changes[found[0]]

    return [(pattern.sub(other, key), pattern.sub(other, text)) for key, text in texts]
