# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the late and stuck migrations of one look have in common: several at once point at the infrastructure.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import STUCK, Judgement

__all__ = ["Correlation", "find_correlations"]

AT_LEAST = 2
_SHARED: dict[str, tuple[str, Callable[[Judgement], str]]] = {
    "source_node": ("leaving", lambda judgement: judgement.case.source_node),
    "target_node": ("going to", lambda judgement: judgement.case.target_node),
}


@dataclass(frozen=True)
class Correlation:
    """`bad` of `total` migrations that share `value` are late or stuck, `elsewhere_bad` of `elsewhere_total` others."""

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
        verb = _SHARED[self.kind][0]
        return (
            f"{self.bad} of {self.total} migrations {verb} {self.value} are late or stuck, "
            f"{self.elsewhere_bad} of {self.elsewhere_total} elsewhere."
        )


def find_correlations(judgements: Sequence[Judgement]) -> tuple[Correlation, ...]:
    """Every shared value with at least 2 late or stuck migrations and a larger share of them than elsewhere."""
    active = [judgement for judgement in judgements if not judgement.case.migration.is_final]
    found = [one for kind in _SHARED for one in _by_kind(kind, active)]
    return tuple(sorted(found, key=lambda one: (-one.bad, one.kind, one.value)))


def _by_kind(kind: str, active: list[Judgement]) -> list[Correlation]:
    value_of = _SHARED[kind][1]
    known = [(value_of(judgement), judgement) for judgement in active]
    known = [(value, judgement) for value, judgement in known if value]
    found = []
    for value in sorted({value for value, _judgement in known}):
        here = [judgement for other, judgement in known if other == value]
        bad = [judgement for judgement in here if _is_bad(judgement)]
        others = len(known) - len(here)
        others_bad = sum(_is_bad(judgement) for other, judgement in known if other != value)
        if (len(bad) >= AT_LEAST and len(bad) * others > others_bad * len(here)) or (
            len(bad) >= AT_LEAST and not others
        ):
            labels = tuple(sorted(judgement.case.migration.label for judgement in bad))
            found.append(Correlation(kind, value, len(bad), len(here), others_bad, others, labels))
    return found


def _is_bad(judgement: Judgement) -> bool:
    return judgement.verdict in STUCK or judgement.verdict == "late"
