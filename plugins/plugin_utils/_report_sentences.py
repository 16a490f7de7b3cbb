# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that more than one format of the report shows.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import (
    Attempt,
    Cause,
    Evidence,
    Gap,
    Migration,
    Node,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_table import nodes_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import (
    ORIGINS,
    TIME_CURES,
    duration,
    listed,
)

__all__ = [
    "PARTIAL",
    "UNCAPTURED",
    "attempt_words",
    "cancel_sentence",
    "cause_qualities",
    "deadline_of",
    "facts_of",
    "grant_lines",
    "node_line",
    "policy_of",
    "remark_on",
    "time_left_of",
    "value_of",
]


PARTIAL = "Not everything could be read; the verdicts rest on the rest."
UNCAPTURED = "No role would show what is not in the capture: whoever took it can take it again, with more in it."


def cancel_sentence(migration: Migration) -> str:
    """Whether it can be cancelled, and why; "" where nothing is said of it."""
    answer = "possible" if migration.can_cancel else "no"
    return f"{answer}. {migration.can_cancel_reason}" if migration.can_cancel_reason else ""


def cause_qualities(cause: Cause) -> str:
    """`certain, waiting does not cure it, since 9m, follows from SourceNodeDown`: what is known of the cause."""
    parts = [cause.confidence, TIME_CURES.get(cause.time_cures, "")]
    if cause.seconds is not None:
        parts.append(f"since {duration(cause.seconds)}")
    if cause.follows_from:
        parts.append(f"follows from {listed(cause.follows_from)}")
    return ", ".join(filter(None, parts))


def value_of(evidence: Evidence) -> str:
    """The value that was seen; that there was none is said in words."""
    return evidence.value or "(empty)"


def facts_of(migration: Migration) -> str:
    """What the migration is and where it stands, in one line of short sentences."""
    return " ".join(_facts(migration))


def _facts(migration: Migration) -> Iterator[str]:
    phase = migration.phase or "no phase yet"
    deadline = deadline_of(migration)
    yield f"{phase} for {duration(migration.seconds_in_phase)}{', ' + deadline if deadline else ''}."
    yield f"Nodes {nodes_of(migration)}." if migration.source_node or migration.target_node else "No node known."
    if migration.mode:
        yield f"Mode {migration.mode}."
    if migration.placement:
        yield f"The target pod could go to {migration.placement}"
    if migration.progress:
        yield f"Copy: {migration.progress}."
    origin = ORIGINS.get(migration.origin, migration.origin)
    attempt = f"attempt {migration.attempt}" if migration.attempt and migration.attempt > 1 else ""
    about = ", ".join(filter(None, (origin, attempt)))
    yield f"Migration {migration.name or '?'}{', ' + about if about else ''}."


def time_left_of(migration: Migration) -> str:
    """`4m past its deadline` or `1h 15m left`; "" where there is no deadline."""
    if migration.seconds_left is None:
        return ""
    if migration.seconds_left < 0:
        return f"{duration(-migration.seconds_left)} past its deadline"
    return f"{duration(migration.seconds_left)} left"


def deadline_of(migration: Migration) -> str:
    """As :func:`time_left_of`, with the reason for the deadline in brackets."""
    why = f" ({migration.deadline_reason})" if migration.deadline_reason else ""
    left = time_left_of(migration)
    return left and left + why


def grant_lines(gap: Gap) -> tuple[str, ...]:
    """The Roles of `gap` as one paste for a shell; () where no rule is known."""
    return ("kubectl apply -f - <<'EOF'", *gap.role, "EOF") if gap.role else ()


def node_line(node: Node) -> str:
    """`node-7: unhealthy, Ready is Unknown for 700 s`: a node with what its verdict rests on."""
    return ", ".join(filter(None, (f"{node.name}: {node.verdict}", "; ".join(node.reasons))))


def remark_on(migration: Migration) -> str:
    """The summary of a migration that is not explained at length, without the verdict that it repeats."""
    return migration.summary.removeprefix(f"{migration.verdict}: ")


def attempt_words(attempt: Attempt) -> str:
    """`Failed 12m ago on node-4: the target pod is down (kubevirt-migrate-vm-x7k2p)`: an earlier migration."""
    when = f" {duration(attempt.seconds)} ago" if attempt.seconds is not None else ""
    where = f" on {attempt.target_node}" if attempt.target_node else ""
    why = f": {attempt.why}" if attempt.why else ""
    return f"{attempt.phase or '?'}{when}{where}{why} ({attempt.name or '?'})"


def policy_of(migration: Migration) -> str:
    """The policy in force, and another one that rules the VM by now; "" for none."""
    if migration.policy and migration.policy_now and migration.policy != migration.policy_now:
        return f"{migration.policy} (another migration would take {migration.policy_now})"
    return migration.policy or migration.policy_now
