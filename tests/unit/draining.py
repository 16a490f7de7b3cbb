# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drains for tests: raw objects of a small cluster, judged as preflight_info judges what it has read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.assemble import assemble_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.budget import DisruptionBudget
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.launcher import Launcher
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node, handler_state
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quota import ResourceQuota
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodOnNode,
    group_by_node,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    expect_configuration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import judge_node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import match_policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.judge import (
    Outlook,
    Preflight,
    judge_preflight,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Grounds,
    subject_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.together import Places
from tests.unit.builders import (
    NAMESPACE,
    NOW,
    Object,
    a_condition,
    a_handler,
    a_kubevirt,
    a_launcher,
    a_lease,
    a_vmi,
    ago,
)
from tests.unit.placing import SCHEDULABLE, a_place, requests

SOURCE = "node-7"
HOST_MODEL = "host-model-cpu.node.kubevirt.io/Skylake-Server"
RULES: Mapping[str, Rule] = {
    "placement/nodes": Rule("list", "", "nodes"),
    "placement/pods": Rule("list", "", "pods"),
    "handlers": Rule("list", "", "pods", "kubevirt"),
    "kubevirt": Rule("list", "kubevirt.io", "kubevirts"),
    "lease": Rule("get", "coordination.k8s.io", "leases", "kubevirt"),
    "policies": Rule("list", "migrations.kubevirt.io", "migrationpolicies"),
    "queue": Rule("list", "kubevirt.io", "virtualmachineinstancemigrations"),
    f"migrations/{NAMESPACE}": Rule("list", "kubevirt.io", "virtualmachineinstancemigrations", NAMESPACE),
    f"pods/{NAMESPACE}": Rule("list", "", "pods", NAMESPACE),
    f"quotas/{NAMESPACE}": Rule("list", "", "resourcequotas", NAMESPACE),
}


def a_guest(vm: str = "web-1", *, memory: str = "8Gi", strategy: str | None = "LiveMigrate", **status: Any) -> Object:
    """A running VMI on the source node. `status`: fields by KubeVirt's own names."""
    vmi = a_vmi(vm, memory=memory, **{"nodeName": SOURCE, **status})
    if strategy is not None:
        vmi["spec"]["evictionStrategy"] = strategy
    vmi["spec"]["domain"]["cpu"] = {"model": "host-model"}
    return vmi


def its_pod(vm: str = "web-1", *, node: str = SOURCE, memory: str = "9Gi", **spec: Any) -> Object:
    """The launcher pod of the VM. `spec`: by the API's names."""
    pod = a_launcher(vm=vm, node=node)
    selector = {SCHEDULABLE: "true", "kubernetes.io/arch": "amd64"}
    pod["spec"] |= {"nodeSelector": selector, "containers": [requests(cpu="1", memory=memory)], **spec}
    return pod


def a_target_node(name: str, **more: Any) -> Object:
    """A healthy node that fits. `more`: as for a place."""
    labels = {"kubernetes.io/arch": "amd64", HOST_MODEL: "true", **more.pop("labels", {})}
    node = a_place(name, labels=labels, **more)
    node["metadata"]["annotations"] = {"kubevirt.io/heartbeat": ago(30)}
    node["status"]["conditions"] = [a_condition("Ready", "True", seconds=9000)]
    node["status"]["allocatable"] |= {f"devices.kubevirt.io/{name}": "1k" for name in ("tun", "vhost-net")}
    return node


def a_budget(name: str = "keep", *, labels: Mapping[str, str] | None = None, allowed: Any = 0, **spec: Any) -> Object:
    """A disruption budget over pods with these labels (default: launchers)."""
    selector = {"matchLabels": dict(labels or {"kubevirt.io": "virt-launcher"})}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": selector, **spec},
        "status": {"disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 1},
    }


def a_quota(hard: Mapping[str, Any], used: Mapping[str, Any], *, name: str = "compute", **spec: Any) -> Object:
    """A quota with what is used of it."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"hard": dict(hard), **spec},
        "status": {"hard": dict(hard), "used": dict(used)},
    }


@dataclass
class Drain:
    """A drain of node-7: one VM that would migrate, and two nodes that take it, unless told otherwise.

    `hidden`: topics that could not be read. `others`: pods besides the launchers.
    """

    vmis: list[Any] = field(default_factory=lambda: [a_guest()])
    launchers: list[Any] = field(default_factory=lambda: [its_pod()])
    nodes: list[Any] = field(
        default_factory=lambda: [a_target_node(SOURCE), a_target_node("node-1"), a_target_node("node-2")]
    )
    others: list[Any] = field(default_factory=list)
    migrations: list[Any] = field(default_factory=list)
    handlers: list[Any] = field(default_factory=lambda: [a_handler(name) for name in (SOURCE, "node-1", "node-2")])
    kubevirt: Any = field(default_factory=a_kubevirt)
    leases: list[Any] = field(default_factory=lambda: [a_lease()])
    policies: list[Any] = field(default_factory=list)
    budgets: list[Any] = field(default_factory=list)
    quotas: list[Any] = field(default_factory=list)
    hidden: tuple[str, ...] = ()
    drained: tuple[str, ...] = (SOURCE,)
    dirty_rates: Mapping[tuple[str, str], int] = field(default_factory=dict)
    expected_bandwidth: int | None = None

    def judge(self) -> Preflight:
        """What preflight_info would say."""
        snapshot = self._snapshot()
        nodes = [Node.from_object(node) for node in self.nodes]
        by_name: dict[str, Node | None] = {}
        if "placement/nodes" not in self.hidden:
            by_name = {**dict.fromkeys(self.drained), **{node.name: node for node in nodes}}
        judgements = judge_snapshot(snapshot)
        snapshot = replace(snapshot, nodes=by_name)
        policies = None if "policies" in self.hidden else [MigrationPolicy.from_object(one) for one in self.policies]
        configured = snapshot.kubevirt.settings if snapshot.kubevirt else None
        pods = [] if f"pods/{NAMESPACE}" in self.hidden else [Launcher.from_object(one) for one in self.launchers]
        subjects = []
        for guest in map(Guest.from_object, self.vmis):
            labels = guest.vmi.meta.labels
            match = None if policies is None else match_policies(policies, vmi_labels=labels, namespace_labels={})
            settings = expect_configuration(match, configured=configured)
            subjects.append(subject_of(guest, pods, node=by_name.get(guest.vmi.node), settings=settings))
        grounds = Grounds(
            snapshot=snapshot,
            drained=frozenset(self.drained),
            ongoing={one.case.migration.key: one for one in judgements if not one.case.migration.is_final},
            health={
                name: judge_node(node, NOW, handler=snapshot.handlers.get(name))
                for name, node in by_name.items()
                if node is not None
            },
            budgets=tuple(DisruptionBudget.from_object(one) for one in self.budgets),
            quotas=tuple(ResourceQuota.from_object(one) for one in self.quotas),
            dirty_rates=self.dirty_rates,
            expected_bandwidth=self.expected_bandwidth,
        )
        places = None if "placement/nodes" in self.hidden else self._places(nodes)
        return judge_preflight(grounds, subjects, places=places, nodes=self.drained)

    def _snapshot(self) -> Snapshot:
        hidden = {topic: (RULES[topic],) for topic in self.hidden}
        handlers = [] if "handlers" in self.hidden else [Pod.from_object(pod) for pod in self.handlers]
        snapshot = assemble_snapshot(
            [] if f"migrations/{NAMESPACE}" in self.hidden else self.migrations,
            now=NOW,
            vmis=self.vmis,
            pods=self.launchers,
            nodes=self.nodes,
            kubevirt=None if "kubevirt" in self.hidden else self.kubevirt,
            leases=[] if {"lease", "kubevirt"} & set(self.hidden) else self.leases,
        )
        names = {SOURCE, *(Node.from_object(node).name for node in self.nodes)}
        states = {name: handler_state(handlers, name) for name in names} if handlers and snapshot.kubevirt else {}
        return replace(snapshot, unseen=hidden, handlers=states)

    def _places(self, nodes: list[Node]) -> Places:
        names = [] if "placement/pods" in self.hidden else [node.name for node in nodes]
        pods = [PodOnNode.from_object(one) for one in (*self.launchers, *self.others)]
        return Places(nodes, group_by_node(pods, names=names), {}, drained=frozenset(self.drained))

    def only(self) -> Outlook:
        """The outlook of the one VM."""
        (outlook,) = self.judge().outlooks
        return outlook


def codes(outlook: Outlook) -> list[str]:
    """The codes of its reasons, in their order."""
    return [one.code for one in outlook.reasons]
