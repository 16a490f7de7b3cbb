# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings against the real definitions: the settings that they serve, and that they keep what it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import FORMS, KIND
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import KUBEVIRT_STEPS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.served import served_fields
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import SETTINGS
from tests.cluster import Cluster
from tests.contract.resources import body_of
from tests.integration.settings_worlds import ANNOTATION, EVERY, INSISTING, RECORD, ask
from tests.integration.simulated import done, read

KUBEVIRTS = "/apis/kubevirt.io/v1/namespaces/default/kubevirts"
HYPERCONVERGEDS = "/apis/hco.kubevirt.io/v1/namespaces/default/hyperconvergeds"
MARK = {"labels": {"app.kubernetes.io/managed-by": "hco-operator"}}
ALL = {option: value for option, (_name, value) in EVERY.items()}


@pytest.fixture
def server(real_server: Cluster) -> Iterator[Cluster]:
    real_server.reset()
    yield real_server
    real_server.reset()


def kubevirt(server: Cluster, **metadata: Any) -> str:
    """The path of a KubeVirt object that is made here."""
    kind = {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt"}
    body = {**kind, "metadata": {"name": "kubevirt", **metadata}, "spec": {"configuration": {}}}
    done(server.request("POST", KUBEVIRTS, body=body))
    return f"{KUBEVIRTS}/kubevirt"


def test_our_table_has_just_the_settings_that_kubevirt_serves(real_server: Cluster) -> None:
    document = body_of(real_server, "/openapi/v3/apis/kubevirt.io/v1")

    found = served_fields(document, kind="KubeVirt", steps=KUBEVIRT_STEPS)

    assert found == {setting.name for setting in SETTINGS if setting.in_kubevirt}


@pytest.mark.parametrize("version", FORMS)
def test_our_table_has_just_the_settings_that_hyperconverged_serves(real_server: Cluster, version: str) -> None:
    document = body_of(real_server, f"/openapi/v3/apis/hco.kubevirt.io/{version}")

    found = served_fields(document, kind=KIND, steps=FORMS[version])

    assert found == {setting.name for setting in SETTINGS if setting.in_hyperconverged}


def test_every_setting_is_kept_by_the_real_kubevirt_and_undone(server: Cluster) -> None:
    path = kubevirt(server)
    before = read(server, path)["spec"]

    found = ask(server, settings=ALL, accept_risks=INSISTING, reason="contract")
    kept = read(server, path)["spec"]["configuration"]["migrations"]
    undone = ask(server, undo=True)

    assert found["changed"]
    assert kept == dict(EVERY.values())
    assert undone["changed"]
    assert read(server, path)["spec"] == before


def test_every_setting_is_kept_by_the_real_hyperconverged_and_undone(server: Cluster) -> None:
    kubevirt(server, **MARK)
    body = {"apiVersion": "hco.kubevirt.io/v1", "kind": KIND, "metadata": {"name": "kubevirt-hyperconverged"}}
    done(server.request("POST", HYPERCONVERGEDS, body=body))
    path = f"{HYPERCONVERGEDS}/kubevirt-hyperconverged"
    before = read(server, path)["spec"]

    found = ask(server, settings=ALL, accept_risks=INSISTING)
    kept = read(server, path)
    undone = ask(server, undo=True)

    config = kept["spec"]["virtualization"]["liveMigrationConfig"]
    operations = json.loads(kept["metadata"]["annotations"][ANNOTATION])
    others = {one["path"].rpartition("/")[2]: one["value"] for one in operations}
    assert found["changed"]
    assert {**config, **others} == dict(EVERY.values())
    assert undone["changed"]
    assert read(server, path)["spec"] == before
    assert set(read(server, path)["metadata"]["annotations"]) == {RECORD}
