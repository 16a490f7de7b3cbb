# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_info: read, judge, explain.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.placement_reads import (
    PlacementReading,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reads import Scope, read_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import GIVEN_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Key, Progress
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.look import look
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.policies import PER_VM
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.progress import (
    check_progress,
    look_at_progress,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.show_look import show_look
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.source import (
    as_captured,
    captured_progress,
    captured_scope,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.ladder import ladder_from
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import LATE_AFTER_SECONDS

__all__ = ["parse_scope", "run"]

PLACEMENT = ("auto", "never")


def run(
    client: Client, params: Mapping[str, Any], clock: Clock, /, *, measured: dict[Key, Progress] | None = None
) -> dict[str, Any]:
    """The result of migration_info for the module's `params`; ages are by the cluster's time, not by `clock`.
    `measured` takes up all figures of copies that were read.

    Raises WrongInput for options that cannot be used or name what does not exist, ClusterError where the cluster
    could not be looked at.
    """
    params = as_captured(client, params)
    scope, late_after = parse_scope(params), _late_after(params)
    nodes, places = _names(params, "nodes"), PlacementReading(client)
    is_placed, ladder = _placement(params), ladder_from(params.get("ladder"))
    check_progress(params)
    scope, notes = captured_scope(client, scope)
    snapshot, noted = read_snapshot(client, scope)
    before = client.requests
    progress = captured_progress(client, snapshot) or look_at_progress(
        client, snapshot, params, clock=clock, namespaces=scope.namespaces
    )
    for_progress = client.requests - before
    if measured is not None:
        measured.update(progress.progress)
    snapshot = replace(snapshot, progress=progress.progress)
    snapshot, judgements = look(client, snapshot, late_after=late_after, places=places if is_placed else None)
    shown = judgements
    if nodes:
        shown = [one for one in judgements if {one.case.source_node, one.case.target_node} & set(nodes)]
    # Last, as no verdict hangs on them: a VM that was named gets what is left of its requests.
    limit = _left_for(scope, apart=for_progress + places.requests)
    found, rules = show_look(client, snapshot, judgements, shown=shown, ladder=ladder, limit=limit)
    coverage = Coverage(
        requests=client.requests - places.requests,
        requests_for_placement=places.requests,
        requests_to_prometheus=progress.requests,
    ).adding([*rules, *progress.missing])
    return {
        **found,
        "coverage": coverage.to_result(),
        "notes": [*notes, *noted, *progress.notes, *found["notes"]],
    }


def _left_for(scope: Scope, *, apart: int) -> int | None:
    """How many requests the client may have made in the end; those `apart` do not count. None: no limit."""
    return PER_VM * len(scope.vms) + apart if scope.vms else None


# -- options


def parse_scope(params: Mapping[str, Any]) -> Scope:
    """What is asked about. Raises WrongInput for names that Kubernetes does not know, and VMs outside of it."""
    namespaces = _names(params, "namespaces")
    vms = tuple(dict.fromkeys(_vm(text) for text in params.get("vms") or ()))
    outside = [f"{place}/{name}" for place, name in vms if place and namespaces and place not in namespaces]
    if outside:
        raise WrongInput(
            f"vms: {outside[0]!r} is not in namespaces ({', '.join(namespaces)}): add its namespace there, "
            "or leave namespaces out."
        )
    return Scope(namespaces=namespaces, vms=vms, include_finished=bool(params.get("include_finished")))


def _names(params: Mapping[str, Any], option: str) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(params.get(option) or ()))
    for value in values:
        if not isinstance(value, str) or not GIVEN_NAME.fullmatch(value):
            raise WrongInput(f"{option}: {value!r} is not a name that Kubernetes knows (a-z, 0-9, '-' and '.').")
    return values


def _vm(text: Any) -> tuple[str, str]:
    parts = text.split("/") if isinstance(text, str) else []
    if len(parts) not in (1, 2) or not all(GIVEN_NAME.fullmatch(part) for part in parts):
        raise WrongInput(f"vms: {text!r} is neither a VM's name nor namespace/name.")
    return ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])


def _placement(params: Mapping[str, Any]) -> bool:
    value = params.get("placement") or "auto"
    if value not in PLACEMENT:
        raise WrongInput(f"placement: {value!r} is none of {', '.join(PLACEMENT)}.")
    return bool(value == "auto")


def _late_after(params: Mapping[str, Any]) -> int:
    value = params.get("late_after")
    if value is None:
        return LATE_AFTER_SECONDS
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise WrongInput(f"late_after: {value!r} is not a number of seconds; give 0 or more, such as 300.")
    return value
