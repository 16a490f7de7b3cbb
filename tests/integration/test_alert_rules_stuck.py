# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirtVMStuckInMigratingState, as the module applies it and Prometheus evaluates it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.alert_worlds import installed_rules
from tests.integration.promtool import Rules, Story
from tests.integration.settings_worlds import world
from tests.integration.simulated import done

STUCK = "KubeVirtVMStuckInMigratingState"
START = "kubevirt_vmi_migration_start_time_seconds"
END = "kubevirt_vmi_migration_end_time_seconds"
MEMORY = "kubevirt_vmi_memory_domain_bytes"
REQUESTS = "kubevirt_vm_resource_requests"
REMAINING = "kubevirt_vmi_migration_data_remaining_bytes"
PENDING = "kubevirt_vmi_migrations_in_pending_phase"
GIB = 2**30
# When the copy begins, on a scrape.
BEGIN = 600
# What is left of a copy: 5.8 % less every five minutes.
FALLING = [int(10**15 * 0.997**place) for place in range(1000)]
WEB = {"namespace": "team-a", "name": "web-1"}
OTHER = {"namespace": "team-b", "name": "web-1"}
POD_A = {"pod": "virt-controller-a", "instance": "10.0.0.1:8443"}
POD_B = {"pod": "virt-controller-b", "instance": "10.0.0.2:8443"}
COPY = {**WEB, "node": "node-a", "migration_name": "move-1"}


