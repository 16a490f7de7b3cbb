# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that stand in more than one place, and must not come apart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles/migration_tuning"


def loaded(path: str) -> Any:
    return yaml.safe_load((ROLE / path).read_text("utf-8"))


def test_each_setting_has_its_constant_in_one_file_alone() -> None:
    names = "|".join(setting.name for setting in SETTINGS)
    constant = re.compile(rf'^[A-Z_, ]+ = .*"({names})"', re.MULTILINE)
    files = (ROOT / "plugins/module_utils").rglob("*.py")
    found = {f"{file.parent.name}/{file.name}" for file in files if constant.search(file.read_text("utf-8"))}

    assert found == {"_facts/settings.py"}


def test_the_role_hands_on_each_option_of_a_policy_that_it_takes_and_no_other() -> None:
    """One that is taken and not handed on would be left out without a word."""
    (task,) = (one for one in loaded("tasks/change.yml") if one["name"] == "Keep the policies")
    options = task["kubevirt_ops.live_migration.migration_policy"]
    handed_on = {name for name, value in options.items() if "item." in str(value)}

    assert handed_on == set(loaded("vars/main.yml")["__migration_tuning_policy_options"])
    assert all(f"item.{name} " in options[name] for name in handed_on - {"name"})


def test_the_playbook_hands_on_every_variable_of_the_role() -> None:
    (play,) = yaml.safe_load((ROOT / "playbooks/tune.yml").read_text("utf-8"))
    (role,) = play["roles"]

    assert set(role["vars"]) == set(loaded("defaults/main.yml"))
