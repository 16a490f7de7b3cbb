# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts besides the one for a stuck copy, as the module applies them and Prometheus evaluates them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.cluster import Cluster
from tests.integration.alert_worlds import installed_rules
from tests.integration.promtool import SCRAPE_SECONDS, Rules, Story
from tests.integration.settings_worlds import world

NOT_PROGRESSING = "KubeVirtMigrationNotProgressing"
ON_NODE = "KubeVirtMigrationsStuckOnNode"
NOT_STARTING = "KubeVirtMigrationsNotStarting"
WAITING = "KubeVirtMigrationWaitingTooLong"
MISSING = "KubeVirtMigrationMetricsMissing"
STUCK = "KubeVirtVMStuckInMigratingState"
START = "kubevirt_vmi_migration_start_time_seconds"
END = "kubevirt_vmi_migration_end_time_seconds"
MEMORY = "kubevirt_vmi_memory_domain_bytes"
REMAINING = "kubevirt_vmi_migration_data_remaining_bytes"
INFO = "kubevirt_vmi_info"
CREATED = "live_migration_created_timestamp_seconds"
SCHEDULING = "live_migration_scheduling_timestamp_seconds"
PHASE = "live_migration_phase_info"
GIB = 2**30
BEGIN = 600
WEB = {"namespace": "team-a", "name": "web-1"}
COPY = {**WEB, "node": "node-a", "migration_name": "move-1"}
POD_A = {"pod": "virt-controller-a"}
POD_B = {"pod": "virt-controller-b"}
COUNTED = ("pending", "scheduling", "unset", "running")


