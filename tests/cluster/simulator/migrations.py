# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VirtualMachineInstanceMigrations, and what their course leaves on the VMI, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .api import Object
from .clock import moment, stamp
from .pods import overhead_mib

__all__ = [
    "BETWEEN_CLUSTERS",
    "FINAL",
    "ORDER",
    "effective_configuration",
    "handed_over",
    "in_phase",
    "is_final",
    "is_handed_over",
    "new_migration",
    "phase_of",
    "since",
    "winning_policy",
    "with_condition",
]

FINALIZER = "kubevirt.io/migrationJobFinalize"
ORDER = ("", "Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running", "Succeeded")
FINAL = ("Succeeded", "Failed")
# Where a migration between clusters waits for its other side, before Pending.
BETWEEN_CLUSTERS = ("WaitingForSync", "Synchronizing")
_REASONS = {
    "migrationBlockedByBackup": "BackupInProgress",
    "migrationBlockedByUtilityVolumes": "UtilityVolumesPresent",
}
OBSERVED = {
    "kubevirt.io/latest-observed-api-version": "v1",
    "kubevirt.io/storage-observed-api-version": "v1",
}
# What KubeVirt takes where neither the KubeVirt object nor a policy says anything.
DEFAULTS: dict[str, Any] = {
    "allowAutoConverge": False,
    "allowPostCopy": False,
    "bandwidthPerMigration": "0",
    "completionTimeoutPerGiB": 150,
    "maxDowntimeMs": 900,
    "nodeDrainTaintKey": "kubevirt.io/drain",
    "parallelMigrationsPerCluster": 5,
    "parallelOutboundMigrationsPerNode": 2,
    "progressTimeout": 150,
    "unsafeMigrationOverride": False,
    "utilityVolumesTimeout": 150,
}
_POLICY_FIELDS = (
    "allowAutoConverge",
    "allowPostCopy",
    "allowWorkloadDisruption",
    "bandwidthPerMigration",
    "completionTimeoutPerGiB",
    "maxDowntimeMs",
    "experimental",
)
_GENERATED = {
    "user": "kubevirt-migrate-vm-",
    "evacuation": "kubevirt-evacuation-",
    "workload_update": "kubevirt-workload-update-",
    "volume_update": "kubevirt-workload-update-",
}


def new_migration(
    vmi: str,
    *,
    namespace: str,
    origin: str = "user",
    node: str = "",
    name: str | None = None,
    peer: str | None = None,
) -> Object:
    """A migration as its creator sends it; `node` is the one that an evacuation empties, `peer` the other cluster."""
    meta: Object = {"namespace": namespace}
    meta |= {"name": name} if name else {"generateName": _GENERATED[origin]}
    spec: Object = {"vmiName": vmi}
    if peer:
        spec["sendTo"] = {"migrationID": f"{namespace}-{vmi}", "connectURL": peer}
    if origin == "evacuation":
        meta["annotations"] = {"kubevirt.io/evacuationMigration": node}
        spec["priority"] = "system-critical"
    elif origin != "user":
        meta["annotations"] = {"kubevirt.io/workloadUpdateMigration": ""}
        spec["priority"] = "system-critical" if origin == "workload_update" else "user-triggered"
    if origin == "volume_update":
        meta["labels"] = {"kubevirt.io/volume-update-migration": vmi}
    kind = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration"}
    return {**kind, "metadata": meta, "spec": spec}


def phase_of(vmim: Object) -> str:
    """The phase; "" before virt-controller has seen the migration."""
    return str((vmim.get("status") or {}).get("phase") or "")


def is_final(vmim: Object) -> bool:
    """Whether it has Succeeded or Failed."""
    return phase_of(vmim) in FINAL


def since(vmim: Object, *, phase: str) -> datetime | None:
    """When the migration entered a phase; None where it never did."""
    for entry in (vmim.get("status") or {}).get("phaseTransitionTimestamps", []):
        if entry["phase"] == phase:
            return moment(entry["phaseTransitionTimestamp"])
    return None


def in_phase(vmim: Object, *, phase: str, at: datetime) -> Object:
    """The status fields of a migration that enters `phase` at `at`."""
    passed = list((vmim.get("status") or {}).get("phaseTransitionTimestamps", []))
    return {
        "phase": phase,
        "phaseTransitionTimestamps": [*passed, {"phase": phase, "phaseTransitionTimestamp": stamp(at)}],
    }


def with_condition(vmim: Object, *, kind: str, at: datetime) -> list[Object]:
    """The conditions with one more: only lastProbeTime is set, as virt-controller does it."""
    found = list((vmim.get("status") or {}).get("conditions", []))
    if any(condition["type"] == kind for condition in found):
        return found
    reason = {"reason": _REASONS[kind]} if kind in _REASONS else {}
    made = {"type": kind, "status": "True", "lastProbeTime": stamp(at), "lastTransitionTime": None}
    return [*found, made | reason]


def winning_policy(
    policies: Sequence[Mapping[str, Any]], *, vmi_labels: Mapping[str, str], namespace_labels: Mapping[str, str]
) -> Mapping[str, Any] | None:
    """The policy with most matching labels; then with most of the VMI's; then the first by name. None: no policy."""
    best: tuple[tuple[int, int], Mapping[str, Any]] | None = None
    for policy in sorted(policies, key=lambda item: str(item["metadata"]["name"])):
        selectors = policy["spec"].get("selectors")
        if selectors is None:
            continue
        of_vmi = selectors.get("virtualMachineInstanceSelector") or {}
        of_namespace = selectors.get("namespaceSelector") or {}
        if not (of_vmi.items() <= vmi_labels.items() and of_namespace.items() <= namespace_labels.items()):
            continue
        score = (len(of_vmi) + len(of_namespace), len(of_vmi))
        if best is None or score > best[0]:
            best = (score, policy)
    return best[1] if best else None


def effective_configuration(configured: Mapping[str, Any], *, policy: Mapping[str, Any] | None) -> Object:
    """Defaults, then the KubeVirt object's settings, then the policy's: what the hand-off writes to the VMI."""
    merged = {**DEFAULTS, **configured}
    spec = policy["spec"] if policy else {}
    merged |= {key: spec[key] for key in _POLICY_FIELDS if key in spec}
    if "allowPostCopy" in spec and "allowWorkloadDisruption" not in spec:
        merged["allowWorkloadDisruption"] = spec["allowPostCopy"]
    merged.setdefault("allowWorkloadDisruption", merged["allowPostCopy"])
    return merged


def handed_over(
    vmim: Object, *, vmi: Object, pod: Object, configuration: Mapping[str, Any], policy: str | None, memory_bytes: int
) -> Object:
    """vmi.status.migrationState at the hand-off, replaced as a whole."""
    state = {
        "migrationUid": vmim["metadata"]["uid"],
        "sourceNode": vmi["status"]["nodeName"],
        "sourcePod": (vmim["status"].get("migrationState") or {}).get("sourcePod", ""),
        "targetNode": pod["spec"]["nodeName"],
        "targetPod": pod["metadata"]["name"],
        "targetMemoryOverhead": f"{overhead_mib(memory_bytes)}Mi",
        "migrationConfiguration": dict(configuration),
    }
    return state | ({"migrationPolicyName": policy} if policy else {})


def is_handed_over(vmim: Object, *, vmi: Object) -> bool:
    """Whether the VMI's migration state is this migration's."""
    state = vmi["status"].get("migrationState") or {}
    return bool(state.get("migrationUid") == vmim["metadata"]["uid"] and state.get("targetNode"))
