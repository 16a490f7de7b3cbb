# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes could take a launcher pod now, and for every other one why not.

This module is private to the collection and may change without notice.

It says what kube-scheduler would say with its default plugins: a node is possible only where every rule is known to
hold. What cannot be judged excludes the node with the code NotJudged; what is judged for no node stands in
`not_judged`. The scheduler itself is the test (tests/integration/test_placement.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodNeeds,
    PodOnNode,
    PodTerm,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.neighbours import (
    HOSTNAME,
    Neighbourhood,
    neighbour_exclusions,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import (
    HEALTHY,
    NodeVerdict,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement_rules import (
    NOT_JUDGED,
    Exclusion,
    exclude,
    group_phrase,
    static_exclusions,
    static_fits,
)

__all__ = ["Placement", "find_candidates", "namespaces_to_read", "nodes_to_read", "static_fits"]

DEFAULT_SCHEDULER = "default-scheduler"
# More kinds of reasons than these make a sentence that nobody reads.
_MOST_GROUPS = 8


@dataclass(frozen=True)
class Placement:
    """The answer for one pod. `reasons` holds every node by name, without any reason where it is possible.

    `read` are the nodes whose pods were read: of the others only the rules of the node alone are known. `warnings`
    say that a node is not healthy; the scheduler does not ask for that. `not_judged` says what was left out of sight
    for every node.
    """

    pod: str
    reasons: Mapping[str, tuple[Exclusion, ...]]
    read: frozenset[str]
    warnings: tuple[Exclusion, ...]
    not_judged: tuple[str, ...]

    @property
    def possible(self) -> tuple[str, ...]:
        """Names of the nodes that could take the pod."""
        return tuple(name for name, found in self.reasons.items() if not found)

    @property
    def excluded(self) -> tuple[Exclusion, ...]:
        """For each of the other nodes the first reason."""
        return tuple(found[0] for found in self.reasons.values() if found)

    @property
    def summary(self) -> str:
        """`0 of 12 nodes: 5 lack cpu model Skylake-Server, 4 have less than 18.3 GiB memory free, 3 cordoned`."""
        head = f"{len(self.possible)} of {len(self.reasons)} nodes"
        groups: dict[tuple[str, str], int] = {}
        for one in self.excluded:
            groups[one.code, one.subject] = groups.get((one.code, one.subject), 0) + 1
        ordered = sorted(groups.items(), key=lambda group: (-group[1], group[0]))
        said = [group_phrase(code, subject, count=count) for (code, subject), count in ordered[:_MOST_GROUPS]]
        rest = sum(count for _group, count in ordered[_MOST_GROUPS:])
        said += [f"{rest} for other reasons"] if rest else []
        return f"{head}: {', '.join(said)}" if said else head


def find_candidates(
    needs: PodNeeds,
    nodes: Sequence[Node],
    /,
    *,
    pods_by_node: Mapping[str, Sequence[PodOnNode]],
    namespaces: Mapping[str, Mapping[str, str]] | None = None,
    left_out: Collection[str] = (),
    drained: Collection[str] = (),
    verdicts: Mapping[str, NodeVerdict] | None = None,
) -> Placement:
    """For every node whether it could take the pod now, or why not.

    `pods_by_node`: the pods on each node; a node that is not a key was not read, an empty list says that there are
    none. `namespaces`: labels by namespace, for namespace selectors. `left_out`: nodes that somebody does not want;
    `drained`: nodes that are about to be emptied. `verdicts`: the health of nodes, stated as warnings.
    """
    by_name = {node.name: node for node in sorted(nodes, key=lambda node: node.name)}
    alive = {name: _others(needs, pods_by_node[name]) for name in by_name if name in pods_by_node}
    around = Neighbourhood(needs, by_name, alive, namespaces or {})
    unwanted = {**dict.fromkeys(left_out, "Excluded"), **dict.fromkeys(drained, "Drained")}
    reasons = {name: _reasons(around, node, unwanted=unwanted) for name, node in by_name.items()}
    return Placement(
        pod=needs.label,
        reasons=reasons,
        read=frozenset(alive),
        warnings=_warnings(by_name, verdicts or {}),
        not_judged=_not_judged(around),
    )


def _others(needs: PodNeeds, pods: Sequence[PodOnNode]) -> tuple[PodOnNode, ...]:
    """Pods that hold something, without the pod itself (it may have been bound meanwhile)."""
    uid = needs.meta.uid
    return tuple(pod for pod in pods if not pod.is_finished and not (uid and pod.meta.uid == uid))


def nodes_to_read(needs: PodNeeds, nodes: Sequence[Node], /) -> tuple[str, ...]:
    """Names of the nodes whose pods find_candidates needs: those that fit by themselves.

    All of them where the pod has rules about pods beyond a single node: pod affinity, spread, an anti-affinity over
    zones.
    """
    fitting = sorted(node.name for node in nodes if static_fits(needs, node))
    wide = any(term.topology_key != HOSTNAME for term in needs.anti_affinity)
    if fitting and (needs.affinity or needs.spread or wide):
        return tuple(sorted(node.name for node in nodes))
    return tuple(fitting)


def namespaces_to_read(needs: PodNeeds, pods: Iterable[PodOnNode], /) -> tuple[str, ...]:
    """Names of the namespaces whose labels find_candidates needs: those of `pods` where a rule of the pod selects
    namespaces by their labels, its own where a rule of one of them does."""
    own, found = needs.meta.namespace, set()
    selects = any(_selects_by_label(term) for term in (*needs.affinity, *needs.anti_affinity))
    for pod in pods:
        if selects:
            found |= {own, pod.meta.namespace}
        if any(_selects_by_label(term) for term in pod.anti_affinity):
            found.add(own)
    return tuple(sorted(found - {""}))


def _selects_by_label(term: PodTerm) -> bool:
    return term.namespace_selector is not None and not term.namespace_selector.is_empty


def _reasons(around: Neighbourhood, node: Node, *, unwanted: Mapping[str, str]) -> tuple[Exclusion, ...]:
    found = [exclude(node, unwanted[node.name])] if node.name in unwanted else []
    found += static_exclusions(around.needs, node)
    if node.name in around.pods:
        # Too small when empty, it is too small with its pods: said once.
        said = {(one.code, one.subject) for one in found if one.code != NOT_JUDGED}
        found += [one for one in neighbour_exclusions(around, node) if (one.code, one.subject) not in said]
    elif not found:
        found = [exclude(node, NOT_JUDGED, detail="its pods were not read")]
    # A proven reason stands before one that could not be looked at.
    return tuple(sorted(found, key=lambda one: one.code == NOT_JUDGED))


def _warnings(nodes: Mapping[str, Node], verdicts: Mapping[str, NodeVerdict]) -> tuple[Exclusion, ...]:
    found = []
    for name in nodes:
        verdict = verdicts.get(name)
        if verdict is not None and verdict.verdict != HEALTHY:
            why = f": {verdict.reasons[0].message}" if verdict.reasons else ""
            found.append(Exclusion(name, f"Node{verdict.verdict.capitalize()}", f"is {verdict.verdict}{why}"))
    return tuple(found)


def _not_judged(around: Neighbourhood) -> tuple[str, ...]:
    needs = around.needs
    found = []
    if needs.claims:
        found.append(f"whether the volumes of its claims can be used on a node ({', '.join(needs.claims)})")
    if around.unread:
        number = len(around.unread)
        found.append(f"anti-affinity over several nodes of the pods on {number} nodes that were not read")
    if needs.is_gated:
        found.append("when its scheduling gates are lifted; no scheduler looks at it before")
    if needs.scheduler not in ("", DEFAULT_SCHEDULER):
        found.append(f"own rules of its scheduler {needs.scheduler}")
    return tuple(found)
