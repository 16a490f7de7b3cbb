# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of migration_alert, checked before anything is asked of the cluster.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import GIVEN_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_object import MANAGED_BY
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_rules import (
    RESERVED_LABELS,
    RUNBOOK_URL,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import judge_risks

__all__ = ["ALERT_SPEC", "Asked", "parse_options"]

NAME: Final = "kubevirt-ops-live-migration"

ALERT_SPEC: Final[dict[str, dict[str, Any]]] = {
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "name": {"type": "str", "default": NAME},
    "namespace": {"type": "str"},
    "rule_file": {"type": "path"},
    "promtool": {"type": "path"},
    "stuck_after": {"type": "int"},
    "waiting_after": {"type": "int", "default": 900},
    "no_progress_window": {"type": "int", "default": 300},
    "many_stuck": {"type": "int", "default": 3},
    "missing_after": {"type": "int", "default": 900},
    "labels": {"type": "dict", "default": {}},
    "alert_labels": {"type": "dict", "default": {}},
    "runbook_url": {"type": "str", "default": RUNBOOK_URL},
    "accept_risks": {"type": "list", "elements": "str", "default": []},
    "fail_on_refusal": {"type": "bool", "default": True},
}
_DEFAULTS: Final = {option: spec["default"] for option, spec in ALERT_SPEC.items() if "default" in spec}
# Least and most; a week is more than anybody waits.
_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "stuck_after": (1, 604800),
    "waiting_after": (60, 604800),
    "no_progress_window": (120, 86400),
    "many_stuck": (2, 10000),
    "missing_after": (60, 604800),
}
_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class Asked:
    """What the caller asked for. `namespace`, `rule_file` and `promtool` are "" where nothing was given."""

    is_present: bool
    name: str
    namespace: str
    rule_file: str
    promtool: str
    stuck_after: int | None
    waiting_after: int
    no_progress_window: int
    many_stuck: int
    missing_after: int
    labels: Mapping[str, str]
    alert_labels: Mapping[str, str]
    runbook_url: str
    accept_risks: tuple[str, ...]


def parse_options(params: Mapping[str, Any], /) -> Asked:
    """The options; what is not given has its default. Raises WrongInput for values without meaning."""
    given = {**_DEFAULTS, **{option: value for option, value in params.items() if value is not None}}
    accepted = tuple(given["accept_risks"])
    judge_risks((), accept_risks=accepted)
    asked = Asked(
        is_present=given["state"] == "present",
        name=_name(given, "name"),
        namespace=_name(given, "namespace") if given.get("namespace") else "",
        rule_file=str(given.get("rule_file") or ""),
        promtool=str(given.get("promtool") or ""),
        stuck_after=_number(given, "stuck_after") if given.get("stuck_after") is not None else None,
        waiting_after=_number(given, "waiting_after"),
        no_progress_window=_number(given, "no_progress_window"),
        many_stuck=_number(given, "many_stuck"),
        missing_after=_number(given, "missing_after"),
        labels=_texts(given, "labels"),
        alert_labels=_alert_labels(given),
        runbook_url=_runbook_url(given),
        accept_risks=accepted,
    )
    if asked.promtool and not asked.rule_file:
        raise WrongInput("promtool checks a rules file: give rule_file with it.")
    if MANAGED_BY in asked.labels:
        raise WrongInput(f"labels: {MANAGED_BY} is set by this module.")
    return asked


def _name(given: Mapping[str, Any], option: str, /) -> str:
    name = str(given[option])
    if not GIVEN_NAME.fullmatch(name):
        raise WrongInput(f"{option}: {name!r} is no name that Kubernetes accepts.")
    return name


def _number(given: Mapping[str, Any], option: str, /) -> int:
    number = given[option]
    least, most = _RANGES[option]
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise WrongInput(f"{option} is {number!r}: it must be from {least} to {most}.")
    return number


def _texts(given: Mapping[str, Any], option: str, /) -> dict[str, str]:
    """A mapping of texts; YAML makes numbers and booleans of some, which are taken as they are written."""
    found = {}
    for key, value in given[option].items():
        if isinstance(value, bool):
            found[str(key)] = str(value).lower()
        elif isinstance(value, (str, int)):
            found[str(key)] = str(value)
        else:
            raise WrongInput(f"{option}: {key} is not a text.")
    return found


def _alert_labels(given: Mapping[str, Any], /) -> dict[str, str]:
    """Prometheus takes a label of an alert for a template, and a template may put the value in: none is let in."""
    labels = _texts(given, "alert_labels")
    for key, text in labels.items():
        if not _LABEL_NAME.fullmatch(key) or key.startswith("__"):
            raise WrongInput(f"alert_labels: {key!r} is no name of a label that Prometheus accepts.")
        if key in RESERVED_LABELS:
            raise WrongInput(f"alert_labels: {key} is set by the rules themselves.")
        if "{{" in text:
            raise WrongInput(f"alert_labels: {key} holds a template; only plain text is allowed.")
    return labels


def _runbook_url(given: Mapping[str, Any], /) -> str:
    url = str(given["runbook_url"])
    if url.count("%s") != 1 or "{{" in url or any(sign.isspace() for sign in url):
        raise WrongInput("runbook_url needs one %s, which becomes the name of the alert, and no space or template.")
    return url
