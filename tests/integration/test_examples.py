# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in every module's documentation, run as they stand, one after the other, on the real API server.

Only places outside of the cluster are exchanged for those of the test: a rules file, an archive, a Prometheus.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster
from tests.integration.acting import going_on
from tests.integration.playing import Run, diagnose
from tests.make.places import FULL_NAME, ROOT

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
NODES = [{"name": f"node-{number}", "labels": {"topology.kubernetes.io/zone": "east"}} for number in range(5, 10)]
WORLD = {
    "title": "What the examples speak of",
    "nodes": NODES,
    "vms": [
        {"name": "team-a/web-1", "node": "node-7"},
        {"name": "team-a/db-1", "node": "node-8", "labels": {"tier": "db"}},
    ],
    "migrations": [
        {
            "vm": "team-a/web-1",
            "phase": "Scheduling",
            "since": 200,
            "target": "node-9",
            "pod": {"exit_code": 137, "ended": 150},
        }
    ],
}
# What the examples take from a task that another page shows.
BEFORE: dict[str, dict[str, str]] = {
    "migration_cancel": {"looked": "migration_info"},
    "migration_report": {
        "looked": "migration_info",
        "found_before_drain": "preflight_info",
        "advised": "migration_tuning_info",
        "found_nodes": "node_health_info",
    },
    "migration_retry": {"looked": "migration_info", "cancelled": "migration_cancel"},
}
ARGUMENTS = {
    "preflight_info": {"nodes": ["node-7"]},
    "migration_cancel": {"targets": "{{ looked.migrations | selectattr('stuck') }}"},
}
# Tasks that end in an error here, as they are there for: words of what they say.
STOPS = {
    "Stop when a migration is stuck": "1 of 1",
    "Stop when a VM would be shut down or would hold the drain": "",
}
ELSEWHERE = (
    ("/etc/prometheus/rules/live-migration.yml", "{folder}/rules.yml"),
    ("/tmp/must-gather.tar.gz", "{folder}/before.tar.gz"),
    ("/var/tmp/ticket-4711", "{folder}/ticket"),
    ("https://thanos-querier.openshift-monitoring.svc:9092", "http://127.0.0.1:9"),
    ("https://thanos-querier.openshift-monitoring.svc:9091", "http://127.0.0.1:9"),
    ("/etc/ssl/service-ca.crt", "{folder}/ca.crt"),
)


def make_namespace(cluster: Cluster, name: str) -> None:
    """There, whoever made it."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    status, answer = cluster.request("POST", "/api/v1/namespaces", body=body)
    assert status in (201, 409), answer


def examples_of(module: str, *, folder: Path) -> list[dict[str, Any]]:
    """The tasks of its EXAMPLES, which name only what is there."""
    text = importlib.import_module(f"ansible_collections.{FULL_NAME}.plugins.modules.{module}").EXAMPLES
    for place, ours in ELSEWHERE:
        text = text.replace(place, ours.format(folder=folder))
    return list(yaml.safe_load(text))


def run_examples(cluster: Cluster, module: str, *, folder: Path) -> Run:
    """All of them in one play, which an error does not end."""
    before = [
        {"name": f"Before: {name}", f"{FULL_NAME}.{used}": ARGUMENTS.get(used, {}), "register": name}
        for name, used in BEFORE.get(module, {}).items()
    ]
    if module == "migration_info":
        before = [{"name": "Before", f"{FULL_NAME}.migration_evidence": {"path": str(folder / "before.tar.gz")}}]
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "ignore_errors": True,
        "module_defaults": {f"group/{FULL_NAME}.all": {"kubeconfig": str(cluster.kubeconfig("admin"))}},
        "handlers": [{"name": "Reload Prometheus", "ansible.builtin.debug": {"msg": "reloaded"}}],
        "tasks": before + examples_of(module, folder=folder),
    }
    (folder / "examples.yml").write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    (folder / "ca.crt").write_text("", encoding="utf-8")
    return diagnose(folder, playbook="examples.yml")


def said_of_tasks(output: str) -> dict[str, str]:
    """What was printed of each task, by its name."""
    parts = re.split(r"(?m)^TASK \[(.*)\] \**$", output)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("module", MODULES)
def test_examples_run_as_they_stand(cluster: Cluster, tmp_path: Path, module: str) -> None:
    cluster.simulator.clock.factor = 1.0
    cluster.simulator.play(WORLD)
    make_namespace(cluster, "monitoring")
    examples = examples_of(module, folder=tmp_path)
    assert any(f"{FULL_NAME}.{module}" in task for task in examples)

    with going_on(cluster):
        run = run_examples(cluster, module, folder=tmp_path)

    said = said_of_tasks(run.output)
    assert [task["name"] for task in examples if task["name"] not in said] == []
    failed = {name: text for name, text in said.items() if "fatal: " in text or "failed: " in text}
    assert {name: text for name, text in failed.items() if name not in STOPS} == {}
    assert [name for name, text in failed.items() if STOPS[name] not in text] == []
