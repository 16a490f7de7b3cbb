# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that hold for one migration, each with where it comes from.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go (settled once, at the hand-off) and
migrationpolicy.go (applyMigrationPolicySpec), pkg/virt-config/virt-config.go (allowWorkloadDisruption follows
allowPostCopy).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import (
    FINAL_PHASES,
    HANDED_OVER_PHASES,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    ALLOW_POST_COPY,
    ALLOW_WORKLOAD_DISRUPTION,
    SETTINGS,
    Setting,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import (
    PolicyMatch,
    match_policies,
)

__all__ = [
    "DEFAULT",
    "KUBEVIRT",
    "MIGRATION",
    "Effective",
    "configuration_of",
    "configured_settings",
    "expect_configuration",
    "policy_now",
]

MIGRATION = "migration"
KUBEVIRT = "KubeVirt"
DEFAULT = "default"
_SETTLED_PHASES = HANDED_OVER_PHASES | FINAL_PHASES


@dataclass(frozen=True)
class Effective:
    """A value as the API writes it; `origin` is migration, `policy NAME`, KubeVirt or default."""

    value: Any
    origin: str


def policy_now(case: Case, /, *, policies: Policies) -> PolicyMatch | None:
    """Which policy rules the VMI as its labels and the policies are now; None where either was not read, or the
    migration has ended."""
    if policies.policies is None or case.vmi is None or case.migration.is_final:
        return None
    labels = policies.namespace_labels.get(case.migration.meta.namespace)
    return match_policies(policies.policies, vmi_labels=case.vmi.meta.labels, namespace_labels=labels)


def configuration_of(case: Case, /, *, policies: Policies) -> dict[str, Effective]:
    """The settings of this migration by their names in the API.

    From the hand-off on they are what KubeVirt recorded for it; before, what it would take now. A setting that hangs on
    something that was not read is left out, and so is everything where the record itself is not known.
    """
    if case.state is not None and case.state.configuration:
        return {name: Effective(value, MIGRATION) for name, value in case.state.configuration.items()}
    if case.state is not None or case.vmi is None or case.migration.phase in _SETTLED_PHASES:
        return {}
    kubevirt = case.snapshot.kubevirt
    return expect_configuration(
        policy_now(case, policies=policies), configured=kubevirt.settings if kubevirt is not None else None
    )


def expect_configuration(match: PolicyMatch | None, *, configured: Mapping[str, Any] | None) -> dict[str, Effective]:
    """What a hand-off would settle now, under the policy of `match` and what the KubeVirt object sets.

    None for either: not known. Then what it may set is left out; `experimental` stands only where a policy sets it.
    """
    is_known = match is not None and match.is_known
    winner = match.winner if match is not None and is_known else None
    by_policy = _following(winner.settings if winner else {})
    by_kubevirt = None if configured is None else _following(configured)
    found = {}
    for setting in SETTINGS:
        if setting.in_policy and not is_known:
            continue
        if winner is not None and setting.name in by_policy:
            found[setting.name] = Effective(by_policy[setting.name], f"policy {winner.name}")
            continue
        below = _below_policy(setting, by_kubevirt)
        if below is not None:
            found[setting.name] = below
    return found


def configured_settings(configured: Mapping[str, Any], /) -> dict[str, Effective]:
    """What holds for a VM that no policy rules, where the KubeVirt object sets `configured`."""
    following = _following(configured)
    found = {setting.name: _below_policy(setting, following) for setting in SETTINGS}
    return {name: one for name, one in found.items() if one is not None}


def _below_policy(setting: Setting, configured: Mapping[str, Any] | None) -> Effective | None:
    if not setting.in_kubevirt or configured is None:
        return None
    if setting.name in configured:
        return Effective(configured[setting.name], KUBEVIRT)
    return Effective(setting.default, DEFAULT)


def _following(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Whoever sets allowPostCopy alone sets allowWorkloadDisruption with it."""
    if ALLOW_POST_COPY not in settings or ALLOW_WORKLOAD_DISRUPTION in settings:
        return settings
    return {**settings, ALLOW_WORKLOAD_DISRUPTION: settings[ALLOW_POST_COPY]}
