# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The looks at several clusters, read into one report. A cluster that could not be looked at is one of its rows.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_list, as_map
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import visible
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import VERDICTS, counted, listed

__all__ = ["CLUSTERS_TITLE", "Cluster", "ClustersReport", "read_clusters"]

CLUSTERS_TITLE = "Live migrations of several clusters"
_RANKS = {verdict: rank for rank, verdict in enumerate(VERDICTS)}


@dataclass(frozen=True)
class Cluster:
    """One cluster. `report` None: it could not be looked at, for `error`."""

    name: str
    report: Report | None
    error: str

    @property
    def stuck(self) -> int:
        """How many are known to be stuck."""
        return len(self.report.stuck) if self.report is not None else 0

    @property
    def line(self) -> str:
        """What was found, or why nothing was."""
        return self.report.headline if self.report is not None else f"Could not be looked at: {self.error}"


@dataclass(frozen=True)
class ClustersReport:
    """One look at several clusters: those with the most stuck migrations first, then those that were not seen."""

    title: str
    generated_at: str
    version: str
    headline: str
    counts: tuple[tuple[str, int], ...]
    clusters: tuple[Cluster, ...]

    @property
    def unseen(self) -> tuple[Cluster, ...]:
        """Those that could not be looked at."""
        return tuple(one for one in self.clusters if one.report is None)

    @property
    def reports(self) -> tuple[Report, ...]:
        """The reports on the others."""
        return tuple(one.report for one in self.clusters if one.report is not None)


def read_clusters(looks: Any, *, scope: Any = None, title: str = "", version: str = "") -> ClustersReport:
    """The report on `looks`, each with `name`, `migrations` and `nodes` (results of the modules) and `error`."""
    found = sorted((_cluster(look, scope=scope) for look in as_list(looks) or ()), key=_rank)
    seen = [one.report for one in found if one.report is not None]
    counts = Counter(one.verdict for report in seen for one in report.migrations)
    return ClustersReport(
        title=visible(title) or CLUSTERS_TITLE,
        generated_at=max((report.generated_at for report in seen), default=""),
        version=visible(version),
        headline=_headline(found, seen=seen),
        counts=tuple(sorted(counts.items(), key=lambda item: (_RANKS.get(item[0], len(_RANKS)), item[0]))),
        clusters=tuple(found),
    )


def _cluster(look: Any, *, scope: Any) -> Cluster:
    given = as_map(look) or {}
    result, name = as_map(given.get("migrations")) or {}, visible(given.get("name")) or "?"
    if result.get("failed") is True or as_list(result.get("migrations")) is None:
        return Cluster(
            name, None, visible(result.get("msg")) or visible(given.get("error")) or "nothing is known of why"
        )
    return Cluster(name, read_report(result, nodes=as_map(given.get("nodes")) or None, scope=scope, title=name), "")


def _rank(cluster: Cluster) -> tuple[int, int, str]:
    return -cluster.stuck, cluster.report is not None, cluster.name


def _headline(found: Sequence[Cluster], *, seen: Sequence[Report]) -> str:
    return " ".join(_sentences(found, seen=seen))


def _sentences(found: Sequence[Cluster], *, seen: Sequence[Report]) -> Iterable[str]:
    if not found:
        yield "There is no cluster to look at."
        return
    stuck, total = sum(one.stuck for one in found), sum(len(report.migrations) for report in seen)
    where = [one.name for one in found if one.stuck]
    if stuck:
        names = listed(where) if len(where) <= 3 else f"{len(where)} of {counted(len(found), 'cluster')}"
        yield f"{stuck} of {counted(total, 'migration')} {'is' if stuck == 1 else 'are'} stuck, in {names}."
    elif all(report.gap is None and not report.uncertain for report in seen) and len(seen) == len(found):
        yield f"No migration is stuck in {counted(len(found), 'cluster')} ({counted(total, 'migration')} looked at)."
    else:
        yield f"No migration was seen to be stuck ({counted(total, 'migration')} looked at), but not all could be seen."
    unseen = [one.name for one in found if one.report is None]
    if unseen:
        names = listed(unseen) if len(unseen) <= 3 else f"{len(unseen)} of {counted(len(found), 'cluster')}"
        yield f"{names} could not be looked at."
