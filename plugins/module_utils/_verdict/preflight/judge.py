# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outlook of each VM of a drain, and of the drain.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.catalogue import (
    AT_RISK,
    ORDER,
    UNKNOWN,
    VERDICTS,
    WOULD_MIGRATE,
    WOULD_NOT_MIGRATE,
    WOULD_STOP,
    WOULD_WAIT,
    effect_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.copying import (
    CopyPlan,
    find_copy,
    plan_copy,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.eviction import (
    effective_strategy,
    find_eviction,
    migrates_on_eviction,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.obstacles import (
    find_obstacles,
    find_slots_taken,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.pace import (
    Load,
    Pace,
    judge_pace,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.room import (
    find_quota,
    find_room,
    find_together,
    place_alone,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Grounds,
    Subject,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.together import (
    Mover,
    Places,
    Together,
    find_places_together,
)

__all__ = ["Outlook", "Preflight", "judge_preflight"]


@dataclass(frozen=True)
class Outlook:
    """What a drain would do to one VM. `reasons` stand in the order of the catalogue; `gaps` are what could not be
    looked for; `strategy` is the eviction strategy in force, None where not known."""

    subject: Subject
    verdict: str
    reasons: tuple[Cause, ...]
    gaps: tuple[Gap, ...]
    strategy: str | None
    copy: CopyPlan

    @property
    def sentence(self) -> str:
        """The reason for the verdict."""
        first = next((one for one in self.reasons if effect_of(one.code) == self.verdict), None)
        if first is not None:
            return first.summary
        if self.verdict == UNKNOWN:
            return "; ".join(dict.fromkeys(gap.sentence() for gap in self.gaps)) + "."
        possible = self.subject.placement.possible if self.subject.placement else ()
        more = f" and {len(possible) - 5} more" if len(possible) > 5 else ""
        return f"It could go to {', '.join(possible[:5])}{more}."


@dataclass(frozen=True)
class Preflight:
    """The outlook of all of them. `together` None: there was nothing to place."""

    outlooks: tuple[Outlook, ...]
    together: Together | None
    placed: int
    pace: Pace


def judge_preflight(
    grounds: Grounds, subjects: Sequence[Subject], /, *, places: Places | None, nodes: Sequence[str]
) -> Preflight:
    """The outlook of each of `subjects`, worst first. `places` None: nodes were not read; `nodes` are those drained."""
    placed = [_placed(grounds, one, places) for one in subjects]
    movers = [mover for one in placed if (mover := _mover(grounds, one)) is not None]
    together = find_places_together(movers, places) if places and movers else None
    outlooks = [_judge(grounds, one, placed, places=places, together=together, total=len(movers)) for one in placed]
    outlooks.sort(key=lambda one: (VERDICTS.index(one.verdict), one.subject.node, one.subject.key))
    return Preflight(tuple(outlooks), together, len(movers), _pace(grounds, outlooks, nodes=nodes))


def _placed(grounds: Grounds, subject: Subject, places: Places | None) -> Subject:
    """With its placement, where it needs a place: it would be migrated and has no target node yet."""
    asks = migrates_on_eviction(grounds, subject) or effective_strategy(grounds, subject) is None
    if places is None or not asks or _has_target(grounds, subject):
        return subject
    return replace(subject, placement=place_alone(subject, places))


def _mover(grounds: Grounds, subject: Subject) -> Mover | None:
    if subject.target is None or subject.placement is None or not subject.placement.possible:
        return None
    return Mover(subject.key, subject.target.needs, subject.node, subject.placement.possible)


def _has_target(grounds: Grounds, subject: Subject) -> bool:
    """Whether it is being migrated and its target pod has a node: what that pod asked for is taken there already."""
    judgement = grounds.ongoing.get(subject.key)
    return judgement is not None and bool(judgement.case.target_node)


def _judge(
    grounds: Grounds,
    subject: Subject,
    everyone: Sequence[Subject],
    *,
    places: Places | None,
    together: Together | None,
    total: int,
) -> Outlook:
    found = list(find_eviction(grounds, subject))
    # Without a migration nothing else matters.
    if not any(isinstance(one, Cause) for one in found):
        found += find_obstacles(grounds, subject)
        found += find_slots_taken(grounds, subject)
        if not _has_target(grounds, subject):
            found += find_room(grounds, subject, places)
            found += find_together(together, subject, total=total)
            found += find_quota(grounds, subject, _at_a_time(grounds, subject, everyone))
        found += find_copy(grounds, subject)
    reasons = sorted((one for one in found if isinstance(one, Cause)), key=lambda one: ORDER[one.code])
    gaps = tuple(one for one in found if isinstance(one, Gap))
    return Outlook(
        subject,
        _verdict(reasons, gaps),
        tuple(reasons),
        gaps,
        effective_strategy(grounds, subject),
        plan_copy(grounds, subject),
    )


def _verdict(reasons: Sequence[Cause], gaps: Sequence[Gap]) -> str:
    """The worst that is proven; what is not known stands above what is only at risk, as it may be worse."""
    effects = {effect_of(one.code) for one in reasons}
    order = (WOULD_STOP, WOULD_NOT_MIGRATE, UNKNOWN, AT_RISK, WOULD_WAIT)
    held: Mapping[str, bool] = {**dict.fromkeys(effects, True), **({UNKNOWN: True} if gaps else {})}
    return next((verdict for verdict in order if held.get(verdict)), WOULD_MIGRATE)


def _at_a_time(grounds: Grounds, subject: Subject, everyone: Sequence[Subject]) -> list[Subject]:
    """The VMs of the namespace that slots let run at once: the largest, as it is not known which come first."""
    kubevirt = grounds.snapshot.kubevirt
    own = [one for one in everyone if one.key[0] == subject.key[0] and migrates_on_eviction(grounds, one)]
    if kubevirt is None or kubevirt.problems:
        return own
    per_node = Counter(one.node for one in own)
    slots = min(kubevirt.per_cluster, sum(min(count, kubevirt.outbound_per_node) for count in per_node.values()))
    own.sort(key=lambda one: (-(one.usage or {}).get("requests.memory", 0), one.key))
    return own[: max(slots, 0)]


def _pace(grounds: Grounds, outlooks: Sequence[Outlook], *, nodes: Sequence[str]) -> Pace:
    kubevirt = grounds.snapshot.kubevirt
    limits = kubevirt if kubevirt is not None and not kubevirt.problems else None
    loads = [
        Load(one.subject.guest.label, one.subject.node, one.copy, is_held=one.verdict == WOULD_NOT_MIGRATE)
        for one in outlooks
        if migrates_on_eviction(grounds, one.subject)
    ]
    return judge_pace(
        loads,
        nodes=nodes,
        per_cluster=limits.per_cluster if limits else None,
        per_node=limits.outbound_per_node if limits else None,
    )
