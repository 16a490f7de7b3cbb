# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod asks of its node, and what the pods that are there already hold of it.

This module is private to the collection and may change without notice.
Rules: Kubernetes core/v1 (Toleration, Affinity, TopologySpreadConstraint) and the scheduler's reading of them,
k8s.io/kubernetes/pkg/scheduler/framework/types.go (terms), plugins/noderesources/fit.go (amounts).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Taint
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import (
    LABEL_CREATED_BY,
    META,
    NODE,
    PHASE,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Meta, MetaFields, Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.requests import (
    CONTAINER_REQUESTS,
    CONTAINERS,
    INIT_CONTAINERS,
    INIT_REQUESTS,
    INIT_RESTART_POLICY,
    OVERHEAD,
    POD_REQUESTS,
    pod_requests,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.resizing import with_given_requests
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.selector import (
    LabelSelector,
    LabelSelectorFields,
    Requirement,
    RequirementFields,
    match_all,
    texts_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.units import Units, scheduler_units

__all__ = [
    "ANTI_AFFINITY",
    "NODE_SELECTOR",
    "NODE_TERMS",
    "NodeTerm",
    "PodNeeds",
    "PodOnNode",
    "PodTerm",
    "SpreadRule",
    "Toleration",
    "group_by_node",
    "namespace_labels",
]

KIND = "Pod"
NODE_SELECTOR = declare(KIND, "spec.nodeSelector")
_NODE_AFFINITY = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
NODE_TERMS = declare(KIND, _NODE_AFFINITY)
_EXPRESSIONS = RequirementFields(KIND, "matchExpressions", base=f"{_NODE_AFFINITY}[]")
_FIELDS = RequirementFields(KIND, "matchFields", base=f"{_NODE_AFFINITY}[]")
TOLERATIONS = declare(KIND, "spec.tolerations")
_TOLERATION = {name: declare(KIND, name, base="spec.tolerations[]") for name in ("key", "operator", "value", "effect")}
SCHEDULER = declare(KIND, "spec.schedulerName")
GATES = declare(KIND, "spec.schedulingGates")
RESOURCE_CLAIMS = declare(KIND, "spec.resourceClaims")
VOLUMES = declare(KIND, "spec.volumes")
CLAIM_NAME = declare(KIND, "persistentVolumeClaim.claimName", base="spec.volumes[]")
_CONTAINERS = ("spec.containers", "spec.initContainers")
_PORTS = [(declare(KIND, path), declare(KIND, "ports", base=f"{path}[]")) for path in _CONTAINERS]
_HOST_PORTS = [declare(KIND, "hostPort", base=f"{path}[].ports[]") for path in _CONTAINERS]

_NAMESPACE_META = MetaFields("Namespace")


@dataclass(frozen=True)
class Toleration:
    """One toleration; "" where absent."""

    key: str
    operator: str
    value: str
    effect: str

    def tolerates(self, taint: Taint, /) -> bool | None:
        """Whether it lets the pod onto a node with `taint`; None for an operator that is not known here."""
        if (self.effect and self.effect != taint.effect) or (self.key and self.key != taint.key):
            return False
        if self.operator in ("", "Equal"):
            return self.value == taint.value
        # The comparisons Lt and Gt hang on a feature gate that no API shows.
        return True if self.operator == "Exists" else None


@dataclass(frozen=True)
class NodeTerm:
    """One term of the required node affinity. One without any requirement matches no node."""

    expressions: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str], /, *, name: str) -> bool | None:
        """Whether the node of that name with these labels fits; None where that cannot be judged."""
        if not self.expressions and not self.fields:
            return False
        own = match_all(self.expressions, labels), match_all(self.fields, {"metadata.name": name})
        return False if False in own else None if None in own else True

    def text(self) -> str:
        """For people."""
        return " and ".join(one.text() for one in (*self.expressions, *self.fields)) or "nothing"


class _PodTermFields:
    """Required terms of podAffinity or podAntiAffinity."""

    def __init__(self, affinity: str) -> None:
        path = f"spec.affinity.{affinity}.requiredDuringSchedulingIgnoredDuringExecution"
        base = f"{path}[]"
        self.list = declare(KIND, path)
        self.topology_key = declare(KIND, "topologyKey", base=base)
        self.selector = LabelSelectorFields(KIND, "labelSelector", base=base)
        self.namespaces = declare(KIND, "namespaces", base=base)
        self.namespace_selector = LabelSelectorFields(KIND, "namespaceSelector", base=base)

    def read(self, reader: Reader, *, namespace: str) -> tuple[PodTerm, ...]:
        """The terms of a pod in `namespace`, which they mean where they name none."""
        return tuple(self._term(item, namespace=namespace) for item in reader.readers(self.list))

    def _term(self, item: Reader, *, namespace: str) -> PodTerm:
        named = tuple(texts_of(item, self.namespaces))
        selected = self.namespace_selector.read(item)
        return PodTerm(
            topology_key=item.text(self.topology_key),
            selector=self.selector.read(item),
            namespaces=named or ((namespace,) if selected is None else ()),
            namespace_selector=selected,
        )


@dataclass(frozen=True)
class PodTerm:
    """One required term of pod affinity or anti-affinity. `namespaces` are those it names or means."""

    topology_key: str
    selector: LabelSelector | None
    namespaces: tuple[str, ...]
    namespace_selector: LabelSelector | None

    def matches(
        self, labels: Mapping[str, str], /, *, namespace: str, known: Mapping[str, Mapping[str, str]]
    ) -> bool | None:
        """Whether it means a pod with these labels in `namespace`; `known`: labels of namespaces.

        None where that hangs on a namespace whose labels are not known, or on an operator that is not.
        """
        selected = self.selector.matches(labels) if self.selector is not None else False
        if selected is False or namespace in self.namespaces:
            return selected
        inside = self._selects_namespace(namespace, known=known)
        return False if inside is False else None if None in (inside, selected) else True

    def _selects_namespace(self, namespace: str, *, known: Mapping[str, Mapping[str, str]]) -> bool | None:
        if self.namespace_selector is None:
            return False
        if self.namespace_selector.is_empty:
            return True
        return self.namespace_selector.matches(known[namespace]) if namespace in known else None


@dataclass(frozen=True)
class SpreadRule:
    """One topology spread constraint that keeps a pod off a node (DoNotSchedule)."""

    topology_key: str
    max_skew: int
    min_domains: int
    selector: LabelSelector | None
    honors_affinity: bool
    honors_taints: bool


class _SpreadFields:
    def __init__(self) -> None:
        path = "spec.topologySpreadConstraints"
        base = f"{path}[]"
        self.list = declare(KIND, path)
        self.action = declare(KIND, "whenUnsatisfiable", base=base)
        self.topology_key = declare(KIND, "topologyKey", base=base)
        self.max_skew = declare(KIND, "maxSkew", base=base)
        self.min_domains = declare(KIND, "minDomains", base=base)
        self.selector = LabelSelectorFields(KIND, "labelSelector", base=base)
        self.affinity_policy = declare(KIND, "nodeAffinityPolicy", base=base)
        self.taints_policy = declare(KIND, "nodeTaintsPolicy", base=base)
        self.label_keys = declare(KIND, "matchLabelKeys", base=base)

    def read(self, reader: Reader, *, labels: Mapping[str, str]) -> tuple[SpreadRule, ...]:
        """The constraints that count, of a pod with `labels`."""
        items = reader.readers(self.list)
        # Absent is not allowed by the API; where it is, the stricter reading holds.
        return tuple(self._rule(item, labels=labels) for item in items if item.text(self.action) != "ScheduleAnyway")

    def _rule(self, item: Reader, *, labels: Mapping[str, str]) -> SpreadRule:
        selector = self.selector.read(item)
        own = [Requirement(key, "In", (labels[key],)) for key in texts_of(item, self.label_keys) if key in labels]
        if selector is not None and own:
            selector = LabelSelector((*selector.requirements, *own))
        return SpreadRule(
            topology_key=item.text(self.topology_key),
            max_skew=item.integer(self.max_skew) or 1,
            min_domains=item.integer(self.min_domains) or 1,
            selector=selector,
            honors_affinity=item.text(self.affinity_policy) != "Ignore",
            honors_taints=item.text(self.taints_policy) == "Honor",
        )


_AFFINITY = _PodTermFields("podAffinity")
ANTI_AFFINITY = _PodTermFields("podAntiAffinity")
_SPREAD = _SpreadFields()


@dataclass(frozen=True)
class PodNeeds:
    """What a pod asks of a node. `node_terms` is None where it has no required node affinity.

    `units` is empty and `problems` says so where an amount cannot be read. `claims` are its persistent volume claims.
    """

    meta: Meta
    units: Mapping[str, int]
    node_selector: Mapping[str, str]
    node_terms: tuple[NodeTerm, ...] | None
    tolerations: tuple[Toleration, ...]
    affinity: tuple[PodTerm, ...]
    anti_affinity: tuple[PodTerm, ...]
    spread: tuple[SpreadRule, ...]
    host_ports: tuple[int, ...]
    claims: tuple[str, ...]
    has_resource_claims: bool
    is_gated: bool
    scheduler: str
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> PodNeeds:
        """The needs of the pod in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        meta = META.read(reader)
        return cls(
            meta=meta,
            units=_units(obj, reader=reader),
            node_selector=reader.texts(NODE_SELECTOR),
            node_terms=_node_terms(reader),
            tolerations=tuple(_toleration(item) for item in reader.readers(TOLERATIONS)),
            affinity=_AFFINITY.read(reader, namespace=meta.namespace),
            anti_affinity=ANTI_AFFINITY.read(reader, namespace=meta.namespace),
            spread=_SPREAD.read(reader, labels=meta.labels),
            host_ports=_host_ports(reader),
            claims=tuple(name for item in reader.readers(VOLUMES) if (name := item.text(CLAIM_NAME))),
            has_resource_claims=bool(reader.items(RESOURCE_CLAIMS)),
            is_gated=bool(reader.items(GATES)),
            scheduler=reader.text(SCHEDULER),
            problems=tuple(dict.fromkeys(reader.problems)),
        )

    @property
    def label(self) -> str:
        """`Pod namespace/name`, as evidence names it."""
        return f"Pod {self.meta.namespace}/{self.meta.name}"

    @property
    def owner(self) -> str:
        """The UID of the VMI it was made for, "" where it is no launcher pod."""
        return self.meta.labels.get(LABEL_CREATED_BY, "")


@dataclass(frozen=True)
class PodOnNode:
    """What a pod that has its node holds there. A finished one holds nothing."""

    meta: Meta
    node: str
    is_finished: bool
    units: Mapping[str, int]
    anti_affinity: tuple[PodTerm, ...]
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> PodOnNode:
        """The pod in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        meta = META.read(reader)
        return cls(
            meta=meta,
            node=reader.text(NODE),
            is_finished=reader.text(PHASE) in ("Succeeded", "Failed"),
            units=_units(obj, reader=reader),
            anti_affinity=ANTI_AFFINITY.read(reader, namespace=meta.namespace),
            problems=tuple(dict.fromkeys(reader.problems)),
        )

    @property
    def owner(self) -> str:
        """The UID of the VMI it was made for, "" where it is no launcher pod."""
        return self.meta.labels.get(LABEL_CREATED_BY, "")

    @property
    def name(self) -> str:
        """`namespace/name`."""
        return f"{self.meta.namespace}/{self.meta.name}"


def namespace_labels(objects: Iterable[Any], /) -> dict[str, Mapping[str, str]]:
    """Labels by name of these Namespace objects; one that cannot be read counts as not given."""
    found = {}
    for obj in objects:
        reader = Reader(obj)
        meta = _NAMESPACE_META.read(reader)
        if not reader.problems:
            found[meta.name] = meta.labels
    return found


def group_by_node(pods: Iterable[PodOnNode], /, *, names: Iterable[str]) -> dict[str, list[PodOnNode]]:
    """The pods on each of the nodes `names`, which were all read. Pods elsewhere or without a node are left out.

    A pod whose node cannot be read may be on any of them, and stands at the first.
    """
    found: dict[str, list[PodOnNode]] = {name: [] for name in names}
    for pod in pods:
        if pod.node in found:
            found[pod.node].append(pod)
        elif not pod.node and pod.problems and found:
            next(iter(found.values())).append(pod)
    return found


def _units(obj: Any, *, reader: Reader) -> Units:
    _check_amounts(reader)
    try:
        return scheduler_units(pod_requests(with_given_requests(obj, reader=reader)))
    except QuantityError as error:
        reader.problems.append(f"resources.requests is not readable: {error}")
        return {}


def _check_amounts(reader: Reader) -> None:
    """What of the requests has a wrong shape would count as nothing: name it."""
    for containers, amounts in ((CONTAINERS, CONTAINER_REQUESTS), (INIT_CONTAINERS, INIT_REQUESTS)):
        for item in reader.readers(containers):
            item.mapping(amounts)
            item.text(INIT_RESTART_POLICY)
    reader.mapping(OVERHEAD)
    reader.mapping(POD_REQUESTS)


def _node_terms(reader: Reader) -> tuple[NodeTerm, ...] | None:
    items = reader.readers(NODE_TERMS)
    if not NODE_TERMS.present(reader.obj):
        return None
    return tuple(NodeTerm(_EXPRESSIONS.read(item), _FIELDS.read(item)) for item in items)


def _toleration(item: Reader) -> Toleration:
    return Toleration(**{name: item.text(field) for name, field in _TOLERATION.items()})


def _host_ports(reader: Reader) -> tuple[int, ...]:
    found = []
    for (containers, ports), host_port in zip(_PORTS, _HOST_PORTS, strict=True):
        for container in reader.readers(containers):
            found += [item.integer(host_port) or 0 for item in container.readers(ports)]
    return tuple(port for port in found if port)
