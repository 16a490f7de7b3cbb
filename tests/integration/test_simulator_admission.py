# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Admission of the simulated virt-api: codes, reasons, texts and causes as recorded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.simulated import (
    CREATE,
    KUBEVIRT,
    MIGRATIONS,
    NAMESPACE,
    SEVERAL,
    VMIS,
    causes,
    create,
    denied,
    done,
    items,
    path_of,
    read,
    refusal,
    wanted,
)

UPDATE = "migration-update-validator.kubevirt.io"
POLICY, KUBEVIRT_UPDATE = "migration-policy-validator.kubevirt.io", "kubevirt-update-validator.kubevirt.io"
VMI_UPDATE = "virtualmachineinstances-update-validator.kubevirt.io"
CONFIGURED = f"{KUBEVIRT}/namespaces/kubevirt/kubevirts/kubevirt"
POLICIES = "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies"
GATES = "cannot be modified without enabling the"
DOWNTIME = f"maxDowntimeMs {GATES} MigrationStallDetection or MigrationDowntimeTuning feature gate"


@pytest.fixture
def quiet(cluster: Cluster) -> Cluster:
    """VMs that do not migrate."""
    cluster.simulator.play(SEVERAL)
    return cluster


@pytest.fixture
def moving(quiet: Cluster) -> tuple[Cluster, dict[str, Any]]:
    """The same with a migration of web-1 in flight."""
    return quiet, create(quiet)


# --- creating a migration ---

PRIORITY = "Migration priority queue, only virt-controller is allowed to set priority field"
CREATES: dict[str, tuple[dict[str, Any], int, str | None, str]] = {
    "no such VMI": ({"vmiName": "nope"}, 400, None, f'the VMI "{NAMESPACE}/nope" does not exist'),
    "halted VM": ({"vmiName": "old-1"}, 400, None, f'the VMI "{NAMESPACE}/old-1" does not exist'),
    "empty spec": ({}, 422, "Invalid", "vmiName is missing"),
    "priority": ({"vmiName": "web-1", "priority": "user-triggered"}, 422, "Invalid", PRIORITY),
    "not migratable": (
        {"vmiName": "disk-1"},
        400,
        None,
        "Cannot migrate VMI, Reason: DisksNotLiveMigratable, Message: cannot migrate VMI: PVC data is not shared",
    ),
}


@pytest.mark.parametrize("query", [{}, {"dryRun": "All"}], ids=["for good", "dry run"])
@pytest.mark.parametrize("case", CREATES)
def test_create_is_refused(quiet: Cluster, case: str, query: dict[str, str]) -> None:
    spec, code, reason, text = CREATES[case]
    answer = quiet.request("POST", MIGRATIONS, body={**wanted(), "spec": spec}, query=query)

    assert refusal(answer) == (code, reason, denied(CREATE, text))


def test_refusal_of_a_field_names_the_field(quiet: Cluster) -> None:
    missing = quiet.request("POST", MIGRATIONS, body={**wanted(), "spec": {}})
    priority = quiet.request("POST", MIGRATIONS, body=wanted(priority="user-triggered"))

    assert causes(missing) == [("FieldValueRequired", "spec.vmiName")]
    assert causes(priority) == [("FieldValueForbidden", "spec.migrationPriority")]


def test_second_migration_is_refused_while_the_first_is_in_flight(moving: tuple[Cluster, dict[str, Any]]) -> None:
    cluster, first = moving
    uid = first["metadata"]["uid"]
    text = f"in-flight migration detected. Active migration job ({uid}) is currently already in progress for VMI web-1."

    answers = [refusal(cluster.request("POST", MIGRATIONS, body=wanted(), user="tenant"))]
    done(cluster.request("DELETE", path_of(first)))
    answers.append(refusal(cluster.request("POST", MIGRATIONS, body=wanted(), user="tenant")))

    assert answers == [(400, None, denied(CREATE, text))] * 2


