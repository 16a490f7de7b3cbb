# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether anybody loads the rules: Prometheus and ThanosRuler objects with their selectors, and OpenShift's label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster
from tests.cluster.crds import load_crds
from tests.integration.alert_worlds import ask
from tests.integration.granting import bind
from tests.integration.settings_worlds import change, world
from tests.integration.simulated import done

CRDS = Path(__file__).with_name("crds")
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MONITORING = "/apis/monitoring.coreos.com/v1/namespaces"
PLURALS = {"Prometheus": "prometheuses", "ThanosRuler": "thanosrulers"}
EVERYTHING: dict[str, Any] = {}


@pytest.fixture(scope="module")
def operated(cluster: Cluster) -> Iterator[Cluster]:
    """With the kinds that load rules; they go again, as other tests know nothing of them."""
    names = load_crds(CRDS, request=cluster.request)
    yield cluster
    for name in names:
        done(cluster.request("DELETE", f"{DEFINITIONS}/{name}"))


def loader(cluster: Cluster, kind: str = "Prometheus", namespace: str = "kubevirt", **spec: Any) -> None:
    body = {"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": {"name": "k8s"}, "spec": spec}
    done(cluster.request("POST", f"{MONITORING}/{namespace}/{PLURALS[kind]}", body=body))


def warned(found: dict[str, Any]) -> list[str]:
    """The codes of the warnings."""
    return [note.rpartition("accept_risks: ")[2].rstrip(")") for note in found["notes"] if "accept_risks" in note]


SELECTING: dict[str, dict[str, Any]] = {
    "everything everywhere": {"ruleSelector": EVERYTHING, "ruleNamespaceSelector": EVERYTHING},
    "its own namespace": {"ruleSelector": EVERYTHING},
    "by label": {"ruleSelector": {"matchLabels": {"role": "alert-rules"}}},
    "by expression": {
        "ruleSelector": {"matchExpressions": [{"key": "role", "operator": "In", "values": ["x", "alert-rules"]}]}
    },
    "by the namespace's label": {
        "ruleSelector": EVERYTHING,
        "ruleNamespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kubevirt"}},
    },
    "by a label that is not there": {
        "ruleSelector": {"matchExpressions": [{"key": "ignore", "operator": "DoesNotExist"}]}
    },
}


@pytest.mark.parametrize("spec", SELECTING.values(), ids=SELECTING)
@pytest.mark.parametrize("kind", PLURALS)
def test_one_that_selects_them_is_named(operated: Cluster, kind: str, spec: dict[str, Any]) -> None:
    world(operated)
    loader(operated, kind, **spec)

    found = ask(operated, labels={"role": "alert-rules"})

    assert found["loaded_by"] == [{"kind": kind, "namespace": "kubevirt", "name": "k8s"}]
    assert (found["notes"], found["coverage"]["complete"]) == ([], True)


PASSING: dict[str, tuple[dict[str, Any], str]] = {
    "no selector": ({}, "it has no ruleSelector, so it loads no rules"),
    "another label": (
        {"ruleSelector": {"matchLabels": {"prometheus": "k8s"}}},
        "its ruleSelector wants prometheus=k8s (option labels)",
    ),
    "another namespace": (
        {"ruleSelector": EVERYTHING, "ruleNamespaceSelector": {"matchLabels": {"monitored": "yes"}}},
        "its ruleNamespaceSelector wants monitored=yes on namespace kubevirt",
    ),
    "both": (
        {
            "ruleSelector": {"matchLabels": {"prometheus": "k8s"}},
            "ruleNamespaceSelector": {"matchExpressions": [{"key": "monitored", "operator": "Exists"}]},
        },
        "wants prometheus=k8s (option labels); its ruleNamespaceSelector wants monitored exists on namespace kubevirt",
    ),
}


