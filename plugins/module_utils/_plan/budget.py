# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many acts a run and the cluster have left: one Lease in KubeVirt's namespace that everybody counts in.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import (
    LEASE_OF,
    MEMORY,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import (
    LEASE_VERSION,
    Lease,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    later_by,
    parse_timestamp,
    seconds_between,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import LEASE_KIND

__all__ = ["BUDGET_NAME", "HOUR_SECONDS", "Budget", "plan_budget_lease", "read_budget"]

BUDGET_NAME = "live-migration-budget"
HOUR_SECONDS = 3600
# What the annotation can hold; the limit of an hour is far below it.
_MOST_ACTS = 5000


@dataclass(frozen=True)
class Budget:
    """When the acts of the last hour were made, oldest first. `version` is "" where there is no Lease yet."""

    version: str = ""
    acts: tuple[datetime, ...] = ()

    def recent(self, now: datetime) -> tuple[datetime, ...]:
        """Those within the hour before `now`; one that lies ahead counts too."""
        return tuple(at for at in self.acts if (seconds_between(at, now) or 0) < HOUR_SECONDS)

    def left(self, now: datetime, *, per_hour: int) -> int:
        """How many more acts the hour allows."""
        return max(0, per_hour - len(self.recent(now)))

    def next_at(self, now: datetime, *, per_hour: int) -> datetime | None:
        """When one more is allowed; None where none ever is."""
        recent = self.recent(now)
        if per_hour <= 0:
            return None
        if len(recent) < per_hour:
            return now
        return later_by(recent[len(recent) - per_hour], HOUR_SECONDS)


def read_budget(obj: Any) -> Budget | None:
    """The budget in the Lease `obj`; None where it cannot be understood."""
    reader = Reader(obj)
    lease = Lease.from_object(obj)
    try:
        found = json.loads(lease.meta.annotations.get(MEMORY, "[]"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or len(found) > _MOST_ACTS:
        return None
    acts = [parse_timestamp(one) for one in found]
    if any(at is None for at in acts):
        return None
    return Budget(reader.text(LEASE_VERSION), tuple(sorted(at for at in acts if at is not None)))


def plan_budget_lease(budget: Budget, *, namespace: str, acts: int, holder: str, now: datetime) -> dict[str, Any]:
    """The Lease to create with `acts` made `now`, or the merge patch of the one that was read, and of only that."""
    times: Sequence[datetime] = (*budget.recent(now), *[now] * acts)
    metadata: dict[str, Any] = {
        "labels": {LEASE_OF: "budget"},
        "annotations": {MEMORY: json.dumps([format_timestamp(at) for at in times])},
    }
    renewed = format_timestamp(now).replace("Z", ".000000Z")
    spec = {"holderIdentity": holder, "leaseDurationSeconds": HOUR_SECONDS, "renewTime": renewed}
    if budget.version:
        return {"metadata": {**metadata, "resourceVersion": budget.version}, "spec": spec}
    return {**LEASE_KIND, "metadata": {"name": BUDGET_NAME, "namespace": namespace, **metadata}, "spec": spec}
