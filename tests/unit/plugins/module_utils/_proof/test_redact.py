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
    "environment_in_json_in_an_annotation": an_annotation(
        "kubevirt.io/copy", json.dumps({"spec": {"env": [{"name": "A", "value": SECRET}]}})
    ),
    "secret_in_json_in_an_annotation": an_annotation(
        "kubevirt.io/copy", json.dumps({"kind": "Secret", "data": {"a": SECRET}})
    ),
    "annotation_of_another_tool": an_annotation("pre.hook.backup.velero.io/command", f'["mysql", "-p{SECRET}"]'),
    "annotation_packed": an_annotation("objectset.rio.cattle.io/applied", f"H4sIAAAA{SECRET}"),
    "annotation_of_a_token": an_annotation("openshift.io/token-secret.value", SECRET),
    "last_applied_within_json": json.dumps(
        {"a": json.dumps({"kubectl.kubernetes.io/last-applied-configuration": SECRET})}
    ),
    "last_applied_in_a_text": f'kubectl.kubernetes.io/last-applied-configuration: {{"data":{{"x":"{SECRET}"}}}}',
    "argument_apart": a_container(args=["--password", SECRET]),
    "argument_by_itself": a_container(args=[SECRET]),
    "command_line": a_container(command=["sh", "-c", f"sshpass -p {SECRET} ssh x"]),
    "probe_command": a_container(livenessProbe={"exec": {"command": ["curl", "-u", f"a:{SECRET}"]}}),
    "probe_header": a_container(livenessProbe={"httpGet": {"httpHeaders": [{"name": "Cookie", "value": SECRET}]}}),
    "named_password": {"options": [{"name": "password", "value": SECRET}]},
    "list_of_passwords": {"passwords": [SECRET]},
    "mapping_of_credentials": {"credentials": {"user": "a", "x": SECRET}},
    "ignition_object": {"ignition": {"version": "3.2.0"}, "storage": {"files": [{"contents": SECRET}]}},
    "guest_agent_password": '{"execute":"guest-set-user-password","arguments":{"password":"' + SECRET + '"}}',
    "guest_agent_command": '{"execute":"guest-exec","arguments":{"path":"/bin/sh","arg":["-c","echo ' + SECRET + '"]}}',
    "guest_agent_output": '{"return":{"out-data":"' + SECRET + '"}}',
    "docker_login": '{"auths":{"registry":{"auth":"' + SECRET + '"}}}',
    "log_environment_of_go": "EnvVar{EnvVar{Name:DB,Value:" + SECRET + ",ValueFrom:nil,},}",
    "log_user_data": f"user-data: one {SECRET}",
    "log_user_data_block": f"  userData: |-\n    runcmd: [echo {SECRET}]\n  name: x",
    "log_password_two_words": f"password: two {SECRET}",
    "log_password_prose": f"the password is {SECRET}",
    "log_password_on_the_next_line": f"password:\n  {SECRET}\n",
    "log_password_with_a_comma": f"password=a,{SECRET}",
    "log_key_that_began_earlier": f"{SECRET}\n-----END RSA PRIVATE KEY-----",
    "log_pgp_key": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{SECRET}\n-----END PGP PRIVATE KEY BLOCK-----",
    "log_cookie": f"Set-Cookie: sid={SECRET}; path=/",
    "log_authorization": f"Authorization: Negotiate {SECRET}",
    "log_user_of_a_url": f"clone https://{SECRET}@git.example/x",
    "log_at_in_a_password": f"amqp://a:p@{SECRET}@mq",
    "log_signed_url": f"GET https://a.example/x?sv=1&sig={SECRET}",
    "log_answer_file": f"<AdministratorPassword><Value>{SECRET}</Value></AdministratorPassword>",
    "log_libvirt_secret": f"<secret type='ceph'><value>{SECRET}</value></secret>",
    "log_pipe": f"echo root:{SECRET} | chpasswd",
    "log_short_option": f"mysql -u root -p{SECRET}",
    "log_wireless": f"wifi psk={SECRET}",
    "log_known_token": f"ghp_{SECRET}abcdef",
    "log_storage_key": f"AccountKey={SECRET}==",
}


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


CODED_TEXTS = {
    "cloud_config": f"\n#cloud-config\npasswd: {SECRET}",
    "mime": f"Content-Type: multipart/mixed\n\n#cloud-config\npasswd: {SECRET}",
    "key": f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}",
    "login": json.dumps({"auths": {"registry": {"auth": SECRET}}}),
    "password": f"password: {SECRET}",
}


@pytest.mark.parametrize("text", CODED_TEXTS.values(), ids=CODED_TEXTS)
def test_redact_object_credential_in_base64_is_gone(text: str) -> None:
    found = json.dumps(redact_object({"message": f"sent {in_base64(text)} to it"}))

    assert in_base64(text)[10:30] not in found
    assert "sent" in found


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
    "command": a_container(command=["/usr/bin/virt-launcher-monitor", "--qemu-timeout", "--keep-after-failure"]),
    "annotation_of_kubevirt": an_annotation("kubevirt.io/migrationPendingPodTimeoutSeconds", "60"),
    "sum_in_base64_alphabet": {"image": "registry.example/x@sha256:" + "0123456789abcdef" * 4},
    "json_in_a_log": '2026-11-25T08:00:00Z {"key": "default/web-1",  "pos":"vm.go:12"} done',
    "queue_key": "processing key=default/web-1",
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
