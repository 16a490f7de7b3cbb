# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of migration_policy and migration_settings, read into what a report shows of a change.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from shlex import join
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_list, as_map
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import BY_OPTION
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.tuning_advice import CAN_INSIST
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import visible, visible_line

__all__ = ["TuningAct", "read_acts"]

_MOST_NAMED = 10
_SETTINGS = "the migration settings"
_UNDO = ("ansible-playbook", "kubevirt_ops.live_migration.tune", "-e", "mode=undo", "-e")


@dataclass(frozen=True)
class TuningAct:
    """What became of one object. `state` is changed, would change, unchanged, refused, failed or not tried; `changes`
    are lines such as `completionTimeoutPerGiB: not set → 228`; `effects` say what that means for whom; `commands` help
    to reach VMs that were meant; `undo` is the command that takes it back, "" where there is nothing to take back."""

    title: str
    state: str
    changes: tuple[str, ...]
    effects: tuple[str, ...]
    refusals: tuple[str, ...]
    commands: tuple[str, ...]
    undo: str
    at: str


def read_acts(given: Mapping[str, Any], /) -> tuple[TuningAct, ...]:
    """The acts of `policies`, a list of results, and of `settings`; a task that Ansible skipped is none, but where
    `settings_not_tried` says why."""
    is_undo = given.get("mode") == "undo"
    results = [_unless_skipped(one) for one in as_list(given.get("policies")) or ()]
    found = [_policy_act(one, is_undo=is_undo) for one in results if one]
    settings, not_tried = _unless_skipped(given.get("settings")), visible(given.get("settings_not_tried"))
    if settings:
        found.append(_settings_act(settings, is_undo=is_undo))
    elif not_tried:
        found.append(TuningAct(_SETTINGS, "not tried", (), (), (not_tried,), (), undo="", at=""))
    return tuple(found)


def _unless_skipped(value: Any) -> Mapping[str, Any]:
    found = as_map(value) or {}
    return {} if found.get("skipped") is True else found


def _policy_act(given: Mapping[str, Any], *, is_undo: bool) -> TuningAct:
    name = visible((as_map((as_map(given.get("object")) or {}).get("metadata")) or {}).get("name"))
    item = given.get("item")
    asked = visible((as_map(item) or {}).get("name")) or ("" if as_map(item) is not None else visible(item))
    before, after = _flat_policy(given.get("before")), _flat_policy(given.get("after"))
    return _act(
        given,
        title=f"MigrationPolicy {name or asked or '?'}",
        changes=_changes(before, after),
        effects=(*(_taken_back(given) if is_undo else ()), *_effects(given)),
        commands=[visible_line(one.get("command")) for one in _entries(given, "unmatched_hint") if one.get("command")],
        undo="" if is_undo or not (as_map(given.get("after")) or {}) else f"undo_policies={name}",
    )


def _settings_act(given: Mapping[str, Any], *, is_undo: bool) -> TuningAct:
    owner = as_map(given.get("object")) or {}
    where = "/".join(filter(None, (visible(owner.get("namespace")), visible(owner.get("name")))))
    title = f"the settings of {visible(owner.get('kind'))} {where}" if owner else _SETTINGS
    before, after = _by_api_name(given.get("before")), _by_api_name(given.get("after"))
    undo = "" if is_undo else "undo_settings=true"
    effects = (*(_taken_back(given) if is_undo else ()), *_in_flight(given))
    return _act(given, title=title, changes=_changes(before, after), effects=effects, commands=(), undo=undo)


def _act(
    given: Mapping[str, Any],
    *,
    title: str,
    changes: Iterable[str],
    effects: Iterable[str],
    commands: Iterable[str],
    undo: str,
) -> TuningAct:
    state = _state(given)
    warnings = [f"Warning: {visible(one)}" for one in as_list(given.get("warnings")) or ()]
    steps = [as_map(step) or {} for step in as_list(given.get("plan")) or ()]
    return TuningAct(
        title=title,
        state=state,
        changes=tuple(changes) if state not in ("refused", "failed") else (),
        effects=(*effects, *warnings) if state != "failed" else tuple(warnings),
        refusals=tuple(_refusals(given, state)),
        commands=tuple(dict.fromkeys(commands)),
        undo=join([*_UNDO, undo]) if undo and state == "changed" else "",
        at=next((visible(step.get("at")) for step in steps if visible(step.get("at"))), ""),
    )


