# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cause function answers: a cause with its evidence, or what kept it from looking.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule, lacking

__all__ = ["HOLD_SECONDS", "Cause", "Evidence", "Found", "Gap"]

# How long a cause must hold before it makes a migration `blocked`, by whether time cures it.
HOLD_SECONDS = {"no": 60, "maybe": 120}


@dataclass(frozen=True)
class Evidence:
    """One thing that was seen: `object` as `Kind namespace/name`, `field` as a path, `value` as found, `at` when."""

    object: str
    field: str
    value: str
    at: datetime | None = None


@dataclass(frozen=True)
class Cause:
    """One reason why a migration does not go on.

    `time_cures` is yes, no or maybe; `holds_since` is None where no time is readable; `names` hold what the advice
    needs (pod, node, quota ...) as plain text.
    """

    code: str
    summary: str
    time_cures: str
    holds_since: datetime | None
    evidence: tuple[Evidence, ...]
    confidence: str = "certain"
    names: Mapping[str, str] = field(default_factory=dict)
    explains: tuple[str, ...] = ()

    def has_held(self, *, now: datetime) -> bool:
        """Whether it has held long enough to call the migration blocked; False for what time cures."""
        hold = HOLD_SECONDS.get(self.time_cures)
        if hold is None or self.holds_since is None:
            return False
        return (now - self.holds_since).total_seconds() >= hold


@dataclass(frozen=True)
class Gap:
    """A cause that could not be looked for: for want of `rules`, or `why` says it.

    Once the migration is older than `after_seconds`, its verdict may hang on it.
    """

    code: str
    rules: tuple[Rule, ...]
    after_seconds: int = HOLD_SECONDS["no"]
    why: str = ""

    def sentence(self) -> str:
        """What is missing: `not allowed to list nodes`."""
        return self.why or lacking(self.rules) or "it was not given"


# A cause, or why it could not be looked for.
Found: TypeAlias = "Cause | Gap"
