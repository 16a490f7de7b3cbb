# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report shows, as frozen data: every text in it is already safe to print (see `_report_clean`).

This module is private to the collection and may change without notice. `_report_read` fills it from the results of
the modules; the renderers know nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_plot import Plot
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_surroundings import Queue, Settings
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_timeline import Phase

__all__ = [
    "Act",
    "Advice",
    "Attempt",
    "Cause",
    "Change",
    "Comparison",
    "Correlation",
    "Evidence",
    "Gap",
    "Migration",
    "Node",
    "Remediation",
    "Report",
]


@dataclass(frozen=True)
class Evidence:
    """One field of one object, as it was seen. `seconds`: how long it has held, None where the time is not known."""

    object: str
    field: str
    value: str
    at: str
    seconds: int | None


@dataclass(frozen=True)
class Advice:
    """What to do. `commands` are lines to copy as they are; none where no command does it."""

    action: str
    why: str
    risk: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Cause:
    """One cause. `follows_from` names the causes of the same migration that explain it."""

    code: str
    summary: str
    time_cures: str
    confidence: str
    since_at: str
    seconds: int | None
    follows_from: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    advice: tuple[Advice, ...]


@dataclass(frozen=True)
class Attempt:
    """An earlier migration of the same VM. `seconds`: how long ago it ended, None where that is not known."""

    name: str
    phase: str
    ended_at: str
    seconds: int | None
    target_node: str
    why: str


@dataclass(frozen=True)
class Migration:
    """One migration. Durations are None where they are not known; `seconds_left` is negative past the deadline.
    `placement` says where its target pod could go, "" where nobody looked for that; `progress` are the figures of its
    copy in one line, "" where none were asked for. `rung` says how far to go against its first cause."""

    namespace: str
    vm: str
    name: str
    uid: str
    verdict: str
    stuck: bool
    cause: str
    summary: str
    phase: str
    seconds_in_phase: int | None
    age_seconds: int | None
    seconds_left: int | None
    deadline_at: str
    deadline_reason: str
    origin: str
    mode: str
    policy: str
    attempt: int | None
    source_node: str
    target_node: str
    target_pod: str
    can_cancel: bool
    can_cancel_reason: str
    can_retry: bool
    can_retry_reason: str
    placement: str
    progress: str
    causes: tuple[Cause, ...]
    rung: str = ""
    policy_now: str = ""
    phases: tuple[Phase, ...] = ()
    plots: tuple[Plot, ...] = ()
    previous: tuple[Attempt, ...] = ()

    @property
    def title(self) -> str:
        """`namespace/vm`."""
        return f"{self.namespace or '?'}/{self.vm or '?'}"


@dataclass(frozen=True)
class Node:
    """One node. `facts` are (name, value) pairs worth a look, `reasons` what the verdict rests on."""

    name: str
    verdict: str
    reasons: tuple[str, ...]
    taints: tuple[str, ...]
    cordoned: bool
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Correlation:
    """Something that late or stuck migrations share."""

    summary: str
    migrations: tuple[str, ...]


@dataclass(frozen=True)
class Gap:
    """What could not be read: one sentence a rule, the lines of the Roles that would show it, and why if known.

    `uncaptured` are the rules of what a capture does not hold, which no Role would show.
    """

    rules: tuple[str, ...]
    role: tuple[str, ...]
    reason: str
    uncaptured: tuple[str, ...] = ()


@dataclass(frozen=True)
class Act:
    """A cancel or a retry of one VM, and how it ended; `refusals` are the codes of all that refused it, `seen` what was
    seen on the way, a line each."""

    act: str
    namespace: str
    vm: str
    name: str
    uid: str
    verdict: str
    cause: str
    rung: str
    state: str
    code: str
    reason: str
    refusals: tuple[str, ...]
    next_allowed_at: str
    attempt: int | None
    max_attempts: int | None
    seen: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """All of it in one line."""
        judged = ", ".join(filter(None, (self.verdict, self.cause)))
        count = f" (attempt {self.attempt} of {self.max_attempts})" if self.attempt and self.state != "refused" else ""
        about = f" {self.name}" if self.name else ""
        codes = ", ".join(self.refusals) or self.code
        ended = f"{self.state}{f' ({codes})' if codes else ''}"
        again = f" Not before {self.next_allowed_at}." if self.next_allowed_at else ""
        why = f" [{judged}]" if judged else ""
        return f"{self.namespace or '?'}/{self.vm or '?'}: {self.act}{about}{count}{why}: {ended}. {self.reason}{again}"


@dataclass(frozen=True)
class Remediation:
    """What was asked for and done. `after` is the headline of the look after the acts, "" where nothing was done."""

    mode: str
    acts: tuple[Act, ...]
    changed: bool
    after: str


@dataclass(frozen=True)
class Change:
    """A VM of which one look said something else than the other."""

    vm: str
    words: str


@dataclass(frozen=True)
class Comparison:
    """What is otherwise than in an earlier look, which was `seconds` before; None where that is not known."""

    earlier_at: str
    seconds: int | None
    notes: tuple[str, ...]
    got_stuck: tuple[Change, ...]
    freed: tuple[Change, ...]
    still_stuck: tuple[Change, ...]
    settings: tuple[str, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """One look at one cluster. `nodes` None: the nodes were not looked at; `gap` None: everything could be read.

    `remediation` None: it is a look alone.
    """

    title: str
    generated_at: str
    version: str
    scope: str
    headline: str
    counts: tuple[tuple[str, int], ...]
    migrations: tuple[Migration, ...]
    correlations: tuple[Correlation, ...]
    nodes: tuple[Node, ...] | None
    nodes_summary: str
    gap: Gap | None
    requests: int | None
    remediation: Remediation | None = None
    queue: Queue | None = None
    settings: Settings | None = None
    comparison: Comparison | None = None

    @property
    def stuck(self) -> tuple[Migration, ...]:
        """The stuck migrations, in the order of the table."""
        return tuple(migration for migration in self.migrations if migration.stuck)

    @property
    def uncertain(self) -> tuple[Migration, ...]:
        """Not stuck, but worth a second look: late, being cancelled, failed, or not to be judged."""
        words = ("unknown", "late", "cancelling", "failed")
        return tuple(found for found in self.migrations if not found.stuck and found.verdict in words)

    @property
    def copying(self) -> tuple[Migration, ...]:
        """Those whose copy was measured and that are explained nowhere else."""
        known = {*self.stuck, *self.uncertain}
        return tuple(found for found in self.migrations if found.progress and found not in known)

    @property
    def sick_nodes(self) -> tuple[Node, ...]:
        """The nodes that are not healthy, worst first."""
        return tuple(node for node in self.nodes or () if node.verdict != "healthy")
