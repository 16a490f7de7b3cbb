# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations that run with settings of before, as KubeVirt settles them once, at the hand-off to the nodes.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go; the limits, the drain taint, the wait for
utility volumes and the SELinux level are read whenever virt-controller looks, so nothing keeps an old value of those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ResourceMissing
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import read_policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import (
    HANDED_OVER_PHASES,
    Migration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import BY_NAME, same_value
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import MigrationState
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    Effective,
    expect_configuration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import PolicyMatch

__all__ = ["read_in_flight"]


def read_in_flight(
    reading: Reading, /, *, names: Iterable[str], effective: Mapping[str, Effective]
) -> list[dict[str, Any]]:
    """The migrations that were handed over and keep another value of a setting in `names` than a hand-off would settle
    now: that of the policy which rules them, as it is now, else the `effective` one.

    `keeps` is None for one whose settings could not be read. What may not be read stands in `unseen`; without the
    policies (topic `policies`) the effective one counts for all.
    """
    settled = [name for name in names if name in effective and BY_NAME[name].is_settled]
    if not settled:
        return []
    try:
        active = reading.seeing("migrations", lambda: reading.active_migrations("")) or []
    except ResourceMissing:
        return []
    moving = [one for one in active if one.phase in HANDED_OVER_PHASES]
    vmis = reading.vmis(one.key for one in moving)
    states = {one.meta.uid: _recorded(one, vmis.get(one.key)) for one in moving}
    ruling = {state.policy for state in states.values() if state is not None and state.policy}
    policies = {policy.name: policy for policy in (read_policies(reading) or ())} if ruling else {}
    shown = []
    for one in moving:
        state = states[one.meta.uid]
        policy = policies.get(state.policy) if state is not None else None
        shown.append(_entry(one, state, names=settled, effective=_under(policy, effective)))
    ordered = sorted(shown, key=lambda entry: (entry["namespace"], entry["vm"], entry["name"]))
    return [entry for entry in ordered if entry["keeps"] is None or entry["keeps"]]


def _recorded(migration: Migration, vmi: Vmi | None, /) -> MigrationState | None:
    """What KubeVirt noted at the hand-off of this very migration; None where that is not known."""
    state = vmi.state if vmi is not None else None
    is_known = state is not None and state.migration_uid == migration.meta.uid and bool(state.configuration)
    return state if is_known else None


def _under(policy: MigrationPolicy | None, effective: Mapping[str, Effective], /) -> Mapping[str, Effective]:
    """The settings under a policy, with those of the cluster below."""
    if policy is None:
        return effective
    match = PolicyMatch(policy, True, ())
    return expect_configuration(match, configured={name: one.value for name, one in effective.items()})


def _entry(
    migration: Migration, state: MigrationState | None, /, *, names: Iterable[str], effective: Mapping[str, Effective]
) -> dict[str, Any]:
    recorded: Mapping[str, Any] = (state.configuration or {}) if state is not None else {}
    keeps = {
        BY_NAME[name].option: recorded.get(name)
        for name in names
        if not same_value(name, recorded.get(name, BY_NAME[name].default), effective[name].value)
    }
    return {
        "namespace": migration.meta.namespace,
        "vm": migration.vmi_name,
        "name": migration.meta.name,
        "uid": migration.meta.uid,
        "phase": migration.phase,
        "policy": state.policy if state is not None else "",
        "keeps": keeps if state is not None else None,
    }
