# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_alert and its PrometheusRule on the real API server: applied, compared, contested, taken away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    NotFound,
    ResourceMissing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from tests.cluster import Cluster
from tests.cluster.crds import OUR_CRDS
from tests.integration.alert_worlds import NAME, OBJECTS, PATH, ask, stored
from tests.integration.settings_worlds import KUBEVIRT, change, managed, world
from tests.integration.simulated import done, items

Object = dict[str, Any]
MANAGED_BY = "app.kubernetes.io/managed-by"
ALERTS = [
    "KubeVirtVMStuckInMigratingState",
    "KubeVirtMigrationNotProgressing",
    "KubeVirtMigrationsStuckOnNode",
    "KubeVirtMigrationsNotStarting",
    "KubeVirtMigrationWaitingTooLong",
    "KubeVirtMigrationMetricsMissing",
]


def rule(found: Object, name: str) -> Object:
    """The rule of this name in a result or in the object's spec."""
    rules = [one for group in found["groups"] for one in group["rules"]]
    (one,) = (one for one in rules if name in (one.get("alert"), one.get("record")))
    return dict(one)


def limit(found: Object) -> str:
    return str(rule(found, "vmi:kubevirt_vmi_migration_limit_seconds:max")["expr"])


def version(cluster: Cluster) -> str:
    return str(stored(cluster)["metadata"]["resourceVersion"])


