# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One object of each kind, with a value behind every printer column."""

from __future__ import annotations

from typing import Any

__all__ = ["SAMPLES"]

_SINCE = "2026-11-23T08:00:00Z"
_CONDITIONS = [
    {"type": "Ready", "status": "False", "lastProbeTime": None, "lastTransitionTime": _SINCE},
    {"type": "LiveMigratable", "status": "True", "lastProbeTime": None, "lastTransitionTime": None},
    {"type": "Paused", "status": "Unknown", "lastProbeTime": None, "lastTransitionTime": None},
]
_AVAILABLE = {"type": "Available", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": _SINCE}
_GUEST: dict[str, Any] = {"domain": {"devices": {}}}

# In the order in which they can be written: a migration needs its VMI, one that may migrate. It is over, so nothing
# acts on it.
SAMPLES: dict[str, dict[str, Any]] = {
    "kubevirts.kubevirt.io": {
        "spec": {"configuration": {"migrations": {"completionTimeoutPerGiB": 40, "bandwidthPerMigration": "64Mi"}}},
        "status": {"phase": "Deployed"},
    },
    "virtualmachines.kubevirt.io": {
        "spec": {"runStrategy": "Halted", "template": {"spec": _GUEST}},
        "status": {"printableStatus": "Migrating", "conditions": _CONDITIONS[:1]},
    },
    "virtualmachineinstances.kubevirt.io": {
        "spec": _GUEST,
        "status": {
            "phase": "Running",
            "nodeName": "node01",
            "interfaces": [{"ipAddress": "10.0.0.7"}, {"ipAddress": "10.0.0.8"}],
            "conditions": _CONDITIONS,
        },
    },
    "virtualmachineinstancemigrations.kubevirt.io": {
        "spec": {"vmiName": "sample"},
        "status": {
            "phase": "Succeeded",
            "phaseTransitionTimestamps": [{"phase": "Succeeded", "phaseTransitionTimestamp": _SINCE}],
        },
    },
    "migrationpolicies.migrations.kubevirt.io": {
        "spec": {"selectors": {"namespaceSelector": {"team": "contract"}}, "completionTimeoutPerGiB": 99},
    },
    "hyperconvergeds.hco.kubevirt.io": {
        "spec": {"virtualization": {"liveMigrationConfig": {"progressTimeout": 151}}},
        "status": {"conditions": [_AVAILABLE]},
    },
    "prometheusrules.monitoring.coreos.com": {
        "spec": {"groups": [{"name": "migration", "rules": [{"alert": "Stuck", "expr": "vector(1)", "for": "1h30m"}]}]},
    },
}
