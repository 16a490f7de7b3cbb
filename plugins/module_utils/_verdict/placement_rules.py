# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why one node by itself cannot take a pod: labels, cordon, taints, CPU, size. No other pod matters here.

This module is private to the collection and may change without notice.
Rules: k8s.io/kubernetes/pkg/scheduler/framework/plugins/{nodeunschedulable,tainttoleration,nodeaffinity,noderesources};
KubeVirt v1.9.0, pkg/virt-controller/services/nodeselectorrenderer.go, pkg/virt-controller/watch/migration/migration.go
(a host-model VM's target carries selectors for the source's CPU model, features, vendor and TSC frequency).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import (
    ALLOCATABLE,
    LABEL_SCHEDULABLE,
    META,
    TAINTS,
    UNSCHEDULABLE,
    Node,
    Taint,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    format_bytes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import (
    PodNeeds,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.units import CPU

__all__ = [
    "CLOSED_CODES",
    "CPU_CODES",
    "NOT_JUDGED",
    "RESOURCE_CODES",
    "Exclusion",
    "exclude",
    "group_phrase",
    "honors_affinity",
    "honors_taints",
    "shortages",
    "static_exclusions",
    "static_fits",
]

NOT_JUDGED = "NotJudged"
TAINT_CORDON = "node.kubernetes.io/unschedulable"
_KEEPING_OUT = ("NoSchedule", "NoExecute")

# What of one node, and what of several; {} stands for the subject.
PHRASES: dict[str, tuple[str, str]] = {
    "Excluded": ("is left out on request", "left out on request"),
    "Drained": ("is to be drained", "to be drained"),
    "NoVirtHandler": ("runs no virt-handler", "run no virt-handler"),
    "NotSchedulable": ("is not schedulable for VMs", "not schedulable for VMs"),
    "Cordoned": ("is cordoned", "cordoned"),
    "Tainted": ("has the taint {}", "have the taint {}"),
    "NodeSelectorMismatch": ("lacks the label {}", "lack the label {}"),
    "NodeAffinityMismatch": ("does not fit the node affinity {}", "do not fit the node affinity {}"),
    "CPUModelMissing": ("lacks cpu model {}", "lack cpu model {}"),
    "CPUFeatureMissing": ("lacks cpu feature {}", "lack cpu feature {}"),
    "CPUVendorMismatch": ("is not of cpu vendor {}", "not of cpu vendor {}"),
    "TSCFrequencyMismatch": ("has no TSC frequency {}", "have no TSC frequency {}"),
    "VMRunsHere": ("has a pod of the VM already", "have a pod of the VM already"),
    "PodAntiAffinity": ("is kept free by an anti-affinity", "kept free by an anti-affinity"),
    "PodAffinity": ("is not near the pods of the pod affinity", "not near the pods of the pod affinity"),
    "TopologySpread": ("would break the spread over {}", "would break the spread over {}"),
    "InsufficientCPU": ("has less than {} cpu free", "have less than {} cpu free"),
    "InsufficientMemory": ("has less than {} memory free", "have less than {} memory free"),
    "InsufficientHugepages": ("has less than {} free", "have less than {} free"),
    "InsufficientEphemeralStorage": (
        "has less than {} ephemeral storage free",
        "have less than {} ephemeral storage free",
    ),
    "InsufficientDevices": ("has less than {} free", "have less than {} free"),
    "TooManyPods": ("takes no more pods", "take no more pods"),
    NOT_JUDGED: ("cannot be judged", "cannot be judged"),
}
CPU_CODES = ("CPUModelMissing", "CPUFeatureMissing", "CPUVendorMismatch", "TSCFrequencyMismatch")
CLOSED_CODES = ("NotSchedulable", "Cordoned", "Tainted")
RESOURCE_CODES = (
    "InsufficientCPU",
    "InsufficientMemory",
    "InsufficientHugepages",
    "InsufficientEphemeralStorage",
    "InsufficientDevices",
    "TooManyPods",
)
# Selectors that come from the CPU the VM sees, by the beginning of their key.
_CPU_SELECTORS = {
    "cpu-model-migration.node.kubevirt.io/": "CPUModelMissing",
    "cpu-model.node.kubevirt.io/": "CPUModelMissing",
    "cpu-feature.node.kubevirt.io/": "CPUFeatureMissing",
    "cpu-vendor.node.kubevirt.io/": "CPUVendorMismatch",
    "scheduling.node.kubevirt.io/tsc-frequency-": "TSCFrequencyMismatch",
}


@dataclass(frozen=True)
class Exclusion:
    """One reason why `node` cannot take the pod.

    `text` goes on from the node's name; `subject` is what it is about. `field` is where in the node's object it shows
    with `value`, "" where it does not show there.
    """

    node: str
    code: str
    text: str
    subject: str = ""
    field: str = ""
    value: str = ""


def exclude(
    node: Node, code: str, /, *, subject: str = "", detail: str = "", field: str = "", value: str = ""
) -> Exclusion:
    """The exclusion of `node` in the words of PHRASES, with a detail behind."""
    text = PHRASES[code][0].format(subject)
    return Exclusion(node.name, code, f"{text}: {detail}" if detail else text, subject, field, value)


def _by_label(node: Node, code: str, key: str, /, *, subject: str, detail: str = "") -> Exclusion:
    """An exclusion that shows in one label of the node, or in its absence."""
    field = f"{META.labels.path}[{key}]"
    return exclude(node, code, subject=subject, detail=detail, field=field, value=node.labels.get(key, ""))


def group_phrase(code: str, subject: str, /, *, count: int) -> str:
    """How a summary says it of `count` nodes: `5 lack cpu model Skylake-Server`."""
    phrase = PHRASES[code][0 if count == 1 else 1].format(subject)
    return f"{count} {phrase.removeprefix('is ')}"


def static_exclusions(needs: PodNeeds, node: Node, /) -> tuple[Exclusion, ...]:
    """Every reason that the node's object and the pod alone give, in the order in which they are named."""
    return tuple(_static_exclusions(needs, node))


def static_fits(needs: PodNeeds, node: Node, /) -> bool:
    """Whether the node passes all rules that need no pods to be read."""
    return next(_static_exclusions(needs, node), None) is None


def _static_exclusions(needs: PodNeeds, node: Node) -> Iterator[Exclusion]:
    return (found for rule in _STATIC_RULES for found in rule(needs, node))


def _unreadable(needs: PodNeeds, node: Node, /) -> Iterator[Exclusion]:
    for what, problems in (("the pod", needs.problems), ("the node", node.problems)):
        if problems:
            yield exclude(node, NOT_JUDGED, detail=f"{what} cannot be read: {problems[0]}")


def _schedulable_label(needs: PodNeeds, node: Node, /) -> Iterator[Exclusion]:
    wanted = needs.node_selector.get(LABEL_SCHEDULABLE)
    found = node.labels.get(LABEL_SCHEDULABLE)
    if wanted is None or wanted == found:
        return
    if found is None:
        yield _by_label(node, "NoVirtHandler", LABEL_SCHEDULABLE, subject="", detail=f"no label {LABEL_SCHEDULABLE}")
    else:
        yield _by_label(node, "NotSchedulable", LABEL_SCHEDULABLE, subject="", detail=f"{LABEL_SCHEDULABLE}={found}")


def _cordon_and_taints(needs: PodNeeds, node: Node, /) -> Iterator[Exclusion]:
    cordon = Taint(TAINT_CORDON, "", "NoSchedule", None)
    taints = [cordon] if node.cordoned else []
    taints += [taint for taint in node.taints if not (node.cordoned and taint.key == TAINT_CORDON)]
    for taint in taints:
        tolerated = _tolerated(needs, taint)
        if tolerated is None:
            detail = f"a toleration of {taint.key} compares numbers, which hangs on a feature gate"
            yield exclude(node, NOT_JUDGED, detail=detail)
        elif not tolerated and taint.key == TAINT_CORDON:
            field = UNSCHEDULABLE.path if node.cordoned else TAINTS.path
            yield exclude(node, "Cordoned", field=field, value="true" if node.cordoned else taint.key)
        elif not tolerated:
            shown = f"{taint.key}={taint.value}" if taint.value else taint.key
            whole = f"{shown}:{taint.effect}"
            yield exclude(node, "Tainted", subject=whole, field=TAINTS.path, value=whole)


def _tolerated(needs: PodNeeds, taint: Taint) -> bool | None:
    if taint.effect not in _KEEPING_OUT:
        return True
    answers = [toleration.tolerates(taint) for toleration in needs.tolerations]
    return True if True in answers else None if None in answers else False


def honors_taints(needs: PodNeeds, node: Node, /) -> bool | None:
    """Whether the pod tolerates the node's taints; a cordon without its taint does not count here."""
    answers = [_tolerated(needs, taint) for taint in node.taints]
    return False if False in answers else None if None in answers else True


def _node_selector(needs: PodNeeds, node: Node, /) -> Iterator[Exclusion]:
    for key, value in needs.node_selector.items():
        if key == LABEL_SCHEDULABLE or _cpu_selector(key) or node.labels.get(key) == value:
            continue
        found = node.labels.get(key)
        detail = "" if found is None else f"it has {key}={found}"
        yield _by_label(node, "NodeSelectorMismatch", key, subject=f"{key}={value}", detail=detail)


def _node_affinity(needs: PodNeeds, node: Node, /) -> Iterator[Exclusion]:
    fits = _fits_terms(needs, node)
    if fits:
        return
    wanted = " or ".join(term.text() for term in needs.node_terms or ()) or "nothing"
    if fits is None:
        yield exclude(node, NOT_JUDGED, detail=f"the node affinity has an operator that is not known: {wanted}")
    else:
        yield exclude(node, "NodeAffinityMismatch", subject=wanted)


def _fits_terms(needs: PodNeeds, node: Node) -> bool | None:
    if needs.node_terms is None:
        return True
    answers = [term.matches(node.labels, name=node.name) for term in needs.node_terms]
    return True if True in answers else None if None in answers else False


def honors_affinity(needs: PodNeeds, node: Node, /) -> bool | None:
    """Whether the node fits the pod's node selector and required node affinity."""
    if any(node.labels.get(key) != value for key, value in needs.node_selector.items()):
        return False
    return _fits_terms(needs, node)


@lru_cache(maxsize=4096)
def _cpu_selector(key: str) -> tuple[str, str] | None:
    """The code and what it is about, for a selector that comes from the VM's CPU."""
    for prefix, code in _CPU_SELECTORS.items():
        if key.startswith(prefix):
            return code, key[len(prefix) :]
    return None


def _cpu_rules(needs: PodNeeds, node: Node, /) -> Iterator[Exclusion]:
    missing: dict[str, list[tuple[str, str]]] = {}
    for key, value in needs.node_selector.items():
        found = _cpu_selector(key)
        if found and node.labels.get(key) != value:
            missing.setdefault(found[0], []).append((found[1], key))
    for code in CPU_CODES:
        if code in missing:
            names = sorted(missing[code])
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            subject = ", ".join(name for name, _key in names[:3]) + more
            yield _by_label(node, code, names[0][1], subject=subject)


def _size(needs: PodNeeds, node: Node, /) -> Iterator[Exclusion]:
    """An empty node would be too small."""
    room = node.allocatable_units
    if room is None:
        yield exclude(node, NOT_JUDGED, detail="an amount in status.allocatable cannot be read")
    else:
        yield from shortages(needs, node, free=room, whole=True)


def _beyond_knowledge(needs: PodNeeds, node: Node, /) -> Iterator[Exclusion]:
    if needs.host_ports:
        yield exclude(node, NOT_JUDGED, detail="the pod asks for ports of its host, which are not compared")
    if needs.has_resource_claims:
        yield exclude(node, NOT_JUDGED, detail="the pod has resource claims (dynamic resource allocation)")


_STATIC_RULES: tuple[Callable[[PodNeeds, Node], Iterator[Exclusion]], ...] = (
    _schedulable_label,
    _cordon_and_taints,
    _node_selector,
    _node_affinity,
    _cpu_rules,
    _size,
    _unreadable,
    _beyond_knowledge,
)


def shortages(needs: PodNeeds, node: Node, /, *, free: Mapping[str, int], whole: bool = False) -> Iterator[Exclusion]:
    """What is short where `free` is left; `whole`: where that is all the node has. `pods` counts one for the pod."""
    for name, wanted in {**needs.units, "pods": 1}.items():
        left = free.get(name, 0)
        if wanted > 0 and wanted > left:
            yield _shortage(node, name, wanted=wanted, left=left, whole=whole)


def _shortage(node: Node, name: str, *, wanted: int, left: int, whole: bool) -> Exclusion:
    have, short = _amount(name, max(left, 0)), _amount(name, wanted - left)
    detail = f"it has {have}{' at all' if whole else ''}, {short} too little"
    field = f"{ALLOCATABLE.path}[{name}]"
    value = str(node.allocatable.get(name, ""))
    if name == "pods":
        detail = "" if left == 0 and not whole else detail
        return exclude(node, "TooManyPods", detail=detail, field=field, value=value)
    code = _RESOURCE_CODES.get(name, "InsufficientHugepages" if _is_hugepages(name) else "InsufficientDevices")
    subject = _amount(name, wanted)
    subject = subject if name in _RESOURCE_CODES else f"{subject} {name}"
    return exclude(node, code, subject=subject, detail=detail, field=field, value=value)


_RESOURCE_CODES = {
    CPU: "InsufficientCPU",
    "memory": "InsufficientMemory",
    "ephemeral-storage": "InsufficientEphemeralStorage",
}


def _is_hugepages(name: str) -> bool:
    return name.startswith("hugepages-")


def _amount(name: str, units: int) -> str:
    if name == CPU:
        return f"{units}m" if units % 1000 else str(units // 1000)
    is_bytes = name in _RESOURCE_CODES or _is_hugepages(name)
    return format_bytes(units) if is_bytes else str(units)
