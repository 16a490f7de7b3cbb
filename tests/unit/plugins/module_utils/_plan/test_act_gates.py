# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates: their order, what each refuses, what is unreadable, and what may be insisted on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import KubeVirt
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.act_gates import (
    GATES,
    Limits,
    Situation,
    pass_gates,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.budget import Budget
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.cancel import CancelWish
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import Held, Record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.risks import RISKS, Level
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import judge_guard
from tests.unit import worlds
from tests.unit.builders import NOW, a_kubevirt
from tests.unit.mangling import hide
from tests.unit.worlds import World, a_copy, evacuation

WISH = CancelWish("team-a", "kubevirt-migrate-vm-mig-web-1", "mig-web-1")


def stuck() -> World:
    """virt-handler of the target has been silent for 90 s: blocked, and a cancel helps."""
    return worlds.handler_down("dst", phase="PreparingTarget")


def a_situation(world: World | None = None, **more: Any) -> Situation:
    """All gates open, but for what is given."""
    base = Situation(
        act="cancel",
        now=NOW,
        limits=Limits(),
        wish=WISH,
        judgement=(stuck() if world is None else world).first(),
        guard=judge_guard(["healthy", "healthy"]),
        stuck_by_node={"dst-web-1": 1, "src-web-1": 1},
        budget=Budget("7"),
        kubevirt=KubeVirt.from_object(a_kubevirt()),
        holder="me",
    )
    return replace(base, **more)


def kubevirt(**status: str) -> KubeVirt:
    found = a_kubevirt()
    found["status"] |= status
    return KubeVirt.from_object(found)


def test_order_is_fixed() -> None:
    assert [gate.name for gate in GATES] == [
        "pause",
        "stuck",
        "post_copy",
        "cause",
        "owner",
        "opt_in",
        "coverage",
        "cluster_health",
        "stuck_per_node",
        "budget",
        "upgrade",
        "attempts",
        "lock",
    ]


def test_stuck_migration_in_a_healthy_cluster_passes_all() -> None:
    passage = pass_gates(a_situation())

    assert passage.allowed
    assert [one.answer for one in passage.answers] == ["pass"] * len(GATES)


def test_defaults_are_those_that_are_documented() -> None:
    assert Limits() == Limits(max_stuck_per_node=3, max_acts_per_run=5, max_acts_per_hour=20, max_attempts=3)


def test_as_many_on_a_node_as_are_allowed_close_nothing() -> None:
    assert pass_gates(a_situation(stuck_by_node={"dst-web-1": 3, "elsewhere": 9})).allowed
    assert pass_gates(a_situation(stuck_by_node={}, limits=Limits(max_stuck_per_node=0))).allowed


def test_first_cause_decides() -> None:
    judgement = stuck().first()
    other = replace(judgement.causes[0], code="SourceHandlerDown")

    def refused(*causes: Any) -> list[str]:
        found = pass_gates(a_situation(judgement=replace(judgement, causes=causes)))
        return [one.code for one in found.refusals]

    assert (refused(judgement.causes[0], other), refused(other, judgement.causes[0])) == ([], ["SourceHandlerDown"])


@pytest.mark.parametrize(
    "more",
    [{"lease_seen": False}, {"lease": Held("7", "", None, 1, None)}],
    ids=["may not be read", "cannot be understood"],
)
def test_count_that_is_not_known_closes_the_attempts_of_a_retry(more: dict[str, Any]) -> None:
    found = pass_gates(a_situation(act="retry", judgement=None, **more))

    assert [one.gate for one in found.refusals] == ["attempts", "lock"]


SPENT = Budget("7", tuple(NOW - timedelta(seconds=age) for age in range(20, 0, -1)))
HELD = Held("7", "another", NOW + timedelta(seconds=30), 1, Record())
CLOSED: dict[str, tuple[Situation, str, str, str]] = {
    "paused": (a_situation(paused_at=("namespace team-a",)), "pause", "ActingPaused", "refuse"),
    "pause unseen": (a_situation(pause_unseen=("namespace kubevirt",)), "pause", "ActingPaused", "unreadable"),
    "healthy": (a_situation(a_copy()), "stuck", "NotStuck", "refuse"),
    "not found": (a_situation(judgement=None), "stuck", "NotStuck", "unreadable"),
    "post-copy": (a_situation(a_copy(mode="PostCopy")), "post_copy", "PostCopyActive", "refuse"),
    "source down": (a_situation(worlds.handler_down("src")), "cause", "SourceHandlerDown", "refuse"),
    "evacuation": (a_situation(evacuation(stuck())), "owner", "OwnedByController", "refuse"),
    "nodes sick": (
        a_situation(guard=judge_guard(["healthy", "unhealthy"])),
        "cluster_health",
        "ClusterUnhealthy",
        "refuse",
    ),
    "nodes unseen": (a_situation(guard=None), "cluster_health", "ClusterUnhealthy", "unreadable"),
    "four on a node": (a_situation(stuck_by_node={"dst-web-1": 4}), "stuck_per_node", "ManyStuckOnNode", "refuse"),
    "others unseen": (a_situation(stuck_by_node=None), "stuck_per_node", "ManyStuckOnNode", "unreadable"),
    "run's budget": (a_situation(acts_of_run=5), "budget", "BudgetSpent", "refuse"),
    "hour's budget": (a_situation(budget=SPENT), "budget", "BudgetSpent", "refuse"),
    "budget unseen": (a_situation(budget=None), "budget", "BudgetSpent", "unreadable"),
    "deploying": (a_situation(kubevirt=kubevirt(phase="Deploying")), "upgrade", "KubeVirtUpgrading", "refuse"),
    "other version": (
        a_situation(kubevirt=kubevirt(targetKubeVirtVersion="v1.10.0")),
        "upgrade",
        "KubeVirtUpgrading",
        "refuse",
    ),
    "KubeVirt unseen": (a_situation(kubevirt=None), "upgrade", "KubeVirtUpgrading", "unreadable"),
    "held": (a_situation(lease=HELD), "lock", "LockHeld", "refuse"),
    "lock unseen": (a_situation(lease_seen=False), "lock", "LockHeld", "unreadable"),
    "record spoilt": (a_situation(lease=replace(HELD, holder="", record=None)), "lock", "LockHeld", "unreadable"),
    "tried often": (
        a_situation(act="retry", judgement=None, attempts=3),
        "attempts",
        "AttemptLimitReached",
        "refuse",
    ),
}


@pytest.mark.parametrize(("situation", "gate", "code", "answer"), CLOSED.values(), ids=CLOSED)
def test_gate_is_closed(situation: Situation, gate: str, code: str, answer: str) -> None:
    passage = pass_gates(situation)
    said = [(one.gate, one.code, one.answer) for one in passage.refusals]

    assert (gate, code, answer) in said
    assert code in RISKS


@pytest.mark.parametrize("name", [name for name in CLOSED if name not in ("paused", "post-copy", "held")], ids=str)
def test_code_in_accept_risks_opens_it_for_one_named_vm(name: str) -> None:
    situation, _gate, code, _answer = CLOSED[name]
    found = pass_gates(situation, accepted=[code], is_one_vm=True)

    assert code not in [one.code for one in found.refusals]
    assert code in [one.code for one in found.overridden]


UNREADABLE = [name for name, (*_rest, answer) in CLOSED.items() if answer == "unreadable"]


@pytest.mark.parametrize("name", UNREADABLE, ids=str)
def test_what_is_unreadable_is_not_accepted_for_many_at_once(name: str) -> None:
    situation, _gate, code, _answer = CLOSED[name]

    assert not pass_gates(situation, accepted=[code], is_one_vm=False).allowed


@pytest.mark.parametrize("name", ["paused", "post-copy", "held"], ids=str)
def test_nobody_overrides_it(name: str) -> None:
    situation, _gate, code, _answer = CLOSED[name]

    assert not pass_gates(situation, accepted=list(RISKS), is_one_vm=True).allowed
    assert RISKS[code] in (Level.FINAL, Level.REFUSED)


def test_copy_whose_mode_is_not_seen_is_not_accepted_either() -> None:
    world = a_copy()
    del world.vmi["status"]["migrationState"]
    passage = pass_gates(a_situation(world), accepted=list(RISKS), is_one_vm=True)

    assert [(one.gate, one.answer) for one in passage.refusals] == [("post_copy", "unreadable")]


def test_verdict_that_rests_on_what_was_not_read_closes_coverage() -> None:
    judgement = judge_snapshot(hide(stuck().snapshot(), ("nodes", "handlers")))[0]
    passage = pass_gates(a_situation(judgement=judgement))

    assert ("coverage", "unreadable") in [(one.gate, one.answer) for one in passage.refusals]


def test_gap_that_its_verdict_cannot_hang_on_yet_closes_nothing() -> None:
    copy = a_copy().first()
    late = Gap("SourceNodeDown", (), after_seconds=60, why="a reason")
    early = replace(late, after_seconds=61)

    def coverage(gap: Gap) -> str:
        found = pass_gates(a_situation(judgement=replace(copy, gaps=(gap,))))
        return next(one.answer for one in found.answers if one.gate == "coverage")

    assert (coverage(late), coverage(early)) == ("unreadable", "pass")


def test_refusal_says_when_it_may_be_tried_again() -> None:
    later = {one.code: one.next_allowed_at for one in pass_gates(a_situation(budget=SPENT, lease=HELD)).refusals}

    assert later == {"BudgetSpent": SPENT.acts[0] + timedelta(hours=1), "LockHeld": HELD.expires_at}


def test_missing_rule_stands_in_the_reason() -> None:
    passage = pass_gates(a_situation(guard=None, missing={"cluster_health": "not allowed to list nodes"}))

    assert passage.refusals[0].reason == "How many nodes are healthy could not be read: not allowed to list nodes."


@given(
    blind=st.sets(st.sampled_from(["guard", "stuck_by_node", "budget", "kubevirt", "judgement"])),
    codes=st.sets(st.sampled_from(sorted(RISKS))),
    is_one_vm=st.booleans(),
)
def test_no_knowledge_no_act(blind: set[str], codes: set[str], is_one_vm: bool) -> None:
    """Whatever is not read: the act is allowed only where each gate that could not be read was accepted by name."""
    passage = pass_gates(a_situation(**dict.fromkeys(blind)), accepted=codes, is_one_vm=is_one_vm)
    unread = {one.code for one in passage.answers if one.answer == "unreadable"}

    assert passage.allowed == (not unread or (is_one_vm and unread <= codes))
