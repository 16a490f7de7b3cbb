# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of the VM's own obstacles and of slots that others hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.assemble import assemble_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.obstacles import (
    find_slots_taken,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Found,
    Grounds,
    Subject,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import Holder, Queue
from tests.unit.builders import NOW, a_condition, a_kubevirt, a_launcher, a_migration, a_state, ago
from tests.unit.draining import HOST_MODEL, RULES, SOURCE, Drain, a_guest, a_target_node, its_pod

MIGRATABLE = a_condition("LiveMigratable", "True", seconds=90)
TOO = ", and moves the VM on as that node is to be drained too"
MIGRATION = "kubevirt-migrate-vm-mig-web-1"
KUBEVIRT = "KubeVirt kubevirt/kubevirt"


def found_of(drain: Drain, code: str) -> Cause:
    (found,) = [one for one in drain.only().reasons if one.code == code]
    return found


def gap_of(drain: Drain, code: str) -> Gap:
    (found,) = [one for one in drain.only().gaps if one.code == code]
    return found


# -- a migration that it has already


def on_its_way(*, drained: tuple[str, ...] = (SOURCE,), node: str = "node-1") -> Drain:
    """The VM has a migration that runs, or (without a node) one that begins."""
    if not node:
        return Drain(migrations=[a_migration("Pending", age_seconds=5)], drained=drained)
    state = a_state(sourceNode=SOURCE, targetNode=node, started_seconds=20)
    return Drain(
        vmis=[a_guest(migrationState=state)],
        launchers=[its_pod(), a_launcher("target", node=node)],
        migrations=[a_migration("Running", age_seconds=40, state=state)],
        drained=drained,
    )


@pytest.mark.parametrize(
    ("drain", "summary"),
    [
        (on_its_way(), f"Its migration {MIGRATION} to node-1 is progressing; a drain waits for it."),
        (
            on_its_way(drained=(SOURCE, "node-1")),
            f"Its migration {MIGRATION} to node-1 is progressing; a drain waits for it{TOO}.",
        ),
        (on_its_way(node=""), f"Its migration {MIGRATION} is progressing; a drain waits for it."),
    ],
    ids=["to a node that stays", "to one that is drained too", "nowhere yet"],
)
def test_a_migration_that_goes_on_is_waited_for(drain: Drain, summary: str) -> None:
    found = found_of(drain, "AnotherMigrationActive")

    assert (found.summary, found.time_cures) == (summary, "yes")
    assert found.names == {"migration": MIGRATION}


def test_a_stuck_migration_comes_first_and_says_why_it_is_stuck() -> None:
    drain = Drain(migrations=[a_migration("Pending", age_seconds=900)], vmis=[a_guest(selinuxContext="")])

    found = found_of(drain, "MigrationStuck")

    assert found.summary.startswith(f"Its migration {MIGRATION} is blocked, and a drain makes no other one before that")
    assert (found.time_cures, found.names) == ("no", {"migration": MIGRATION})


def test_a_migration_of_which_nothing_is_known_leaves_it_open() -> None:
    gap = gap_of(Drain(migrations=[a_migration("Strange", age_seconds=900)]), "MigrationStuck")

    assert gap.why.startswith(f"whether its migration {MIGRATION} goes on: ")


def test_hidden_migrations_leave_it_open_whether_one_is_stuck() -> None:
    assert gap_of(Drain(hidden=("migrations/team-a",)), "MigrationStuck").rules == (RULES["migrations/team-a"],)


# -- the guest


def deleted(vmi: Any) -> Any:
    vmi["metadata"]["deletionTimestamp"] = ago(5)
    return vmi


def changing(*names: str) -> Any:
    return a_guest(conditions=[MIGRATABLE, *(a_condition(name, "True", seconds=9) for name in names)])


def with_volume(vmi: Any) -> Any:
    vmi["spec"]["utilityVolumes"] = [{"name": "scratch"}]
    return vmi


