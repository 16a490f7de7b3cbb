# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done about stuck migrations, one line an act: read from the results of migration_cancel and migration_retry.

This module is private to the collection and may change without notice.

Nothing is taken for granted, as in `_report_read`: a result of another shape has no acts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    as_bool,
    as_int,
    as_list,
    as_map,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import plain, visible
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import (
    Act,
    Migration,
    Remediation,
)

__all__ = ["MODES", "acts_as_data", "ladder_lines", "read_remediation"]

MODES = ("diagnose", "cancel", "cancel_and_retry")
# What each rung means for who reads it.
_RUNGS = {
    "wait": "a cancel does not help, so it is left alone",
    "tune": "settings may help (the advice above), a cancel does not",
    "cancel": "a cancel helps, a new migration would meet the same",
    "retry": "a cancel helps, and then a new migration",
}
# The look after the acts gives one line; the tables and causes are those that the acts went by.
_BEFORE = "All else here was seen before the acts."
_TEXTS = ("namespace", "vm", "name", "uid", "verdict", "cause", "rung", "state", "code", "reason")


def read_remediation(mode: str, *, cancelled: Any = None, retried: Any = None, after: str = "") -> Remediation | None:
    """What was done in `mode`; None for no mode, which is a report on a look alone. `after`: the headline of the look
    after the acts; all else in the report is from the look before them, which is said."""
    if not mode:
        return None
    given = [as_map(result) or {} for result in (cancelled, retried)]
    acts = [*_acts("cancel", given[0]), *_acts("retry", given[1])]
    changed = any(as_bool(result.get("changed")) for result in given)
    return Remediation(mode=mode, acts=tuple(acts), changed=changed, after=f"{after} {_BEFORE}" if after else "")


def _acts(act: str, result: Mapping[str, Any]) -> Iterable[Act]:
    for entry in as_list(result.get("results")) or ():
        given = as_map(entry) or {}
        refusals = [as_map(one) or {} for one in as_list(given.get("refusals")) or ()]
        first = refusals[0] if refusals else {}
        values = {key: visible(given.get(key)) for key in _TEXTS}
        yield Act(
            act=act,
            **values,
            refusals=tuple(visible(one.get("code")) for one in refusals),
            next_allowed_at=visible(first.get("next_allowed_at")),
            attempt=as_int(given.get("attempt")),
            max_attempts=as_int(given.get("max_attempts")),
            seen=tuple(_seen(as_list(given.get("timeline")) or (), state=values["state"])),
        )


def _seen(timeline: Iterable[Any], /, *, state: str) -> Iterable[str]:
    """When it was in which phase and waited for what; how it ended stands in the act's own line already."""
    for entry in timeline:
        given = as_map(entry) or {}
        at, phase, what = (visible(given.get(key)) for key in ("at", "phase", "what"))
        said = state if state and what.startswith(f"{state}:") else what
        if said:
            yield f"{at.partition('T')[2] or at or '?'} {phase or 'no phase'}: {said}"


def ladder_lines(remediation: Remediation | None, migrations: Sequence[Migration], /) -> tuple[str, ...]:
    """How far to go against each stuck migration of a look on which nothing was done."""
    if remediation is None or remediation.mode != "diagnose":
        return ()
    return tuple(f"{one.title}: {one.rung or 'wait'}: {_RUNGS.get(one.rung, _RUNGS['wait'])}" for one in migrations)


def acts_as_data(remediation: Remediation | None, /) -> dict[str, Any]:
    """`mode`, `acts`, `by_state`, `refused`, for report.json and for later steps of a job; {} for no remediation."""
    if remediation is None:
        return {}
    keys = ("act", "namespace", "vm", "name", "uid", "state", "code", "reason", "next_allowed_at", "line")
    counts = Counter(one.state for one in remediation.acts)
    return {
        "mode": remediation.mode,
        "acts": [plain({key: getattr(one, key) for key in keys}) for one in remediation.acts],
        "by_state": dict(sorted(counts.items())),
        "refused": counts["refused"] > 0,
    }