@pytest.fixture(scope="module")
def rules(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """Of a KubeVirt with its default settings: 150 seconds per GiB."""
    world(cluster)
    return installed_rules(cluster, tmp_path_factory.mktemp("rules"))


def a_story(seconds: int = 1200, *, every_seconds: int = 1) -> Story:
    """KubeVirt is scraped."""
    return Story(seconds, every_seconds).sees(PENDING, 0, **POD_A)


def copying(story: Story, **more: str) -> Story:
    """One copy that begins at BEGIN and does not end, with figures as virt-handler tells them."""
    story.sees(REMAINING, FALLING, since=BEGIN, node="node-a", **WEB)
    return story.sees(START, BEGIN, since=BEGIN, **{**COPY, **POD_A, **more})


def test_promtool_finds_no_fault(rules: Rules) -> None:
    assert "8 rules found" in rules.check()


@pytest.mark.parametrize(
    "memory", [None, GIB // 2, 2 * 10**9], ids=["size not known", "150 s by size", "300 s by size"]
)
def test_a_copy_of_299_seconds_is_none_and_one_of_301_is(rules: Rules, memory: int | None) -> None:
    story = copying(a_story())
    if memory is not None:
        story.sees(MEMORY, memory, node="node-a", **WEB)
    story.fires(STUCK, BEGIN + 299, state="pending").fires(STUCK, BEGIN + 301, WEB, state="pending")
    # It must hold for a minute, as one odd scrape proves nothing.
    rules.expect(story.fires(STUCK, BEGIN + 360).fires(STUCK, BEGIN + 361, WEB))


def test_a_copy_that_ends_after_299_seconds_never_counts(rules: Rules) -> None:
    story = copying(a_story()).sees(END, BEGIN + 299, since=BEGIN + 300, **COPY, **POD_A, status="succeeded")
    for at in range(BEGIN + 290, BEGIN + 500, 15):
        story.fires(STUCK, at, state="pending").is_silent(at)
    rules.expect(story)


def test_it_says_which_vm_for_how_long_and_where_to_read_on(rules: Rules) -> None:
    labels = {
        **WEB,
        "vm": "web-1",
        "severity": "warning",
        "operator_health_impact": "none",
        "kubernetes_operator_part_of": "kubevirt",
        "kubernetes_operator_component": "kubevirt",
    }
    story = copying(a_story()).tells(
        STUCK,
        BEGIN + 375,
        labels=labels,
        summary="The live migration of a virtual machine takes longer than it may.",
        description=(
            "VirtualMachine web-1 in namespace team-a is being copied to another node for 6m 15s and has not arrived."
            " Allowed are 300 s, or what KubeVirt gives a copy of its size where that is more (completionTimeoutPerGiB"
            " 150 unless a MigrationPolicy says otherwise)."
        ),
        runbook_url=f"https://github.com/kubevirt-ops/live_migration/blob/main/docs/alerts/{STUCK}.md",
    )
    rules.expect(story)


def test_a_vm_that_was_ready_for_30_days_is_not_stuck_in_its_first_minute(rules: Rules) -> None:
    """The alert of KubeVirt 0.59 took the time since the VM became Ready for the migration's age."""
    old = "kubevirt_vm_migrating_status_last_transition_timestamp_seconds"
    story = copying(a_story()).sees(old, BEGIN - 30 * 86400, **WEB, **POD_A)
    rules.expect(story.fires(STUCK, BEGIN + 60, state="pending").is_silent(BEGIN + 60).fires(STUCK, BEGIN + 361, WEB))


def test_two_virt_controllers_make_one_alert(rules: Rules) -> None:
    story = copying(a_story()).sees(START, BEGIN, since=BEGIN, **COPY, **POD_B)
    rules.expect(story.fires(STUCK, BEGIN + 361, WEB, by=("namespace", "name")).fires(STUCK, BEGIN + 400, WEB))


def test_the_end_that_only_one_of_two_virt_controllers_tells_counts(rules: Rules) -> None:
    story = copying(a_story()).sees(START, BEGIN, since=BEGIN, **COPY, **POD_B)
    story.sees(END, BEGIN + 200, since=BEGIN + 210, **COPY, **POD_B, status="failed")
    rules.expect(story.fires(STUCK, BEGIN + 301, state="pending").is_silent(BEGIN + 400))


@pytest.mark.parametrize("restarted_at", [200, 450], ids=["before it fires", "while it fires"])
def test_a_restart_of_virt_controller_changes_nothing(rules: Rules, restarted_at: int) -> None:
    """The old pod's series are marked as gone at once; for a minute and a half nobody reports, then another pod
    does."""
    gone, back = BEGIN + restarted_at, BEGIN + restarted_at + 105
    story = a_story().sees(PENDING, 0, **POD_B)
    story.sees(REMAINING, FALLING, since=BEGIN, node="node-a", **WEB)
    story.sees(START, BEGIN, since=BEGIN, until=gone, is_stale=True, **COPY, **POD_A)
    story.sees(START, BEGIN, since=back, **COPY, **POD_B)
    for at in (BEGIN + 361, BEGIN + 500, BEGIN + 540, BEGIN + 600):
        story.fires(STUCK, at, WEB)
    rules.expect(story)


def test_the_name_of_the_migration_may_go_and_the_node_change(rules: Rules) -> None:
    """migration_name is empty once the object is gone, the node is the VM's current one."""
    story = a_story().sees(START, BEGIN, since=BEGIN, until=BEGIN + 330, is_stale=True, **COPY, **POD_A)
    story.sees(START, BEGIN, since=BEGIN + 345, **WEB, node="node-b", **POD_A)
    rules.expect(story.fires(STUCK, BEGIN + 361, WEB).fires(STUCK, BEGIN + 420, WEB))


def test_a_scrape_gap_of_four_minutes_neither_ends_nor_delays_it(rules: Rules) -> None:
    story = a_story(1500)
    story.sees(START, BEGIN, since=BEGIN, gaps=[(BEGIN + 150, BEGIN + 390)], **COPY, **POD_A)
    rules.expect(story.fires(STUCK, BEGIN + 361, WEB).fires(STUCK, BEGIN + 385, WEB).fires(STUCK, BEGIN + 700, WEB))


def test_a_new_migration_after_one_that_ended_counts_from_its_own_start(rules: Rules) -> None:
    second = BEGIN + 420
    story = a_story(1800).sees(START, BEGIN, since=BEGIN, until=second - 15, **COPY, **POD_A)
    story.sees(END, BEGIN + 250, since=BEGIN + 255, until=second - 15, **COPY, **POD_A, status="failed")
    story.sees(REMAINING, FALLING, since=BEGIN, node="node-a", **WEB)
    story.sees(START, second, since=second, **{**COPY, "migration_name": "move-2"}, **POD_A)
    story.is_silent(second).is_silent(second + 30).fires(STUCK, second + 299, state="pending")
    rules.expect(story.fires(STUCK, second + 361, WEB))


def test_an_end_before_the_start_is_the_end_of_an_earlier_one(rules: Rules) -> None:
    story = copying(a_story()).sees(END, BEGIN - 100, since=BEGIN - 90, **COPY, **POD_A, status="failed")
    rules.expect(story.fires(STUCK, BEGIN + 361, WEB))


def test_a_target_pod_that_died_at_once_ended_the_migration(rules: Rules) -> None:
    """KubeVirt writes the same second as start and end then."""
    story = copying(a_story()).sees(END, BEGIN, since=BEGIN, **COPY, **POD_A, status="failed")
    rules.expect(story.is_silent(BEGIN + 400))


def test_vms_of_one_name_in_two_namespaces_are_two(rules: Rules) -> None:
    story = copying(a_story()).sees(START, BEGIN, since=BEGIN, **{**COPY, **OTHER}, **POD_A)
    story.sees(END, BEGIN + 100, since=BEGIN + 105, until=BEGIN + 600, **{**COPY, **OTHER}, **POD_A, status="succeeded")
    rules.expect(story.fires(STUCK, BEGIN + 361, WEB))
    both = copying(a_story()).sees(START, BEGIN, since=BEGIN, **{**COPY, **OTHER}, **POD_A)
    rules.expect(both.fires(STUCK, BEGIN + 361, WEB, OTHER))


def test_a_vm_that_is_deleted_meanwhile_is_forgotten_within_minutes(rules: Rules) -> None:
    story = a_story().sees(START, BEGIN, since=BEGIN, until=BEGIN + 390, is_stale=True, **COPY, **POD_A)
    rules.expect(story.fires(STUCK, BEGIN + 390, WEB).fires(STUCK, BEGIN + 390 + 301))


# --- the limit by size ---


def test_a_healthy_vm_of_64_gib_may_take_what_kubevirt_gives_it(rules: Rules) -> None:
    """69 decimal gigabytes x 150 s."""
    story = copying(a_story(BEGIN + 10800, every_seconds=15)).sees(MEMORY, 64 * GIB, node="node-a", **WEB)
    for age in (301, 900, 3600, 10350):
        story.is_silent(BEGIN + age)
    rules.expect(story.fires(STUCK, BEGIN + 10350 + 90, WEB))


def test_a_copy_that_kubevirt_ends_at_its_limit_raises_nothing(rules: Rules) -> None:
    """8 GiB are 9 GB: 1350 s. The abort takes some seconds, the next scrape some more."""
    limit = BEGIN + 1350
    story = copying(a_story(2400)).sees(MEMORY, 8 * GIB, node="node-a", **WEB)
    story.sees(END, limit + 20, since=limit + 45, **COPY, **POD_A, status="failed")
    for at in range(limit - 10, limit + 120, 10):
        story.is_silent(at)
    rules.expect(story)


def test_two_nodes_that_report_the_memory_are_no_trouble(rules: Rules) -> None:
    story = copying(a_story()).sees(MEMORY, 8 * GIB, node="node-a", **WEB).sees(MEMORY, GIB, node="node-b", **WEB)
    rules.expect(story.is_silent(BEGIN + 500))


@pytest.mark.parametrize("source", ["domain", "guest", "guest_effective"])
def test_where_virt_handler_is_silent_the_vms_request_is_its_size(rules: Rules, source: str) -> None:
    story = copying(a_story(2400, every_seconds=15))
    story.sees(REQUESTS, 8 * GIB, **WEB, **POD_A, resource="memory", unit="bytes", source=source)
    story.sees(REQUESTS, 2**40, **WEB, **POD_A, resource="memory", unit="bytes", source="hugepages")
    story.sees(REQUESTS, 2**40, **WEB, **POD_A, resource="cpu", unit="cores", source="domain")
    rules.expect(story.is_silent(BEGIN + 1340).fires(STUCK, BEGIN + 1350 + 90, WEB))


def test_where_the_size_is_not_known_the_floor_counts(rules: Rules) -> None:
    story = copying(a_story()).sees(MEMORY, 64 * GIB, node="node-a", namespace="team-a", name="other")
    rules.expect(story.fires(STUCK, BEGIN + 361, WEB))


def test_a_fixed_limit_counts_for_every_size(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    world(cluster)
    fixed = installed_rules(cluster, tmp_path_factory.mktemp("fixed"), stuck_after=600)
    story = copying(a_story(1500)).sees(MEMORY, 64 * GIB, node="node-a", **WEB)
    fixed.expect(story.is_silent(BEGIN + 600).fires(STUCK, BEGIN + 661, WEB))


# --- what a MigrationPolicy gives ---


def policy(name: str, seconds: int | None, **selectors: dict[str, str]) -> dict[str, Any]:
    spec = {} if seconds is None else {"completionTimeoutPerGiB": seconds}
    return {"name": name, "spec": {**spec, "selectors": selectors}}


@pytest.fixture(scope="module")
def policed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """Databases get 500 s per GiB, those of team-a 900, and what a test marks as plain what the cluster gives."""
    tier, plain = {"app.example.org/tier": "db"}, {"app.example.org/tier": "db", "plain": "yes"}
    world(
        cluster,
        policies=[
            policy("databases", 500, virtualMachineInstanceSelector=tier),
            policy("databases-of-a", 900, virtualMachineInstanceSelector=tier, namespaceSelector={"team": "a"}),
            policy("plain", None, virtualMachineInstanceSelector=plain, namespaceSelector={"team": "a"}),
        ],
    )
    done(cluster.request("PATCH", "/api/v1/namespaces/team-a", body={"metadata": {"labels": {"team": "a"}}}))
    return installed_rules(cluster, tmp_path_factory.mktemp("policed"))


TIER = {"kubernetes_vmi_label_app_example_org_tier": "db"}


@pytest.mark.parametrize(
    ("namespace", "labels", "per_gib"),
    [
        ("team-a", {}, 150),
        ("team-b", TIER, 500),
        ("team-a", TIER, 900),
        ("team-a", {**TIER, "kubernetes_vmi_label_plain": "yes"}, 150),
        ("team-a", {**TIER, "kubernetes_vmi_label_plain": "no"}, 900),
    ],
    ids=["no policy", "by label", "by label and namespace", "most labels rule", "another value"],
)
def test_the_policy_that_rules_a_vm_gives_its_limit(
    policed: Rules, namespace: str, labels: dict[str, str], per_gib: int
) -> None:
    vm = {"namespace": namespace, "name": "web-1"}
    limit = BEGIN + 3 * per_gib
    story = a_story(BEGIN + 3000, every_seconds=15).sees(START, BEGIN, since=BEGIN, **{**COPY, **vm}, **POD_A)
    story.sees(REMAINING, FALLING, since=BEGIN, node="node-a", **vm)
    story.sees(MEMORY, 3 * 10**9, node="node-a", **vm, **labels)
    policed.expect(story.is_silent(limit).fires(STUCK, limit + 90, vm))
