# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates before each act, in their order. docs/remediation.md has the same list.

This module is private to the collection and may change without notice.

Each gate answers pass, refuse or unreadable. What is unreadable refuses too: no knowledge, no act. accept_risks
overrides a gate by its code; what is unreadable it overrides only for one named VM, so that somebody with rights in one
namespace can free their own VM. Post-copy, another migration under the name and the pause switch are never overridden.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import (
    REMEDIATE,
    wants_remediation,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import KubeVirt
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import seconds_between
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.budget import Budget
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.cancel import CancelWish, owner_refusal
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.ladder import LADDER, may_cancel
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import Held
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import Guard

__all__ = ["GATES", "Gate", "GateAnswer", "Limits", "Marks", "Passage", "Situation", "pass_gates"]

PASS, REFUSE, UNREADABLE = "pass", "refuse", "unreadable"


@dataclass(frozen=True)
class Limits:
    """The options that bound acting."""

    max_stuck_per_node: int = 3
    max_acts_per_run: int = 5
    max_acts_per_hour: int = 20
    max_attempts: int = 3


@dataclass(frozen=True)
class Marks:
    """What says whether automation may act: labels of the VM and its VMI, annotations of the namespace.

    None stands for what could not be read; the VMI was read before.
    """

    vm: Mapping[str, str] | None
    vmi: Mapping[str, str]
    namespace: Mapping[str, str] | None


@dataclass(frozen=True)
class Situation:
    """What the gates of one act judge. None stands for what could not be read; `missing` says by gate which rules.

    `act` is cancel or retry. `judgement` is of the fresh look: for a retry None. `stuck_by_node` counts stuck
    migrations by node. `acts_of_run` are those that this run has begun, `attempts` those of the VM since it last moved.
    `ladder` has the highest rung of each cause. `lease` is None where there is none yet, and `lease_seen` False where
    it may not be used. `marks` is None where nobody asks for an opt-in.
    """

    act: str
    now: datetime
    limits: Limits
    wish: CancelWish | None = None
    judgement: Judgement | None = None
    paused_at: tuple[str, ...] = ()
    pause_unseen: tuple[str, ...] = ()
    marks: Marks | None = None
    guard: Guard | None = None
    stuck_by_node: dict[str, int] | None = None
    budget: Budget | None = None
    acts_of_run: int = 0
    kubevirt: KubeVirt | None = None
    attempts: int = 0
    lease: Held | None = None
    lease_seen: bool = True
    holder: str = ""
    ladder: Mapping[str, str] = field(default_factory=lambda: LADDER)
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GateAnswer:
    """What one gate said. `code` overrides it in accept_risks, where `can_accept`."""

    gate: str
    code: str
    answer: str
    reason: str
    next_allowed_at: datetime | None = None
    can_accept: bool = True


@dataclass(frozen=True)
class Gate:
    """One gate: its name, the code it refuses with, and what it asks."""

    name: str
    code: str
    asks: str
    judge: Callable[[Situation], GateAnswer]


@dataclass(frozen=True)
class Passage:
    """All gates' answers, in order; those that stop the act, and those that accept_risks overrode."""

    answers: tuple[GateAnswer, ...]
    refusals: tuple[GateAnswer, ...]
    overridden: tuple[GateAnswer, ...]

    @property
    def allowed(self) -> bool:
        """Whether the act may be done."""
        return not self.refusals


def pass_gates(situation: Situation, *, accepted: Collection[str] = (), is_one_vm: bool = False) -> Passage:
    """Asks every gate. `is_one_vm`: exactly one VM was named, so that what is unreadable may be accepted."""
    answers = tuple(gate.judge(situation) for gate in GATES)
    closed = [one for one in answers if one.answer != PASS]
    overridden = [
        one for one in closed if one.can_accept and one.code in accepted and (one.answer == REFUSE or is_one_vm)
    ]
    return Passage(answers, tuple(one for one in closed if one not in overridden), tuple(overridden))


# -- the gates


def _pause(given: Situation) -> GateAnswer:
    if given.paused_at:
        why = f"Acting is paused by an annotation on {', '.join(given.paused_at)}."
        return GateAnswer("pause", "ActingPaused", REFUSE, why, can_accept=False)
    if given.pause_unseen:
        why = f"Whether acting is paused could not be read: {'; '.join(given.pause_unseen)}."
        return GateAnswer("pause", "ActingPaused", UNREADABLE, why)
    return _passed("pause", "ActingPaused", "Nobody has paused it.")


def _stuck(given: Situation) -> GateAnswer:
    if given.act == "retry":
        return _passed("stuck", "NotStuck", "A retry has no migration that could be stuck.")
    judgement = given.judgement
    if judgement is None:
        why = "The migration was not found in the fresh look, so nothing is known of it."
        return GateAnswer("stuck", "NotStuck", UNREADABLE, why)
    if judgement.case.migration.is_being_deleted:
        return _passed("stuck", "NotStuck", "It is being cancelled already.")
    if judgement.is_stuck:
        return _passed("stuck", "NotStuck", f"It is {judgement.verdict}: {judgement.reason}")
    if judgement.verdict == "unknown":
        return GateAnswer("stuck", "NotStuck", UNREADABLE, f"Whether it is stuck is not known: {judgement.reason}")
    why = f"It is not stuck but {judgement.verdict}: {judgement.reason}"
    return GateAnswer("stuck", "NotStuck", REFUSE, why, judgement.deadline.at)


def _post_copy(given: Situation) -> GateAnswer:
    judgement = given.judgement
    if judgement is None or judgement.case.migration.phase != "Running":
        return _passed("post_copy", "PostCopyActive", "No copy runs.")
    state = judgement.case.state
    if state is None:
        why = "Whether it is in post-copy could not be seen."
        return GateAnswer("post_copy", "PostCopyActive", UNREADABLE, why, can_accept=False)
    if state.mode == "PostCopy":
        why = "It is in post-copy: the guest runs on the target already, and whatever interrupts it loses the VM."
        return GateAnswer("post_copy", "PostCopyActive", REFUSE, why, can_accept=False)
    return _passed("post_copy", "PostCopyActive", f"The copy is in mode {state.mode or 'PreCopy'}.")


def _cause(given: Situation) -> GateAnswer:
    judgement = given.judgement
    if given.act == "retry" or judgement is None or not judgement.is_stuck:
        return _passed("cause", "Unknown", "No cause stands in the way.")
    cause = judgement.causes[0] if judgement.causes else None
    if cause is None:
        why = "Nothing that is known explains it, so nothing says that a cancel helps."
        return GateAnswer("cause", "Unknown", REFUSE, why)
    if may_cancel(cause.code, ladder=given.ladder):
        return _passed("cause", cause.code, f"A cancel helps against {cause.code}.")
    why = f"A cancel does not help against {cause.code}: {cause.summary}"
    return GateAnswer("cause", cause.code, REFUSE, why)


def _owner(given: Situation) -> GateAnswer:
    if given.judgement is None or given.wish is None:
        return _passed("owner", "OwnedByController", "Nobody else makes migrations of it.")
    refusal = owner_refusal(given.judgement.case.migration, wish=given.wish)
    if refusal is None:
        return _passed("owner", "OwnedByController", "Nobody makes it again, or that is stopped or accepted.")
    return GateAnswer("owner", refusal.code, REFUSE, refusal.reason)


def _opt_in(given: Situation) -> GateAnswer:
    """The VM's own word counts before that of its VMI, and that before the namespace's."""
    code, marks = "NotOptedIn", given.marks
    if marks is None:
        return _passed("opt_in", code, "No opt-in is asked for.")
    for what, found in (("the VM", marks.vm), ("its VMI", marks.vmi), ("its namespace", marks.namespace)):
        if found is None:
            return _unseen(given, "opt_in", code, f"Whether {what} has opted in could not be read")
        wants = wants_remediation(found)
        if wants:
            return _passed("opt_in", code, f"{REMEDIATE} on {what} is true.")
        if wants is False:
            why = f"{REMEDIATE} on {what} is not true, so automation does not act on it."
            return GateAnswer("opt_in", code, REFUSE, why)
    why = f"Nobody has opted in: {REMEDIATE} is neither a label of the VM nor an annotation of its namespace."
    return GateAnswer("opt_in", code, REFUSE, why)


def _coverage(given: Situation) -> GateAnswer:
    gaps = _gaps(given.judgement)
    if not gaps:
        return _passed("coverage", "CoverageIncomplete", "Everything that its verdict rests on was read.")
    why = "; ".join(dict.fromkeys(gap.sentence() for gap in gaps))
    said = f"{', '.join(gap.code for gap in gaps)} could not be looked for: {why}."
    return GateAnswer("coverage", "CoverageIncomplete", UNREADABLE, said)


def _gaps(judgement: Judgement | None) -> list[Gap]:
    """Those that its verdict may hang on by now: what could not have held yet hides nothing."""
    if judgement is None:
        return []
    age = seconds_between(judgement.case.migration.meta.created_at, judgement.case.now) or 0
    return [gap for gap in judgement.gaps if age >= gap.after_seconds]


def _health(given: Situation) -> GateAnswer:
    guard = given.guard
    if guard is None:
        return _unseen(given, "cluster_health", "ClusterUnhealthy", "How many nodes are healthy could not be read")
    answer = PASS if guard.remediation_allowed else REFUSE
    return GateAnswer("cluster_health", "ClusterUnhealthy", answer, guard.reason)


def _per_node(given: Situation) -> GateAnswer:
    limit = given.limits.max_stuck_per_node
    if given.act == "retry":
        return _passed("stuck_per_node", "ManyStuckOnNode", "It leaves no node that others are stuck on.")
    if given.stuck_by_node is None:
        said = "How many migrations are stuck on its nodes could not be read"
        return _unseen(given, "stuck_per_node", "ManyStuckOnNode", said)
    case = given.judgement.case if given.judgement else None
    nodes = sorted({case.source_node, case.target_node} - {""}) if case else []
    over = [f"{given.stuck_by_node[node]} on {node}" for node in nodes if given.stuck_by_node.get(node, 0) > limit]
    if over:
        why = f"Several are stuck at once ({', '.join(over)}; at most {limit} allowed): look at the node first."
        return GateAnswer("stuck_per_node", "ManyStuckOnNode", REFUSE, why)
    return _passed("stuck_per_node", "ManyStuckOnNode", f"At most {limit} are stuck on each of its nodes.")


def _budget(given: Situation) -> GateAnswer:
    limits, code = given.limits, "BudgetSpent"
    if given.acts_of_run >= limits.max_acts_per_run:
        why = f"This run has made the {limits.max_acts_per_run} acts that max_acts_per_run allows."
        return GateAnswer("budget", code, REFUSE, why, given.now)
    if given.budget is None:
        return _unseen(given, "budget", code, "How many acts the cluster has seen this hour could not be read")
    if given.budget.left(given.now, per_hour=limits.max_acts_per_hour) <= given.acts_of_run:
        why = f"The cluster has seen the {limits.max_acts_per_hour} acts that max_acts_per_hour allows."
        return GateAnswer(
            "budget", code, REFUSE, why, given.budget.next_at(given.now, per_hour=limits.max_acts_per_hour)
        )
    return _passed("budget", code, "Acts are left in this run and this hour.")


def _upgrade(given: Situation) -> GateAnswer:
    kubevirt, code = given.kubevirt, "KubeVirtUpgrading"
    if kubevirt is None or kubevirt.doubt:
        return _unseen(given, "upgrade", code, "Whether KubeVirt is being upgraded could not be read")
    if kubevirt.is_changing:
        why = (
            f"KubeVirt is {kubevirt.phase or 'without a phase'}, at {kubevirt.version or 'no version'} on its way to "
            f"{kubevirt.target_version or 'another'}."
        )
        return GateAnswer("upgrade", code, REFUSE, why)
    return _passed("upgrade", code, f"KubeVirt is {kubevirt.phase} at {kubevirt.version}.")


def _attempts(given: Situation) -> GateAnswer:
    code = "AttemptLimitReached"
    if given.act == "cancel":
        return _passed("attempts", code, "A cancel is no attempt.")
    if not given.lease_seen or (given.lease is not None and given.lease.record is None):
        return _unseen(given, "attempts", code, "How often it was tried could not be read")
    made = given.attempts
    if made >= given.limits.max_attempts:
        why = f"It was tried {made} times since it last moved; max_attempts is {given.limits.max_attempts}."
        return GateAnswer("attempts", code, REFUSE, why)
    return _passed("attempts", code, f"{made} of {given.limits.max_attempts} attempts were made.")


def _lock(given: Situation) -> GateAnswer:
    if not given.lease_seen or (given.lease is not None and given.lease.record is None):
        return _unseen(given, "lock", "LockHeld", "Whether somebody else acts on the VM could not be read")
    refusal = given.lease.refusal(holder=given.holder, now=given.now) if given.lease else None
    if refusal is not None:
        return GateAnswer("lock", refusal.code, REFUSE, refusal.reason, refusal.next_allowed_at, can_accept=False)
    return _passed("lock", "LockHeld", "Nobody else acts on the VM.")


def _passed(gate: str, code: str, reason: str) -> GateAnswer:
    return GateAnswer(gate, code, PASS, reason)


def _unseen(given: Situation, gate: str, code: str, reason: str) -> GateAnswer:
    why = given.missing.get(gate, "")
    return GateAnswer(gate, code, UNREADABLE, f"{reason}: {why}." if why else f"{reason}.")


GATES: Sequence[Gate] = (
    Gate("pause", "ActingPaused", "Has somebody paused all acts?", _pause),
    Gate("stuck", "NotStuck", "Does the fresh look still find it stuck?", _stuck),
    Gate("post_copy", "PostCopyActive", "Is the copy in post-copy?", _post_copy),
    Gate("cause", "the cause's code", "Does a cancel help against its cause?", _cause),
    Gate("owner", "OwnedByController", "Would a controller make it again?", _owner),
    Gate("opt_in", "NotOptedIn", "Has the VM or its namespace opted in (only_opted_in)?", _opt_in),
    Gate("coverage", "CoverageIncomplete", "Was everything read that its verdict rests on?", _coverage),
    Gate("cluster_health", "ClusterUnhealthy", "Are enough nodes healthy (min_healthy)?", _health),
    Gate("stuck_per_node", "ManyStuckOnNode", "Are several stuck on one node (max_stuck_per_node)?", _per_node),
    Gate("budget", "BudgetSpent", "Are acts left in this run and this hour?", _budget),
    Gate("upgrade", "KubeVirtUpgrading", "Is KubeVirt being upgraded?", _upgrade),
    Gate("attempts", "AttemptLimitReached", "Was it tried too often (max_attempts)?", _attempts),
    Gate("lock", "LockHeld", "Does somebody else act on the VM?", _lock),
)
