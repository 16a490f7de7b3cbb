# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What virt-controller tells of migrations and their copies, as KubeVirt 1.9 names it.

Facts: pkg/monitoring/metrics/virt-controller: vmistats_collector.go (start and end stand in the VMI's migrationState,
and so stay after the migration object is gone), migrationstats_collector.go (how many migrations are in which phase).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from .api import Object
from .clock import moment
from .migrations import is_final, phase_of

__all__ = ["controller_exposition"]

_BEFORE_THE_COPY = {"": "unset", "Pending": "pending", "Scheduling": "scheduling"}
_MOMENTS = (("startTimestamp", "start"), ("endTimestamp", "end"))


def controller_exposition(migrations: Iterable[Object], *, vmis: Iterable[Object]) -> str:
    """Its metrics, in the text format."""
    unfinished = [one for one in migrations if not is_final(one)]
    counts = Counter(_BEFORE_THE_COPY.get(phase_of(one), "running") for one in unfinished)
    names = {one["metadata"]["uid"]: one["metadata"]["name"] for one in unfinished}
    phases = (*_BEFORE_THE_COPY.values(), "running")
    lines = [f"kubevirt_vmi_migrations_in_{phase}_phase {counts[phase]}" for phase in phases]
    for vmi in vmis:
        lines += _copy(vmi, names=names)
    return "\n".join(lines) + "\n"


def _copy(vmi: Object, *, names: dict[str, str]) -> Iterator[str]:
    """When its last copy began and ended. The name of the migration is lost once the object is."""
    meta, status = vmi["metadata"], vmi.get("status") or {}
    state = status.get("migrationState") or {}
    labels = {
        "namespace": meta["namespace"],
        "name": meta["name"],
        "node": status.get("nodeName", ""),
        "migration_name": names.get(state.get("migrationUid", ""), ""),
    }
    for field, word in _MOMENTS:
        at = moment(state.get(field))
        if at is not None:
            more = {"status": "failed" if state.get("failed") else "succeeded"} if word == "end" else {}
            text = ",".join(f'{label}="{value}"' for label, value in {**labels, **more}.items())
            yield f"kubevirt_vmi_migration_{word}_time_seconds{{{text}}} {at.timestamp()!r}"
