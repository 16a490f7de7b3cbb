# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a report: whole, private, and written only when they differ."""

from __future__ import annotations

import stat
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_files import differs, write_atomically


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_file_and_its_new_folder_are_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    write_atomically(path, text="é\n")
    assert path.read_bytes() == b"\xc3\xa9\n"
    assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)


def test_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    path.chmod(0o644)
    write_atomically(path, text="new")
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]
    assert (path.read_text(), mode_of(path)) == ("new", 0o600)


def test_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "report.json"
    victim.write_text("precious")
    path.symlink_to(victim)
    assert differs(path, text="precious")
    write_atomically(path, text="new")
    assert (victim.read_text(), path.is_symlink()) == ("precious", False)


def test_failure_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    with mock.patch("os.replace", side_effect=OSError("disk full")), pytest.raises(OSError, match="disk full"):
        write_atomically(path, text="new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("report.json", "old")]


@pytest.mark.parametrize(("text", "expected"), [("same", False), ("other", True)], ids=["same", "other"])
def test_differs_compares_content(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "file").write_text("same")
    assert differs(tmp_path / "file", text=text) is expected


def test_file_that_is_not_there_differs(tmp_path: Path) -> None:
    assert differs(tmp_path / "none" / "file", text="")
