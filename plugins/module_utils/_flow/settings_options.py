# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of migration_settings, checked before anything is asked of the cluster.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import is_label_key, is_name
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    parse_quantity,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    BANDWIDTH,
    BY_OPTION,
    DRAIN_TAINT,
    MOST,
    MOST_BANDWIDTH,
    NETWORK,
    SETTINGS,
    TOO_FAST,
    Setting,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.said_options import parse_said
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.settings import Wish
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import judge_risks

__all__ = ["SETTINGS_SPEC", "Asked", "parse_options"]

_TYPES: Final = {"a boolean": "bool", "an integer": "int", "a quantity": "str", "a string": "str"}
_SETTABLE: Final = tuple(setting for setting in SETTINGS if setting.in_kubevirt)
_LONGEST_WAIT_SECONDS: Final = 3600


def _option(setting: Setting, /) -> dict[str, Any]:
    # ansible-core takes a name that ends in "key" for a secret, unless it is told.
    told = {"no_log": False} if setting.option.endswith("_key") else {}
    return {"type": _TYPES[setting.wanted], **told}


SETTINGS_SPEC: Final[dict[str, dict[str, Any]]] = {
    "settings": {
        "type": "dict",
        "options": {setting.option: _option(setting) for setting in _SETTABLE},
    },
    "reset": {"type": "list", "elements": "str", "choices": [setting.option for setting in _SETTABLE]},
    "undo": {"type": "bool", "default": False},
    "owner": {"type": "str", "default": "auto", "choices": ["auto", "kubevirt", "hyperconverged"]},
    "accept_risks": {"type": "list", "elements": "str", "default": []},
    "fail_on_refusal": {"type": "bool", "default": True},
    "reason": {"type": "str", "default": ""},
    "requested_by": {"type": "str", "default": ""},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 120},
}


@dataclass(frozen=True)
class Asked:
    """What the caller asked for."""

    wish: Wish
    undo: bool
    owner: str
    accept_risks: tuple[str, ...]
    reason: str
    requested_by: str
    wait_seconds: int


def parse_options(params: Mapping[str, Any], /) -> Asked:
    """The options. Raises WrongInput for values without meaning, for a setting that is both set and reset, for undo
    with either of them, and for a code in accept_risks that does not exist."""
    given = params.get("settings") or {}
    values = {BY_OPTION[option].name: _value(option, value) for option, value in given.items() if value is not None}
    reset = tuple(dict.fromkeys(BY_OPTION[option].name for option in params.get("reset") or ()))
    both = [option for option, setting in BY_OPTION.items() if setting.name in values and setting.name in reset]
    if both:
        raise WrongInput(f"settings and reset both name {', '.join(both)}: give it in one of them.")
    if params.get("undo") and (values or reset):
        raise WrongInput("undo takes back the last change: give no settings and no reset with it.")
    accepted = tuple(params.get("accept_risks") or ())
    judge_risks((), accept_risks=accepted)
    return Asked(
        wish=Wish(values, reset),
        undo=bool(params.get("undo")),
        owner=str(params.get("owner") or "auto"),
        accept_risks=accepted,
        reason=parse_said(params, "reason"),
        requested_by=parse_said(params, "requested_by"),
        wait_seconds=_wait_seconds(params),
    )


def _value(option: str, value: Any, /) -> Any:
    setting: Setting = BY_OPTION[option]
    if value == "":
        raise WrongInput(f"settings.{option} is empty: to go back to the default, name it in reset.")
    why = _why_not(setting.name, value)
    if why:
        raise WrongInput(f"settings.{option}: {why}.")
    return value


def _why_not(name: str, value: Any, /) -> str:
    """Why KubeVirt cannot work with the value at all, "" where it can."""
    if name == BANDWIDTH:
        try:
            return "" if parse_quantity(value) <= MOST_BANDWIDTH else f"{value} cannot be; {TOO_FAST}"
        except QuantityError as error:
            return str(error)
    if name == NETWORK and not all(is_name(part) for part in value.split("/", 1)):
        return f"{value!r} cannot be the name of a NetworkAttachmentDefinition, with or without its namespace and a '/'"
    if name == DRAIN_TAINT and not is_label_key(value):
        return f"{value!r} cannot be the key of a taint"
    if name in MOST and value > MOST[name]:
        return f"{value} cannot be; KubeVirt reckons with at most {MOST[name]}"
    return ""


def _wait_seconds(params: Mapping[str, Any], /) -> int:
    given = params.get("wait_timeout")
    seconds = 120 if given is None else given
    if not isinstance(seconds, int) or not 0 < seconds <= _LONGEST_WAIT_SECONDS:
        raise WrongInput(f"wait_timeout is {seconds!r}: it must be from 1 to {_LONGEST_WAIT_SECONDS} seconds.")
    return seconds if params.get("wait") else 0
