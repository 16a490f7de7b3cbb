# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a protocol of several requests answers when it is asked what comes next.

This module is private to the collection and may change without notice.

A protocol is a pure function of what was observed, what was done so far, and the time. It answers with the next act, a
wait, the end, or a refusal, and never sleeps or sends anything itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Act", "Done", "Refused", "Wait"]


@dataclass(frozen=True)
class Act:
    """One thing to do next. `kind` names it in the plan; `subject` is what it is done to, `uid` its precondition."""

    kind: str
    why: str
    namespace: str
    subject: str
    uid: str = ""
    node: str = ""


@dataclass(frozen=True)
class Wait:
    """Look again after `seconds`; `why` says what for."""

    seconds: float
    why: str


@dataclass(frozen=True)
class Done:
    """The end. `state` is one word of a closed list; `code` says why it hangs, where it does."""

    state: str
    reason: str
    code: str = ""


@dataclass(frozen=True)
class Refused:
    """Not done, and why. `next_allowed_at` is None where time alone changes nothing.

    `can_accept`: whether `code` in accept_risks overrides it.
    """

    code: str
    reason: str
    next_allowed_at: datetime | None = None
    can_accept: bool = True
