# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook install_alert, run as a user runs it, against the test cluster."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import Cluster
from tests.integration.alert_worlds import OBJECTS, PATH, stored
from tests.integration.playing import INSTALL_ALERT, Run, diagnose
from tests.integration.settings_worlds import KUBEVIRT, change, world
from tests.integration.simulated import items


def install_alert(folder: Path, *arguments: str, **variables: Any) -> Run:
    return diagnose(folder, *arguments, playbook=INSTALL_ALERT, **variables)


def recap(run: Run) -> tuple[int, int]:
    """How many tasks changed something, and how many failed."""
    (found,) = re.findall(r"changed=(\d+) .*failed=(\d+)", run.output)
    return int(found[0]), int(found[1])


def test_it_installs_says_the_limit_and_hands_it_on(cluster: Cluster, tmp_path: Path) -> None:
    world(cluster, configuration={"migrations": {"completionTimeoutPerGiB": 300}})
    kubeconfig = str(cluster.kubeconfig("admin"))

    first = install_alert(tmp_path, kubeconfig=kubeconfig)
    second = install_alert(tmp_path, kubeconfig=kubeconfig)
    change(cluster, KUBEVIRT, {"spec": {"configuration": {"migrations": {"completionTimeoutPerGiB": 400}}}})
    drifted = install_alert(tmp_path, "--check", "--diff", kubeconfig=kubeconfig)

    assert [recap(run) for run in (first, second, drifted)] == [(1, 0), (0, 0), (1, 0)], first.output
    assert "A copy is called stuck after 300 s, or 300 s per GiB where that is more." in first.output
    assert "No Prometheus or ThanosRuler object is in the cluster" in first.output
    assert re.search(r"^-.*300 \* ceil\(.*\n(.*\n)*?\+.*400 \* ceil\(", drifted.output, re.MULTILINE), drifted.output
    told = first.stats["alerts"]["localhost"]
    assert (told["changed"], told["threshold"]["completion_timeout_per_gib"]) == (True, 300)
    assert told["object"]["uid"] == stored(cluster)["metadata"]["uid"]


def test_answers_of_a_survey_are_text(cluster: Cluster, tmp_path: Path) -> None:
    world(cluster)

    run = install_alert(
        tmp_path,
        kubeconfig=str(cluster.kubeconfig("admin")),
        stuck_after="600",
        waiting_after="1200",
        rule_namespace="team-a",
        rule_labels={"role": "alert-rules"},
        accept_risks="NoPrometheusSelects, ClusterMonitoringLabelMissing",
    )

    assert recap(run) == (1, 0), run.output
    assert "WARNING" not in run.output
    assert "A copy is called stuck after 600 s, whatever its size." in run.output
    (made,) = items(cluster, OBJECTS.replace("/kubevirt/", "/team-a/"))
    assert made["metadata"]["labels"]["role"] == "alert-rules"


def test_it_writes_a_rules_file_and_takes_it_away(cluster: Cluster, tmp_path: Path) -> None:
    world(cluster)
    kubeconfig, file = str(cluster.kubeconfig("admin")), tmp_path / "rules.yml"

    made = install_alert(tmp_path, kubeconfig=kubeconfig, rule_file=str(file))
    groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    gone = install_alert(tmp_path, kubeconfig=kubeconfig, rule_file=str(file), state="absent")

    assert [recap(run) for run in (made, gone)] == [(1, 0), (1, 0)], made.output
    assert "The rules stand in" in made.output
    assert "checked by" in made.output
    assert (len(groups[0]["rules"]), file.exists(), items(cluster, OBJECTS)) == (8, False, [])


def test_an_object_that_somebody_else_manages_fails_the_play_with_the_reason(cluster: Cluster, tmp_path: Path) -> None:
    world(cluster)
    kubeconfig = str(cluster.kubeconfig("admin"))
    install_alert(tmp_path, kubeconfig=kubeconfig)
    groups = stored(cluster)["spec"]["groups"]
    groups[0]["rules"][2]["for"] = "10m"
    cluster.request("PATCH", PATH, body={"spec": {"groups": groups}}, query={"fieldManager": "kubectl-edit"})

    run = install_alert(tmp_path, kubeconfig=kubeconfig)

    assert recap(run) == (0, 1), run.output
    assert "Somebody else manages fields of" in run.output
    assert "kubectl-edit" in run.output
