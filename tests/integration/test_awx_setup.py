# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook awx_setup with the real collection awx.awx, against a controller that keeps what it is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.awx.controller import Controller
from tests.awx.project import bare_clone
from tests.awx.server import serving
from tests.awx.store import Store
from tests.awx.survey import variables_of
from tests.awx.workflow import run_workflow, templates_of
from tests.cluster import Cluster
from tests.integration.acting import going_on
from tests.integration.simulated import items
from tests.integration.test_awx_jobs import credential_of, job_of, launch
from tests.make.places import BUILD, ROOT

TOKEN = "a-token-of-the-controller"
LOCAL = {"ansible_connection": "local"}
SECRET = "the-bearer-token-of-prod-1"
KUBECONFIG = "a kubeconfig with a context for each cluster"
ALL = "Live migration: diagnose, all clusters"
CLUSTERS = [
    {
        "name": "prod-1",
        "host": "https://prod-1.example.com:6443",
        "api_key": SECRET,
        "ca_cert": "a CA",
        "instance_groups": ["east"],
    },
    {
        "name": "prod-2",
        "host": "https://prod-2.example.com:6443",
        "api_key": "another",
        "prometheus": {"url": "https://prometheus.prod-2.example.com"},
    },
]
VARIABLES = yaml.safe_load((ROOT / "playbooks" / "vars" / "awx.yml").read_text(encoding="utf-8"))


def set_up(url: str, folder: Path, *, collections: Path, more: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """A run of the playbook that finds collections in that folder alone."""
    given = folder / "clusters.yml"
    variables = {
        "awx_setup_clusters": CLUSTERS,
        "awx_setup_kubeconfig": KUBECONFIG,
        "awx_setup_slice_instance_groups": ["east"],
    }
    given.write_text(yaml.safe_dump(variables), encoding="utf-8")
    programs = Path(sys.executable).parent
    environment = {
        "HOME": str(folder),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "CONTROLLER_HOST": url,
        "CONTROLLER_OAUTH_TOKEN": TOKEN,
    }
    command = [str(programs / "ansible-playbook"), str(ROOT / "playbooks" / "awx_setup.yml"), "-e", f"@{given}", "-v"]
    command += more
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, list[subprocess.CompletedProcess[str]], list[int]]:
    """The store after two runs and one that writes tokens anew, the runs, and how much had been written after each."""
    (collections,) = (BUILD / "awx" / "lib").glob("python3.*/site-packages")
    store, done, written = Store(token=TOKEN), [], []
    with serving(store.answer) as url:
        for more in ([], [], ["-e", "awx_setup_update_secrets=true"]):
            done.append(set_up(url, tmp_path_factory.mktemp("home"), collections=collections, more=more))
            written.append(len(store.writes))
    return store, done, written


Runs = tuple[Store, list[subprocess.CompletedProcess[str]], list[int]]


def test_second_run_changes_nothing(runs: Runs) -> None:
    _store, (first, second, _third), written = runs
    assert first.returncode == 0, first.stdout + first.stderr
    assert second.returncode == 0, second.stdout + second.stderr
    assert "changed=0" in second.stdout
    assert written[0] == written[1] > 0


def test_new_tokens_are_written_only_where_that_is_asked_for_and_nothing_else_is(runs: Runs) -> None:
    store, (_first, _second, third), written = runs
    credentials = [f"/api/v2/credentials/{one['id']}/" for one in store.named("credentials").values()]

    assert third.returncode == 0, third.stdout + third.stderr
    assert sorted(store.writes[written[1] :]) == sorted(("PATCH", path) for path in credentials)


