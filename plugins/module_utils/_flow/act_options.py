# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that all acting modules share, checked.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.act_reads import ActReads
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import GIVEN_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import Acting, Target
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.act_gates import Limits
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import check_risks

__all__ = [
    "ACT_SPEC",
    "acting_from",
    "names_from",
    "number_from",
    "parallel_from",
    "targets_from",
    "text_of",
    "vms_from",
    "wait_seconds",
]

ACT_SPEC: dict[str, dict[str, Any]] = {
    "targets": {"type": "list", "elements": "dict"},
    "namespace": {"type": "str"},
    "vm": {"type": "str"},
    "found": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 120},
    "parallel": {"type": "int", "default": 8},
    "min_healthy": {"type": "str", "default": "51%"},
    "max_stuck_per_node": {"type": "int", "default": 3},
    "max_acts_per_run": {"type": "int", "default": 5},
    "max_acts_per_hour": {"type": "int", "default": 20},
    "only_opted_in": {"type": "bool", "default": False},
    "accept_risks": {"type": "list", "elements": "str", "default": []},
    "reason": {"type": "str", "default": ""},
    "actor": {"type": "str", "default": ""},
    "fail_on_refusal": {"type": "bool", "default": False},
}
_LONGEST_TEXT = 400
MOST_PARALLEL = 8
LONGEST_WAIT = 86_400


def targets_from(params: Mapping[str, Any], /, *, may_be_none: bool = False) -> tuple[Target, ...]:
    """The targets, each once; entries of migration_info.migrations are taken as they are.

    Raises WrongInput for none, for both ways at once, and for a name that Kubernetes does not know.
    """
    given = params.get("targets")
    single = {"namespace": params.get("namespace"), "vm": params.get("vm")}
    if given is not None and any(single.values()):
        raise WrongInput("targets: give either targets, or namespace and vm.")
    if given is None and may_be_none and not any(single.values()):
        return ()
    if given is None:
        if not all(single.values()):
            raise WrongInput("targets: give targets, or namespace and vm.")
        given = [single]
    return tuple(dict.fromkeys(_target(entry, place=f"targets[{place}]") for place, entry in enumerate(given)))


def _target(entry: Any, *, place: str) -> Target:
    if not isinstance(entry, Mapping):
        raise WrongInput(f"{place}: {entry!r} is not a mapping with namespace and vm.")
    found = {}
    for key in ("namespace", "vm", "name", "uid"):
        value = entry.get(key) or ""
        needed = key in ("namespace", "vm")
        if not isinstance(value, str) or (needed and not value) or (value and not GIVEN_NAME.fullmatch(value)):
            raise WrongInput(f"{place}.{key}: {value!r} is not a name that Kubernetes knows (a-z, 0-9, '-' and '.').")
        found[key] = value
    if found["uid"] and not found["name"]:
        raise WrongInput(f"{place}.name: a uid is given, so the migration's name is needed too.")
    return Target(**found, is_planned=entry.get("state") == "planned")


def text_of(params: Mapping[str, Any], option: str, /) -> str:
    """A text for people on one line, cut to what an annotation is good for."""
    value = params.get(option) or ""
    return " ".join("".join(char if char.isprintable() else " " for char in str(value)).split())[:_LONGEST_TEXT]


def wait_seconds(params: Mapping[str, Any], /) -> int:
    """wait_timeout; raises WrongInput for what is no number of seconds, and for more than a day."""
    found = number_from(params, "wait_timeout", least=0)
    if found > LONGEST_WAIT:
        raise WrongInput(f"wait_timeout: {found} is more than a day ({LONGEST_WAIT} seconds).")
    return found


def parallel_from(params: Mapping[str, Any], /) -> int:
    """How many acts may run side by side."""
    return min(number_from(params, "parallel", least=1), MOST_PARALLEL)


def names_from(params: Mapping[str, Any], option: str, /) -> tuple[str, ...]:
    """A list of names; raises WrongInput for one that Kubernetes does not know."""
    values = tuple(dict.fromkeys(params.get(option) or ()))
    for value in values:
        if not isinstance(value, str) or not GIVEN_NAME.fullmatch(value):
            raise WrongInput(f"{option}: {value!r} is not a name that Kubernetes knows (a-z, 0-9, '-' and '.').")
    return values


def vms_from(params: Mapping[str, Any], option: str, /) -> tuple[tuple[str, str], ...]:
    """(namespace, name) of each VM, namespace "" where it was not given; raises WrongInput for what is no such name."""
    found = []
    for value in params.get(option) or ():
        place, _slash, name = value.rpartition("/") if isinstance(value, str) else ("", "", "")
        if not GIVEN_NAME.fullmatch(name) or (place and not GIVEN_NAME.fullmatch(place)):
            raise WrongInput(f"{option}: {value!r} is neither a VM's name nor namespace/name.")
        found.append((place, name))
    return tuple(dict.fromkeys(found))


def number_from(params: Mapping[str, Any], option: str, /, *, least: int) -> int:
    """A whole number; raises WrongInput for anything else, and for one that is too small."""
    value = params.get(option)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise WrongInput(f"{option}: {value!r} is not a whole number of at least {least}.")
    return value


def acting_from(
    client: Client, params: Mapping[str, Any], clock: Clock, /, *, targets: int, check_mode: bool
) -> Acting:
    """What the acts of this run share. Asks the API server who we are, unless the option actor says it."""
    accepted = tuple(params.get("accept_risks") or ())
    check_risks(accepted)
    reads = ActReads(client)
    limits = Limits(
        max_stuck_per_node=number_from(params, "max_stuck_per_node", least=0),
        max_acts_per_run=number_from(params, "max_acts_per_run", least=0),
        max_acts_per_hour=number_from(params, "max_acts_per_hour", least=0),
        max_attempts=number_from(params, "max_attempts", least=1) if "max_attempts" in params else 3,
    )
    actor = text_of(params, "actor") or reads.user() or "somebody"
    return Acting(
        client=client,
        clock=clock,
        reads=reads,
        limits=limits,
        check_mode=check_mode,
        accepted=frozenset(accepted),
        holder=f"{actor[:60]}/{uuid.uuid4().hex[:12]}",
        actor=actor,
        reason=text_of(params, "reason"),
        request_timeout=float(params.get("request_timeout") or 30),
        is_one_vm=targets == 1 and not params.get("found"),
    )
