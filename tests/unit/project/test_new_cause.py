# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make cause`: what it writes is wired up, its test fails until the function is written, and passes then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.make import new_cause
from tests.make.new_cause import LEFT_TO_WRITE, NewCause, NewCauseError, make_skeleton
from tests.make.places import FULL_NAME, NAME, NAMESPACE, ROOT

UTILS = f"ansible_collections.{FULL_NAME}.plugins.module_utils"
NEW = NewCause("VMIOnTheMoon", "The VM runs on the moon", "F", "HostModelUnknown", "before-hand-over")
FUNCTION = Path("plugins/module_utils/_verdict/causes/vmi_on_the_moon.py")
UNIT_TEST = Path("tests/unit/plugins/module_utils/_verdict/test_vmi_on_the_moon.py")
# What whoever adds the cause writes.
BODY = """    if case.migration.is_final or case.vmi is None or case.vmi.phase != "Moon":
        return None
    seen = Evidence(case.vmi_name, "status.phase", "Moon", case.migration.phase_since)
    return Cause("VMIOnTheMoon", "The VM runs on the moon.", "no", case.migration.phase_since, (seen,))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a cause stands in, found by its collection's name."""
    folder = tmp_path / "ansible_collections" / NAMESPACE / NAME
    unwanted = shutil.ignore_patterns("__pycache__", "collections")
    for part in ("plugins", "tests/unit", "tests/make", "tests/cluster", "changelogs"):
        shutil.copytree(ROOT / part, folder / part, ignore=unwanted)
    for path in ("pyproject.toml", "galaxy.yml", "tests/__init__.py", "tests/conftest.py", "docs/causes.md"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    return folder


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python of ours in the copy."""
    collections = str(checkout.parents[2])
    environment = {**os.environ, "PYTHONPATH": collections, "LIVE_MIGRATION_COLLECTIONS": collections}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def write_what_is_left(checkout: Path) -> None:
    """The author's part."""
    function = checkout / FUNCTION
    text = function.read_text(encoding="utf-8")
    text = text.replace(f"{UTILS}._verdict.cause import Cause,", f"{UTILS}._verdict.cause import Cause, Evidence,")
    at = text.index("    # What was read")
    function.write_text(text[:at] + BODY, encoding="utf-8")
    held = checkout / "tests/unit/held.py"
    example = 'return a_world("Pending", vm=vm, age_seconds=seconds)\n'
    text = held.read_text(encoding="utf-8")
    assert text.endswith(example)
    changed = f'world = {example[7:-1]}\n    world.vmi["status"]["phase"] = "Moon"\n    return world\n'
    held.write_text(text[: -len(example)] + changed, encoding="utf-8")


def test_skeleton_is_red_until_its_function_is_written(checkout: Path) -> None:
    files = make_skeleton(NEW, root=checkout)
    assert {FUNCTION, UNIT_TEST, Path("tests/cluster/scenarios/vmi-on-the-moon.yml")} <= set(files)
    python = [str(path) for path in files if path.suffix == ".py"]
    assert run(checkout, "ruff", "format", "--check", *python).returncode == 0

    red = run(checkout, "pytest", "-q", str(UNIT_TEST))
    assert "1 failed, 1 passed" in red.stdout, red.stdout + red.stderr

    write_what_is_left(checkout)
    green = run(checkout, "pytest", "-q", str(UNIT_TEST))
    assert "2 passed" in green.stdout, green.stdout + green.stderr
    assert run(checkout, "tests.make.causes_page").returncode == 0
    assert "## VMIOnTheMoon\n\nThe VM runs on the moon." in (checkout / "docs/causes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": "vmi-on-the-moon"}, "CODE='vmi-on-the-moon' is no code: write it as CamelCase"),
        ({"code": "HostModelUnknown"}, "CODE=HostModelUnknown is in the catalogue already"),
        ({"after": "Gremlins"}, "AFTER='Gremlins' is not in the catalogue"),
        ({"acts": "FX"}, "ACTS='FX' is not known: W wait, C cancel"),
        ({"acts": ""}, "ACTS='' is not known"),
        ({"title": "  "}, "is no title: one sentence"),
        ({"title": 'The "moon"'}, "is no title: one sentence"),
    ],
    ids=["code", "taken", "after", "acts", "no acts", "no title", "quotes"],
)
def test_what_cannot_be_made_is_said_and_nothing_is_written(checkout: Path, change: dict[str, str], words: str) -> None:
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}

    with pytest.raises(NewCauseError) as error:
        make_skeleton(NewCause(**{**vars(NEW), **change}), root=checkout)

    assert words in str(error.value)
    assert {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()} == before


def test_file_that_is_there_is_not_written_over(checkout: Path) -> None:
    catalogue = Path("plugins/module_utils/_verdict/catalogue.py")
    make_skeleton(NEW, root=checkout)
    shutil.copy(ROOT / catalogue, checkout / catalogue)

    with pytest.raises(NewCauseError, match="is there already"):
        make_skeleton(NEW, root=checkout)


def test_wrong_word_on_the_command_line_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert new_cause.main(["gremlins", "--title", "None"]) == 2
    assert "make cause: CODE='gremlins'" in capsys.readouterr().err


@pytest.mark.parametrize("phrase", LEFT_TO_WRITE)
def test_no_cause_is_left_as_the_skeleton_wrote_it(phrase: str) -> None:
    places = [*(ROOT / "plugins").rglob("*.py"), ROOT / "tests/unit/more_looks.py"]

    assert [path for path in places if phrase in path.read_text(encoding="utf-8")] == []