def _state(given: Mapping[str, Any]) -> str:
    if given.get("failed") is True or as_map(given.get("error")) or _never_ran(given):
        return "failed"
    if given.get("refused") is True:
        return "refused"
    if given.get("changed") is not True:
        return "unchanged"
    outcomes = [visible((as_map(step) or {}).get("outcome")) for step in as_list(given.get("plan")) or ()]
    return "changed" if "done" in outcomes else "would change"


def _never_ran(given: Mapping[str, Any]) -> bool:
    """Whether Ansible ended the module before it answered (an unknown option, a library that is missing): the role's
    `failed_when: false` hides that, and every answer of the module has its plan."""
    return "failed_when_result" in given and "plan" not in given and given.get("skipped") is not True


def _refusals(given: Mapping[str, Any], state: str) -> Iterator[str]:
    for one in _entries(given, "refusals"):
        code, reason = visible(one.get("code")), visible(one.get("reason"))
        way = f" Insist with accept_risks: {code}." if code in CAN_INSIST else " Nobody can insist on it."
        # The modules say the way at the end of their reason too.
        yield f"{code}: {reason.removesuffix(f' To insist, give accept_risks: [{code}].')}{way}"
    if state == "failed":
        error = as_map(given.get("error")) or {}
        # The message has the way out at its end.
        yield ": ".join(filter(None, (visible(error.get("code")), visible(given.get("msg")))))


def _effects(given: Mapping[str, Any]) -> Iterator[str]:
    wins = [f"{_vm(one)}{_before(one)}" for one in _entries(given, "wins_for")]
    if wins:
        yield f"Rules {_few(wins)}."
    for one in _entries(given, "loses_for")[:_MOST_NAMED]:
        ruler = f" {visible(one.get('to'))} does:" if visible(one.get("to")) else ""
        yield f"Does not rule {_vm(one)}:{ruler} {visible(one.get('why'))}."
    for one in _entries(given, "unknown_for")[:_MOST_NAMED]:
        yield f"Whether it rules {_vm(one)} is not known: {visible(one.get('why'))}."
    for one in _entries(given, "unmatched_hint")[:_MOST_NAMED]:
        yield visible(one.get("text"))
    yield from _in_flight(given)


def _taken_back(given: Mapping[str, Any]) -> Iterator[str]:
    """Whose change it was: the last one need not be the one that is meant."""
    change = as_map(given.get("last_change")) or {}
    who = " for ".join(filter(None, (visible(change.get("by")), visible(change.get("requested_by")))))
    if given.get("changed") is True and visible(change.get("at")):
        reason = visible(change.get("reason"))
        by = f", made by {who}" if who else ""
        yield f"Takes back the change of {visible(change.get('at'))}{by}{': ' + reason if reason else '.'}"


def _before(one: Mapping[str, Any]) -> str:
    before = one.get("before")
    return f" (now {visible(before)})" if before else ""


def _in_flight(given: Mapping[str, Any]) -> Iterator[str]:
    for one in _entries(given, "in_flight")[:_MOST_NAMED]:
        kept = _by_api_name(one.get("keeps"))
        values = ", ".join(f"{visible(name)} {visible(value)}" for name, value in kept.items()) or "its values"
        advice = visible(one.get("advice")) or "Only a cancel and a new migration gives it the new values."
        yield f"{_vm(one)} is being migrated and keeps {values}. {advice}"


def _by_api_name(values: Any) -> dict[str, Any]:
    """Settings by their names in the API, as everywhere in the report."""
    found = as_map(values) or {}
    return {BY_OPTION[name].name if name in BY_OPTION else name: value for name, value in found.items()}


def _entries(given: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    return [one for one in map(as_map, as_list(given.get(key)) or ()) if one is not None]


def _vm(one: Mapping[str, Any]) -> str:
    return f"{visible(one.get('namespace')) or '?'}/{visible(one.get('vm')) or '?'}"


def _few(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _flat_policy(spec: Any) -> dict[str, Any]:
    """The fields of a policy's spec, each label of its selectors as one."""
    given = as_map(spec) or {}
    found: dict[str, Any] = {}
    for selector, labels in (as_map(given.get("selectors")) or {}).items():
        kind = {"virtualMachineInstanceSelector": "VMIs with", "namespaceSelector": "namespaces with"}.get(selector)
        found.update({f"{kind or selector} {name}": value for name, value in (as_map(labels) or {}).items()})
    return {**found, **{name: value for name, value in given.items() if name != "selectors"}}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            yield f"{visible(name)}: {_value(before.get(name))} → {_value(after.get(name))}"


def _value(value: Any) -> str:
    return "not set" if value is None else visible(value)