LET_IN = {
    "VMI not running yet": wanted("web-2"),
    "sendTo": wanted("web-1", sendTo={"migrationID": "a", "connectURL": "b:1"}),
    "unknown field": wanted("web-1", foo=1),
    "old version": {**wanted(), "apiVersion": "kubevirt.io/v1alpha3"},
}


@pytest.mark.parametrize("case", LET_IN)
def test_create_is_let_in(quiet: Cluster, case: str) -> None:
    path = MIGRATIONS.replace("/v1/", f"/{LET_IN[case]['apiVersion'].split('/')[1]}/")
    made = done(quiet.request("POST", path, body=LET_IN[case]))

    assert made["metadata"]["finalizers"] == ["kubevirt.io/migrationJobFinalize"]
    assert "foo" not in made["spec"]


def test_create_without_the_condition_live_migratable_is_let_in(quiet: Cluster) -> None:
    done(quiet.request("PATCH", f"{VMIS}/disk-1", body={"status": {"conditions": []}}))

    assert quiet.request("POST", MIGRATIONS, body=wanted("disk-1"))[0] == 201


def test_mutation_replaces_the_label_and_appends_the_finalizer(quiet: Cluster) -> None:
    meta = {
        "generateName": "x-",
        "labels": {"kubevirt.io/vmi-name": "wrong", "a": "b"},
        "finalizers": ["example.org/mine"],
    }
    made = done(quiet.request("POST", MIGRATIONS, body={**wanted(), "metadata": meta}))

    assert made["metadata"]["labels"] == {"kubevirt.io/vmi-name": "web-1", "a": "b"}
    assert made["metadata"]["finalizers"] == ["example.org/mine", "kubevirt.io/migrationJobFinalize"]
    assert "ownerReferences" not in made["metadata"]


def test_dry_run_stores_nothing(quiet: Cluster) -> None:
    answer = quiet.request("POST", MIGRATIONS, body=wanted(), query={"dryRun": "All"})

    assert answer[0] == 201
    assert items(quiet, MIGRATIONS) == []


def test_user_without_rights_is_forbidden(quiet: Cluster) -> None:
    code, reason, text = refusal(quiet.request("POST", MIGRATIONS, body=wanted(), user="nobody"))

    assert (code, reason) == (403, "Forbidden")
    assert 'User "nobody" cannot create resource "virtualmachineinstancemigrations"' in text


# --- changing and deleting one ---

IN_FLIGHT: dict[str, tuple[dict[str, Any], str | None]] = {
    "spec": ({"spec": {"vmiName": "web-2"}}, "update of Migration object's spec is restricted"),
    "label away": (
        {"metadata": {"labels": {"kubevirt.io/vmi-name": None}}},
        "selector label can't be removed from an in-flight migration",
    ),
    "all labels away": ({"metadata": {"labels": None}}, "selector label can't be removed from an in-flight migration"),
    "label changed": (
        {"metadata": {"labels": {"kubevirt.io/vmi-name": "x"}}},
        "selector label can't be modified on an in-flight migration",
    ),
    "other label": ({"metadata": {"labels": {"a": "b"}}}, None),
    "annotation": ({"metadata": {"annotations": {"a": "b"}}}, None),
    "finalizers": ({"metadata": {"finalizers": None}}, None),
}


@pytest.mark.parametrize("case", IN_FLIGHT)
def test_change_in_flight(moving: tuple[Cluster, dict[str, Any]], case: str) -> None:
    cluster, vmim = moving
    change, text = IN_FLIGHT[case]
    answer = cluster.request("PATCH", path_of(vmim), body=change, query={"dryRun": "All"})

    assert refusal(answer) == (422, "Invalid", denied(UPDATE, text)) if text else answer[0] == 200


