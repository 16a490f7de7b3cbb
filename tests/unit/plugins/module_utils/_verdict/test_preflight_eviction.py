# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said where an eviction leads to no migration."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.launcher import Launcher
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.eviction import (
    WORDS,
    find_eviction,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Grounds,
    Subject,
)
from tests.unit.builders import NOW, a_condition, a_kubevirt
from tests.unit.draining import RULES, Drain, a_budget, a_guest, its_pod

VMI = "VirtualMachineInstance team-a/web-1"
HELD = "It would be shut down, not migrated, but "
OWN = Evidence(VMI, "spec.evictionStrategy", "None")


def not_migratable(reason: str = "", message: str = "", *, strategy: str = "LiveMigrate", status: str = "False") -> Any:
    condition = a_condition("LiveMigratable", status, seconds=90, reason=reason, message=message)
    return a_guest(strategy=strategy, conditions=[condition])


def reason_of(drain: Drain) -> Cause:
    (found,) = drain.only().reasons
    return found


def of_the_cluster(strategy: Any) -> Any:
    kubevirt = a_kubevirt()
    kubevirt["spec"]["configuration"]["evictionStrategy"] = strategy
    return kubevirt


@pytest.mark.parametrize(
    ("vmi", "why", "cures"),
    [
        (
            not_migratable("DisksNotLiveMigratable", "PVC data is not shared."),
            f"{WORDS['DisksNotLiveMigratable']}; KubeVirt says: PVC data is not shared",
            "no",
        ),
        (not_migratable("SEVNotLiveMigratable"), f"{WORDS['SEVNotLiveMigratable']}; KubeVirt says: SEVNotLive", "no"),
        (not_migratable("New", "Something new."), "Something new", "no"),
        (not_migratable("New"), "New", "no"),
        (not_migratable(), "LiveMigratable is False", "no"),
        (a_guest(conditions=[]), "KubeVirt has not said whether it can be migrated", "maybe"),
    ],
    ids=["known reason", "known reason alone", "message alone", "new reason", "neither", "no condition"],
)
def test_why_a_vm_cannot_be_migrated(vmi: Any, why: str, cures: str) -> None:
    found = reason_of(Drain(vmis=[vmi]))

    assert found.code == "NotLiveMigratable"
    assert found.summary.startswith(f"KubeVirt refuses the eviction, and the drain waits for ever: {why}")
    assert found.time_cures == cures


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("DisksNotLiveMigratable", "disk"),
        ("InterfaceNotLiveMigratable", "interface"),
        ("HotplugNotLiveMigratable", "hot-plugged"),
        ("CPUModeLiveMigratable", "CPU"),
        ("VirtIOFSNotLiveMigratable", "virtio-fs"),
        ("HostDeviceNotLiveMigratable", "device of its host"),
        ("SEVNotLiveMigratable", "(SEV)"),
        ("SecureExecutionNotLiveMigratable", "Secure Execution"),
        ("TDXNotLiveMigratable", "(TDX)"),
        ("NoTSCFrequencyNotLiveMigratable", "time stamp counter"),
        ("HypervPassthroughNotLiveMigratable", "Hyper-V"),
        ("PersistentReservationNotLiveMigratable", "persistent reservations"),
        ("DecentralizedNotLiveMigratable", "one cluster"),
    ],
    ids=lambda value: value,
)
def test_each_of_kubevirts_reasons_has_plain_words(reason: str, word: str) -> None:
    assert f"{word}" in reason_of(Drain(vmis=[not_migratable(reason, "x")])).summary.partition("; KubeVirt says: x")[0]


@pytest.mark.parametrize(
    ("vmi", "field", "value"),
    [
        (not_migratable("Some", "thing"), "status.conditions[LiveMigratable].status", "False Some: thing"),
        (not_migratable("", "thing"), "status.conditions[LiveMigratable].status", "False thing"),
        (not_migratable(), "status.conditions[LiveMigratable].status", "False"),
        (a_guest(conditions=[]), "status.conditions[LiveMigratable]", "there is no such condition"),
    ],
    ids=["reason and message", "message", "neither", "no condition"],
)
def test_evidence_shows_the_condition(vmi: Any, field: str, value: str) -> None:
    (seen,) = reason_of(Drain(vmis=[vmi])).evidence

    assert (seen.object, seen.field, seen.value) == (VMI, field, value)


