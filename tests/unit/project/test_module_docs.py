# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules promise alike is documented alike."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage

FOLDER = Path(__file__).resolve().parents[3] / "plugins" / "modules"
PACKAGE = "ansible_collections.kubevirt_ops.live_migration.plugins.modules"
MODULES = [path.stem for path in sorted(FOLDER.glob("*.py")) if re.search(r"^coverage:$", path.read_text(), re.M)]


def test_every_module_that_reads_the_cluster_has_coverage() -> None:
    talks = [path.stem for path in sorted(FOLDER.glob("*.py")) if "live_migration.auth" in path.read_text()]

    assert talks == MODULES


@pytest.mark.parametrize("name", MODULES, ids=MODULES)
def test_coverage_is_documented_as_it_is_given(name: str) -> None:
    documented = yaml.safe_load(import_module(f"{PACKAGE}.{name}").RETURN)["coverage"]["contains"]

    assert set(documented) == set(Coverage().to_result())
