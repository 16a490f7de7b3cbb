# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook remediate, run as a user runs it: each mode, what it refuses, and what it never touches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import as_is, at_real_pace, cancel, going_on, writes
from tests.integration.looking import look
from tests.integration.playing import REMEDIATE, Run, diagnose
from tests.integration.simulated import MIGRATIONS, VMIS, a_world, done, items, read

BOTH = "cancel_and_retry"
THREE = [{"name": "node-a"}, {"name": "node-b"}, {"name": "node-c"}]
CRASHED = {"phase": "Scheduling", "since": 200, "target": "node-b", "pod": {"exit_code": 137, "ended": 150}}
PAUSE = "live-migration.kubevirt-ops/pause"
# What somebody with rights in one namespace cannot see.
BLIND = "ActingPaused,BudgetSpent,ClusterUnhealthy,CoverageIncomplete,KubeVirtUpgrading,ManyStuckOnNode,PlacementUnseen"


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


def remediate(cluster: Cluster, folder: Path, *arguments: str, user: str = "admin", **variables: Any) -> Run:
    """A run of the playbook; names of users are those of tests/cluster."""
    kubeconfig = str(cluster.kubeconfig(user))
    return diagnose(folder, *arguments, playbook=REMEDIATE, kubeconfig=kubeconfig, **variables)


def summary(run: Run) -> dict[str, Any]:
    """What the run handed on."""
    return dict(run.stats["remediation"]["localhost"])


def acts(run: Run) -> dict[tuple[str, str], tuple[str, str]]:
    """State and code of each act, by act and VM."""
    return {(one["act"], one["vm"]): (one["state"], one["code"]) for one in summary(run)["acts"]}


def stuck_one(cluster: Cluster, **more: Any) -> dict[str, Any]:
    """team-a/web-1, whose target launcher on node-b has crashed; its migration."""
    migration = {"vm": "team-a/web-1", **CRASHED, **more}
    made = cluster.simulator.play(a_world(nodes=THREE, migrations=[migration]))
    return dict(made.migrations["team-a/web-1"][0])


def touched(cluster: Cluster, mark: Any) -> set[str]:
    """The paths of migrations that the collection deleted or changed since `mark`."""
    return {path for verb, path in writes(cluster, mark) if "virtualmachineinstancemigrations/" in path}


def lists(cluster: Cluster, mark: Any, *, until: str = "") -> int:
    """How often the migrations of the whole cluster were listed since `mark`, before one of them was deleted."""
    sent = [one for one in cluster.audit_since(mark) if one["userAgent"] == "kubevirt_ops.live_migration"]
    asked = [(one["verb"], one["requestURI"].partition("?")[0]) for one in sent]
    before = asked[: asked.index(("delete", until))] if until else asked
    return before.count(("list", "/apis/kubevirt.io/v1/virtualmachineinstancemigrations"))


# -- the modes


def test_diagnose_is_the_default_and_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    cluster.simulator.play("remediate")
    before, mark = as_is(cluster), cluster.audit_mark()
    run = remediate(cluster, tmp_path, user="operator")

    assert run.returncode == 0, run.output
    assert (as_is(cluster), writes(cluster, mark)) == (before, [])
    assert "team-a/web-1: retry: a cancel helps, and then a new migration" in run.output
    assert "team-a/web-2: wait: a cancel does not help, so it is left alone" in run.output
    assert (summary(run)["mode"], summary(run)["acts"], run.report["remediation"]["acts"]) == ("diagnose", [], [])
    rungs = {one["vm"]: one["rung"] for one in run.report["migrations"]["migrations"]}
    assert rungs == {"web-1": "retry", "web-2": "wait", "report-1": "retry", "warehouse-1": "wait", "cart-1": "wait"}


def test_cancel_goes_against_what_a_cancel_helps_against_and_against_nothing_else(
    cluster: Cluster, tmp_path: Path
) -> None:
    world = cluster.simulator.play("remediate")
    mark = cluster.audit_mark()
    with going_on(cluster):
        run = remediate(cluster, tmp_path, mode="cancel", reason="the launcher crashed")

    assert run.returncode == 0, run.output
    assert acts(run) == {
        ("cancel", "web-1"): ("cancelled", ""),
        ("cancel", "web-2"): ("refused", "SELinuxContextMissing"),
        ("cancel", "report-1"): ("refused", "OwnedByController"),
    }
    name = world.migrations["team-a/web-1"][0]["metadata"]["name"]
    assert touched(cluster, mark) == {f"{MIGRATIONS}/{name}"}
    assert {one["vm"] for one in summary(run)["stuck_after"]} == {"web-2", "report-1"}


