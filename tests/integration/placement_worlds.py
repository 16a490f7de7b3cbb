# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random clusters and launcher pods: everything that decides where a pod may go, each thing often enough to matter."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

__all__ = ["NAMESPACES", "ROLE", "TRIED", "PlacementWorld", "a_world"]

Object = dict[str, Any]

NAMESPACES = {"place-a": {"env": "prod"}, "place-b": {"env": "test", "team": "b"}}
ROLE = "test.invalid/role"
TRIED = f"{ROLE}=tried"
HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
SCHEDULABLE = "kubevirt.io/schedulable"
CREATED_BY = "kubevirt.io/created-by"
MODELS = ("Skylake-Server", "Haswell-noTSX")
MODEL = "cpu-model-migration.node.kubevirt.io/"
TAINTS = (
    {"key": "kubevirt.io/drain", "effect": "NoSchedule"},
    {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"},
    {"key": "dedicated", "value": "db", "effect": "NoExecute"},
    {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"},
    {"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"},
    {"key": "slow", "effect": "PreferNoSchedule"},
)


@dataclass(frozen=True)
class PlacementWorld:
    """Nodes, pods that have their node, launcher pods that want one.

    `statuses`: what is written into the status of some pods, by name; `deleted`: names of pods being deleted.
    """

    nodes: list[Object]
    pods: list[Object]
    launchers: list[Object]
    statuses: dict[str, Object]
    deleted: frozenset[str]


def a_world(seed: int) -> PlacementWorld:
    """The same for the same seed. All names hold the seed."""
    random = Random(seed)
    nodes = [_node(random, f"n{seed}-{number}") for number in range(random.randint(2, 9))]
    names = [node["metadata"]["name"] for node in nodes]
    pods = [_pod(random, f"p{seed}-{number}", node=random.choice(names)) for number in range(random.randint(0, 14))]
    launchers = [_launcher(random, f"l{seed}-{number}", names=names) for number in range(6)]
    marked = [pod["metadata"]["name"] for pod in pods if random.random() < 0.2]
    half = len(marked) // 2
    statuses = {name: {"phase": random.choice(["Succeeded", "Failed"])} for name in marked[:half]}
    statuses |= {pod["metadata"]["name"]: _resized(random, pod) for pod in pods if random.random() < 0.15}
    return PlacementWorld(nodes, pods, launchers, statuses, frozenset(marked[half:]))


def _maybe(random: Random, chance: float, value: Any) -> Any:
    return value if random.random() < chance else None


def _node(random: Random, name: str) -> Object:
    labels = {
        HOSTNAME: _maybe(random, 0.97, name),
        "kubernetes.io/arch": random.choice(["amd64"] * 20 + ["arm64"]),
        SCHEDULABLE: random.choice(["true"] * 16 + ["false", None]),
        ZONE: random.choice(["east", "east", "west", "north", None]),
        "disk": random.choice(["ssd", "hdd", None]),
        "cores": random.choice(["4", "16", "64", "many", None]),
        "cpu-feature.node.kubevirt.io/vmx": _maybe(random, 0.8, "true"),
        "cpu-vendor.node.kubevirt.io/Intel": _maybe(random, 0.8, "true"),
        "scheduling.node.kubevirt.io/tsc-frequency-2600000000": _maybe(random, 0.8, "true"),
        **{MODEL + model: random.choice(["true", "true", "true", "false", None]) for model in MODELS},
    }
    spec: Object = {"taints": random.sample(TAINTS, random.choice([0] * 9 + [1, 1, 2]))}
    if random.random() < 0.08:
        spec["unschedulable"] = True
        if random.random() < 0.5:
            spec["taints"].append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {key: value for key, value in labels.items() if value is not None}},
        "spec": spec,
        "status": {"allocatable": _allocatable(random), "capacity": {"cpu": "64", "memory": "256Gi", "pods": "110"}},
    }


def _allocatable(random: Random) -> Object:
    found = {
        "cpu": random.choice(["4", "7500m", "16"]),
        "memory": random.choice(["8Gi", "16000M", "33554432Ki", "64Gi"]),
        "pods": random.choice(["1", "2", "5", "110", "110"]),
        "ephemeral-storage": random.choice(["10Gi", "20Gi", "100G"]),
        "hugepages-2Mi": random.choice(["4Gi", "4Gi", "2Gi", "0", None]),
        "devices.kubevirt.io/kvm": random.choice(["1k"] * 6 + ["2", "1", "0"]),
        "gpu.example.com/a100": random.choice(["2", "1", None, None]),
    }
    return {name: amount for name, amount in found.items() if amount is not None}


