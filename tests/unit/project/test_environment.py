# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environments: named by what is in them, linked in one step, and never half made."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.make import environment
from tests.make.environment import Environment, SetupError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(environment, "ROOT", tmp_path / "project")
    monkeypatch.setattr(environment, "BUILD", tmp_path / "project" / ".build")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "wanted.txt").write_text("a==1\n")
    return tmp_path / "project"


def wanted() -> Environment:
    return Environment("venv", ("wanted.txt",), "venv")


def test_folder_changes_with_the_requirements(project: Path) -> None:
    before = wanted().folder()
    (project / "wanted.txt").write_text("a==2\n")
    assert wanted().folder() != before
    assert wanted().folder().parent == before.parent


def test_prepare_fills_only_once_and_links(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[Path] = []

    def fill(folder: Path, *, requirements: tuple[str, ...], options: tuple[str, ...] = ()) -> None:
        assert requirements == ("wanted.txt",)
        folder.mkdir(parents=True)
        (folder / environment.READY).touch()
        filled.append(folder)

    monkeypatch.setattr(environment, "fill", fill)
    folder = environment.prepare(wanted())
    assert environment.prepare(wanted()) == folder
    assert filled == [folder]
    assert (project / ".build" / "venv").resolve() == folder


def test_prepare_makes_a_half_made_one_anew(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[Path] = []

    def fill(folder: Path, *, requirements: tuple[str, ...], options: tuple[str, ...] = ()) -> None:
        assert requirements == ("wanted.txt",)
        filled.append(folder)

    monkeypatch.setattr(environment, "fill", fill)
    wanted().folder().mkdir(parents=True)
    environment.prepare(wanted())
    assert filled == [wanted().folder()]
    assert project.is_dir()


def test_failed_install_leaves_nothing_that_looks_ready(project: Path) -> None:
    (project / "wanted.txt").write_text("--no-index\nno-such-package==1\n")
    with pytest.raises(SetupError, match=r"pip install -r wanted.txt ended with 1"):
        environment.prepare(wanted())
    assert not (wanted().folder() / environment.READY).exists()


def test_missing_ensurepip_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(SetupError, match=r"lacks ensurepip.*apt-get install python3\.\d+-venv"):
        environment.check_python()


def test_old_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.sys, "version_info", (3, 9, 18))
    with pytest.raises(SetupError, match=r"3\.10 or later is needed, this is 3\.9\.18"):
        environment.check_python()


def test_link_is_moved_to_a_new_target(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        environment.link(tmp_path / "link", target=tmp_path / name)
    assert os.readlink(tmp_path / "link") == str(tmp_path / "two")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "one", "two"]
