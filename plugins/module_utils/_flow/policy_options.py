# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of migration_policy, checked before anything is asked of the cluster.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import GIVEN_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy_spec import (
    OPTIONS,
    SELECTOR_OPTIONS,
    parse_selector,
    parse_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.policy_act import Manner
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.said_options import parse_said
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy import WantedPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import judge_risks

__all__ = ["parse_options"]


def parse_options(params: Mapping[str, Any], /, *, check_mode: bool) -> tuple[WantedPolicy, Manner]:
    """What is wanted and in which manner. Raises WrongInput naming the option, its value and the way out."""
    accepted = tuple(params.get("accept_risks") or ())
    judge_risks((), accept_risks=accepted)
    reason, requested_by = parse_said(params, "reason"), parse_said(params, "requested_by")
    return _wanted(params), Manner(accepted, reason, requested_by, check_mode)


def _wanted(params: Mapping[str, Any]) -> WantedPolicy:
    name = params.get("name")
    if not isinstance(name, str) or not GIVEN_NAME.fullmatch(name):
        raise WrongInput(f"name: {name!r} is not a name that Kubernetes knows (a-z, 0-9, '-' and '.').")
    if params.get("undo"):
        _check_alone(params)
        return WantedPolicy(name, is_undo=True, is_alone=bool(params.get("refuse_if_ambiguous")))
    if params.get("state") == "absent":
        return WantedPolicy(name, is_present=False)
    parsed = {api: parse_selector(params.get(option), option=option) for option, api in SELECTOR_OPTIONS.items()}
    return WantedPolicy(
        name=name,
        selectors={api: labels for api, labels in parsed.items() if labels is not None},
        settings=parse_settings(params),
        is_exact=bool(params.get("purge")),
    )


def _check_alone(params: Mapping[str, Any]) -> None:
    given = [option for option in (*SELECTOR_OPTIONS, *OPTIONS, "experimental") if params.get(option) is not None]
    given += ["purge"] if params.get("purge") else []
    given += ["state"] if params.get("state") == "absent" else []
    if given:
        raise WrongInput(f"undo takes back the last change: give no {given[0]} with it.")
