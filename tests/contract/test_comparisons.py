# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each comparison of the contract must be able to fail: here it meets altered copies."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.definitions import FOLDER_VARIABLE, OURS, differences, folder_from, load
from tests.contract.objects import as_new, lost
from tests.contract.schemas import Schemas, missing_step, rule_differences

VMI = "virtualmachineinstances.kubevirt.io"
VMIM = "virtualmachineinstancemigrations.kubevirt.io"
POLICY = "migrationpolicies.migrations.kubevirt.io"
RULE = "prometheusrules.monitoring.coreos.com"

Change = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return dict(load(OURS))


def _version(spec: dict[str, Any], name: str = "v1") -> dict[str, Any]:
    return next(version for version in spec["versions"] if version["name"] == name)


def _columns(spec: dict[str, Any]) -> Any:
    return _version(spec)["additionalPrinterColumns"]


ALTERATIONS: dict[str, tuple[str, Change, str]] = {
    "another group": (VMI, lambda spec: spec.update(group="kubevirt.example"), "group"),
    "another scope": (POLICY, lambda spec: spec.update(scope="Namespaced"), "scope"),
    "a conversion webhook": (VMI, lambda spec: spec.update(conversion={"strategy": "Webhook"}), "conversion"),
    "another plural": (VMI, lambda spec: spec["names"].update(plural="vmis"), "names.plural"),
    "another singular": (VMI, lambda spec: spec["names"].update(singular="vmi"), "names.singular"),
    "another kind": (RULE, lambda spec: spec["names"].update(kind="Rule"), "names.kind"),
    "another list kind": (VMI, lambda spec: spec["names"].update(listKind="VMIs"), "names.listKind"),
    "a dropped short name": (VMIM, lambda spec: spec["names"]["shortNames"].pop(), "names.shortNames"),
    "a dropped category": (VMIM, lambda spec: spec["names"].pop("categories"), "names.categories"),
    "a dropped version": (VMIM, lambda spec: spec["versions"].pop(), "versions"),
    "a version no longer served": (
        VMIM,
        lambda spec: _version(spec, "v1alpha3").update(served=False),
        "v1alpha3.served",
    ),
    "another storage version": (VMIM, lambda spec: _version(spec, "v1alpha3").update(storage=True), "v1alpha3.storage"),
    "a version not deprecated": (
        VMIM,
        lambda spec: _version(spec, "v1alpha3").pop("deprecated"),
        "v1alpha3.deprecated",
    ),
    "another warning": (
        VMIM,
        lambda spec: _version(spec, "v1alpha3").update(deprecationWarning="old"),
        "deprecationWarning",
    ),
    "no status subresource": (VMIM, lambda spec: _version(spec).pop("subresources"), "v1.subresources"),
    "a status subresource": (VMI, lambda spec: _version(spec).update(subresources={"status": {}}), "v1.subresources"),
    "a dropped column": (VMI, lambda spec: _columns(spec).pop(), "v1.additionalPrinterColumns"),
    "columns in another order": (VMI, lambda spec: _columns(spec).reverse(), "v1.additionalPrinterColumns"),
    "another column path": (
        VMIM,
        lambda spec: _columns(spec)[0].update(jsonPath=".status.fase"),
        "additionalPrinterColumns",
    ),
    "another column type": (VMIM, lambda spec: _columns(spec)[0].update(type="integer"), "v1.additionalPrinterColumns"),
    "another column priority": (VMIM, lambda spec: _columns(spec)[0].update(priority=1), "v1.additionalPrinterColumns"),
    "a column format": (VMIM, lambda spec: _columns(spec)[0].update(format="byte"), "v1.additionalPrinterColumns"),
    "a selectable field": (
        VMIM,
        lambda spec: _version(spec).update(selectableFields=[{"jsonPath": ".a"}]),
        "selectableFields",
    ),
}


@pytest.mark.parametrize(("name", "change", "names"), ALTERATIONS.values(), ids=ALTERATIONS)
def test_an_altered_definition_is_found(ours: dict[str, Any], name: str, change: Change, names: str) -> None:
    real = copy.deepcopy(ours)
    change(real[name]["spec"])

    found = differences(ours, real)

    assert found, "the alteration went unseen"
    assert all(line.startswith(f"{name}: ") for line in found)
    assert any(f"{names}: ours " in line for line in found)


