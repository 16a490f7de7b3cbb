# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of migration_info and node_health_info for the tests of the report: each builder takes only what matters."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report

__all__ = [
    "AN_ATTEMPT",
    "BIDI",
    "ESCAPE",
    "PHASES",
    "PROGRESS",
    "QUEUE",
    "SETTINGS",
    "a_cause",
    "a_forbidden_result",
    "a_migration",
    "a_node",
    "a_result",
    "a_storm",
    "a_storm_result",
    "a_stuck_migration",
    "nodes_result",
    "report_of",
]

READ_AT = "2026-11-23T08:49:14Z"
COMPLETE = {"complete": True, "missing": [], "role": "", "requests": 9, "requests_for_placement": 0}
MISSING_PODS = {"verb": "list", "group": "", "resource": "pods", "namespace": "kubevirt", "role": "kind: Role\n"}
# What a capture does not hold: no Role would show it.
NOT_CAPTURED = {
    "verb": "list",
    "group": "coordination.k8s.io",
    "resource": "leases",
    "namespace": "kubevirt",
    "reason": "not_captured",
    "role": "",
}
# What an attacker who names things in a cluster would try: colour, the window's title, text that runs backwards.
ESCAPE = "\x1b[31mred\x1b[0m\x07"
BIDI = "\u202egnp.exe"


PHASES = [
    {
        "phase": "PreparingTarget",
        "since_at": "2026-11-23T08:40:12Z",
        "until_at": "2026-11-23T08:40:14Z",
        "seconds": 2,
        "deadline_at": "2026-11-23T08:46:11Z",
        "deadline_reason": "the target launcher gives up after 240 to 359 s",
    },
    {
        "phase": "Scheduling",
        "since_at": "2026-11-23T08:40:14Z",
        "until_at": "",
        "seconds": 540,
        "deadline_at": "2026-11-23T08:45:14Z",
        "deadline_reason": "KubeVirt gives an unschedulable target pod 300 s",
    },
]
AN_ATTEMPT = {
    "name": "kubevirt-migrate-vm-old",
    "phase": "Failed",
    "ended_at": "2026-11-23T08:37:14Z",
    "target_node": "node-4",
    "failure": "the target pod is down",
    "failure_reason": "Target pod is down",
    "was_cancelled": False,
}
MIB = 1024**2
PROGRESS = {
    "remaining_bytes": 1024 * MIB,
    "trend": "falling",
    "samples": [
        {
            "at": f"2026-11-23T08:49:0{second}Z",
            "remaining_bytes": remaining * MIB,
            "transfer_bytes_per_second": 60 * MIB,
            "dirty_bytes_per_second": dirty * MIB,
        }
        for second, remaining, dirty in ((0, 6144, 40), (4, 4096, 30), (8, 1024, 20))
    ],
}
QUEUE = {
    "parallel_migrations_per_cluster": 5,
    "parallel_outbound_migrations_per_node": 2,
    "running": [
        {"vm": "team-a/db-1", "phase": "Scheduling", "source_node": "node-1", "stuck": True},
        {"vm": "team-a/db-2", "phase": "Running", "source_node": "node-1", "stuck": False},
    ],
    "waiting": ["shop/cart-2"],
    "unclear": 0,
}
SETTINGS = {
    "cluster": {"completionTimeoutPerGiB": 150, "allowPostCopy": False},
    "policies": {"fast-lane": {"completionTimeoutPerGiB": 800}},
}


def a_cause(**changes: Any) -> dict[str, Any]:
    """TargetPodUnschedulable, certain, with one field of evidence and one advice."""
    return {
        "code": "TargetPodUnschedulable",
        "summary": "No node takes the target pod virt-launcher-db-1-abcde.",
        "time_cures": "no",
        "holds_since_at": "2026-11-23T08:40:15Z",
        "evidence": [
            {
                "object": "Pod team-a/virt-launcher-db-1-abcde",
                "field": "status.conditions[PodScheduled].reason",
                "value": "Unschedulable",
                "at": "2026-11-23T08:40:15Z",
            }
        ],
        "explains": [],
        "advice": [
            {
                "action": "Make room on a node that fits.",
                "why": "A retry meets the same nodes.",
                "risk": "none",
                "command": "kubectl describe pod -n team-a virt-launcher-db-1-abcde",
            }
        ],
        "confidence": "certain",
        **changes,
    }


