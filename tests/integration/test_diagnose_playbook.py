# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook diagnose, run as a user runs it, against the test cluster."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster
from tests.integration.playing import Run, diagnose, diagnose_in_terminal
from tests.integration.simulated import PODS, a_world, items

STUCK = ("blocked", "stalled", "overdue")


def play(cluster: Cluster, scenario: str) -> dict[str, tuple[str, str | None]]:
    """Fill the cluster with a scenario; by VM the verdict and the first cause that it planted."""
    cluster.reset()
    world = cluster.simulator.play(scenario)
    return {entry["vm"]: (entry["verdict"], entry["first_cause"]) for entry in world.expected}


@pytest.fixture(scope="module")
def demo(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, tuple[str, str | None]], Run]:
    """What the demo's world planted, and an operator's run on it."""
    planted = play(cluster, "demo")
    return planted, diagnose(tmp_path_factory.mktemp("demo"), kubeconfig=str(cluster.kubeconfig("operator")))


Demo = tuple[dict[str, tuple[str, str | None]], Run]


def table_of(output: str) -> dict[str, str]:
    """The lines of the printed table by VM (namespaces and names short enough not to be cut)."""
    rows = re.finditer(r"^(?:blocked|overdue|queued|progressing) +(\S+/\S+) .*$", output, re.MULTILINE)
    return {row[1]: row[0] for row in rows}


def test_looking_succeeds_also_when_something_is_stuck(demo: Demo) -> None:
    _planted, run = demo
    assert run.returncode == 0, run.output
    assert re.search(r"^\d+ of \d+ migrations are stuck", run.output, re.MULTILINE)


def test_report_holds_what_was_planted(demo: Demo) -> None:
    planted, run = demo
    found = {f"{one['namespace']}/{one['vm']}": one for one in run.report["migrations"]["migrations"]}
    unfinished = {vm: said for vm, said in planted.items() if said[0] not in ("succeeded", "failed")}
    assert {vm: (one["verdict"], one["cause"] or None) for vm, one in found.items()} == unfinished


def test_terminal_explains_each_stuck_migration(demo: Demo) -> None:
    planted, run = demo
    explained = re.findall(r"^\d+\. (\S+): \w+\n(?:   .*\n)*?   Why    (\w+)", run.output, re.MULTILINE)
    assert dict(explained) == {vm: cause for vm, (verdict, cause) in planted.items() if verdict in STUCK}
    assert len({cause for _vm, cause in explained}) >= 7


def test_terminal_gets_plain_lines_of_80_columns(demo: Demo) -> None:
    _planted, run = demo
    printed = run.output.partition(": Report] *")[2].partition("Report: ")[0].split("\n")[1:]
    too_wide = [line for line in printed if len(line) > 80 and not line.startswith(" " * 12 + "kubectl ")]
    assert len(printed) > 50
    assert too_wide == []
    assert not [line for line in printed if "\\n" in line or "\x1b" in line]


def test_commands_stand_whole_on_lines_of_their_own(demo: Demo) -> None:
    _planted, run = demo
    given = {
        advice["command"]
        for one in run.report["migrations"]["migrations"]
        if one["stuck"]
        for cause in one["causes"]
        for advice in cause["advice"]
    }
    printed = {line.strip() for line in run.output.splitlines()}
    assert given - {""} <= printed
    assert len(given) > 5


def test_page_names_every_stuck_migration(demo: Demo) -> None:
    planted, run = demo
    page = (run.folder / "live-migration-report" / "report.html").read_text(encoding="utf-8")
    assert all(vm in page for vm, (verdict, _cause) in planted.items() if verdict in STUCK)


def test_summary_is_handed_on(demo: Demo) -> None:
    planted, run = demo
    handed_on = run.stats["clusters"]["localhost"]
    stuck = {f"{one['namespace']}/{one['vm']}": (one["verdict"], one["cause"]) for one in handed_on["stuck"]}
    assert stuck == {vm: said for vm, said in planted.items() if said[0] in STUCK}
    assert all(one["uid"] and one["name"] for one in handed_on["stuck"])
    assert handed_on["report"]["json"] == str(run.folder / "live-migration-report" / "report.json")
    assert handed_on["coverage_complete"] is True