def test_equal_definitions_do_not_differ(ours: dict[str, Any]) -> None:
    assert len(ours) == 7
    assert differences(ours, copy.deepcopy(ours)) == []


def test_descriptions_schemas_and_written_out_defaults_do_not_count(ours: dict[str, Any]) -> None:
    real = copy.deepcopy(ours)
    spec = real[VMI]["spec"]
    spec["names"]["listKind"] = "VirtualMachineInstanceList"
    spec["conversion"] = {"strategy": "None"}
    for column in _columns(spec):
        column["description"] = "what it shows"
    _version(spec)["schema"] = {"openAPIV3Schema": {"type": "object"}}

    assert differences(ours, real) == []


def test_a_definition_on_one_side_only_is_found(ours: dict[str, Any]) -> None:
    fewer = {name: found for name, found in ours.items() if name != VMI}

    assert differences(fewer, ours) == [f"{VMI}: real only"]
    assert differences(ours, fewer) == [f"{VMI}: ours only"]


@pytest.mark.parametrize(("ci", "failure"), [(None, False), ("", False), ("false", False), ("true", True), ("1", True)])
@pytest.mark.parametrize("folder", [None, "missing", "empty"])
def test_a_missing_folder_fails_on_ci_only(tmp_path: Path, ci: str | None, failure: bool, folder: str | None) -> None:
    (tmp_path / "empty").mkdir()
    named = {FOLDER_VARIABLE: str(tmp_path / folder)} if folder else {}
    environ = named | ({"CI": ci} if ci is not None else {})

    found, reason, is_failure = folder_from(environ)

    assert found is None
    assert FOLDER_VARIABLE in reason
    assert is_failure is failure


def test_a_folder_of_definitions_is_taken() -> None:
    assert folder_from({FOLDER_VARIABLE: str(OURS), "CI": "true"}) == (OURS, "", False)


SCHEMA: dict[str, Any] = {
    "properties": {
        "spec": {"properties": {"names": {"items": {"properties": {"first": {"type": "string"}}}}}},
        "metadata": {"allOf": [{"$ref": "#/components/schemas/Meta"}], "default": {}},
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
    "x-kubernetes-group-version-kind": [{"group": "example.org", "version": "v1", "kind": "Thing"}],
}
META: dict[str, Any] = {"properties": {"labels": {"additionalProperties": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("spec.names[].first", ""),
        ("metadata.labels.*", ""),
        ("spec.names[]", ""),
        ("spec.nams[].first", "spec.nams"),
        ("spec.names.first", "spec.names.first"),
        ("spec.names[].last", "spec.names[].last"),
        ("spec[]", "spec[]"),
        ("metadata.labels[]", "metadata.labels[]"),
        ("metadata.labels.colour", "metadata.labels.colour"),
        ("open.anything", "open.anything"),
        ("spec.names[].first.deeper", "spec.names[].first.deeper"),
    ],
)
def test_a_path_ends_where_the_schema_ends(path: str, missing: str) -> None:
    assert missing_step(SCHEMA, path, components={"Meta": META}) == missing


RULED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "pattern": "^a+$"},
                "count": {"type": "integer", "format": "int32", "minimum": 1, "default": 2},
                "list": {"type": "array", "x-kubernetes-list-type": "atomic", "items": {"type": "string"}},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}

RULE_ALTERATIONS: dict[str, tuple[Change, list[str]]] = {
    "another type": (
        lambda spec: spec["name"].update(type="integer"),
        ["spec.name: type: ours 'string', real 'integer'"],
    ),
    "another range": (lambda spec: spec["count"].update(minimum=0), ["spec.count: minimum: ours 1, real 0"]),
    "another default": (lambda spec: spec["count"].update(default=3), ["spec.count: default: ours 2, real 3"]),
    "a dropped default": (lambda spec: spec["count"].pop("default"), ["spec.count: default: ours 2, real None"]),
    "a dropped pattern": (lambda spec: spec["name"].pop("pattern"), ["spec.name: pattern: ours True, real False"]),
    "another pattern": (lambda spec: spec["name"].update(pattern="^[a]+$"), []),
    "a dropped field": (lambda spec: spec.pop("map"), ["spec.map: ours only"]),
    "a new field": (lambda spec: spec.update(more={}), ["spec.more: ours prunes it"]),
    "other items": (
        lambda spec: spec["list"]["items"].update(type="integer"),
        ["spec.list[]: type: ours 'string', real 'integer'"],
    ),
    "other values": (
        lambda spec: spec["map"]["additionalProperties"].update(nullable=True),
        ["spec.map.*: nullable: ours None, real True"],
    ),
    "another merge": (
        lambda spec: spec["list"].update({"x-kubernetes-list-type": "set"}),
        ["spec.list: x-kubernetes-list-type: ours 'atomic', real 'set'"],
    ),
}


