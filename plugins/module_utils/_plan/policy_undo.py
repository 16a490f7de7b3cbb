# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the undo of a policy's last change makes of it, or why it makes nothing.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy import (
    KIND,
    WantedPolicy,
    changed_since,
    other_changes,
    spec_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_record import parse_policy_record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_steps import note_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import say_undone, say_unreadable
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal

__all__ = ["PolicyUndo", "plan_policy_undo"]

Object = Mapping[str, Any]


@dataclass(frozen=True)
class PolicyUndo:
    """The spec that it gets back (None: it is deleted), `stays` where nothing is to be done, then with `refusals` or
    with `notes` that say why."""

    after: dict[str, Any] | None = None
    stays: bool = False
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()


def plan_policy_undo(
    wanted: WantedPolicy, /, *, found: Object | None, policies: Sequence[Object] | None, told: str = ""
) -> PolicyUndo:
    """The undo for the policy as it is `found`. `policies` None: they were not read; `told` is what an event says of an
    undo of this policy, "" for none.

    That there is nothing to undo is refused: who names a policy means a change of it, and it may be the wrong name.
    """
    others = other_changes(wanted.name, policies=policies) if wanted.is_alone else ()
    if others:
        return PolicyUndo(stays=True, refusals=others)
    if found is None:
        return _of_none(wanted.name, told)
    text = note_of(found)
    record = parse_policy_record(text)
    label = f"{KIND} {wanted.name}"
    if record is None:
        return PolicyUndo(stays=True, refusals=(say_unreadable(label) if text is not None else _nothing(label),))
    if record.undone is not None:
        return PolicyUndo(stays=True, notes=(say_undone(label, who=record.who, undone=record.undone),))
    changed = changed_since(record, found=spec_of(found))
    if changed:
        return PolicyUndo(stays=True, refusals=changed)
    return PolicyUndo(after=None if record.before is None else dict(record.before))


def _nothing(label: str) -> Refusal:
    text = f"{label} has no record of a change by this collection, so there is nothing to undo. Is it the right name?"
    return Refusal("NothingToUndo", text)


def _of_none(name: str, told: str) -> PolicyUndo:
    if told:
        return PolicyUndo(stays=True, notes=(f"{KIND} {name} does not exist, as it was undone already: {told}.",))
    text = (
        f"There is no {KIND} {name}, so there is nothing to undo. Either the name is another one, or it was deleted, "
        "and the record of its changes went with it."
    )
    return PolicyUndo(stays=True, refusals=(Refusal("NothingToUndo", text),))
