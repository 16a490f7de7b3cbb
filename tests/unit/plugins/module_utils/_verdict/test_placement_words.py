# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a placement says word by word: which of several is named, how many more there are, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Evidence
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import NodeReason, NodeVerdict
from tests.unit.builders import Object
from tests.unit.placing import (
    HOSTNAME,
    OWNER,
    REQUIRED,
    SCHEDULABLE,
    ZONE,
    a_place,
    a_pod_there,
    a_target,
    a_term,
    codes,
    place,
    requests,
)

FREE = a_place("free")
NO_SCHEDULE = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}
OWN = {"topologyKey": HOSTNAME, "labelSelector": {"matchLabels": {OWNER: "vmi-web-1"}}}
ZONES = [a_place("e"), a_place("w", labels={ZONE: "west"}), a_place("n", labels={ZONE: None})]
FEATURE = "cpu-feature.node.kubevirt.io/"


def anti(*terms: Object, **spec: Any) -> Object:
    return a_target(affinity={"podAntiAffinity": {REQUIRED: list(terms)}}, **spec)


def near(*terms: Object) -> Object:
    return a_target(affinity={"podAffinity": {REQUIRED: list(terms)}})


def spread(**more: Any) -> Object:
    rule = {"topologyKey": ZONE, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", **more}
    return a_target(topologySpreadConstraints=[{"labelSelector": {"matchLabels": {"app": "web"}}, **rule}])


def test_reasons_of_as_many_nodes_stand_in_their_own_order() -> None:
    nodes = [a_place("a", taints=[NO_SCHEDULE]), a_place("b", cordoned=True)]
    assert place(a_target(), nodes).summary == "0 of 2 nodes: 1 cordoned, 1 has the taint dedicated=db:NoSchedule"


def test_second_pod_of_an_anti_affinity_is_counted_and_the_first_named() -> None:
    nodes = [a_place("a"), a_place("b")]
    pods = [a_pod_there("x", "a", labels={"app": "web"}), a_pod_there("y", "b", labels={"app": "web"})]
    found = place(anti(a_term(ZONE)), nodes, pods)
    assert found.excluded[0].text == "is kept free by an anti-affinity: Pod team-a/x on a and 1 more"


def test_first_pod_of_the_vm_on_a_node_is_named() -> None:
    pods = [a_pod_there(name, "free", labels={OWNER: "vmi-web-1"}) for name in ("x", "y")]
    assert place(anti(OWN), [FREE], pods).excluded[0].text == "has a pod of the VM already: team-a/x"


def test_first_pod_whose_anti_affinity_cannot_be_judged_is_named() -> None:
    term = a_term(namespaceSelector={"matchLabels": {"env": "prod"}})
    pods = [a_pod_there(name, "free", labels={"app": "web"}) for name in ("x", "y")]
    assert "an anti-affinity with team-a/x holds" in place(anti(term), [FREE], pods).excluded[0].text


def test_first_unread_node_of_a_zone_is_named() -> None:
    nodes = [a_place("a"), a_place("b", cordoned=True), a_place("c", cordoned=True)]
    assert "the pods of b, of the same" in place(anti(a_term(ZONE)), nodes, read=["a"]).excluded[0].text


def test_first_label_that_a_pod_affinity_misses_is_named() -> None:
    found = place(near(a_term("rack"), a_term("room")), [FREE])
    assert found.excluded[0].text.endswith("it has no label rack")


def test_affinity_is_open_as_soon_as_one_pod_cannot_be_judged() -> None:
    term = a_term(namespaceSelector={"matchLabels": {"env": "prod"}})
    pods = [a_pod_there("x", "free", labels={"app": "web"}), a_pod_there("y", "other", labels={"app": "web"})]
    pods[0]["metadata"]["namespace"] = "team-b"
    found = place(near(term), [FREE, a_place("other")], pods, namespaces={"team-a": {"env": "prod"}})
    assert codes(found) == {"free": ["NotJudged"], "other": []}


def test_node_that_takes_no_part_in_the_spread_counts_no_pods() -> None:
    closed = a_place("t", labels={ZONE: "north", SCHEDULABLE: "false"})
    assert codes(place(spread(), [*ZONES, closed], []))["t"] == ["NotSchedulable"]


def test_first_problem_of_what_cannot_be_read_is_said() -> None:
    spoilt = a_place("spoilt")
    spoilt["metadata"]["annotations"] = 5
    spoilt["status"]["allocatable"] = 5
    found = place(a_target(), [FREE, spoilt])
    assert "Node spoilt cannot be read: metadata.annotations is not" in found.reasons["free"][0].text
    pod = a_pod_there("a", "free", containers=5)
    pod["metadata"]["labels"] = 5
    text = place(a_target(), [FREE], [pod]).reasons["free"][0].text
    assert text.startswith("cannot be judged: Pod team-a/a cannot be read: metadata.labels is not")


def test_node_that_is_not_healthy_for_no_known_reason_is_warned_of() -> None:
    found = place(a_target(), [FREE], verdicts={"free": NodeVerdict("free", "unknown", (), None)})
    assert [(one.code, one.text) for one in found.warnings] == [("NodeUnknown", "is unknown")]


def test_node_that_is_not_healthy_is_warned_of_by_its_worst_reason() -> None:
    seen = Evidence("Node free", "x", "y")
    reasons = tuple(NodeReason(code, "degraded", f"the {code} one", seen) for code in ("worst", "other"))
    found = place(a_target(), [FREE], verdicts={"free": NodeVerdict("free", "degraded", reasons, None)})
    assert [one.text for one in found.warnings] == ["is degraded: the worst one"]


def test_proven_reason_stands_before_what_could_not_be_judged() -> None:
    pods = [a_pod_there("x", "free", labels={"app": "web"})]
    pod = anti(a_term(), resourceClaims=[{"name": "gpu"}])
    assert codes(place(pod, [FREE], pods)) == {"free": ["PodAntiAffinity", "NotJudged"]}


def test_first_problem_of_the_pod_is_said() -> None:
    text = place(a_target(tolerations=5, nodeSelector=6), [FREE]).excluded[0].text
    assert text.startswith("cannot be judged: the pod cannot be read: spec.nodeSelector is not")


@pytest.mark.parametrize("label", [None, "false"], ids=repr)
def test_nodes_that_are_not_for_vms_are_one_group(label: str | None) -> None:
    assert place(a_target(), [a_place("x", labels={SCHEDULABLE: label})]).excluded[0].subject == ""


@pytest.mark.parametrize(("value", "is_possible"), [("", True), ("x", False)], ids=repr)
def test_cordon_is_tolerated_as_a_taint_without_a_value(value: str, is_possible: bool) -> None:
    toleration = {"key": "node.kubernetes.io/unschedulable", "operator": "Equal", "value": value}
    found = place(a_target(tolerations=[toleration]), [a_place("x", cordoned=True)])
    assert (found.possible == ("x",)) is is_possible


def test_node_affinity_without_terms_fits_nowhere() -> None:
    pod = a_target(affinity={"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": []}}})
    assert place(pod, [FREE]).excluded[0].text == "does not fit the node affinity nothing"


