# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scenario becomes a world: everything is created through the API and then given its age."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from . import machines, nodes, pods
from .aftermath import change_vmi, remove_vmi, stop_vm
from .api import Object, Refused
from .clock import stamp
from .events import post_event
from .handler_metrics import watched
from .journey import Journey
from .node_agents import is_over
from .plans import Plan
from .scenario import DAY, Budget, Later, Migration, Node, Quota, Scenario, ScenarioError, Vm
from .stage import Stage, address_of
from .virt_controller import guest_bytes

__all__ = ["Planter", "World"]

# A kubelet that is silent for so long has its pods evicted by the taint.
_TOLERATED = 300
_GRACE_SECONDS = 60
_EVICTED = "descheduler.alpha.kubernetes.io/eviction-in-progress"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass
class World:
    """A scenario as it was planted. `migrations`: the created objects by namespace/name of their VM, oldest first."""

    scenario: Scenario
    namespaces: tuple[str, ...]
    migrations: dict[str, list[Object]] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)

    @property
    def expected(self) -> list[dict[str, str | None]]:
        """What a judge should say: vm, verdict, first_cause, origin."""
        return [dict(vars(wanted)) for wanted in self.scenario.expected]

    @property
    def healthy(self) -> bool:
        """Whether no migration may be late or stuck."""
        return self.scenario.healthy