def timeless(value: Any) -> Any:
    """The same without moments, numbers of requests and what the server gives a new object."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", json.dumps(value, sort_keys=True))
    return json.loads(re.sub(r'"(uid|requests)": ("[0-9a-f-]*"|\d+)', '"same": 0', text))


# --- present ---


def test_it_is_made_beside_kubevirt_and_the_second_run_changes_nothing(cluster: Cluster) -> None:
    world(cluster)

    found = ask(cluster)
    made, was = stored(cluster), version(cluster)
    again = ask(cluster)

    assert (found["changed"], [one["outcome"] for one in found["plan"]]) == (True, ["done"])
    assert made["spec"]["groups"] == found["groups"]
    assert [one["alert"] for one in made["spec"]["groups"][0]["rules"] if "alert" in one] == ALERTS
    assert made["metadata"]["labels"] == {MANAGED_BY: NAME}
    assert found["object"]["uid"] == made["metadata"]["uid"]
    assert (again["changed"], again["plan"], again["diff"], version(cluster)) == (False, [], {}, was)
    assert again["object"] == found["object"]


def test_check_mode_stores_nothing_and_tells_what_the_run_does(cluster: Cluster) -> None:
    world(cluster)

    first = ask(cluster, check_mode=True)
    assert items(cluster, OBJECTS) == []
    run = ask(cluster)
    second = ask(cluster, check_mode=True, stuck_after=900)
    assert stored(cluster)["spec"]["groups"] == run["groups"]
    change_run = ask(cluster, stuck_after=900)

    for predicted, came in ((first, run), (second, change_run)):
        (step,) = predicted["plan"]
        assert (predicted["changed"], step["outcome"], step["answer"]) == (True, "dry_run", "accepted, nothing stored")
        same = {"plan": [{**step, "outcome": "done", "answer": "accepted"}]}
        assert timeless({**predicted, **same}) == timeless(came)


def test_the_diff_reads_as_yaml_and_has_only_what_changes(cluster: Cluster) -> None:
    world(cluster)
    ask(cluster)

    diff = ask(cluster, stuck_after=900, labels={"role": "alert-rules"})["diff"]

    before, after = yaml.safe_load(diff["before"]), yaml.safe_load(diff["after"])
    assert (before["metadata"]["labels"], after["metadata"]["labels"]) == (
        {MANAGED_BY: NAME},
        {MANAGED_BY: NAME, "role": "alert-rules"},
    )
    gone = set(diff["before"].splitlines()) - set(diff["after"].splitlines())
    assert all("limit_seconds" in line or "Allowed" in line or line.startswith(" " * 12) for line in gone), gone


def test_what_others_keep_in_the_object_stays(cluster: Cluster) -> None:
    world(cluster)
    ask(cluster)
    other = {"name": "theirs", "rules": [{"record": "a:b:c", "expr": "1"}]}
    groups = [*stored(cluster)["spec"]["groups"], other]
    change(cluster, PATH, {"metadata": {"labels": {"theirs": "yes"}}, "spec": {"groups": groups}})

    found = ask(cluster, stuck_after=900)

    assert found["changed"]
    assert stored(cluster)["metadata"]["labels"] == {MANAGED_BY: NAME, "theirs": "yes"}
    assert other in stored(cluster)["spec"]["groups"]


def test_a_label_that_is_no_longer_asked_for_goes(cluster: Cluster) -> None:
    world(cluster)
    ask(cluster, labels={"role": "alert-rules"}, alert_labels={"team": "virt"})

    found = ask(cluster)

    assert (found["changed"], stored(cluster)["metadata"]["labels"]) == (True, {MANAGED_BY: NAME})
    assert "team" not in rule(found, ALERTS[0])["labels"]


def test_labels_for_routing_stand_on_each_alert(cluster: Cluster) -> None:
    world(cluster)

    found = ask(cluster, alert_labels={"team": "virt", "tier": 1})

    assert [one["labels"]["team"] for one in found["groups"][0]["rules"] if "alert" in one] == ["virt"] * 6
    assert rule(stored(cluster)["spec"], ALERTS[0])["labels"]["tier"] == "1"


# --- thresholds ---


def test_the_limit_is_that_of_the_configuration_and_a_drift_is_a_change(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"completionTimeoutPerGiB": 800}})
    first = ask(cluster)
    change(cluster, KUBEVIRT, {"spec": {"configuration": {"migrations": {"completionTimeoutPerGiB": 300}}}})
    predicted = ask(cluster, check_mode=True)
    second = ask(cluster)

    assert (first["threshold"]["completion_timeout_per_gib"], first["threshold"]["from"]) == (800, "KubeVirt")
    assert "800 * ceil(" in limit(first)
    assert (predicted["changed"], second["changed"], ask(cluster)["changed"]) == (True, True, False)
    assert "300 * ceil(" in limit(stored(cluster)["spec"])
    assert "800 * ceil(" in second["diff"]["before"]


def test_what_hyperconverged_carries_to_kubevirt_is_what_counts(cluster: Cluster) -> None:
    hco = managed(cluster)
    hco.operator.step()

    found = ask(cluster)

    assert (found["threshold"]["completion_timeout_per_gib"], found["threshold"]["from"]) == (20, "KubeVirt")


def test_the_slots_in_the_waiting_alert_are_those_of_the_configuration(cluster: Cluster) -> None:
    limits = {"parallelMigrationsPerCluster": 9, "parallelOutboundMigrationsPerNode": 3}
    world(cluster, configuration={"migrations": limits})

    expr = rule(ask(cluster), "KubeVirtMigrationWaitingTooLong")["expr"]

    assert [f">= {number})" in expr for number in (9, 3, 5, 2)] == [True, True, False, False]


def test_without_a_limit_of_kubevirts_own_its_default_is_the_measure_and_that_is_said(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"completionTimeoutPerGiB": 0}})

    found = ask(cluster)

    assert "150 * ceil(" in limit(found)
    assert any("KubeVirt itself ends no copy" in note for note in found["notes"])


def test_policies_give_their_vms_another_limit_and_a_new_namespace_is_a_drift(cluster: Cluster) -> None:
    selectors = {"virtualMachineInstanceSelector": {"tier": "db"}, "namespaceSelector": {"team": "a"}}
    world(cluster, policies=[{"name": "slow", "spec": {"completionTimeoutPerGiB": 900, "selectors": selectors}}])
    none = ask(cluster)
    change(cluster, "/api/v1/namespaces/team-a", {"metadata": {"labels": {"team": "a"}}})
    found = ask(cluster)

    assert none["threshold"]["policies"] == []
    assert found["changed"]
    assert found["threshold"]["policies"] == [
        {
            "policy": "slow",
            "completion_timeout_per_gib": 900,
            "vmi_labels": {"tier": "db"},
            "namespaces": ["team-a"],
        }
    ]
    assert '{kubernetes_vmi_label_tier="db", namespace=~"team-a"}' in limit(found)


def test_a_kubevirt_without_start_times_is_said_once_and_raises_nothing(cluster: Cluster) -> None:
    world(cluster)
    change(cluster, f"{KUBEVIRT}/status", {"status": {"observedKubeVirtVersion": "v1.3.1"}})

    found = ask(cluster)

    (note,) = (note for note in found["notes"] if "v1.3.1" in note)
    assert note.endswith(
        "never fire on it: KubeVirtVMStuckInMigratingState, KubeVirtMigrationNotProgressing, "
        "KubeVirtMigrationsStuckOnNode."
    )
    lacking = [one["name"] for one in found["metrics"] if one["available"] is False]
    assert "kubevirt_vmi_migration_start_time_seconds" in lacking
    assert "kubevirt_vmi_migrations_in_pending_phase" not in lacking


# --- contested ---


def edited(cluster: Cluster) -> None:
    """Somebody changes an expression of ours with an editor."""
    groups = stored(cluster)["spec"]["groups"]
    groups[0]["rules"][2]["for"] = "10m"
    body = {"spec": {"groups": groups}}
    done(cluster.request("PATCH", PATH, body=body, query={"fieldManager": "kubectl-edit"}))


def test_fields_that_somebody_else_took_are_named_and_left(cluster: Cluster) -> None:
    world(cluster)
    ask(cluster)
    edited(cluster)
    was = version(cluster)

    found = ask(cluster)

    (refusal,) = found["refusals"]
    assert (found["changed"], found["refused"], refusal["code"]) == (False, True, "FieldConflict")
    assert 'conflict with "kubectl-edit"' in refusal["reason"]
    assert ".rules" in refusal["reason"]
    assert "To insist, give accept_risks: [FieldConflict]." in refusal["reason"]
    assert 'for: "10m"' in found["diff"]["before"]
    assert version(cluster) == was


def test_who_insists_takes_them_over(cluster: Cluster) -> None:
    world(cluster)
    ask(cluster)
    edited(cluster)

    found = ask(cluster, accept_risks=["FieldConflict"])

    assert (found["changed"], found["refused"]) == (True, False)
    assert rule(stored(cluster)["spec"], ALERTS[0])["for"] == "1m"
    assert ask(cluster)["changed"] is False


# --- absent ---


def test_absent_takes_it_away_once(cluster: Cluster) -> None:
    world(cluster)
    ask(cluster)

    predicted = ask(cluster, check_mode=True, state="absent")
    assert stored(cluster)
    found = ask(cluster, state="absent")
    again = ask(cluster, state="absent")

    assert (predicted["changed"], [one["outcome"] for one in predicted["plan"]]) == (True, ["dry_run"])
    assert (found["changed"], items(cluster, OBJECTS)) == (True, [])
    assert (found["diff"]["before"].startswith("metadata:"), found["diff"]["after"]) == (True, "")
    assert (again["changed"], again["plan"], again["object"]) == (False, [], {})


def test_what_others_made_is_not_taken_away_unless_one_insists(cluster: Cluster) -> None:
    world(cluster)
    theirs = {"metadata": {"name": NAME}, "spec": {"groups": []}}
    done(
        cluster.request(
            "POST", OBJECTS, body={**theirs, "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule"}
        )
    )

    found = ask(cluster, state="absent")
    assert (found["refusals"][0]["code"], stored(cluster)["metadata"]["name"]) == ("NotOurs", NAME)
    ask(cluster, state="absent", accept_risks=["NotOurs"])

    assert items(cluster, OBJECTS) == []


# --- what is not there ---


def test_a_namespace_that_is_not_there_is_said_with_the_way_out(cluster: Cluster) -> None:
    world(cluster)

    with pytest.raises(NotFound, match=r"Make the namespace nowhere first, or give another one\.") as caught:
        ask(cluster, namespace="nowhere")

    assert (caught.value.result["changed"], caught.value.result["threshold"]["from"]) == (False, "default")


def test_without_kubevirt_it_says_what_to_give(cluster: Cluster) -> None:
    world(cluster)
    done(cluster.request("DELETE", KUBEVIRT))

    refused = ask(cluster)
    found = ask(cluster, stuck_after=600, namespace="kubevirt")

    assert [one["code"] for one in refused["refusals"]] == ["KubeVirtMissing"]
    assert found["changed"]
    assert any("defaults are taken for its limits" in note for note in found["notes"])


@pytest.fixture(scope="module")
def without_operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that has KubeVirt and no prometheus-operator."""
    folder = tmp_path_factory.mktemp("crds")
    for file in OUR_CRDS.glob("*kubevirt*.yml"):
        (folder / file.name).write_text(Path(file).read_text(encoding="utf-8"), encoding="utf-8")
    with Cluster.start(crds=folder) as running:
        kubevirt = {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "kubevirt"}, "spec": {}}
        done(running.request("POST", KUBEVIRT.rpartition("/")[0], body=kubevirt))
        yield running


