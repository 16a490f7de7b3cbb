# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings against the real definitions: the settings that they serve, and that they keep what it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import FORMS, KIND
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import KUBEVIRT_STEPS, value_at
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.served import served_fields
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import SETTINGS
from tests.cluster import Cluster
from tests.cluster.crds import read_crds
from tests.contract.resources import body_of
from tests.integration.settings_worlds import ANNOTATION, EVERY, INSISTING, RECORD, ask
from tests.integration.simulated import done, read

KUBEVIRTS = "/apis/kubevirt.io/v1/namespaces/default/kubevirts"
HYPERCONVERGEDS = "/apis/hco.kubevirt.io/{version}/namespaces/default/hyperconvergeds"
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
    assert_all_is_kept_and_undone(server, version="v1")


@pytest.fixture(scope="module")
def older_server(real_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The real definitions as before HyperConverged had v1: v1beta1 is served and stored."""
    folder = tmp_path_factory.mktemp("older")
    for one in read_crds(real_folder):
        if one["spec"]["names"]["kind"] == KIND:
            one["spec"]["versions"] = [
                {**version, "storage": True} for version in one["spec"]["versions"] if version["name"] == "v1beta1"
            ]
            one["spec"].pop("conversion", None)
        (folder / f"{one['metadata']['name']}.yml").write_text(yaml.safe_dump(one), encoding="utf-8")
    with Cluster.start(crds=folder, simulator=False) as running:
        yield running


def test_every_setting_is_kept_by_the_real_hyperconverged_of_v1beta1_and_undone(older_server: Cluster) -> None:
    assert_all_is_kept_and_undone(older_server, version="v1beta1")


def assert_all_is_kept_and_undone(server: Cluster, *, version: str) -> None:
    kubevirt(server, **MARK)
    body = {"apiVersion": f"hco.kubevirt.io/{version}", "kind": KIND, "metadata": {"name": "kubevirt-hyperconverged"}}
    collection = HYPERCONVERGEDS.format(version=version)
    done(server.request("POST", collection, body=body))
    path = f"{collection}/kubevirt-hyperconverged"
    before = read(server, path)["spec"]

    found = ask(server, settings=ALL, accept_risks=INSISTING)
    kept = read(server, path)
    undone = ask(server, undo=True)

    config = value_at(kept, FORMS[version])
    operations = json.loads(kept["metadata"]["annotations"][ANNOTATION])
    others = {one["path"].rpartition("/")[2]: one["value"] for one in operations}
    assert (found["changed"], found["object"]["api_version"]) == (True, f"hco.kubevirt.io/{version}")
    assert {**config, **others} == dict(EVERY.values())
    assert undone["changed"]
    assert read(server, path)["spec"] == before
    assert set(read(server, path)["metadata"]["annotations"]) == {RECORD}
