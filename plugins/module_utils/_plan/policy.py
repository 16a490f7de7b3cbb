# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MigrationPolicy wanted against the one that is there: what its spec becomes, and what takes it back.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import RECORD
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy_spec import (
    EXPERIMENTAL,
    OPTIONS,
    SELECTOR_OPTIONS,
    same_value,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_record import (
    PolicyRecord,
    parse_policy_record,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal

__all__ = [
    "API_VERSION",
    "KIND",
    "WantedPolicy",
    "changed_since",
    "differing_fields",
    "manifest_of",
    "metadata_of",
    "other_changes",
    "same_spec",
    "spec_after",
    "spec_of",
    "undo_options",
]

API_VERSION = "migrations.kubevirt.io/v1alpha1"
KIND = "MigrationPolicy"

Spec = Mapping[str, Any]


@dataclass(frozen=True)
class WantedPolicy:
    """What a user asks for. `selectors` and `settings` have the API's names and hold only what was given; `is_exact`:
    what was not given is taken out; `is_undo`: the last change is taken back, and nothing else was given; `is_alone`:
    if no other of the names that the adviser makes of this one has a change that stands."""

    name: str
    is_present: bool = True
    is_undo: bool = False
    is_alone: bool = False
    selectors: Mapping[str, Mapping[str, str]] | None = None
    settings: Spec | None = None
    is_exact: bool = False


def spec_of(obj: Any, /) -> dict[str, Any]:
    """The spec of an object, empty where it has none of that shape."""
    return dict(_map(_map(obj).get("spec")))


def metadata_of(obj: Any, /) -> Mapping[str, Any]:
    """The metadata of an object, empty where it has none of that shape."""
    return _map(_map(obj).get("metadata"))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def spec_after(wanted: WantedPolicy, /, *, found: Spec | None) -> dict[str, Any] | None:
    """The spec that the policy gets, None for no policy. `found` is its spec now, None where it does not exist.

    What was not given stays; a selector that was given replaces the whole selector, an empty one takes it out. A value
    that amounts to the one found keeps the way in which that is written.
    """
    if not wanted.is_present:
        return None
    kept: dict[str, Any] = {} if wanted.is_exact or found is None else copy.deepcopy(dict(found))
    old_selectors = _map(kept.get("selectors"))
    selectors = {name: labels for name, labels in {**old_selectors, **(wanted.selectors or {})}.items() if labels}
    after = {**_merged(kept, wanted.settings or {}), "selectors": selectors}
    return {name: _as_found(value, (found or {}).get(name)) for name, value in sorted(after.items())}


def _merged(one: Spec, other: Spec) -> dict[str, Any]:
    """`one` with what `other` says, map by map."""
    found = dict(one)
    for name, value in other.items():
        below = found.get(name)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        found[name] = _merged(below, value) if both and below is not None else copy.deepcopy(value)
    return found


def _as_found(value: Any, found: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(found, Mapping):
        return {name: _as_found(one, found.get(name)) for name, one in value.items()}
    return found if found is not None and same_value(value, found) else value


def same_spec(one: Spec | None, other: Spec | None, /) -> bool:
    """Whether two specs mean the same to KubeVirt: an absent selector is as an empty one. None: no policy."""
    if one is None or other is None:
        return one is other
    return not differing_fields(one, other)


def differing_fields(one: Spec, other: Spec, /) -> tuple[str, ...]:
    """The paths below spec, in order, whose values are not the same."""
    mine, theirs = _flat(_plain(one)), _flat(_plain(other))
    absent = object()
    return tuple(
        sorted(path for path in {*mine, *theirs} if not same_value(mine.get(path, absent), theirs.get(path, absent)))
    )


def _plain(spec: Spec) -> dict[str, Any]:
    selectors = {str(name): labels for name, labels in _map(spec.get("selectors")).items() if labels}
    return {**spec, "selectors": selectors}


def _flat(value: Spec, *, at: str = "") -> dict[str, Any]:
    """Leaves by path. Labels are one leaf, as their keys hold dots."""
    found: dict[str, Any] = {}
    for name, one in value.items():
        path = f"{at}.{name}" if at else str(name)
        if isinstance(one, Mapping) and name not in SELECTOR_OPTIONS.values():
            found.update(_flat(one, at=path))
        else:
            found[path] = one
    return found


def changed_since(record: PolicyRecord, /, *, found: Spec) -> tuple[Refusal, ...]:
    """What keeps the change of `record` from being undone: fields that are not as it left them."""
    fields = differing_fields(record.after, found)
    return tuple(
        Refusal("ValueChangedSince", f"spec.{one} is not as it was left: somebody changed it since.") for one in fields
    )


def other_changes(name: str, /, *, policies: Sequence[Mapping[str, Any]] | None) -> tuple[Refusal, ...]:
    """What keeps an undo by `name` alone from being taken for one of a certain change: others with names made of this
    one have one too. `policies` None: they were not read."""
    if policies is None:
        return (Refusal("UndoAmbiguous", f"Whether others than {name} were changed is not known: no list was read."),)
    stand = [str(metadata_of(one).get("name")) for one in policies if _stands(one)]
    others = sorted(one for one in stand if one.startswith((f"{name}-", f"{name}.")))
    if not others:
        return ()
    whose = f"{', '.join(others)} {'has' if len(others) == 1 else 'have'} a change that stands"
    return (Refusal("UndoAmbiguous", f"{whose} besides {name}, or in its place. Name the policies that are meant."),)


def _stands(policy: Mapping[str, Any]) -> bool:
    annotations = metadata_of(policy).get("annotations")
    record = parse_policy_record(_map(annotations).get(RECORD))
    return record is not None and record.undone is None


def manifest_of(name: str, /, *, spec: Spec | None) -> dict[str, Any]:
    """The policy for `kubectl create`; empty where there is none."""
    if spec is None:
        return {}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": copy.deepcopy(dict(spec))}


def undo_options(name: str, /, *, before: Spec | None) -> dict[str, Any]:
    """The module's options that bring the spec `before` back; empty where it holds what no option sets."""
    if before is None:
        return {"name": name, "state": "absent"}
    spec = _plain(before)
    selectors = {option: spec["selectors"].get(api, {}) for option, api in SELECTOR_OPTIONS.items()}
    settings, rest = _options(OPTIONS, {key: value for key, value in spec.items() if key != "selectors"})
    experimental, unknown = _options(EXPERIMENTAL, _map(rest.pop("experimental", None)))
    if rest or unknown:
        return {}
    found = {"name": name, "state": "present", "purge": True, **selectors, **settings}
    if experimental:
        found["experimental"] = experimental
    if not spec["selectors"]:
        found["accept_risks"] = ["ClusterWidePolicy"]
    return found


def _options(table: Mapping[str, Any], spec: Spec) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of `spec` as options, and those that no option sets."""
    found: dict[str, Any] = {}
    rest = dict(spec)
    for option, name in table.items():
        if isinstance(name, str):
            if name in rest:
                found[option] = rest.pop(name)
        elif name[0] in rest:
            found[option], unknown = _options(name[1], _map(rest.pop(name[0])))
            rest.update(unknown)
    return found, rest
