# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of migration_info and node_health_info, read into a :class:`Report`.

This module is private to the collection and may change without notice.

Nothing is taken for granted: a key that is absent or of another shape reads as not known, an entry that is no
mapping is shown as one that could not be judged. A report never fails because of what a cluster said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import (
    Rule,
    render_role,
    rule_from_path,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    as_bool,
    as_int,
    as_list,
    as_map,
    as_text,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    parse_timestamp,
    seconds_between,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import visible, visible_line
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import (
    Advice,
    Attempt,
    Cause,
    Correlation,
    Evidence,
    Gap,
    Migration,
    Remediation,
    Report,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_nodes import read_nodes
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_plot import read_plots
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_progress import progress_sentence
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_surroundings import (
    read_queue,
    read_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_timeline import read_phases
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import (
    STUCK_VERDICTS,
    VERDICTS,
    counted,
    listed,
)

__all__ = ["DEFAULT_TITLE", "read_causes", "read_gap", "read_report"]

DEFAULT_TITLE = "Live migrations"
_RULE = ("verb", "group", "resource", "namespace")
# What an error is called that a rule stands behind: no right, or no such file in a capture.
_REFUSED = ("Forbidden", "NotCaptured")
_MOST_NODES = 5
_MOST_ATTEMPTS = 10
_RANKS = {verdict: rank for rank, verdict in enumerate(VERDICTS)}


def read_report(
    migrations: Any,
    *,
    nodes: Any = None,
    scope: Any = None,
    said_scope: str = "",
    title: str = "",
    version: str = "",
    remediation: Remediation | None = None,
    acts: Sequence[Any] = (),
) -> Report:
    """The report on the results `migrations` (of migration_info) and `nodes` (of node_health_info, or None).

    `scope` holds what migration_info was asked for: `namespaces`, `vms`, `nodes`; None where that is not known,
    and `said_scope` is the same in words, as an earlier report has it.
    `acts` are the results of what was done, for what they could not read.
    """
    result = as_map(migrations) or {}
    now = parse_timestamp(result.get("read_at"))
    found = sorted(
        (_migration(entry, now=now) for entry in as_list(result.get("migrations")) or ()),
        key=lambda migration: (not migration.stuck, _RANKS.get(migration.verdict, _RANKS["unknown"])),
    )
    looked_at_nodes = _unless_skipped(nodes)
    gap = read_gap(result, nodes=looked_at_nodes, others=[given for one in acts if (given := _unless_skipped(one))])
    asked = _scope(as_map(scope)) or visible(said_scope)
    known_nodes, nodes_summary = read_nodes(looked_at_nodes)
    sick = [node.name for node in known_nodes or () if node.verdict == "unhealthy"]
    return Report(
        title=visible(title) or DEFAULT_TITLE,
        generated_at=visible(result.get("read_at")),
        version=visible(version),
        scope=asked.strip(),
        headline=_headline(found, scope=asked, sure=gap is None, sick=sick),
        counts=_counts(found),
        migrations=tuple(found),
        correlations=tuple(_correlation(entry) for entry in as_list(result.get("correlations")) or ()),
        nodes=known_nodes,
        nodes_summary=nodes_summary,
        gap=gap,
        requests=_requests(as_map(result.get("coverage")) or {}),
        remediation=remediation,
        queue=read_queue(result.get("queue")),
        settings=read_settings(result.get("settings")),
    )


def _requests(coverage: Mapping[str, Any]) -> int | None:
    """All of them, those for placement too; None where they were not counted."""
    requests = as_int(coverage.get("requests"))
    return None if requests is None else requests + (as_int(coverage.get("requests_for_placement")) or 0)


def _unless_skipped(nodes: Any) -> Mapping[str, Any] | None:
    """The result, or None for no result and for that of a task that Ansible skipped."""
    given = as_map(nodes)
    return None if given is None or given.get("skipped") is True else given


def _counts(migrations: Iterable[Migration]) -> tuple[tuple[str, int], ...]:
    counts = Counter(migration.verdict for migration in migrations)
    return tuple(sorted(counts.items(), key=lambda item: (_RANKS.get(item[0], len(_RANKS)), item[0])))


def _headline(migrations: Sequence[Migration], *, scope: str, sure: bool, sick: Sequence[str]) -> str:
    """The first sentence a person reads. Without a full view it never says that all is well."""
    total, counts = len(migrations), Counter(migration.verdict for migration in migrations)
    stuck = sum(migration.stuck for migration in migrations)
    if not total:
        return f"No live migrations found{scope}." if sure else f"No live migrations seen{scope}, but not all was seen."
    if stuck:
        sentence = f"{stuck} of {counted(total, 'migration')} {'is' if stuck == 1 else 'are'} stuck"
        causes = Counter(migration.cause for migration in migrations if migration.stuck and migration.cause)
        sentence += _by_causes(causes) + ("" if sure else " Not everything could be read.")
    elif sure and not counts["unknown"]:
        sentence = f"No migration is stuck ({counted(total, 'migration')} looked at{scope})."
    else:
        seen = "The one migration was not" if total == 1 else f"None of the {counted(total, 'migration')} was"
        sentence = f"{seen} seen to be stuck, but not all could be seen."
    return " ".join([sentence, *_asides(counts, sick=sick)])


def _by_causes(causes: Mapping[str, int]) -> str:
    """How the sentence ends: all the causes where they are few, their number where a list would be read by nobody."""
    ordered = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) > 3:
        return f" for {len(ordered)} different causes."
    alone = len(ordered) == 1
    named = listed(code if alone or count == 1 else f"{count} {code}" for code, count in ordered)
    return f": {named}." if named else "."


def _asides(counts: Mapping[str, int], *, sick: Sequence[str]) -> Iterable[str]:
    if sick:
        names = f"Node{'s' if len(sick) > 1 else ''} {listed(sick)}" if len(sick) <= 3 else f"{len(sick)} nodes"
        yield f"{names} {'is' if len(sick) == 1 else 'are'} unhealthy."
    if counts.get("unknown"):
        yield f"{counts['unknown']} could not be judged."
    if counts.get("late"):
        yield f"{counts['late']} {'is' if counts['late'] == 1 else 'are'} late."


def _scope(given: Mapping[str, Any] | None) -> str:
    """` in namespaces a and b of VM c`, ready to follow a word; "" where it is not known what was asked for."""
    if given is None:
        return ""
    namespaces, vms, nodes = (_words(given.get(key)) for key in ("namespaces", "vms", "nodes"))
    places = f" in {'namespace' if len(namespaces) == 1 else 'namespaces'} {listed(namespaces)}" if namespaces else ""
    places += f" of {'VM' if len(vms) == 1 else 'VMs'} {listed(vms)}" if vms else ""
    places += f" to or from {listed(nodes)}" if nodes else ""
    return places or " in all namespaces"


def _words(value: Any) -> list[str]:
    return [visible(item) for item in as_list(value) or () if visible(item)]


def _migration(entry: Any, *, now: datetime | None) -> Migration:
    given = as_map(entry) or {}
    verdict = visible(given.get("verdict")) or "unknown"
    flagged = as_bool(given.get("stuck"))
    values: dict[str, Any] = {key: visible(given.get(key)) for key in _TEXTS}
    values.update({key: as_int(given.get(key)) for key in _NUMBERS})
    values.update({key: as_bool(given.get(key)) is True for key in _FLAGS})
    return Migration(
        **values,
        verdict=verdict,
        stuck=verdict in STUCK_VERDICTS if flagged is None else flagged,
        placement=_placement(as_map(given.get("placement")) or {}),
        progress=progress_sentence(given.get("progress")),
        causes=read_causes(given.get("causes"), now=now),
        phases=read_phases(given.get("phases"), now=now),
        plots=read_plots(given.get("progress")),
        previous=tuple(_attempt(one, now=now) for one in (as_list(given.get("previous")) or ())[:_MOST_ATTEMPTS]),
    )


def _attempt(entry: Any, *, now: datetime | None) -> Attempt:
    given = as_map(entry) or {}
    cancelled = "cancelled" if as_bool(given.get("was_cancelled")) else ""
    return Attempt(
        **{key: visible(given.get(key)) for key in ("name", "phase", "ended_at", "target_node")},
        seconds=seconds_between(parse_timestamp(given.get("ended_at")), now),
        why=visible(given.get("failure")) or visible(given.get("failure_reason")) or cancelled,
    )


def _placement(given: Mapping[str, Any]) -> str:
    """`1 of 3 nodes: 2 cordoned. Possible: node-c.`"""
    summary, possible = visible(given.get("summary")), _words(given.get("possible"))
    more = f" and {len(possible) - _MOST_NODES} more" if len(possible) > _MOST_NODES else ""
    named = (
        f" Possible: {listed(possible) if not more else ', '.join(possible[:_MOST_NODES]) + more}." if possible else ""
    )
    return f"{summary}.{named}" if summary else ""


_NUMBERS = ("seconds_in_phase", "age_seconds", "seconds_left", "attempt")
_FLAGS = ("can_cancel", "can_retry")
_TEXTS = (
    "namespace",
    "vm",
    "name",
    "uid",
    "cause",
    "summary",
    "phase",
    "deadline_at",
    "deadline_reason",
    "origin",
    "mode",
    "policy",
    "policy_now",
    "source_node",
    "target_node",
    "target_pod",
    "can_cancel_reason",
    "can_retry_reason",
    "rung",
)


def read_causes(value: Any, *, now: datetime | None) -> tuple[Cause, ...]:
    """The causes in `value`, a list of entries as results have them."""
    entries = [as_map(entry) or {} for entry in as_list(value) or ()]
    return tuple(_cause(entry, others=entries, now=now) for entry in entries)


def _cause(given: Mapping[str, Any], *, others: Iterable[Mapping[str, Any]], now: datetime | None) -> Cause:
    code = visible(given.get("code"))
    since = given.get("holds_since_at")
    return Cause(
        code=code or "Unknown",
        summary=visible(given.get("summary")),
        time_cures=visible(given.get("time_cures")),
        confidence=visible(given.get("confidence")),
        since_at=visible(since),
        seconds=seconds_between(parse_timestamp(since), now),
        follows_from=tuple(visible(other.get("code")) for other in others if code in _words(other.get("explains"))),
        evidence=tuple(_evidence(entry, now=now) for entry in as_list(given.get("evidence")) or ()),
        advice=tuple(_advice(entry) for entry in as_list(given.get("advice")) or ()),
    )


def _evidence(entry: Any, *, now: datetime | None) -> Evidence:
    given = as_map(entry) or {}
    at = given.get("at")
    return Evidence(
        object=visible(given.get("object")),
        field=visible(given.get("field")),
        value=visible(given.get("value")),
        at=visible(at),
        seconds=seconds_between(parse_timestamp(at), now),
    )


def _advice(entry: Any) -> Advice:
    given = as_map(entry) or {}
    command = as_text(given.get("command")) or ""
    return Advice(
        action=visible(given.get("action")),
        why=visible(given.get("why")),
        risk=visible(given.get("risk")),
        commands=_verbatim(command),
    )


def _verbatim(text: str) -> tuple[str, ...]:
    return tuple(visible_line(line).rstrip() for line in text.strip().split("\n")) if text.strip() else ()


def _correlation(entry: Any) -> Correlation:
    given = as_map(entry) or {}
    summary = visible(given.get("summary")) or f"{visible(given.get('kind'))}: {visible(given.get('value'))}"
    return Correlation(summary=summary, migrations=tuple(_words(given.get("migrations"))))


def read_gap(
    looked: Mapping[str, Any], *, nodes: Mapping[str, Any] | None = None, others: Iterable[Mapping[str, Any]] = ()
) -> Gap | None:
    """What the results could not see; None when all are complete. One without coverage counts as incomplete."""
    results = [looked, *(() if nodes is None else (nodes,)), *others]
    if all((as_map(result.get("coverage")) or {}).get("complete") is True for result in results):
        return None
    rules = tuple(dict.fromkeys(rule for result in results for rule in _missing_rules(result)))
    return Gap(
        rules=tuple(visible(rule.sentence()) for rule in rules if not rule.is_uncaptured),
        uncaptured=tuple(visible(rule.sentence()) for rule in rules if rule.is_uncaptured),
        role=_verbatim(render_role(rules)),
        reason=" ".join(visible(result.get("msg")) for result in results if result.get("failed") is True),
    )


def _missing_rules(result: Mapping[str, Any]) -> Iterable[Rule]:
    entries = as_list((as_map(result.get("coverage")) or {}).get("missing")) or ()
    for given in (as_map(entry) or {} for entry in entries):
        verb, group, resource, namespace = (as_text(given.get(key)) or "" for key in _RULE)
        yield Rule(verb, group, resource, namespace, is_uncaptured=given.get("reason") == "not_captured")
    error = as_map(result.get("error"))
    if not entries and error and error.get("code") in _REFUSED and as_text(error.get("path")):
        rule = rule_from_path(str(error["path"]), method=as_text(error.get("method")) or "GET")
        yield replace(rule, is_uncaptured=error["code"] == "NotCaptured")
