# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The causes for which no node takes the target pod: present, absent, malformed, and how certain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.placement import (
    find_cpu_model_mismatch,
    find_insufficient_node_resources,
    find_nodes_closed,
)
from tests.unit.builders import NOW, Object, a_condition
from tests.unit.placing import (
    HOSTNAME,
    MODEL,
    OWNER,
    REQUIRED,
    SCHEDULABLE,
    a_place,
    a_pod_there,
    a_target,
    place,
    requests,
)

FINDERS: dict[str, Callable[..., Cause | None]] = {
    "CPUModelMismatch": find_cpu_model_mismatch,
    "InsufficientNodeResources": find_insufficient_node_resources,
    "NodesClosed": find_nodes_closed,
}
OWN = {"topologyKey": HOSTNAME, "labelSelector": {"matchLabels": {OWNER: "vmi-web-1"}}}
SOURCE = a_place("source")
SOURCE_POD = a_pod_there("virt-launcher-web-1-source", "source", labels={OWNER: "vmi-web-1"})
NO_MODEL = a_place("old", labels={MODEL: None})
SMALL = a_place("small", amounts={"memory": "4Gi"})
CLOSED = a_place("closed", cordoned=True)
BOTH = a_place("both", cordoned=True, labels={MODEL: "false"})
CONTROL = a_place("control", taints=[{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}])
OTHER = a_place("other", labels={SCHEDULABLE: None, MODEL: None})
REFUSED = a_condition("PodScheduled", "False", seconds=90, reason="Unschedulable", message="0/6 nodes are available")


def target(*, condition: Object | None = REFUSED, **spec: Any) -> Object:
    pod = a_target(
        nodeSelector={SCHEDULABLE: "true", MODEL: "true"},
        affinity={"podAntiAffinity": {REQUIRED: [OWN]}},
        containers=[requests(memory="8Gi")],
        **spec,
    )
    pod["status"]["conditions"] = [condition] if condition else []
    return pod


def causes(
    nodes: Sequence[Object], pods: Sequence[Object] = (), /, *, pod: Object | None = None, read: Any = None
) -> dict[str, Cause]:
    pod = pod or target()
    placement = place(pod, [SOURCE, *nodes], [SOURCE_POD, *pods], read=read)
    found = {code: find(Pod.from_object(pod), placement) for code, find in FINDERS.items()}
    assert all(cause is None or cause.code == code for code, cause in found.items())
    return {code: cause for code, cause in found.items() if cause is not None}


def certainty(found: dict[str, Cause]) -> dict[str, str]:
    return {code: cause.confidence for code, cause in found.items()}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([NO_MODEL], {"CPUModelMismatch": "certain"}),
        ([SMALL], {"InsufficientNodeResources": "certain"}),
        ([CLOSED], {"NodesClosed": "certain"}),
        # Each of them alone would open a node: all are true.
        ([NO_MODEL, SMALL, CLOSED], dict.fromkeys(FINDERS, "certain")),
        # Closed or not, none has the CPU; opening it would not help alone, but nothing goes without it either.
        ([BOTH], {"CPUModelMismatch": "certain", "NodesClosed": "certain"}),
        # The cordon is not what keeps the pod out: without it the CPU would still be missing.
        ([BOTH, NO_MODEL], {"CPUModelMismatch": "certain"}),
        # How a cluster is meant to be is no cause.
        ([CONTROL], {}),
        ([OTHER], {}),
        ([CONTROL, OTHER, CLOSED], {"NodesClosed": "certain"}),
        ([], {}),
    ],
)
def test_causes_of_these_nodes(nodes: list[Object], expected: dict[str, str]) -> None:
    assert certainty(causes(nodes)) == expected


def test_a_node_that_is_possible_now_leaves_no_cause() -> None:
    assert causes([NO_MODEL, a_place("free")]) == {}


def test_what_is_said_of_the_cpu() -> None:
    cause = causes([NO_MODEL])["CPUModelMismatch"]
    assert cause.summary == ("No other node for VMs has the CPU that the VM needs: old lacks cpu model Skylake-Server.")
    assert (cause.time_cures, (NOW - cause.holds_since).total_seconds()) == ("no", 90)  # type: ignore[operator]
    assert [(one.object, one.field, one.value) for one in cause.evidence] == [
        (
            "Pod team-a/virt-launcher-web-1-target",
            "status.conditions[PodScheduled].message",
            "0/6 nodes are available",
        ),
        ("Node old", f"metadata.labels[{MODEL}]", ""),
    ]
    assert cause.names == {"pod": "virt-launcher-web-1-target", "namespace": "team-a", "node": "old"}


