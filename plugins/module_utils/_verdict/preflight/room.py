# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether there is room for the VM's target pod: a node that takes it, and the quotas of its namespace.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    format_bytes,
    format_quantity,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quota import HARD, USED, ResourceQuota
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import UNHEALTHY
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import (
    Placement,
    find_candidates,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement_rules import (
    NOT_JUDGED,
    Exclusion,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Found,
    Grounds,
    Subject,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.together import (
    Places,
    Room,
    Together,
)

__all__ = ["find_quota", "find_room", "find_together", "place_alone"]

_MOST_EVIDENCE = 10


def place_alone(subject: Subject, places: Places, /) -> Placement | None:
    """Where the VM could go if it alone moved now; None where its target pod is not known."""
    if subject.target is None:
        return None
    return _place(subject.target.needs, places)


def _place(needs: PodNeeds, places: Places) -> Placement:
    return find_candidates(
        needs,
        places.nodes,
        pods_by_node=places.pods,
        namespaces=places.namespaces,
        left_out=places.left_out,
        drained=places.drained,
    )


def find_room(grounds: Grounds, subject: Subject, places: Places | None, /) -> Iterator[Found]:
    """Whether a node takes the target pod."""
    placement = subject.placement
    if places is None or placement is None:
        rules = grounds.snapshot.unseen_for("placement/nodes") or grounds.hidden("pods", namespace=subject.key[0])
        yield Gap("TargetPodUnschedulable", rules, why="" if rules else "its launcher pod was not found")
    elif placement.possible:
        yield from _in_trouble(grounds, placement)
    elif (doubt := _not_judged(placement)) is not None:
        rules = grounds.snapshot.unseen_for("placement/pods")
        why = "" if rules else f"where its target pod could go: a node {doubt.text}"
        yield Gap("TargetPodUnschedulable", rules, why=why)
    elif names := _decisive_selectors(subject, places):
        why = f"its pod selects nodes by {', '.join(names)}, which the next one may not: no other node has that"
        yield Gap("TargetPodUnschedulable", (), why=why)
    else:
        yield _unschedulable(subject, placement, {node.name: node for node in places.nodes})


def _not_judged(placement: Placement) -> Exclusion | None:
    """Why it is not known of a node whether it could take the pod; None where it is known of all."""
    return next((one for one in placement.excluded if one.code == NOT_JUDGED), None)


def _decisive_selectors(subject: Subject, places: Places) -> tuple[str, ...]:
    """The uncertain selectors, where a node could take the pod without them."""
    target = subject.target
    if target is None:
        return ()
    placement = _place(target.without_uncertain, places)
    return target.uncertain if placement.possible or _not_judged(placement) is not None else ()


def _unschedulable(subject: Subject, placement: Placement, nodes: Mapping[str, Node]) -> Cause:
    seen = tuple(_seen(one.node, one.field, one.value, one.text) for one in placement.excluded[:_MOST_EVIDENCE])
    alone = "the cluster has no node" if not nodes else placement.summary
    summary = f"No other node takes the VM: {alone}."
    names = {"node": subject.node, "namespace": subject.key[0]}
    return Cause("TargetPodUnschedulable", summary, "maybe", None, seen, names=names)


def _seen(node: str, field: str, value: str, text: str) -> Evidence:
    return Evidence(f"Node {node}", field, f"{value} ({text})" if value else text)


def _in_trouble(grounds: Grounds, placement: Placement) -> Iterator[Found]:
    """All nodes that could take it are unhealthy: the migration would hang there."""
    verdicts = [grounds.health.get(name) for name in placement.possible]
    sick = [one for one in verdicts if one is not None and one.verdict == UNHEALTHY]
    if len(sick) < len(verdicts):
        return
    said = "; ".join(f"{one.name} is {one.verdict}: {one.reasons[0].message}" for one in sick[:3])
    seen = tuple(one.reasons[0].evidence for one in sick[:_MOST_EVIDENCE])
    summary = f"Only nodes in trouble take the VM: {said.rstrip('.')}."
    yield Cause("TargetNodesUnhealthy", summary, "maybe", None, seen, names={"node": sick[0].name})


def find_together(together: Together | None, subject: Subject, /, *, total: int) -> Iterator[Found]:
    """What comes of it that others move at the same time. `total`: how many have a place when they move alone."""
    if together is None:
        return
    if together.proof is not None and subject.key in together.proof.keys:
        yield _cannot_all(together.proof)
    elif subject.key in together.unplaced:
        placed = total - len(together.unplaced)
        summary = (
            f"Alone it finds a place, but no way was found to place all {total} VMs: this one was left over when "
            f"{placed} had their place. Whether there is a way is not proven."
        )
        yield Cause("PlacementNotProven", summary, "maybe", None, (), confidence="possible")


def _cannot_all(proof: Room) -> Cause:
    nodes = ", ".join(proof.nodes[:5]) + (f" and {len(proof.nodes) - 5} more" if len(proof.nodes) > 5 else "")
    vms = ", ".join("/".join(key) for key in proof.keys[:5])
    vms += f" and {len(proof.keys) - 5} more" if len(proof.keys) > 5 else ""
    if proof.resource:
        needed, free = _amount(proof.resource, proof.needed), _amount(proof.resource, proof.free)
        what = f"together they ask for {needed} {proof.resource}, and {free} is free there"
    else:
        what = f"there is room for {proof.free} of these {proof.needed} at most"
    summary = f"Not all of {vms} find a place: they can go to {nodes} only, and {what}."
    seen = (Evidence(f"Nodes {nodes}", proof.resource or "places for these VMs", str(proof.free)),)
    return Cause("NodesCannotHoldAll", summary, "maybe", None, seen)


def _amount(resource: str, units: int) -> str:
    """Scheduler units for people."""
    if resource == "cpu":
        return format_quantity(Fraction(units, 1000))
    is_bytes = resource in ("memory", "ephemeral-storage") or resource.startswith("hugepages-")
    return format_bytes(units) if is_bytes else str(units)


# -- quotas


def find_quota(grounds: Grounds, subject: Subject, siblings: Sequence[Subject], /) -> Iterator[Found]:
    """Whether the namespace's quotas hold source and target pod at once. `siblings`: the VMs of the drain in the same
    namespace that could run at a time, this one among them."""
    namespace = subject.key[0]
    rules = grounds.hidden("quotas", namespace=namespace)
    if rules:
        yield Gap("ResourceQuotaExceeded", rules)
        return
    for quota in grounds.quotas:
        # One whose namespace cannot be read may be of this one.
        is_own = quota.meta.namespace == namespace or (bool(quota.problems) and not quota.meta.namespace)
        if is_own and quota.applies is not False:
            yield from _of_quota(quota, subject, siblings)


def _of_quota(quota: ResourceQuota, subject: Subject, siblings: Sequence[Subject]) -> Iterator[Found]:
    if quota.problems or subject.usage is None:
        what = quota.problems[0] if quota.problems else "what its target pod asks for cannot be read"
        yield Gap("ResourceQuotaExceeded", (), why=f"{quota.label}: {what}")
        return
    short = [
        name for name in sorted(quota.free) if subject.usage.get(name, Fraction(0)) > max(quota.free[name], Fraction(0))
    ]
    if short and quota.applies is None:
        why = f"whether {quota.label} is about its pod hangs on a scope that is not judged here"
        yield Gap("ResourceQuotaExceeded", (), why=why)
    elif short:
        yield _exceeded(quota, subject.usage, short)
    elif quota.applies:
        yield from _tight(quota, siblings)


def _exceeded(quota: ResourceQuota, usage: Mapping[str, Fraction], short: Sequence[str]) -> Cause:
    said = [
        f"{name}: {_quota_amount(name, usage[name])} needed, {_quota_amount(name, max(quota.free[name], Fraction(0)))}"
        f" free of {_quota_amount(name, quota.hard[name])}"
        for name in short
    ]
    summary = (
        f"While a VM moves it has two pods, and the quota {quota.meta.name} has no room for the second "
        f"({'; '.join(said)})."
    )
    seen = tuple(
        one
        for name in short[:5]
        for one in (
            Evidence(quota.label, f"{HARD.path}.{name}", _quota_amount(name, quota.hard[name])),
            Evidence(quota.label, f"{USED.path}.{name}", _quota_amount(name, quota.hard[name] - quota.free[name])),
        )
    )
    names = {"quota": quota.meta.name, "namespace": quota.meta.namespace}
    return Cause("ResourceQuotaExceeded", summary, "no", None, seen, names=names)


def _tight(quota: ResourceQuota, siblings: Sequence[Subject]) -> Iterator[Found]:
    """Room for some of those that could run at a time: KubeVirt tries the others again when quota becomes free."""
    usages = [one.usage for one in siblings if one.usage is not None]
    for name, free in sorted(quota.free.items()):
        asked = sorted((usage.get(name, Fraction(0)) for usage in usages), reverse=True)
        # One that the pods do not ask for may be overdrawn: that holds none of them.
        if sum(asked) <= max(free, Fraction(0)):
            continue
        count = sum(total <= free for total in accumulate(asked))
        seen = (Evidence(quota.label, f"{USED.path}.{name}", _quota_amount(name, quota.hard[name] - free)),)
        summary = (
            f"The quota {quota.meta.name} has {_quota_amount(name, free)} {name} free, enough for {max(count, 1)} of "
            f"the {len(usages)} target pods that could run at a time; the others wait until a source pod has ended."
        )
        names = {"quota": quota.meta.name, "namespace": quota.meta.namespace}
        yield Cause("ResourceQuotaTight", summary, "yes", None, seen, names=names)
        return


def _quota_amount(name: str, amount: Fraction) -> str:
    is_bytes = name.rpartition(".")[2] in ("memory", "ephemeral-storage", "storage") or "hugepages-" in name
    return format_bytes(int(amount)) if is_bytes else format_quantity(amount)
