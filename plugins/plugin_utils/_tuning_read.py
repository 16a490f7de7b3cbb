# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The advice of migration_tuning_info and what became of it, read into what its report shows.

This module is private to the collection and may change without notice.

Nothing is taken for granted, as in `_report_read`: what is absent or of another shape reads as not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    as_bool,
    as_int,
    as_list,
    as_map,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import format_bytes
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import visible, visible_line
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_gap
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import (
    ADVICE_ANSWERS,
    counted,
    listed,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_acts import TuningAct, read_acts

__all__ = ["TUNING_TITLE", "TunedGroup", "TunedVm", "TuningOption", "TuningReport", "read_tuning"]

TUNING_TITLE = "Tuning"
# What came of each act, in the order in which the first sentence names them.
_DONE = {
    "failed": "Failed",
    "refused": "Refused",
    "not tried": "Not tried",
    "changed": "Changed",
    "would change": "Would change",
    "unchanged": "Already so",
}
_UNDONE = {"changed": "Undone", "would change": "Would undo", "unchanged": "Nothing to undo"}


@dataclass(frozen=True)
class TunedVm:
    """One VM whose memory is being copied. Texts are "" and rates "?" where they are not known."""

    title: str
    answer: str
    summary: str
    memory: str
    dirtied: str
    copied: str
    ends_after: str
    limit: str
    in_flight: str
    not_advised: tuple[str, ...]


@dataclass(frozen=True)
class TuningOption:
    """One way out for a group: what is set, how its copies end then (one text a VM), what it may cost, and on what it
    rests (`if_so`, "" for nothing)."""

    action: str
    values: str
    ends: tuple[str, ...]
    risk: str
    chosen: bool
    if_so: str


@dataclass(frozen=True)
class TunedGroup:
    """VMs that need the same change. `commands` give them a label of their own where none tells them apart."""

    name: str
    vms: tuple[str, ...]
    why: str
    kept: str
    options: tuple[TuningOption, ...]
    why_not: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class TuningReport:
    """One look, what is advised and what was done. `mode` is that of the role."""

    title: str
    generated_at: str
    version: str
    headline: str
    mode: str
    counts: tuple[tuple[str, int], ...]
    vms: tuple[TunedVm, ...]
    groups: tuple[TunedGroup, ...]
    acts: tuple[TuningAct, ...]
    assumed: tuple[str, ...]
    gap: Gap | None
    requests: int | None

    @property
    def is_changed(self) -> bool:
        """Whether anything was changed in the cluster, or may have been."""
        return any(act.state in ("changed", "failed") for act in self.acts)


def read_tuning(given: Any, *, title: str = "", version: str = "") -> TuningReport:
    """The report on `mode`, `advice` (the result of migration_tuning_info; none where nobody asked), `policies` and
    `settings` (results of migration_policy and migration_settings)."""
    values = as_map(given) or {}
    advice = _unless_skipped(values.get("advice"))
    vms = tuple(_vm(entry) for entry in as_list(advice.get("vms")) or ())
    acts = read_acts(values)
    by_answer = as_map((as_map(advice.get("summary")) or {}).get("by_answer")) or {}
    counts = [(visible(answer), as_int(count) or 0) for answer, count in by_answer.items()]
    return TuningReport(
        title=visible(title) or TUNING_TITLE,
        generated_at=visible(advice.get("read_at")) or next((act.at for act in acts if act.at), ""),
        version=visible(version),
        headline=_headline(advice, acts, mode=visible(values.get("mode"))),
        mode=visible(values.get("mode")),
        counts=tuple(
            sorted(
                (item for item in counts if item[1]),
                key=lambda item: ([*ADVICE_ANSWERS, item[0]].index(item[0]), item[0]),
            )
        ),
        vms=vms,
        groups=tuple(_group(entry) for entry in as_list(advice.get("groups")) or ()),
        acts=acts,
        assumed=tuple(_assumed(advice)),
        gap=_gap(advice, values),
        requests=as_int((as_map(advice.get("coverage")) or {}).get("requests")),
    )


def _unless_skipped(advice: Any) -> Mapping[str, Any]:
    found = as_map(advice) or {}
    return {} if found.get("skipped") is True else found


def _gap(advice: Mapping[str, Any], values: Mapping[str, Any]) -> Gap | None:
    """What could not be read for the advice and for the changes, and what may not be written."""
    acts = [_unless_skipped(one) for one in (*(as_list(values.get("policies")) or ()), values.get("settings"))]
    found = [one for one in (advice, *map(_incomplete_where_forbidden, acts)) if one]
    return read_gap(found[0], others=found[1:]) if found else None


def _incomplete_where_forbidden(act: Mapping[str, Any]) -> Mapping[str, Any]:
    is_forbidden = (as_map(act.get("error")) or {}).get("code") == "Forbidden"
    return {**act, "coverage": {"complete": False}} if is_forbidden else act


def _headline(advice: Mapping[str, Any], acts: Sequence[TuningAct], *, mode: str) -> str:
    """What was done, or what is advised where nothing was to be done."""
    asked = visible((as_map(advice.get("summary")) or {}).get("text"))
    done = [f"{word}: {listed(act.title for act in found)}." for word, found in _by_state(acts, is_undo=mode == "undo")]
    if not acts and mode in ("plan", "apply"):
        done = ["Nothing is to be changed."]
    if not acts and mode == "undo":
        done = ["Nothing was named to be undone."]
    if asked and any(act.state == "changed" for act in acts):
        asked = f"Seen before: {asked}"
    return " ".join(filter(None, [*done, asked])) or "Nothing was looked at."


def _by_state(acts: Sequence[TuningAct], *, is_undo: bool) -> Iterator[tuple[str, list[TuningAct]]]:
    for state, word in _DONE.items():
        found = [act for act in acts if act.state == state]
        if found:
            yield (_UNDONE.get(state, word) if is_undo else word), found


def _vm(entry: Any) -> TunedVm:
    given = as_map(entry) or {}
    dirtied = _rate(given.get("dirty_bytes_per_second"))
    at_least = as_bool(given.get("dirty_rate_is_at_least")) is True
    memory = as_int(given.get("memory_bytes"))
    withheld = [as_map(one) or {} for one in as_list(given.get("not_advised")) or ()]
    return TunedVm(
        title=f"{visible(given.get('namespace')) or '?'}/{visible(given.get('vm')) or '?'}",
        answer=visible(given.get("answer")) or "unknown",
        summary=visible(given.get("summary")),
        memory="?" if memory is None else format_bytes(memory),
        dirtied=f">= {dirtied}" if at_least and dirtied != "?" else dirtied,
        copied=_rate(given.get("bandwidth_bytes_per_second")),
        ends_after=_ends_after(given),
        limit=_limit(given),
        in_flight=visible(given.get("in_flight")),
        not_advised=tuple(f"{visible(one.get('action'))}: {visible(one.get('why'))}." for one in withheld),
    )


def _assumed(advice: Mapping[str, Any]) -> Iterator[str]:
    """What the answers take for granted, each once, and of whom where that is not all."""
    entries = [as_map(one) or {} for one in as_list(advice.get("vms")) or ()]
    judged = [one for one in entries if one.get("answer") != "unknown"]
    texts = [visible(text) for one in judged for text in as_list(one.get("assumes")) or ()]
    for text in dict.fromkeys(texts):
        whose = [f"{visible(one.get('namespace'))}/{visible(one.get('vm'))}" for one in judged if text in _texts(one)]
        yield f"{text[:1].upper()}{text[1:]}." if len(whose) == len(judged) else f"Of {counted_vms(whose)}: {text}."


def _texts(entry: Mapping[str, Any]) -> list[str]:
    return [visible(text) for text in as_list(entry.get("assumes")) or ()]


def _rate(value: Any) -> str:
    found = as_int(value)
    return "?" if found is None else f"{format_bytes(found)}/s"


def _ends_after(given: Mapping[str, Any]) -> str:
    seconds = as_int(given.get("seconds"))
    if seconds is not None:
        return f"{seconds} s"
    return "never" if as_bool(given.get("finishes")) is False else "?"


def _limit(given: Mapping[str, Any]) -> str:
    seconds = as_int(given.get("limit_seconds"))
    if seconds is not None:
        return f"{seconds} s"
    return "none" if as_bool(given.get("has_limit")) is False else "?"


def _group(entry: Any) -> TunedGroup:
    given = as_map(entry) or {}
    chosen = visible(given.get("chosen"))
    return TunedGroup(
        name=visible(given.get("policy_name")),
        vms=tuple(visible(one) for one in as_list(given.get("vms")) or ()),
        why=visible(given.get("why")),
        kept=", ".join(_pairs(given.get("kept"))),
        options=tuple(_option(one, chosen=chosen) for one in as_list(given.get("advice")) or ()),
        why_not=visible(given.get("why_not")),
        commands=tuple(visible_line(one) for one in as_list(given.get("label_commands")) or ()),
    )


def _option(entry: Any, *, chosen: str) -> TuningOption:
    given = as_map(entry) or {}
    cluster = [f"{pair} (of the whole cluster)" for pair in _pairs(given.get("cluster"))]
    action = visible(given.get("action"))
    vms = as_map(given.get("vms")) or {}
    return TuningOption(
        action=action,
        values=", ".join([*_pairs(given.get("policy")), *cluster]),
        ends=tuple(f"{visible(name)} {_end(as_map(end) or {})}" for name, end in sorted(vms.items())),
        risk=visible(given.get("risk")),
        chosen=bool(chosen) and action == chosen,
        if_so="; ".join(visible(text) for text in as_list(given.get("assumes")) or ()),
    )


def _pairs(value: Any) -> list[str]:
    return [f"{visible(name)} {visible(one)}" for name, one in (as_map(value) or {}).items()]


def _end(end: Mapping[str, Any]) -> str:
    """`ends after 2044 s of 2052 s`, and what the guest feels."""
    at_most = " at most" if visible(end.get("how")) in ("pause", "post_copy", "post_copy_or_pause") else ""
    limit = _limit(end)
    found = f"ends after {_ends_after(end)}{at_most}" + (f" of {limit}" if limit.endswith(" s") and not at_most else "")
    percent = as_int(end.get("throttle_percent"))
    felt = f", loses up to {percent} % of its CPU time" if percent else ""
    if visible(end.get("how")) == "pause":
        felt = ", stands still at the end"
    return found + felt


def counted_vms(vms: Sequence[str], /) -> str:
    """Names while they are few, then their number."""
    return listed(vms) if len(vms) <= 5 else f"{listed(vms[:5])} and {counted(len(vms) - 5, 'other')}"
