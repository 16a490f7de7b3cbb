# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which metrics the rules read, and which of them a version of KubeVirt has.

This module is private to the collection and may change without notice.
Facts: kubevirt/kubevirt at its tags v1.3.0 to v1.9.0, pkg/monitoring/metrics. A metric that a version never had is a
state that is told once, at the installation, and nothing to raise an alert for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_rules import (
    MISSING,
    NOT_PROGRESSING,
    NOT_STARTING,
    ON_NODE,
    STUCK,
    WAITING,
)

__all__ = ["METRICS", "Metric", "find_silent", "is_available"]

_VERSION: Final = re.compile(r"v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+].*)?", re.ASCII)

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Metric:
    """One metric: the first version that has it, versions after that which have it not, the alerts that read it, and
    what they do without it."""

    name: str
    since: Version
    alerts: Sequence[str]
    without: str
    lacking: Sequence[Version] = ()
    silences: bool = True

    @property
    def since_text(self) -> str:
        """The first version as KubeVirt names it."""
        return "v" + ".".join(str(part) for part in self.since)


METRICS: Final = (
    Metric(
        "kubevirt_vmi_migration_start_time_seconds",
        (1, 4, 1),
        (STUCK, NOT_PROGRESSING, ON_NODE),
        "when a copy began is not known, so these alerts stay silent",
    ),
    Metric(
        "kubevirt_vmi_migration_end_time_seconds",
        (1, 4, 1),
        (STUCK, NOT_PROGRESSING, ON_NODE),
        "it comes with the start time",
    ),
    Metric(
        "kubevirt_vm_resource_requests",
        (1, 4, 0),
        (STUCK, ON_NODE),
        "where virt-handler is silent the size of a VM is not known, and 300 s count",
        silences=False,
    ),
    Metric(
        "kubevirt_vmi_migrations_in_unset_phase",
        (1, 4, 1),
        (NOT_STARTING,),
        "migrations that virt-controller has not taken up are not counted",
        lacking=((1, 5, 0),),
        silences=False,
    ),
    Metric(
        "kubevirt_vmi_info",
        (1, 3, 0),
        (WAITING,),
        "the slots of nodes are not known, so it may come for a migration that waits for one",
        silences=False,
    ),
    Metric(
        "kubevirt_vmi_memory_domain_bytes",
        (1, 0, 0),
        (STUCK, ON_NODE),
        "what the VM requests is taken for its size",
        silences=False,
    ),
    Metric("kubevirt_vmi_migration_data_remaining_bytes", (1, 1, 0), (NOT_PROGRESSING, MISSING), "they stay silent"),
    Metric("kubevirt_vmi_migrations_in_pending_phase", (1, 1, 0), (NOT_STARTING, MISSING), "they stay silent"),
    Metric("kubevirt_vmi_migrations_in_scheduling_phase", (1, 1, 0), (NOT_STARTING,), "it stays silent"),
    Metric("kubevirt_vmi_migrations_in_running_phase", (1, 1, 0), (NOT_STARTING,), "it stays silent"),
)


def is_available(metric: Metric, /, *, version: str) -> bool | None:
    """Whether that version of KubeVirt has it; None where the version cannot be read."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    number = (int(found[1]), int(found[2]), int(found[3]))
    return number >= metric.since and number not in metric.lacking


def find_silent(version: str, /) -> tuple[str, ...]:
    """The alerts that can never fire on that version, for want of a metric; empty where the version cannot be read."""
    silent = [
        alert for one in METRICS if one.silences and is_available(one, version=version) is False for alert in one.alerts
    ]
    return tuple(dict.fromkeys(silent))
