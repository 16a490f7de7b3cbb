# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each reason that keeps a VM from leaving: there, not there, and where its field has a wrong shape."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.preflight_advice import PREFLIGHT_ADVICE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.catalogue import (
    REASONS,
    VERDICTS,
)
from tests.unit.builders import (
    a_condition,
    a_handler,
    a_kubevirt,
    a_launcher,
    a_lease,
    a_migration,
    a_policy,
    a_state,
)
from tests.unit.draining import (
    HOST_MODEL,
    RULES,
    SOURCE,
    Drain,
    a_budget,
    a_guest,
    a_quota,
    a_target_node,
    codes,
    its_pod,
)
from tests.unit.placing import SCHEDULABLE

NOT_MIGRATABLE = a_condition(
    "LiveMigratable", "False", seconds=90, reason="DisksNotLiveMigratable", message="PVC data is not shared"
)
MIGRATABLE = a_condition("LiveMigratable", "True", seconds=90)
CAPPED = {"bandwidthPerMigration": "64Mi", "completionTimeoutPerGiB": 20}


def a_pet(strategy: str | None = "None", **status: Any) -> Any:
    return a_guest(strategy=strategy, **status)


def with_settings(**migrations: Any) -> Any:
    kubevirt = a_kubevirt()
    kubevirt["spec"]["configuration"]["migrations"] = migrations
    return kubevirt


def with_strategy(strategy: Any) -> Any:
    kubevirt = a_kubevirt()
    kubevirt["spec"]["configuration"]["evictionStrategy"] = strategy
    return kubevirt


def with_label(vmi: Any, key: str, value: str) -> Any:
    vmi["metadata"]["labels"][key] = value
    return vmi


def with_spec(vmi: Any, **spec: Any) -> Any:
    vmi["spec"] |= spec
    return vmi


def failed(number: int) -> Any:
    state = a_state(migrationUid=f"old-{number}", targetNode="node-1", failed=True, failureReason="boom")
    return a_migration("Failed", uid=f"old-{number}", age_seconds=4000 - 500 * number, state=state)


def a_backup(**more: Any) -> Any:
    return {"backupStatus": {"backupName": "nightly", **more}}


