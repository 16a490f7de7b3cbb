# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of migration_tuning_info, checked before anything is read.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reads import Scope
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    quantity_bytes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_info import parse_scope
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_change import ACTIONS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_subject import Figures, Key
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.workload import BEARS

__all__ = ["ACTIONS", "BEARS", "Asked", "parse_tuning_options"]

# With what is put behind it, it has to stay a name.
_POLICY_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?", re.ASCII)
_VM = re.compile(r"[a-z0-9][-a-z0-9.]{0,252}/[a-z0-9][-a-z0-9.]{0,252}", re.ASCII)
_MOST_PERCENT = 1000


@dataclass(frozen=True)
class Asked:
    """What is to be looked at, with which figures, and which change is wanted."""

    scope: Scope
    figures: Figures
    action: str
    policy_name: str


def parse_tuning_options(params: Mapping[str, Any], /) -> Asked:
    """The module's options; WrongInput for one without meaning."""
    action, name = params.get("action") or "auto", params.get("policy_name") or "live-migration-tuning"
    if action not in ACTIONS:
        raise WrongInput(f"action: {action!r} is none of {', '.join(ACTIONS)}.")
    if not isinstance(name, str) or not _POLICY_NAME.fullmatch(name):
        raise WrongInput(f"policy_name: {name!r} is no name of at most 63 characters out of a-z, 0-9, '-' and '.'.")
    link, scope = params.get("link"), parse_scope(params)
    return Asked(
        scope=scope,
        figures=Figures(
            bears=_bears(params, action),
            link_bytes_per_second=None if link in (None, "") else _rate(link, option="link", least=1),
            margin_percent=_margin(params),
            dirty_rates=_dirty_rates(params),
            is_scoped=not scope.is_whole_cluster,
        ),
        action=str(action),
        policy_name=name,
    )


def _bears(params: Mapping[str, Any], action: str) -> tuple[str, ...]:
    """What the VMs may bear; who asks for an action by its name says that they bear it."""
    given = params.get("bears")
    found = ["throttling"] if given is None else list(given)
    strange = [one for one in found if one not in BEARS]
    if strange:
        raise WrongInput(f"bears: {strange[0]!r} is none of {', '.join(BEARS)}.")
    named = {"auto_converge": "throttling"}.get(action, action)
    return tuple(dict.fromkeys([*found, *([named] if named in BEARS else [])]))


def _rate(value: Any, *, option: str, least: int = 0) -> int:
    try:
        found = quantity_bytes(value)
    except QuantityError as error:
        raise WrongInput(f"{option}: {error}") from error
    if found < least:
        raise WrongInput(f"{option}: {value!r} is less than {least}.")
    return found


def _margin(params: Mapping[str, Any]) -> int:
    value = params.get("dirty_rate_margin")
    found = 0 if value is None else value
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= _MOST_PERCENT:
        raise WrongInput(f"dirty_rate_margin: {value!r} is no number of percent from 0 to {_MOST_PERCENT}.")
    return found


def _dirty_rates(params: Mapping[str, Any]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for name, value in (params.get("dirty_rates") or {}).items():
        if not isinstance(name, str) or not _VM.fullmatch(name):
            raise WrongInput(f"dirty_rates: {name!r} is no namespace/name of a VM.")
        namespace, _slash, vm = name.partition("/")
        found[namespace, vm] = _rate(value, option=f"dirty_rates: {name}")
    return found
