# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of migration_policy: every key in every mode, empty when empty.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy_spec import option_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy import KIND
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_effect import (
    Change,
    Effect,
    InFlight,
    Ruling,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_hint import Hint

__all__ = ["render_diff", "render_effect", "render_hints", "render_in_flight"]


def render_effect(effect: Effect, /) -> dict[str, list[dict[str, Any]]]:
    """`wins_for`, `loses_for` and `unknown_for`."""
    return {
        "wins_for": [{**_vm(one), "before": one.before, "changes": _changes(one.changes)} for one in effect.wins_for],
        "loses_for": [
            {**_vm(one), "before": one.before, "to": one.after, "why": one.why, "changes": _changes(one.changes)}
            for one in effect.loses_for
        ],
        "unknown_for": [{**_vm(one), "why": one.why} for one in effect.unknown_for],
    }


def _vm(one: Ruling | InFlight) -> dict[str, str]:
    return {"namespace": one.vmi.meta.namespace, "vm": one.vmi.meta.name}


def _changes(changes: Sequence[Change]) -> list[dict[str, Any]]:
    return [{"setting": option_of(one.setting), "before": one.before, "after": one.after} for one in changes]


def render_in_flight(found: Sequence[InFlight], /) -> list[dict[str, Any]]:
    """Migrations that keep the old values. Those that may be cancelled have the shape that migration_cancel takes."""
    return [
        {
            **_vm(one),
            "name": one.migration.meta.name if one.migration else "",
            "uid": one.vmi.state.migration_uid if one.vmi.state else "",
            "phase": one.migration.phase if one.migration else "",
            "policy": one.policy,
            "mode": one.mode,
            "keeps": {option_of(change.setting): change.before for change in one.keeps},
            "would_get": {option_of(change.setting): change.after for change in one.keeps},
            "can_cancel": one.can_cancel,
            "advice": (
                "Only a cancel and a new migration give it the new values."
                if one.can_cancel
                else "It keeps them to its end: post-copy cannot be cancelled."
            ),
        }
        for one in found
    ]


def render_hints(hints: Sequence[Hint], /) -> list[dict[str, str]]:
    """`unmatched_hint`."""
    return [
        {"code": one.code, "namespace": one.namespace, "vm": one.vm, "text": one.text, "command": one.command}
        for one in hints
    ]


def render_diff(name: str, /, *, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """Ansible's diff of the specs; empty where they are the same."""
    if before == after:
        return {}
    header = f"{KIND} {name}"
    texts = {"before": _text(before), "after": _text(after)}
    return {**texts, "before_header": header, "after_header": header}


def _text(spec: Mapping[str, Any] | None) -> str:
    return "" if spec is None else json.dumps({"spec": spec}, indent=2, sort_keys=True) + "\n"