def _metadata(random: Random, name: str, *, role: str) -> Object:
    labels = {
        ROLE: role,
        "app": random.choice(["web", "db", None]),
        "tier": random.choice(["1", "2", None]),
        CREATED_BY: random.choice(["vm-1", "vm-2", None]),
    }
    return {
        "name": name,
        "namespace": random.choice(sorted(NAMESPACES)),
        "labels": {key: value for key, value in labels.items() if value is not None},
    }


def _pod(random: Random, name: str, *, node: str) -> Object:
    spec: Object = {"nodeName": node, "containers": [_container(random, "c1")]}
    if random.random() < 0.3:
        spec["containers"].append(_container(random, "c2"))
    if random.random() < 0.2:
        sidecar = {"restartPolicy": "Always"} if random.random() < 0.5 else {}
        spec["initContainers"] = [{**_container(random, "i1"), **sidecar}]
    if random.random() < 0.1:
        spec["resources"] = {"requests": {"cpu": "16", "memory": "40Gi"}}
    if random.random() < 0.2:
        spec["affinity"] = {"podAntiAffinity": _required([_pod_term(random)])}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(random, name, role="there"), "spec": spec}


def _container(random: Random, name: str, *, big: bool = False) -> Object:
    choices = {
        "cpu": ["100m", "1", "1500m", "0.1"] if not big else ["2", "3500m"],
        "memory": ["128Mi", "1Gi", "1.5Gi", "2G"] if not big else ["4Gi", "6442450945", "9Gi"],
        "ephemeral-storage": ["1Gi", "10Gi", None, None],
    }
    requests = {key: amount for key, some in choices.items() if (amount := random.choice(some)) is not None}
    # Of these the API wants requests and limits to be the same.
    fixed = {
        "hugepages-2Mi": _maybe(random, 0.15, random.choice(["1Gi", "2Gi"])),
        "devices.kubevirt.io/kvm": _maybe(random, 0.9 if big else 0.2, "1"),
        "gpu.example.com/a100": _maybe(random, 0.1, "1"),
    }
    limits = {key: amount for key, amount in fixed.items() if amount is not None}
    return {"name": name, "image": "none.invalid/x", "resources": {"requests": requests | limits, "limits": limits}}


def _resized(random: Random, pod: Object) -> Object:
    """Its first container has been given other amounts than it asks for."""
    given = {"cpu": random.choice(["50m", "4"]), "memory": random.choice(["1Mi", "6Gi"])}
    allocated = {"cpu": random.choice(["50m", "5"]), "memory": random.choice(["1Mi", "7Gi"])}
    status = {"name": "c1", "image": "none.invalid/x", "imageID": "", "ready": True, "restartCount": 0}
    actual = {"resources": {"requests": given}} if random.random() < 0.8 else {}
    statuses: Object = {"containerStatuses": [{**status, "allocatedResources": allocated, **actual}]}
    sidecars = [one for one in pod["spec"].get("initContainers", []) if "restartPolicy" in one]
    if sidecars:
        statuses["initContainerStatuses"] = [{**status, "name": "i1", "resources": {"requests": allocated}}]
    return {"phase": "Running", **statuses}


def _launcher(random: Random, name: str, *, names: list[str]) -> Object:
    affinity: Object = {}
    if random.random() < 0.25:
        terms = [_node_term(random, names=names) for _number in range(random.randint(1, 2))]
        path = "requiredDuringSchedulingIgnoredDuringExecution"
        affinity["nodeAffinity"] = {path: {"nodeSelectorTerms": terms}}
    if random.random() < 0.6:
        affinity["podAntiAffinity"] = _required([_own_vm(random), *_some_terms(random, 0.3)])
    if random.random() < 0.2:
        affinity["podAffinity"] = _required([_pod_term(random), *_some_terms(random, 0.3)])
    spec = {
        "nodeSelector": _selector(random),
        "tolerations": _tolerations(random),
        "containers": [_container(random, "compute", big=True)],
        "affinity": affinity,
    }
    if random.random() < 0.25:
        spec["topologySpreadConstraints"] = _spread(random)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(random, name, role="tried"), "spec": spec}


def _some_terms(random: Random, chance: float) -> list[Object]:
    return [_pod_term(random)] if random.random() < chance else []