def test_each_cluster_gets_a_host_a_credential_and_every_template(runs: Runs) -> None:
    store = runs[0]
    assert set(store.named("hosts")) == {"prod-1", "prod-2"}
    templates = store.named("job_templates")
    for cluster in ("prod-1", "prod-2"):
        credential = store.named("credentials")[f"Live migration: {cluster}"]["id"]
        for wanted in VARIABLES["awx_setup_templates"]:
            made = templates[f"Live migration: {wanted['key']}, {cluster}"]
            assert made["playbook"] == wanted["playbook"]
            assert made["limit"] == cluster
            measured = {"prometheus": CLUSTERS[1]["prometheus"]} if cluster == "prod-2" else {}
            assert yaml.safe_load(made["extra_vars"]) == {"clusters": cluster, **measured, **wanted["extra_vars"]}
            assert store.associations[made["id"], "credentials"] == [credential]
            assert store.surveys[made["id"]]["spec"] == wanted["survey"]


def test_jobs_of_a_cluster_run_in_its_instance_groups(runs: Runs) -> None:
    store = runs[0]
    east = store.named("instance_groups")["east"]["id"]
    groups = {name: store.associations.get((one["id"], "instance_groups"), []) for name, one in _templates(store)}

    assert groups
    assert groups == {name: [east] if name.endswith(", prod-1") or name == ALL else [] for name in groups}


def test_diagnosis_of_all_clusters_is_cut_into_a_slice_for_each(runs: Runs) -> None:
    store = runs[0]
    made = store.named("job_templates")[ALL]
    kind = store.named("credential_types")["Live migration: kubeconfig"]
    credential = store.named("credentials")["Live migration: all clusters"]
    assert (made["job_slice_count"], made.get("limit", "")) == (len(CLUSTERS), "")
    # What the controller and the job fill in must not have been filled in here.
    assert yaml.safe_load(made["extra_vars"]) == {"clusters": "all", "context": "{{ kubernetes_context }}"}
    assert kind["injectors"] == {
        "file": {"template": "{{ kubeconfig }}"},
        "env": {"K8S_AUTH_KUBECONFIG": "{{ tower.filename }}"},
    }
    assert (credential["credential_type"], credential["inputs"]) == (kind["id"], {"kubeconfig": KUBECONFIG})
    assert store.associations[made["id"], "credentials"] == [credential["id"]]
    contexts = {name: yaml.safe_load(one["variables"]) for name, one in store.named("hosts").items()}
    assert {name: one["kubernetes_context"] for name, one in contexts.items()} == {
        "prod-1": "prod-1",
        "prod-2": "prod-2",
    }


def _templates(store: Store) -> list[tuple[str, dict[str, Any]]]:
    return list(store.named("job_templates").items())


def test_certificates_are_checked_where_a_ca_is_given(runs: Runs) -> None:
    inputs = {name: one["inputs"] for name, one in runs[0].named("credentials").items()}
    assert inputs["Live migration: prod-1"]["verify_ssl"] is True
    assert inputs["Live migration: prod-2"]["verify_ssl"] is False
    assert inputs["Live migration: prod-1"]["bearer_token"] == SECRET


def test_workflow_waits_for_an_approval_between_its_jobs(runs: Runs) -> None:
    store = runs[0]
    names = {one["id"]: name for name, one in store.named("job_templates").items()}
    flow = store.named("workflow_job_templates")["Live migration: diagnose, approve, remediate, prod-1"]
    nodes: dict[str, Any] = {
        one["identifier"]: one
        for one in store.objects["workflow_job_template_nodes"].values()
        if one["workflow_job_template"] == flow["id"]
    }
    approvals = store.objects["workflow_approval_templates"]
    assert names[nodes["first"]["unified_job_template"]] == "Live migration: diagnose, prod-1"
    assert nodes["approval"]["unified_job_template"] in approvals
    assert names[nodes["then"]["unified_job_template"]] == "Live migration: remediate, prod-1"
    assert nodes["then"]["extra_data"] == {"mode": "cancel_and_retry"}
    assert store.associations[nodes["first"]["id"], "success_nodes"] == [nodes["approval"]["id"]]
    assert store.associations[nodes["approval"]["id"], "success_nodes"] == [nodes["then"]["id"]]
    assert variables_of(store.surveys[flow["id"]]["spec"]) == {"namespaces", "vms"}


# A VM in team-a whose target launcher has crashed.
STUCK = "web-1"
OF_TEAM_A = "/apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstancemigrations"


