# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a node cannot take a pod because of the pods that are there, or elsewhere: affinity, spread, room.

This module is private to the collection and may change without notice.
Rules: k8s.io/kubernetes/pkg/scheduler/framework/plugins/{interpodaffinity,podtopologyspread,noderesources}/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodNeeds,
    PodOnNode,
    PodTerm,
    SpreadRule,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement_rules import (
    NOT_JUDGED,
    Exclusion,
    exclude,
    honors_affinity,
    honors_taints,
    shortages,
)

__all__ = ["HOSTNAME", "Neighbourhood", "neighbour_exclusions"]

HOSTNAME = "kubernetes.io/hostname"

# A label of nodes and its value: all nodes that share it are one domain.
Domain = tuple[str, str]


@dataclass(frozen=True)
class Barrier:
    """Nodes of a domain are closed to the pod because of `pod`; `certain` False: perhaps they are."""

    pod: PodOnNode
    certain: bool


@dataclass(frozen=True)
class Neighbourhood:
    """All nodes and the pods on them. A node whose pods were not read is missing in `pods`.

    `namespaces` are the labels of namespaces, where known. Finished pods must have been left out.
    """

    needs: PodNeeds
    nodes: Mapping[str, Node]
    pods: Mapping[str, Sequence[PodOnNode]]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def unread(self) -> frozenset[str]:
        """Nodes whose pods were not read."""
        return frozenset(self.nodes) - frozenset(self.pods)

    @cached_property
    def spoilt(self) -> str:
        """What of the nodes and pods cannot be read, "" if nothing: whom they keep out, and where, is then unknown."""
        for node in self.nodes.values():
            if node.problems:
                return f"{node.label} cannot be read: {node.problems[0]}"
        problems = (
            f"Pod {pod.name} cannot be read: {pod.problems[0]}" for _node, pod in self.located() if pod.problems
        )
        return next(problems, "")

    def located(self) -> Iterator[tuple[Node, PodOnNode]]:
        """Every pod with its node."""
        for name, node in self.nodes.items():
            for pod in self.pods.get(name, ()):
                yield node, pod

    @cached_property
    def barriers(self) -> Mapping[Domain, tuple[Barrier, ...]]:
        """What anti-affinity closes, both the pod's own and that of the pods there."""
        found: dict[Domain, list[Barrier]] = {}
        for node, pod in self.located():
            for term, answer in self._opposing(pod):
                if answer is not False and term.topology_key in node.labels:
                    domain = (term.topology_key, node.labels[term.topology_key])
                    found.setdefault(domain, []).append(Barrier(pod, answer is True))
        return {domain: tuple(some) for domain, some in found.items()}

    def _opposing(self, pod: PodOnNode) -> Iterator[tuple[PodTerm, bool | None]]:
        for term in self.needs.anti_affinity:
            yield term, self._means(term, pod)
        for term in pod.anti_affinity:
            meta = self.needs.meta
            yield term, term.matches(meta.labels, namespace=meta.namespace, known=self.namespaces)

    def _means(self, term: PodTerm, pod: PodOnNode) -> bool | None:
        return term.matches(pod.meta.labels, namespace=pod.meta.namespace, known=self.namespaces)

    @cached_property
    def friends(self) -> tuple[frozenset[Domain], bool]:
        """Domains that hold a pod of the pod affinity, and whether others may."""
        found: set[Domain] = set()
        unsure = bool(self.unread)
        for node, pod in self.located():
            answers = [self._means(term, pod) for term in self.needs.affinity]
            if False in answers:
                continue
            unsure = unsure or None in answers
            keys = [term.topology_key for term in self.needs.affinity if None not in answers]
            found.update((key, node.labels[key]) for key in keys if key in node.labels)
        return frozenset(found), unsure

    @cached_property
    def is_own_friend(self) -> bool | None:
        """Whether the pod's affinity means the pod itself: then it may be the first of its kind."""
        meta = self.needs.meta
        terms = self.needs.affinity
        answers = [term.matches(meta.labels, namespace=meta.namespace, known=self.namespaces) for term in terms]
        return False if False in answers else None if None in answers else True

    @cached_property
    def spread_counts(self) -> tuple[Mapping[str, int] | None, ...]:
        """For each spread rule of the pod: pods by the value of its topology; None where that is not known."""
        return tuple(self._count(rule) for rule in self.needs.spread)

    def _count(self, rule: SpreadRule) -> Mapping[str, int] | None:
        counts: dict[str, int] = {}
        keys = [one.topology_key for one in self.needs.spread]
        for name, node in self.nodes.items():
            takes_part = self._takes_part(rule, node) if all(key in node.labels for key in keys) else False
            if takes_part is False:
                continue
            number = self._number(rule, name) if takes_part else None
            if number is None:
                return None
            value = node.labels[rule.topology_key]
            counts[value] = counts.get(value, 0) + number
        return counts

    def _takes_part(self, rule: SpreadRule, node: Node) -> bool | None:
        answers = [
            honors_affinity(self.needs, node) if rule.honors_affinity else True,
            honors_taints(self.needs, node) if rule.honors_taints else True,
        ]
        return False if False in answers else None if None in answers else True

    def _number(self, rule: SpreadRule, name: str) -> int | None:
        """How many pods of that node count; None where they were not read or one cannot be judged."""
        if rule.selector is None or rule.selector.is_empty:
            return 0
        if name in self.unread:
            return None
        own = [pod for pod in self.pods[name] if pod.meta.namespace == self.needs.meta.namespace]
        answers = [rule.selector.matches(pod.meta.labels) for pod in own if pod.meta.deleted_at is None]
        return None if None in answers else answers.count(True)


