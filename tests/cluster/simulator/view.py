# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at the cluster, from which a step is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from .api import Api, Object
from .migrations import is_final, is_handed_over, phase_of
from .node_agents import is_over

__all__ = ["KINDS", "Found", "View", "look"]

Found = dict[str, list[Object]]

MIGRATION = "VirtualMachineInstanceMigration"
KINDS = (MIGRATION, "VirtualMachineInstance", "Pod", "Node", "KubeVirt")
PRIORITIES = {"system-critical": 100, "user-triggered": 50, "system-maintenance": 20}
_IN_COURSE = ("Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running")


def _key(obj: Object) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def look(api: Api, *, kinds: Sequence[str] = KINDS) -> Found:
    """All objects of these kinds."""
    return dict(zip(kinds, api.every(api.find, kinds), strict=True))


class View:
    """Everything that KubeVirt's components watch, read at one time."""

    def __init__(self, found: Found, *, now: datetime) -> None:
        self.now = now
        self.migrations = sorted(found[MIGRATION], key=_turn)
        self.vmis = {_key(vmi): vmi for vmi in found["VirtualMachineInstance"]}
        self.nodes = {node["metadata"]["name"]: node for node in found["Node"]}
        labelled = [(pod, pod["metadata"].get("labels") or {}) for pod in found["Pod"]]
        self.launchers = [pod for pod, labels in labelled if labels.get("kubevirt.io") == "virt-launcher"]
        self._handlers = [pod for pod, labels in labelled if labels.get("kubevirt.io") == "virt-handler"]
        kubevirts = found["KubeVirt"]
        configured = kubevirts[0]["spec"].get("configuration", {}).get("migrations") if kubevirts else None
        self.configuration: Mapping[str, object] = configured or {}

    def vmi_of(self, vmim: Object) -> Object | None:
        """The VMI that a migration names."""
        return self.vmis.get((vmim["metadata"]["namespace"], vmim["spec"].get("vmiName", "")))

    def target_pod(self, vmim: Object) -> Object | None:
        """The migration's target pod."""
        uid = vmim["metadata"]["uid"]
        label = "kubevirt.io/migrationJobUID"
        return next((pod for pod in self.launchers if pod["metadata"]["labels"].get(label) == uid), None)

    def active_pods(self, vmi: Object) -> list[Object]:
        """The VMI's launcher pods that have not ended; one that hangs Terminating counts."""
        uid = vmi["metadata"]["uid"]
        mine = [p for p in self.launchers if p["metadata"]["labels"].get("kubevirt.io/created-by") == uid]
        return [pod for pod in mine if not is_over(pod)]

    def source_pod(self, vmi: Object) -> str:
        """The name of the pod in which the guest runs."""
        here = [pod for pod in self.active_pods(vmi) if pod["spec"].get("nodeName") == vmi["status"].get("nodeName")]
        oldest = sorted(here, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
        return str(oldest[0]["metadata"]["name"]) if oldest else ""

    def in_course(self) -> list[Object]:
        """The migrations that hold a slot: past Pending, or Pending with a target pod."""
        return [
            vmim
            for vmim in self.migrations
            if phase_of(vmim) in _IN_COURSE or (phase_of(vmim) == "Pending" and self.target_pod(vmim))
        ]

    def leaving(self, node: str) -> int:
        """How many of them leave a node."""
        return sum(1 for vmim in self.in_course() if self._source_of(vmim) == node)

    def _source_of(self, vmim: Object) -> str:
        vmi = self.vmi_of(vmim)
        if vmi is None:
            return ""
        state = vmi["status"].get("migrationState") or {}
        return str(state.get("sourceNode") if is_handed_over(vmim, vmi=vmi) else vmi["status"].get("nodeName"))

    def unfinished(self, vmi: Object) -> list[Object]:
        """The VMI's migrations that are not final."""
        return [vmim for vmim in self.migrations if self.vmi_of(vmim) is vmi and not is_final(vmim)]

    def is_alive(self, node: str | None) -> bool:
        """Whether a node's kubelet answers."""
        conditions = self.nodes.get(node or "", {}).get("status", {}).get("conditions", [])
        return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)

    def has_handler(self, node: str | None) -> bool:
        """Whether a virt-handler is ready on a node that answers."""
        here = [pod for pod in self._handlers if pod["spec"].get("nodeName") == node]
        conditions = [found for pod in here for found in pod["status"].get("conditions", [])]
        return self.is_alive(node) and any(f["type"] == "Ready" and f["status"] == "True" for f in conditions)

    def takers(self, pod: Object, *, apart_from: set[str]) -> list[str]:
        """The nodes that take a pod, by name: open, fitting its selector, and not one of those to keep apart from."""
        selector = pod["spec"].get("nodeSelector") or {}
        return sorted(
            name
            for name, node in self.nodes.items()
            if self.is_alive(name)
            and not node["spec"].get("unschedulable")
            and not node["spec"].get("taints")
            and selector.items() <= (node["metadata"].get("labels") or {}).items()
            and name not in apart_from
        )

    def is_older(self, at: datetime | None, *, than: timedelta) -> bool:
        """Whether a moment lies so far back or farther; not where there is none."""
        return at is not None and self.now - at >= than


def _turn(vmim: Object) -> tuple[int, str, str]:
    meta = vmim["metadata"]
    return -PRIORITIES.get(vmim["spec"].get("priority", ""), 0), meta["creationTimestamp"], meta["name"]
