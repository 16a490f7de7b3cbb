# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_tuning_info: read, predict, advise.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reads import read_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.tuning_reads import (
    Surroundings,
    read_surroundings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage, Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.progress import (
    check_progress,
    look_at_progress,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.tuning_options import (
    parse_tuning_options,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_change import (
    choose_changes,
    plan_tuning_changes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_subject import (
    Figures,
    Subject,
    find_subjects,
    other_members,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import EMPTY_ACT
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.tuning_advice import render_advice
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import LATE_AFTER_SECONDS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import copies_of

__all__ = ["run"]

_NAMED = 5


def run(client: Client, params: Mapping[str, Any], clock: Clock, /) -> dict[str, Any]:
    """The result of migration_tuning_info for the module's `params`.

    Raises WrongInput for options that cannot be used or name what does not exist, ClusterError where the cluster
    could not be looked at.
    """
    asked = parse_tuning_options(params)
    check_progress(params)
    snapshot, notes = read_snapshot(client, asked.scope)
    progress = look_at_progress(client, snapshot, params, clock=clock, namespaces=asked.scope.namespaces)
    snapshot = replace(snapshot, progress=progress.progress)
    reading = Reading(client)
    around = read_surroundings(reading) if copies_of(snapshot) else Surroundings()
    policies = Policies(around.policies, around.namespace_labels)
    judgements = judge_snapshot(snapshot, late_after=LATE_AFTER_SECONDS)
    subjects, not_copying = find_subjects(judgements, policies=policies, figures=asked.figures)
    members = [
        *(one.member for one in subjects),
        *other_members(around.vmis or (), subjects=subjects, namespace_labels=around.namespace_labels),
    ]
    plan = plan_tuning_changes(members, policies=around.policies, policy_name=asked.policy_name)
    # Who reckons with a margin has said how much more it may be.
    doubtful = frozenset(one.member.key for one in subjects if one.is_at_least and not asked.figures.margin_percent)
    changes = choose_changes(plan, action=asked.action, doubtful=doubtful, are_vms_known=around.vmis is not None)
    missing = [*_rules(snapshot, reading), *progress.missing]
    coverage = Coverage(requests=client.requests, requests_to_prometheus=progress.requests).adding(missing)
    return {
        "changed": False,
        "read_at": format_timestamp(snapshot.read_at),
        **render_advice(plan, subjects=subjects, changes=changes, not_copying=not_copying),
        "coverage": coverage.to_result(),
        **EMPTY_ACT,
        "notes": [*notes, *progress.notes, *_unused(asked.figures, subjects)],
    }


def _unused(figures: Figures, subjects: Sequence[Subject]) -> list[str]:
    """A rate for a VM of which no copy runs decides nothing, and may have been meant for another one."""
    known = {one.judgement.case.migration.key for one in subjects}
    names = sorted("/".join(key) for key in figures.dirty_rates if key not in known)
    if not names:
        return []
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return [f"dirty_rates: no copy of {', '.join(names[:_NAMED])}{more} was looked at, so that is not used."]


def _rules(snapshot: Snapshot, reading: Reading) -> list[Rule]:
    unseen = {**snapshot.unseen, **reading.unseen}
    return [rule for topic in sorted(unseen) for rule in unseen[topic]]
