# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placements: each rule about other pods on the smallest cluster that shows it, and what is said of it.

That the rules are the scheduler's is tested against the scheduler: tests/integration/test_placement.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Evidence
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import NodeReason, NodeVerdict
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import (
    nodes_to_read,
)
from tests.unit.builders import Object
from tests.unit.placing import (
    HOSTNAME,
    MODEL,
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


def with_selector(key: str, value: str = "true") -> Object:
    return a_target(nodeSelector={SCHEDULABLE: "true", key: value})


def full(name: str, **amounts: str) -> Object:
    return a_pod_there(name, "free", containers=[requests(**amounts)])


def test_pods_there_take_from_what_is_free() -> None:
    pods = [full("a", memory="30Gi"), full("b", memory="26.5Gi")]
    found = place(a_target(), [FREE], pods)
    assert [one.text for one in found.excluded] == [
        "has less than 8 GiB memory free: it has 7.5 GiB, 512 MiB too little"
    ]
    assert place(a_target(), [FREE], [full("a", memory="30Gi"), full("b", memory="26Gi")]).possible == ("free",)


def test_finished_pods_take_nothing_and_deleted_ones_still_do() -> None:
    done, going = full("a", memory="60Gi"), full("b", memory="60Gi")
    done["status"]["phase"] = "Failed"
    going["metadata"]["deletionTimestamp"] = "2026-11-23T08:00:00Z"
    assert place(a_target(), [FREE], [done]).possible == ("free",)
    assert codes(place(a_target(), [FREE], [going])) == {"free": ["InsufficientMemory"]}


def test_pod_itself_takes_nothing_from_itself() -> None:
    itself = {**a_target(), "status": {"phase": "Running"}}
    itself["spec"] = {**itself["spec"], "nodeName": "small"}
    assert place(a_target(), [a_place("small", amounts={"memory": "8Gi"})], [itself]).possible == ("small",)


def test_no_place_for_another_pod() -> None:
    found = place(a_target(containers=[]), [a_place("x", amounts={"pods": "1"})], [a_pod_there("a", "x")])
    assert [(one.code, one.text) for one in found.excluded] == [("TooManyPods", "takes no more pods")]


def test_amounts_round_up_pod_by_pod() -> None:
    pods = [a_pod_there(name, "x", containers=[requests(cpu="1u")]) for name in ("a", "b")]
    pod = a_target(containers=[requests(cpu="999m")])
    assert codes(place(pod, [a_place("x", amounts={"cpu": "1"})], pods)) == {"x": ["InsufficientCPU"]}
    assert place(pod, [a_place("x", amounts={"cpu": "1"})], pods[:1]).possible == ("x",)


def test_unreadable_pod_there_leaves_its_node_open() -> None:
    found = place(a_target(), [FREE], [full("a", memory="lots")])
    assert codes(found) == {"free": ["NotJudged"]}
    assert "Pod team-a/a cannot be read: resources.requests" in found.excluded[0].text


def anti(*terms: Object, **spec: Any) -> Object:
    return a_target(affinity={"podAntiAffinity": {REQUIRED: list(terms)}}, **spec)


OWN = {"topologyKey": HOSTNAME, "labelSelector": {"matchLabels": {OWNER: "vmi-web-1"}}}


def test_node_of_the_vm_itself_is_named_so() -> None:
    pods = [a_pod_there("virt-launcher-web-1-source", "free", labels={OWNER: "vmi-web-1"})]
    found = place(anti(OWN), [FREE, a_place("other")], pods)
    assert found.possible == ("other",)
    assert found.excluded[0].text == "has a pod of the VM already: team-a/virt-launcher-web-1-source"


@pytest.mark.parametrize("owner", [{}, {OWNER: "vmi-db-1"}])
def test_pod_of_another_vm_is_not_called_the_vms_own(owner: dict[str, str]) -> None:
    there = [a_pod_there("x", "free", labels={"app": "web", **owner})]
    pod = anti(a_term())
    assert codes(place(pod, [FREE], there)) == {"free": ["PodAntiAffinity"]}
    del pod["metadata"]["labels"][OWNER]
    assert codes(place(pod, [FREE], there)) == {"free": ["PodAntiAffinity"]}


@pytest.mark.parametrize(
    ("term", "kept_out"),
    [
        (a_term(), True),
        (a_term(ZONE), True),
        (a_term("disk"), False),
        (a_term(labelSelector={}), True),
        ({"topologyKey": HOSTNAME}, False),
        (a_term(labelSelector={"matchExpressions": [{"key": "app", "operator": "In", "values": ["db"]}]}), False),
        (a_term(namespaces=["team-b"]), False),
        (a_term(namespaces=["team-a", "team-b"]), True),
        (a_term(namespaceSelector={}), True),
        (a_term(namespaceSelector={"matchLabels": {"env": "prod"}}), True),
        (a_term(namespaceSelector={"matchLabels": {"env": "test"}}), False),
        (a_term(namespaces=["team-b"], namespaceSelector={"matchLabels": {"env": "prod"}}), True),
    ],
    ids=str,
)
@pytest.mark.parametrize("whose", ["its own", "theirs"])
def test_anti_affinity_holds_both_ways(term: Object, kept_out: bool, whose: str) -> None:
    affinity = {"podAntiAffinity": {REQUIRED: [term]}}
    there = a_pod_there("a", "free", labels={"app": "web"}, **({"affinity": affinity} if whose == "theirs" else {}))
    pod = a_target(**({"affinity": affinity} if whose == "its own" else {}))
    found = place(pod, [FREE], [there], namespaces={"team-a": {"env": "prod"}})
    assert codes(found) == {"free": ["PodAntiAffinity"] if kept_out else []}


def test_anti_affinity_over_a_zone_reaches_its_other_nodes() -> None:
    nodes = [a_place("a"), a_place("b"), a_place("c", labels={ZONE: "west"}), a_place("d", labels={ZONE: None})]
    found = place(anti(a_term(ZONE)), nodes, [a_pod_there("x", "a", labels={"app": "web"})])
    assert found.possible == ("c", "d")
    assert found.excluded[1].text == "is kept free by an anti-affinity: Pod team-a/x on a"
    three = [a_pod_there(name, "a", labels={"app": "web"}) for name in ("x", "y", "z")]
    assert place(anti(a_term()), nodes, three).excluded[0].text.endswith("Pod team-a/x on a and 2 more")


def test_namespace_that_is_not_known_leaves_it_open() -> None:
    term = a_term(namespaceSelector={"matchLabels": {"env": "prod"}})
    pods = [a_pod_there("x", "free", labels={"app": "web"})]
    assert codes(place(anti(term), [FREE], pods)) == {"free": ["NotJudged"]}
    assert place(anti(term), [FREE], [a_pod_there("x", "free", labels={"app": "db"})]).possible == ("free",)


def test_unread_node_of_the_same_zone_leaves_it_open() -> None:
    found = place(anti(a_term(ZONE)), [a_place("a"), a_place("b", cordoned=True)], read=["a"])
    assert codes(found) == {"a": ["NotJudged"], "b": ["Cordoned"]}
    assert "the pods of b, of the same topology.kubernetes.io/zone, were not read" in found.excluded[0].text


def test_unread_node_of_another_zone_does_not_matter() -> None:
    nodes = [a_place("a"), a_place("b", cordoned=True, labels={ZONE: "west"})]
    assert place(anti(a_term(ZONE)), nodes, read=["a"]).possible == ("a",)


def near(*terms: Object) -> Object:
    return a_target(affinity={"podAffinity": {REQUIRED: list(terms)}})


def test_affinity_wants_one_node_near_every_term() -> None:
    nodes = [a_place("a"), a_place("b"), a_place("c", labels={ZONE: "west"}), a_place("d", labels={ZONE: None})]
    friend = [a_pod_there("x", "a", labels={"app": "web"})]
    assert place(near(a_term(ZONE)), nodes, friend).possible == ("a", "b")
    assert place(near(a_term(ZONE), a_term()), nodes, friend).possible == ("a",)
    found = place(near(a_term(ZONE)), nodes, friend)
    assert [one.text for one in found.excluded] == [
        "is not near the pods of the pod affinity",
        f"is not near the pods of the pod affinity: it has no label {ZONE}",
    ]


def test_first_pod_of_a_series_is_its_own_friend() -> None:
    assert place(near(a_term()), [FREE]).possible == ("free",)
    other = a_term(labelSelector={"matchLabels": {"app": "db"}})
    assert codes(place(near(other), [FREE])) == {"free": ["PodAffinity"]}
    elsewhere = [a_pod_there("x", "other", labels={"app": "web"})]
    assert place(near(a_term()), [FREE, a_place("other")], elsewhere).possible == ("other",)


def test_affinity_is_open_while_pods_are_unread() -> None:
    found = place(near(a_term()), [FREE, a_place("other")], read=["free"])
    assert codes(found) == {"free": ["NotJudged"], "other": ["NotJudged"]}


def test_affinity_is_open_while_a_namespace_is_not_known() -> None:
    term = a_term(namespaceSelector={"matchLabels": {"env": "prod"}})
    friend = [a_pod_there("x", "free", labels={"app": "web"})]
    assert codes(place(near(term), [FREE], friend)) == {"free": ["NotJudged"]}
    assert place(near(term), [FREE], friend, namespaces={"team-a": {"env": "prod"}}).possible == ("free",)


def spread(**more: Any) -> Object:
    rule = {"topologyKey": ZONE, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", **more}
    return a_target(topologySpreadConstraints=[{"labelSelector": {"matchLabels": {"app": "web"}}, **rule}])


ZONES = [a_place("e"), a_place("w", labels={ZONE: "west"}), a_place("n", labels={ZONE: None})]
ONE_EAST = [a_pod_there("x", "e", labels={"app": "web"})]


@pytest.mark.parametrize(
    ("more", "possible"),
    [
        ({}, ("w",)),
        ({"maxSkew": 2}, ("e", "w")),
        ({"minDomains": 3}, ("w",)),
        ({"minDomains": 3, "maxSkew": 2}, ("e", "w")),
        ({"whenUnsatisfiable": "ScheduleAnyway"}, ("e", "n", "w")),
        ({"labelSelector": {"matchLabels": {"app": "db"}}}, ("e", "w")),
        ({"matchLabelKeys": [OWNER]}, ("e", "w")),
        ({"topologyKey": "disk"}, ()),
        ({"labelSelector": {}}, ("e", "w")),
        ({"nodeTaintsPolicy": "Honor"}, ("w",)),
        ({"nodeTaintsPolicy": "Honor", "nodeAffinityPolicy": "Ignore"}, ("w",)),
    ],
    ids=str,
)
def test_spread_over_zones(more: Object, possible: tuple[str, ...]) -> None:
    assert place(spread(**more), ZONES, ONE_EAST).possible == possible


def test_spread_counts_nodes_by_its_policies() -> None:
    tainted = a_place("t", labels={ZONE: "north"}, taints=[NO_SCHEDULE])
    pods = [*ONE_EAST, a_pod_there("y", "w", labels={"app": "web"})]
    assert place(spread(), [*ZONES, tainted], pods).possible == ()
    assert place(spread(nodeTaintsPolicy="Honor"), [*ZONES, tainted], pods).possible == ("e", "w")
    closed = a_place("t", labels={ZONE: "north", SCHEDULABLE: "false"})
    assert place(spread(), [*ZONES, closed], pods).possible == ("e", "w")
    assert place(spread(nodeAffinityPolicy="Ignore"), [*ZONES, closed], pods).possible == ()


def test_spread_that_selects_everything_counts_nothing() -> None:
    nodes = [*ZONES, a_place("e2"), a_place("e3")]
    assert place(spread(labelSelector={}), nodes, ONE_EAST).possible == ("e", "e2", "e3", "w")


def test_spread_with_too_few_domains_counts_from_nothing() -> None:
    pods = [*ONE_EAST, a_pod_there("y", "w", labels={"app": "web"})]
    assert place(spread(minDomains=2), ZONES, pods).possible == ("e", "w")
    assert place(spread(minDomains=3), ZONES, pods).possible == ()


def test_spread_is_open_while_it_hangs_on_a_toleration_that_is_not_judged() -> None:
    tainted = a_place("t", labels={ZONE: "north"}, taints=[NO_SCHEDULE])
    pod = spread(nodeTaintsPolicy="Honor")
    pod["spec"]["tolerations"] = [{"key": "dedicated", "operator": "Lt", "value": "5"}]
    assert set(codes(place(pod, [a_place("e"), tainted]))["e"]) == {"NotJudged"}


def test_spread_passes_over_pods_that_go_and_those_of_other_namespaces() -> None:
    going = a_pod_there("x", "e", labels={"app": "web"})
    going["metadata"]["deletionTimestamp"] = "2026-11-23T08:00:00Z"
    foreign = a_pod_there("x", "e", labels={"app": "web"})
    foreign["metadata"]["namespace"] = "team-b"
    assert place(spread(), ZONES, [going, foreign]).possible == ("e", "w")


def test_spread_is_open_while_pods_are_unread() -> None:
    found = place(spread(), ZONES, read=["e"])
    assert codes(found) == {"e": ["NotJudged"], "n": ["NotJudged"], "w": ["NotJudged"]}


def test_node_whose_pods_were_not_read_is_never_possible() -> None:
    found = place(a_target(), [FREE, a_place("other")], read=["free"])
    assert found.possible == ("free",)
    assert found.excluded[0].text == "cannot be judged: its pods were not read"
    assert found.not_judged == ("anti-affinity over several nodes of the pods on 1 nodes that were not read",)


def test_pods_are_read_for_nodes_that_fit_by_themselves() -> None:
    nodes = [Node.from_object(node) for node in (FREE, a_place("closed", cordoned=True), a_place("also"))]
    assert nodes_to_read(PodNeeds.from_object(a_target()), nodes) == ("also", "free")
    assert nodes_to_read(PodNeeds.from_object(anti(OWN)), nodes) == ("also", "free")
    for pod in (anti(a_term(ZONE)), near(a_term()), spread()):
        assert nodes_to_read(PodNeeds.from_object(pod), nodes) == ("also", "closed", "free")
    assert nodes_to_read(PodNeeds.from_object(with_selector("disk")), nodes) == ()


def test_every_reason_is_kept_and_the_first_is_named() -> None:
    worst = a_place("x", cordoned=True, labels={MODEL: None}, amounts={"memory": "1Gi"})
    found = place(with_selector(MODEL), [worst])
    assert codes(found) == {"x": ["Cordoned", "CPUModelMissing", "InsufficientMemory"]}
    assert [one.code for one in found.excluded] == ["Cordoned"]
    shown = [(one.field, one.value) for one in found.reasons["x"]]
    assert shown == [
        ("spec.unschedulable", "true"),
        (f"metadata.labels[{MODEL}]", ""),
        ("status.allocatable[memory]", "1Gi"),
    ]


def test_left_out_node_is_said_first() -> None:
    found = place(a_target(), [a_place("x", cordoned=True)], left_out=["x"])
    assert codes(found) == {"x": ["Excluded", "Cordoned"]}


def test_summary_names_the_most_frequent_reasons_first() -> None:
    nodes = [
        *(a_place(f"m{number}", labels={MODEL: None}) for number in range(5)),
        *(a_place(f"s{number}", amounts={"memory": "16Gi"}) for number in range(4)),
        *(a_place(f"c{number}", cordoned=True) for number in range(3)),
    ]
    pod = with_selector(MODEL)
    pod["spec"]["containers"] = [requests(memory="18.3Gi")]
    assert place(pod, nodes).summary == (
        "0 of 12 nodes: 5 lack cpu model Skylake-Server, 4 have less than 18.3 GiB memory free, 3 cordoned"
    )
    assert place(pod, [*nodes, FREE]).summary.startswith("1 of 13 nodes: 5 lack")
    assert place(pod, [FREE]).summary == "1 of 1 nodes"
    assert place(pod, []).summary == "0 of 0 nodes"


def test_summary_of_one_node_and_of_very_many_reasons() -> None:
    assert place(a_target(), [a_place("x", taints=[NO_SCHEDULE])]).summary == (
        "0 of 1 nodes: 1 has the taint dedicated=db:NoSchedule"
    )
    nodes = [a_place(f"n{number}", taints=[{"key": f"k{number}", "effect": "NoSchedule"}]) for number in range(11)]
    assert place(a_target(), nodes).summary.endswith(", 3 for other reasons")


def test_unhealthy_node_stays_possible_and_is_warned_of() -> None:
    reason = NodeReason("HeartbeatLate", "degraded", "The heartbeat is late", Evidence("Node free", "x", "y"))
    verdicts = {
        "free": NodeVerdict("free", "degraded", (reason,), 200),
        "other": NodeVerdict("other", "healthy", (), 20),
    }
    found = place(a_target(), [FREE, a_place("other")], verdicts=verdicts)
    assert found.possible == ("free", "other")
    assert [(one.node, one.code, one.text) for one in found.warnings] == [
        ("free", "NodeDegraded", "is degraded: The heartbeat is late")
    ]


def test_what_is_judged_for_no_node_is_said() -> None:
    pod = a_target(
        volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "rootdisk"}}, {"name": "w", "emptyDir": {}}],
        schedulingGates=[{"name": "later"}],
        schedulerName="own",
    )
    assert place(pod, [FREE]).not_judged == (
        "whether the volumes of its claims can be used on a node (rootdisk)",
        "when its scheduling gates are lifted; no scheduler looks at it before",
        "own rules of its scheduler own",
    )
    assert place(a_target(schedulerName="default-scheduler"), [FREE]).not_judged == ()
