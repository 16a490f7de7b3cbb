# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own check of a rules file, for where there is no promtool: its structure, its names, and the form of what is
PromQL.

This module is private to the collection and may change without notice.
It finds what would keep Prometheus from loading the file or break KubeVirt's convention; it does not type expressions.
Facts: Prometheus 3, model/rulefmt/rulefmt.go (Validate); kubevirt v1.9.0, pkg/monitoring/rules/rules_test.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["find_faults"]

_LONGEST_NAME: Final = 50
_DURATION: Final = re.compile(r"(?=\d)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?|0", re.ASCII)
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_ALERT: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*", re.ASCII)
_RECORD: Final = re.compile(r"[a-z0-9_]+:[a-z0-9_]+:[a-z0-9_]+", re.ASCII)
_GROUP_KEYS: Final = frozenset({"name", "interval", "limit", "labels", "query_offset", "rules"})
_RULE_KEYS: Final = frozenset({"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"})
_LABELS: Final = ("severity", "operator_health_impact", "kubernetes_operator_part_of", "kubernetes_operator_component")
_ANNOTATIONS: Final = ("summary", "description", "runbook_url")
_VALUE: Final = re.compile(r"\$value|\.Value\b")
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"' + r"|'(?:[^'\\\n]|\\.)*'" + r"|`[^`]*`")
_WORDS: Final = re.compile(r"[A-Za-z0-9_:.,+*/%^<>=!~@\s-]*", re.ASCII)
_PAIRS: Final[Mapping[str, str]] = {")": "(", "]": "[", "}": "{"}


def find_faults(document: Any, /) -> list[str]:
    """What is wrong with a rules file, as read from its text; empty where nothing was found."""
    groups = document.get("groups") if isinstance(document, Mapping) else None
    if not isinstance(groups, list) or set(document) != {"groups"}:
        return ["the file is not a mapping with a list of groups and nothing else"]
    names = [group.get("name") for group in groups if isinstance(group, Mapping)]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    found = [f"two groups are called {name}" for name in twice]
    for group in groups:
        found += _group_faults(group)
    return found


def _group_faults(group: Any, /) -> Iterator[str]:
    if not isinstance(group, Mapping) or not isinstance(group.get("name"), str) or not group["name"]:
        yield "a group has no name"
        return
    where = f"group {group['name']}"
    yield from (f"{where}: unknown field {key}" for key in sorted(set(map(str, group)) - _GROUP_KEYS))
    if "interval" in group and not _is_duration(group["interval"]):
        yield f"{where}: interval {group['interval']!r} is no duration"
    rules = group.get("rules")
    if not isinstance(rules, list):
        yield f"{where}: no list of rules"
        return
    for place, rule in enumerate(rules, 1):
        yield from (f"{where}, rule {place}: {fault}" for fault in _rule_faults(rule))


def _rule_faults(rule: Any, /) -> Iterator[str]:
    if not isinstance(rule, Mapping):
        yield "it is not a mapping"
        return
    yield from (f"unknown field {key}" for key in sorted(set(map(str, rule)) - _RULE_KEYS))
    if ("record" in rule) == ("alert" in rule):
        yield "it needs one of record and alert"
        return
    yield from _expression_faults(rule.get("expr"))
    yield from _map_faults("label", rule.get("labels", {}))
    yield from _record_faults(rule) if "record" in rule else _alert_faults(rule)


def _record_faults(rule: Mapping[str, Any], /) -> Iterator[str]:
    if not _RECORD.fullmatch(str(rule["record"])):
        yield f"record {rule['record']!r} is not of the form level:metric:operations"
    yield from (f"{key} belongs to an alert" for key in ("for", "keep_firing_for", "annotations") if key in rule)


def _alert_faults(rule: Mapping[str, Any], /) -> Iterator[str]:
    name, labels, annotations = str(rule["alert"]), rule.get("labels", {}), rule.get("annotations", {})
    if not _ALERT.fullmatch(name) or len(name) > _LONGEST_NAME:
        yield f"alert {name!r} is not a name of letters and digits, {_LONGEST_NAME} at most"
    for key in ("for", "keep_firing_for"):
        if key in rule and not _is_duration(rule[key]):
            yield f"{key} {rule[key]!r} is no duration"
    yield from _map_faults("annotation", annotations)
    if not isinstance(labels, Mapping) or not isinstance(annotations, Mapping):
        return
    yield from (f"alert {name} has no label {key}" for key in _LABELS if key not in labels)
    yield from (f"alert {name} has no annotation {key}" for key in _ANNOTATIONS if key not in annotations)
    for key, text in labels.items():
        if _VALUE.search(str(text)):
            yield f"label {key} holds the value, so each change of it would make another alert"


def _map_faults(what: str, found: Any, /) -> Iterator[str]:
    if not isinstance(found, Mapping):
        yield f"its {what}s are not a mapping"
        return
    for key, text in found.items():
        if not isinstance(key, str) or not _LABEL.fullmatch(key) or not isinstance(text, str):
            yield f"{what} {key!r} is no name with a text"
        elif text.count("{{") != text.count("}}"):
            yield f"{what} {key} has a template that does not end"


def _is_duration(value: Any, /) -> bool:
    return isinstance(value, str) and _DURATION.fullmatch(value) is not None


def _expression_faults(expr: Any, /) -> Iterator[str]:
    """Brackets that do not match, strings that do not end, signs that PromQL does not know."""
    if not isinstance(expr, str) or not expr.strip():
        yield "its expr is no text"
        return
    bare = _STRING.sub("", expr)
    words = re.sub(r"[()\[\]{}]", "", bare)
    if not _WORDS.fullmatch(words):
        yield f"its expr holds {_first_odd(words)!r}, which is no PromQL, or a string that does not end"
        return
    yield from _bracket_faults(bare)


def _first_odd(words: str, /) -> str:
    return next(sign for sign in words if not _WORDS.fullmatch(sign))


def _bracket_faults(bare: str, /) -> Iterator[str]:
    open_ones: list[str] = []
    for sign in bare:
        if sign in _PAIRS.values():
            open_ones.append(sign)
        elif sign in _PAIRS and (not open_ones or open_ones.pop() != _PAIRS[sign]):
            yield f"its expr has a {sign!r} that nothing opens"
            return
    if open_ones:
        yield f"its expr has a {open_ones[-1]!r} that nothing closes"
