# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What late and stuck migrations have in common: several at once point at the infrastructure.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import STUCK, Judgement

__all__ = ["AT_LEAST", "NODE_KINDS", "Correlation", "find_correlations", "is_bad"]

AT_LEAST = 2
START_WINDOW = "start_window"
WINDOW = timedelta(seconds=300)
NODE_KINDS = frozenset({"source_node", "target_node"})


def _source_node(judgement: Judgement) -> str | None:
    return judgement.case.source_node or None


def _target_node(judgement: Judgement) -> str | None:
    return judgement.case.target_node or None


def _policy(judgement: Judgement) -> str | None:
    """The one in force, "" for none, None before the hand-off settles it."""
    state = judgement.case.state
    return state.policy if state is not None else None


def _network(judgement: Judgement) -> str | None:
    """The network that was settled at the hand-off, "" for the pods' own."""
    state = judgement.case.state
    found = state.configuration.get("network", "") if state is not None and state.configuration else None
    return found if isinstance(found, str) else None


def _launcher(judgement: Judgement) -> str | None:
    vmi = judgement.case.vmi
    if vmi is None:
        return None
    return vmi.launcher_version or ("outdated" if vmi.has_outdated_launcher else None)


# Kind -> how the summary says it, and the value of one migration: "" for having none, None where it is not known.
_SHARED: dict[str, tuple[str, Callable[[Judgement], str | None]]] = {
    "source_node": ("leaving {}", _source_node),
    "target_node": ("going to {}", _target_node),
    "policy": ("under policy {}", _policy),
    "migration_network": ("over network {}", _network),
    "launcher_version": ("of VMs with launcher {}", _launcher),
    "namespace": ("in namespace {}", lambda judgement: judgement.case.migration.meta.namespace),
}
_STORAGE_CLASS = "storage_class"
_PHRASES = {
    **{kind: phrase for kind, (phrase, _value) in _SHARED.items()},
    _STORAGE_CLASS: "of VMs with storage class {}",
}
_ORDER = (*_PHRASES, START_WINDOW)
# One migration's values of a kind: () for having none, None where it is not known.
Values: TypeAlias = "Callable[[Judgement], tuple[str, ...] | None]"


@dataclass(frozen=True)
class Correlation:
    """`bad` of `total` migrations that share `value` are late or stuck, `elsewhere_bad` of `elsewhere_total` others.

    The value of a `start_window` is its first and last moment, `from/to`.
    """

    kind: str
    value: str
    bad: int
    total: int
    elsewhere_bad: int
    elsewhere_total: int
    labels: tuple[str, ...]

    @property
    def summary(self) -> str:
        """`4 of 4 migrations leaving node-7 are late or stuck, 1 of 11 elsewhere.`"""
        phrase = _PHRASES.get(self.kind, "asked for from {} to {}")
        values = [self.value] if self.kind in _PHRASES else self.value.split("/")
        return (
            f"{self.bad} of {self.total} migrations {phrase.format(*values)} are late or stuck, "
            f"{self.elsewhere_bad} of {self.elsewhere_total} elsewhere."
        )


def find_correlations(
    judgements: Sequence[Judgement], *, storage_classes: Mapping[tuple[str, str], str] | None = None
) -> tuple[Correlation, ...]:
    """Every shared value with at least 2 late or stuck migrations and a larger share of them than elsewhere.

    Where all migrations share it there is no elsewhere: a node is said then too, as its own verdict stands beside it;
    anything else is not, as it says nothing. Of start times the window of 300 s with most late or stuck ones is said.
    `storage_classes`: the class by namespace and claim, where known; a VM counts for each class it uses.
    """
    active = [judgement for judgement in judgements if not judgement.case.migration.is_final]
    found = [one for kind in _SHARED for one in _by_kind(kind, active, values_of=_single(kind))]
    found += _by_kind(_STORAGE_CLASS, active, values_of=_classes(storage_classes or {}))
    found += _by_start(active)
    return tuple(sorted(found, key=lambda one: (-one.bad, _ORDER.index(one.kind), one.value)))


def _single(kind: str) -> Values:
    value_of = _SHARED[kind][1]

    def values(judgement: Judgement) -> tuple[str, ...] | None:
        value = value_of(judgement)
        return None if value is None else tuple(filter(None, [value]))

    return values


def _classes(known: Mapping[tuple[str, str], str]) -> Values:
    """None for a VM of which no claim's class is known."""

    def values(judgement: Judgement) -> tuple[str, ...] | None:
        vmi, namespace = judgement.case.vmi, judgement.case.migration.meta.namespace
        if vmi is None:
            return None
        found = {known[namespace, claim] for claim in vmi.claims if (namespace, claim) in known}
        return tuple(sorted(found - {""})) if found or not vmi.claims else None

    return values


def _by_kind(kind: str, active: Sequence[Judgement], *, values_of: Values) -> list[Correlation]:
    groups: dict[str, list[Judgement]] = {}
    known: list[Judgement] = []
    for judgement in active:
        values = values_of(judgement)
        known += [] if values is None else [judgement]
        for value in values or ():
            groups.setdefault(value, []).append(judgement)
    total, bad = len(known), sum(map(is_bad, known))
    compared = (_compared(kind, value, groups[value], total=total, bad=bad) for value in sorted(groups))
    return [one for one in compared if one is not None]


def _compared(kind: str, value: str, here: Sequence[Judgement], *, total: int, bad: int) -> Correlation | None:
    """`here` against the rest of `total`, `bad` of which are late or stuck; None where it says nothing."""
    own = [judgement for judgement in here if is_bad(judgement)]
    others, others_bad = total - len(here), bad - len(own)
    says = len(own) * others > others_bad * len(here) if others else kind in NODE_KINDS
    if len(own) < AT_LEAST or not says:
        return None
    labels = tuple(sorted(judgement.case.migration.label for judgement in own))
    return Correlation(kind, value, len(own), len(here), others_bad, others, labels)


def _by_start(active: Iterable[Judgement]) -> list[Correlation]:
    """The window in which most of the late or stuck ones were asked for.

    Compared with those only that have had as much time to be late: younger ones than the youngest late one say nothing.
    """
    made = [(judgement.case.migration.meta.created_at, judgement) for judgement in active]
    known = [(at, judgement) for at, judgement in made if at is not None]
    bad = sorted(at for at, judgement in known if is_bad(judgement))
    if len(bad) < AT_LEAST:
        return []
    old = [(at, judgement) for at, judgement in known if at <= bad[-1]]
    # max takes the first of equals, the earliest.
    first = max(bad, key=lambda start: bisect_right(bad, start + WINDOW) - bisect_left(bad, start))
    last = bad[bisect_right(bad, first + WINDOW) - 1]
    # As much time before as after them: a window that begins with a late one would leave out its good neighbours.
    begin = first + (last - first) / 2 - WINDOW / 2
    here = [judgement for at, judgement in old if begin <= at <= begin + WINDOW]
    value = f"{format_timestamp(begin)}/{format_timestamp(begin + WINDOW)}"
    found = _compared(START_WINDOW, value, here, total=len(old), bad=len(bad))
    return [] if found is None else [found]


def is_bad(judgement: Judgement) -> bool:
    """Whether it is late or stuck."""
    return judgement.verdict in STUCK or judgement.verdict == "late"
