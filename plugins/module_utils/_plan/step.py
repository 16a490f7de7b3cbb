# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done, as plain data: steps in their order, or refusals.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.risks import RISKS, Level

__all__ = ["OUTCOMES", "Plan", "Refusal", "Step", "check_risks", "judge_risks"]

# What became of a step. "refused": the plan was, so nothing was sent. "unknown": its answer was lost.
OUTCOMES: Final = ("refused", "dry_run", "not_possible_yet", "done", "failed", "unknown", "not_tried")


@dataclass(frozen=True)
class Step:
    """One write. `verb`, `path`, `body`, `uid`, `resource_version` are those of the client's write.

    `precondition`, `expectation` and `undo` are sentences or data for people and for the caller. `not_yet` says why it
    cannot be tried before the steps ahead of it are done, "" where it can. `is_optional`: that it failed is worth a
    warning and ends nothing; `is_harmless`: sent twice it is as sent once.
    """

    action: str
    verb: str
    path: str
    body: Any = None
    uid: str = ""
    resource_version: str = ""
    precondition: str = ""
    expectation: str = ""
    undo: Any = ""
    not_yet: str = ""
    is_strict: bool = True
    is_forced: bool = False
    is_optional: bool = False
    is_harmless: bool = False

    def to_result(self, *, outcome: str, answer: str = "", at: str = "") -> dict[str, Any]:
        """The entry of `plan`, with the same keys whatever became of it."""
        return {
            "action": self.action,
            "verb": self.verb,
            "path": self.path,
            "body": self.body,
            "precondition": self.precondition,
            "expectation": self.expectation,
            "undo": self.undo,
            "outcome": outcome,
            "answer": answer,
            "at": at,
        }


@dataclass(frozen=True)
class Refusal:
    """Why something is not done, or is done with a warning; the code is one of `risks.RISKS`.

    `next_allowed_at` (UTC text) is when time alone lifts it, "" where it does not.
    """

    code: str
    reason: str
    next_allowed_at: str = ""

    def to_result(self) -> dict[str, str]:
        """The entry of `refusals`."""
        return {"code": self.code, "reason": self.reason, "next_allowed_at": self.next_allowed_at}


@dataclass(frozen=True)
class Plan:
    """Steps in the order in which they are carried out, or the refusals for which none is. `notes` are warnings."""

    steps: tuple[Step, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether nothing may be done."""
        return bool(self.refusals)


def judge_risks(found: Iterable[Refusal], /, *, accept_risks: Sequence[str], warned: Iterable[Refusal] = ()) -> Plan:
    """A plan without steps that holds the refusals which stand, and as `notes` the warnings that nobody accepted. Those
    in `warned` are warnings whatever their code.

    Raises WrongInput for a code in `accept_risks` that no refusal has, or that nobody can insist on.
    """
    check_risks(accept_risks)
    stands = [one for one in dict.fromkeys(found) if one.code not in accept_risks]
    warnings = [one for one in stands if RISKS[one.code] is Level.WARNS]
    warnings += [one for one in dict.fromkeys(warned) if one.code not in accept_risks]
    return Plan(
        refusals=tuple(_telling_the_code(one) for one in stands if RISKS[one.code] is not Level.WARNS),
        notes=tuple(_naming_the_code(one) for one in warnings),
    )


def _naming_the_code(warning: Refusal) -> str:
    is_final = RISKS[warning.code] is Level.FINAL
    return f"{warning.reason} ({warning.code})" if is_final else f"{warning.reason} (accept_risks: {warning.code})"


def check_risks(codes: Iterable[str], /) -> None:
    """Raises WrongInput for a code that no refusal has, or that nobody can insist on."""
    for code in codes:
        _check_code(code)


def _check_code(code: str) -> None:
    insisted = sorted(name for name, level in RISKS.items() if level is not Level.FINAL)
    if code not in RISKS:
        raise WrongInput(f"accept_risks: {code!r} is no code. It knows {', '.join(insisted)}.")
    if RISKS[code] is Level.FINAL:
        raise WrongInput(f"accept_risks: nobody can insist on {code}. It knows {', '.join(insisted)}.")


def _telling_the_code(refusal: Refusal) -> Refusal:
    if RISKS[refusal.code] is Level.FINAL:
        return refusal
    return replace(refusal, reason=f"{refusal.reason} To insist, give accept_risks: [{refusal.code}].")