def test_what_is_said_of_room() -> None:
    big = [a_pod_there("big", "node-1", containers=[requests(memory="60Gi")])]
    cause = causes([a_place("node-1"), SMALL], big)["InsufficientNodeResources"]
    assert cause.summary == (
        "No other node for VMs has room for the target pod: "
        "node-1 has less than 8 GiB memory free: it has 4 GiB, 4 GiB too little; "
        "small has less than 8 GiB memory free: it has 4 GiB at all, 4 GiB too little."
    )
    assert cause.time_cures == "maybe"


def test_only_some_nodes_are_named_of_many() -> None:
    cause = causes([a_place(f"c{number:02}", cordoned=True) for number in range(20)])["NodesClosed"]
    assert cause.summary == (
        "Every other node for VMs is closed: c00 is cordoned; c01 is cordoned; c02 is cordoned; and 17 more."
    )
    assert len(cause.evidence) == 10


def test_unread_node_makes_its_cause_likely() -> None:
    # `closed` fits but for its cordon, as far as is known; `small` is no place for it either way.
    found = causes([CLOSED, SMALL], read=["source"])
    assert certainty(found) == {"NodesClosed": "likely", "InsufficientNodeResources": "likely"}


def test_node_that_cannot_be_judged_makes_no_cause() -> None:
    spoilt = a_place("spoilt", amounts={"memory": "lots"})
    assert causes([spoilt]) == {}
    assert certainty(causes([a_place("spoilt", amounts={"memory": "lots"}, cordoned=True), SMALL])) == {
        "InsufficientNodeResources": "certain",
        "NodesClosed": "likely",
    }


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {**REFUSED, "status": "True"},
        {**REFUSED, "reason": "SchedulerError"},
        {**REFUSED, "reason": 7},
        {**REFUSED, "type": "Ready"},
    ],
    ids=["none", "scheduled", "error", "malformed", "other"],
)
def test_pod_that_the_scheduler_has_not_refused_has_no_cause(condition: Object | None) -> None:
    assert causes([NO_MODEL, SMALL, CLOSED], pod=target(condition=condition)) == {}


def test_pod_that_has_its_node_has_no_cause() -> None:
    assert causes([NO_MODEL, SMALL, CLOSED], pod=target(nodeName="small")) == {}


def test_unreadable_pod_leaves_no_cause_certain() -> None:
    found = causes([NO_MODEL, SMALL, CLOSED], pod=target(tolerations=7))
    assert "certain" not in certainty(found).values()


def test_summary_claims_no_more_than_holds() -> None:
    found = causes([NO_MODEL, SMALL, CLOSED])
    assert [cause.summary.partition(": ")[0] for cause in found.values()] == [
        "Nodes that fit else lack the CPU that the VM needs",
        "Nodes that fit have no room for the target pod",
        "Nodes that fit the target pod are closed",
    ]


CURES = {
    "CPUModelMismatch": ([NO_MODEL], "no"),
    "InsufficientNodeResources": ([SMALL], "maybe"),
    "NodesClosed": ([CLOSED], "no"),
}


@pytest.mark.parametrize("code", CURES)
def test_room_may_come_back_by_itself_and_nothing_else(code: str) -> None:
    nodes, cures = CURES[code]

    assert causes(nodes)[code].time_cures == cures


TAINTED = a_place("tainted", taints=[{"key": "dedicated", "value": "db", "effect": "NoSchedule"}])


def test_taint_that_gives_no_role_closes_a_node() -> None:
    assert certainty(causes([TAINTED])) == {"NodesClosed": "certain"}


def test_first_of_several_reasons_of_a_node_is_named() -> None:
    node = a_place("shut", cordoned=True, taints=[{"key": "dedicated", "effect": "NoSchedule"}])

    assert causes([node])["NodesClosed"].summary == "Every other node for VMs is closed: shut is cordoned."
