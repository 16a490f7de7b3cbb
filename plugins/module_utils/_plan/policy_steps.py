# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one write that makes a MigrationPolicy as it is wanted, with what it rests on and what takes it back.

This module is private to the collection and may change without notice.

A change is a JSON patch whose `test` operations name the object's UID and its whole spec as it was read: who rules whom
was told from that spec, so any change of it by somebody else in between is an error and is never overwritten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import RECORD
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy import (
    API_VERSION,
    KIND,
    manifest_of,
    metadata_of,
    same_spec,
    spec_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step

__all__ = ["COLLECTION", "ITEM", "note_in", "note_of", "plan_policy_steps", "undo_patch", "unknown_fields"]

COLLECTION = f"/apis/{API_VERSION}/migrationpolicies"
ITEM = COLLECTION + "/{name}"

# As k8s.io/apimachinery says it in a strict decoding error; the quotes may come escaped.
_UNKNOWN_FIELD = re.compile(r'unknown field \\*"spec\.([A-Za-z.]+)')

Object = Mapping[str, Any]
Operations = list[dict[str, Any]]


def plan_policy_steps(name: str, /, *, found: Object | None, after: Object | None, note: str) -> tuple[Step, ...]:
    """The write that turns the object `found` (None: there is none) into one with the spec `after` (None: none), empty
    where it is so already. `note` is the record of it that the object gets."""
    if same_spec(_spec(found), after):
        return ()
    if found is None:
        return (_create(name, after or {}, note),)
    return (_delete(name, found),) if after is None else (_patch(name, found, after, note),)


def _spec(found: Object | None) -> Object | None:
    return None if found is None else spec_of(found)


def _create(name: str, after: Object, note: str) -> Step:
    metadata = {"name": name, "annotations": {RECORD: note}}
    return Step(
        action=f"create {KIND} {name}",
        verb="create",
        path=COLLECTION,
        body={"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": dict(after)},
        precondition=f"no {KIND} {name} exists",
        expectation="VMs that it rules get its values at their next hand-off",
        undo=f"delete {KIND} {name}",
    )


def _delete(name: str, found: Object) -> Step:
    meta = metadata_of(found)
    return Step(
        action=f"delete {KIND} {name}",
        verb="delete",
        path=ITEM.format(name=name),
        uid=str(meta.get("uid", "")),
        resource_version=str(meta.get("resourceVersion", "")),
        precondition="it is as it was read (its UID and resourceVersion)",
        expectation="VMs that it ruled get the values of the next policy, or the cluster's, at their next hand-off",
        undo=manifest_of(name, spec=_spec(found)),
    )


def _patch(name: str, found: Object, after: Object, note: str) -> Step:
    before = _spec(found) or {}
    meta = metadata_of(found)
    return Step(
        action=f"change {KIND} {name}",
        verb="patch",
        path=ITEM.format(name=name),
        body=[
            {"op": "test", "path": "/metadata/uid", "value": meta.get("uid")},
            {"op": "test", "path": "/spec", "value": dict(before)},
            *_operations(before, after),
            *_noted(meta.get("annotations"), note),
        ],
        precondition="its UID and its spec are as they were read",
        expectation="VMs that it rules get its values at their next hand-off",
        undo=undo_patch(found, after=after),
    )


def _operations(before: Object, after: Object) -> Operations:
    found: Operations = [{"op": "remove", "path": f"/spec/{name}"} for name in sorted(set(before) - set(after))]
    for name, value in sorted(after.items()):
        if name not in before or before[name] != value:
            found.append({"op": "replace" if name in before else "add", "path": f"/spec/{name}", "value": value})
    return found


def _noted(annotations: Any, note: str) -> Operations:
    """Annotations of others stay, also those that somebody adds in between."""
    if not isinstance(annotations, Mapping):
        # null stands for absent in a `test`.
        absent = {"op": "test", "path": "/metadata/annotations", "value": None}
        return [absent, {"op": "add", "path": "/metadata/annotations", "value": {RECORD: note}}]
    path = "/metadata/annotations/" + RECORD.replace("~", "~0").replace("/", "~1")
    return [{"op": "add", "path": path, "value": note}]


def undo_patch(found: Object | None, /, *, after: Object | None) -> Sequence[Mapping[str, Any]]:
    """The JSON patch that brings the spec of `found` back where it still is `after`; empty where a patch cannot, as the
    object was made or deleted."""
    before = _spec(found)
    if before is None or after is None or same_spec(before, after):
        return []
    return [
        {"op": "test", "path": "/spec", "value": dict(after)},
        {"op": "replace", "path": "/spec", "value": dict(before)},
    ]


def note_in(body: Any, /) -> str:
    """The record that the body of a step writes, "" for none."""
    if isinstance(body, Mapping):
        return note_of(body) or ""
    values = [one["value"] for one in body or () if one["op"] == "add" and "annotations" in one["path"]]
    value = values[-1] if values else ""
    return str(value.get(RECORD, "")) if isinstance(value, Mapping) else str(value)


def note_of(obj: Object, /) -> str | None:
    """The text of the record that an object carries, None for none."""
    annotations = metadata_of(obj).get("annotations")
    text = annotations.get(RECORD) if isinstance(annotations, Mapping) else None
    return None if text is None else str(text)


def unknown_fields(reason: str, /) -> tuple[str, ...]:
    """The fields below spec that the server names as unknown when it is asked to be strict."""
    return tuple(dict.fromkeys(_UNKNOWN_FIELD.findall(reason)))
