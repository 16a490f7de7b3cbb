# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which labels pick the VMs that need other settings, and none besides: the selectors of a MigrationPolicy for them.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migrationpolicy.go; the labels are those of the running VMI.
"""

from __future__ import annotations

import functools
import itertools
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import (
    MigrationPolicy,
    Selectors,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import match_policies

__all__ = ["Labelled", "Selection", "select_group"]

# Labels that KubeVirt and Kubernetes write and change by themselves.
_VOLATILE = frozenset(
    {
        "kubevirt.io/nodeName",
        "kubevirt.io/migrationTargetNodeName",
        "kubevirt.io/outdatedLauncherImage",
        "kubevirt.io/created-by",
        "kubevirt.io/migrationJobUID",
        "kubevirt.io/vmi-name",
        "pod-template-hash",
        "controller-revision-hash",
        "controller-uid",
    }
)
_GENERATED = re.compile(r"(?=[0-9a-f-]*[0-9])[0-9a-f]{8,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_SYSTEM = re.compile(r"(^|\.)(kubevirt\.io|kubernetes\.io|k8s\.io|openshift\.io)/", re.ASCII)
# More labels than this in one selector say nothing that a person meant.
_MOST_LABELS = 4
_MOST_SHARED = 24
# A label for them where none tells them apart. KubeVirt compares values as text.
OWN_LABEL, OWN_VALUE = "live-migration-tuning", "needed"

# A label of the VMI or of its namespace: which of the two, its key, its value.
Pair = tuple[str, str, str]


@dataclass(frozen=True)
class Labelled:
    """One running VM with the labels of its VMI and of its namespace; `namespace_labels` None: not read.

    `needs` None: whether it needs other settings is not known, so it is left alone as a healthy one is.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str] | None
    needs: bool | None

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Selection:
    """`selectors` None: no labels pick just these VMs, or (`outranked_by`) no such policy would rule them all.

    `is_proven` False: the policies of the cluster were not read. `why` is a sentence; `suggested` the label to give the
    VMs of `vms` where none tells them apart.
    """

    selectors: Selectors | None
    vms: tuple[str, ...]
    why: str
    is_proven: bool = True
    outranked_by: tuple[str, ...] = ()
    suggested: Mapping[str, str] | None = None


def select_group(
    vms: Sequence[Labelled], /, *, policies: Sequence[MigrationPolicy] | None, policy_name: str
) -> Selection:
    """The fewest labels that all who need it share, that nobody else has, and with which `policy_name` rules them.

    `policies` are those of the cluster, None where they were not read. One that is called `policy_name` is taken as
    replaced. The order of `vms` does not matter.
    """
    needing = sorted((vm for vm in vms if vm.needs), key=lambda vm: vm.key)
    others = [vm for vm in vms if not vm.needs]
    keys = tuple(vm.key for vm in needing)
    if not needing:
        return Selection(None, (), "no VM needs other settings")
    standing = [policy for policy in policies or () if policy.name != policy_name]
    rivals: set[str] = set()
    for pairs in _telling_apart(_shared(needing), others):
        selectors = _selectors(pairs)
        outranking = _outranking(needing, standing, _policy(policy_name, selectors))
        if not outranking:
            return Selection(selectors, keys, _chosen(pairs, len(needing)), policies is not None)
        rivals |= outranking
    return _none_fits(keys, tuple(sorted(rivals)))


def _none_fits(keys: tuple[str, ...], rivals: tuple[str, ...]) -> Selection:
    suggested = {OWN_LABEL: OWN_VALUE}
    if rivals:
        words = ", ".join(rivals)
        return Selection(None, keys, f"whatever they share, {words} would rule instead", True, rivals, suggested)
    why = "no labels of theirs tell them from the other VMs"
    return Selection(None, keys, why, True, (), suggested)


def _shared(vms: Sequence[Labelled]) -> list[Pair]:
    """The labels that all have, those that people chose first; at most so many that all can be tried."""
    own = set.intersection(*({("vmi", key, value) for key, value in vm.labels.items()} for vm in vms))
    spaces = set.intersection(
        *({("namespace", key, value) for key, value in (vm.namespace_labels or {}).items()} for vm in vms)
    )
    return sorted((pair for pair in own | spaces if _is_meant(pair)), key=_preference)[:_MOST_SHARED]


def _is_meant(pair: Pair) -> bool:
    """Whether somebody may have meant the label: none that a controller moves about, no generated value."""
    _kind, key, value = pair
    return key not in _VOLATILE and not key.endswith("-hash") and not _GENERATED.fullmatch(value)


def _preference(pair: Pair) -> tuple[bool, bool, str, str]:
    kind, key, value = pair
    return bool(_SYSTEM.search(key)), kind != "vmi", key, value


def _telling_apart(pairs: Sequence[Pair], others: Sequence[Labelled]) -> Iterator[tuple[Pair, ...]]:
    """Sets of labels that none of `others` may have all of: the smallest first, and of one size those that stand first.

    Each label is a whole number with a bit for each VM that may have it, so that all sets can be tried. Never none at
    all, which would pick everything.
    """
    having = {pair: sum(_may_have(vm, pair) << place for place, vm in enumerate(others)) for pair in pairs}
    for size in range(1, _MOST_LABELS + 1):
        for chosen in itertools.combinations(pairs, size):
            if not functools.reduce(operator.and_, (having[pair] for pair in chosen)):
                yield chosen


def _may_have(vm: Labelled, pair: Pair) -> bool:
    """Labels of a namespace that were not read may be there. A VMI without any label is matched by every policy."""
    kind, key, value = pair
    labels = vm.labels if kind == "vmi" else vm.namespace_labels
    return not vm.labels or labels is None or labels.get(key) == value


def _policy(name: str, selectors: Selectors) -> MigrationPolicy:
    """The policy as it would be read."""
    chosen = {"virtualMachineInstanceSelector": selectors.vmi, "namespaceSelector": selectors.namespace}
    return MigrationPolicy.from_object({"metadata": {"name": name}, "spec": {"selectors": chosen}})


def _selectors(pairs: Sequence[Pair]) -> Selectors:
    return Selectors(
        vmi={key: value for kind, key, value in pairs if kind == "vmi"},
        namespace={key: value for kind, key, value in pairs if kind == "namespace"},
    )


def _outranking(needing: Sequence[Labelled], standing: Sequence[MigrationPolicy], new: MigrationPolicy) -> set[str]:
    """The policies that rule one of them instead of the new one, or may do so."""
    found = set()
    for vm in needing:
        match = match_policies([*standing, new], vmi_labels=vm.labels, namespace_labels=vm.namespace_labels)
        if match.name == new.name:
            continue
        found |= {match.name} if match.name else {one.policy for one in match.others if one.matches is None}
    return found


def _chosen(pairs: Sequence[Pair], count: int) -> str:
    words = " and ".join(
        f"{key}={value}" if kind == "vmi" else f"{key}={value} of their namespace" for kind, key, value in pairs
    )
    return f"{words}: {'all ' if count > 1 else ''}{count} {'have' if count > 1 else 'has'} it, and no other VM does"