@pytest.mark.parametrize(
    ("drain", "why", "evidence"),
    [
        (Drain(vmis=[a_guest(strategy="None")]), "its eviction strategy is None", [OWN]),
        (
            Drain(vmis=[a_guest(strategy=None)], kubevirt=of_the_cluster("None")),
            "its eviction strategy is None",
            [Evidence("KubeVirt kubevirt/kubevirt", "spec.configuration.evictionStrategy", "None")],
        ),
        (
            Drain(vmis=[a_guest(strategy="LiveMigrateIfPossible", conditions=[])]),
            "it cannot be migrated: KubeVirt has not said whether it can be migrated",
            [
                Evidence(VMI, "spec.evictionStrategy", "LiveMigrateIfPossible"),
                Evidence(VMI, "status.conditions[LiveMigratable]", "there is no such condition"),
            ],
        ),
    ],
    ids=["its own strategy", "the cluster's", "not possible"],
)
def test_a_shutdown_says_why_and_where_it_stands(drain: Drain, why: str, evidence: list[Evidence]) -> None:
    found = reason_of(drain)

    assert (found.code, found.time_cures, found.confidence) == ("EvictionStopsVM", "no", "certain")
    assert found.summary == f"The drain shuts the VM down and migrates nothing: {why}."
    assert list(found.evidence) == evidence


def test_an_external_eviction_is_left_to_somebody_else() -> None:
    found = reason_of(Drain(vmis=[a_guest(strategy="External")]))

    assert (found.code, found.time_cures) == ("ExternalEviction", "maybe")
    assert found.evidence == (Evidence(VMI, "spec.evictionStrategy", "External"),)


BUDGETS = Rule("list", "policy", "poddisruptionbudgets", "team-a")


@pytest.mark.parametrize(
    ("drain", "gap"),
    [
        (
            Drain(vmis=[a_guest(strategy="None")], launchers=[]),
            Gap("DisruptionBudgetBlocks", (), why="its launcher pod was not found"),
        ),
        (
            Drain(vmis=[a_guest(strategy="None")], hidden=("pods/team-a",)),
            Gap("DisruptionBudgetBlocks", (RULES["pods/team-a"],)),
        ),
    ],
    ids=["no pod", "pods hidden"],
)
def test_without_its_pod_a_budget_may_hold_it(drain: Drain, gap: Gap) -> None:
    outlook = drain.only()

    assert gap in outlook.gaps
    assert [one.confidence for one in outlook.reasons] == ["likely"]


def test_hidden_budgets_may_hold_it() -> None:
    snapshot = Snapshot(read_at=NOW, unseen={"budgets/team-a": (BUDGETS,)})
    subject = Subject(Guest.from_object(a_guest(strategy="None")), Launcher.from_object(its_pod()).pod)

    (found,) = find_eviction(Grounds(snapshot), subject)

    assert isinstance(found, Cause)
    assert (found.code, found.confidence) == ("EvictionStopsVM", "likely")


@pytest.mark.parametrize(
    ("drain", "gap"),
    [
        (Drain(vmis=[a_guest(strategy=None)], hidden=("kubevirt",)), Gap("EvictionStopsVM", (RULES["kubevirt"],))),
        (
            Drain(vmis=[a_guest(strategy=None)], kubevirt=None),
            Gap("EvictionStopsVM", (), why="the cluster's eviction strategy cannot be read from a KubeVirt object"),
        ),
    ],
    ids=["KubeVirt hidden", "no KubeVirt"],
)
def test_without_the_clusters_strategy_it_is_not_known(drain: Drain, gap: Gap) -> None:
    assert gap in drain.only().gaps


@pytest.mark.parametrize("number", [1, 2, 3, 7], ids=["one", "two", "three", "seven"])
def test_budgets_that_hold_it_are_named(number: int) -> None:
    names = [f"keep-{one}" for one in range(number)]

    found = reason_of(Drain(vmis=[a_guest(strategy="None")], budgets=[a_budget(name) for name in names]))

    said = (
        "the disruption budget keep-0 lets no pod go (429), so the drain waits and the VM keeps running"
        if number == 1
        else f"its pod has {number} disruption budgets ({' and '.join(names)}), with which Kubernetes evicts no "
        "pod (500)"
    )
    assert (found.code, found.time_cures) == ("DisruptionBudgetBlocks", "maybe")
    assert found.summary == f"{HELD}{said}."
    assert found.names == {"budget": "keep-0", "namespace": "team-a"}
    assert found.evidence == (
        OWN,
        *(Evidence(f"PodDisruptionBudget team-a/{name}", "status.disruptionsAllowed", "0") for name in names[:5]),
    )