def test_cancel_and_retry_makes_the_vm_arrive_elsewhere(cluster: Cluster, tmp_path: Path) -> None:
    stuck = stuck_one(cluster)
    with going_on(cluster):
        run = remediate(cluster, tmp_path, mode=BOTH, wait_for="finished", reason="before the reboot")

    assert run.returncode == 0, run.output
    # Ansible has nothing to say against the playbook and its role.
    assert "[WARNING]: Found" not in run.output
    assert acts(run) == {("cancel", "web-1"): ("cancelled", ""), ("retry", "web-1"): ("succeeded", "")}
    assert read(cluster, f"{VMIS}/web-1")["status"]["nodeName"] == "node-c"
    lines = [one["line"] for one in run.report["remediation"]["acts"]]
    assert f"team-a/web-1: cancel {stuck['metadata']['name']} [blocked, TargetPodCrashing]: cancelled." in lines[0]
    assert "(attempt 1 of 3)" in lines[1]
    assert summary(run)["stuck_after"] == []
    assert " ".join(lines[0].split()) in " ".join(run.output.split())
    assert lines[0].partition(" [")[0] in (tmp_path / "live-migration-report" / "report.html").read_text("utf-8")


def test_what_helps_against_no_new_migration_is_cancelled_and_not_made_again(cluster: Cluster, tmp_path: Path) -> None:
    stuck_one(cluster)
    with going_on(cluster):
        run = remediate(cluster, tmp_path, mode=BOTH, ladder={"TargetPodCrashing": "cancel"})

    assert acts(run) == {("cancel", "web-1"): ("cancelled", "")}
    assert items(cluster, MIGRATIONS) == []


def test_what_an_ended_run_has_left_is_finished(cluster: Cluster, tmp_path: Path) -> None:
    stuck_one(cluster)
    with going_on(cluster):
        # As a run that ends after its cancel.
        cancel(cluster, retry_follows=True)
        run = remediate(cluster, tmp_path, mode=BOTH, wait_for="finished")

    assert acts(run) == {("retry", "web-1"): ("succeeded", "")}, run.output
    assert read(cluster, f"{VMIS}/web-1")["status"]["nodeName"] == "node-c"


def test_what_is_due_of_other_vms_is_left_where_a_vm_is_named(cluster: Cluster, tmp_path: Path) -> None:
    vms = [{"name": f"team-a/web-{number}", "node": "node-a"} for number in (1, 2)]
    cluster.simulator.play(a_world(nodes=THREE, vms=vms, migrations=[{"vm": "team-a/web-1", **CRASHED}]))
    with going_on(cluster):
        cancel(cluster, retry_follows=True)
        run = remediate(cluster, tmp_path, mode=BOTH, vms="team-a/web-2")

    assert acts(run) == {}, run.output
    assert items(cluster, MIGRATIONS) == []


# -- check mode


def test_check_mode_plans_both_acts_and_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    stuck_one(cluster)
    before = as_is(cluster)
    run = remediate(cluster, tmp_path, "--check", mode=BOTH)

    assert run.returncode == 0, run.output
    assert as_is(cluster) == before
    assert acts(run) == {("cancel", "web-1"): ("planned", ""), ("retry", "web-1"): ("planned", "")}
    assert "Would write" in run.output
    assert not (tmp_path / "live-migration-report").exists()


# -- what is refused, and what is never touched


def test_healthy_one_is_refused_where_it_is_named(cluster: Cluster, tmp_path: Path) -> None:
    cluster.simulator.play("remediate")
    mark = cluster.audit_mark()
    run = remediate(cluster, tmp_path, mode=BOTH, vms="team-a/warehouse-1")

    assert run.returncode == 0, run.output
    assert acts(run) == {("cancel", "warehouse-1"): ("refused", "NotStuck")}
    assert summary(run)["acts"][0]["next_allowed_at"]
    assert writes(cluster, mark) == []


