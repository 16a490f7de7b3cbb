# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the copy of a VM is, as virt-handler on its source node measures it.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.4.0 to v1.9.0, pkg/monitoring/metrics/virt-handler/migrationdomainstats (polled every 5 s, explicit
times of that node's clock, a ring of ten), v1.3.0 .../domainstats/migration_metrics.go (measured at each scrape,
without times); statsconv/converter.go: the dirty rate is in bytes, pages times their size. Each value is a uint64.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.exposition import Point
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import is_name

__all__ = ["METRICS", "Key", "Progress", "Sample", "progress_of"]

Key = tuple[str, str]

# Which figure of a sample each metric gives. The total and the transfer rate were renamed (v1.8 and v1.7): until then
# the memory's rate was called the disk's.
METRICS: Mapping[str, str] = {
    "kubevirt_vmi_migration_data_remaining_bytes": "remaining_bytes",
    "kubevirt_vmi_migration_data_processed_bytes": "processed_bytes",
    "kubevirt_vmi_migration_data_bytes_total": "total_bytes",
    "kubevirt_vmi_migration_data_total_bytes": "total_bytes",
    "kubevirt_vmi_migration_memory_transfer_rate_bytes": "transfer_bytes_per_second",
    "kubevirt_vmi_migration_disk_transfer_rate_bytes": "transfer_bytes_per_second",
    "kubevirt_vmi_migration_dirty_memory_rate_bytes": "dirty_bytes_per_second",
}
_UINT64 = 2**64


@dataclass(frozen=True)
class Sample:
    """One measurement. Each figure is None where it was not given; `node` is where it was measured, "" if not said."""

    at: datetime
    node: str = ""
    remaining_bytes: int | None = None
    processed_bytes: int | None = None
    total_bytes: int | None = None
    transfer_bytes_per_second: int | None = None
    dirty_bytes_per_second: int | None = None


@dataclass(frozen=True)
class Progress:
    """What was measured of one VM, oldest first; `source` is prometheus or virt_handler, `problem` why there is less
    than was asked for ("" for none)."""

    samples: tuple[Sample, ...] = ()
    source: str = ""
    problem: str = ""


_FIGURES = frozenset(item.name for item in fields(Sample)) - {"at", "node"}


def progress_of(points: Iterable[Point], /, *, source: str, read_at: datetime) -> dict[Key, Progress]:
    """The progress of each VM that `points` name, (namespace, name). A point without a time was measured at `read_at`.

    Two scrapers give the same measurement twice: what has the same node and time is one sample. Where they name two
    values for it, there is none.
    """
    found: dict[tuple[Key, str, datetime], dict[str, int | None]] = {}
    for point in points:
        figure, value = METRICS.get(point.metric), _uint64(point.value)
        key, node = _key(point.labels), _node(point.labels)
        if figure is None or value is None or not all(key):
            continue
        sample = found.setdefault((key, node, point.at or read_at), {})
        sample[figure] = value if sample.get(figure, value) == value else None
    samples: dict[Key, list[Sample]] = {}
    for (key, node, at), figures in sorted(found.items(), key=lambda item: (item[0][2], item[0][1])):
        samples.setdefault(key, []).append(_sample(at, node, figures))
    return {key: Progress(tuple(some), source) for key, some in samples.items()}


def _sample(at: datetime, node: str, figures: Mapping[str, int | None]) -> Sample:
    values = {figure: figures.get(figure) for figure in _FIGURES}
    return Sample(at=at, node=node, **values)


def _key(labels: Mapping[str, str]) -> Key:
    return _label(labels, "namespace"), _label(labels, "name")


def _node(labels: Mapping[str, str]) -> str:
    """What is no name is no node's: a metric may be anybody's."""
    found = _label(labels, "node")
    return found if is_name(found) else ""


def _label(labels: Mapping[str, str], name: str) -> str:
    """The metric's own label: a scrape without honorLabels keeps it as exported_NAME."""
    return labels.get(f"exported_{name}") or labels.get(name, "")


def _uint64(value: float) -> int | None:
    return round(value) if 0 <= value < _UINT64 else None