NODES = [a_target_node(SOURCE), a_target_node("node-1", amounts={"memory": "4Gi"})]
QUOTA = a_quota({"requests.memory": "16Gi"}, {"requests.memory": "9Gi"})
ROWS: dict[str, tuple[Drain, str, list[str]]] = {
    "nothing": (Drain(), "would_migrate", []),
    # what an eviction does
    "no strategy": (Drain(vmis=[a_pet(None)]), "would_stop", ["EvictionStopsVM"]),
    "strategy None": (Drain(vmis=[a_pet()]), "would_stop", ["EvictionStopsVM"]),
    "the cluster's strategy": (Drain(vmis=[a_pet(None)], kubevirt=with_strategy("LiveMigrate")), "would_migrate", []),
    "the cluster's strategy spoilt": (Drain(vmis=[a_pet(None)], kubevirt=with_strategy(7)), "unknown", []),
    "the VM's own before the cluster's": (
        Drain(vmis=[a_pet()], kubevirt=with_strategy("LiveMigrate")),
        "would_stop",
        ["EvictionStopsVM"],
    ),
    "a strategy that is not known": (Drain(vmis=[a_pet("Later")]), "would_stop", ["EvictionStopsVM"]),
    "not migratable": (Drain(vmis=[a_guest(conditions=[NOT_MIGRATABLE])]), "would_not_migrate", ["NotLiveMigratable"]),
    "not said to be migratable": (Drain(vmis=[a_guest(conditions=[])]), "would_not_migrate", ["NotLiveMigratable"]),
    "migratable spoilt": (
        Drain(vmis=[a_guest(conditions=[{"type": "LiveMigratable", "status": True}])]),
        "would_not_migrate",
        ["NotLiveMigratable"],
    ),
    "if possible, and it is": (Drain(vmis=[a_pet("LiveMigrateIfPossible")]), "would_migrate", []),
    "if possible, and it is not": (
        Drain(vmis=[a_pet("LiveMigrateIfPossible", conditions=[NOT_MIGRATABLE])]),
        "would_stop",
        ["EvictionStopsVM"],
    ),
    "external": (Drain(vmis=[a_pet("External")]), "would_not_migrate", ["ExternalEviction"]),
    "a budget that lets go": (Drain(vmis=[a_pet()], budgets=[a_budget(allowed=1)]), "would_stop", ["EvictionStopsVM"]),
    "a budget that holds": (
        Drain(vmis=[a_pet()], budgets=[a_budget()]),
        "would_not_migrate",
        ["DisruptionBudgetBlocks"],
    ),
    "a budget over others": (
        Drain(vmis=[a_pet()], budgets=[a_budget(labels={"app": "db"})]),
        "would_stop",
        ["EvictionStopsVM"],
    ),
    "a budget spoilt": (Drain(vmis=[a_pet()], budgets=[a_budget(allowed="x")]), "would_stop", ["EvictionStopsVM"]),
    "two budgets": (
        Drain(vmis=[a_pet()], budgets=[a_budget(allowed=1), a_budget("more", allowed=1)]),
        "would_not_migrate",
        ["DisruptionBudgetBlocks"],
    ),
    "a budget of a VM that migrates": (Drain(budgets=[a_budget()]), "would_migrate", []),
    # the machinery
    "controller silent": (Drain(leases=[a_lease(renewed_seconds=600)]), "would_not_migrate", ["VirtControllerSilent"]),
    "lease spoilt": (Drain(leases=[a_lease(lease_seconds="x")]), "unknown", []),
    "handler missing": (Drain(handlers=[a_handler("node-1")]), "would_not_migrate", ["SourceHandlerDown"]),
    "handler not ready": (
        Drain(handlers=[a_handler(SOURCE, ready=False)]),
        "would_not_migrate",
        ["SourceHandlerDown"],
    ),
    "limit of 0": (Drain(kubevirt=a_kubevirt(per_cluster=0)), "would_not_migrate", ["UnworkableLimits"]),
    "limit spoilt": (Drain(kubevirt=a_kubevirt(per_cluster="5")), "unknown", []),
    # the VM itself
    "no SELinux context": (Drain(vmis=[a_guest(selinuxContext="")]), "would_not_migrate", ["SELinuxContextMissing"]),
    "left-over pod": (
        Drain(launchers=[its_pod(), a_launcher("left", node="node-1")]),
        "would_not_migrate",
        ["LeftoverLauncherPod"],
    ),
    "stuck migration": (
        Drain(migrations=[a_migration("Pending", age_seconds=900)], vmis=[a_guest(selinuxContext="")]),
        "would_not_migrate",
        ["MigrationStuck", "SELinuxContextMissing"],
    ),
    "starting": (Drain(vmis=[a_guest(phase="Scheduled")]), "would_wait", ["VMINotRunning"]),
    "backup": (Drain(vmis=[a_guest(changedBlockTracking=a_backup())]), "at_risk", ["BackupInProgress"]),
    "backup over": (Drain(vmis=[a_guest(changedBlockTracking=a_backup(completed=True))]), "would_migrate", []),
    "backup spoilt": (
        Drain(vmis=[a_guest(changedBlockTracking=a_backup(completed="x"))]),
        "unknown",
        ["BackupInProgress"],
    ),
    "utility volume": (
        Drain(vmis=[with_spec(a_guest(), utilityVolumes=[{"name": "scratch"}])]),
        "would_wait",
        ["UtilityVolumesPresent"],
    ),
    "utility volumes spoilt": (Drain(vmis=[with_spec(a_guest(), utilityVolumes="x")]), "unknown", []),
    "change pending": (
        Drain(vmis=[a_guest(conditions=[MIGRATABLE, a_condition("HotMemoryChange", "True", seconds=9)])]),
        "at_risk",
        ["HotplugChangePending"],
    ),
    "outdated launcher": (
        Drain(vmis=[with_label(a_guest(), "kubevirt.io/outdatedLauncherImage", "")]),
        "would_migrate",
        ["LauncherOutdated"],
    ),
    "three failures": (Drain(migrations=[failed(number) for number in range(3)]), "at_risk", ["FailingRepeatedly"]),
    "two failures": (Drain(migrations=[failed(number) for number in range(2)]), "would_migrate", []),
    "host model not said": (
        Drain(nodes=[a_target_node(SOURCE, labels={HOST_MODEL: None}), a_target_node("node-1")]),
        "would_not_migrate",
        ["HostModelUnknown"],
    ),
    # room
    "no room": (Drain(nodes=NODES), "would_not_migrate", ["TargetPodUnschedulable"]),
    "only drained nodes": (
        Drain(drained=(SOURCE, "node-1", "node-2")),
        "would_not_migrate",
        ["TargetPodUnschedulable"],
    ),
    "no nodes at all": (Drain(nodes=[]), "would_not_migrate", ["SourceNodeDown", "TargetPodUnschedulable"]),
    "a node spoilt": (
        Drain(nodes=[a_target_node(SOURCE), a_target_node("node-1", amounts={"memory": "x"})]),
        "unknown",
        [],
    ),
    "a selector of the last migration": (
        Drain(launchers=[its_pod(nodeSelector={SCHEDULABLE: "true", "kubernetes.io/hostname": SOURCE})]),
        "unknown",
        [],
    ),
    "a selector of the VM": (
        Drain(
            vmis=[with_spec(a_guest(), nodeSelector={"zone": "south"})],
            launchers=[its_pod(nodeSelector={SCHEDULABLE: "true", "zone": "south"})],
        ),
        "would_not_migrate",
        ["TargetPodUnschedulable"],
    ),
    "targets in trouble": (
        Drain(handlers=[a_handler(SOURCE), a_handler("node-1", ready=False), a_handler("node-2", ready=False)]),
        "at_risk",
        ["TargetNodesUnhealthy"],
    ),
    "quota exceeded": (Drain(quotas=[QUOTA]), "would_not_migrate", ["ResourceQuotaExceeded"]),
    "quota large enough": (
        Drain(quotas=[a_quota({"requests.memory": "18Gi"}, {"requests.memory": "9Gi"})]),
        "would_migrate",
        [],
    ),
    "quota of something else": (Drain(quotas=[a_quota({"services": "1"}, {"services": "1"})]), "would_migrate", []),
    "quota for other pods": (
        Drain(quotas=[a_quota({"pods": "1"}, {"pods": "1"}, scopes=["BestEffort"])]),
        "would_migrate",
        [],
    ),
    "quota of a scope not judged": (
        Drain(quotas=[a_quota({"pods": "1"}, {"pods": "1"}, scopes=["PriorityClass"])]),
        "unknown",
        [],
    ),
    "quota spoilt": (Drain(quotas=[a_quota({"pods": "x"}, {})]), "unknown", []),
    # the copy
    "no cap": (Drain(dirty_rates={("team-a", "web-1"): 10**12}), "would_migrate", []),
    "cap that suffices": (Drain(kubevirt=with_settings(**CAPPED)), "would_migrate", []),
    "cap less than the limit needs": (
        Drain(kubevirt=with_settings(bandwidthPerMigration="64Mi", completionTimeoutPerGiB=10)),
        "at_risk",
        ["BandwidthTooLow"],
    ),
    "cap and dirty rate": (
        Drain(kubevirt=with_settings(**CAPPED), dirty_rates={("team-a", "web-1"): 13 * 2**20}),
        "at_risk",
        ["BandwidthTooLow"],
    ),
    "no limit, and it writes faster": (
        Drain(
            kubevirt=with_settings(bandwidthPerMigration="64Mi", completionTimeoutPerGiB=0),
            dirty_rates={("team-a", "web-1"): 64 * 2**20},
        ),
        "at_risk",
        ["BandwidthTooLow"],
    ),
    "post-copy allowed": (
        Drain(kubevirt=with_settings(**CAPPED | {"completionTimeoutPerGiB": 10, "allowPostCopy": True})),
        "would_migrate",
        ["PostCopyExpected"],
    ),
    "a policy's cap": (
        Drain(policies=[a_policy(vmi={}, bandwidthPerMigration="64Mi", completionTimeoutPerGiB=10)]),
        "at_risk",
        ["BandwidthTooLow"],
    ),
    "expected less than the cap": (
        Drain(kubevirt=with_settings(**CAPPED), expected_bandwidth=32 * 2**20),
        "at_risk",
        ["BandwidthTooLow"],
    ),
    "cap spoilt": (Drain(kubevirt=with_settings(bandwidthPerMigration=[])), "unknown", []),
    "memory not readable": (Drain(vmis=[a_guest(memory="much")]), "unknown", []),
}


