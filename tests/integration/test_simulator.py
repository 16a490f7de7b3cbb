# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator does what KubeVirt's own controllers were seen to do: phases, slots and ends."""

from __future__ import annotations

import ast
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import tests.cluster.simulator
from tests.cluster import Cluster
from tests.cluster.simulator import ScenarioError
from tests.cluster.simulator.clock import moment
from tests.cluster.simulator.journey import timeline
from tests.cluster.simulator.scenario import Scenario, load, names, parse
from tests.integration.simulated import (
    KUBEVIRT,
    LEASE,
    MIGRATIONS,
    NAMESPACE,
    QUIET,
    VMIS,
    VMS,
    a_world,
    condition_types,
    create,
    delete,
    done,
    is_gone,
    items,
    path_of,
    phase,
    plant,
    read,
    said,
    step,
    step_until,
    target_pod,
)

MIGRATION, VMI = "VirtualMachineInstanceMigration", "VirtualMachineInstance"
FULL_RUN = ["Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running", "Succeeded"]


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    cluster.simulator.clock.factor = 1.0
    cluster.simulator.refusals.clear()


# --- scenarios ---


def test_simulator_imports_nothing_of_the_collection() -> None:
    folder = Path(tests.cluster.simulator.__file__).parent
    trees = [ast.parse(path.read_text()) for path in folder.glob("*.py")]
    imported = [node.module or "" for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]

    assert imported
    assert not [module for module in imported if "ansible" in module or "plugins" in module]


MALFORMED = {
    "not a mapping": ([], "scenario: a mapping is wanted, not []"),
    "no nodes": ({"title": "t", "vms": []}, "scenario: nodes is missing"),
    "unknown key": (a_world(nodez=[]), "scenario: unknown 'nodez'; known: title, nodes"),
    "unknown key inside": (a_world(nodes=[{"name": "n", "redy": "True"}]), "scenario.nodes[0]: unknown 'redy'"),
    "wrong type": (a_world(nodes=[{"name": "n", "since": "5"}]), "scenario.nodes[0].since: int is wanted, not '5'"),
    "list wanted": (a_world(migrations={}), "scenario.migrations: a list is wanted, not {}"),
    "node of a vm": (a_world(vms=[{"name": "a/b", "node": "x"}]), "vm a/b, node: 'x' is none of 'node-a', 'node-b'"),
    "name of a vm": (a_world(vms=[{"name": "b"}]), "vm 'b': a name is namespace/name"),
    "vm": (a_world(migrations=[{"vm": "a/b"}]), "migration, vm: 'a/b' is none of 'team-a/web-1'"),
    "phase": (a_world(migrations=[{"vm": "team-a/web-1", "phase": "Ready"}]), "phase: 'Ready' is none of"),
    "no target": (
        a_world(migrations=[{"vm": "team-a/web-1", "phase": "Running"}]),
        "a target is needed in phase Running",
    ),
    "verdict": (a_world(expected=[{"vm": "team-a/web-1", "verdict": "fine"}]), "verdict: 'fine' is none of"),
}