@pytest.fixture(scope="module")
def rules(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """Of a KubeVirt with its default settings: five migrations at a time, two from one node."""
    world(cluster)
    return installed_rules(cluster, tmp_path_factory.mktemp("rules"))


def counted(story: Story, pod: dict[str, str] | None = None, **phases: int | Sequence[int]) -> Story:
    """What virt-controller counts; None of a phase that is not named."""
    for phase in COUNTED:
        story.sees(f"kubevirt_vmi_migrations_in_{phase}_phase", phases.get(phase, 0), **(pod or POD_A))
    return story


def a_story(seconds: int = 3600, *, every_seconds: int = 15) -> Story:
    return counted(Story(seconds, every_seconds), running=1)


def by_time(*parts: tuple[int, float]) -> list[float]:
    """Values for each sample: (until second, value) one after the other."""
    values: list[float] = []
    for until, value in parts:
        values += [value] * (until // SCRAPE_SECONDS - len(values))
    return values


# --- progress ---


def copy_of_64_gib(left: Sequence[float] | float, *, seconds: int = 3600) -> Story:
    """One that may take 10,350 s."""
    story = a_story(seconds).sees(START, BEGIN, since=BEGIN, **COPY, **POD_A)
    story.sees(MEMORY, 64 * GIB, node="node-a", **WEB)
    return story.sees(REMAINING, left, since=BEGIN, node="node-a", **WEB)


def test_what_is_left_and_stays_is_no_progress(rules: Rules) -> None:
    story = copy_of_64_gib(3 * GIB).is_silent(BEGIN + 600)
    rules.expect(story.fires(NOT_PROGRESSING, BEGIN + 690, WEB).fires(STUCK, BEGIN + 690))


def test_it_says_how_much_is_left(rules: Rules) -> None:
    labels = {
        **WEB,
        "vm": "web-1",
        "severity": "warning",
        "operator_health_impact": "none",
        "kubernetes_operator_part_of": "kubevirt",
        "kubernetes_operator_component": "kubevirt",
    }
    story = copy_of_64_gib(3 * GIB).tells(
        NOT_PROGRESSING,
        BEGIN + 720,
        labels=labels,
        summary="The live migration of a virtual machine makes too little progress to end.",
        description=(
            "VirtualMachine web-1 in namespace team-a is being copied to another node. What is left (3GiB) has become"
            " smaller by less than 4 % within 5m, and at that pace the copy does not end within its limit."
        ),
        runbook_url=f"https://github.com/kubevirt-ops/live_migration/blob/main/docs/alerts/{NOT_PROGRESSING}.md",
    )
    rules.expect(story)


def test_passes_of_which_none_leaves_less_are_no_progress(rules: Rules) -> None:
    """A saw: each pass takes a minute and ends where the one before ended."""
    saw = [GIB * left for left in (8, 6, 4, 2)] * 100
    rules.expect(copy_of_64_gib(saw).fires(NOT_PROGRESSING, BEGIN + 690, WEB))


def test_passes_that_leave_less_each_time_are_progress(rules: Rules) -> None:
    saw = [GIB * left * 0.98**place for place in range(100) for left in (8, 6, 4, 2)]
    story = copy_of_64_gib(saw)
    for at in range(BEGIN, 3600, 60):
        story.is_silent(at)
    rules.expect(story)


@pytest.mark.parametrize(("kept", "is_told"), [(0.97, True), (0.95, False)], ids=["3 % less", "5 % less"])
def test_four_percent_in_five_minutes_are_progress(rules: Rules, kept: float, is_told: bool) -> None:
    """A small VM that is over its limit, so that no pace is in time."""
    left = [GIB * kept ** (place * SCRAPE_SECONDS / 300) for place in range(400)]
    story = a_story().sees(START, BEGIN, since=BEGIN, **COPY, **POD_A)
    story.sees(REMAINING, left, since=BEGIN, node="node-a", **WEB)
    rules.expect(story.fires(NOT_PROGRESSING, BEGIN + 900, *([WEB] if is_told else ())))


def test_a_large_vm_that_goes_on_evenly_is_in_time(rules: Rules) -> None:
    """2 TiB at 200 MiB/s: 2.9 % in five minutes, three hours of the four days that it may take."""
    left = [2 * 2**40 - place * SCRAPE_SECONDS * 200 * 2**20 for place in range(400)]
    story = a_story(3600).sees(START, BEGIN, since=BEGIN, **COPY, **POD_A)
    story.sees(MEMORY, 2 * 2**40, node="node-a", **WEB).sees(REMAINING, left, since=BEGIN, node="node-a", **WEB)
    for at in range(BEGIN, 3600, 60):
        story.is_silent(at)
    rules.expect(story)


def test_a_large_vm_too_slow_for_its_limit_is_told_before_the_limit(rules: Rules) -> None:
    """64 GiB at 2 MiB/s: nine hours of the three that it may take."""
    left = [64 * GIB - place * SCRAPE_SECONDS * 2 * 2**20 for place in range(400)]
    rules.expect(copy_of_64_gib(left).fires(NOT_PROGRESSING, BEGIN + 690, WEB))


def test_the_figures_of_an_earlier_copy_of_the_vm_prove_nothing(rules: Rules) -> None:
    second = BEGIN + 900
    left = by_time((BEGIN + 840, GIB), (3600, 60 * GIB))
    story = a_story().sees(START, BEGIN, since=BEGIN, until=second - 15, **COPY, **POD_A)
    story.sees(END, BEGIN + 500, since=BEGIN + 510, until=second - 15, **COPY, **POD_A, status="failed")
    story.sees(START, second, since=second, **COPY, **POD_A)
    story.sees(MEMORY, 64 * GIB, node="node-a", **WEB).sees(REMAINING, left, since=BEGIN, node="node-a", **WEB)
    for at in range(BEGIN, second + 600, 60):
        story.is_silent(at)
    rules.expect(story)


@pytest.mark.parametrize("left", [0, None], ids=["nothing is left", "no figures"])
def test_without_figures_nothing_is_said_of_progress(rules: Rules, left: int | None) -> None:
    story = a_story().sees(START, BEGIN, since=BEGIN, **COPY, **POD_A).sees(MEMORY, 64 * GIB, node="node-a", **WEB)
    if left is not None:
        story.sees(REMAINING, left, since=BEGIN, node="node-a", **WEB)
    rules.expect(story.fires(NOT_PROGRESSING, BEGIN + 1200).fires(STUCK, BEGIN + 1200))


# --- a node ---


def leaving(number: int, *, node: str = "node-a", stuck: bool = True) -> Story:
    """So many small VMs that leave one node; not stuck, each ends after 100 s, two at a time."""
    story = a_story(1800)
    for place in range(number):
        copy = {"namespace": "team-a", "name": f"web-{place}", "node": node, "migration_name": f"move-{place}"}
        begun = BEGIN if stuck else BEGIN + place // 2 * 105
        if begun > story.seconds:
            continue
        story.sees(START, begun, since=begun, **copy, **POD_A)
        story.sees(REMAINING, by_time((1800, 5)), since=begun, node=node, namespace="team-a", name=f"web-{place}")
        if not stuck:
            story.sees(END, begun + 100, since=begun + 105, **copy, **POD_A, status="succeeded")
    return story


@pytest.mark.parametrize("number", [3, 200])
def test_many_vms_stuck_on_one_node_are_one_page(rules: Rules, number: int) -> None:
    rules.expect(leaving(number).fires(ON_NODE, BEGIN + 390, {"node": "node-a", "severity": "critical"}))


def test_200_vms_that_leave_a_node_in_good_order_raise_nothing(rules: Rules) -> None:
    """The test's worth: 198 wait in the queue, for longer than anybody may wait for nothing."""
    story = leaving(200, stuck=False)
    story.series = [one for one in story.series if "_phase{" not in one["series"]]
    counted(story, pending=198, running=2)
    for place in range(200):
        vm = {"namespace": "team-a", "name": f"web-{place}", "migration": f"move-{place}"}
        story.sees(CREATED, 0, **vm).sees(PHASE, 1, **vm, phase="Running" if place < 2 else "Pending")
        story.sees(INFO, 1, namespace="team-a", name=f"web-{place}", node="node-a", phase="running")
    for at in range(BEGIN, 1800, 60):
        story.is_silent(at)
    rules.expect(story)


def test_two_stuck_copies_are_not_the_nodes_fault(rules: Rules) -> None:
    rules.expect(leaving(2).fires(ON_NODE, BEGIN + 390, by=("node",)))


def test_it_says_how_many_leave_which_node(rules: Rules) -> None:
    labels = {
        "node": "node-a",
        "namespace": "kubevirt",
        "severity": "critical",
        "operator_health_impact": "none",
        "kubernetes_operator_part_of": "kubevirt",
        "kubernetes_operator_component": "kubevirt",
    }
    story = leaving(7).tells(
        ON_NODE,
        BEGIN + 390,
        labels=labels,
        summary="Many live migrations from one node are stuck.",
        description=(
            "7 virtual machines that leave node node-a are being copied for longer than they may: look at the node"
            " and at its network first."
        ),
        runbook_url=f"https://github.com/kubevirt-ops/live_migration/blob/main/docs/alerts/{ON_NODE}.md",
    )
    rules.expect(story)


def test_two_virt_controllers_count_each_vm_once(rules: Rules) -> None:
    story = leaving(2)
    for place in range(2):
        vm = {"namespace": "team-a", "name": f"web-{place}", "node": "node-a"}
        story.sees(START, BEGIN, since=BEGIN, **vm, **POD_B)
    rules.expect(
        story.fires(ON_NODE, BEGIN + 390, by=("node",)).fires(
            STUCK, BEGIN + 390, *({"namespace": "team-a", "name": f"web-{place}"} for place in range(2))
        )
    )


# --- before the copy ---


@pytest.mark.parametrize("phase", ["pending", "scheduling", "unset"])
def test_migrations_that_wait_while_none_is_under_way_are_told(rules: Rules, phase: str) -> None:
    story = counted(Story(3600, SCRAPE_SECONDS), **{phase: by_time((BEGIN, 0), (3600, 4))})
    counted(story, POD_B, **{phase: by_time((BEGIN, 0), (3600, 4))})
    story.is_silent(BEGIN + 885)
    rules.expect(story.fires(NOT_STARTING, BEGIN + 930, {"namespace": "kubevirt", "severity": "warning"}))


def test_a_queue_behind_one_that_is_under_way_is_a_queue(rules: Rules) -> None:
    rules.expect(counted(Story(7200, SCRAPE_SECONDS), pending=100, running=1).is_silent(3600).is_silent(7200))


def test_a_version_that_does_not_count_unset_ones_counts_the_others(rules: Rules) -> None:
    story = Story(3600, SCRAPE_SECONDS)
    for phase, number in (("pending", 3), ("scheduling", 0), ("running", 0)):
        story.sees(f"kubevirt_vmi_migrations_in_{phase}_phase", number, **POD_A)
    rules.expect(story.fires(NOT_STARTING, 1800, {"namespace": "kubevirt"}))


ONE = {**WEB, "migration": "move-1"}


def waiting(phase: str, *, since: int = BEGIN, **more: int) -> Story:
    """One migration in this phase; `more` name others that are Running, by their node."""
    story = a_story().sees(CREATED, BEGIN, since=BEGIN, **ONE)
    if phase:
        story.sees(PHASE, 1, since=BEGIN, phase=phase, **ONE)
    if phase not in ("", "Pending"):
        story.sees(SCHEDULING, since, since=BEGIN, **ONE)
    story.sees(INFO, 1, **WEB, node="node_a", phase="running")
    for node, number in more.items():
        for place in range(number):
            vm = {"namespace": "team-b", "name": f"{node}-{place}"}
            story.sees(PHASE, 1, phase="Running", migration=f"of-{node}-{place}", **vm)
            story.sees(INFO, 1, **vm, node=node, phase="running")
            # During a migration a VM has one for either node.
            story.sees(INFO, 1, **vm, node="node_t", phase="running")
    return story


@pytest.mark.parametrize("phase", ["", "Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady"])
def test_a_migration_that_waits_before_the_copy_for_15_minutes_is_told(rules: Rules, phase: str) -> None:
    story = waiting(phase, node_b=1).is_silent(BEGIN + 899)
    rules.expect(story.fires(WAITING, BEGIN + 990, {**ONE, "vm": "web-1", "severity": "warning"}))


@pytest.mark.parametrize("phase", ["Running", "Succeeded", "Failed"])
def test_one_that_copies_or_has_ended_waits_no_more(rules: Rules, phase: str) -> None:
    rules.expect(waiting(phase).is_silent(BEGIN + 1800))


@pytest.mark.parametrize(
    ("others", "is_told"),
    [({"node_a": 2}, False), ({"node_a": 1}, True), ({"node_b": 2, "node_c": 3}, False), ({"node_b": 2}, True)],
    ids=["the node's slots are taken", "one is free", "the cluster's are taken", "another node's are taken"],
)
def test_one_that_waits_for_a_slot_is_no_alert(rules: Rules, others: dict[str, int], is_told: bool) -> None:
    story = waiting("Pending", **others)
    rules.expect(story.fires(WAITING, BEGIN + 1800, *([ONE] if is_told else ())))


def test_one_that_waits_for_another_migration_of_its_vm_is_no_alert(rules: Rules) -> None:
    story = waiting("Pending").sees(PHASE, 1, until=2400, phase="Running", migration="move-0", **WEB)
    rules.expect(story.is_silent(2400).fires(WAITING, 3000, ONE))


def test_time_in_the_queue_does_not_count_once_a_slot_is_there(rules: Rules) -> None:
    story = waiting("Scheduling", since=BEGIN + 1500).is_silent(BEGIN + 2300)
    rules.expect(story.fires(WAITING, BEGIN + 2500, ONE))


def test_two_kube_state_metrics_make_one_alert(rules: Rules) -> None:
    story = waiting("Pending")
    story.sees(CREATED, BEGIN, since=BEGIN, **ONE, pod="b").sees(PHASE, 1, since=BEGIN, phase="Pending", **ONE, pod="b")
    rules.expect(story.fires(WAITING, BEGIN + 1800, ONE))


# --- what cannot be seen ---


def test_virt_controllers_counts_that_go_missing_are_told(rules: Rules) -> None:
    story = Story(3600, SCRAPE_SECONDS)
    story.sees("kubevirt_vmi_migrations_in_pending_phase", 0, until=BEGIN, is_stale=True, **POD_A)
    story.is_silent(BEGIN + 900)
    metric = {"metric": "kubevirt_vmi_migrations_in_pending_phase", "namespace": "kubevirt", "severity": "warning"}
    rules.expect(story.fires(MISSING, BEGIN + 945, metric))


def test_copies_of_which_virt_handler_tells_no_figures_are_told_once(rules: Rules) -> None:
    story = a_story()
    for place in range(3):
        vm = {"namespace": "team-a", "name": f"web-{place}"}
        story.sees(START, BEGIN, since=BEGIN, node="node-a", **vm, **POD_A).sees(MEMORY, 64 * GIB, node="x", **vm)
    story.is_silent(BEGIN + 1740)
    rules.expect(story.fires(MISSING, BEGIN + 1845, {"metric": REMAINING, "namespace": "kubevirt"}))


def test_a_metric_that_this_kubevirt_never_had_is_no_alert(rules: Rules) -> None:
    """KubeVirt 1.3: no start times, no unset count, no requests; one migration runs for an hour."""
    story = Story(7200, SCRAPE_SECONDS)
    for phase, number in (("pending", 0), ("scheduling", 0), ("running", 1)):
        story.sees(f"kubevirt_vmi_migrations_in_{phase}_phase", number, **POD_A)
    story.sees(MEMORY, 4 * GIB, node="node-a", **WEB).sees(REMAINING, GIB, node="node-a", **WEB)
    rules.expect(story.is_silent(3600).is_silent(7200))


def test_where_no_vm_has_ever_migrated_nothing_is_missing(rules: Rules) -> None:
    rules.expect(counted(Story(7200, SCRAPE_SECONDS)).is_silent(3600).is_silent(7200))
