# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the cluster's effective configuration to the thresholds of the alert rules.

This module is private to the collection and may change without notice.
virt-controller reads the KubeVirt object, into which HyperConverged's operator carries what is set there; so that
object and the MigrationPolicies are what holds, and HyperConverged need not be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.alert_reads import (
    read_all_namespaces,
    read_kubevirts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import read_policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    COMPLETION_TIMEOUT,
    OUTBOUND_PER_NODE,
    PER_CLUSTER,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import KubeVirt
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.alert_options import Asked
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_metrics import find_silent
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_policies import (
    NamedTerm,
    PolicyTerms,
    needs_namespaces,
    plan_terms,
    seconds_per_gib,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_rules import Thresholds
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    Effective,
    configured_settings,
)

__all__ = ["Built", "build_thresholds", "find_kubevirt"]

_USUAL_NAMESPACE = "kubevirt"


@dataclass(frozen=True)
class Built:
    """The thresholds and where they come from. `version` is KubeVirt's own, "" where it is not known."""

    thresholds: Thresholds
    origin: str
    terms: tuple[NamedTerm, ...] = ()
    version: str = ""
    notes: tuple[str, ...] = field(default=())


def find_kubevirt(reading: Reading, /, *, is_needed: bool) -> KubeVirt | Refusal | None:
    """The one KubeVirt object; None where there is none and it is not needed."""
    found = read_kubevirts(reading, is_needed=is_needed)
    if len(found) == 1:
        return found[0]
    if not is_needed:
        return None
    if found:
        names = ", ".join(f"{one.meta.namespace}/{one.meta.name}" for one in found)
        return Refusal("KubeVirtAmbiguous", f"There are several KubeVirt objects: {names}. KubeVirt itself allows one.")
    text = "No KubeVirt object is in this cluster. To make the rules all the same, give stuck_after and namespace."
    return Refusal("KubeVirtMissing", text)


def build_thresholds(reading: Reading, asked: Asked, kubevirt: KubeVirt | None, /) -> Built | Refusal:
    """The thresholds that `asked` and the configuration give; a refusal where the configuration cannot be read."""
    if kubevirt is not None and kubevirt.settings is None:
        text = (
            f"The migration settings of KubeVirt {kubevirt.meta.name} cannot be read: {'; '.join(kubevirt.problems)}."
        )
        return Refusal("SettingsUnreadable", text)
    effective = configured_settings(kubevirt.settings if kubevirt is not None and kubevirt.settings else {})
    timeout = effective[COMPLETION_TIMEOUT]
    seconds = seconds_per_gib(timeout.value)
    terms = PolicyTerms() if asked.stuck_after is not None else _terms(reading, seconds)
    thresholds = Thresholds(
        seconds_per_gib=seconds,
        # With no slot at all every migration waits for ever, which is worth an alert too.
        per_cluster=max(1, effective[PER_CLUSTER].value),
        per_node=max(1, effective[OUTBOUND_PER_NODE].value),
        fixed_seconds=asked.stuck_after,
        policies=tuple(one.term for one in terms.terms),
        waiting_seconds=asked.waiting_after,
        window_seconds=asked.no_progress_window,
        many=asked.many_stuck,
        missing_seconds=asked.missing_after,
        kubevirt_namespace=kubevirt.meta.namespace if kubevirt is not None else _USUAL_NAMESPACE,
        alert_labels=asked.alert_labels,
        runbook_url=asked.runbook_url,
    )
    version = kubevirt.version if kubevirt is not None else ""
    notes = (*_timeout_notes(timeout, asked), *terms.notes, *_version_notes(version), *_blind_notes(kubevirt))
    return Built(thresholds, timeout.origin, terms.terms, version, notes)


def _terms(reading: Reading, seconds: int, /) -> PolicyTerms:
    policies = read_policies(reading)
    if policies is None:
        note = "MigrationPolicies may not be read: VMs that one gives more time are alerted too early."
        return PolicyTerms(notes=(note,))
    namespaces: Mapping[str, Mapping[str, str]] | None = {}
    if needs_namespaces(policies):
        namespaces = read_all_namespaces(reading)
    return plan_terms(policies, cluster_seconds=seconds, namespaces=namespaces)


def _timeout_notes(timeout: Effective, asked: Asked, /) -> tuple[str, ...]:
    if asked.stuck_after is not None or timeout.value > 0:
        return ()
    note = (
        f"completionTimeoutPerGiB is {timeout.value}: KubeVirt itself ends no copy. The alert takes KubeVirt's"
        f" default of {seconds_per_gib(timeout.value)} s as its measure."
    )
    return (note,)


def _version_notes(version: str, /) -> tuple[str, ...]:
    silent = find_silent(version)
    if not silent:
        return ()
    return (f"KubeVirt {version} lacks metrics that some alerts need, so these never fire on it: {', '.join(silent)}.",)


def _blind_notes(kubevirt: KubeVirt | None, /) -> tuple[str, ...]:
    if kubevirt is not None:
        return ()
    return ("The KubeVirt object could not be read: its defaults are taken for its limits.",)
