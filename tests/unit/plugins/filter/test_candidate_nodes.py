# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter candidate_nodes, as a template calls it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.filter import candidate_nodes
from tests.unit.builders import NOW, a_handler, a_node
from tests.unit.placing import (
    MODEL,
    REQUIRED,
    a_place,
    a_pod_there,
    a_target,
    a_term,
    requests,
)

CANDIDATES = candidate_nodes.FilterModule().filters()["candidate_nodes"]
MOMENT = "2026-11-23T08:00:00Z"


def test_answer_has_every_reason_and_a_sentence() -> None:
    nodes = [
        a_place("free"),
        a_place("old", labels={MODEL: None}, amounts={"memory": "4Gi"}),
    ]
    pod = a_target(nodeSelector={MODEL: "true"}, volumes=[{"persistentVolumeClaim": {"claimName": "rootdisk"}}])
    found = CANDIDATES(pod, nodes, [], MOMENT)
    assert {key: found[key] for key in ("possible", "excluded", "not_judged", "summary")} == {
        "possible": ["free"],
        "excluded": [
            {
                "node": "old",
                "code": "CPUModelMissing",
                "reason": "lacks cpu model Skylake-Server",
                "also": [
                    {
                        "code": "InsufficientMemory",
                        "reason": "has less than 8 GiB memory free: it has 4 GiB at all, 4 GiB too little",
                    }
                ],
            }
        ],
        "not_judged": ["whether the volumes of its claims can be used on a node (rootdisk)"],
        "summary": "1 of 2 nodes: 1 lacks cpu model Skylake-Server",
    }


def test_pods_count_on_their_nodes() -> None:
    pods = [a_pod_there("big", "a", containers=[requests(memory="60Gi")]), a_target()]
    found = CANDIDATES(a_target(), [a_place("a"), a_place("b")], pods, MOMENT)
    assert (found["possible"], [one["code"] for one in found["excluded"]]) == (["b"], ["InsufficientMemory"])


def test_nodes_that_were_not_read_are_not_possible() -> None:
    found = CANDIDATES(a_target(), [a_place("a"), a_place("b")], [], MOMENT, read_nodes=["b"])
    assert (found["possible"], [one["code"] for one in found["excluded"]]) == (["b"], ["NotJudged"])


def test_namespaces_and_nodes_to_avoid_are_taken() -> None:
    term = a_term(namespaceSelector={"matchLabels": {"env": "prod"}})
    pod = a_target(affinity={"podAntiAffinity": {REQUIRED: [term]}})
    namespaces = [{"metadata": {"name": "team-a", "labels": {"env": "prod"}}}, {"metadata": 7}]
    there = [a_pod_there("x", "a", labels={"app": "web"})]
    found = CANDIDATES(pod, [a_place("a"), a_place("b")], there, MOMENT, namespaces=namespaces, avoid_nodes=["b"])
    assert [one["code"] for one in found["excluded"]] == ["PodAntiAffinity", "Excluded"]


def test_health_of_nodes_is_a_warning() -> None:
    node = a_node("dst-web-1", heartbeat_seconds=700)
    node["status"]["allocatable"]["pods"] = "9"
    found = CANDIDATES(a_target(), [node], [a_handler("dst-web-1", ready=False)], NOW)
    assert found["possible"] == ["dst-web-1"]
    assert [one["code"] for one in found["warnings"]] == ["NodeUnhealthy"]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("pod", [], [], MOMENT), {}, "a Pod object is needed, not a str"),
        (({}, "nodes", [], MOMENT), {}, "nodes is a str; a list of objects"),
        (({}, [], None, MOMENT), {}, "pods is a NoneType; a list of objects"),
        (({}, [], [], "noon"), {}, "now is 'noon'; a moment such as"),
        (({}, [], [], MOMENT), {"read_nodes": "a"}, "read_nodes is a str; a list of names"),
        (({}, [], [], MOMENT), {"avoid_nodes": [7]}, "avoid_nodes holds 7; names of nodes"),
        (({}, [], [], MOMENT), {"namespaces": {}}, "namespaces is a dict; a list of objects"),
    ],
)
def test_bad_arguments_are_an_error_with_the_filters_name(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=f"kubevirt_ops.live_migration.candidate_nodes: .*{message}"):
        CANDIDATES(*arguments, **options)
