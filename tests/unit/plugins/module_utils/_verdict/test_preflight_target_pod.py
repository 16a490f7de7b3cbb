# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target pod that KubeVirt would make, guessed from the present one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.target_pod import (
    TargetPod,
    lacks_host_model,
    predict_target_pod,
)
from tests.unit.draining import HOST_MODEL, SOURCE, a_guest, a_target_node, its_pod
from tests.unit.placing import OWNER, SCHEDULABLE

FEATURE = "host-model-required-features.node.kubevirt.io/vmx"
VENDOR = "cpu-vendor.node.kubevirt.io/Intel"
MIGRATED = "cpu-model-migration.node.kubevirt.io/Haswell"


def predict(selector: dict[str, str] | None = None, *, model: str = "host-model", **labels: str) -> TargetPod:
    vmi = a_guest()
    vmi["spec"]["domain"]["cpu"]["model"] = model
    vmi["spec"]["nodeSelector"] = {"zone": "east"}
    node = Node.from_object(a_target_node(SOURCE, labels={FEATURE: "true", VENDOR: "true", **labels}))
    pod = its_pod(nodeSelector=selector or {SCHEDULABLE: "true"})
    return predict_target_pod(PodNeeds.from_object(pod), guest=Guest.from_object(vmi), node=node)


def test_a_host_model_vm_that_never_moved_asks_for_its_nodes_cpu() -> None:
    selector = predict().needs.node_selector

    assert selector["cpu-model-migration.node.kubevirt.io/Skylake-Server"] == "true"
    assert selector["cpu-feature.node.kubevirt.io/vmx"] == "true"
    assert selector[VENDOR] == "true"


def test_one_that_moved_keeps_the_selectors_of_its_pod() -> None:
    selector = predict({SCHEDULABLE: "true", MIGRATED: "true"}).needs.node_selector

    assert [key for key in selector if key.startswith("cpu-")] == [MIGRATED, VENDOR]


def test_another_cpu_model_takes_the_vendor_alone() -> None:
    assert [key for key in predict(model="Haswell").needs.node_selector if key.startswith("cpu-")] == [VENDOR]


def test_it_keeps_away_from_the_vms_own_pods_once() -> None:
    first = predict().needs
    again = predict_target_pod(first, guest=Guest.from_object(a_guest()), node=None).needs

    assert len(first.anti_affinity) == len(again.anti_affinity) == 1
    assert first.anti_affinity[0].matches({OWNER: "vmi-web-1"}, namespace="team-a", known={})


@pytest.mark.parametrize(
    ("selector", "uncertain"),
    [
        ({"kubernetes.io/hostname": "node-3"}, ("kubernetes.io/hostname",)),
        ({"zone": "east"}, ()),
        ({"zone": "west"}, ("zone",)),
        ({SCHEDULABLE: "true", "kubernetes.io/arch": "amd64", MIGRATED: "true"}, ()),
    ],
    ids=["neither", "the VM's", "the VM's with another value", "KubeVirt's"],
)
def test_selectors_of_neither_kubevirt_nor_the_vm_are_uncertain(selector: Any, uncertain: tuple[str, ...]) -> None:
    found = predict(selector)

    assert found.uncertain == uncertain
    assert not set(uncertain) & set(found.without_uncertain.node_selector)


def test_the_pod_carries_the_labels_of_its_vmi_and_no_migration() -> None:
    vmi = a_guest()
    vmi["metadata"]["labels"]["tier"] = "db"
    pod = its_pod()
    pod["metadata"]["labels"] |= {"kubevirt.io/migrationJobUID": "old", "stale": "yes"}
    labels = predict_target_pod(PodNeeds.from_object(pod), guest=Guest.from_object(vmi), node=None).needs.meta.labels

    assert labels["tier"] == "db"
    assert labels[OWNER] == "vmi-web-1"
    assert not {"kubevirt.io/migrationJobUID", "stale"} & set(labels)


@pytest.mark.parametrize(
    ("model", "selector", "labels", "lacks"),
    [
        ("host-model", {}, {}, False),
        ("host-model", {}, {HOST_MODEL: None}, True),
        ("host-model", {MIGRATED: "true"}, {HOST_MODEL: None}, False),
        ("Haswell", {}, {HOST_MODEL: None}, False),
    ],
    ids=["labelled", "not labelled", "moved before", "another model"],
)
def test_host_model_is_unknown_only_where_it_is_asked_for(model: str, selector: Any, labels: Any, lacks: bool) -> None:
    vmi = a_guest()
    vmi["spec"]["domain"]["cpu"]["model"] = model
    node = Node.from_object(a_target_node(SOURCE, labels=labels))
    needs = PodNeeds.from_object(its_pod(nodeSelector=selector))

    assert lacks_host_model(needs, guest=Guest.from_object(vmi), node=node) == lacks
