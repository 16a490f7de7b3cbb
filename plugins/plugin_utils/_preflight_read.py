# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of preflight_info, read into what its report shows.

This module is private to the collection and may change without notice.

Nothing is taken for granted, as in `_report_read`: what is absent or of another shape reads as not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    as_int,
    as_list,
    as_map,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import format_bytes
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import parse_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import fit, visible
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Cause, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_causes, read_gap
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import (
    OUTLOOKS,
    counted,
    duration,
    listed,
)

__all__ = ["PREFLIGHT_TITLE", "PreflightReport", "Vm", "read_preflight"]

PREFLIGHT_TITLE = "Before the drain"
# No word of the closed list is longer; something else must not push the table over its width.
_LONGEST_VERDICT = 24
_RANKS = {verdict: rank for rank, verdict in enumerate(OUTLOOKS)}
_HOLDING = ("would_stop", "would_not_migrate", "at_risk")


@dataclass(frozen=True)
class Vm:
    """One VM. `reasons` are read like causes; `not_known` says what could not be looked for."""

    namespace: str
    vm: str
    node: str
    verdict: str
    summary: str
    reason: str
    strategy: str
    memory: str
    candidates: str
    reasons: tuple[Cause, ...]
    not_known: tuple[str, ...]

    @property
    def title(self) -> str:
        """`namespace/vm`."""
        return f"{self.namespace or '?'}/{self.vm or '?'}"

    @property
    def remark(self) -> str:
        """The summary without the verdict that it repeats."""
        return self.summary.removeprefix(f"{self.verdict}: ")


@dataclass(frozen=True)
class PreflightReport:
    """One look before a drain. `drain` are sentences on slots, time and places."""

    title: str
    generated_at: str
    version: str
    headline: str
    counts: tuple[tuple[str, int], ...]
    vms: tuple[Vm, ...]
    drain: tuple[str, ...]
    assumed: tuple[str, ...]
    gap: Gap | None
    requests: int | None

    @property
    def holding(self) -> tuple[Vm, ...]:
        """Those that somebody should see to before the drain."""
        return tuple(vm for vm in self.vms if vm.verdict in _HOLDING)

    @property
    def uncertain(self) -> tuple[Vm, ...]:
        """Those that could not be judged, those that wait, and those with a remark."""
        return tuple(
            vm for vm in self.vms if vm.verdict not in _HOLDING and (vm.verdict != "would_migrate" or vm.reasons)
        )


def read_preflight(result: Any, *, title: str = "", version: str = "") -> PreflightReport:
    """The report on the result of preflight_info."""
    given = as_map(result) or {}
    now = parse_timestamp(given.get("read_at"))
    vms = sorted(
        (_vm(entry, now=now) for entry in as_list(given.get("vms")) or ()),
        key=lambda vm: _RANKS.get(vm.verdict, _RANKS["unknown"]),
    )
    counts = Counter(vm.verdict for vm in vms)
    coverage = as_map(given.get("coverage")) or {}
    placement = as_int(coverage.get("requests_for_placement")) or 0
    requests = as_int(coverage.get("requests"))
    return PreflightReport(
        title=visible(title) or PREFLIGHT_TITLE,
        generated_at=visible(given.get("read_at")),
        version=visible(version),
        headline=visible((as_map(given.get("summary")) or {}).get("text")) or f"{counted(len(vms), 'VM')} looked at.",
        counts=tuple(sorted(counts.items(), key=lambda item: (_RANKS.get(item[0], len(_RANKS)), item[0]))),
        vms=tuple(vms),
        drain=tuple(_drain(as_map(given.get("drain")) or {})) if vms else (),
        assumed=tuple(visible(one) for one in as_list(given.get("assumed")) or ()) if vms else (),
        gap=read_gap(given),
        requests=None if requests is None else requests + placement,
    )


def _vm(entry: Any, *, now: Any) -> Vm:
    given = as_map(entry) or {}
    copy = as_map(given.get("copy")) or {}
    memory = as_int(copy.get("memory_bytes"))
    known = [as_map(one) or {} for one in as_list(given.get("not_known")) or ()]
    return Vm(
        namespace=visible(given.get("namespace")),
        vm=visible(given.get("vm")),
        node=visible(given.get("source_node")),
        verdict=fit(visible(given.get("verdict")), width=_LONGEST_VERDICT) or "unknown",
        summary=visible(given.get("summary")),
        reason=visible(given.get("reason")),
        strategy=visible(given.get("eviction_strategy")),
        memory="?" if memory is None else format_bytes(memory),
        candidates=_candidates(as_map(given.get("placement")) or {}),
        reasons=read_causes(given.get("reasons"), now=now),
        not_known=tuple(dict.fromkeys(visible(one.get("why")) for one in known)),
    )


def _candidates(placement: Mapping[str, Any]) -> str:
    """`node-1`, `7 nodes`, `none`, or `-` where no node was looked at."""
    possible = [visible(name) for name in as_list(placement.get("possible")) or ()]
    if not possible:
        return "none" if as_list(placement.get("excluded")) else "-"
    return possible[0] if len(possible) == 1 else f"{len(possible)} nodes"


def _drain(given: Mapping[str, Any]) -> Iterable[str]:
    slots = as_map(given.get("slots")) or {}
    cluster, node = as_int(slots.get("per_cluster")), as_int(slots.get("per_node"))
    if cluster is not None and node is not None:
        taken = [visible(one) for one in as_list(slots.get("taken")) or ()]
        held = (
            f"; taken now: {listed(taken[:5])}{f' and {len(taken) - 5} more' if len(taken) > 5 else ''}"
            if taken
            else ""
        )
        yield f"Slots: {cluster} in the cluster, {node} off each node{held}."
    for one in map(as_map, as_list(given.get("nodes")) or ()):
        yield _node(one or {})
    seconds, why = as_int(given.get("least_seconds")), visible(given.get("arithmetic"))
    waves = as_int(given.get("waves"))
    rounds = f"in {counted(waves, 'round')} at least" if waves else ""
    if seconds is not None:
        yield f"Time: {duration(seconds)} at least, {rounds}: {why}."
    elif why:
        yield f"Time: not known. {why[0].upper()}{why[1:]}."
    yield f"Places: {visible((as_map(given.get('together')) or {}).get('text'))}"


def _node(given: Mapping[str, Any]) -> str:
    vms, migrate = as_int(given.get("vms")) or 0, as_int(given.get("to_migrate")) or 0
    memory = as_int(given.get("memory_bytes"))
    size = f" with {format_bytes(memory)} of memory" if memory and migrate else ""
    return f"{visible(given.get('node')) or '?'}: {counted(vms, 'VM')}, {migrate or 'none'} to be migrated{size}."
