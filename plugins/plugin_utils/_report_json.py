# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as data: report.json, and the summary that jobs hand on (the one `set_stats` key).

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_list, as_map
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_acts import acts_as_data
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import plain
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_compare import compared_as_data
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import STUCK_VERDICTS

__all__ = ["meta_of", "render_json", "result_of", "summarise"]

# What Ansible adds to a result. `invocation` above all: it holds the connection's options.
_BOOKKEEPING = frozenset(
    {"ansible_facts", "changed", "deprecations", "exception", "failed_when_result", "invocation", "warnings"}
)
_TARGET = ("namespace", "vm", "name", "uid", "verdict", "cause")


def render_json(report: Report, *, migrations: Any, nodes: Any = None, acts: Mapping[str, Any] | None = None) -> str:
    """`{meta, scope, migrations, nodes}`: the two results as they came, keys sorted. `nodes` is null when not looked
    at, `scope` is what was asked about in words.

    Where it was compared with an earlier one, `compared` says what has changed.
    Of a remediation also `remediation`: its acts, and `acts`, the results by name, as they came.

    Pure ASCII, so that no byte of a cluster's string can reach a terminal that prints the file.
    """
    document: dict[str, Any] = {
        "meta": meta_of(report),
        "scope": report.scope,
        "migrations": result_of(migrations),
        "nodes": None if nodes is None else result_of(nodes),
    }
    if report.remediation is not None:
        results = {name: result_of(result) for name, result in (acts or {}).items() if result is not None}
        document["remediation"] = {**acts_as_data(report.remediation), **results}
    if report.comparison is not None:
        document["compared"] = compared_as_data(report.comparison)
    return json.dumps(document, sort_keys=True, indent=2) + "\n"


def meta_of(report: Any) -> dict[str, str]:
    """What made the report, when, and its first sentence; for every kind of report."""
    return {
        "collection": "kubevirt_ops.live_migration",
        "version": report.version,
        "generated_at": report.generated_at,
        "title": report.title,
        "headline": report.headline,
    }


def result_of(value: Any) -> dict[str, Any]:
    """A module's result without what Ansible added to it."""
    given: Mapping[str, Any] = as_map(plain(value)) or {}
    return {key: given[key] for key in given if key not in _BOOKKEEPING and not key.startswith("_ansible")}


def summarise(report: Report, *, migrations: Any, paths: Mapping[str, str], after: Any = None) -> dict[str, Any]:
    """What later steps of a job branch on: small, and the entries of `stuck` can be targets of other modules."""
    found = {
        **acts_as_data(report.remediation),
        **({} if report.comparison is None else {"compared": compared_as_data(report.comparison)}),
        **({} if report.remediation is None else {"stuck_after": _stuck(after if as_map(after) else migrations)}),
    }
    return {
        "headline": report.headline,
        "read_at": report.generated_at,
        "total": len(report.migrations),
        "by_verdict": dict(report.counts),
        "stuck": _stuck(migrations),
        "coverage_complete": report.gap is None,
        "unhealthy_nodes": [node.name for node in report.sick_nodes if node.verdict == "unhealthy"],
        "report": dict(paths),
        **found,
    }


def _stuck(migrations: Any) -> list[dict[str, Any]]:
    entries = [as_map(entry) or {} for entry in as_list((as_map(plain(migrations)) or {}).get("migrations")) or ()]
    return [{key: entry.get(key, "") for key in _TARGET} for entry in entries if _is_stuck(entry)]


def _is_stuck(entry: Mapping[str, Any]) -> bool:
    flagged = entry.get("stuck")
    return flagged if isinstance(flagged, bool) else entry.get("verdict") in STUCK_VERDICTS
