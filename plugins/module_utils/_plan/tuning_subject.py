# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies of a look as members of an advice: each with its figures, and the settings that the next migration gets.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Meta
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    BY_NAME,
    OUTBOUND_PER_NODE,
    same_value,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_group import Member
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import Situation
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    expect_configuration,
    policy_now,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import Network, Workload
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import (
    Outlook,
    copy_state,
    find_outlook,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.workload import (
    settings_from,
    workload_from,
)

__all__ = ["Figures", "Subject", "find_subjects", "other_members"]

OUTRUN = "no more is dirtied than {seen}: memory is dirtied as fast as it is copied, so it may be more"
THROTTLED = "no more is dirtied than {seen}: the guest may have been throttled meanwhile"
SCOPED = "{count} migrations leave its node at once, as many as KubeVirt lets: only those asked about were counted"
OLD_SETTINGS = "another migration gets the settings of this one: what it would get could not be read"

Key = tuple[str, str]


@dataclass(frozen=True)
class Figures:
    """What the user knows besides: what the VMs may bear, what the link of a node carries, by how many percent more is
    reckoned with, and dirty rates by VM (namespace, name), which go before measured ones. `is_scoped`: others than the
    migrations that are looked at may leave the same node."""

    bears: tuple[str, ...] = ("throttling",)
    link_bytes_per_second: int | None = None
    margin_percent: int = 0
    dirty_rates: Mapping[Key, int] = field(default_factory=dict)
    is_scoped: bool = False


@dataclass(frozen=True)
class Subject:
    """One VM whose memory is being copied.

    `member` has the settings that another migration would get, `running` those that this one keeps; `differing` are
    settings whose values differ, (kept, next) by name in the API. `policy_now` None: not known. `is_at_least`: the
    guest may write more than was seen.
    """

    judgement: Judgement
    member: Member
    running: Situation
    differing: Mapping[str, tuple[Any, Any]]
    policy_now: str | None
    is_at_least: bool
    assumes: tuple[str, ...]


def find_subjects(
    judgements: Sequence[Judgement], /, *, policies: Policies, figures: Figures
) -> tuple[tuple[Subject, ...], int]:
    """The copies that run, by namespace and name, and how many migrations are not that far."""
    active = [one for one in judgements if not one.case.migration.is_final]
    copies = {one.case.migration.key: one for one in active if copy_state(one.case) is not None and one.case.vmi}
    leaving = Counter(one.case.source_node for one in copies.values())
    found = [_subject(one, leaving[one.case.source_node], policies, figures) for _key, one in sorted(copies.items())]
    return tuple(found), len(active) - len(copies)


def other_members(
    vmis: Iterable[Meta], /, *, subjects: Sequence[Subject], namespace_labels: Mapping[str, Mapping[str, str]]
) -> list[Member]:
    """The other running VMs, of which nothing but their labels is known: no advice for the subjects may reach them."""
    known = {one.member.key for one in subjects}
    nothing = Situation(Workload(None, None, None))
    others = [Member(one.namespace, one.name, one.labels, namespace_labels.get(one.namespace), nothing) for one in vmis]
    return [one for one in others if one.key not in known]


def _subject(judgement: Judgement, leaving: int, policies: Policies, figures: Figures) -> Subject:
    case = judgement.case
    state, vmi, outlook = copy_state(case), case.vmi, _measured(case)
    kept = dict((state.configuration if state is not None else None) or {})
    following, is_known, name = _next_settings(case, policies, kept)
    outbound = max(1, leaving, _outbound_limit(following) if figures.is_scoped else 1)
    dirty, is_at_least, assumed = _dirty_rate(case, outlook, kept, figures)
    running = Situation(
        workload_from(vmi, dirty_bytes_per_second=dirty, has_host_devices=_has_host_devices(vmi), bears=figures.bears),
        Network(figures.link_bytes_per_second, outlook.transfer_rate if outlook else None, outbound),
        settings_from(kept),
    )
    # Without a link nobody shares it.
    if outbound > leaving and running.link_bytes_per_second is not None:
        assumed = (*assumed, SCOPED.format(count=outbound))
    namespace = case.migration.meta.namespace
    labels = {} if vmi is None else vmi.meta.labels
    return Subject(
        judgement=judgement,
        member=Member(
            namespace,
            case.migration.vmi_name,
            labels,
            policies.namespace_labels.get(namespace),
            _under(running, following),
        ),
        running=running,
        differing={} if not is_known else _differing(kept, following),
        policy_now=name,
        is_at_least=is_at_least,
        assumes=(*assumed, *(() if is_known or _is_doubted(case) else (OLD_SETTINGS,))),
    )


def _outbound_limit(following: Mapping[str, Any]) -> int:
    """How many KubeVirt lets leave a node at once; its own default where that could not be read."""
    return int(following.get(OUTBOUND_PER_NODE, BY_NAME[OUTBOUND_PER_NODE].default))


def _measured(case: Case) -> Outlook | None:
    """The figures of a pre-copy; None where the guest stands still or runs on the target: they say nothing then."""
    state = copy_state(case)
    return None if state is None or state.mode in ("PostCopy", "Paused") else find_outlook(case)


def _has_host_devices(vmi: Vmi | None) -> bool | None:
    if vmi is None or (vmi.problems and not vmi.has_vfio):
        return None
    return vmi.has_vfio


def _next_settings(case: Case, policies: Policies, kept: Mapping[str, Any]) -> tuple[dict[str, Any], bool, str | None]:
    """What a hand-off would settle now, whether all of that is known, and the policy that rules."""
    match, kubevirt = policy_now(case, policies=policies), case.snapshot.kubevirt
    configured = kubevirt.settings if kubevirt is not None else None
    expected = {name: one.value for name, one in expect_configuration(match, configured=configured).items()}
    name = match.name if match is not None else None
    if _is_doubted(case):
        # What the running one got may come from either object, so it says nothing of the next.
        return expected, False, name
    if match is None or not match.is_known or configured is None:
        return {**kept, **expected}, False, name
    return expected, True, name


def _is_doubted(case: Case) -> bool:
    """Whether it is not known which KubeVirt object is in force."""
    return case.snapshot.kubevirt is not None and bool(case.snapshot.kubevirt.doubt)


def _dirty_rate(
    case: Case, outlook: Outlook | None, kept: Mapping[str, Any], figures: Figures
) -> tuple[float | None, bool, tuple[str, ...]]:
    """Bytes per second with the margin, whether it may be more, and what is taken for granted then."""
    margin = figures.margin_percent
    factor = (100 + margin) / 100
    given = figures.dirty_rates.get(case.migration.key)
    if given is not None:
        return given * factor, False, ()
    if outlook is None or outlook.dirty_rate is None:
        return None, False, ()
    # A margin makes it less likely that there is more, and never certain that there is not.
    words = OUTRUN if outlook.is_outrun else THROTTLED if settings_from(kept).auto_converge else ""
    seen = "was seen" if margin == 0 else f"was seen and {margin} %"
    return outlook.dirty_rate * factor, bool(words), (words.format(seen=seen),) if words else ()


def _under(running: Situation, following: Mapping[str, Any]) -> Situation:
    """The same VM under other settings. What was measured under a cap says nothing of another cap."""
    settings = settings_from(following)
    if settings.bandwidth_bytes == running.settings.bandwidth_bytes:
        return replace(running, settings=settings)
    return Situation(running.workload, running.network_beyond_cap, settings)


def _differing(kept: Mapping[str, Any], following: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings that a migration takes once and that another one would get with another value."""
    # What KubeVirt recorded no value for may be one that it does not have.
    both = [name for name, one in BY_NAME.items() if one.is_settled and one.in_policy and {name} <= kept.keys()]
    return {
        name: (kept[name], following[name])
        for name in both
        if name in following and not same_value(name, kept[name], following[name])
    }
