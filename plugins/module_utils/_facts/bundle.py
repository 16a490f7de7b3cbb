# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What manifest.json of a bundle says of the look that it was made by, both ways.

This module is private to the collection and may change without notice.

The reads are kept with what they gave, so that a look at the bundle knows what "not there" means in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.asked import (
    parse_fields,
    parse_labels,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.captured import Asked
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_list, as_map, as_text
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import Kind
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Progress, Sample
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    parse_timestamp,
)

__all__ = [
    "COLLECTION",
    "FORMAT",
    "MANIFEST",
    "METRICS",
    "SCOPE",
    "absent_from",
    "listed_from",
    "missing_from",
    "progress_as_data",
    "progress_from",
    "refused_from",
    "scope_from",
]

COLLECTION: Final = "kubevirt_ops.live_migration"
FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
METRICS: Final = "metrics.json"
SCOPE: Final = ("namespaces", "vms", "nodes")
_FIGURES: Final = (
    "remaining_bytes",
    "processed_bytes",
    "total_bytes",
    "transfer_bytes_per_second",
    "dirty_bytes_per_second",
)


def listed_from(reads: Any, /, *, key: str = "listed") -> tuple[Asked, ...]:
    """The lists that were read, from `reads.listed` (or `unfinished`); an entry that is none is left out."""
    return tuple(asked for entry in _entries(reads, key) if (asked := _asked(entry)) is not None)


def _asked(entry: Mapping[str, Any]) -> Asked | None:
    try:
        labels, fields = parse_labels(_text(entry, "labels")), parse_fields(_text(entry, "fields"))
    except ValueError:
        return None
    return Asked(_kind(entry), _text(entry, "namespace"), labels, fields)


def absent_from(reads: Any, /) -> frozenset[tuple[Kind, str, str]]:
    """What was not there, from `reads.absent`."""
    return frozenset(
        (_kind(entry), _text(entry, "namespace"), _text(entry, "name")) for entry in _entries(reads, "absent")
    )


def refused_from(reads: Any, /) -> dict[tuple[Kind, str, str], Rule]:
    """What the reader was not allowed to see, from `reads.refused`."""
    return {
        (_kind(entry), _text(entry, "namespace"), _text(entry, "name")): Rule(
            _text(entry, "verb"), _text(entry, "group"), _text(entry, "resource"), _text(entry, "namespace")
        )
        for entry in _entries(reads, "refused")
    }


def scope_from(scope: Any, /) -> dict[str, list[str]]:
    """What the taker asked about, from `scope`: namespaces, vms and nodes, those that were named."""
    given = as_map(scope) or {}
    found = {name: [one for one in as_list(given.get(name)) or () if isinstance(one, str)] for name in SCOPE}
    return {name: names for name, names in found.items() if names}


def missing_from(reads: Any, /, *, resource: str) -> tuple[Rule, ...]:
    """The refused rules of one resource."""
    return tuple(rule for rule in refused_from(reads).values() if rule.resource == resource)


def _entries(reads: Any, key: str) -> list[Mapping[str, Any]]:
    found = as_list((as_map(reads) or {}).get(key)) or ()
    return [entry for entry in map(as_map, found) if entry is not None]


def _kind(entry: Mapping[str, Any]) -> Kind:
    return Kind(_text(entry, "group"), _text(entry, "resource"))


def _text(entry: Mapping[str, Any], key: str) -> str:
    return as_text(entry.get(key)) or ""


def progress_as_data(progress: Progress, /) -> dict[str, Any]:
    """The figures of one copy as metrics.json holds them."""
    return {
        "source": progress.source,
        "problem": progress.problem,
        "samples": [
            {
                "at": sample.at.isoformat(),
                "node": sample.node,
                **{figure: getattr(sample, figure) for figure in _FIGURES},
            }
            for sample in progress.samples
        ],
    }


def progress_from(data: Any, /) -> Progress:
    """The same back; a sample without a time, or with a figure that is none, is left out."""
    given = as_map(data) or {}
    samples = (_sample(entry) for entry in map(as_map, as_list(given.get("samples")) or ()) if entry is not None)
    found: Iterable[Sample] = (sample for sample in samples if sample is not None)
    return Progress(tuple(sorted(found, key=_measured)), _text(given, "source"), _text(given, "problem"))


def _measured(sample: Sample) -> str:
    return format_timestamp(sample.at)


def _sample(entry: Mapping[str, Any]) -> Sample | None:
    at = parse_timestamp(entry.get("at"))
    figures = {figure: entry.get(figure) for figure in _FIGURES}
    whole = all(
        value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64)
        for value in figures.values()
    )
    return Sample(at=at, node=_text(entry, "node"), **figures) if at is not None and whole else None
