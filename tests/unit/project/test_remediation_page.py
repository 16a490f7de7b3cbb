# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/remediation.md says what the code does: gates, states, codes, roles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import PAUSE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.act_gates import GATES
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.cancel import CANCEL_STATES
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.risks import _ACTS as ACTS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.risks import RISKS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import CATALOGUE

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "remediation.md").read_text(encoding="utf-8")


def test_gates_stand_there_in_their_order_with_code_and_question() -> None:
    rows = re.findall(r"^\| (\w+) \| `?([^`|]+?)`? \| ([A-Z][^|]+\?) \|$", PAGE, re.MULTILINE)

    assert rows == [(gate.name, gate.code, gate.asks) for gate in GATES]


def test_every_code_on_the_page_is_one() -> None:
    known = set(RISKS) | {entry.code for entry in CATALOGUE}
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", PAGE)) - {"PreCopy"}

    assert named - known == set()


@pytest.mark.parametrize("state", sorted(set(CANCEL_STATES) - {"requested", "planned"}), ids=str)
def test_how_a_cancel_ends_is_told(state: str) -> None:
    assert f"`{state}`" in PAGE


def test_every_code_of_an_act_is_on_the_page() -> None:
    assert [code for code in ACTS if f"`{code}`" not in PAGE] == []


def test_pause_switch_is_the_one_that_is_read() -> None:
    assert PAGE.count(PAUSE) == 3


def test_every_role_is_listed() -> None:
    assert set(re.findall(r"^\| ([\w-]+\.yml) \|", PAGE, re.MULTILINE)) == {
        path.name for path in (ROOT / "docs" / "rbac").glob("*.yml")
    }