def test_without_the_kind_the_error_names_the_way_out(without_operator: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ResourceMissing, match=r"no PrometheusRules.* give rule_file"):
        ask(without_operator)

    found = ask(without_operator, rule_file=str(tmp_path / "rules.yml"))

    assert (found["changed"], ask(without_operator, state="absent")["changed"]) == (True, False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stuck_after": 0}, "stuck_after is 0: it must be from 1 to 604800"),
        ({"many_stuck": 1}, "many_stuck is 1"),
        ({"name": "A_b"}, "no name that Kubernetes accepts"),
        ({"namespace": "../x"}, "no name that Kubernetes accepts"),
        ({"alert_labels": {"severity": "info"}}, "severity is set by the rules themselves"),
        ({"alert_labels": {"x": "{{ $value }}"}}, "holds a template"),
        ({"alert_labels": {"a-b": "x"}}, "no name of a label"),
        ({"alert_labels": {"x": ["y"]}}, "x is not a text"),
        ({"labels": {MANAGED_BY: "me"}}, "is set by this module"),
        ({"runbook_url": "https://example.org/"}, "needs one %s"),
        ({"promtool": "/bin/promtool"}, "give rule_file with it"),
        ({"accept_risks": ["KubeVirtMissing"]}, "nobody can insist on KubeVirtMissing"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_options_without_meaning_are_said_before_anything_is_asked(
    cluster: Cluster, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(WrongInput, match=re.escape(words)):
        ask(cluster, "nobody", **options)
