# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every phase with {cancel, cancel and retry} in {check mode, earnest}: one world and one run for each of the four.

Each phase has a VM of its own, whose migration stays in that phase until it is cancelled. What a run said and left is
kept, and each test looks at one phase of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import as_is, at_real_pace, cancel, going_on, retry
from tests.integration.simulated import MIGRATIONS, VMIS, a_world, delete, items

Object = dict[str, Any]

# What becomes of a migration in each phase: state and code of the cancel, and of the retry after it.
UNFINISHED = ("unset", "Pending", "Scheduling", "Scheduled", "Running")
BETWEEN = ("PreparingTarget", "TargetReady")
PHASES = (*UNFINISHED, *BETWEEN, "PostCopy", "Terminating", "Succeeded", "Failed")
CANCELLED: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(UNFINISHED, ("cancelled", "")),
    **dict.fromkeys(BETWEEN, ("hanging", "CancelWaitsForPhase")),
    "PostCopy": ("refused", "PostCopyActive"),
    "Terminating": ("cancelled", ""),
    "Succeeded": ("succeeded", ""),
    "Failed": ("failed", ""),
}
RETRIED: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(UNFINISHED, ("created", "")),
    **dict.fromkeys(BETWEEN, ("refused", "StillEnding")),
    "PostCopy": ("refused", "MigrationActive"),
    "Terminating": ("created", ""),
    "Succeeded": ("refused", "AlreadyMoved"),
    "Failed": ("created", ""),
}
# The same in check mode, where what is planned has not happened.
WOULD_CANCEL: Mapping[str, tuple[str, str]] = {
    **CANCELLED,
    **dict.fromkeys((*UNFINISHED, *BETWEEN), ("planned", "")),
    "Terminating": ("requested", ""),
}
WOULD_RETRY: Mapping[str, tuple[str, str]] = {
    **RETRIED,
    **dict.fromkeys((*UNFINISHED, *BETWEEN, "Terminating", "Failed"), ("planned", "")),
}
WIDE = {"max_acts_per_run": 20, "max_acts_per_hour": 100}


def vm_of(phase: str) -> str:
    """The VM whose migration stands in this phase."""
    return phase.lower()


def migration_of(phase: str) -> Object:
    """What the simulator plants for it."""
    is_copied = phase in ("PostCopy", "Terminating")
    found: Object = {"vm": f"team-a/{vm_of(phase)}", "since": 20, "target": "node-b"}
    found["phase"] = "Running" if is_copied else ("" if phase == "unset" else phase)
    if phase == "PostCopy":
        found["mode"] = "PostCopy"
    # A copy that stays is one whose source does not answer; it does not end by itself in any case.
    return found if found["phase"] == "Running" else {**found, "stays": True}


@dataclass
class Run:
    """What one of the four said and left, by VM."""

    before: dict[str, Object] = field(default_factory=dict)
    cancelled: dict[str, Object] = field(default_factory=dict)
    retried: dict[str, Object] = field(default_factory=dict)
    left: dict[str, list[Object]] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    is_untouched: bool = False


def migrations(cluster: Cluster) -> dict[str, list[Object]]:
    """The migrations that there are, by VM."""
    found: dict[str, list[Object]] = {}
    for one in items(cluster, MIGRATIONS):
        found.setdefault(one["spec"]["vmiName"], []).append(one)
    return found


def by_vm(result: Object) -> dict[str, Object]:
    """The entries of a result."""
    return {entry["vm"]: entry for entry in result["results"]}


def carry_out(cluster: Cluster, *, with_retry: bool, check_mode: bool) -> Run:
    """One world with a VM in each phase, cancelled as a whole and, if so asked, migrated again."""
    at_real_pace(cluster)
    cluster.simulator.play(
        a_world(
            vms=[{"name": f"team-a/{vm_of(phase)}", "node": "node-a"} for phase in PHASES],
            migrations=[migration_of(phase) for phase in PHASES],
            configuration={"migrations": {"parallelMigrationsPerCluster": 50, "parallelOutboundMigrationsPerNode": 50}},
        )
    )
    run = Run(before={vm: found[0] for vm, found in migrations(cluster).items()})
    delete(cluster, run.before[vm_of("Terminating")])
    untouched = as_is(cluster)
    metas = {vm: one["metadata"] for vm, one in run.before.items()}
    targets = [{"namespace": "team-a", "vm": vm, "name": one["name"], "uid": one["uid"]} for vm, one in metas.items()]
    asked = {"check_mode": check_mode, "accept_risks": ["NotStuck"], "wait_timeout": 3, **WIDE}
    with nullcontext() if check_mode else going_on(cluster):
        said = cancel(cluster, targets=targets, retry_follows=with_retry, **asked)
        run.cancelled = by_vm(said)
        if with_retry:
            run.retried = by_vm(retry(cluster, targets=said["results"], **{**asked, "accept_risks": []}))
    run.left = migrations(cluster)
    run.nodes = {one["metadata"]["name"]: one["status"]["nodeName"] for one in items(cluster, VMIS)}
    run.is_untouched = as_is(cluster) == untouched
    return run