def outdated(vmi: Any) -> Any:
    vmi["metadata"]["labels"]["kubevirt.io/outdatedLauncherImage"] = ""
    return vmi


GUESTS: dict[str, tuple[Any, str, str, str, str]] = {
    "starting": (
        a_guest(phase="Scheduled"),
        "VMINotRunning",
        "The VM is in phase Scheduled: it is migrated once it runs.",
        "maybe",
        "status.phase",
    ),
    "no phase": (
        a_guest(phase=""),
        "VMINotRunning",
        "The VM is in phase (none): it is migrated once it runs.",
        "maybe",
        "status.phase",
    ),
    "stopping": (
        deleted(a_guest()),
        "VMINotRunning",
        "The VM is being stopped: it is migrated once it runs.",
        "maybe",
        "status.phase",
    ),
    "backup": (
        a_guest(changedBlockTracking={"backupStatus": {"backupName": "nightly"}}),
        "BackupInProgress",
        "The backup nightly is running, and a migration for a drain ends it.",
        "yes",
        "status.changedBlockTracking.backupStatus.backupName",
    ),
    "utility volume": (
        with_volume(a_guest()),
        "UtilityVolumesPresent",
        "Utility volumes are attached; KubeVirt waits until they are gone.",
        "yes",
        "spec.utilityVolumes",
    ),
    "more CPUs": (
        changing("HotVCPUChange"),
        "HotplugChangePending",
        "A change is not applied yet (HotVCPUChange): ",
        "maybe",
        "status.conditions[HotVCPUChange].status",
    ),
    "more memory, and another change": (
        changing("MigrationRequired", "HotMemoryChange"),
        "HotplugChangePending",
        "A change is not applied yet (HotMemoryChange, MigrationRequired): ",
        "maybe",
        "status.conditions[HotMemoryChange].status",
    ),
    "outdated launcher": (
        outdated(a_guest()),
        "LauncherOutdated",
        "Its launcher is of another version than the installed KubeVirt; a migration brings the new one.",
        "maybe",
        "status.launcherContainerImageVersion",
    ),
}


@pytest.mark.parametrize(("vmi", "code", "summary", "cures", "field"), GUESTS.values(), ids=GUESTS)
def test_what_is_said_of_the_guest(vmi: Any, code: str, summary: str, cures: str, field: str) -> None:
    found = found_of(Drain(vmis=[vmi]), code)

    assert found.summary.startswith(summary)
    assert (found.time_cures, [(one.object, one.field) for one in found.evidence]) == (
        cures,
        [("VirtualMachineInstance team-a/web-1", field)],
    )


@pytest.mark.parametrize(
    ("vmi", "code", "value"),
    [
        (changing("HotVCPUChange"), "HotplugChangePending", "True"),
        (with_volume(a_guest()), "UtilityVolumesPresent", "scratch"),
    ],
    ids=["change", "utility volume"],
)
def test_evidence_of_the_guest_shows_the_value(vmi: Any, code: str, value: str) -> None:
    assert found_of(Drain(vmis=[vmi]), code).evidence[0].value == value


def test_the_first_of_what_cannot_be_read_is_named() -> None:
    vmi = a_guest(changedBlockTracking={"backupStatus": {"backupName": "nightly", "completed": "x"}})
    vmi["spec"]["utilityVolumes"] = "x"
    first, second = Guest.from_object(vmi).problems

    why = gap_of(Drain(vmis=[vmi]), "VMINotRunning").why

    assert why == f"the VMI cannot be read: {first}"
    assert second not in why


# -- its node, and what became of earlier migrations


def test_a_node_without_a_host_model_is_named() -> None:
    nodes = [a_target_node(SOURCE, labels={HOST_MODEL: None}), a_target_node("node-1")]

    found = found_of(Drain(nodes=nodes), "HostModelUnknown")

    assert found.summary.startswith(f"{SOURCE} does not say which CPU model it has")
    assert (found.time_cures, found.names) == ("no", {"node": SOURCE})
    assert found.evidence[0].field == "metadata.labels[host-model-cpu.node.kubevirt.io/...]"