def a_migration(**changes: Any) -> dict[str, Any]:
    """A migration that is on its way: team-a/db-1 from node-1 to node-2."""
    return {
        "namespace": "team-a",
        "vm": "db-1",
        "name": "kubevirt-migrate-vm-x7k2p",
        "uid": "5b1e0a9e-0000-4000-8000-000000000001",
        "phase": "Running",
        "seconds_in_phase": 130,
        "age_seconds": 140,
        "deadline_reason": "",
        "seconds_left": None,
        "verdict": "progressing",
        "stuck": False,
        "cause": "",
        "summary": "progressing: within its deadline",
        "causes": [],
        "origin": "user",
        "source_node": "node-1",
        "target_node": "node-2",
        "attempt": 1,
        "can_cancel": True,
        "can_cancel_reason": "The VM keeps running.",
        **changes,
    }


def a_stuck_migration(**changes: Any) -> dict[str, Any]:
    """A migration that is blocked in Scheduling by :func:`a_cause`."""
    return a_migration(
        **{
            "phase": "Scheduling",
            "seconds_in_phase": 540,
            "seconds_left": -240,
            "deadline_reason": "300 s for an unschedulable pod",
            "verdict": "blocked",
            "stuck": True,
            "cause": "TargetPodUnschedulable",
            "causes": [a_cause()],
            "target_node": "",
            **changes,
        }
    )


def a_result(*migrations: Any, **changes: Any) -> dict[str, Any]:
    """What migration_info returns for these migrations, everything read."""
    result = {"changed": False, "read_at": READ_AT, "migrations": list(migrations), "correlations": []}
    return {**result, "coverage": COMPLETE, **changes}


def a_node(**changes: Any) -> dict[str, Any]:
    """A node whose kubelet is silent."""
    reason = {"code": "ReadyUnknown", "message": "Ready is Unknown for 700 s", "seconds": 700}
    node = {"name": "node-7", "verdict": "unhealthy", "reasons": [reason], "migrations": {"in": 1, "out": 4}}
    return {**node, "cordoned": False, "taints": [], "virt_handler": {"present": True, "ready": False}, **changes}


def nodes_result(*nodes: Any, **changes: Any) -> dict[str, Any]:
    """What node_health_info returns for these nodes, everything read."""
    summary = {"text": "5 of 6 nodes are healthy."}
    return {"read_at": READ_AT, "nodes": list(nodes), "summary": summary, "coverage": COMPLETE, **changes}


def a_forbidden_result() -> dict[str, Any]:
    """What node_health_info returns to a user who may not list nodes."""
    error = {"code": "Forbidden", "method": "GET", "path": "/api/v1/nodes?limit=500", "status": 403}
    return {"failed": True, "msg": "GET /api/v1/nodes: 403 Forbidden", "error": error}


def report_of(*migrations: Any, nodes: Any = None, scope: Any = None, title: str = "", **changes: Any) -> Report:
    """The report on these migrations; `remediation` is what was done."""
    done = changes.pop("remediation", None)
    result = a_result(*migrations, **changes)
    return read_report(result, nodes=nodes, scope=scope, title=title, version="1.2.3", remediation=done)


def a_storm_result(count: int = 500, *, message: str = "") -> dict[str, Any]:
    """So many migrations at once, four of five stuck, each with two causes, all phases and 24 samples."""
    waiting = [f"team-{number % 17}/vm-{number}" for number in range(count)]
    migrations = [_in_storm(number, message=message) for number in range(count)]
    return a_result(*migrations, queue={**QUEUE, "waiting": waiting}, settings=SETTINGS)


def a_storm(count: int = 500, *, message: str = "") -> Report:
    """The report on it, with 40 nodes that are unhealthy."""
    nodes = nodes_result(*(a_node(name=f"worker-{number}.example.com") for number in range(40)))
    return read_report(a_storm_result(count, message=message), nodes=nodes, version="1.2.3")


def _in_storm(number: int, *, message: str) -> dict[str, Any]:
    causes = [a_cause(code=f"Cause{number % 9}", **({"summary": message} if message else {})), a_cause()]
    samples = [{**PROGRESS["samples"][0], "at": f"2026-11-23T08:48:{second:02}Z"} for second in range(24)]
    build = a_migration if number % 5 == 0 else a_stuck_migration
    return build(
        namespace=f"team-{number % 17}",
        vm=f"vm-{number}",
        cause=causes[0]["code"],
        causes=causes,
        phases=PHASES * 3,
        progress={**PROGRESS, "samples": samples},
        previous=[AN_ATTEMPT] * 3,
        source_node=f"worker-{number % 40}.example.com",
        target_node=f"worker-{number % 37}.example.com",
    )