@pytest.fixture(scope="module")
def runs(cluster: Cluster) -> dict[tuple[str, str], Run]:
    """The four of them, by act and way."""
    return {
        (act, way): carry_out(cluster, with_retry=act == "cancel and retry", check_mode=way == "check mode")
        for act in ("cancel", "cancel and retry")
        for way in ("check mode", "earnest")
    }


def outcome(entry: Object) -> tuple[str, str]:
    """State and code."""
    return entry["state"], entry["code"]


def sent(entry: Object) -> list[tuple[str, str]]:
    """The acts of an entry and what became of each, without lock and trace."""
    acts = ("delete_migration", "delete_target_pod", "cancel_evacuation", "create_migration", "withdraw_migration")
    return [(one["action"], one["outcome"]) for one in entry["plan"] if one["action"] in acts]


@pytest.mark.parametrize("act", ["cancel", "cancel and retry"], ids=str)
@pytest.mark.parametrize("phase", PHASES, ids=str)
def test_cancel_of_each_phase(runs: dict[tuple[str, str], Run], phase: str, act: str) -> None:
    run, vm = runs[act, "earnest"], vm_of(phase)
    entry, uid = run.cancelled[vm], run.before[vm]["metadata"]["uid"]

    assert outcome(entry) == CANCELLED[phase], entry
    is_ours = phase in (*UNFINISHED, *BETWEEN)
    assert sent(entry) == ([("delete_migration", "done")] if is_ours else []), entry
    old = [one["metadata"] for one in run.left.get(vm, []) if one["metadata"]["uid"] == uid]
    assert bool(old) == (phase in (*BETWEEN, "PostCopy", "Succeeded", "Failed"))
    assert [bool(meta.get("deletionTimestamp")) for meta in old] == [phase in BETWEEN] * len(old)
    assert run.nodes[vm] == ("node-b" if phase == "Succeeded" else "node-a")


@pytest.mark.parametrize("phase", PHASES, ids=str)
def test_retry_after_the_cancel_of_each_phase(runs: dict[tuple[str, str], Run], phase: str) -> None:
    run, vm = runs["cancel and retry", "earnest"], vm_of(phase)
    entry, uid = run.retried[vm], run.before[vm]["metadata"]["uid"]

    assert outcome(entry) == RETRIED[phase], entry
    is_made = RETRIED[phase][0] == "created"
    assert sent(entry) == ([("create_migration", "done")] if is_made else []), entry
    new = [one["metadata"]["uid"] for one in run.left.get(vm, []) if one["metadata"]["uid"] != uid]
    assert new == ([entry["uid"]] if is_made else [])
    assert not is_made or entry["attempt"] == 1


@pytest.mark.parametrize("act", ["cancel", "cancel and retry"], ids=str)
@pytest.mark.parametrize("phase", PHASES, ids=str)
def test_check_mode_says_of_each_phase_what_a_cancel_would_do(
    runs: dict[tuple[str, str], Run], phase: str, act: str
) -> None:
    entry = runs[act, "check mode"].cancelled[vm_of(phase)]

    assert outcome(entry) == WOULD_CANCEL[phase], entry
    is_ours = phase in (*UNFINISHED, *BETWEEN)
    assert sent(entry) == ([("delete_migration", "dry_run")] if is_ours else []), entry


@pytest.mark.parametrize("phase", PHASES, ids=str)
def test_check_mode_says_of_each_phase_what_a_retry_would_do(runs: dict[tuple[str, str], Run], phase: str) -> None:
    entry = runs["cancel and retry", "check mode"].retried[vm_of(phase)]

    assert outcome(entry) == WOULD_RETRY[phase], entry
    # Only what rests on nothing before it can be tried by the server.
    tried = {"Failed": "dry_run"}.get(phase, "not_possible_yet")
    assert sent(entry) == ([("create_migration", tried)] if WOULD_RETRY[phase][0] == "planned" else []), entry


@pytest.mark.parametrize("act", ["cancel", "cancel and retry"], ids=str)
def test_check_mode_changes_nothing(runs: dict[tuple[str, str], Run], act: str) -> None:
    assert runs[act, "check mode"].is_untouched
    assert not runs[act, "earnest"].is_untouched
