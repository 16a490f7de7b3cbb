# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two looks at one cluster: what got stuck, what was freed, what changed in settings.

This module is private to the collection and may change without notice.

VMs are compared by namespace and name, since a retry is another migration of the same VM. What only one of the looks
could see is said to be so, and is neither freed nor healthy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    parse_timestamp,
    seconds_between,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import (
    Change,
    Comparison,
    Migration,
    Report,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_surroundings import Settings
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import duration

__all__ = ["compare_reports", "compared_as_data", "comparison_lines", "comparison_title"]


def compare_reports(earlier: Report, /, *, later: Report) -> Comparison:
    """What is otherwise in `later` than it was in `earlier`."""
    before, after = _by_vm(earlier), _by_vm(later)
    both = [vm for vm, one in after.items() if one.stuck and vm in before and before[vm].stuck]
    return Comparison(
        earlier_at=earlier.generated_at,
        seconds=seconds_between(parse_timestamp(earlier.generated_at), parse_timestamp(later.generated_at)),
        notes=tuple(_notes(earlier, later)),
        got_stuck=tuple(
            Change(vm, f"{_state(one)}, {'was ' + _state(before[vm]) if vm in before else 'not seen before'}")
            for vm, one in after.items()
            if one.stuck and vm not in both
        ),
        freed=tuple(
            Change(vm, f"was {_state(one)}, {_now(vm, after, is_sure=_sees_as_much(earlier, later))}")
            for vm, one in before.items()
            if one.stuck and vm not in both
        ),
        still_stuck=tuple(Change(vm, _still(before[vm], after[vm])) for vm in both),
        settings=tuple(_settings(earlier.settings, later.settings)),
        nodes=tuple(_nodes(earlier, later)),
    )


def _by_vm(report: Report) -> dict[str, Migration]:
    """Of each VM the worst migration, as the report has the worst first."""
    found: dict[str, Migration] = {}
    for migration in report.migrations:
        found.setdefault(migration.title, migration)
    return found


def _state(migration: Migration) -> str:
    return f"{migration.verdict}{f' ({migration.cause})' if migration.cause else ''}"


def _now(vm: str, after: Mapping[str, Migration], *, is_sure: bool) -> str:
    if vm in after:
        return f"now {_state(after[vm])}"
    return "its migration has ended or is gone" if is_sure else "not seen any more, by a look that saw less"


def _sees_as_much(earlier: Report, later: Report) -> bool:
    """Whether a VM that is missing in the later look is truly without a migration."""
    return later.gap is None and later.scope == earlier.scope


def _still(before: Migration, after: Migration) -> str:
    changes = [] if _state(before) == _state(after) else [f"was {_state(before)}"]
    if before.uid and after.uid and before.uid != after.uid:
        changes.append(f"another migration ({after.name})")
    return ", ".join([_state(after), *changes])


def _notes(earlier: Report, later: Report) -> Iterator[str]:
    seconds = seconds_between(parse_timestamp(earlier.generated_at), parse_timestamp(later.generated_at))
    if seconds is not None and seconds < 0:
        yield "The report to compare with is the later one of the two."
    if earlier.scope and later.scope and earlier.scope != later.scope:
        yield f"The looks were not at the same: {earlier.scope} then, {later.scope} now."
    if earlier.gap is not None:
        yield "Not everything could be read then: what looks new may have been there."
    if earlier.settings is None or later.settings is None:
        yield f"The settings {'then' if earlier.settings is None else 'now'} are not known."


def _settings(before: Settings | None, after: Settings | None) -> Iterator[str]:
    if before is None or after is None:
        return
    then, now = _values(before), _values(after)
    for place, name in sorted({*then, *now}):
        values = [found.get((place, name), "") or "(not set)" for found in (then, now)]
        if values[0] != values[1]:
            yield f"{place}: {name} {values[0]} → {values[1]}"
    if before.policies_read and after.policies_read and not (before.left_out or after.left_out):
        yield from (f"policy {name}: new" for name in after.policies if name not in before.policies)
        yield from (f"policy {name}: gone" for name in before.policies if name not in after.policies)


def _values(settings: Settings) -> dict[tuple[str, str], str]:
    found = {("cluster", name): value for name, value, _others in settings.rows}
    for index, policy in enumerate(settings.policies):
        found |= {(f"policy {policy}", name): others[index] for name, _value, others in settings.rows}
    return {key: value for key, value in found.items() if value}


def _nodes(earlier: Report, later: Report) -> Iterator[str]:
    then = {node.name: node.verdict for node in earlier.nodes or ()}
    for node in later.nodes or ():
        if node.name in then and then[node.name] != node.verdict:
            yield f"{node.name}: {then[node.name]} → {node.verdict}"


def comparison_lines(found: Comparison | None, /) -> tuple[str, ...]:
    """All of it in sentences; () where nothing was compared."""
    return tuple(_lines(found)) if found is not None else ()


def _lines(found: Comparison) -> Iterator[str]:
    yield from found.notes
    for label, changes in (("Got stuck", found.got_stuck), ("Freed", found.freed), ("Still stuck", found.still_stuck)):
        yield from (f"{label}: {one.vm}, {one.words}" for one in changes)
    yield from (f"Setting of {text}" for text in found.settings)
    yield from (f"Node {text}" for text in found.nodes)
    if not (found.got_stuck or found.freed or found.settings or found.nodes):
        yield "Nothing else has changed." if found.still_stuck else "Nothing has changed."


def comparison_title(found: Comparison, /) -> str:
    """`Since 2026-11-23T08:40:14Z (9m before)`."""
    ago = f" ({duration(found.seconds)} before)" if found.seconds is not None else ""
    return f"Since {found.earlier_at or 'the earlier look'}{ago}"


def compared_as_data(found: Comparison | None, /) -> dict[str, Any]:
    """The same for report.json and for later steps of a job; {} where nothing was compared."""
    if found is None:
        return {}
    changes = {key: [vars(one) for one in getattr(found, key)] for key in ("got_stuck", "freed", "still_stuck")}
    lists = {key: list(getattr(found, key)) for key in ("settings", "nodes", "notes")}
    return {"earlier_at": found.earlier_at, "seconds": found.seconds, **changes, **lists}
