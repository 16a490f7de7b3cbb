# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make ansible-test` runs is there, and its target expects what the scenario says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.make.ansible_test import SCENARIO, UNITS, run_ansible_test
from tests.make.places import ROOT

TARGETS = ROOT / "tests" / "integration" / "targets"


def test_target_expects_what_the_scenario_says() -> None:
    (expected,) = yaml.safe_load((ROOT / f"tests/cluster/scenarios/{SCENARIO}.yml").read_text())["expected"]
    tasks = (TARGETS / "diagnose" / "tasks" / "main.yml").read_text(encoding="utf-8")

    assert f"['{expected['first_cause']}']" in tasks
    assert f"['{expected['verdict']}']" in tasks


def test_unit_tests_that_are_named_are_there() -> None:
    assert [place for place in UNITS if not (ROOT / place).is_dir()] == []


def test_sanity_has_no_ignore_file() -> None:
    assert list(ROOT.glob("tests/sanity/ignore*")) == []


def test_command_that_fails_says_so_and_shows_what_it_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = run_ansible_test("units", tree=tmp_path, is_shown=False)

    assert status != 0
    assert "ansible_collections" in capsys.readouterr().out