@pytest.mark.parametrize(("drain", "verdict", "reasons"), ROWS.values(), ids=ROWS)
def test_verdict_and_reasons(drain: Drain, verdict: str, reasons: list[str]) -> None:
    outlook = drain.only()

    assert (outlook.verdict, codes(outlook)) == (verdict, reasons)
    assert outlook.sentence.strip(" .")
    assert bool(outlook.gaps) == (verdict == "unknown")


@pytest.mark.parametrize("topic", sorted(RULES))
def test_what_may_not_be_read_never_would_migrate_and_names_the_rule(topic: str) -> None:
    outlook = Drain(hidden=(topic,)).only()

    assert outlook.verdict == "unknown"
    assert RULES[topic] in {rule for gap in outlook.gaps for rule in gap.rules}


@pytest.mark.parametrize("topic", sorted(RULES))
def test_what_is_proven_stays_whatever_else_is_hidden(topic: str) -> None:
    outlook = Drain(vmis=[a_guest(conditions=[NOT_MIGRATABLE])], hidden=(topic,)).only()

    assert outlook.verdict == "would_not_migrate"


def test_a_hidden_budget_leaves_the_shutdown_likely_only() -> None:
    sure = Drain(vmis=[a_pet()]).only().reasons[0]
    spoilt = Drain(vmis=[a_pet()], budgets=[a_budget(allowed="x")]).only().reasons[0]

    assert (sure.confidence, spoilt.confidence) == ("certain", "likely")