def test_label_of_a_finished_migration_may_go_but_its_spec_stays(quiet: Cluster) -> None:
    ended = {"vm": "team-a/web-1", "phase": "Failed", "since": 60, "target": "node-b"}
    vmim = quiet.simulator.play({**SEVERAL, "migrations": [ended]}).migrations["team-a/web-1"][0]
    spec = quiet.request("PATCH", path_of(vmim), body={"spec": {"vmiName": "x"}})
    label = quiet.request("PATCH", path_of(vmim), body={"metadata": {"labels": None}})

    assert refusal(spec) == (422, "Invalid", denied(UPDATE, "update of Migration object's spec is restricted"))
    assert label[0] == 200


def test_nothing_protects_the_status(moving: tuple[Cluster, dict[str, Any]]) -> None:
    cluster, vmim = moving
    change = {"status": {"phase": "Failed"}}

    assert cluster.request("PATCH", f"{path_of(vmim)}/status", body=change, query={"dryRun": "All"})[0] == 200


def test_delete_takes_exactly_the_one_that_is_meant(moving: tuple[Cluster, dict[str, Any]]) -> None:
    cluster, vmim = moving
    uid = vmim["metadata"]["uid"]
    other = cluster.request("DELETE", path_of(vmim), body={"preconditions": {"uid": "other"}})
    assert refusal(other)[:2] == (409, "Conflict")
    assert f"(other) does not match the UID in record ({uid})" in refusal(other)[2]
    dry = done(cluster.request("DELETE", path_of(vmim), body={"preconditions": {"uid": uid}, "dryRun": ["All"]}))
    assert "deletionTimestamp" in dry["metadata"]
    assert "deletionTimestamp" not in read(cluster, path_of(vmim))["metadata"]
    first = done(cluster.request("DELETE", path_of(vmim), body={"preconditions": {"uid": uid}}))
    again = done(cluster.request("DELETE", path_of(vmim), body={"preconditions": {"uid": uid}}))

    assert first["metadata"]["deletionTimestamp"] == again["metadata"]["deletionTimestamp"]


# --- other objects ---

POLICY_CASES: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "negative timeout": ({"completionTimeoutPerGiB": -1}, ["must not be negative"], ["spec.completionTimeoutPerGiB"]),
    "negative bandwidth": ({"bandwidthPerMigration": "-1Mi"}, ["must not be negative"], ["spec.bandwidthPerMigration"]),
    "both": (
        {"completionTimeoutPerGiB": -1, "bandwidthPerMigration": "-1Mi"},
        ["must not be negative"] * 2,
        ["spec.completionTimeoutPerGiB", "spec.bandwidthPerMigration"],
    ),
    "downtime": ({"maxDowntimeMs": 500}, [DOWNTIME], ["spec.maxDowntimeMs"]),
    "stall detector": (
        {"experimental": {"stallDetector": {}}},
        [f"experimental.stallDetector {GATES} MigrationStallDetection feature gate"],
        ["spec.experimental.stallDetector"],
    ),
    "downtime tuning": (
        {"experimental": {"downtimeTuning": {}}},
        [f"experimental.downtimeTuning {GATES} MigrationDowntimeTuning feature gate"],
        ["spec.experimental.downtimeTuning"],
    ),
}


def a_policy(**spec: Any) -> dict[str, Any]:
    kind = {"apiVersion": "migrations.kubevirt.io/v1alpha1", "kind": "MigrationPolicy"}
    return {**kind, "metadata": {"generateName": "p-"}, "spec": {"selectors": {}, **spec}}


@pytest.mark.parametrize("case", POLICY_CASES)
def test_policy_is_refused(quiet: Cluster, case: str) -> None:
    spec, texts, fields = POLICY_CASES[case]
    answer = quiet.request("POST", POLICIES, body=a_policy(**spec))

    assert refusal(answer) == (422, "Invalid", denied(POLICY, ", ".join(texts)))
    assert [field for _reason, field in causes(answer)] == fields


def test_policy_that_is_changed_to_nonsense_is_refused(quiet: Cluster) -> None:
    made = done(quiet.request("POST", POLICIES, body=a_policy(completionTimeoutPerGiB=0)))
    change = {"spec": {"completionTimeoutPerGiB": -1}}
    answer = quiet.request("PATCH", f"{POLICIES}/{made['metadata']['name']}", body=change)

    assert refusal(answer) == (422, "Invalid", denied(POLICY, "must not be negative"))


