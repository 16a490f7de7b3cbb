# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The spec of a MigrationPolicy: what the options are called in the API, what each may hold, when two are the same.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, staging/src/kubevirt.io/api/migrations/v1alpha1/types.go, its CustomResourceDefinition, and
pkg/virt-api/webhooks/validating-webhook/admitters/migration-policy-admitter.go (what must not be negative).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import (
    is_label_key,
    is_label_value,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    parse_quantity,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    COMPLETION_TIMEOUT,
    MOST,
    MOST_BANDWIDTH,
    TOO_FAST,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

__all__ = [
    "EXPERIMENTAL",
    "OPTIONS",
    "SELECTOR_OPTIONS",
    "option_of",
    "parse_selector",
    "parse_settings",
    "same_value",
]

SELECTOR_OPTIONS: Mapping[str, str] = {
    "namespace_selector": "namespaceSelector",
    "vmi_selector": "virtualMachineInstanceSelector",
}
OPTIONS: Mapping[str, str] = {
    "allow_auto_converge": "allowAutoConverge",
    "allow_post_copy": "allowPostCopy",
    "allow_workload_disruption": "allowWorkloadDisruption",
    "bandwidth_per_migration": "bandwidthPerMigration",
    "completion_timeout_per_gib": "completionTimeoutPerGiB",
    "max_downtime_ms": "maxDowntimeMs",
}
EXPERIMENTAL: Mapping[str, Any] = {
    "compression": "compression",
    "downtime_tuning": (
        "downtimeTuning",
        {
            "cooldown_seconds": "cooldownSeconds",
            "initial_ms": "initialMs",
            "start_after_iteration": "startAfterIteration",
            "steps": "steps",
        },
    ),
    "stall_detector": (
        "stallDetector",
        {
            "completion_timeout_factor": "completionTimeoutFactor",
            "ewma_alpha": "ewmaAlpha",
            "patience_window_decay_factor": "patienceWindowDecayFactor",
            "precopy_possible_factor": "precopyPossibleFactor",
            "search_local_minima": "searchLocalMinima",
            "stall_margin": "stallMargin",
            "stall_progress_timeout": "stallProgressTimeout",
            "switchover_timeout": "switchoverTimeout",
        },
    ),
}
_FACTORS = frozenset({"completionTimeoutFactor", "ewmaAlpha", "patienceWindowDecayFactor", "precopyPossibleFactor"})
# Smallest and largest by the definition of the kind; the webhook asks for 0 or more of those that it does not bound.
_RANGES: Mapping[str, tuple[int, int]] = {
    "completionTimeoutPerGiB": (0, MOST[COMPLETION_TIMEOUT]),
    "cooldownSeconds": (1, 2**31 - 1),
    "initialMs": (1, 2**63 - 1),
    "maxDowntimeMs": (1, 2_000_000),
    "stallMargin": (0, 100),
    "stallProgressTimeout": (0, 2**63 - 1),
    "startAfterIteration": (1, 2**63 - 1),
    "steps": (1, 2**31 - 1),
    "switchoverTimeout": (0, 2**63 - 1),
}


def parse_settings(params: Mapping[str, Any], /) -> dict[str, Any]:
    """The settings that the module's options give, by their names in the API; one that is None was not given.

    Raises WrongInput, naming option, value and what is accepted, for what the API server or KubeVirt would refuse.
    """
    found = {api: _checked(params[option], api=api, option=option) for option, api in _given(OPTIONS, params)}
    experimental = _nested(EXPERIMENTAL, params.get("experimental") or {}, where="experimental")
    if "downtimeTuning" in experimental and "stallDetector" in experimental:
        raise WrongInput("experimental: KubeVirt takes stall_detector or downtime_tuning, not both.")
    return {**found, **({"experimental": experimental} if experimental else {})}


def _given(table: Mapping[str, Any], params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(option, name) for option, name in table.items() if params.get(option) is not None]


def _nested(table: Mapping[str, Any], params: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option, name in _given(table, params):
        place = f"{where}.{option}"
        if isinstance(name, str):
            found[name] = _checked(params[option], api=name, option=place)
        else:
            api, inner = name
            found[api] = _nested(inner, params[option], where=place)
    return found


def _checked(value: Any, *, api: str, option: str) -> Any:
    if api == "bandwidthPerMigration" or api in _FACTORS:
        return _quantity(value, option=option, more_than_zero=api in _FACTORS)
    low, high = _RANGES.get(api, (None, None))
    if low is not None and high is not None and not low <= value <= high:
        top = "" if high == 2**63 - 1 else f" and at most {high}"
        raise WrongInput(f"{option}: {value} cannot be; KubeVirt takes whole numbers of at least {low}{top}.")
    return value


def _quantity(value: Any, *, option: str, more_than_zero: bool) -> Any:
    try:
        number = parse_quantity(value)
    except QuantityError as error:
        raise WrongInput(f"{option}: {error}.") from None
    if number < 0 or (more_than_zero and number == 0):
        raise WrongInput(f"{option}: {value} cannot be; it must be {'more than 0' if more_than_zero else '0 or more'}.")
    if not more_than_zero and number > MOST_BANDWIDTH:
        raise WrongInput(f"{option}: {value} cannot be; {TOO_FAST}.")
    return value


def parse_selector(value: Any, *, option: str) -> dict[str, str] | None:
    """The labels of a selector's option; None where it was not given.

    Raises WrongInput for a value that is no text (YAML makes a boolean of `true`) and for a key or value that no label
    can have, as such a selector could never match.
    """
    if value is None:
        return None
    for key, text in value.items():
        if not isinstance(text, str):
            raise WrongInput(f"{option}: the value of {key!r} is {text!r}, which is no text; write it in quotes.")
        if not is_label_key(str(key)) or not is_label_value(text):
            raise WrongInput(f"{option}: {key}={text} is no label that Kubernetes knows, so nothing could match it.")
    return {str(key): text for key, text in value.items()}


def same_value(one: Any, other: Any, /) -> bool:
    """Whether two values of a setting are the same to KubeVirt: quantities by what they amount to, maps key by key."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same_value(one[key], other[key]) for key in one)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    try:
        return parse_quantity(one) == parse_quantity(other)
    except QuantityError:
        return bool(one == other)


def option_of(api: str, /) -> str:
    """The option that sets this field of the spec; the name itself where none does."""
    names = {name: option for option, name in {**OPTIONS, **SELECTOR_OPTIONS}.items()}
    return names.get(api, api)