@pytest.mark.parametrize(
    ("ready", "policy", "blocks"),
    [(True, "AlwaysAllow", True), (False, "AlwaysAllow", False), (False, "IfHealthyBudget", False)],
    ids=["ready pod", "always allowed", "healthy enough"],
)
def test_a_budget_holds_pods_that_are_not_ready_by_its_own_rule(ready: bool, policy: str, blocks: bool) -> None:
    pod = its_pod()
    pod["status"]["conditions"] = [a_condition("Ready", str(ready), seconds=60)]
    drain = Drain(vmis=[a_pet()], launchers=[pod], budgets=[a_budget(unhealthyPodEvictionPolicy=policy)])

    assert (codes(drain.only()) == ["DisruptionBudgetBlocks"]) == blocks


def test_a_vm_under_way_waits_for_it_and_needs_no_second_place() -> None:
    """Both other nodes are closed to it: one has its target pod, the other no room."""
    nodes = [a_target_node(SOURCE), a_target_node("dst-web-1"), a_target_node("node-2", amounts={"memory": "1Gi"})]
    state = a_state(sourceNode=SOURCE, targetNode="dst-web-1", started_seconds=20)
    drain = Drain(
        nodes=nodes,
        vmis=[a_guest(migrationState=state)],
        launchers=[its_pod(), a_launcher("target", node="dst-web-1")],
        migrations=[a_migration("Running", age_seconds=40, state=state)],
        handlers=[a_handler(name) for name in (SOURCE, "dst-web-1", "node-2")],
    )
    outlook = drain.only()

    assert (outlook.verdict, codes(outlook)) == ("would_wait", ["AnotherMigrationActive"])
    assert drain.judge().together is None


def test_outlooks_stand_worst_first() -> None:
    vms = ["a-fits", "b-stops", "c-held"]
    guests = [a_guest("a-fits"), a_guest("b-stops", strategy="None"), a_guest("c-held", conditions=[NOT_MIGRATABLE])]
    found = Drain(vmis=guests, launchers=[its_pod(vm) for vm in vms]).judge().outlooks

    assert [one.verdict for one in found] == ["would_stop", "would_not_migrate", "would_migrate"]


def test_every_reason_has_an_effect_an_advice_and_a_code_of_its_own() -> None:
    names = [entry.code for entry in REASONS]

    assert sorted(PREFLIGHT_ADVICE) == sorted(names)
    assert len(set(names)) == len(names)
    assert {entry.effect for entry in REASONS} <= {*VERDICTS, ""} - {"unknown", "would_migrate"}


def test_every_reason_is_met_in_a_test_here_or_in_another_catalogue() -> None:
    """Those that need several VMs or migrations of others are planted on the test cluster."""
    met = {code for _drain, _verdict, reasons in ROWS.values() for code in reasons}
    elsewhere = {
        *("SlotsHeldByStuck", "NodesCannotHoldAll", "PlacementNotProven", "AnotherMigrationActive"),
        *("ClusterLimitReached", "OutboundLimitReached", "ResourceQuotaTight"),
    }

    assert {entry.code for entry in REASONS} == met | elsewhere


def a_guest_with_device() -> dict[str, Any]:
    guest = a_guest()
    guest["spec"]["domain"]["devices"] = {"gpus": [{"name": "gpu", "deviceName": "vendor/gpu"}]}
    return guest


def test_drain_does_not_count_on_post_copy_for_a_vm_with_a_device_of_its_node() -> None:
    allowed = with_settings(**CAPPED | {"completionTimeoutPerGiB": 10, "allowPostCopy": True})

    outlook = Drain(kubevirt=allowed, vmis=[a_guest_with_device()]).only()

    assert codes(outlook) == ["BandwidthTooLow"]
    assert outlook.verdict == "at_risk"
    assert outlook.reasons[0].summary.endswith("with a device of its node it never goes over to post-copy.")