def test_policy_with_both_experiments_is_told_that_they_exclude_each_other(quiet: Cluster) -> None:
    answer = quiet.request("POST", POLICIES, body=a_policy(experimental={"stallDetector": {}, "downtimeTuning": {}}))

    assert "mutually exclusive" in refusal(answer)[2]


POLICIES_LET_IN: dict[str, dict[str, Any]] = {
    "no timeout": {"completionTimeoutPerGiB": 0},
    "huge timeout": {"completionTimeoutPerGiB": 99999999999},
    "compression": {"experimental": {"compression": "zstd"}},
}


@pytest.mark.parametrize("case", POLICIES_LET_IN)
def test_policy_is_let_in(quiet: Cluster, case: str) -> None:
    assert quiet.request("POST", POLICIES, body=a_policy(**POLICIES_LET_IN[case]))[0] == 201


def test_feature_gate_opens_what_it_guards(quiet: Cluster) -> None:
    gates = {"developerConfiguration": {"featureGates": ["MigrationDowntimeTuning"]}}
    done(quiet.request("PATCH", CONFIGURED, body={"spec": {"configuration": gates}}))

    assert quiet.request("POST", POLICIES, body=a_policy(maxDowntimeMs=500))[0] == 201


def configure(cluster: Cluster, **migrations: Any) -> tuple[int, Any]:
    return cluster.request("PATCH", CONFIGURED, body={"spec": {"configuration": {"migrations": migrations}}})


SENSELESS: list[dict[str, Any]] = [
    {"completionTimeoutPerGiB": -1},
    {"progressTimeout": -1},
    {"bandwidthPerMigration": "-1Mi"},
    {"parallelMigrationsPerCluster": 0},
]


@pytest.mark.parametrize("settings", SENSELESS, ids=lambda settings: next(iter(settings)))
def test_senseless_setting_of_kubevirt_is_let_in(quiet: Cluster, settings: dict[str, Any]) -> None:
    assert configure(quiet, **settings)[0] == 200


@pytest.mark.parametrize("name", ["parallelMigrationsPerCluster", "parallelOutboundMigrationsPerNode"])
def test_negative_count_breaks_the_decoder(quiet: Cluster, name: str) -> None:
    code, reason, text = refusal(configure(quiet, **{name: -1}))

    assert (code, reason) == (400, None)
    assert text.startswith(denied(KUBEVIRT_UPDATE, "json: cannot unmarshal number -1 into Go struct field"))
    assert text.endswith(f"{name} of type uint32")


def test_downtime_of_kubevirt_needs_its_gate(quiet: Cluster) -> None:
    answer = configure(quiet, maxDowntimeMs=500)

    assert refusal(answer) == (422, "Invalid", denied(KUBEVIRT_UPDATE, DOWNTIME))
    assert causes(answer)[0][1] == "spec.configuration.migrationConfiguration.maxDowntimeMs"


def test_reserved_label_of_a_vmi_is_kubevirts_alone(quiet: Cluster) -> None:
    text = "modification of the following reserved kubevirt.io/ labels on a VMI object is prohibited"
    reserved = quiet.request("PATCH", f"{VMIS}/web-1", body={"metadata": {"labels": {"kubevirt.io/nodeName": "x"}}})
    other = quiet.request("PATCH", f"{VMIS}/web-1", body={"metadata": {"labels": {"tier": "front"}}})

    assert refusal(reserved) == (422, "Invalid", denied(VMI_UPDATE, text))
    assert other[0] == 200


def test_vmi_has_no_status_subresource(quiet: Cluster) -> None:
    mark = {"status": {"evacuationNodeName": "node-a"}}

    assert quiet.request("PATCH", f"{VMIS}/web-1", body=mark, query={"dryRun": "All"})[0] == 200
    assert quiet.request("PATCH", f"{VMIS}/web-1/status", body=mark)[0] == 404