def failed(number: int, *, node: str = "node-1", reason: str = "boom") -> Any:
    """The later the larger the number."""
    ended = 3000 - 500 * number
    state = a_state(
        migrationUid=f"old-{number}", targetNode=node, failed=True, failureReason=reason, ended_seconds=ended
    )
    return a_migration("Failed", uid=f"old-{number}", age_seconds=ended + 100, phase_seconds=ended, state=state)


@pytest.mark.parametrize(
    ("failures", "rest", "target"),
    [
        (
            [failed(number) for number in range(3)],
            ", each because libvirt said: boom, all on their way to node-1.",
            "node-1",
        ),
        ([failed(number, node=f"node-{number}") for number in range(3)], ", each because libvirt said: boom.", ""),
        (
            [failed(number, reason=f"boom {'x' * number}") for number in range(3)],
            ", all on their way to node-1.",
            "node-1",
        ),
    ],
    ids=["same reason and node", "same reason", "same node"],
)
def test_failures_in_a_row_are_told_with_what_they_have_in_common(failures: list[Any], rest: str, target: str) -> None:
    found = found_of(Drain(migrations=failures), "FailingRepeatedly")

    assert found.summary == f"The last 3 migrations of this VM failed{rest}"
    assert (found.time_cures, found.names) == ("no", {"target": target})
    assert [one.object for one in found.evidence] == [
        f"VirtualMachineInstanceMigration team-a/kubevirt-migrate-vm-old-{number}" for number in (2, 1, 0)
    ]
    assert found.holds_since is not None
    assert (NOW - found.holds_since).total_seconds() == 3000


# -- slots


def a_holder(number: int, *, node: str = "node-9", is_stuck: bool | None = False) -> Holder:
    name = f"VirtualMachineInstanceMigration team-a/m-{number}"
    return Holder(f"team-a/vm-{number}", name, "Running", node, is_stuck, f"why {number}" if is_stuck is None else "")


def slots(
    *holders: Holder, kubevirt: Any = None, hidden: tuple[str, ...] = (), ongoing: Mapping[Any, Any] | None = None
) -> list[Found]:
    """What is found for web-1 on node-7."""
    given = a_kubevirt() if kubevirt is None else kubevirt
    snapshot = assemble_snapshot([], now=NOW, vmis=[], pods=[], nodes=[], kubevirt=given or None, leases=[])
    snapshot = replace(snapshot, unseen={topic: (RULES[topic],) for topic in hidden})
    grounds = Grounds(snapshot, queue=Queue(holders=holders), ongoing=ongoing or {})
    return list(find_slots_taken(grounds, Subject(Guest.from_object(a_guest()))))


def many(number: int, **more: Any) -> list[Holder]:
    return [a_holder(one, **more) for one in range(number)]


NAMED = "team-a/vm-0, team-a/vm-1, team-a/vm-2, team-a/vm-3, team-a/vm-4"


@pytest.mark.parametrize(
    ("holders", "limits", "code", "summary"),
    [
        (many(5), (5, 9), "ClusterLimitReached", f"5 of 5 slots of the cluster are taken, by {NAMED}."),
        (many(6), (6, 9), "ClusterLimitReached", f"6 of 6 slots of the cluster are taken, by {NAMED} and 1 more."),
        (many(8), (5, 9), "ClusterLimitReached", f"8 of 5 slots of the cluster are taken, by {NAMED} and 3 more."),
        (many(1), (1, 1), "ClusterLimitReached", "1 of 1 slots of the cluster are taken, by team-a/vm-0."),
        (
            many(2, node=SOURCE),
            (5, 2),
            "OutboundLimitReached",
            f"2 of 2 slots of {SOURCE} are taken, by team-a/vm-0, team-a/vm-1.",
        ),
        (
            [a_holder(0, is_stuck=True), a_holder(1)],
            (2, 2),
            "ClusterLimitReached",
            "2 of 2 slots of the cluster are taken, by team-a/vm-0, team-a/vm-1.",
        ),
        (
            [a_holder(0, is_stuck=None), a_holder(1)],
            (2, 2),
            "ClusterLimitReached",
            "2 of 2 slots of the cluster are taken, by team-a/vm-0, team-a/vm-1.",
        ),
    ],
    ids=["cluster", "one more than named", "over the limit", "limit of 1", "node", "one is stuck", "one is not known"],
)
def test_slots_that_become_free_are_waited_for(
    holders: list[Holder], limits: tuple[int, int], code: str, summary: str
) -> None:
    (found,) = slots(*holders, kubevirt=a_kubevirt(per_cluster=limits[0], outbound=limits[1]))

    assert isinstance(found, Cause)
    assert (found.code, found.summary, found.time_cures) == (code, summary, "yes")