def _selector(random: Random) -> Object:
    wanted = {
        SCHEDULABLE: _maybe(random, 0.9, "true"),
        "kubernetes.io/arch": _maybe(random, 0.5, "amd64"),
        MODEL + random.choice(MODELS): _maybe(random, 0.25, "true"),
        "cpu-feature.node.kubevirt.io/vmx": _maybe(random, 0.2, "true"),
        "cpu-vendor.node.kubevirt.io/Intel": _maybe(random, 0.2, "true"),
        "scheduling.node.kubevirt.io/tsc-frequency-2600000000": _maybe(random, 0.1, "true"),
        "disk": _maybe(random, 0.08, "ssd"),
    }
    return {key: value for key, value in wanted.items() if value is not None}


def _tolerations(random: Random) -> list[Object]:
    return random.sample(
        [
            {"operator": "Exists"},
            {"key": "dedicated", "operator": "Exists"},
            {"key": "dedicated", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"},
            {"key": "dedicated", "value": "db"},
            {"key": "kubevirt.io/drain", "operator": "Exists", "effect": "NoExecute"},
            {"key": "kubevirt.io/drain", "effect": "NoSchedule"},
            {"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"},
            {"effect": "NoExecute", "operator": "Exists"},
        ],
        random.choice([0, 0, 0, 1, 1, 2, 3]),
    )


def _required(terms: list[Object]) -> Object:
    return {"requiredDuringSchedulingIgnoredDuringExecution": terms}


def _own_vm(random: Random) -> Object:
    selector = {"matchLabels": {CREATED_BY: random.choice(["vm-1", "vm-2"])}}
    return {"labelSelector": selector, "topologyKey": HOSTNAME}


def _label_selector(random: Random) -> Object | None:
    return random.choice(
        [
            None,
            {},
            {"matchLabels": {"app": "web"}},
            {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]},
            {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]},
            {"matchExpressions": [{"key": CREATED_BY, "operator": "Exists"}]},
            {"matchLabels": {"app": "db"}, "matchExpressions": [{"key": CREATED_BY, "operator": "DoesNotExist"}]},
        ]
    )


def _pod_term(random: Random) -> Object:
    term: Object = {"topologyKey": random.choice([HOSTNAME, HOSTNAME, ZONE, "disk"])}
    selector = _label_selector(random)
    if selector is not None:
        term["labelSelector"] = selector
    where = random.random()
    if where < 0.2:
        term["namespaces"] = random.sample(sorted(NAMESPACES), random.randint(1, 2))
    if 0.1 < where < 0.4:
        term["namespaceSelector"] = random.choice([{}, {"matchLabels": {"env": "prod"}}, {"matchLabels": {"env": "?"}}])
        if term["namespaceSelector"].get("matchLabels") == {"env": "?"}:
            term["namespaceSelector"] = {"matchExpressions": [{"key": "team", "operator": "Exists"}]}
    if selector is not None and random.random() < 0.1:
        term["matchLabelKeys"] = ["tier"]
    return term


def _node_term(random: Random, *, names: list[str]) -> Object:
    expressions = [
        {"key": "disk", "operator": "In", "values": ["ssd", "nvme"]},
        {"key": "disk", "operator": "NotIn", "values": ["hdd"]},
        {"key": ZONE, "operator": "Exists"},
        {"key": ZONE, "operator": "DoesNotExist"},
        {"key": "cores", "operator": "Gt", "values": ["4"]},
        {"key": "cores", "operator": "Lt", "values": ["64"]},
    ]
    term: Object = {}
    if random.random() < 0.85:
        term["matchExpressions"] = random.sample(expressions, random.randint(1, 2))
    if random.random() < 0.25:
        operator = random.choice(["In", "NotIn"])
        term["matchFields"] = [{"key": "metadata.name", "operator": operator, "values": [random.choice(names)]}]
    return term


def _spread(random: Random) -> list[Object]:
    rules = []
    for key in random.sample([HOSTNAME, ZONE, "disk"], random.randint(1, 2)):
        rule: Object = {
            "topologyKey": key,
            "maxSkew": random.choice([1, 1, 2]),
            "whenUnsatisfiable": random.choice(["DoNotSchedule"] * 4 + ["ScheduleAnyway"]),
        }
        selector = _label_selector(random)
        if selector is not None:
            rule["labelSelector"] = selector
        if rule["whenUnsatisfiable"] == "DoNotSchedule" and random.random() < 0.3:
            rule["minDomains"] = random.randint(1, 4)
        for policy in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if random.random() < 0.4:
                rule[policy] = random.choice(["Honor", "Ignore"])
        if selector is not None and random.random() < 0.2:
            rule["matchLabelKeys"] = ["tier"]
        rules.append(rule)
    return rules