def test_pause_is_said_for_each(cluster: Cluster, tmp_path: Path) -> None:
    stuck_one(cluster)
    path = "/api/v1/namespaces/team-a"
    done(cluster.request("PATCH", path, body={"metadata": {"annotations": {PAUSE: "until Monday"}}}))
    try:
        run = remediate(cluster, tmp_path, mode=BOTH)
    finally:
        done(cluster.request("PATCH", path, body={"metadata": {"annotations": {PAUSE: None}}}))

    assert acts(run) == {("cancel", "web-1"): ("refused", "ActingPaused")}
    assert "refused (ActingPaused)" in run.output


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"max_acts_per_run": 0}, "BudgetSpent"),
        ({"max_acts_per_hour": 0}, "BudgetSpent"),
        ({"min_healthy": "4"}, "ClusterUnhealthy"),
        ({"max_stuck_per_node": 0}, "ManyStuckOnNode"),
        ({"ladder": {"TargetPodCrashing": "tune"}}, "TargetPodCrashing"),
    ],
    ids=["run", "hour", "health", "node", "ladder"],
)
def test_limits_refuse_with_their_code(cluster: Cluster, tmp_path: Path, variables: dict[str, Any], code: str) -> None:
    stuck_one(cluster)
    run = remediate(cluster, tmp_path, mode="cancel", **variables)

    assert run.returncode == 0, run.output
    assert acts(run) == {("cancel", "web-1"): ("refused", code)}


def test_place_that_is_missing_refuses_the_retry_and_not_the_cancel(cluster: Cluster, tmp_path: Path) -> None:
    migration = {"vm": "team-a/web-1", **CRASHED}
    cluster.simulator.play(a_world(migrations=[migration]))
    with going_on(cluster):
        run = remediate(cluster, tmp_path, mode=BOTH)

    # Of two nodes one is its source, and the launcher has crashed on the other.
    assert acts(run) == {("cancel", "web-1"): ("cancelled", ""), ("retry", "web-1"): ("refused", "NoPlace")}


def test_ladder_may_go_further_than_the_table(cluster: Cluster, tmp_path: Path) -> None:
    cluster.simulator.play("selinux-context-missing")
    with going_on(cluster):
        run = remediate(cluster, tmp_path, mode="cancel", ladder={"SELinuxContextMissing": "cancel"})

    assert acts(run) == {("cancel", "web-1"): ("cancelled", "")}, run.output


@pytest.mark.parametrize(
    ("ladder", "text"),
    [
        ({"TargetPodCrash": "cancel"}, "is no code of a cause"),
        ({"TargetPodCrashing": "kill"}, "is no rung. The rungs are wait, tune, cancel, retry."),
    ],
    ids=["code", "rung"],
)
def test_wrong_ladder_is_an_error_before_anything_is_read(
    cluster: Cluster, tmp_path: Path, ladder: dict[str, str], text: str
) -> None:
    mark = cluster.audit_mark()
    run = remediate(cluster, tmp_path, mode="cancel", ladder=ladder)

    assert run.returncode == 2
    assert text in " ".join(run.output.split())
    assert [one for one in cluster.audit_since(mark) if one["userAgent"] == "kubevirt_ops.live_migration"] == []


def test_what_is_wanted_can_be_made_an_error(cluster: Cluster, tmp_path: Path) -> None:
    cluster.simulator.play("selinux-context-missing")
    stuck = remediate(cluster, tmp_path, mode="cancel", fail_when_stuck=True)
    refused = remediate(cluster, tmp_path, mode="cancel", fail_when_refused=True)

    assert (stuck.returncode, refused.returncode) == (2, 2)
    assert "1 still stuck. Before: 1 of 1 migration is stuck" in " ".join(stuck.output.split())
    assert "refused (SELinuxContextMissing)" in refused.output


# -- one VM that is named