def test_stuck_is_an_error_where_that_is_asked_for(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "selinux-context-missing")
    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("operator")), fail_when_stuck=True)
    assert run.returncode == 2
    assert "1 of 1 migration is stuck: SELinuxContextMissing." in run.report["meta"]["headline"]
    assert re.search(r"fatal: \[localhost\].*1 of 1 migration is stuck", run.output, re.DOTALL)


def test_healthy_migrations_are_no_error_even_then(cluster: Cluster, tmp_path: Path) -> None:
    planted = play(cluster, "healthy-copy-32gi")
    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("operator")), fail_when_stuck=True)
    assert run.returncode == 0, run.output
    assert "No migration is stuck" in run.output
    assert set(table_of(run.output)) == set(planted)


def test_no_migrations_at_all_is_said(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "healthy-nothing-migrates")
    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("operator")))
    assert run.returncode == 0, run.output
    assert "No live migrations found in all namespaces." in run.output


def test_tenant_gets_verdicts_and_the_rules_that_are_missing(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "demo")
    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("tenant")), namespaces="team-a")
    assert run.returncode == 0, run.output
    assert {one["namespace"] for one in run.report["migrations"]["migrations"]} == {"team-a"}
    assert run.stats["clusters"]["localhost"]["stuck"]
    assert run.stats["clusters"]["localhost"]["coverage_complete"] is False
    assert re.search(r"^   - may not (get|list) nodes$", run.output, re.MULTILINE)
    assert "kubectl apply -f - <<'EOF'" in run.output.splitlines()


def test_role_to_paste_is_valid(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "selinux-context-missing")
    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("tenant")), namespaces="team-a")
    pasted = run.output.partition("<<'EOF'\n")[2].partition("\nEOF\n")[0]
    roles = list(yaml.safe_load_all(pasted))
    assert roles
    for role in roles:
        assert role["rules"]
        group = "/apis/rbac.authorization.k8s.io/v1"
        place = f"/namespaces/{role['metadata']['namespace']}/roles" if role["kind"] == "Role" else "/clusterroles"
        status, body = cluster.request("POST", group + place, body=role, query={"dryRun": "All"})
        assert status == 201, body


@pytest.mark.parametrize("names", ["team-a, shop", ["team-a", "shop"]], ids=["text", "list"])
def test_names_may_be_given_as_text(cluster: Cluster, tmp_path: Path, names: str | list[str]) -> None:
    play(cluster, "demo")
    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("operator")), namespaces=names, vms="")
    assert run.returncode == 0, run.output
    assert {one["namespace"] for one in run.report["migrations"]["migrations"]} == {"team-a", "shop"}


def test_nobody_gets_an_error_and_no_report(cluster: Cluster, tmp_path: Path) -> None:
    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("nobody")))
    assert run.returncode == 2
    assert "403" in run.output
    assert not re.search("is stuck|migrations are stuck|No live migrations", run.output)
    assert not (tmp_path / "live-migration-report").exists()


