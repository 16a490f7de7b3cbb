# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns the settings, for every combination of what there is."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import (
    form_of,
    is_operand,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import Owners, Target
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.served import served_fields
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.owner import find_target
from tests.unit.settings_objects import a_hyperconverged, a_kubevirt

PLAIN, MARKED, HCO = a_kubevirt(), a_kubevirt(marked=True), a_hyperconverged()
OTHER = a_hyperconverged(name="not-kubevirt-hyperconverged")

CASES: dict[str, tuple[Owners, str, str]] = {
    "nothing": (Owners(()), "auto", "KubeVirtMissing"),
    "nothing but HyperConverged": (Owners((), (HCO,), "v1"), "auto", "KubeVirtMissing"),
    "two": (Owners((PLAIN, a_kubevirt(name="b"))), "auto", "KubeVirtAmbiguous"),
    "two HyperConverged": (Owners((MARKED,), (HCO, HCO), "v1"), "auto", "HyperConvergedAmbiguous"),
    "plain": (Owners((PLAIN,)), "auto", "KubeVirt"),
    "plain, told": (Owners((PLAIN,)), "kubevirt", "KubeVirt"),
    "plain, told wrongly": (Owners((PLAIN,)), "hyperconverged", "HyperConvergedMissing"),
    "managed": (Owners((MARKED,), (HCO,), "v1"), "auto", "HyperConverged"),
    "managed, told": (Owners((MARKED,), (HCO,), "v1beta1"), "hyperconverged", "HyperConverged"),
    "managed, told wrongly": (Owners((MARKED,), (HCO,), "v1"), "kubevirt", "OwnedByHyperConverged"),
    "managed by one that is gone": (Owners((MARKED,)), "auto", "OwnedByHyperConverged"),
    "managed by one that cannot be read": (Owners((MARKED,), None, "v1"), "auto", "OwnedByHyperConverged"),
    "both": (Owners((PLAIN,), (HCO,), "v1"), "auto", "OwnerUnclear"),
    "both, told one": (Owners((PLAIN,), (HCO,), "v1"), "kubevirt", "KubeVirt"),
    "both, told the other": (Owners((PLAIN,), (HCO,), "v1"), "hyperconverged", "HyperConverged"),
    "one of another name": (Owners((PLAIN,), (OTHER,), "v1"), "auto", "KubeVirt"),
    "plain beside one that cannot be read": (Owners((PLAIN,), None, "v1"), "auto", "KubeVirt"),
}


@pytest.mark.parametrize(("owners", "owner", "expected"), CASES.values(), ids=CASES)
def test_find_target(owners: Owners, owner: str, expected: str) -> None:
    found = find_target(owners, owner=owner)

    assert (found.kind if isinstance(found, Target) else found.code) == expected


@pytest.mark.parametrize(
    ("versions", "form"),
    [(["v1", "v1beta1"], "v1"), (["v1beta1", "v1"], "v1"), (["v1beta1"], "v1beta1"), (["v2"], ""), ([], "")],
    ids=["both", "both, other order", "old", "unknown", "none"],
)
def test_form_of_prefers_what_is_stored(versions: list[str], form: str) -> None:
    assert form_of(versions) == form


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"labels": {"app.kubernetes.io/managed-by": "hco-operator"}}, True),
        ({"ownerReferences": [{"kind": "HyperConverged"}]}, True),
        ({"labels": {"app.kubernetes.io/managed-by": "virt-operator"}}, False),
        ({"labels": None, "ownerReferences": None}, False),
        ({"labels": [], "ownerReferences": {}}, False),
        ({"ownerReferences": [3]}, False),
        (None, False),
    ],
    ids=["label", "owner", "other label", "null", "odd", "odd owner", "none"],
)
def test_is_operand_reads_the_marks_of_its_operator(metadata: Any, expected: bool) -> None:
    assert is_operand({"metadata": metadata}) is expected


def a_document(spec: Any, *, kind: str = "Thing") -> Any:
    schema = {
        "x-kubernetes-group-version-kind": [{"group": "g", "version": "v1", "kind": kind}],
        "properties": {"spec": spec},
    }
    return {"components": {"schemas": {"other": {}, "odd": 3, "thing": schema}}}


ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        (a_document({"properties": {"a": {"properties": {"x": {}, "y": {}}}}}), {"x", "y"}),
        (a_document({"properties": {"b": {}}}), set()),
        (a_document({**ANYTHING}), None),
        (a_document({**ANYTHING, "properties": {"a": {"properties": {"x": {}}}}}), {"x"}),
        (a_document({"properties": {"a": {**ANYTHING, "properties": {"x": {}}}}}), None),
        (a_document({}, kind="Other"), None),
        ({}, None),
        (None, None),
        ([], None),
    ],
    ids=[
        "described",
        "no such place",
        "takes anything",
        "beside anything",
        "anything there",
        "another kind",
        "empty",
        "null",
        "list",
    ],
)
def test_served_fields(document: Any, fields: set[str] | None) -> None:
    found = served_fields(document, kind="Thing", steps=("spec", "a"))

    assert found == (None if fields is None else frozenset(fields))