def suffix(text: str) -> str:
    """Five characters such as Kubernetes appends, always the same for the same text."""
    number = zlib.crc32(text.encode())
    return "".join(_LETTERS[number // len(_LETTERS) ** place % len(_LETTERS)] for place in range(5))


class Planter:
    """Plants one scenario, seen from one moment."""

    def __init__(self, stage: Stage, *, scenario: Scenario) -> None:
        self._stage = stage
        self._api = stage.api
        self._scenario = scenario
        self._now = stage.clock.now()
        self._nodes = {node.name: node for node in scenario.nodes}
        self._vms: dict[str, Object] = {}
        self._owners: dict[str, Object] = {}
        self._world = World(scenario=scenario, namespaces=scenario.namespaces)

    def _ago(self, seconds: int) -> datetime:
        return self._now - timedelta(seconds=seconds)

    def plant(self) -> World:
        """The whole world; ScenarioError where the API server does not let it be as declared."""
        self._api.every(self._namespace, ("kubevirt", *self._scenario.namespaces))
        self._controllers()
        self._api.every(self._node, self._scenario.nodes)
        self._api.every(self._vm, self._scenario.vms)
        self._api.every(self._quota, self._scenario.quotas)
        self._api.every(self._budget, self._scenario.budgets)
        per_vm: dict[str, list[Migration]] = {}
        for migration in self._scenario.migrations:
            per_vm.setdefault(migration.vm, []).append(migration)
        for vm, made in zip(per_vm, self._api.every(self._migrations, per_vm.values()), strict=True):
            self._world.migrations[vm] = made
        for one in self._scenario.vms:
            if one.later is not None:
                self._later(one, later=one.later)
        self._api.every(self._evict_from, [node for node in self._scenario.nodes if node.ready != "True"])
        return self._world

    def _namespace(self, name: str) -> None:
        try:
            self._api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        except Refused as refusal:
            if refusal.status != 409:
                raise

    def _controllers(self) -> None:
        scenario = self._scenario
        ready = sum(1 for node in scenario.nodes if node.handler == "ready" and node.ready == "True")
        silent = scenario.controller_silent
        objects = [
            nodes.kubevirt(scenario.configuration),
            nodes.daemon_set(desired=len(scenario.nodes), ready=ready),
            nodes.lease(renewed=self._ago(2 if silent is None else silent), acquired=self._ago(3 * DAY)),
        ]
        policy_kind = {"apiVersion": "migrations.kubevirt.io/v1alpha1", "kind": "MigrationPolicy"}
        for policy in scenario.policies:
            objects.append({**policy_kind, "metadata": {"name": policy.name}, "spec": dict(policy.spec)})
        self._api.every(lambda obj: self._stage.plant(obj, born=self._ago(30 * DAY)), objects)

    def _node(self, node: Node) -> None:
        wanted = nodes.node(
            node.name, now=self._now, ready=node.ready, since=self._ago(node.since), cordoned=node.cordoned,
            heartbeat=self._ago(node.last_heartbeat()), schedulable=node.is_schedulable(), worker=node.worker,
            address=address_of(node.name), cpu=node.cpu, memory=node.memory, cpu_model=node.cpu_model,
            host_model=node.host_model,
            devices=node.devices, pressures=node.pressures, labels=node.labels, taints=node.taints,
        )  # fmt: skip
        self._stage.plant(wanted, born=self._ago(30 * DAY))
        if node.handler != "missing":
            self._handler(node)

    def _handler(self, node: Node) -> None:
        at = self._ago(node.handler_since if node.handler != "ready" else 20 * DAY)
        pod = nodes.handler_pod(
            node.name, suffix=suffix(node.name), ready=node.handler == "ready", since=at,
            crashing=node.handler == "crashing", ip=address_of(node.name),
        )  # fmt: skip
        if node.ready != "True" and node.handler == "ready":
            pod["status"] = pods.not_ready(pod["status"], at=self._ago(node.since))
        self._stage.plant(pod, born=self._ago(20 * DAY))

    def _vm(self, vm: Vm) -> None:
        namespace, name = vm.name.split("/")
        at = self._ago(vm.age)
        for claim in vm.claims:
            self._claim(claim, vm=vm, namespace=namespace)
        evicted = self._ago(vm.evacuation_age) if vm.evacuation else None
        found = machines.conditions(ready_at=at, blocked=vm.not_migratable or None, evicted_at=evicted)
        wanted = machines.virtual_machine(
            name, namespace=namespace, memory=vm.memory, running=vm.node is not None, claims=vm.claims,
            conditions=found if vm.node else [], labels={"app": name, **vm.labels}, node_selector=vm.node_selector,
            eviction=vm.eviction,
        )  # fmt: skip
        made = self._stage.plant(wanted, born=at)
        if vm.node is not None:
            self._owners[vm.name] = made
            self._vms[vm.name] = self._vmi(vm, made=made, at=at)

    def _later(self, vm: Vm, *, later: Later) -> None:
        vmi = self._vms[vm.name]
        if later.gone or later.restarted is not None:
            remove_vmi(self._api, vmi)
        if later.restarted is not None:
            self._vmi(vm, made=self._owners[vm.name], at=self._ago(later.restarted))
        elif later.gone:
            stop_vm(self._api, self._owners[vm.name])
        else:
            change_vmi(self._api, vmi, later=later, now=self._now)

    def _claim(self, name: str, *, vm: Vm, namespace: str) -> None:
        volume = f"pvc-{zlib.crc32((vm.name + name).encode()):08x}"
        wanted = machines.claim(name, namespace=namespace, storage_class=vm.storage_class, volume=volume)
        self._stage.plant(wanted, born=self._ago(vm.age))

    def _vmi(self, vm: Vm, *, made: Object, at: datetime) -> Object:
        node = str(vm.node)
        wanted = machines.virtual_machine_instance(
            made, node=node, phase=vm.phase, started=at, ip=address_of(vm.name, net="10.3"), selinux=vm.selinux,
            evacuate_from=node if vm.evacuation else None,
        )  # fmt: skip
        vmi = self._stage.plant(wanted, born=at)
        pod = self._launcher(vmi, node=node, at=at)
        if vm.evacuation:
            # The eviction that asked for the evacuation leaves this on the pod.
            self._api.patch(pod, {"metadata": {"annotations": {_EVICTED: "true"}}})
        post_event(
            self._api, vmi, reason="SuccessfulCreate", at=at,
            message=f"Created virtual machine pod {pod['metadata']['name']}",
        )  # fmt: skip
        active = {pod["metadata"]["uid"]: node}
        for left in vm.leftovers:
            active[self._leftover(vmi, node=left.node, age=left.age, terminating=left.terminating)] = left.node
        return self._api.patch(vmi, {"status": {"activePods": active}})

    def _launcher(self, vmi: Object, *, node: str, at: datetime, migration: Object | None = None) -> Object:
        wanted = pods.launcher_pod(vmi, memory_bytes=guest_bytes(vmi), node=node, migration=migration)
        name = vmi["metadata"]["name"]
        wanted["status"] = pods.running_status(at, ip=address_of(name + node, net="10.2"))
        return self._stage.plant(wanted, born=at)

    def _leftover(self, vmi: Object, *, node: str, age: int, terminating: int | None) -> str:
        # The migration that made this pod is long gone; its name and UID live on in the pod.
        uid = f"{zlib.crc32(vmi['metadata']['uid'].encode()):08x}-7c1e-4f0b-9d52-6a1f3b8e2c47"
        gone = {"metadata": {"name": f"kubevirt-migrate-vm-{suffix(uid)}", "uid": uid}, "spec": {}}
        pod = self._launcher(vmi, node=node, at=self._ago(age), migration=gone)
        if terminating is not None:
            self._stage.delete(pod, at=self._ago(terminating) + timedelta(seconds=_GRACE_SECONDS))
        return str(pod["metadata"]["uid"])

    def _quota(self, quota: Quota) -> None:
        active = [pod for pod in self._api.find("Pod", namespace=quota.namespace) if not is_over(pod)]
        made = self._api.create(nodes.quota(quota.name, namespace=quota.namespace, hard=quota.hard))
        used = {name: _in_use(active, name=name) for name in quota.hard}
        self._api.patch(made, {"status": {"hard": dict(quota.hard), "used": used}}, sub="status")

    def _budget(self, budget: Budget) -> None:
        wanted = nodes.budget(budget.name, namespace=budget.namespace, labels=budget.labels)
        made = self._api.create(wanted)
        status = {"disruptionsAllowed": budget.allowed, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
        observed = {"observedGeneration": made["metadata"]["generation"]}
        self._api.patch(made, {"status": {**status, **observed}}, sub="status")

    def _migrations(self, wanted: Sequence[Migration]) -> list[Object]:
        """All migrations of one VM, the oldest first: a second one is only let in when the first has ended."""
        made: list[Object] = []
        vm = wanted[0].vm
        for migration in sorted(wanted, key=lambda item: -item.since):
            if vm not in self._vms:
                raise ScenarioError(f"migration of {vm}: that VM is halted")
            journey = Journey(self._stage, vmi=self._vms[vm], migration=migration, now=self._now, rivals=made)
            try:
                course = journey.travel(quota=any(vm.startswith(q.namespace + "/") for q in self._scenario.quotas))
            except Refused as refusal:
                raise ScenarioError(f"migration of {vm} to phase {migration.phase!r}: {refusal}") from refusal
            self._vms[vm] = course.vmi
            self._world.plans[course.vmim["metadata"]["uid"]] = self._plan(migration, vmi=course.vmi)
            made.append(course.vmim)
        return made

    def _plan(self, migration: Migration, *, vmi: Object) -> Plan:
        ends = None if migration.ends_in is None else self._now + self._stage.clock.lasts(migration.ends_in)
        return Plan(
            stays=migration.stays,
            troubled=migration.pod is not None,
            ends_at=stamp(ends) if ends else "",
            copy=watched(vmi, copying=migration.copy) if migration.copy else None,
        )

    def _evict_from(self, node: Node) -> None:
        """What the node lifecycle controller does to the pods of a node that is not ready."""
        at = self._ago(node.since)
        query = {"fieldSelector": f"spec.nodeName={node.name}", "labelSelector": "kubevirt.io=virt-launcher"}
        for item in self._api.request("GET", path="/api/v1/pods", query=query)["items"]:
            pod = {**item, "apiVersion": "v1", "kind": "Pod"}
            if not is_over(pod):
                self._api.patch(pod, {"status": pods.not_ready(pod["status"], at=at)}, sub="status")
            if node.since > _TOLERATED and "deletionTimestamp" not in pod["metadata"]:
                self._stage.delete(pod, at=at + timedelta(seconds=_TOLERATED + _GRACE_SECONDS))


def _in_use(active: Sequence[Object], *, name: str) -> str:
    """How much of a quota's resource the pods take: bytes for memory, whole numbers else."""
    if name == "pods":
        return str(len(active))
    resource = name.removeprefix("requests.")
    if resource == "cpu":
        return f"{105 * len(active)}m"
    return str(sum(_requested(pod, resource=resource) for pod in active))


def _requested(pod: Object, *, resource: str) -> int:
    containers: list[Mapping[str, Object]] = pod["spec"]["containers"] + pod["spec"].get("initContainers", [])
    requests = [(container.get("resources") or {}).get("requests") or {} for container in containers]
    return sum(machines.memory_bytes(request.get(resource, "0")) for request in requests)
