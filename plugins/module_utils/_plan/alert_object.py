# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PrometheusRule object: what is applied, what counts as a difference, and the steps to it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import COMPONENT
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.prometheus_operator import (
    API_VERSION,
    KIND,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.rules_file import render_yaml
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal, Step

__all__ = [
    "MANAGED_BY",
    "labels_of",
    "make_rule",
    "plan_apply",
    "plan_delete",
    "rule_differs",
    "rule_text",
    "tell_conflict",
]

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_OWN_LABELS: Final[Mapping[str, str]] = {MANAGED_BY: COMPONENT}


def make_rule(
    name: str, /, *, namespace: str, labels: Mapping[str, str], groups: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The object as it is applied."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace, "labels": {**labels, **_OWN_LABELS}},
        "spec": {"groups": list(groups)},
    }


def labels_of(obj: Mapping[str, Any] | None, /) -> dict[str, str]:
    """Its labels; empty where there is no object, or they have no shape."""
    metadata = (obj or {}).get("metadata")
    found = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return {str(key): str(text) for key, text in found.items()} if isinstance(found, Mapping) else {}


def _content(obj: Mapping[str, Any] | None, /) -> dict[str, Any] | None:
    if not obj:
        return None
    return {"labels": labels_of(obj), "spec": obj.get("spec")}


def rule_differs(found: Mapping[str, Any] | None, answered: Mapping[str, Any], /) -> bool:
    """Whether what the server would store is another one than what is there; what others keep in it is no
    difference."""
    return _content(found) != _content(answered)


def rule_text(obj: Mapping[str, Any] | None, /) -> str:
    """Labels and rules for Ansible's diff; "" where there is no object."""
    content = _content(obj)
    return render_yaml({"metadata": {"labels": content["labels"]}, "spec": content["spec"]}) if content else ""


def plan_apply(path: str, rule: Mapping[str, Any], /, *, is_forced: bool, found: Mapping[str, Any] | None) -> Step:
    """The step that applies it."""
    metadata = rule["metadata"]
    return Step(
        action=f"{'Change' if found else 'Make'} {KIND} {metadata['namespace']}/{metadata['name']}",
        verb="apply",
        path=path,
        body=rule,
        precondition=(
            "Fields that others manage are taken over (accept_risks: FieldConflict)."
            if is_forced
            else "Nobody else manages these fields (the server checks it)."
        ),
        expectation="A Prometheus that selects the object loads the rules within a minute or two.",
        undo="state: absent" if not found else "Run again with the options of before.",
        is_forced=is_forced,
    )


def plan_delete(path: str, found: Mapping[str, Any], /) -> Step:
    """The step that deletes just this object."""
    metadata = found.get("metadata") or {}
    return Step(
        action=f"Delete {KIND} {metadata.get('namespace')}/{metadata.get('name')}",
        verb="delete",
        path=path,
        uid=str(metadata.get("uid") or ""),
        precondition="It is the object that was read (its UID).",
        expectation="Its alerts resolve.",
        undo="state: present",
    )


def tell_conflict(label: str, causes: Sequence[tuple[str, str]], /) -> Refusal:
    """Why the server does not apply it: (field, message) of each field that somebody else manages."""
    told = "; ".join(f"{field} ({message})" for field, message in causes)
    text = (
        f"Somebody else manages fields of {label} that would be changed: {told}. Leave the object to them and give"
        " another name, or take these fields over."
    )
    return Refusal("FieldConflict", text)
