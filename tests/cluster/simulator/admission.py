# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What virt-api and virt-operator let in and what not: one function for each webhook, with their texts.

Sources: recorded answers of KubeVirt d923fdb815cd, pkg/virt-api/webhooks and pkg/virt-operator/webhooks.
Two refusals differ on purpose: most errors of a lookup are 400 without a reason, broken field rules are 422 Invalid
with causes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .api import Api, Object
from .migrations import FINALIZER, is_final

__all__ = ["WEBHOOKS", "review"]

SELECTOR = "kubevirt.io/vmi-name"
CONTROLLERS = "system:serviceaccount:kubevirt:kubevirt-"
RESERVED = (
    "kubevirt.io/created-by",
    "kubevirt.io/migrationJobUID",
    "kubevirt.io/nodeName",
    "kubevirt.io/migrationTargetNodeName",
    "kubevirt.io/schedulable",
    "kubevirt.io/install-strategy",
)
STALL_GATE, DOWNTIME_GATE = "MigrationStallDetection", "MigrationDowntimeTuning"
DOWNTIME = f"maxDowntimeMs cannot be modified without enabling the {STALL_GATE} or {DOWNTIME_GATE} feature gate"
Cause = dict[str, str]
Answer = dict[str, Any]
ALLOWED: Answer = {"allowed": True}


def _cause(message: str, *, field: str = "", reason: str = "FieldValueInvalid") -> Cause:
    return {"reason": reason, "message": message, **({"field": field} if field else {})}


def _invalid(causes: Sequence[Cause]) -> Answer:
    """422 Invalid, or allowed where there is no cause."""
    if not causes:
        return ALLOWED
    message = ", ".join(cause["message"] for cause in causes)
    status = {"code": 422, "reason": "Invalid", "message": message, "details": {"causes": list(causes)}}
    return {"allowed": False, "status": status}


def _error(message: str) -> Answer:
    """400 without a reason."""
    return {"allowed": False, "status": {"code": 400, "message": message}}


