# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wish makes of the object that owns the migration settings, and what an undo makes of it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import ALERT, ANNOTATION
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import RECORD
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import Target, value_at
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import BY_NAME, same_value
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.hco_patch import (
    AnnotationProblem,
    decided_settings,
    drop_settings,
    expect_settings,
    merge_settings,
    parse_annotation,
    render,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import (
    Record,
    parse_record,
    say_undone,
    say_unreadable,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal

__all__ = [
    "Change",
    "Wish",
    "document_of",
    "find_broken",
    "find_others",
    "plan_settings",
    "plan_undo",
    "read_settings_of",
    "say_value",
    "split_wish",
]

Document = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """Settings by their names in the API that shall have a value, and such that shall go back to the default."""

    values: Mapping[str, Any] = field(default_factory=dict)
    reset: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All settings that it is about."""
        return (*self.values, *self.reset)


@dataclass(frozen=True)
class Change:
    """What the object shall be. `after` is `document_of` with the change in it; `made` the topmost parent that had to
    be made, as a JSON pointer, "" for none. With `refusals` it is not to be carried out; `notes` say why it is empty.
    """

    before: Document
    after: Document
    made: str = ""
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the object is as it shall be."""
        return self.before == self.after


def document_of(obj: Mapping[str, Any], /) -> Document:
    """The parts of an object that a change may touch: its spec, its annotations, and its resourceVersion."""
    metadata = obj.get("metadata")
    kept = ("annotations", "resourceVersion")
    metadata = {name: metadata[name] for name in kept if name in metadata} if isinstance(metadata, Mapping) else {}
    return copy.deepcopy({"metadata": metadata, "spec": obj.get("spec") or {}})


def read_settings_of(target: Target, /) -> dict[str, Any]:
    """The settings that `target` gives to KubeVirt, those of HyperConverged's annotation too.

    Raises AnnotationProblem where that annotation cannot be understood.
    """
    if not target.is_hyperconverged:
        return dict(target.settings)
    operations = parse_annotation(target.annotations.get(ANNOTATION))
    return expect_settings(operations, rendered=target.settings)


def split_wish(target: Target, wish: Wish, /) -> tuple[Wish, Wish]:
    """What the object's own fields take, and what must go by HyperConverged's annotation."""
    own = {name for name in wish.names if _is_own(target, name)}
    return (
        Wish({name: value for name, value in wish.values.items() if name in own}, _those(wish.reset, own)),
        Wish({name: value for name, value in wish.values.items() if name not in own}, _those(wish.reset, own, False)),
    )


def _those(names: tuple[str, ...], own: set[str], wanted: bool = True, /) -> tuple[str, ...]:
    return tuple(name for name in names if (name in own) is wanted)


def _is_own(target: Target, name: str, /) -> bool:
    if not target.is_hyperconverged:
        return True
    return BY_NAME[name].in_hyperconverged and (target.fields is None or name in target.fields)


def plan_settings(target: Target, wish: Wish, /) -> Change:
    """The change that fulfils `wish`; a setting that has its value already is left as it is written."""
    before = document_of(target.found.obj)
    if not wish.names:
        return Change(before, before)
    own, others = split_wish(target, wish)
    unserved = tuple(_unserved(target, wish))
    if unserved:
        return Change(before, before, refusals=unserved)
    after, made = _with_settings(before, target=target, wish=own)
    if not target.is_hyperconverged:
        return Change(before, after, made=made)
    try:
        return _with_annotation(Change(before, after, made=made), target=target, wish=wish, others=others)
    except AnnotationProblem as problem:
        text = f"The annotation {ANNOTATION} of {target.label} cannot be understood: {problem}. Mend it by hand first."
        return Change(before, before, refusals=(Refusal("AnnotationUnreadable", text),))


def _unserved(target: Target, wish: Wish, /) -> Iterator[Refusal]:
    for name in wish.values:
        if target.kubevirt_fields is not None and name not in target.kubevirt_fields:
            text = (
                f"This cluster's KubeVirt has no {BY_NAME[name].option}: spec.configuration.migrations.{name} is not "
                "in the API that it serves. It takes a newer KubeVirt."
            )
            yield Refusal("SettingNotServed", text)


def _with_settings(before: Document, /, *, target: Target, wish: Wish) -> tuple[Document, str]:
    after = copy.deepcopy(before)
    found = target.settings
    wanted = {name: value for name, value in wish.values.items() if not same_value(name, found.get(name), value)}
    made = ""
    if wanted:
        place, made = _make_way(after, target)
        place.update(wanted)
    for name in wish.reset:
        if name in found:
            del _place(after, target)[name]
    return after, made


def _make_way(document: Document, target: Target, /) -> tuple[Document, str]:
    """The mapping that holds the settings, made where it is missing, and the topmost part that had to be made."""
    place, made, path = document, "", ""
    for step in target.steps:
        path += f"/{step}"
        if not isinstance(place.get(step), dict):
            place[step] = {}
            made = made or path
        place = place[step]
    return place, made


def _place(document: Document, target: Target, /) -> Document:
    place = document
    for step in target.steps:
        place = place[step]
    return place


def _with_annotation(change: Change, /, *, target: Target, wish: Wish, others: Wish) -> Change:
    """The change with what HyperConverged's annotation must say for it; refused where that keeps the wish from coming
    true, or has to be insisted on."""
    text = target.annotations.get(ANNOTATION)
    operations = parse_annotation(text)
    known = expect_settings(operations, rendered=target.settings)
    missing = {name: value for name, value in others.values.items() if not same_value(name, known.get(name), value)}
    merged = merge_settings(drop_settings(operations, names=wish.reset), wanted=missing)
    if merged != operations:
        _annotate(change.after, render(merged) if merged else None)
    own = value_at(change.after, target.steps)
    refusals = [*_overruled(wish, merged, own if isinstance(own, Mapping) else {}), *_unsupported(tuple(missing))]
    return Change(change.before, change.after, made=change.made, refusals=tuple(refusals))


def _annotate(document: Document, text: str | None, /) -> None:
    annotations = document["metadata"].setdefault("annotations", {})
    if text is None:
        annotations.pop(ANNOTATION, None)
    else:
        annotations[ANNOTATION] = text


def _overruled(wish: Wish, operations: list[dict[str, Any]], own: Mapping[str, Any], /) -> Iterator[Refusal]:
    """Settings that operations of others in the annotation decide, whatever is written elsewhere."""
    try:
        expected = expect_settings(operations, rendered=own)
    except AnnotationProblem:
        # See find_broken: what is reset may have a default that only the server knows.
        return
    alone = decided_settings(operations)
    lost = [name for name, value in wish.values.items() if not same_value(name, expected.get(name), value)]
    for name in (*lost, *(name for name in wish.reset if name in alone)):
        text = (
            f"{BY_NAME[name].option} is decided by an operation of others in the annotation {ANNOTATION}, which comes "
            "after everything else. Take it out of there by hand first."
        )
        yield Refusal("AnnotationOfOthers", text)


def find_broken(before: Target, after: Target, /) -> tuple[Refusal, ...]:
    """What keeps a change of HyperConverged from being carried to KubeVirt: operations of others in its annotation that
    can be applied to it as it is `before`, and no longer `after` the change. `after` is as the server answers it."""
    try:
        read_settings_of(before)
    except AnnotationProblem:
        return ()
    try:
        read_settings_of(after)
    except AnnotationProblem as problem:
        text = (
            f"After this change the annotation {ANNOTATION} of {before.label} could not be applied any more, and "
            f"HyperConverged would carry no change at all to KubeVirt: {problem}. Take that operation out first."
        )
        return (Refusal("AnnotationOfOthers", text),)
    return ()


def _unsupported(names: tuple[str, ...], /) -> Iterator[Refusal]:
    if not names:
        return
    options = ", ".join(BY_NAME[name].option for name in names)
    by_policy = [BY_NAME[name].option for name in names if BY_NAME[name].in_policy]
    text = (
        f"HyperConverged has no field for {options}: it goes by the annotation {ANNOTATION} only, for which "
        f"HyperConverged raises the alert {ALERT} and calls its configuration tainted."
    )
    if by_policy:
        text += f" A MigrationPolicy can set {', '.join(by_policy)} without that (module migration_policy)."
    yield Refusal(ALERT, text)


def plan_undo(target: Target, text: Any, /) -> Change:
    """The change that takes back the one in the record `text`, to the letter; refused where that cannot be read, or a
    value is not the one it set. Without a record, or with one that is undone, it is empty and says so."""
    before = document_of(target.found.obj)
    record = parse_record(text)
    if text is not None and (record is None or not (record.changes or record.annotation)):
        return Change(before, before, refusals=(say_unreadable(target.label),))
    if record is None:
        note = f"{target.label} has no record of a change by this collection, so there is nothing to undo."
        return Change(before, before, notes=(note,))
    if record.undone is not None:
        note = say_undone(target.label, who=record.who, undone=record.undone)
        return Change(before, before, notes=(note,))
    refusals = tuple(_changed_since(target, record))
    if refusals:
        return Change(before, before, refusals=refusals)
    after = copy.deepcopy(before)
    if record.changes:
        place, _made = _make_way(after, target)
        for name, (was, _now) in record.changes.items():
            if was is None:
                place.pop(name, None)
            else:
                place[name] = was
    if record.annotation is not None:
        _annotate(after, record.annotation[0])
    _unmake(after, record.made)
    return Change(before, after)


def find_others(was: Target, now: Target, /, *, names: Sequence[str], undo: bool) -> tuple[str, ...]:
    """What somebody else did to the settings in `names` between two readings of one object, in words; for an undo to
    the record of the change that it takes back, as it would then be another change."""
    if was.found.metadata.get("uid") != now.found.metadata.get("uid"):
        return ("it is another object of the same name",)
    if undo and was.annotations.get(RECORD) != now.annotations.get(RECORD):
        return ("its last change is another one now",)
    before, after = _told(was), _told(now)
    return tuple(
        f"{BY_NAME[name].option} was {say_value(before.get(name))} when it was read and is "
        f"{say_value(after.get(name))} now"
        for name in names
        if not same_value(name, before.get(name), after.get(name))
    )


def _told(target: Target, /) -> Mapping[str, Any]:
    try:
        return read_settings_of(target)
    except AnnotationProblem:
        return target.settings


def _changed_since(target: Target, record: Record, /) -> Iterator[Refusal]:
    for name, (_was, set_to) in record.changes.items():
        now = target.settings.get(name)
        if not same_value(name, now, set_to):
            option = BY_NAME[name].option if name in BY_NAME else name
            was = f"{option} is {say_value(now)} now and not {say_value(set_to)}"
            yield Refusal("ValueChangedSince", f"{was}, as it was left: somebody changed it since.")
    if record.annotation is not None and target.annotations.get(ANNOTATION) != record.annotation[1]:
        text = f"The annotation {ANNOTATION} is not the one that was left: somebody changed it since."
        yield Refusal("ValueChangedSince", text)


def say_value(value: Any, /) -> str:
    """A setting's value as YAML writes it."""
    return "not set" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _unmake(document: Document, made: str, /) -> None:
    """Take away the parent that a change had to make, unless somebody put something else into it."""
    if not made:
        return
    *way, last = made.split("/")[1:]
    place = document
    for step in way:
        place = place.get(step, {})
        if not isinstance(place, dict):
            return
    if last in place and _holds_nothing(place[last]):
        del place[last]


def _holds_nothing(value: Any) -> bool:
    return isinstance(value, dict) and all(_holds_nothing(inner) for inner in value.values())
