# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which MigrationPolicy rules a VMI, and why each of the others does not.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migrationpolicy.go (matchPolicy, countMatchingLabels).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy

__all__ = ["PolicyMatch", "Standing", "match_policies", "needs_namespace"]


@dataclass(frozen=True)
class Standing:
    """How one policy stands to a VMI. `matches` None: that is not known, as labels were not read or the policy
    `is_spoilt`. The numbers count the labels of its selectors; `why_not` says why it does not rule."""

    policy: str
    matches: bool | None
    vmi_labels: int = 0
    namespace_labels: int = 0
    why_not: str = ""
    is_spoilt: bool = False

    @property
    def labels(self) -> int:
        """How many labels count for it."""
        return self.vmi_labels + self.namespace_labels

    @property
    def rank(self) -> tuple[bool, int, int, str]:
        """The smallest rules: most labels, then most of the VMI's, then the first name (byte order).

        A spoilt one could say anything, so it could stand before all.
        """
        return not self.is_spoilt, -self.labels, -self.vmi_labels, self.policy


@dataclass(frozen=True)
class PolicyMatch:
    """`winner` is the policy that rules, None where there is none or (`is_known` False) it could not be told.

    `others` are all the other policies, by name.
    """

    winner: MigrationPolicy | None
    is_known: bool
    others: tuple[Standing, ...]

    @property
    def name(self) -> str | None:
        """The winner's name, "" for no policy, None where it is not known."""
        if not self.is_known:
            return None
        return self.winner.name if self.winner else ""


def match_policies(
    policies: Sequence[MigrationPolicy],
    *,
    vmi_labels: Mapping[str, str],
    namespace_labels: Mapping[str, str] | None,
) -> PolicyMatch:
    """Which of `policies` rules a VMI with these labels. `namespace_labels` None: they were not read.

    Keys and values must be equal, all of both selectors. Without selectors a policy never matches; with empty ones it
    matches every VMI with no label counted. A VMI without any label skips the comparison, so each policy with
    selectors matches it. What is not known counts only where it could win.
    """
    stands = [(_stand(policy, vmi_labels, namespace_labels), policy) for policy in policies]
    matching = [(one, policy) for one, policy in stands if one.matches]
    first, winner = min(matching, key=lambda pair: pair[0].rank, default=(None, None))
    rivals = [one for one, _policy in stands if one.matches is None and (first is None or one.rank < first.rank)]
    if rivals:
        first, winner = None, None
    others = [_outranked(one, first) for one, _policy in stands if one is not first]
    return PolicyMatch(winner, not rivals, tuple(sorted(others, key=lambda one: one.policy)))


def needs_namespace(policies: Sequence[MigrationPolicy], *, vmi_labels: Mapping[str, str]) -> bool:
    """Whether the labels of the namespace decide which policy rules a VMI with these labels."""
    return not match_policies(policies, vmi_labels=vmi_labels, namespace_labels=None).is_known


def _stand(
    policy: MigrationPolicy, vmi_labels: Mapping[str, str], namespace_labels: Mapping[str, str] | None
) -> Standing:
    selectors = policy.selectors
    if policy.problems:
        return Standing(policy.name, None, why_not=f"it cannot be read: {policy.problems[0]}", is_spoilt=True)
    if selectors is None:
        return Standing(policy.name, False, why_not="it has no selectors, so it matches nothing")
    if not vmi_labels:
        return Standing(policy.name, True)
    lacking = _lacking(selectors.vmi, vmi_labels, "the VMI")
    if lacking:
        return Standing(policy.name, False, why_not=lacking)
    if selectors.namespace and namespace_labels is None:
        why = "whether it matches is not known: the labels of the namespace were not read"
        return Standing(policy.name, None, len(selectors.vmi), len(selectors.namespace), why)
    lacking = _lacking(selectors.namespace, namespace_labels or {}, "the namespace")
    if lacking:
        return Standing(policy.name, False, why_not=lacking)
    return Standing(policy.name, True, len(selectors.vmi), len(selectors.namespace))


def _lacking(selector: Mapping[str, str], labels: Mapping[str, str], who: str) -> str:
    """The first label that keeps `selector` from matching, "" when all are there."""
    for key, value in sorted(selector.items()):
        if key not in labels:
            return f"{who} has no label {key} (wanted: {value!r})"
        if labels[key] != value:
            return f"{who}'s label {key} is {labels[key]!r}, not {value!r}"
    return ""


def _outranked(one: Standing, first: Standing | None) -> Standing:
    """`one` with the reason why the policy `first` rules instead; None: it is not known which one rules."""
    if not one.matches:
        return one
    if first is None:
        why = "it matches; whether another one stands before it is not known"
    elif one.labels < first.labels:
        why = f"it matches with {one.labels} labels, {first.policy} with {first.labels}"
    elif one.vmi_labels < first.vmi_labels:
        why = f"it matches with {one.vmi_labels} labels of the VMI, {first.policy} with {first.vmi_labels}"
    else:
        why = f"it matches as well as {first.policy}, whose name comes first"
    return replace(one, why_not=why)
