# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads how fast guests write to their memory while they do not migrate, from Prometheus.

This module is private to the collection and may change without notice.
Fact: KubeVirt v1.9.0, pkg/monitoring/metrics/virt-handler/domainstats/dirty_rate_collector.go: virt-handler serves
kubevirt_vmi_dirty_rate_bytes_per_second for each VM of its node that does not migrate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.progress_reads import (
    ask,
    group_keys,
    match_names,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.prometheus import Prometheus
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.exposition import Point

__all__ = ["METRIC", "RANGE", "DirtyRates", "read_dirty_rates"]

METRIC = "kubevirt_vmi_dirty_rate_bytes_per_second"
# A drain may come at the busiest moment, so the highest value of this time counts.
RANGE = "1h"
Key = tuple[str, str]


@dataclass(frozen=True)
class DirtyRates:
    """Bytes a second by VM; a VM of which Prometheus knows nothing is left out. `requests` went to Prometheus."""

    rates: Mapping[Key, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    requests: int = 0


def read_dirty_rates(prometheus: Prometheus, wanted: Collection[Key], /, *, namespaces: Collection[str]) -> DirtyRates:
    """One query for all `wanted`, or one for each of their namespaces where `namespaces` are asked about: that is what
    a tenancy port wants. What it does not answer is a note and no failure; nothing more is asked then."""
    groups = group_keys(wanted, namespaces=namespaces)
    found: dict[Key, int] = {}
    notes = list(prometheus.warnings) if groups else []
    for namespace, keys in groups.items():
        expression = _expression({name for _namespace, name in keys})
        problem, points = ask(prometheus, expression, metrics=[METRIC], namespace=namespace)
        found.update(_rates(points, of=keys))
        if problem:
            then = "Guests that dirty_rates does not name are judged as if they wrote nothing."
            notes.append(f"No dirty rates were read: {problem} {then}")
            break
    return DirtyRates(found, tuple(notes), prometheus.requests)


def _expression(names: Collection[str]) -> str:
    matchers = ",".join(match_names(names))
    highest = f"max by (namespace, name) (max_over_time({METRIC}{{{matchers}}}[{RANGE}]))"
    # An aggregation drops the name, by which answers are read.
    return f'label_replace({highest}, "__name__", "{METRIC}", "", "")'


def _rates(points: Iterable[Point], *, of: Collection[Key]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for point in points:
        key = point.labels.get("namespace", ""), point.labels.get("name", "")
        if key in of and point.value >= 0:
            found[key] = max(found.get(key, 0), round(point.value))
    return found