def test_slots_that_stuck_migrations_hold_do_not_become_free() -> None:
    (found,) = slots(*many(5, is_stuck=True))

    assert isinstance(found, Cause)
    assert (found.code, found.time_cures, found.names) == ("SlotsHeldByStuck", "no", {"holder": "team-a/vm-0"})
    assert found.summary == (
        f"5 of 5 slots of the cluster are taken, by {NAMED}; all of these are stuck, so no slot becomes free."
    )


def test_evidence_of_slots_is_the_limit_and_ten_of_their_holders() -> None:
    (found,) = slots(*many(12))

    assert isinstance(found, Cause)
    assert [(one.object, one.value) for one in found.evidence] == [
        (KUBEVIRT, "5"),
        *((f"VirtualMachineInstanceMigration team-a/m-{number}", "Running") for number in range(10)),
    ]


NOT_KNOWN = [a_holder(0, is_stuck=True), a_holder(1, is_stuck=None), a_holder(2, is_stuck=None)]
SPOILT = a_kubevirt(per_cluster="5", outbound="2")


@pytest.mark.parametrize(
    ("holders", "given", "gap"),
    [
        (
            NOT_KNOWN,
            {"kubevirt": a_kubevirt(per_cluster=3)},
            Gap(
                "ClusterLimitReached",
                (),
                why="it is not known whether team-a/vm-0, team-a/vm-1, team-a/vm-2 goes on (why 1)",
            ),
        ),
        ([], {"hidden": ("queue",)}, Gap("ClusterLimitReached", (RULES["queue"],))),
        ([], {"hidden": ("kubevirt",), "kubevirt": {}}, Gap("ClusterLimitReached", (RULES["kubevirt"],))),
        ([], {"kubevirt": {}}, Gap("ClusterLimitReached", (), why="the cluster has no KubeVirt object")),
    ],
    ids=["holder not known", "queue hidden", "KubeVirt hidden", "no KubeVirt"],
)
def test_why_it_is_not_known_whether_a_slot_is_free(holders: list[Holder], given: Any, gap: Gap) -> None:
    assert slots(*holders, **given) == [gap]


def test_limits_that_cannot_be_read_leave_it_open() -> None:
    (gap,) = slots(kubevirt=SPOILT)

    assert isinstance(gap, Gap)
    assert gap.why.startswith("KubeVirt: ")
    assert "parallelMigrationsPerCluster" in gap.why


@pytest.mark.parametrize(
    ("holders", "given"),
    [
        (many(4), {}),
        (many(5), {"ongoing": {("team-a", "web-1"): None}}),
        (many(5), {"kubevirt": a_kubevirt(per_cluster=0)}),
        (many(2, node="node-8"), {}),
    ],
    ids=["one is free", "it has its own", "limit of 0 is said elsewhere", "of another node"],
)
def test_nothing_is_said_of_slots_that_do_not_matter(holders: list[Holder], given: Any) -> None:
    assert not slots(*holders, **given)


def test_a_migration_of_another_vm_frees_no_slot() -> None:
    assert slots(*many(5), ongoing={("team-a", "vm-0"): None})
