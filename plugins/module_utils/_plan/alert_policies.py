# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What MigrationPolicies say about the time of a copy, as terms of the alert's limit.

This module is private to the collection and may change without notice.
Of the policies that pick a VM the one with most labels rules (see `_verdict.policy_match`). A policy picks only VMs
that have all of its labels, so that order is the same for every VM and the terms can stand in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    BY_NAME,
    COMPLETION_TIMEOUT,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_promql import PolicyTerm

__all__ = ["NamedTerm", "PolicyTerms", "needs_namespaces", "plan_terms", "seconds_per_gib"]

NamespaceLabels = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class NamedTerm:
    """A term and the policy from which it comes."""

    policy: str
    term: PolicyTerm


@dataclass(frozen=True)
class PolicyTerms:
    """Terms in the order in which they count, and what could not be said in them."""

    terms: tuple[NamedTerm, ...] = ()
    notes: tuple[str, ...] = ()


def seconds_per_gib(value: int, /) -> int:
    """What the alert takes for a completionTimeoutPerGiB. 0 (or less) is no limit at all: then KubeVirt's default is
    the measure, as a copy that no limit ever ends is just what somebody should look at."""
    default: int = BY_NAME[COMPLETION_TIMEOUT].default
    return value if value > 0 else default


def needs_namespaces(policies: Sequence[MigrationPolicy], /) -> bool:
    """Whether the labels of namespaces decide how long a copy may take."""
    return any(one.selectors is not None and one.selectors.namespace for one in _that_count(policies))


def plan_terms(
    policies: Sequence[MigrationPolicy], /, *, cluster_seconds: int, namespaces: NamespaceLabels | None
) -> PolicyTerms:
    """The terms for `policies`; none where all give what the cluster gives. `namespaces` None: their labels could not
    be read, and a policy that hangs on them is left out with a note, as is one that cannot be read."""
    notes = [
        f"MigrationPolicy {one.name} is left out of the alert's limit: {one.problems[0]}."
        for one in policies
        if one.problems
    ]
    found: list[NamedTerm] = []
    for policy in _that_count(policies):
        term = _term(policy, cluster_seconds=cluster_seconds, namespaces=namespaces)
        if isinstance(term, str):
            notes.append(f"MigrationPolicy {policy.name} is left out of the alert's limit: {term}.")
        elif term is not None:
            found.append(NamedTerm(policy.name, term))
    while found and found[-1].term.seconds_per_gib == cluster_seconds:
        found.pop()
    return PolicyTerms(tuple(found), tuple(notes))


def _that_count(policies: Sequence[MigrationPolicy], /) -> list[MigrationPolicy]:
    """In the order in which they rule, down to the last that sets the time."""
    usable = [one for one in policies if one.selectors is not None and not one.problems]
    ordered = sorted(usable, key=_rank)
    setting = [place for place, one in enumerate(ordered) if COMPLETION_TIMEOUT in one.settings]
    return ordered[: setting[-1] + 1] if setting else []


def _rank(policy: MigrationPolicy, /) -> tuple[int, int, str]:
    vmi = len(policy.selectors.vmi) if policy.selectors else 0
    namespace = len(policy.selectors.namespace) if policy.selectors else 0
    return -(vmi + namespace), -vmi, policy.name


def _term(
    policy: MigrationPolicy, /, *, cluster_seconds: int, namespaces: NamespaceLabels | None
) -> PolicyTerm | str | None:
    """The term, None where the policy picks no namespace that is there, or why it cannot be said."""
    selectors = policy.selectors
    if selectors is None:
        return None
    if not all(selectors.vmi.values()):
        return "Prometheus cannot tell an empty label from one that is not there"
    value = policy.settings.get(COMPLETION_TIMEOUT)
    seconds = cluster_seconds if value is None else seconds_per_gib(value)
    if not selectors.namespace:
        return PolicyTerm(seconds, selectors.vmi)
    if namespaces is None:
        return "the labels of namespaces could not be read"
    names = [name for name, labels in namespaces.items() if selectors.namespace.items() <= labels.items()]
    return PolicyTerm(seconds, selectors.vmi, sorted(names)) if names else None
