# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind of act (cancel, retry) says of itself: which object it is about, how it is looked at, what comes next.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import Course
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import Record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import (
    Act,
    Done,
    Refused,
    Wait,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step

__all__ = ["ActKind"]


class ActKind(ABC):
    """One kind of act. `looks_early`: of many, what the gates judge may stand in for the first look at each."""

    looks_early = False

    @abstractmethod
    def find_many(self, courses: Sequence[Course]) -> None:
        """Reads at once what many would be resolved by one by one."""

    @abstractmethod
    def resolve(self, course: Course) -> None:
        """Finds the object that is meant; sets the outcome where there is nothing to do."""

    @abstractmethod
    def first_look(self, course: Course) -> None:
        """A look before the gates: ends what needs no act."""

    @abstractmethod
    def observe(self, course: Course, *, explain: bool = False) -> Any:
        """A fresh look; `explain`: it is the last one, so with all that says why it hangs."""

    @abstractmethod
    def next_step(
        self, course: Course, observed: Any, /, *, done: Sequence[str], until: datetime
    ) -> Act | Wait | Done | Refused:
        """What comes next, by what was observed and what was done."""

    @abstractmethod
    def look_more(self, snapshot: Snapshot) -> Snapshot:
        """The look at the cluster with what this kind of act is judged by besides."""

    @abstractmethod
    def situation(self, course: Course) -> dict[str, Any]:
        """What the gates judge of this one."""

    @abstractmethod
    def known(self, course: Course, record: Record, /) -> Record:
        """What the Lease remembers, as the cluster bears it out."""

    @abstractmethod
    def record(self, course: Course) -> Record:
        """What is to be remembered before the act."""

    @abstractmethod
    def trace(self, course: Course) -> None:
        """Leaves who does it and why where people look."""

    @abstractmethod
    def step(self, course: Course, act: Act, /) -> Step:
        """The request for an act."""

    @abstractmethod
    def note_answer(self, course: Course, act: Act, answer: Mapping[str, Any], /) -> None:
        """Keeps what the answer to an act says."""

    @abstractmethod
    def may_wait_on(self, course: Course, /) -> bool:
        """Whether nothing is left to do but to wait for the end of its migration."""

    @abstractmethod
    def note_doubt(self, course: Course, act: Act, /) -> None:
        """Keeps that an act may have been done, as its answer was lost."""
