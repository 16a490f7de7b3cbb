# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of migration_settings: the same keys in every mode.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import ALERT, ANNOTATION
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import RECORD
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import Target
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import BY_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.effective import effective_settings
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.hco_patch import AnnotationProblem
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import parse_record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.settings import read_settings_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import Effective

__all__ = ["by_option", "empty_settings_result", "settings_diff", "settings_result"]


def empty_settings_result() -> dict[str, Any]:
    """The keys that are about the object, where there is none to speak of."""
    return {
        "object": {},
        "before": {},
        "after": {},
        "effective": {},
        "last_change": {},
        "patch": [],
        "undo_patch": [],
        "in_flight": [],
        "diff": {},
    }


def settings_result(before: Target, after: Target, /) -> dict[str, Any]:
    """What can be said of the object before and after; the other keys are as in the empty result."""
    return {
        **empty_settings_result(),
        "object": _object(after),
        "before": by_option(_settings(before)),
        "after": by_option(_settings(after)),
        "effective": _effective(effective_settings(after)),
        "last_change": _last_change(after),
        "diff": settings_diff(before, after),
    }


def _object(target: Target, /) -> dict[str, str]:
    metadata = target.found.metadata
    return {
        "kind": target.kind,
        "api_version": target.api_version,
        "namespace": str(metadata.get("namespace") or ""),
        "name": str(metadata.get("name") or ""),
        "uid": str(metadata.get("uid") or ""),
        "field": ".".join(target.steps),
    }


def _settings(target: Target, /) -> Mapping[str, Any]:
    try:
        return read_settings_of(target)
    except AnnotationProblem:
        return target.settings


def by_option(settings: Mapping[str, Any], /) -> dict[str, Any]:
    """Settings by the names of the module's options; those that the collection does not know are left out."""
    return {setting.option: settings[name] for name, setting in BY_NAME.items() if settings.get(name) is not None}


def _effective(effective: Mapping[str, Effective], /) -> dict[str, dict[str, Any]]:
    return {BY_NAME[name].option: {"value": one.value, "from": one.origin} for name, one in effective.items()}


def _last_change(target: Target, /) -> dict[str, Any]:
    record = parse_record(target.annotations.get(RECORD))
    if record is None:
        return {}
    return {**record.who.to_json(), "undone": dict(record.undone or {})}


def settings_diff(before: Target, after: Target, /) -> dict[str, Any]:
    """Settings and HyperConverged's annotation as Ansible's diff mode shows them; empty where they are equal."""
    was, now = _shown(before), _shown(after)
    if was == now:
        return {}
    return {"before": was, "after": now, "before_header": before.label, "after_header": after.label}


def _shown(target: Target, /) -> dict[str, Any]:
    shown: dict[str, Any] = {".".join(target.steps): dict(target.settings)}
    text = target.annotations.get(ANNOTATION)
    if target.is_hyperconverged and text is not None:
        shown[f"metadata.annotations[{ANNOTATION}] (raises {ALERT})"] = _readable(text)
    return shown


def _readable(text: Any, /) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return text
