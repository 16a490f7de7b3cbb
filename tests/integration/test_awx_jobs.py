# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks as jobs of AWX: a bare clone as the project, no other copy of the collection, answers of a survey."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.awx.controller import LOCALHOST, Controller
from tests.awx.job import Job, prepare, run
from tests.awx.project import bare_clone
from tests.cluster import Cluster
from tests.integration.acting import writes
from tests.make.places import ROOT

TOKEN = "a-token-of-the-controller"
# Those that awx_setup makes, by their key.
SETUP = yaml.safe_load((ROOT / "playbooks" / "vars" / "awx.yml").read_text(encoding="utf-8"))
TEMPLATES: list[dict[str, Any]] = [{**one, "name": one["key"]} for one in SETUP["awx_setup_templates"]]


def credential_of(cluster: Cluster) -> dict[str, Any]:
    """The inputs of a credential for the test cluster."""
    return {
        "host": cluster.server,
        "bearer_token": cluster.token("admin"),
        "verify_ssl": True,
        "ssl_ca_cert": cluster.ca_file.read_text(encoding="utf-8"),
    }


@pytest.fixture(scope="module")
def controller(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A controller with the checkout as its project and the test cluster as its credential."""
    cluster.reset()
    cluster.simulator.play("remediate")
    folder = tmp_path_factory.mktemp("awx")
    with Controller(
        folder, project=bare_clone(folder), templates=TEMPLATES, token=TOKEN, credential=credential_of(cluster)
    ) as running:
        yield running


def launch(controller: Controller, name: str, *, token: str = TOKEN, **answers: Any) -> requests.Response:
    """What the controller says to a launch of the template, as ansible-rulebook sends it."""
    headers = {"Authorization": f"Bearer {token}"}
    found = requests.get(f"{controller.url}/api/v2/job_templates/", params={"name": name}, headers=headers, timeout=30)
    if found.status_code != 200:
        return found
    (template,) = found.json()["results"]
    body = {"extra_vars": answers}
    return requests.post(controller.url + template["related"]["launch"], json=body, headers=headers, timeout=30)


def job_of(controller: Controller, response: requests.Response) -> Job:
    assert response.status_code == 201, response.text
    controller.wait()
    (job,) = [one for one in controller.jobs if one.id == response.json()["job"]]
    return job


def test_job_from_a_bare_clone_diagnoses_the_cluster_of_its_credential(
    cluster: Cluster, controller: Controller
) -> None:
    mark = cluster.audit_mark()
    job = job_of(controller, launch(controller, "diagnose", namespaces="team-a\nteam-b", late_after=300))
    assert job.status == "successful", job.output
    handed_on = json.dumps(job.artifacts["live_migration"]["clusters"]["localhost"])
    assert "TargetPodCrashing" in handed_on
    assert "SELinuxContextMissing" in handed_on
    assert not writes(cluster, mark)


def test_without_the_link_beside_its_playbooks_a_bare_clone_does_not_find_itself(tmp_path: Path) -> None:
    project = bare_clone(tmp_path, without=["playbooks/collections/ansible_collections/kubevirt_ops/live_migration"])
    job = Job(1, "playbooks/diagnose.yml", {})
    prepare(job, folder=tmp_path / "job", project=project, inventory=LOCALHOST, credential=None)

    run(job, folder=tmp_path / "job")

    assert job.status == "failed"
    assert "kubevirt_ops.live_migration" in job.output


@pytest.mark.parametrize(
    ("name", "answers", "key"),
    [
        ("diagnose", {"vms": "team-a/web-1,team-a/web-2", "include_finished": "true"}, "clusters"),
        (
            "tune, plan",
            {"namespaces": "team-a\nteam-b\n", "bears": ["throttling", "pause"], "reason": "a test"},
            "tuning",
        ),
        (
            "tune, apply",
            {"namespaces": "team-a, team-b", "vms": "", "accept_risks": "", "reason": "", "link": ""},
            "tuning",
        ),
        (
            "remediate",
            {"mode": "diagnose", "vms": "team-a/web-1", "free_target_pod": "false", "fail_when_refused": "true"},
            "remediation",
        ),
        ("install alert", {"state": "present", "accept_risks": "ActingPaused\nBudgetSpent\n"}, "alerts"),
    ],
    ids=["diagnose", "plan", "apply", "remediate", "alert"],
)
def test_each_template_takes_the_answers_of_its_survey(
    controller: Controller, name: str, answers: dict[str, Any], key: str
) -> None:
    job = job_of(controller, launch(controller, name, **answers))
    assert job.status == "successful", job.output
    assert list(job.artifacts["live_migration"][key]) == ["localhost"]


@pytest.mark.parametrize("template", TEMPLATES, ids=[one["key"] for one in TEMPLATES])
def test_empty_answers_are_no_answers(controller: Controller, template: dict[str, Any]) -> None:
    # ansible-core 2.19 reads the empty text that AWX marks as unsafe as nothing at all.
    texts = [one["variable"] for one in template["survey"] if one["type"] in ("text", "textarea")]
    job = job_of(controller, launch(controller, template["key"], **dict.fromkeys(texts, "")))
    assert job.status == "successful", job.output


def test_answer_true_as_text_is_true(controller: Controller) -> None:
    job = job_of(controller, launch(controller, "diagnose", namespaces="team-a", fail_when_stuck="true"))
    assert job.status == "failed"
    assert "are stuck" in job.output


def test_numbers_as_text_are_numbers_to_the_playbook(controller: Controller) -> None:
    text = {**TEMPLATES[0], "name": "text", "survey": [{"variable": "late_after", "type": "text", "required": True}]}
    controller.add(text)
    job = job_of(controller, launch(controller, "text", late_after="300"))
    assert job.answers == {"late_after": "300"}
    assert job.status == "successful", job.output


def test_answer_that_is_a_template_stays_text(controller: Controller, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    answer = "{{ lookup('ansible.builtin.pipe', 'touch " + str(mark) + "') }}"
    job = job_of(controller, launch(controller, "diagnose", namespaces=answer, late_after=300))
    assert job.status == "failed", job.output
    assert not mark.exists()


def test_wrong_token_starts_nothing(controller: Controller) -> None:
    before = len(controller.jobs)
    assert launch(controller, "diagnose", token="another").status_code == 401
    assert len(controller.jobs) == before


def test_answer_of_another_type_is_refused_and_starts_nothing(controller: Controller) -> None:
    before = len(controller.jobs)
    response = launch(controller, "diagnose", late_after="300")
    assert response.status_code == 400
    assert "late_after" in response.text
    assert len(controller.jobs) == before


def test_variable_that_the_survey_does_not_ask_for_is_left_out(controller: Controller) -> None:
    response = launch(controller, "diagnose", namespaces="team-a", validate_certs=False)
    job = job_of(controller, response)
    assert response.json()["ignored_fields"] == {"extra_vars": {"validate_certs": False}}
    assert "validate_certs" not in job.answers
    assert job.status == "successful", job.output


def test_slice_of_the_job_for_all_clusters_asks_each_host_s_own_cluster(cluster: Cluster, tmp_path: Path) -> None:
    cluster.reset()
    cluster.simulator.play("remediate")
    config = yaml.safe_load(cluster.kubeconfig("admin").read_text(encoding="utf-8"))
    (there,) = config["contexts"]
    nowhere = {"name": "nowhere", "cluster": {"server": "https://127.0.0.1:1"}}
    away = {"name": "away", "context": {**there["context"], "cluster": "nowhere"}}
    config |= {"clusters": [*config["clusters"], nowhere], "contexts": [{**there, "name": "here"}, away]}
    hosts = {
        name: {"ansible_connection": "local", "kubernetes_context": context}
        for name, context in {"prod-1": "away", "prod-2": "here"}.items()
    }
    # As tasks/awx_slices.yml has it; the controller limits each slice to its hosts.
    variables = {"clusters": "all", "context": "{{ kubernetes_context }}"}
    job = Job(1, "playbooks/diagnose.yml", {"namespaces": "team-a"}, variables=variables, limit="prod-2")

    prepare(
        job,
        folder=tmp_path / "job",
        project=bare_clone(tmp_path),
        inventory={"all": {"hosts": list(hosts)}, "_meta": {"hostvars": hosts}},
        credential={"kubeconfig": yaml.safe_dump(config)},
    )
    run(job, folder=tmp_path / "job")

    assert job.status == "successful", job.output
    assert set(job.artifacts["live_migration"]["clusters"]) == {"prod-2"}
    assert "TargetPodCrashing" in json.dumps(job.artifacts)
