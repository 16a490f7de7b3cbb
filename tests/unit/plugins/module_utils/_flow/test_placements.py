# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read for the placement of several pods: pods of fitting nodes only, namespaces only where a rule asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.placement_reads import (
    PlacementReading,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds, PodOnNode
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.placements import look_at_placements
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import find_candidates
from tests.unit.builders import Object
from tests.unit.placing import MODEL, REQUIRED, SCHEDULABLE, a_place, a_pod_there, a_target, a_term

PLACES = (a_place("free"), a_place("closed", cordoned=True), a_place("other-cpu", labels={MODEL: None}))
SELECTS = a_term(namespaceSelector={"matchLabels": {"team": "a"}})


class Given:
    """A PlacementReading over given objects, which keeps what it was asked for."""

    def __init__(self, *pods: Object, nodes: Sequence[Object] | None = PLACES) -> None:
        self.given = nodes
        self.pods = [PodOnNode.from_object(pod) for pod in pods]
        self.asked: dict[str, list[str]] = {"pods": [], "namespaces": []}

    def nodes(self) -> tuple[Node, ...] | None:
        return None if self.given is None else tuple(map(Node.from_object, self.given))

    def pods_on(self, names: Iterable[str]) -> dict[str, list[PodOnNode]]:
        self.asked["pods"] += names
        return {name: [pod for pod in self.pods if pod.node == name] for name in self.asked["pods"]}

    def namespace_labels(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        self.asked["namespaces"] += names
        return {name: {"team": "a"} for name in self.asked["namespaces"]}


def look(given: Given, *pods: Any) -> Any:
    return look_at_placements(cast(PlacementReading, given), [PodNeeds.from_object(pod) for pod in pods])


def test_pods_are_read_once_on_nodes_that_fit_one_of_the_pods() -> None:
    given = Given()
    look(given, a_target(nodeSelector={SCHEDULABLE: "true", MODEL: "true"}), a_target())
    assert given.asked == {"pods": ["free", "other-cpu"], "namespaces": []}


def test_nothing_is_read_for_no_pods() -> None:
    given = Given(nodes=None)
    found = look(given)
    assert (found.nodes, given.asked) == ((), {"pods": [], "namespaces": []})


def test_nodes_that_may_not_be_read_give_no_objects() -> None:
    assert look(Given(nodes=None), a_target()) is None


def test_namespaces_are_read_where_a_rule_of_the_pod_selects_them() -> None:
    given = Given(a_pod_there("web", "free", labels={"app": "web"}))
    target = a_target(affinity={"podAntiAffinity": {REQUIRED: [SELECTS]}})
    found = look(given, target)

    placement = find_candidates(
        PodNeeds.from_object(target), found.nodes, pods_by_node=found.pods_by_node, namespaces=found.namespaces
    )
    assert given.asked["namespaces"] == ["team-a"]
    assert placement.reasons["free"][0].code == "PodAntiAffinity"


def test_namespaces_are_read_where_a_rule_of_a_pod_there_selects_them() -> None:
    given = Given(a_pod_there("web", "free", affinity={"podAntiAffinity": {REQUIRED: [SELECTS]}}))
    look(given, a_target())
    assert given.asked["namespaces"] == ["team-a"]


def test_a_selector_of_all_namespaces_needs_no_labels() -> None:
    given = Given(a_pod_there("web", "free", affinity={"podAntiAffinity": {REQUIRED: [a_term(namespaceSelector={})]}}))
    look(given, a_target())
    assert given.asked["namespaces"] == []
