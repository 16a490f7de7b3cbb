# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redaction: forty secrets in every place, none left; what a verdict needs is left alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.redact import redact_object
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.redact_text import (
    REDACTED,
    redact_text,
)

SECRET = "Zq7hunter2Zq7"
CLOUD = f"#cloud-config\nusers:\n- name: {SECRET}"
CODED = base64.b64encode(CLOUD.encode()).decode()


def a_volume(**source: Any) -> dict[str, Any]:
    return {"kind": "VirtualMachineInstance", "spec": {"volumes": [{"name": "first-boot", **source}]}}


def a_domain(**domain: Any) -> dict[str, Any]:
    return {"kind": "VirtualMachine", "spec": {"template": {"spec": {"domain": domain}}}}


def a_container(**container: Any) -> dict[str, Any]:
    return {"kind": "Pod", "spec": {"containers": [{"name": "compute", **container}]}}


def an_annotation(name: str, value: str) -> dict[str, Any]:
    return {"kind": "VirtualMachineInstance", "metadata": {"name": "web-1", "annotations": {name: value}}}


def an_event(message: str) -> dict[str, Any]:
    return {"kind": "Event", "reason": "Failed", "message": message}


PLANTED: dict[str, Any] = {
    "no_cloud_user_data": a_volume(cloudInitNoCloud={"userData": SECRET}),
    "no_cloud_user_data_base64": a_volume(cloudInitNoCloud={"userDataBase64": SECRET}),
    "no_cloud_network_data": a_volume(cloudInitNoCloud={"networkData": SECRET}),
    "no_cloud_network_data_base64": a_volume(cloudInitNoCloud={"networkDataBase64": SECRET}),
    "config_drive_user_data": a_volume(cloudInitConfigDrive={"userData": SECRET}),
    "config_drive_user_data_base64": a_volume(cloudInitConfigDrive={"userDataBase64": SECRET}),
    "config_drive_network_data": a_volume(cloudInitConfigDrive={"networkData": SECRET}),
    "config_drive_network_data_base64": a_volume(cloudInitConfigDrive={"networkDataBase64": SECRET}),
    "sysprep": a_volume(sysprep={"secret": {"name": SECRET}}),
    "access_credentials_ssh": {"spec": {"accessCredentials": [{"sshPublicKey": {"source": SECRET}}]}},
    "access_credentials_password": {"spec": {"accessCredentials": [{"userPassword": {"source": SECRET}}]}},
    "kernel_arguments": a_domain(firmware={"kernelBoot": {"kernelArgs": f"root={SECRET}"}}),
    "sev_session": a_domain(launchSecurity={"sev": {"session": SECRET}}),
    "sev_certificate": a_domain(launchSecurity={"sev": {"dhCert": SECRET}}),
    "environment": a_container(env=[{"name": "DB", "value": SECRET}]),
    "environment_no_list": a_container(env={"DB": SECRET}),
    "environment_no_mapping": a_container(env=[SECRET]),
    "environment_nested": a_container(env=[{"name": "DB", "value": {"deeper": SECRET}}]),
    "argument_with_equals": a_container(args=[f"--password={SECRET}"]),
    "argument_in_shell": a_container(command=["sh", "-c", f"login --token {SECRET} now"]),
    "key_that_names_it": {"spec": {"extension": {"adminPassword": SECRET}}},
    "last_applied": an_annotation("kubectl.kubernetes.io/last-applied-configuration", SECRET),
    "ignition": an_annotation("kubevirt.io/ignitiondata", SECRET),
    "hook_sidecars": an_annotation("hooks.kubevirt.io/hookSidecars", SECRET),
    "annotation_of_somebody": an_annotation("example.com/note", f"the password: {SECRET}"),
    "annotation_json": an_annotation("example.com/copy", json.dumps({"userData": SECRET})),
    "managed_fields": {"metadata": {"managedFields": [{"manager": SECRET}]}},
    "secret_data": {"kind": "Secret", "data": {"x": SECRET}},
    "secret_string_data": {"kind": "Secret", "stringData": {"x": SECRET}},
    "secrets_in_a_list": {"kind": "SecretList", "items": [{"data": {"x": SECRET}}]},
    "config_map_data": {"kind": "ConfigMap", "data": {"x": SECRET}},
    "event_url": an_event(f"pull from https://robot:{SECRET}@registry.example/disk failed"),
    "event_bearer": an_event(f"Authorization: Bearer {SECRET}"),
    "event_web_token": an_event(f"sent eyJhbGciOiJSUzI1NiJ9.{SECRET}.sig"),
    "event_openshift_token": an_event(f"sent sha256~{SECRET}"),
    "condition_ssh_key": {"status": {"conditions": [{"message": f"key ssh-ed25519 AAAA{SECRET} refused"}]}},
    "log_private_key": f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----\n",
    "log_key_cut_off": f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
    "log_cloud_config": CLOUD,
    "log_cloud_config_base64": f"iso from {CODED} made",
    "log_json_in_json": json.dumps({"msg": json.dumps({"userData": f"a {SECRET}"})}),
    "log_json_quotes_within": json.dumps({"password": f'a" {SECRET}'}),
    "log_password_hash": f"passwd $6$salt${SECRET} set",
    "too_deep_to_look": {"end": SECRET},
}
for _depth in range(120):
    PLANTED["too_deep_to_look"] = {"deeper": PLANTED["too_deep_to_look"]}