@pytest.mark.parametrize("approved", [False, True], ids=["denied", "approved"])
def test_workflow_diagnoses_and_remediates_only_what_was_approved(
    runs: Runs, cluster: Cluster, tmp_path: Path, approved: bool
) -> None:
    cluster.reset()
    cluster.simulator.play("remediate")
    before = {one["metadata"]["uid"] for one in items(cluster, OF_TEAM_A)}
    seen: list[set[str]] = []

    def approve(_what: str) -> bool:
        seen.append({one["metadata"]["uid"] for one in items(cluster, OF_TEAM_A)})
        return approved

    with (
        going_on(cluster, pause=0.3),
        Controller(
            tmp_path,
            project=bare_clone(tmp_path),
            templates=templates_of(runs[0]),
            token=TOKEN,
            credential=credential_of(cluster),
            inventory={"all": {"hosts": ["prod-1"]}, "_meta": {"hostvars": {"prod-1": LOCAL}}},
        ) as controller,
    ):
        ran = run_workflow(
            runs[0],
            "Live migration: diagnose, approve, remediate, prod-1",
            answers={"namespaces": "team-a", "vms": f"team-a/{STUCK}"},
            launch=lambda name, answers: job_of(controller, launch(controller, name, **answers)).status,
            approve=approve,
        )

    wanted = [("first", "successful"), ("approval", "successful" if approved else "failed"), ("then", "successful")]
    assert [(one.node, one.status) for one in ran] == wanted[: 3 if approved else 2]
    assert seen == [before]
    after = {one["metadata"]["uid"] for one in items(cluster, OF_TEAM_A)}
    assert (before <= after) is not approved


def test_no_token_is_printed(runs: Runs) -> None:
    for run in runs[1]:
        assert SECRET not in run.stdout + run.stderr
        assert KUBECONFIG not in run.stdout + run.stderr


def test_without_a_collection_it_stops_with_the_line_that_installs_one(tmp_path: Path) -> None:
    run = set_up("http://127.0.0.1:1", tmp_path, collections=tmp_path)
    assert run.returncode == 2
    assert "ansible-galaxy collection install awx.awx" in run.stdout
    assert "ansible-galaxy collection install ansible.controller" in run.stdout


# A module that takes whatever it is given, and writes down that it was called.
CALLED = """#!/usr/bin/python
# WANT_JSON
DOCUMENTATION = "module: {name}\\nshort_description: A stand-in\\ndescription: [It notes its call.]\\noptions: {{}}\\n"
import json, sys
given = json.load(open(sys.argv[1]))
with open({calls!r}, "a") as calls:
    calls.write("{name} " + ("-" if given.get("_ansible_no_log") else str(given.get("name"))) + "\\n")
print(json.dumps({{"changed": False}}))
"""
MODULES = (
    *("project", "inventory", "execution_environment", "host", "credential", "job_template"),
    *("workflow_job_template", "credential_type"),
)


def test_modules_of_ansible_controller_are_called_where_awx_is_not_there(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    modules = tmp_path / "ansible_collections" / "ansible" / "controller" / "plugins" / "modules"
    modules.mkdir(parents=True)
    for name in MODULES:
        (modules / f"{name}.py").write_text(CALLED.format(name=name, calls=str(calls)), encoding="utf-8")

    run = set_up(
        "http://127.0.0.1:1", tmp_path, collections=tmp_path, more=["-e", "awx_setup_execution_environment_image=ee:1"]
    )

    assert run.returncode == 0, run.stdout + run.stderr
    made = [line.partition(" ")[0] for line in calls.read_text(encoding="utf-8").splitlines()]
    templates, workflows = len(VARIABLES["awx_setup_templates"]), len(VARIABLES["awx_setup_workflows"])
    each = {"host": 1, "credential": 1, "job_template": templates, "workflow_job_template": workflows}
    shared = {"project": 1, "inventory": 1, "execution_environment": 1}
    slices = {"credential_type": 1, "credential": 1, "job_template": 1}
    for_each = {name: 2 * number for name, number in each.items()}
    assert Counter(made) == Counter(shared) + Counter(slices) + Counter(for_each)
