# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever may write a message in the cluster writes to nobody's terminal, and no template of theirs is evaluated."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import at_real_pace, going_on
from tests.integration.playing import PREFLIGHT, REMEDIATE, Run, diagnose, play_tasks
from tests.integration.simulated import EVENTS, MIGRATIONS, PODS, VMIS, a_world, items

# Colour, a link, the same in one character, back over the line, text that runs backwards, what has no width.
OBEYED = "\x1b[31m\x1b]8;;http://x\x07\x9b2J\r\x08\x7f\u202e\u2066\u200b\ufeff"
SPELT = ("\\x1b[31m", "\\x9b2J", "\\u202e", "\\u200b")
NAMESPACE = "/api/v1/namespaces/team-a"
NODES = "/api/v1/nodes"
KUBEVIRTS = "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts"
THREE = [{"name": "node-a"}, {"name": "node-b"}, {"name": "node-c"}]
CRASHED = {"phase": "Scheduling", "since": 200, "target": "node-b", "pod": {"exit_code": 137, "ended": 150}}
# An object has no more than 1.5 MiB.
LONG = 1_000_000


def hostile(mark: Path) -> str:
    """A text that does all of it, and makes a file where it is taken for a template."""
    call = f"lookup('ansible.builtin.pipe', 'touch {mark}')"
    return f"{{{{ {call} }}}}{{% set x = {call} %}}{OBEYED}{{# end #}}"


def spoil(obj: Any, text: str) -> None:
    """Each text for people in an object becomes `text`; a container that has ended says it too."""
    if isinstance(obj, dict) and "exitCode" in obj:
        obj["message"] = text
    for key in ("message", "failureReason", "note"):
        if isinstance(obj, dict) and isinstance(obj.get(key), str):
            obj[key] = text
    for inner in obj.values() if isinstance(obj, dict) else obj if isinstance(obj, list) else ():
        spoil(inner, text)


def spoil_all(cluster: Cluster, text: str) -> int:
    """How many objects were spoilt."""

    def change(obj: dict[str, Any]) -> None:
        spoil(obj, text)
        annotations = obj["metadata"].setdefault("annotations", {})
        annotations["kubevirt.io/spoilt"] = text

    count = 0
    for place in (PODS, VMIS, MIGRATIONS, EVENTS, NODES, KUBEVIRTS):
        for obj in items(cluster, place):
            path = NAMESPACE + "/events" if place == EVENTS else place
            cluster.rewrite(f"{path}/{obj['metadata']['name']}", change)
            count += 1
    return count


def check(run: Run, mark: Path) -> None:
    """Nothing was evaluated, and nothing raw stands in what was printed or written; that it came so far is seen."""
    written = [file.read_text(encoding="utf-8") for file in run.folder.glob("live-migration-report/*")]
    raw = {
        f"{char!a} in {where}"
        for where, text in (("output", run.output), *((f"file {number}", one) for number, one in enumerate(written)))
        for char in set(text) - {"\n", "\t"}
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }

    assert not mark.exists()
    assert raw == set()
    assert all(part in run.output.replace("\\\\", "\\") for part in SPELT), run.output
    assert "lookup(" in run.output


@pytest.fixture(autouse=True)
def _fresh(cluster: Cluster) -> None:
    at_real_pace(cluster)


def test_diagnose_shows_texts_of_the_cluster_and_does_nothing_with_them(cluster: Cluster, tmp_path: Path) -> None:
    cluster.simulator.play("target-pod-unschedulable")
    assert spoil_all(cluster, hostile(tmp_path / "ran") + "x" * LONG) > 5

    formats = ["json", "html", "markdown"]
    run = diagnose(tmp_path, "-v", kubeconfig=str(cluster.kubeconfig("operator")), report_formats=formats)

    assert run.returncode == 0, run.output[-3000:]
    check(run, tmp_path / "ran")
    assert "[cut]" in run.output
    assert len(run.output) < LONG
    sizes = {file.name: file.stat().st_size for file in (tmp_path / "live-migration-report").iterdir()}
    assert [name for name, size in sizes.items() if size > LONG] == []


def test_remediate_acts_on_names_alone(cluster: Cluster, tmp_path: Path) -> None:
    world = cluster.simulator.play(a_world(nodes=THREE, migrations=[{"vm": "team-a/web-1", **CRASHED}]))
    assert world.migrations
    spoil_all(cluster, hostile(tmp_path / "ran"))

    with going_on(cluster):
        run = diagnose(
            tmp_path,
            "-v",
            playbook=REMEDIATE,
            kubeconfig=str(cluster.kubeconfig("admin")),
            mode="cancel_and_retry",
        )

    assert {one["act"] for one in run.stats["remediation"]["localhost"]["acts"]} == {"cancel", "retry"}, run.output
    check(run, tmp_path / "ran")


def test_preflight_shows_why_kubevirt_would_not_migrate_and_does_nothing_with_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    no = {"reason": "DisksNotLiveMigratable", "message": "spoilt below"}
    vm = {"name": "team-a/web-1", "node": "node-a", "not_migratable": no}
    cluster.simulator.play(a_world(nodes=THREE, vms=[vm], migrations=[]))
    spoil_all(cluster, hostile(tmp_path / "ran"))

    run = diagnose(tmp_path, "-v", playbook=PREFLIGHT, kubeconfig=str(cluster.kubeconfig("operator")), nodes="node-a")

    assert run.returncode == 0, run.output
    (found,) = run.preflight["preflight"]["vms"]
    assert found["reason"] == "NotLiveMigratable"
    check(run, tmp_path / "ran")


# What users do with a result: keep it, print it, fail with it, hand it on.
TASKS: list[dict[str, Any]] = [
    {"migration_info": {"include_finished": True}, "register": "found"},
    {"node_health_info": {}, "register": "nodes"},
    {"debug": {"var": "found"}},
    {"debug": {"msg": "{{ found.migrations | map(attribute='causes') | flatten | map(attribute='summary') | list }}"}},
    {"set_fact": {"kept": "{{ found.migrations[0] }}"}},
    {"debug": {"msg": "{{ kept.causes[0].evidence[0].value }}"}},
    {"set_stats": {"data": {"handed_on": "{{ found.migrations[0].causes }}"}}},
    {"fail": {"msg": "{{ kept.causes[0].summary }}"}, "ignore_errors": True},
    {"migration_retry": {"namespace": "team-a", "vm": "web-1", "fail_on_refusal": True}, "ignore_errors": True},
]


def test_result_may_be_kept_printed_failed_with_and_handed_on(cluster: Cluster, tmp_path: Path) -> None:
    cluster.simulator.play("target-pod-unschedulable")
    spoil_all(cluster, hostile(tmp_path / "ran"))

    run = play_tasks(tmp_path, TASKS, "-v", environment={"K8S_AUTH_KUBECONFIG": str(cluster.kubeconfig("admin"))})

    assert run.returncode == 0, run.output
    check(run, tmp_path / "ran")
    assert "handed_on" in run.output