@pytest.mark.parametrize(("data", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_scenario_is_refused_by_name_of_the_place(data: Any, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(data)

    assert message in str(caught.value)


def test_scenario_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ScenarioError, match=r"no scenario 'nope'; there are: .*demo"):
        load("nope")


@pytest.mark.parametrize("name", names())
def test_scenario_leaves_objects_as_declared(cluster: Cluster, name: str) -> None:
    scenario = load(name)
    world = cluster.simulator.play(name)

    assert {entry["vm"] for entry in world.expected} == {migration.vm for migration in scenario.migrations}
    assert len(items(cluster, f"{KUBEVIRT}/virtualmachines")) == len(scenario.vms)
    assert len(items(cluster, "/api/v1/nodes")) == len(scenario.nodes)
    _assert_migrations_stand_as_declared(cluster, scenario)


def _assert_migrations_stand_as_declared(cluster: Cluster, scenario: Scenario) -> None:
    """Of several migrations of one VM the older is compared with the one that was declared older."""
    now = cluster.simulator.clock.now()
    declared = sorted(scenario.migrations, key=lambda migration: (migration.vm, timeline(migration, now=now)[""]))
    stored = items(cluster, f"{KUBEVIRT}/virtualmachineinstancemigrations")
    found = sorted(stored, key=lambda vmim: (_vm(vmim), _born(vmim)))
    assert [_vm(vmim) for vmim in found] == [migration.vm for migration in declared]
    for migration, vmim in zip(declared, found, strict=True):
        assert abs((_born(vmim) - timeline(migration, now=now)[""]).total_seconds()) < 30
        assert (vmim.get("status") or {}).get("phase", "") == migration.phase
        assert ("deletionTimestamp" in vmim["metadata"]) == (migration.deleted is not None)


def _vm(vmim: Any) -> str:
    return f"{vmim['metadata']['namespace']}/{vmim['spec']['vmiName']}"


def _born(vmim: Any) -> datetime:
    created = moment(vmim["metadata"]["creationTimestamp"])
    assert created is not None
    return created


def test_nothing_in_the_cluster_names_a_planted_cause(cluster: Cluster) -> None:
    cluster.simulator.play("demo")
    stored = " ".join(found.text for found in cluster.store.scan("/registry/"))
    causes = {wanted.first_cause for wanted in load("demo").expected if wanted.first_cause}

    assert len(causes) >= 7
    assert [cause for cause in causes if re.search(rf"\b{cause}\b", stored)] == []


def test_every_second_planted_migration_is_the_tenants() -> None:
    planted = [migration.vm for name in names() for migration in load(name).migrations]

    assert sum(vm.startswith(f"{NAMESPACE}/") for vm in planted) * 2 >= len(planted)


# --- a run from end to end ---


def test_full_run_passes_all_phases_once_in_order(cluster: Cluster) -> None:
    cluster.simulator.play(QUIET)
    vmim = create(cluster)
    step_until(cluster, vmim, phase_is="Running")
    assert read(cluster, f"{VMS}/web-1")["status"]["printableStatus"] == "Migrating"
    cluster.simulator.clock.factor = 1e9
    step_until(cluster, vmim, phase_is="Succeeded")

    passed = read(cluster, path_of(vmim))["status"]["phaseTransitionTimestamps"]
    assert [entry["phase"] for entry in passed] == FULL_RUN
    times = [entry["phaseTransitionTimestamp"] for entry in passed]
    assert times == sorted(times)


def test_advance_takes_one_phase_at_a_time_whatever_holds_it(cluster: Cluster) -> None:
    vmim = cluster.simulator.play("selinux-context-missing").migrations["team-a/web-1"][0]

    assert [cluster.simulator.advance(vmim) for _phase in FULL_RUN[1:]] == FULL_RUN[1:]
    assert phase(cluster, vmim) == "Succeeded"


def test_failure_of_a_copy_is_copied_from_the_vmi(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running")
    cluster.simulator.fail(vmim, reason="internal error: client socket is closed")

    kept = read(cluster, path_of(vmim))["status"]
    assert (kept["phase"], kept["migrationState"]["failed"], kept["migrationState"]["completed"]) == (
        "Failed",
        True,
        True,
    )
    assert kept["migrationState"]["failureReason"] == "internal error: client socket is closed"
    assert "abortStatus" not in kept["migrationState"]
    assert read(cluster, f"{VMIS}/web-1")["status"]["nodeName"] == "node-a"


def test_full_run_leaves_the_guest_on_the_target(cluster: Cluster) -> None:
    vmim = plant(cluster, "Succeeded")
    vmi, kept = read(cluster, f"{VMIS}/web-1"), read(cluster, path_of(vmim))

    assert vmi["status"]["nodeName"] == vmi["metadata"]["labels"]["kubevirt.io/nodeName"] == "node-b"
    assert kept["status"]["migrationState"] == vmi["status"]["migrationState"]
    assert kept["status"]["migrationState"]["completed"] is True
    assert "finalizers" not in kept["metadata"]
    assert read(cluster, f"{VMS}/web-1")["status"]["printableStatus"] == "Running"
    assert said(cluster, MIGRATION)["SuccessfulMigration"] == "Source node reported migration succeeded"


def test_hand_off_writes_the_effective_configuration(cluster: Cluster) -> None:
    selectors = {"selectors": {"namespaceSelector": {"kubernetes.io/metadata.name": NAMESPACE}}}
    wanted = a_world(
        configuration={"migrations": {"progressTimeout": 99}},
        policies=[{"name": "tenants", "spec": {**selectors, "allowPostCopy": True, "completionTimeoutPerGiB": 7}}],
        migrations=[{"vm": "team-a/web-1", "phase": "PreparingTarget", "since": 5, "target": "node-b"}],
    )
    cluster.simulator.play(wanted)
    state = read(cluster, f"{VMIS}/web-1")["status"]["migrationState"]

    got = {key: state["migrationConfiguration"][key] for key in ("progressTimeout", "completionTimeoutPerGiB")}
    assert got == {"progressTimeout": 99, "completionTimeoutPerGiB": 7}
    assert state["migrationConfiguration"]["allowWorkloadDisruption"] is True
    assert state["migrationPolicyName"] == "tenants"


def test_before_the_end_the_migration_itself_knows_the_source_pod_only(cluster: Cluster) -> None:
    vmim = read(cluster, path_of(plant(cluster, "Running")))

    assert list(vmim["status"]["migrationState"]) == ["sourcePod"]
    assert vmim["metadata"]["finalizers"] == ["kubevirt.io/migrationJobFinalize"]
    assert vmim["metadata"]["labels"] == {"kubevirt.io/vmi-name": "web-1"}


def test_target_pod_is_found_by_the_migrations_uid_and_name(cluster: Cluster) -> None:
    vmim = plant(cluster, "Running")
    pod, vmi = target_pod(cluster, vmim), read(cluster, f"{VMIS}/web-1")

    assert pod["metadata"]["labels"]["kubevirt.io/created-by"] == vmi["metadata"]["uid"]
    assert pod["metadata"]["annotations"]["kubevirt.io/migrationJobName"] == vmim["metadata"]["name"]
    assert vmi["status"]["migrationState"]["targetPod"] == pod["metadata"]["name"]
    assert vmi["status"]["activePods"][pod["metadata"]["uid"]] == "node-b"


def test_only_five_finished_migrations_are_kept(cluster: Cluster) -> None:
    ended = [
        {"vm": "team-a/web-1", "phase": "Failed", "since": 1000 - 100 * n, "target": "node-b", "ran": 10}
        for n in range(7)
    ]
    world = cluster.simulator.play(a_world(migrations=ended))
    cluster.simulator.step()

    left = {vmim["metadata"]["name"] for vmim in items(cluster, MIGRATIONS)}
    assert left == {vmim["metadata"]["name"] for vmim in world.migrations["team-a/web-1"][2:]}


# --- what holds a migration ---


def test_queued_migration_goes_on_when_the_limit_is_raised(cluster: Cluster) -> None:
    world = cluster.simulator.play("cluster-limit")
    waiting = world.migrations["team-a/web-1"][0]
    cluster.simulator.step()
    assert phase(cluster, waiting) == "Pending"
    more = {"spec": {"configuration": {"migrations": {"parallelMigrationsPerCluster": 3}}}}
    done(cluster.request("PATCH", f"{KUBEVIRT}/namespaces/kubevirt/kubevirts/kubevirt", body=more))
    cluster.simulator.step()

    assert phase(cluster, waiting) == "Scheduling"


HELD = ("outbound-limit", "leftover-pod", "selinux-context-missing", "quota-exceeded", "pending-for-no-reason")


@pytest.mark.parametrize("name", HELD)
def test_what_holds_a_planted_migration_goes_on_holding_it(cluster: Cluster, name: str) -> None:
    world = cluster.simulator.play(name)
    step(cluster, 3)

    assert phase(cluster, world.migrations["team-a/web-1"][0]) == "Pending"


def test_quota_speaks_through_condition_and_event(cluster: Cluster) -> None:
    world = cluster.simulator.play("quota-exceeded")
    vmim = read(cluster, path_of(world.migrations["team-a/web-1"][0]))

    condition = vmim["status"]["conditions"][0]
    assert (condition["type"], condition["lastTransitionTime"]) == ("migrationRejectedByResourceQuota", None)
    assert condition["lastProbeTime"]
    message = said(cluster, VMI)["FailedCreate"]
    assert message.startswith('Error creating pod: pods "virt-launcher-web-1-')
    assert "exceeded quota: compute, requested: requests.memory=" in message


def test_raised_quota_lets_the_target_pod_in(cluster: Cluster) -> None:
    vmim = cluster.simulator.play("quota-exceeded").migrations["team-a/web-1"][0]
    quota = f"/api/v1/namespaces/{NAMESPACE}/resourcequotas/compute"
    for part, path in (("spec", quota), ("status", f"{quota}/status")):
        done(cluster.request("PATCH", path, body={part: {"hard": {"requests.memory": "64Gi"}}}))
    step_until(cluster, vmim, phase_is="Scheduling")

    assert condition_types(read(cluster, path_of(vmim))) == []


def test_silent_controller_leaves_everything_as_it_is(cluster: Cluster) -> None:
    world = cluster.simulator.play("controller-silent-unset")
    vmim = world.migrations["team-a/web-1"][0]
    renewed = read(cluster, LEASE)["spec"]["renewTime"]
    cluster.simulator.step()
    assert (phase(cluster, vmim), read(cluster, LEASE)["spec"]["renewTime"]) == ("", renewed)
    cluster.simulator.controller(silent=False)
    cluster.simulator.step()

    assert phase(cluster, vmim) == "Pending"
    assert read(cluster, LEASE)["spec"]["renewTime"] > renewed


TIMEOUTS = {
    "unschedulable": ({"unschedulable": "0/2 nodes are available."}, "migrationUnschedulablePodTimeoutSeconds"),
    "pending": ({"waiting": "ContainerCreating"}, "migrationPendingPodTimeoutSeconds"),
}


@pytest.mark.parametrize("word", TIMEOUTS)
def test_pod_that_never_runs_is_deleted_at_the_annotated_time(cluster: Cluster, word: str) -> None:
    trouble, annotation = TIMEOUTS[word]
    vmim = plant(cluster, "Scheduling", pod=trouble)
    pod = target_pod(cluster, vmim)["metadata"]["name"]
    limit = {"metadata": {"annotations": {f"kubevirt.io/{annotation}": "5"}}}
    done(cluster.request("PATCH", path_of(vmim), body=limit))
    step(cluster, 3)

    assert phase(cluster, vmim) == "Failed"
    assert said(cluster, MIGRATION)["SuccessfulDelete"] == f"{word} pod {NAMESPACE}/{pod} timeout period exceeded"


# --- evacuations, life ---


def test_evacuation_makes_the_next_migration_after_a_cancelled_one(cluster: Cluster) -> None:
    world = cluster.simulator.play("healthy-evacuation")
    first = world.migrations["team-a/db-1"][0]
    delete(cluster, first)
    step(cluster, 3)

    assert is_gone(cluster, first)
    (following,) = items(cluster, MIGRATIONS)
    assert following["metadata"]["name"].startswith("kubevirt-evacuation-")
    assert following["metadata"]["annotations"]["kubevirt.io/evacuationMigration"] == "node-a"
    assert following["spec"]["priority"] == "system-critical"


def test_evacuation_waits_after_a_failure(cluster: Cluster) -> None:
    moving = {"vm": "team-a/web-1", "origin": "evacuation"}
    failed = {**moving, "phase": "Failed", "since": 5, "ran": 10, "target": "node-b"}
    vms = [{"name": "team-a/web-1", "node": "node-a", "evacuation": True}]
    world = cluster.simulator.play(a_world(vms=vms, migrations=[failed, {**moving, "phase": "Pending", "since": 1}]))
    cluster.simulator.step()

    assert phase(cluster, world.migrations["team-a/web-1"][1]) == "Pending"
    assert said(cluster, VMI)["MigrationBackoff"] == f"backoff migrating vmi {NAMESPACE}/web-1"


def test_signs_of_life_are_renewed_on_nodes_that_live(cluster: Cluster) -> None:
    beat = "kubevirt.io/heartbeat"
    nodes = [{"name": "node-a", "heartbeat": 100}, {"name": "node-b", "handler": "missing", "heartbeat": 100}]
    cluster.simulator.play(a_world(nodes=nodes))
    before = [node["metadata"]["annotations"][beat] for node in items(cluster, "/api/v1/nodes")]
    cluster.simulator.step()
    after = [node["metadata"]["annotations"][beat] for node in items(cluster, "/api/v1/nodes")]

    assert after[0] > before[0]
    assert after[1] == before[1]


def test_background_run_moves_what_a_user_creates(cluster: Cluster) -> None:
    cluster.simulator.play(QUIET)
    vmim = create(cluster)
    cluster.simulator.run(pause=0.01)
    try:
        seen = {phase(cluster, vmim) for _turn in range(300)}
    finally:
        cluster.simulator.rest()

    assert "Scheduling" in seen
    assert phase(cluster, vmim) != ""