def test_api_server_that_refuses_is_an_error_and_never_called_healthy(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        environment = {"K8S_AUTH_HOST": f"https://127.0.0.1:{bound.getsockname()[1]}", "K8S_AUTH_API_KEY": "x" * 20}
        run = diagnose(tmp_path, environment=environment)
    assert run.returncode == 2
    assert "127.0.0.1" in run.output
    assert not re.search("No migration is stuck|No live migrations", run.output)
    assert not (tmp_path / "live-migration-report").exists()


def test_tokens_never_appear(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "selinux-context-missing")
    token = cluster.token("operator")
    environment = {
        "K8S_AUTH_HOST": cluster.server,
        "K8S_AUTH_API_KEY": token,
        "K8S_AUTH_SSL_CA_CERT": str(cluster.ca_file),
    }
    run = diagnose(tmp_path, "-vvv", environment=environment)
    assert run.returncode == 0, run.output
    written = [file.read_text(encoding="utf-8") for file in (tmp_path / "live-migration-report").iterdir()]
    assert len(written) == 2
    assert not [text for text in (run.output, *written) if token in text]


def say_something_hostile(pod: dict[str, Any]) -> None:
    for condition in pod["status"].get("conditions", ()):
        condition["message"] = "{{ 77777 * 3 }} \x1b[31m<script>"


def test_strings_of_the_cluster_are_only_ever_shown(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "target-pod-unschedulable")
    for pod in items(cluster, PODS):
        cluster.rewrite(f"{PODS}/{pod['metadata']['name']}", say_something_hostile)
    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("operator")))
    page = (tmp_path / "live-migration-report" / "report.html").read_text(encoding="utf-8")
    assert run.returncode == 0, run.output
    assert "{{ 77777 * 3 }} \\x1b[31m<script>" in " ".join(run.output.split())
    assert "{{ 77777 * 3 }} \\x1b[31m&lt;script&gt;" in page
    assert "233331" not in run.output + page


def test_check_mode_looks_and_writes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "selinux-context-missing")
    run = diagnose(tmp_path, "--check", kubeconfig=str(cluster.kubeconfig("operator")))
    assert run.returncode == 0, run.output
    assert "1 of 1 migration is stuck: SELinuxContextMissing." in run.output
    assert f"Would write {tmp_path}/live-migration-report/report.html" in run.output
    assert not (tmp_path / "live-migration-report").exists()


def test_each_cluster_gets_a_report_of_its_own(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "selinux-context-missing")
    kubeconfig = cluster.kubeconfig("operator")
    (tmp_path / "inventory").write_text(f"east kubeconfig={kubeconfig}\nwest kubeconfig={kubeconfig}\n")
    run = diagnose(tmp_path, "--inventory", "inventory", clusters="all", report_directory="reports")
    assert run.returncode == 0, run.output
    assert {file.name for file in (tmp_path / "reports").iterdir() if file.is_dir()} == {"east", "west"}
    assert set(run.stats["clusters"]) == {"east", "west"}
    assert "Live migrations of west · " in run.output


def test_second_run_says_what_has_changed_since_the_first(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "selinux-context-missing")
    first = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("operator")))
    stuck = first.stats["clusters"]["localhost"]["stuck"][0]
    play(cluster, "healthy-copy-32gi")
    settings = {"spec": {"configuration": {"migrations": {"completionTimeoutPerGiB": 800}}}}
    (kubevirt,) = items(cluster, "/apis/kubevirt.io/v1/kubevirts")
    place = f"/apis/kubevirt.io/v1/namespaces/{kubevirt['metadata']['namespace']}/kubevirts"
    cluster.rewrite(f"{place}/{kubevirt['metadata']['name']}", lambda found: merge(found, settings))

    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("operator")), compare_with="live-migration-report")

    assert run.returncode == 0, run.output
    found = run.report["compared"]
    assert [one["vm"] for one in found["freed"]] == [f"{stuck['namespace']}/{stuck['vm']}"]
    assert found["got_stuck"] == []
    assert "cluster: completionTimeoutPerGiB 150 → 800" in found["settings"]
    assert "Setting of cluster: completionTimeoutPerGiB 150 → 800" in run.output
    assert found["earlier_at"] == first.stats["clusters"]["localhost"]["read_at"]


def merge(whole: dict[str, Any], part: dict[str, Any]) -> None:
    """Write `part` into `whole`, map by map."""
    for key, value in part.items():
        if isinstance(value, dict):
            merge(whole.setdefault(key, {}), value)
        else:
            whole[key] = value


