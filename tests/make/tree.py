# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that make up the project, and a copy of them elsewhere."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.make.places import ROOT

__all__ = ["copy_checkout", "copy_files", "project_files"]


def project_files(root: Path = ROOT) -> list[Path]:
    """What git keeps or would keep, relative to the root, sorted; deleted files are left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return sorted({Path(name) for name in listed.split("\0") if name and (root / name).is_file()})


def copy_checkout(target: Path) -> None:
    """The same as :func:`copy_files`, in a git checkout of its own: ansible-test works in nothing else."""
    copy_files(target)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=target, check=True)


def copy_files(target: Path, *, root: Path = ROOT) -> None:
    """Make the target hold the project's files and nothing else."""
    shutil.rmtree(target, ignore_errors=True)
    for file in project_files(root):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / file, target / file)