def _patched(operations: Sequence[Mapping[str, Any]]) -> Answer:
    encoded = base64.b64encode(json.dumps(list(operations)).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": encoded}


def mutate_migration(request: Object, *, api: Api) -> Answer:
    """The selector label follows spec.vmiName, whatever was given; the finalizer is appended."""
    meta = request["object"]["metadata"]
    labels = {**(meta.get("labels") or {}), SELECTOR: request["object"].get("spec", {}).get("vmiName", "")}
    finalizers = list(meta.get("finalizers") or [])
    finalizers += [] if FINALIZER in finalizers else [FINALIZER]
    return _patched(
        [
            {"op": "add", "path": "/metadata/labels", "value": labels},
            {"op": "add", "path": "/metadata/finalizers", "value": finalizers},
        ]
    )


def create_migration(request: Object, *, api: Api) -> Answer:
    """One migration at a time, of a VMI that exists and may move."""
    spec = request["object"].get("spec") or {}
    namespace, name = request["namespace"], spec.get("vmiName")
    if not name:
        return _invalid([_cause("vmiName is missing", field="spec.vmiName", reason="FieldValueRequired")])
    if spec.get("priority") is not None and not _is_kubevirt(request):
        said = "Migration priority queue, only virt-controller is allowed to set priority field"
        return _invalid([_cause(said, field="spec.migrationPriority", reason="FieldValueForbidden")])
    vmi = api.get("VirtualMachineInstance", name=name, namespace=namespace)
    if vmi is None:
        return _error(f'the VMI "{namespace}/{name}" does not exist')
    status = vmi.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return _error("Cannot migrate VMI in finalized state.")
    for condition in status.get("conditions") or []:
        if condition["type"] == "LiveMigratable" and condition["status"] == "False":
            why = f"Reason: {condition.get('reason', '')}, Message: {condition.get('message', '')}"
            return _error(f"Cannot migrate VMI, {why}")
    return _no_other_migration(name, namespace=namespace, api=api)


def _no_other_migration(name: str, *, namespace: str, api: Api) -> Answer:
    others = api.find("VirtualMachineInstanceMigration", namespace=namespace, labels=f"{SELECTOR}={name}")
    for other in others:
        if not is_final(other):
            uid = other["metadata"]["uid"]
            return _error(
                f"in-flight migration detected. Active migration job ({uid}) is currently already in progress for "
                f"VMI {name}."
            )
    return ALLOWED


def _is_kubevirt(request: Object) -> bool:
    return str((request.get("userInfo") or {}).get("username", "")).startswith(CONTROLLERS)


def update_migration(request: Object, *, api: Api) -> Answer:
    """The spec never changes; the selector label stays while the migration is in flight."""
    new, old = request["object"], request["oldObject"]
    if (new.get("spec") or {}) != (old.get("spec") or {}):
        said = "update of Migration object's spec is restricted"
        return _invalid([_cause(said, reason="FieldValueNotSupported")])
    before = (old["metadata"].get("labels") or {}).get(SELECTOR)
    after = (new["metadata"].get("labels") or {}).get(SELECTOR)
    if is_final(new) or before is None or after == before:
        return ALLOWED
    verb = "removed from" if after is None else "modified on"
    return _invalid([_cause(f"selector label can't be {verb} an in-flight migration")])


def mutate_vmi(request: Object, *, api: Api) -> Answer:
    """Called for every change of a VMI, so that a dead virt-api stops every change; adds nothing here."""
    return ALLOWED


def update_vmi(request: Object, *, api: Api) -> Answer:
    """KubeVirt's own labels are KubeVirt's alone."""
    before = request["oldObject"]["metadata"].get("labels") or {}
    after = request["object"]["metadata"].get("labels") or {}
    if _is_kubevirt(request) or all(before.get(label) == after.get(label) for label in RESERVED):
        return ALLOWED
    said = "modification of the following reserved kubevirt.io/ labels on a VMI object is prohibited"
    return _invalid([_cause(said, reason="FieldValueNotSupported")])


def _gates(api: Api) -> Sequence[str]:
    kubevirt = api.get("KubeVirt", name="kubevirt", namespace="kubevirt") or {}
    return _gates_of(kubevirt)


def _gates_of(kubevirt: Mapping[str, Any]) -> Sequence[str]:
    configuration = (kubevirt.get("spec") or {}).get("configuration") or {}
    gates: Sequence[str] = (configuration.get("developerConfiguration") or {}).get("featureGates") or []
    return gates


def policy(request: Object, *, api: Api) -> Answer:
    """Nothing negative; what is behind a feature gate needs it."""
    spec = request["object"].get("spec") or {}
    causes = []
    for name in ("completionTimeoutPerGiB", "bandwidthPerMigration"):
        if str(spec.get(name, "")).startswith("-"):
            causes.append(_cause("must not be negative", field=f"spec.{name}"))
    gates = _gates(api)
    if spec.get("maxDowntimeMs") is not None and not {STALL_GATE, DOWNTIME_GATE} & set(gates):
        causes.append(_cause(DOWNTIME, field="spec.maxDowntimeMs"))
    return _invalid([*causes, *_experimental(spec.get("experimental") or {}, gates=gates)])


def _experimental(experimental: Mapping[str, Any], *, gates: Sequence[str]) -> list[Cause]:
    causes = []
    for name, gate in (("stallDetector", STALL_GATE), ("downtimeTuning", DOWNTIME_GATE)):
        if experimental.get(name) is not None and gate not in gates:
            said = f"experimental.{name} cannot be modified without enabling the {gate} feature gate"
            causes.append(_cause(said, field=f"spec.experimental.{name}"))
    if experimental.get("stallDetector") is not None and experimental.get("downtimeTuning") is not None:
        said = "experimental.stallDetector and experimental.downtimeTuning are mutually exclusive"
        causes.append(_cause(said, field="spec.experimental"))
    return causes


def update_kubevirt(request: Object, *, api: Api) -> Answer:
    """Hardly anything is refused: unsigned fields by Go's decoder, maxDowntimeMs by its gates."""
    now, was = (_migrations(request[which]) for which in ("object", "oldObject"))
    for name in ("parallelMigrationsPerCluster", "parallelOutboundMigrationsPerNode"):
        value = now.get(name)
        if isinstance(value, int) and value < 0:
            where = f"MigrationConfiguration.spec.configuration.migrations.{name}"
            return _error(f"json: cannot unmarshal number {value} into Go struct field {where} of type uint32")
    changed = now.get("maxDowntimeMs") != was.get("maxDowntimeMs")
    if changed and not {STALL_GATE, DOWNTIME_GATE} & set(_gates_of(request["object"])):
        return _invalid([_cause(DOWNTIME, field="spec.configuration.migrationConfiguration.maxDowntimeMs")])
    return ALLOWED


def _migrations(kubevirt: Object) -> Mapping[str, Any]:
    found: Mapping[str, Any] = ((kubevirt.get("spec") or {}).get("configuration") or {}).get("migrations") or {}
    return found


def evict_launcher(request: Object, *, api: Api) -> Answer:
    """An eviction of a launcher pod asks for a migration instead, where its strategy says so; in dry run it marks
    nothing."""
    pod = api.get("Pod", name=request["name"], namespace=request["namespace"])
    meta = (pod or {}).get("metadata") or {}
    name = (meta.get("labels") or {}).get("vm.kubevirt.io/name")
    vmi = api.get("VirtualMachineInstance", name=name, namespace=request["namespace"]) if name else None
    if pod is None or vmi is None or meta["labels"].get("kubevirt.io") != "virt-launcher":
        return ALLOWED
    node = pod["spec"].get("nodeName")
    if node != vmi["status"].get("nodeName"):
        return ALLOWED
    strategy = vmi["spec"].get("evictionStrategy") or _cluster_strategy(api)
    conditions = vmi["status"].get("conditions") or ()
    movable = any(one["type"] == "LiveMigratable" and one["status"] == "True" for one in conditions)
    if strategy == "LiveMigrate" and not movable:
        return _later(f"VMI {name} is configured with an eviction strategy but is not live-migratable")
    if strategy not in ("LiveMigrate", "LiveMigrateIfPossible", "External") or not (movable or strategy == "External"):
        return ALLOWED
    asked = vmi["status"].get("evacuationNodeName") == node
    if not asked and not request.get("dryRun"):
        api.patch(vmi, {"status": {"evacuationNodeName": node}})
    said = f'Eviction triggered evacuation of VMI "{request["namespace"]}/{name}"'
    return _later(f"Evacuation in progress: {said}" if asked else said)


def _later(message: str) -> Answer:
    return {"allowed": False, "status": {"code": 429, "reason": "TooManyRequests", "message": message}}


def _cluster_strategy(api: Api) -> str:
    kubevirt = api.get("KubeVirt", name="kubevirt", namespace="kubevirt") or {}
    return str(((kubevirt.get("spec") or {}).get("configuration") or {}).get("evictionStrategy") or "None")


# path -> (name, mutating, group, version, resource, operations, function)
WEBHOOKS: dict[str, tuple[str, bool, str, str, str, tuple[str, ...], Callable[..., Answer]]] = {
    "/migration-mutate-create": (
        "migrations-mutator.kubevirt.io", True, "kubevirt.io", "*", "virtualmachineinstancemigrations",
        ("CREATE",), mutate_migration,
    ),
    "/vmi-mutate": (
        "virtualmachineinstances-mutator.kubevirt.io", True, "kubevirt.io", "*", "virtualmachineinstances",
        ("CREATE", "UPDATE"), mutate_vmi,
    ),
    "/migration-validate-create": (
        "migration-create-validator.kubevirt.io", False, "kubevirt.io", "*", "virtualmachineinstancemigrations",
        ("CREATE",), create_migration,
    ),
    "/migration-validate-update": (
        "migration-update-validator.kubevirt.io", False, "kubevirt.io", "*", "virtualmachineinstancemigrations",
        ("UPDATE",), update_migration,
    ),
    "/vmi-validate-update": (
        "virtualmachineinstances-update-validator.kubevirt.io", False, "kubevirt.io", "*", "virtualmachineinstances",
        ("UPDATE",), update_vmi,
    ),
    "/migration-policy-validate": (
        "migration-policy-validator.kubevirt.io", False, "migrations.kubevirt.io", "*", "migrationpolicies",
        ("CREATE", "UPDATE"), policy,
    ),
    "/kubevirt-validate-update": (
        "kubevirt-update-validator.kubevirt.io", False, "kubevirt.io", "*", "kubevirts",
        ("UPDATE",), update_kubevirt,
    ),
    "/launcher-eviction": (
        "virt-launcher-eviction-interceptor.kubevirt.io", False, "", "v1", "pods/eviction",
        ("CREATE",), evict_launcher,
    ),
}  # fmt: skip


def review(path: str, *, body: Object, api: Api) -> Object | None:
    """The AdmissionReview that answers one; None for a path that no webhook has."""
    hook = WEBHOOKS.get(path)
    if hook is None:
        return None
    request = body["request"]
    answer = {"uid": request["uid"], **hook[-1](request, api=api)}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