@pytest.mark.parametrize("columns", [80, 200])
def test_terminal_is_used_to_its_width_and_not_beyond(cluster: Cluster, tmp_path: Path, columns: int) -> None:
    play(cluster, "demo")
    run = diagnose_in_terminal(tmp_path, columns=columns, kubeconfig=str(cluster.kubeconfig("operator")))
    assert run.returncode == 0, run.output
    printed = run.output.partition("VERDICT")[2].partition("\n\n")[0].split("\n")[1:]
    widths = [len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in printed]
    assert max(widths) <= columns
    assert "\x1b[0;31mblocked\x1b[0m" in printed[0]
    assert ("…" in "".join(printed)) is (columns == 80)


def printed_lines(run: Run) -> list[str]:
    return run.output.partition(": Report] *")[2].partition("Report: ")[0].split("\n")[1:]


def test_lines_are_as_wide_as_is_asked_for(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "source-node-down")

    run = diagnose(tmp_path, "-e", "report_width=140", kubeconfig=str(cluster.kubeconfig("operator")))

    assert run.returncode == 0, run.output
    assert 80 < max(len(line) for line in printed_lines(run) if "kubectl" not in line) <= 140


def test_node_that_is_gone_is_said_to_be_and_its_migrations_are_shown(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "source-node-down")
    status, answer = cluster.request("DELETE", "/api/v1/nodes/node-a")
    assert status == 200, answer

    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("operator")), nodes="node-a,node-b")

    assert run.returncode == 0, run.output
    (found,) = run.report["migrations"]["migrations"]
    assert (found["vm"], found["source_node"], found["cause"]) == ("db-1", "node-a", "SourceNodeDown")
    nodes = {
        node["name"]: (node["verdict"], [one["code"] for one in node["reasons"]])
        for node in run.report["nodes"]["nodes"]
    }
    assert nodes["node-a"] == ("unhealthy", ["NodeGone"])
    assert nodes["node-b"][0] == "healthy"
    assert "There is no such Node object any more" in " ".join(run.output.split())


def test_node_that_is_gone_does_not_end_the_look_where_no_node_was_named(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "source-node-down")
    status, answer = cluster.request("DELETE", "/api/v1/nodes/node-a")
    assert status == 200, answer

    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("operator")))

    assert run.returncode == 0, run.output
    assert "node-a" in {node["name"] for node in run.report["nodes"]["nodes"]}


def test_node_of_no_migration_that_is_not_there_stays_an_error(cluster: Cluster, tmp_path: Path) -> None:
    play(cluster, "source-node-down")

    run = diagnose(tmp_path, kubeconfig=str(cluster.kubeconfig("operator")), nodes="node-a,nod-b")

    assert run.returncode == 2
    assert "the cluster has no node nod-b" in run.output


def test_of_one_vm_that_is_well_only_its_own_nodes_are_judged(cluster: Cluster, tmp_path: Path) -> None:
    """Those of a large cluster would cost more than the look itself."""
    cluster.reset()
    copying = {"vm": "team-a/web-1", "phase": "Running", "since": 20, "target": "node-b"}
    cluster.simulator.play(a_world(nodes=[{"name": f"node-{letter}"} for letter in "abc"], migrations=[copying]))
    one, all_of_them = tmp_path / "one", tmp_path / "all"
    one.mkdir()
    all_of_them.mkdir()

    mark = cluster.audit_mark()
    of_vm = diagnose(one, kubeconfig=str(cluster.kubeconfig("operator")), vms="team-a/web-1")
    asked = [entry["requestURI"] for entry in cluster.audit_since(mark) if entry["user"] == "operator"]
    of_all = diagnose(all_of_them, kubeconfig=str(cluster.kubeconfig("operator")))

    assert nodes_judged(of_vm) == ["node-a", "node-b"], of_vm.output
    assert "/api/v1/nodes/node-b" in asked
    assert not any("status.phase" in one for one in asked), asked
    assert nodes_judged(of_all) == ["node-a", "node-b", "node-c"], of_all.output


def nodes_judged(run: Run) -> list[str]:
    return [node["name"] for node in run.report["nodes"]["nodes"]]
