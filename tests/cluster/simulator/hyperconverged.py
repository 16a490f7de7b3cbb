# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperConverged's operator, as far as it makes the KubeVirt object.

Source: kubevirt/hyperconverged-cluster-operator 03da3cff7325, controllers/handlers/kubevirt.go (NewKubeVirt,
hcLiveMigrationToKv, UpdateCR) and controllers/operands/operand.go (applyAnnotationPatch): the spec is made anew from
HyperConverged, the annotation's operations are applied to it, and whatever else stands in the KubeVirt object's spec is
replaced by that. Its webhooks, which try the change on its operands in a dry run, are not played.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonpatch

from .api import Api, Object, Refused
from .nodes import kubevirt

__all__ = ["HyperConvergedOperator"]

NAMESPACE = "kubevirt-hyperconverged"
NAME = "kubevirt-hyperconverged"
OPERAND = f"kubevirt-{NAME}"
ANNOTATION = "kubevirt.kubevirt.io/jsonpatch"
LABELS = {"app": NAME, "app.kubernetes.io/managed-by": "hco-operator"}
# Those that hcLiveMigrationToKv hands on.
FIELDS = (
    "bandwidthPerMigration", "completionTimeoutPerGiB", "parallelOutboundMigrationsPerNode",
    "parallelMigrationsPerCluster", "progressTimeout", "network", "allowAutoConverge", "allowPostCopy",
    "allowWorkloadDisruption",
)  # fmt: skip
_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti")


class HyperConvergedOperator:
    """Plays the operator for the one HyperConverged of a cluster that serves it in `version`."""

    def __init__(self, api: Api, *, version: str = "v1") -> None:
        self._api = api
        self._version = version
        self._gates: list[str] = []

    @property
    def path(self) -> str:
        """The HyperConverged object."""
        return f"/apis/hco.kubevirt.io/{self._version}/namespaces/{NAMESPACE}/hyperconvergeds/{NAME}"

    @property
    def operand_path(self) -> str:
        """The KubeVirt object that is made of it."""
        return f"/apis/kubevirt.io/v1/namespaces/{NAMESPACE}/kubevirts/{OPERAND}"

    def plant(
        self,
        settings: Mapping[str, Any] | None = None,
        *,
        annotations: Mapping[str, str] | None = None,
        gates: tuple[str, ...] = (),
    ) -> None:
        """HyperConverged with these settings, and its KubeVirt in place of the one that is there."""
        self._gates = list(gates)
        self._namespace()
        kind = {"apiVersion": f"hco.kubevirt.io/{self._version}", "kind": "HyperConverged"}
        metadata: Object = {"name": NAME, "namespace": NAMESPACE}
        if annotations is not None:
            metadata["annotations"] = dict(annotations)
        body = {**kind, "metadata": metadata, "spec": self._spec(settings or {})}
        self._api.request("POST", path=self.path.rpartition("/")[0], body=body)
        other = self._api.get("KubeVirt", name="kubevirt", namespace="kubevirt")
        if other is not None:
            self._api.delete(other)
        self.step()

    def _namespace(self) -> None:
        try:
            self._api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        except Refused as refusal:
            if refusal.status != 409:
                raise

    def _spec(self, settings: Mapping[str, Any]) -> Object:
        inner = {"liveMigrationConfig": dict(settings)}
        return {"virtualization": inner} if self._version == "v1" else inner

    def step(self) -> str:
        """One reconciliation: `created`, `updated`, `unchanged`, or why it failed, as its log would say."""
        found = self._api.request("GET", path=self.path)
        try:
            wanted = self._rendered(found)
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, ValueError) as error:
            return f"invalid jsonPatch in the {ANNOTATION} annotation: {error}"
        there = self._api.get("KubeVirt", name=OPERAND, namespace=NAMESPACE)
        if there is None:
            self._api.create({**wanted, "metadata": {**wanted["metadata"], "ownerReferences": [_owner(found)]}})
            return "created"
        if there["spec"] == wanted["spec"]:
            return "unchanged"
        try:
            self._api.patch(there, [{"op": "replace", "path": "/spec", "value": wanted["spec"]}])
        except Refused as refusal:
            return refusal.message
        return "updated"

    def _rendered(self, found: Mapping[str, Any]) -> Object:
        spec = found["spec"]["virtualization"] if self._version == "v1" else found["spec"]
        config = spec.get("liveMigrationConfig") or {}
        migrations = {name: config[name] for name in FIELDS if name in config}
        if "bandwidthPerMigration" in migrations:
            migrations["bandwidthPerMigration"] = _canonical(str(migrations["bandwidthPerMigration"]))
        obj = kubevirt({"developerConfiguration": {"featureGates": self._gates}, "migrations": migrations})
        obj["metadata"] = {"name": OPERAND, "namespace": NAMESPACE, "labels": LABELS}
        operations = json.loads((found["metadata"].get("annotations") or {}).get(ANNOTATION, "[]"))
        if any(not one["path"].startswith("/spec/") for one in operations):
            raise ValueError("can only modify spec fields")
        patched: Object = jsonpatch.apply_patch(obj, operations)
        return patched


def _owner(found: Mapping[str, Any]) -> Object:
    return {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "name": found["metadata"]["name"],
        "uid": found["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _canonical(text: str) -> str:
    """A binary quantity as Go's resource.Quantity writes it again: 1024Mi is 1Gi."""
    match = re.fullmatch(r"(\d+)(Ki|Mi|Gi)", text)
    if match is None:
        return text
    number, place = int(match[1]), _SUFFIXES.index(match[2])
    while number and number % 1024 == 0 and place + 1 < len(_SUFFIXES):
        number, place = number // 1024, place + 1
    return f"{number}{_SUFFIXES[place]}"
