# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far to go against each cause: wait, tune, cancel, retry.

This module is private to the collection and may change without notice.

The table follows the catalogue: what a cancel helps against has a C there, and what a new migration helps against
after it an R. Where something outside of the migration must be fixed first, nothing is done: the next one would meet
the same. A caller may set another rung for single causes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import CATALOGUE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement

__all__ = ["LADDER", "RUNGS", "ladder_from", "may_cancel", "rung_of", "rung_of_judgement"]

# In their order: who may go to one may go to those before it.
RUNGS = ("wait", "tune", "cancel", "retry")


def _highest(acts: str) -> str:
    if "C" in acts:
        return "retry" if "R" in acts else "cancel"
    return "tune" if "T" in acts else "wait"


LADDER: dict[str, str] = {entry.code: _highest(entry.acts) for entry in CATALOGUE}


def ladder_from(given: Any, /) -> Mapping[str, str]:
    """The table with the rungs of `given` (cause code -> rung) in place of its own; None is the table as it is.

    Raises WrongInput for a code that no cause has, and for what is no rung.
    """
    if given is None:
        return LADDER
    if not isinstance(given, Mapping):
        raise WrongInput(f"ladder: {given!r} is no mapping of cause codes to rungs ({', '.join(RUNGS)}).")
    for code, rung in given.items():
        if code not in LADDER:
            raise WrongInput(f"ladder: {code!r} is no code of a cause. docs/causes.md lists them.")
        if rung not in RUNGS:
            raise WrongInput(f"ladder.{code}: {rung!r} is no rung. The rungs are {', '.join(RUNGS)}.")
    return {**LADDER, **given}


def rung_of(code: str, *, ladder: Mapping[str, str] = LADDER) -> str:
    """The highest rung against this cause; wait for a code that is not known, and for no cause."""
    return ladder.get(code, "wait")


def rung_of_judgement(judgement: Judgement | None, /, *, ladder: Mapping[str, str] = LADDER) -> str:
    """The highest rung for this migration: that of its first cause, and wait for one that is not stuck."""
    if judgement is None or not judgement.is_stuck or not judgement.causes:
        return "wait"
    return rung_of(judgement.causes[0].code, ladder=ladder)


def may_cancel(code: str, *, ladder: Mapping[str, str] = LADDER) -> bool:
    """Whether a cancel helps against this cause."""
    return RUNGS.index(rung_of(code, ladder=ladder)) >= RUNGS.index("cancel")