def neighbour_exclusions(around: Neighbourhood, node: Node, /) -> tuple[Exclusion, ...]:
    """Every reason that other pods give, for a node whose pods were read."""
    found = [*_anti_affinity(around, node), *_affinity(around, node), *_spread(around, node), *_room(around, node)]
    if around.spoilt and not node.problems:
        found.append(exclude(node, NOT_JUDGED, detail=around.spoilt))
    return tuple(found)


def _anti_affinity(around: Neighbourhood, node: Node, /) -> Iterator[Exclusion]:
    barriers = [barrier for domain in node.labels.items() for barrier in around.barriers.get(domain, ())]
    certain = [barrier.pod for barrier in barriers if barrier.certain]
    own = [pod for pod in certain if pod.owner and pod.owner == around.needs.owner]
    if own:
        yield exclude(node, "VMRunsHere", detail=own[0].name)
    elif certain:
        more = f" and {len(certain) - 1} more" if len(certain) > 1 else ""
        yield exclude(node, "PodAntiAffinity", detail=f"Pod {certain[0].name} on {certain[0].node}{more}")
    elif barriers:
        detail = f"whether an anti-affinity with {barriers[0].pod.name} holds depends on labels of its namespace"
        yield exclude(node, NOT_JUDGED, detail=detail)
    else:
        yield from _unread_domain(around, node)


def _unread_domain(around: Neighbourhood, node: Node) -> Iterator[Exclusion]:
    """The pod's own anti-affinity reaches beyond the node, to nodes whose pods were not read."""
    for key in {term.topology_key for term in around.needs.anti_affinity}:
        unread = [name for name in sorted(around.unread) if _shares(node, around.nodes[name], key=key)]
        if unread:
            yield exclude(node, NOT_JUDGED, detail=f"the pods of {unread[0]}, of the same {key}, were not read")


def _shares(node: Node, other: Node, *, key: str) -> bool:
    return key in node.labels and node.labels[key] == other.labels.get(key)


def _affinity(around: Neighbourhood, node: Node, /) -> Iterator[Exclusion]:
    keys = [term.topology_key for term in around.needs.affinity]
    missing = [key for key in keys if key not in node.labels]
    if missing:
        yield exclude(node, "PodAffinity", detail=f"it has no label {missing[0]}")
        return
    domains, unsure = around.friends
    if all((key, node.labels[key]) in domains for key in keys):
        return
    first = around.is_own_friend if not domains else False
    if unsure or first is None:
        yield exclude(node, NOT_JUDGED, detail="not all pods that the pod affinity may mean are known")
    elif not first:
        yield exclude(node, "PodAffinity")


def _spread(around: Neighbourhood, node: Node, /) -> Iterator[Exclusion]:
    for rule, counts in zip(around.needs.spread, around.spread_counts, strict=True):
        if rule.topology_key not in node.labels:
            yield exclude(node, "TopologySpread", subject=rule.topology_key, detail="it has no such label")
        elif counts is None:
            yield exclude(node, NOT_JUDGED, detail=f"the pods spread over {rule.topology_key} are not all known")
        else:
            yield from _skew(around, node, rule=rule, counts=counts)


def _skew(around: Neighbourhood, node: Node, *, rule: SpreadRule, counts: Mapping[str, int]) -> Iterator[Exclusion]:
    least = min(counts.values()) if counts and len(counts) >= rule.min_domains else 0
    itself = rule.selector.matches(around.needs.meta.labels) if rule.selector is not None else False
    if itself is None:
        yield exclude(node, NOT_JUDGED, detail="the topology spread has an operator that is not known")
        return
    there = counts.get(node.labels[rule.topology_key], 0)
    if there + int(itself) - least > rule.max_skew:
        detail = f"{there} there, {least} elsewhere, at most {rule.max_skew} apart"
        yield exclude(node, "TopologySpread", subject=rule.topology_key, detail=detail)


def _room(around: Neighbourhood, node: Node, /) -> Iterator[Exclusion]:
    room = node.allocatable_units
    if room is None:  # said by the rules of the node alone
        return
    free = dict(room)
    for pod in around.pods[node.name]:
        for name, amount in {**pod.units, "pods": 1}.items():
            free[name] = free.get(name, 0) - amount
    yield from shortages(around.needs, node, free=free)