@pytest.mark.parametrize(("spec", "why"), PASSING.values(), ids=PASSING)
def test_where_none_selects_them_it_is_said_what_it_would_take(
    operated: Cluster, spec: dict[str, Any], why: str
) -> None:
    world(operated)
    loader(operated, **spec)

    found = ask(operated)

    (note,) = found["notes"]
    assert note.startswith("No Prometheus is known to load these rules. Prometheus kubevirt/k8s: ")
    assert why in note
    assert (found["changed"], found["loaded_by"], warned(found)) == (True, [], ["NoPrometheusSelects"])
    assert ask(operated, accept_risks=["NoPrometheusSelects"])["notes"] == []


def test_one_in_another_namespace_looks_only_there(operated: Cluster) -> None:
    world(operated)
    loader(operated, namespace="team-a", ruleSelector=EVERYTHING)

    (note,) = ask(operated)["notes"]

    assert "it looks only at its own namespace team-a (option namespace)" in note
    assert ask(operated, namespace="team-a")["loaded_by"][0]["namespace"] == "team-a"


def test_labels_that_others_put_on_the_object_count(operated: Cluster) -> None:
    world(operated)
    loader(operated, ruleSelector={"matchLabels": {"prometheus": "k8s"}})
    ask(operated)
    path = f"{MONITORING}/kubevirt/prometheusrules/kubevirt-ops-live-migration"
    change(operated, path, {"metadata": {"labels": {"prometheus": "k8s"}}})

    assert len(ask(operated)["loaded_by"]) == 1


def test_a_cluster_without_any_says_that_nothing_loads_them(operated: Cluster) -> None:
    world(operated)

    assert [note.partition(",")[0] for note in ask(operated)["notes"]] == [
        "No Prometheus or ThanosRuler object is in the cluster"
    ]


def test_who_may_not_list_them_learns_that_it_is_not_known(operated: Cluster) -> None:
    world(operated)
    user = "installer"
    rules = [
        {"apiGroups": ["monitoring.coreos.com"], "resources": ["prometheusrules"], "verbs": ["*"]},
        {"apiGroups": ["kubevirt.io", "migrations.kubevirt.io"], "resources": ["*"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    ]
    bind(operated, {"kind": "ClusterRole", "metadata": {"name": f"test-{user}"}, "rules": rules}, user=user, where="")

    found = ask(operated, impersonate=user)

    assert (found["changed"], found["coverage"]["complete"], warned(found)) == (True, False, [])
    assert [one["resource"] for one in found["coverage"]["missing"]] == ["prometheuses", "thanosrulers"]
    assert found["notes"] == ["Whether a Prometheus loads these rules is not known: its objects may not be listed."]


# --- OpenShift ---

OPENSHIFT = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: clusterversions.config.openshift.io}
spec:
  group: config.openshift.io
  scope: Cluster
  names: {plural: clusterversions, singular: clusterversion, kind: ClusterVersion, listKind: ClusterVersionList}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
"""


@pytest.fixture
def openshift(operated: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "openshift.yml").write_text(yaml.safe_dump(yaml.safe_load(OPENSHIFT)), encoding="utf-8")
    (name,) = load_crds(tmp_path, request=operated.request)
    world(operated)
    label = {"matchLabels": {"openshift.io/cluster-monitoring": "true"}}
    loader(operated, ruleSelector=EVERYTHING, ruleNamespaceSelector=label)
    yield operated
    done(operated.request("DELETE", f"{DEFINITIONS}/{name}"))


def test_on_openshift_a_namespace_without_its_label_is_warned_of(openshift: Cluster) -> None:
    found = ask(openshift)

    assert warned(found) == ["NoPrometheusSelects", "ClusterMonitoringLabelMissing"]
    assert any("kubevirt has no label openshift.io/cluster-monitoring=true" in note for note in found["notes"])


def test_on_openshift_a_namespace_with_its_label_is_right(openshift: Cluster) -> None:
    labels = {"openshift.io/cluster-monitoring": "true"}
    change(openshift, "/api/v1/namespaces/kubevirt", {"metadata": {"labels": labels}})

    found = ask(openshift)

    assert (found["notes"], len(found["loaded_by"])) == ([], 1)


def test_elsewhere_that_label_is_not_asked_for(operated: Cluster) -> None:
    world(operated)
    loader(operated, ruleSelector=EVERYTHING)

    assert ask(operated)["notes"] == []
