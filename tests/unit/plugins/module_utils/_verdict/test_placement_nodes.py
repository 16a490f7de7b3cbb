# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a placement hangs on one node and the pod alone: labels, cordon, taints, CPU, size, and the words for it."""

from __future__ import annotations

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import (
    static_fits,
)
from tests.unit.builders import Object
from tests.unit.placing import (
    MODEL,
    REQUIRED,
    SCHEDULABLE,
    ZONE,
    a_place,
    a_target,
    codes,
    place,
    requests,
)

FREE = a_place("free")
NO_SCHEDULE = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}
VMX = "cpu-feature.node.kubevirt.io/vmx"


def with_selector(key: str, value: str = "true") -> Object:
    return a_target(nodeSelector={SCHEDULABLE: "true", key: value})


def node_affinity(*terms: Object) -> Object:
    return a_target(affinity={"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}})


def expression(key: str, operator: str, *values: str) -> Object:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


STATIC: dict[str, tuple[Object, Object, str, str]] = {
    "no_virt_handler": (
        a_target(),
        a_place("x", labels={SCHEDULABLE: None}),
        "NoVirtHandler",
        "runs no virt-handler: no label kubevirt.io/schedulable",
    ),
    "schedulable_false": (
        a_target(),
        a_place("x", labels={SCHEDULABLE: "false"}),
        "NotSchedulable",
        "is not schedulable for VMs: kubevirt.io/schedulable=false",
    ),
    "cordon": (a_target(), a_place("x", cordoned=True), "Cordoned", "is cordoned"),
    "cordon_taint": (
        a_target(),
        a_place("x", taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]),
        "Cordoned",
        "is cordoned",
    ),
    "taint": (a_target(), a_place("x", taints=[NO_SCHEDULE]), "Tainted", "has the taint dedicated=db:NoSchedule"),
    "selector": (with_selector("disk", "ssd"), a_place("x"), "NodeSelectorMismatch", "lacks the label disk=ssd"),
    "selector_other": (
        with_selector("disk", "ssd"),
        a_place("x", labels={"disk": "hdd"}),
        "NodeSelectorMismatch",
        "lacks the label disk=ssd: it has disk=hdd",
    ),
    "affinity": (
        node_affinity(expression("cores", "Gt", "8"), expression("disk", "Exists")),
        a_place("x"),
        "NodeAffinityMismatch",
        "does not fit the node affinity cores > 8 or disk exists",
    ),
    "model": (
        with_selector(MODEL),
        a_place("x", labels={MODEL: "false"}),
        "CPUModelMissing",
        "lacks cpu model Skylake-Server",
    ),
    "named_model": (
        with_selector("cpu-model.node.kubevirt.io/Haswell"),
        a_place("x"),
        "CPUModelMissing",
        "lacks cpu model Haswell",
    ),
    "feature": (with_selector(VMX), a_place("x"), "CPUFeatureMissing", "lacks cpu feature vmx"),
    "vendor": (
        with_selector("cpu-vendor.node.kubevirt.io/Intel"),
        a_place("x"),
        "CPUVendorMismatch",
        "is not of cpu vendor Intel",
    ),
    "tsc": (
        with_selector("scheduling.node.kubevirt.io/tsc-frequency-2600000000"),
        a_place("x"),
        "TSCFrequencyMismatch",
        "has no TSC frequency 2600000000",
    ),
    "memory": (
        a_target(),
        a_place("x", amounts={"memory": "4Gi"}),
        "InsufficientMemory",
        "has less than 8 GiB memory free: it has 4 GiB at all, 4 GiB too little",
    ),
    "cpu": (
        a_target(),
        a_place("x", amounts={"cpu": "500m"}),
        "InsufficientCPU",
        "has less than 2 cpu free: it has 500m at all, 1500m too little",
    ),
    "hugepages": (
        a_target(containers=[requests(**{"hugepages-2Mi": "1Gi"})]),
        a_place("x"),
        "InsufficientHugepages",
        "has less than 1 GiB hugepages-2Mi free: it has 0 B at all, 1 GiB too little",
    ),
    "disk": (
        a_target(containers=[requests(**{"ephemeral-storage": "1Gi"})]),
        a_place("x"),
        "InsufficientEphemeralStorage",
        "has less than 1 GiB ephemeral storage free: it has 0 B at all, 1 GiB too little",
    ),
    "device": (
        a_target(containers=[requests(**{"devices.kubevirt.io/kvm": "1"})]),
        a_place("x", amounts={"devices.kubevirt.io/kvm": "0"}),
        "InsufficientDevices",
        "has less than 1 devices.kubevirt.io/kvm free: it has 0 at all, 1 too little",
    ),
    "no_places_for_pods": (
        a_target(),
        a_place("x", amounts={"pods": None}),
        "TooManyPods",
        "takes no more pods: it has 0 at all, 1 too little",
    ),
    "unreadable_node": (
        a_target(),
        a_place("x", amounts={"memory": "many"}),
        "NotJudged",
        "cannot be judged: an amount in status.allocatable cannot be read",
    ),
    "unreadable_pod": (
        a_target(tolerations="all"),
        a_place("x"),
        "NotJudged",
        "cannot be judged: the pod cannot be read: spec.tolerations is not a list",
    ),
    "host_port": (
        a_target(containers=[{**requests(), "ports": [{"containerPort": 80, "hostPort": 80}]}]),
        a_place("x"),
        "NotJudged",
        "cannot be judged: the pod asks for ports of its host, which are not compared",
    ),
    "host_port_of_a_sidecar": (
        a_target(initContainers=[{**requests(), "ports": [{"containerPort": 80, "hostPort": 80}]}]),
        a_place("x"),
        "NotJudged",
        "cannot be judged: the pod asks for ports of its host, which are not compared",
    ),
    "claims": (
        a_target(resourceClaims=[{"name": "gpu", "resourceClaimName": "a"}]),
        a_place("x"),
        "NotJudged",
        "cannot be judged: the pod has resource claims (dynamic resource allocation)",
    ),
    "number_toleration": (
        a_target(tolerations=[{"key": "dedicated", "operator": "Gt", "value": "5"}]),
        a_place("x", taints=[NO_SCHEDULE]),
        "NotJudged",
        "cannot be judged: a toleration of dedicated compares numbers, which hangs on a feature gate",
    ),
    "unknown_operator": (
        node_affinity(expression("disk", "Like", "s")),
        a_place("x"),
        "NotJudged",
        "cannot be judged: the node affinity has an operator that is not known: disk Like (s)",
    ),
}


@pytest.mark.parametrize(("pod", "node", "code", "text"), STATIC.values(), ids=STATIC)
def test_node_alone_is_excluded_in_these_words(pod: Object, node: Object, code: str, text: str) -> None:
    found = place(pod, [node])
    assert [(one.node, one.code, one.text) for one in found.excluded] == [("x", code, text)]
    assert codes(found) == {"x": [code]}
    assert found.possible == ()
    assert not static_fits(PodNeeds.from_object(pod), Node.from_object(node))


@pytest.mark.parametrize(
    "tolerations",
    [
        [{"operator": "Exists"}],
        [{"key": "dedicated", "operator": "Exists"}],
        [{"key": "dedicated", "value": "db"}],
        [{"key": "dedicated", "operator": "Equal", "value": "db", "effect": "NoSchedule"}],
        [{"key": "other"}, {"effect": "NoSchedule", "operator": "Exists"}],
    ],
)
def test_tolerated_taint_keeps_nothing_out(tolerations: list[Object]) -> None:
    found = place(a_target(tolerations=tolerations), [a_place("x", taints=[NO_SCHEDULE])])
    assert found.possible == ("x",)


@pytest.mark.parametrize(
    "toleration",
    [
        {"key": "dedicated", "value": "gpu"},
        {"key": "other", "operator": "Exists"},
        {"operator": "Exists", "effect": "NoExecute"},
        {"value": "gpu"},
    ],
)
def test_other_tolerations_do_not_help(toleration: Object) -> None:
    found = place(a_target(tolerations=[toleration]), [a_place("x", taints=[NO_SCHEDULE])])
    assert codes(found) == {"x": ["Tainted"]}


def test_preference_is_no_exclusion() -> None:
    assert place(a_target(), [a_place("x", taints=[{**NO_SCHEDULE, "effect": "PreferNoSchedule"}])]).possible == ("x",)


def test_cordon_and_its_taint_are_one_reason() -> None:
    taints = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    assert codes(place(a_target(), [a_place("x", cordoned=True, taints=taints)])) == {"x": ["Cordoned"]}
    tolerating = a_target(tolerations=[{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}])
    assert place(tolerating, [a_place("x", cordoned=True, taints=taints)]).possible == ("x",)


@pytest.mark.parametrize(
    ("term", "fits"),
    [
        (expression(ZONE, "In", "east", "west"), True),
        (expression(ZONE, "In", "west"), False),
        (expression(ZONE, "NotIn", "west"), True),
        (expression(ZONE, "NotIn", "east"), False),
        (expression("disk", "NotIn", "ssd"), True),
        (expression("disk", "In", "ssd"), False),
        (expression(ZONE, "Exists"), True),
        (expression("disk", "Exists"), False),
        (expression("disk", "DoesNotExist"), True),
        (expression(ZONE, "DoesNotExist"), False),
        (expression("cores", "Gt", "15"), True),
        (expression("cores", "Gt", "16"), False),
        (expression("cores", "Lt", "17"), True),
        (expression("cores", "Lt", "16"), False),
        (expression("cores", "Gt", "x"), False),
        (expression(ZONE, "Gt", "1"), False),
        (expression("disk", "Lt", "1"), False),
        ({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["x"]}]}, True),
        ({"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["x"]}]}, False),
        (
            {**expression(ZONE, "Exists"), "matchFields": [{"key": "metadata.name", "operator": "In", "values": []}]},
            False,
        ),
        ({}, False),
    ],
    ids=str,
)
def test_node_affinity_operators(term: Object, fits: bool) -> None:
    assert bool(place(node_affinity(term), [a_place("x", labels={"cores": "16"})]).possible) is fits


def test_node_affinity_terms_are_alternatives_and_their_requirements_are_not() -> None:
    ssd, east = expression("disk", "In", "ssd"), expression(ZONE, "In", "east")
    both = {"matchExpressions": ssd["matchExpressions"] + east["matchExpressions"]}
    assert place(node_affinity(ssd, east), [FREE]).possible == ("free",)
    assert place(node_affinity(both), [FREE]).possible == ()
    assert codes(place(node_affinity(), [FREE])) == {"free": ["NodeAffinityMismatch"]}


def test_several_missing_features_are_one_reason() -> None:
    features = {f"cpu-feature.node.kubevirt.io/f{number}": "true" for number in range(5)}
    found = place(a_target(nodeSelector=features), [FREE])
    assert [one.text for one in found.excluded] == ["lacks cpu feature f0, f1, f2 and 2 more"]