def test_planted_secrets_are_forty_at_least() -> None:
    assert len(PLANTED) >= 40


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
def test_redact_object_planted_secret_is_gone(planted: Any) -> None:
    assert SECRET in json.dumps(planted) or CODED in json.dumps(planted)

    found = json.dumps(redact_object(planted))

    assert SECRET not in found
    assert CODED not in found


KEPT: dict[str, Any] = {
    "migration": {"kind": "VirtualMachineInstanceMigration", "status": {"phase": "Running"}},
    "names_of_secrets": {"secretRef": {"name": "boot"}, "secretName": "boot"},
    "source_that_is_not": a_volume(sysprep=None),
    "rate_limiter": {"tokenBucketRateLimiter": {"qps": 5, "burst": 10}},
    "environment_from": {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
    "account": {"spec": {"serviceAccountName": "builder"}, "by": "system:serviceaccount:a:builder"},
    "scheduler": an_event("0/3 nodes are available: 1 Insufficient memory, 2 node(s) had untolerated taint."),
    "log": '{"component":"virt-launcher","level":"info","msg":"Migration info: TimeElapsed:310ms DataRemaining:5MiB"}',
    "figures": [1, 2.5, True, None],
}


@pytest.mark.parametrize("value", KEPT.values(), ids=KEPT.keys())
def test_redact_object_what_tells_of_migrations_is_kept(value: Any) -> None:
    assert redact_object(value) == value


def test_redact_object_accounts_wanted_their_names_go() -> None:
    found = redact_object(KEPT["account"], accounts=True)

    assert found == {"spec": {"serviceAccountName": REDACTED}, "by": f"system:serviceaccount:a:{REDACTED}"}


def test_redact_text_escaped_cloud_config_ends_with_its_line() -> None:
    assert redact_text("a #cloud-config\\nusers\nnext line") == f"a {REDACTED}\nnext line"


def test_redact_object_no_json_is_not_kept() -> None:
    assert redact_object({"raw": b"bytes"}) == {"raw": REDACTED}


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["env", "kind", "metadata"]), inner),
    max_leaves=20,
)


@given(value=anything)
def test_redact_object_any_data_gives_what_json_takes(value: Any) -> None:
    found = redact_object(value)

    assert json.loads(json.dumps(found)) == found


@given(value=anything)
def test_redact_object_a_second_time_changes_nothing(value: Any) -> None:
    once = redact_object(value)

    assert redact_object(once) == once
