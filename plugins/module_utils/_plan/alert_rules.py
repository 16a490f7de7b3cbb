# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alert rules as data, with their thresholds.

This module is private to the collection and may change without notice.
Labels and annotations follow KubeVirt's convention (kubevirt v1.9.0, pkg/monitoring/rules/alerts/alerts.go and
rules_test.go): severity, operator_health_impact, kubernetes_operator_part_of, kubernetes_operator_component, namespace;
summary, description, runbook_url; names of at most 50 characters; no value in a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan import alert_promql as promql
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_promql import (
    AGE,
    LIMIT,
    PolicyTerm,
    duration,
)

__all__ = [
    "ALERTS",
    "FLOOR_SECONDS",
    "GROUP",
    "MISSING",
    "NOT_PROGRESSING",
    "NOT_STARTING",
    "ON_NODE",
    "RESERVED_LABELS",
    "RUNBOOK_URL",
    "STUCK",
    "WAITING",
    "Thresholds",
    "make_groups",
]

GROUP: Final = "kubevirt-ops-live-migration.rules"
# The runbook's five minutes: no copy is called stuck before.
FLOOR_SECONDS: Final = 300
RUNBOOK_URL: Final = "https://github.com/kubevirt-ops/live_migration/blob/main/docs/alerts/%s.md"
# How long a condition must hold, so that one odd scrape, or a copy that KubeVirt ends at its limit, raises nothing.
_HOLD_SECONDS: Final = 60

STUCK: Final = "KubeVirtVMStuckInMigratingState"
NOT_PROGRESSING: Final = "KubeVirtMigrationNotProgressing"
ON_NODE: Final = "KubeVirtMigrationsStuckOnNode"
NOT_STARTING: Final = "KubeVirtMigrationsNotStarting"
WAITING: Final = "KubeVirtMigrationWaitingTooLong"
MISSING: Final = "KubeVirtMigrationMetricsMissing"
ALERTS: Final = (STUCK, NOT_PROGRESSING, ON_NODE, NOT_STARTING, WAITING, MISSING)

# What a rule gives its alert itself, or the collection's own automation reads.
RESERVED_LABELS: Final = frozenset(
    {
        *("alertname", "severity", "operator_health_impact", "kubernetes_operator_part_of"),
        *("kubernetes_operator_component", "namespace", "name", "vm", "node", "migration", "metric"),
    }
)
_LABELS: Final[Mapping[str, str]] = {
    "operator_health_impact": "none",
    "kubernetes_operator_part_of": "kubevirt",
    "kubernetes_operator_component": "kubevirt",
}
_VM_LABEL: Final[Mapping[str, str]] = {"vm": "{{ $labels.name }}"}


@dataclass(frozen=True)
class Thresholds:
    """What the rules are computed from. `fixed_seconds` takes the place of a limit by size.

    `seconds_per_gib` is what the cluster gives a copy (never 0 here), `policies` what a MigrationPolicy gives instead,
    first match first. `kubevirt_namespace` is what an alert about the cluster carries.
    """

    seconds_per_gib: int
    per_cluster: int
    per_node: int
    fixed_seconds: int | None = None
    policies: Sequence[PolicyTerm] = ()
    waiting_seconds: int = 900
    window_seconds: int = 300
    many: int = 3
    missing_seconds: int = 900
    kubevirt_namespace: str = "kubevirt"
    alert_labels: Mapping[str, str] = field(default_factory=dict)
    runbook_url: str = RUNBOOK_URL


def make_groups(thresholds: Thresholds, /) -> list[dict[str, Any]]:
    """The groups of a PrometheusRule's spec, or of a rules file: one, as its alerts read what it records before."""
    makers = (_stuck, _not_progressing, _on_node, _not_starting, _waiting, _missing)
    alerts = [maker(thresholds) for maker in makers]
    return [{"name": GROUP, "interval": "30s", "rules": [*_records(thresholds), *alerts]}]


def _records(thresholds: Thresholds, /) -> list[dict[str, Any]]:
    fixed = thresholds.fixed_seconds
    if fixed is not None:
        limit = promql.fixed_limit(fixed)
    else:
        limit = promql.size_limit(thresholds.seconds_per_gib, floor=FLOOR_SECONDS, policies=thresholds.policies)
    return [{"record": AGE, "expr": promql.active_age()}, {"record": LIMIT, "expr": limit}]


