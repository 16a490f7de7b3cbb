# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder makes of our image definitions, and what it finds that the collection needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.make.places import ROOT

BUILDER = str(Path(sys.executable).parent / "ansible-builder")


def build(*arguments: str) -> str:
    done = subprocess.run([BUILDER, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_builder_finds_what_the_modules_need(tmp_path: Path) -> None:
    collection = tmp_path / "ansible_collections" / "kubevirt_ops" / "live_migration"
    collection.mkdir(parents=True)
    (collection / "meta").symlink_to(ROOT / "meta")
    (collection / "galaxy.yml").symlink_to(ROOT / "galaxy.yml")
    found = yaml.safe_load(build("introspect", str(tmp_path)))
    needed = {line.partition("#")[0].strip() for line in found["python"]}
    assert needed == {"kubernetes>=24.2.0", "jsonpatch"}
    assert not found.get("system")


def test_decision_environment_holds_the_ansible_rulebook_that_is_tested() -> None:
    image = yaml.safe_load((ROOT / "decision-environment.yml").read_text(encoding="utf-8"))
    tested = (ROOT / "requirements-eda.txt").read_text(encoding="utf-8").splitlines()
    pins = [[line for line in lines if line.startswith("ansible-rulebook")] for lines in (tested, _python(image))]

    assert pins[0] == pins[1]
    assert len(pins[0]) == 1
    assert "==" in pins[0][0]


def _python(image: dict[str, Any]) -> list[str]:
    return list(image["dependencies"]["python"])


@pytest.mark.parametrize(
    ("file", "python", "system"),
    [
        ("execution-environment.yml", {"kubernetes>=24.2.0", "jsonpatch"}, set()),
        ("decision-environment.yml", {"ansible-rulebook==1.3.2", "kubernetes>=24.2.0"}, {"java-17-openjdk-headless"}),
    ],
    ids=["execution", "decision"],
)
def test_builder_makes_a_build_context(file: str, python: set[str], system: set[str], tmp_path: Path) -> None:
    build("create", "--file", str(ROOT / file), "--context", str(tmp_path), "--output-filename", "Containerfile")
    made = tmp_path / "_build"
    assert python <= set((made / "requirements.txt").read_text(encoding="utf-8").splitlines())
    bindep = made / "bindep.txt"
    assert system <= {line.split()[0] for line in bindep.read_text(encoding="utf-8").splitlines() if line.strip()}
    assert "ubi9" in (tmp_path / "Containerfile").read_text(encoding="utf-8")
