# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on one migration.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import lacking
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import seconds_between
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.convergence import NO_PROGRESS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.copy import post_copy_since
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.repeated import HISTORY
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import (
    CANCEL_SECONDS,
    Deadline,
    find_deadline,
    launcher_deadline,
    launcher_may_be_over,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.explain import (
    Findings,
    blocking_cause,
    find_causes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import (
    copy_state,
    find_outlook,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import Queue

__all__ = ["LATE_AFTER_SECONDS", "STUCK", "VERDICTS", "Judgement", "judge_migration"]

VERDICTS = (
    "unknown",
    "succeeded",
    "failed",
    "cancelling",
    "blocked",
    "stalled",
    "overdue",
    "queued",
    "late",
    "progressing",
)
STUCK = frozenset({"blocked", "stalled", "overdue"})
LATE_AFTER_SECONDS = 300
PENDING_UNEXPLAINED_SECONDS = 60
# Clocks of a cluster differ a little; a moment further ahead than this is nonsense.
FUTURE_SECONDS = 60


@dataclass(frozen=True)
class Judgement:
    """The verdict on `case.migration` with what it rests on. `reason` is the sentence behind the verdict."""

    case: Case
    verdict: str
    reason: str
    deadline: Deadline
    causes: tuple[Cause, ...]
    gaps: tuple[Gap, ...]

    @property
    def is_stuck(self) -> bool:
        """Whether a person should look: blocked, stalled or overdue."""
        return self.verdict in STUCK

    @property
    def seconds_left(self) -> int | None:
        """Until the deadline, negative when over it; None where there is none."""
        return seconds_between(self.case.now, self.deadline.at)


def judge_migration(case: Case, *, late_after: int = LATE_AFTER_SECONDS, queue: Queue | None = None) -> Judgement:
    """The verdict by the closed list of words, the first that fits.

    What could not be read never counts as "fine": where a cause that could not be looked for may hold, the verdict is
    `unknown` and names the missing rules, unless another verdict is proven.
    """
    problems = _problems(case)
    if problems and not case.migration.is_final:
        return _unjudgeable(case, problems)
    findings = find_causes(case, queue=queue)
    deadline = find_deadline(case)
    verdict, reason = next(_candidates(case, findings, deadline, late_after))
    reason += _by_times_alone(case, verdict)
    judgement = Judgement(case, verdict, reason, deadline, findings.causes, findings.gaps)
    return _with_unknown(judgement, findings) if verdict == "unknown" else judgement


def _problems(case: Case) -> list[str]:
    found = [f"{case.name}: {problem}" for problem in case.migration.problems]
    if case.vmi is None:
        found += _no_vmi(case)
    else:
        found += [f"{case.vmi_name}: {problem}" for problem in case.vmi.problems]
    found += [f"{pod.label}: {problem}" for pod in case.launchers for problem in pod.problems]
    meta = case.migration.meta
    started = case.state.started_at if case.state else None
    for moment in (case.migration.phase_since, meta.created_at, meta.deleted_at, started):
        if moment is not None and moment - case.now > timedelta(seconds=FUTURE_SECONDS):
            found.append(f"{case.name}: its times lie in the future")
            break
    return found


def _no_vmi(case: Case) -> list[str]:
    if case.migration.key in case.snapshot.vmis:
        return []  # The API says that there is none: a cause, and nothing that could not be read.
    rules = case.snapshot.unseen_for("vmis", namespace=case.migration.meta.namespace)
    return [lacking(rules[:1]) or f"{case.vmi_name} was not read"]


def _unjudgeable(case: Case, problems: list[str]) -> Judgement:
    reason = "it cannot be judged: " + "; ".join(problems[:5])
    cause = Cause("Unknown", reason[0].upper() + reason[1:] + ".", "maybe", None, (), confidence="possible")
    return Judgement(case, "unknown", reason, Deadline(None, ""), (cause,), ())


def _candidates(case: Case, findings: Findings, deadline: Deadline, late_after: int) -> Iterator[tuple[str, str]]:
    """Verdicts that fit with their reasons, in the order of the list; what a gap may hide stops at `unknown`."""
    if case.migration.is_final:
        yield _ended(case)
    if _is_cancelling(case):
        yield "cancelling", "it is being deleted, which is how a migration is cancelled"
    blocked = blocking_cause(findings, case)
    if blocked:
        yield "blocked", blocked.summary
    hidden = _hidden(case, findings) or _hidden_limit(case)
    if hidden:
        yield "unknown", hidden
    stalled = next((cause for cause in findings.causes if cause.code in NO_PROGRESS), None)
    if stalled:
        yield "stalled", stalled.summary
    if deadline.at is not None and case.now > deadline.at:
        yield "overdue", f"past its deadline ({deadline.reason})"
    yield from _waiting(case, findings)
    late = _late(case, late_after)
    if late:
        yield "late", late
    yield "progressing", _left(case, deadline)


def _by_times_alone(case: Case, verdict: str) -> str:
    """The end of the reason for a verdict on a running copy that rests on times, as its figures say nothing."""
    if verdict not in ("overdue", "late", "progressing") or copy_state(case) is None:
        return ""
    outlook = find_outlook(case)
    if outlook is None:
        return "; by times alone, as no figures of the copy were read"
    return f"; by times alone: {outlook.problem}" if outlook.at is None else ""


def _ended(case: Case) -> tuple[str, str]:
    if case.migration.phase == "Succeeded":
        return "succeeded", "KubeVirt says so"
    said = case.state.failure_reason if case.state else ""
    return "failed", f"KubeVirt says so: {said}" if said else "KubeVirt says so"


def _is_cancelling(case: Case) -> bool:
    deleted = case.migration.meta.deleted_at
    if deleted is None:
        return False
    if case.migration.phase in ("PreparingTarget", "TargetReady"):
        limit = launcher_deadline(case).at
        if limit is not None and case.now <= limit and not launcher_may_be_over(case):
            return True
    return (case.now - deleted).total_seconds() <= CANCEL_SECONDS


def _hidden(case: Case, findings: Findings) -> str:
    """Names the causes that may hold unseen by now, with the missing rules; "" when there are none."""
    age = seconds_between(case.migration.meta.created_at, case.now) or 0
    gaps = [gap for gap in findings.gaps if age >= gap.after_seconds]
    if not gaps:
        return ""
    why = "; ".join(dict.fromkeys(gap.sentence() for gap in gaps))
    return f"{', '.join(gap.code for gap in gaps)} could not be ruled out: {why}"


def _hidden_limit(case: Case) -> str:
    """Why its deadline may have passed unseen."""
    if not launcher_may_be_over(case):
        return ""
    rules = case.snapshot.unseen_for("pods", namespace=case.migration.meta.namespace)
    why = lacking(rules[:1]) or "its target pod was not found"
    return f"whether the target launcher is past its limit could not be told: {why}"


def _waiting(case: Case, findings: Findings) -> Iterator[tuple[str, str]]:
    if case.migration.phase != "Pending":
        return
    # What failed before says nothing about what holds this one.
    causes = [cause for cause in findings.causes if cause.code not in HISTORY]
    if causes and all(cause.time_cures == "yes" for cause in causes):
        yield "queued", causes[0].summary
    age = seconds_between(case.migration.phase_since, case.now) or 0
    if not causes and age > PENDING_UNEXPLAINED_SECONDS:
        yield "unknown", f"it has been Pending for {age} s and nothing that is known explains it"


def _late(case: Case, late_after: int) -> str:
    """`late_after` bounds the time before the copy, and a copy that has no limit of its own.

    A copy within KubeVirt's own allowance for its memory is not late, however long that is: 32 GiB may rightly take
    more than an hour.
    """
    since = _late_since(case)
    seconds = seconds_between(since, case.now)
    return (
        f"{seconds} s are more than late_after ({late_after} s)" if seconds is not None and seconds > late_after else ""
    )


def _late_since(case: Case) -> datetime | None:
    migration = case.migration
    if migration.phase != "Running":
        return migration.reached_at("Scheduling") or migration.meta.created_at
    if case.state is None:
        return migration.phase_since
    if case.state.ended_at is not None:
        return case.state.ended_at
    if find_deadline(case).at is not None and not migration.is_being_deleted:
        return None
    return post_copy_since(case) if case.state.mode == "PostCopy" else case.state.started_at


def _left(case: Case, deadline: Deadline) -> str:
    if deadline.at is None:
        return deadline.reason or "nothing speaks against it"
    return f"within its deadline ({deadline.reason}), {seconds_between(case.now, deadline.at)} s left"


def _with_unknown(judgement: Judgement, findings: Findings) -> Judgement:
    """Adds the cause Unknown: what was checked, and what could not be."""
    case = judgement.case
    unseen = "; ".join(f"{gap.code} ({gap.sentence()})" for gap in findings.gaps)
    summary = (
        f"{judgement.reason[0].upper()}{judgement.reason[1:]}. Ruled out: {', '.join(findings.checked) or 'nothing'}."
    )
    if unseen:
        summary += f" Not looked for: {unseen}."
    seen = Evidence(case.name, "status.phase", case.migration.phase, case.migration.phase_since)
    unknown = Cause("Unknown", summary, "maybe", case.migration.phase_since, (seen,), confidence="possible")
    return replace(judgement, causes=(*judgement.causes, unknown))