@pytest.mark.parametrize(
    ("count", "names"),
    [(2, "f0, f1"), (3, "f0, f1, f2"), (4, "f0, f1, f2 and 1 more"), (5, "f0, f1, f2 and 2 more")],
    ids=str,
)
def test_three_missing_features_are_named(count: int, names: str) -> None:
    wanted = {SCHEDULABLE: "true", **{f"{FEATURE}f{number}": "true" for number in reversed(range(count))}}
    found = place(a_target(nodeSelector=wanted), [FREE]).excluded[0]
    assert (found.text, found.field) == (f"lacks cpu feature {names}", f"metadata.labels[{FEATURE}f0]")


def test_what_is_not_asked_for_is_not_short_on_a_node_that_has_too_little() -> None:
    pods = [a_pod_there("big", "free", containers=[requests(cpu="20", memory="70Gi")])]
    found = place(a_target(containers=[requests(cpu="0", memory="8Gi")]), [FREE], pods)
    assert [(one.code, one.text) for one in found.excluded] == [
        ("InsufficientMemory", "has less than 8 GiB memory free: it has 0 B, 14 GiB too little")
    ]


def test_device_that_a_node_does_not_have_shows_nothing() -> None:
    pod = a_target(containers=[requests(**{"devices.kubevirt.io/sev": "1"})])
    found = place(pod, [FREE]).excluded[0]
    assert (found.field, found.value) == ("status.allocatable[devices.kubevirt.io/sev]", "")
    assert found.text == "has less than 1 devices.kubevirt.io/sev free: it has 0 at all, 1 too little"


@pytest.mark.parametrize(("cpu", "shown"), [("1000", "1000"), ("1500m", "1500m"), ("17", "17")])
def test_cpu_is_shown_whole_or_in_thousandths(cpu: str, shown: str) -> None:
    found = place(a_target(containers=[requests(cpu=cpu)]), [a_place("x", amounts={"cpu": "1"})]).excluded[0]
    assert found.text.startswith(f"has less than {shown} cpu free: it has 1 at all, ")
