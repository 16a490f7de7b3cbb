# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the result of migration_alert says of the rules, their thresholds and the metrics that they read.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.prometheus_operator import (
    API_VERSION,
    KIND,
    RuleLoader,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_metrics import (
    METRICS,
    is_available,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_policies import NamedTerm
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_rules import (
    FLOOR_SECONDS,
    Thresholds,
)

__all__ = ["alert_diff", "empty_alert_result", "loaders_result", "metrics_result", "object_result", "threshold_result"]


def empty_alert_result() -> dict[str, Any]:
    """The keys that are about the rules, where there is nothing to say of them."""
    return {
        "object": {},
        "rule_file": "",
        "checked_by": "",
        "groups": [],
        "threshold": {},
        "metrics": [],
        "loaded_by": [],
        "diff": {},
    }


def object_result(obj: Mapping[str, Any], /) -> dict[str, str]:
    """Which object it is."""
    metadata = obj.get("metadata") or {}
    found = {key: str(metadata.get(key) or "") for key in ("namespace", "name", "uid")}
    return {"kind": KIND, "api_version": API_VERSION, **found}


def threshold_result(thresholds: Thresholds, /, *, origin: str, terms: Sequence[NamedTerm]) -> dict[str, Any]:
    """From when on a copy is called stuck, and where that comes from."""
    return {
        "fixed_seconds": thresholds.fixed_seconds,
        "floor_seconds": FLOOR_SECONDS,
        "completion_timeout_per_gib": thresholds.seconds_per_gib,
        "from": origin,
        "policies": [
            {
                "policy": one.policy,
                "completion_timeout_per_gib": one.term.seconds_per_gib,
                "vmi_labels": dict(one.term.vmi_labels),
                "namespaces": None if one.term.namespaces is None else list(one.term.namespaces),
            }
            for one in terms
        ],
    }


def metrics_result(version: str, /) -> list[dict[str, Any]]:
    """Each metric that the rules read, and whether this version of KubeVirt has it (null: not known)."""
    return [
        {
            "name": one.name,
            "available": is_available(one, version=version),
            "since": one.since_text,
            "alerts": list(one.alerts),
            "without_it": one.without,
        }
        for one in METRICS
    ]


def loaders_result(loaders: Sequence[RuleLoader], /) -> list[dict[str, str]]:
    """Who loads the rules."""
    return [{"kind": one.kind, "namespace": one.namespace, "name": one.name} for one in loaders]


def alert_diff(before: str, after: str, /, *, label: str) -> dict[str, str]:
    """The rules as Ansible's diff mode shows them; empty where they are equal."""
    if before == after:
        return {}
    return {"before": before, "after": after, "before_header": label, "after_header": label}
