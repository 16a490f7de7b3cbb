# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage: which rule a refused request needs, and whether the Role that is offered really grants it."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import (
    Coverage,
    Rule,
    render_role,
    rule_from_path,
)

PODS = Rule("list", "", "pods", "team-a")
NODES = Rule("list", "", "nodes")
VMIS = Rule("get", "kubevirt.io", "virtualmachineinstances", "team-a")


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        ("/api/v1/namespaces/team-a/pods?limit=500", "GET", PODS),
        ("/api/v1/nodes", "GET", NODES),
        ("/api/v1/nodes/node-7", "GET", Rule("get", "", "nodes")),
        ("/api/v1/namespaces/team-a", "GET", Rule("get", "", "namespaces")),
        ("/api/v1/namespaces", "GET", Rule("list", "", "namespaces")),
        ("/apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstances/web-1", "GET", VMIS),
        ("/apis/kubevirt.io/v1/virtualmachineinstances", "GET", Rule("list", "kubevirt.io", "virtualmachineinstances")),
        ("/api/v1/namespaces/team-a/pods/web/log", "GET", Rule("get", "", "pods/log", "team-a")),
        ("/api/v1/namespaces/team-a/pods/web", "DELETE", Rule("delete", "", "pods", "team-a")),
        ("/version", "GET", Rule("get", "", "/version")),
    ],
    ids=["list", "cluster", "named", "namespace", "namespaces", "group", "all", "subresource", "delete", "plain"],
)
def test_rule_from_path_request_gives_the_rule_it_needs(path: str, method: str, expected: Rule) -> None:
    assert rule_from_path(path, method=method) == expected


def test_render_role_namespaced_rule_is_a_role_in_that_namespace() -> None:
    role = yaml.safe_load(render_role([PODS]))
    assert role["kind"] == "Role"
    assert role["metadata"] == {"name": "live-migration-list-pods", "namespace": "team-a"}
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]


def test_render_role_cluster_rule_is_a_cluster_role() -> None:
    role = yaml.safe_load(render_role([NODES]))
    assert (role["kind"], role["metadata"]) == ("ClusterRole", {"name": "live-migration-list-nodes"})


def test_render_role_many_rules_one_document_for_each_namespace() -> None:
    documents = list(yaml.safe_load_all(render_role([PODS, VMIS, NODES, Rule("get", "", "pods", "team-a")])))
    assert [document["kind"] for document in documents] == ["ClusterRole", "Role"]
    assert documents[1]["rules"][0] == {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "get"]}


def test_render_role_namespace_that_looks_like_a_number_stays_text() -> None:
    assert yaml.safe_load(render_role([Rule("list", "", "pods", "123")]))["metadata"]["namespace"] == "123"


def test_coverage_complete_result_has_every_key_and_no_role() -> None:
    assert Coverage(requests=4).to_result() == {
        "complete": True,
        "missing": [],
        "role": "",
        "requests": 4,
        "requests_for_placement": 0,
        "requests_to_prometheus": 0,
    }


def test_coverage_adding_names_each_rule_once_and_is_not_complete() -> None:
    coverage = Coverage().adding([PODS, NODES]).adding([PODS])
    assert coverage.missing == (PODS, NODES)
    assert not coverage.complete
    assert coverage.to_result()["missing"][0]["role"] == render_role([PODS])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [(PODS, True), (Rule("list", "", "pods"), True), (Rule("list", "", "pods", "other"), False), (NODES, False)],
    ids=["same", "cluster", "other_namespace", "other_resource"],
)
def test_coverage_lacks_is_about_the_namespace_asked_for(rule: Rule, expected: bool) -> None:
    assert Coverage(missing=(rule,)).lacks(resource="pods", namespace="team-a") is expected


def test_rule_sentence_reads_as_a_person_says_it() -> None:
    assert VMIS.sentence() == "get virtualmachineinstances (kubevirt.io) in namespace team-a"
    assert NODES.sentence() == "list nodes"