@pytest.mark.parametrize(("change", "found"), RULE_ALTERATIONS.values(), ids=RULE_ALTERATIONS)
def test_an_altered_rule_is_found(change: Change, found: list[str]) -> None:
    real = copy.deepcopy(RULED)
    change(real["properties"]["spec"]["properties"])

    assert rule_differences(RULED, real) == found


def test_what_is_required_is_compared_and_what_is_kept_is_not_described() -> None:
    real = copy.deepcopy(RULED)
    del real["properties"]["spec"]["required"]
    real["properties"]["status"]["properties"] = {"phase": {"type": "string"}}

    assert rule_differences(RULED, real) == ["spec: required: ours ['name'], real []"]


def test_every_served_version_is_asked() -> None:
    other = copy.deepcopy(SCHEMA)
    del other["properties"]["spec"]
    other["x-kubernetes-group-version-kind"][0]["version"] = "v2"
    documents = {
        "apis/example.org/v1": {"components": {"schemas": {"Thing": SCHEMA, "Meta": META}}},
        "apis/example.org/v2": {"components": {"schemas": {"Thing": other, "Meta": META}}},
    }
    schemas = Schemas(documents)

    assert schemas.places("Thing") == ["apis/example.org/v1", "apis/example.org/v2"]
    assert schemas.problems("Thing", "metadata.labels.*") == []
    assert schemas.problems("Thing", "spec.names[]") == [
        "Thing.spec.names[]: apis/example.org/v2 does not describe spec"
    ]
    assert schemas.problems("Thang", "spec") == ["Thang: no such kind is served"]


def test_a_core_kind_is_not_sought_in_another_group() -> None:
    core = {
        "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Event"}],
        "properties": {"reason": {}},
    }
    other = {"x-kubernetes-group-version-kind": [{"group": "events.k8s.io", "version": "v1", "kind": "Event"}]}
    schemas = Schemas(
        {
            "api/v1": {"components": {"schemas": {"core": core}}},
            "apis/events.k8s.io/v1": {"components": {"schemas": {"other": other}}},
        }
    )

    assert schemas.problems("Event", "reason") == []


@pytest.mark.parametrize(
    ("sent", "kept", "paths"),
    [
        ({"spec": {"a": 1}}, {"spec": {"a": 1, "b": 2}, "status": {}}, []),
        ({"spec": {"a": 1, "b": None}}, {"spec": {"a": 1}}, ["spec.b"]),
        ({"spec": {"a": 1}}, {"spec": {"a": "1"}}, ["spec.a"]),
        ({"spec": {"a": 1}}, {}, ["spec"]),
        ({"items": [{"a": 1}, {"b": 2}]}, {"items": [{"a": 1}, {}]}, ["items[1].b"]),
        ({"items": [1, 2]}, {"items": [1]}, ["items"]),
        ({"items": []}, {"items": {}}, ["items"]),
    ],
)
def test_what_was_pruned_or_changed_is_named(sent: Any, kept: Any, paths: list[str]) -> None:
    assert lost(sent, kept) == paths


def test_an_object_read_back_can_be_created_again() -> None:
    read: dict[str, Any] = {
        "kind": "Thing",
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "1", "labels": {"x": "y"}},
        "spec": {},
    }

    assert as_new(read, namespace="m", name="b") == {
        "kind": "Thing",
        "metadata": {"name": "b", "namespace": "m", "labels": {"x": "y"}},
        "spec": {},
    }
    assert read["metadata"]["uid"] == "u", "the object itself stays"
    assert "namespace" not in as_new({"metadata": {"name": "a"}}, namespace="m")["metadata"]