def test_vm_that_is_named_is_looked_at_once_before_its_migration_is_deleted(cluster: Cluster, tmp_path: Path) -> None:
    name = stuck_one(cluster)["metadata"]["name"]
    mark = cluster.audit_mark()
    look(cluster)
    once = lists(cluster, mark)
    mark = cluster.audit_mark()
    with going_on(cluster):
        run = remediate(cluster, tmp_path, mode=BOTH, vms="team-a/web-1", wait_for="finished")

    assert acts(run) == {("cancel", "web-1"): ("cancelled", ""), ("retry", "web-1"): ("succeeded", "")}, run.output
    assert lists(cluster, mark, until=f"{MIGRATIONS}/{name}") == once > 0
    assert [one["cause"] for one in summary(run)["stuck"]] == ["TargetPodCrashing"]
    assert [one["name"] for one in run.report["migrations"]["migrations"]] == [name]


def test_migrations_of_a_vm_that_is_named_are_judged_each(cluster: Cluster, tmp_path: Path) -> None:
    beside = {"vm": "team-a/web-1", "phase": "Pending", "since": 10, "beside": True}
    migrations = [{"vm": "team-a/web-1", **CRASHED}, beside]
    made = cluster.simulator.play(a_world(nodes=THREE, migrations=migrations)).migrations["team-a/web-1"]
    with going_on(cluster):
        run = remediate(cluster, tmp_path, mode="cancel", vms="web-1", namespaces="team-a")

    states = {one["uid"]: (one["state"], one["code"]) for one in summary(run)["acts"]}
    assert states == {
        made[0]["metadata"]["uid"]: ("cancelled", ""),
        made[1]["metadata"]["uid"]: ("refused", "NotStuck"),
    }, run.output


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"vms": "team-a/Web_1"}, "vms: 'team-a/Web_1' is neither a VM's name nor namespace/name."),
        ({"vms": "team-a/web-1", "namespaces": "team-b"}, "vms: 'team-a/web-1' is not in namespaces (team-b)"),
    ],
    ids=["no name", "another namespace"],
)
def test_name_that_cannot_be_is_refused_by_its_own_option(
    cluster: Cluster, tmp_path: Path, given: dict[str, str], text: str
) -> None:
    run = remediate(cluster, tmp_path, mode="cancel", **given)

    assert run.returncode == 2
    assert text in " ".join(run.output.split())


# -- who may, and several at once


def test_tenant_frees_their_own_vm(cluster: Cluster, tmp_path: Path) -> None:
    stuck_one(cluster)
    given = {"vms": "team-a/web-1", "namespaces": "team-a", "mode": "cancel"}
    blind = remediate(cluster, tmp_path, user="tenant", **given)
    with going_on(cluster):
        freed = remediate(cluster, tmp_path, user="tenant", accept_risks=f"{BLIND},LockHeld,NotStuck", **given)

    assert blind.returncode == freed.returncode == 0, blind.output + freed.output
    assert acts(blind)[("cancel", "web-1")][0] == "refused"
    assert acts(freed)[("cancel", "web-1")] == ("cancelled", "")


def test_what_could_not_be_read_is_not_accepted_for_a_vm_that_was_found(cluster: Cluster, tmp_path: Path) -> None:
    stuck_one(cluster)
    mark = cluster.audit_mark()
    run = remediate(
        cluster, tmp_path, user="tenant", namespaces="team-a", mode="cancel", accept_risks=f"{BLIND},LockHeld"
    )

    assert run.returncode == 0, run.output
    assert {state for state, _code in acts(run).values()} <= {"refused"}
    assert touched(cluster, mark) == set()


def test_of_two_runs_one_acts(cluster: Cluster, tmp_path: Path) -> None:
    stuck_one(cluster)
    folders = [tmp_path / "east", tmp_path / "west"]
    mark = cluster.audit_mark()
    for folder in folders:
        folder.mkdir()
    with going_on(cluster), ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda folder: remediate(cluster, folder, mode=BOTH, wait_for="finished"), folders))

    assert [run.returncode for run in runs] == [0, 0], runs
    sent = [one for one in cluster.audit_since(mark) if one["userAgent"] == "kubevirt_ops.live_migration"]
    made = [one for one in sent if one["verb"] == "create" and one["requestURI"].startswith(MIGRATIONS)]
    assert len([one for one in made if one["code"] < 300]) == 1, [acts(run) for run in runs]
    assert read(cluster, f"{VMIS}/web-1")["status"]["nodeName"] == "node-c"
