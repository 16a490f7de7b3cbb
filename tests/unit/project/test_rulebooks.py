# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rulebooks hand on: they diagnose, and act only where somebody has opted in, unless mode says otherwise."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from jinja2 import StrictUndefined
from jinja2.nativetypes import NativeEnvironment

from tests.make.places import ROOT

RULEBOOKS = sorted((ROOT / "extensions" / "eda" / "rulebooks").glob("*.yml"))


def handed_on(name: str, **variables: Any) -> tuple[str, str]:
    """Mode and only_opted_in of the action, rendered as ansible-rulebook renders them."""
    (ruleset,) = yaml.safe_load((ROOT / "extensions" / "eda" / "rulebooks" / name).read_text(encoding="utf-8"))
    action = ruleset["rules"][0]["action"]
    given = action.get("run_playbook") or action["run_job_template"]["job_args"]
    environment = NativeEnvironment(undefined=StrictUndefined)
    mode, only = (
        environment.from_string(given["extra_vars"][key]).render(**variables) for key in ("mode", "only_opted_in")
    )
    return str(mode), str(only).lower()


@pytest.mark.parametrize("name", [file.name for file in RULEBOOKS], ids=[file.stem for file in RULEBOOKS])
@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, ("cancel_and_retry", "true")),
        ({"mode": "diagnose"}, ("cancel_and_retry", "true")),
        ({"opted_in_mode": "cancel"}, ("cancel", "true")),
        ({"opted_in_mode": "diagnose"}, ("diagnose", "true")),
        ({"mode": "cancel_and_retry"}, ("cancel_and_retry", "false")),
        # The role refuses what is no mode.
        ({"mode": "Diagnose"}, ("Diagnose", "false")),
    ],
    ids=["as shipped", "the default, written", "cancel where opted in", "never act", "act on all", "no mode"],
)
def test_mode_is_diagnose_and_acting_is_opted_into(
    name: str, variables: dict[str, str], wanted: tuple[str, str]
) -> None:
    assert handed_on(name, **variables) == wanted


def test_variables_that_are_shown_have_the_defaults_that_the_rulebooks_have() -> None:
    shown = (ROOT / "extensions" / "eda" / "variables.yml").read_text(encoding="utf-8")
    for line in ("mode: diagnose", "opted_in_mode: cancel_and_retry"):
        assert f"\n# {line}\n" in shown
        name, _colon, value = line.partition(": ")
        for file in RULEBOOKS:
            assert f"{name} | default('{value}')" in file.read_text(encoding="utf-8")
