# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of preflight_info, checked before anything is read.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.preflight_reads import DrainScope
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import GIVEN_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    quantity_bytes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.progress import check_progress

__all__ = ["Asked", "parse_preflight_options"]

Key = tuple[str, str]


@dataclass(frozen=True)
class Asked:
    """What is to be looked at. Rates are bytes a second; `expected_bandwidth` None: not known."""

    scope: DrainScope
    avoid_nodes: tuple[str, ...]
    expected_bandwidth: int | None
    dirty_rates: Mapping[Key, int]


def parse_preflight_options(params: Mapping[str, Any], /) -> Asked:
    """The module's options; WrongInput or ConfigError for one without meaning."""
    nodes, namespaces = _names(params, "nodes"), _names(params, "namespaces")
    vms = tuple(dict.fromkeys(_vm(text, option="vms") for text in params.get("vms") or ()))
    if not nodes and not vms:
        raise WrongInput("nodes: name the nodes that are to be drained, or the VMs that are to leave with vms.")
    outside = [f"{place}/{name}" for place, name in vms if place and namespaces and place not in namespaces]
    if outside:
        raise WrongInput(
            f"vms: {outside[0]!r} is not in namespaces ({', '.join(namespaces)}): add its namespace there, "
            "or leave namespaces out."
        )
    # What virt-handler tells by itself is of this moment; a drain wants the last hour.
    check_progress(params, sources=("none", "prometheus"))
    bandwidth = params.get("expected_bandwidth")
    return Asked(
        scope=DrainScope(nodes, vms, namespaces),
        avoid_nodes=_names(params, "avoid_nodes"),
        expected_bandwidth=None if bandwidth in (None, "") else _rate(bandwidth, option="expected_bandwidth"),
        dirty_rates=_dirty_rates(params),
    )


def _names(params: Mapping[str, Any], option: str) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(params.get(option) or ()))
    for value in values:
        if not isinstance(value, str) or not GIVEN_NAME.fullmatch(value):
            raise WrongInput(f"{option}: {value!r} is not a name that Kubernetes knows (a-z, 0-9, '-' and '.').")
    return values


def _vm(text: Any, *, option: str) -> Key:
    parts = text.split("/") if isinstance(text, str) else []
    if len(parts) not in (1, 2) or not all(GIVEN_NAME.fullmatch(part) for part in parts):
        raise WrongInput(f"{option}: {text!r} is neither a VM's name nor namespace/name.")
    return ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])


def _rate(value: Any, *, option: str) -> int:
    try:
        found = quantity_bytes(value)
    except QuantityError as error:
        raise WrongInput(f"{option}: {error}") from error
    if found <= 0 and option == "expected_bandwidth":
        raise WrongInput(f"{option}: {value!r} must be more than 0; leave it out where it is not known.")
    if found < 0:
        raise WrongInput(f"{option}: {value!r} is less than 0.")
    return found


def _dirty_rates(params: Mapping[str, Any]) -> dict[Key, int]:
    given = params.get("dirty_rates") or {}
    if not isinstance(given, Mapping):
        raise WrongInput(f"dirty_rates: {given!r} is no mapping of namespace/vm to bytes a second.")
    found = {}
    for name, value in given.items():
        key = _vm(name, option="dirty_rates")
        if not key[0]:
            raise WrongInput(f"dirty_rates: {name!r} has no namespace; write namespace/name.")
        found[key] = _rate(value, option=f"dirty_rates: {name}")
    return found