def _stuck(thresholds: Thresholds, /) -> dict[str, Any]:
    return _alert(
        thresholds,
        STUCK,
        expr=promql.stuck(),
        hold=_HOLD_SECONDS,
        labels={"severity": "warning", **_VM_LABEL},
        summary="The live migration of a virtual machine takes longer than it may.",
        description=(
            "VirtualMachine {{ $labels.name }} in namespace {{ $labels.namespace }} is being copied to another node for"
            f" {{{{ humanizeDuration $value }}}} and has not arrived. {_allowed(thresholds)}"
        ),
    )


def _allowed(thresholds: Thresholds, /) -> str:
    if thresholds.fixed_seconds is not None:
        return f"Allowed are {thresholds.fixed_seconds} s, whatever its size."
    return (
        f"Allowed are {FLOOR_SECONDS} s, or what KubeVirt gives a copy of its size where that is more"
        f" (completionTimeoutPerGiB {thresholds.seconds_per_gib} unless a MigrationPolicy says otherwise)."
    )


def _not_progressing(thresholds: Thresholds, /) -> dict[str, Any]:
    window = duration(thresholds.window_seconds)
    return _alert(
        thresholds,
        NOT_PROGRESSING,
        expr=promql.not_progressing(thresholds.window_seconds),
        hold=_HOLD_SECONDS,
        labels={"severity": "warning", **_VM_LABEL},
        summary="The live migration of a virtual machine makes too little progress to end.",
        description=(
            "VirtualMachine {{ $labels.name }} in namespace {{ $labels.namespace }} is being copied to another node."
            f" What is left ({{{{ humanize1024 $value }}}}B) has become smaller by less than 4 % within {window},"
            " and at that pace the copy does not end within its limit."
        ),
    )


def _on_node(thresholds: Thresholds, /) -> dict[str, Any]:
    return _alert(
        thresholds,
        ON_NODE,
        expr=promql.stuck_on_node(thresholds.many),
        hold=_HOLD_SECONDS,
        labels={"severity": "critical", "namespace": thresholds.kubevirt_namespace},
        summary="Many live migrations from one node are stuck.",
        description=(
            "{{ $value }} virtual machines that leave node {{ $labels.node }} are being copied for longer than they"
            " may: look at the node and at its network first."
        ),
    )


def _not_starting(thresholds: Thresholds, /) -> dict[str, Any]:
    return _alert(
        thresholds,
        NOT_STARTING,
        expr=promql.not_starting(),
        hold=thresholds.waiting_seconds,
        labels={"severity": "warning", "namespace": thresholds.kubevirt_namespace},
        summary="Live migrations wait and none is under way.",
        description=(
            f"{{{{ $value }}}} live migrations wait before the copy, and for {duration(thresholds.waiting_seconds)}"
            " none has been under way that they could be waiting for."
        ),
    )


def _waiting(thresholds: Thresholds, /) -> dict[str, Any]:
    expr = promql.waiting(thresholds.waiting_seconds, per_cluster=thresholds.per_cluster, per_node=thresholds.per_node)
    return _alert(
        thresholds,
        WAITING,
        expr=expr,
        hold=_HOLD_SECONDS,
        labels={"severity": "warning", **_VM_LABEL},
        summary="A live migration waits before the copy although it could start.",
        description=(
            "Live migration {{ $labels.migration }} of VirtualMachine {{ $labels.name }} in namespace"
            " {{ $labels.namespace }} has not begun to copy for {{ humanizeDuration $value }}, and it does not wait"
            f" for a slot ({thresholds.per_cluster} in the cluster, {thresholds.per_node} on a node)."
        ),
    )


def _missing(thresholds: Thresholds, /) -> dict[str, Any]:
    return _alert(
        thresholds,
        MISSING,
        expr=promql.metrics_missing(thresholds.missing_seconds),
        hold=thresholds.missing_seconds,
        labels={"severity": "warning", "namespace": thresholds.kubevirt_namespace},
        summary="Metrics of live migrations are missing.",
        description=(
            f"Prometheus has had no {{{{ $labels.metric }}}} for {duration(thresholds.missing_seconds)} although it"
            " should have: live migrations that are stuck may go unnoticed."
        ),
    )


def _alert(
    thresholds: Thresholds,
    name: str,
    /,
    *,
    expr: str,
    hold: int,
    labels: Mapping[str, str],
    summary: str,
    description: str,
) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expr,
        "for": duration(hold),
        "labels": {**thresholds.alert_labels, **_LABELS, **labels},
        "annotations": {
            "summary": summary,
            "description": description,
            "runbook_url": thresholds.runbook_url.replace("%s", name),
        },
    }
