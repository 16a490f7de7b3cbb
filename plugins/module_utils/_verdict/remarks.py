# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth a word although no migration is stuck by it: settings under which none can work.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    OUTBOUND_PER_NODE,
    PER_CLUSTER,
    same_value,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.limits import (
    unworkable_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    KUBEVIRT,
    MIGRATION,
    Effective,
    configuration_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement

__all__ = ["note_unworkable_limits"]

_CODE = "UnworkableLimits"
_WHY = {
    "bandwidthPerMigration": "less than 1 MiB/s",
    "completionTimeoutPerGiB": "a timeout below 0 is over at once",
    "progressTimeout": "a timeout below 0 is over at once",
    PER_CLUSTER: "no further migration starts",
    OUTBOUND_PER_NODE: "no further migration starts",
}


def note_unworkable_limits(judgements: Sequence[Judgement], /, *, policies: Policies) -> tuple[str, ...]:
    """A sentence for each object and setting under which no migration can work, of migrations that do not have it for
    a cause: it has not stopped them so far."""
    ruled: dict[tuple[str, str, str], list[str]] = {}
    for one in judgements:
        if one.case.migration.is_final or any(cause.code == _CODE for cause in one.causes):
            continue
        for found in _found(one.case, policies):
            ruled.setdefault(found, []).append(one.case.migration.label)
    return tuple(_sentence(*found, ruled=names) for found, names in sorted(ruled.items()))


def _found(case: Case, policies: Policies) -> Iterator[tuple[str, str, str]]:
    """Object, setting and value."""
    kubevirt = case.snapshot.kubevirt
    if kubevirt is not None and not kubevirt.problems:
        for name, limit in ((PER_CLUSTER, kubevirt.per_cluster), (OUTBOUND_PER_NODE, kubevirt.outbound_per_node)):
            if limit < 1:
                yield _kubevirt(case), name, str(limit)
    settings = configuration_of(case, policies=policies)
    values: Mapping[str, Any] = {name: one.value for name, one in settings.items()}
    for name, value in unworkable_settings(values).items():
        yield _object(case, policies, name=name, setting=settings[name]), name, str(value)


def _object(case: Case, policies: Policies, *, name: str, setting: Effective) -> str:
    """The object that sets it. Of a migration's record that is the one which still sets the same, as far as known."""
    if setting.origin == KUBEVIRT:
        return _kubevirt(case)
    if setting.origin != MIGRATION:
        return f"MigrationPolicy {setting.origin.removeprefix('policy ')}"
    ruling = case.state.policy if case.state else ""
    for policy in policies.policies or ():
        if policy.name == ruling and same_value(name, policy.settings.get(name), setting.value):
            return f"MigrationPolicy {ruling}"
    kubevirt = case.snapshot.kubevirt
    set_there = kubevirt.settings if kubevirt is not None else None
    if set_there and same_value(name, set_there.get(name), setting.value):
        return _kubevirt(case)
    return f"The hand-off under MigrationPolicy {ruling}" if ruling else "The hand-off"


def _kubevirt(case: Case) -> str:
    kubevirt = case.snapshot.kubevirt
    return f"KubeVirt {kubevirt.meta.namespace}/{kubevirt.meta.name}" if kubevirt is not None else "KubeVirt"


def _sentence(source: str, name: str, value: str, /, *, ruled: Sequence[str]) -> str:
    names = sorted(set(ruled))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return (
        f"{source} sets {name} {value}, under which no migration can work ({_WHY[name]}); it rules "
        f"{names[0]}{more}, not stopped by it so far."
    )
