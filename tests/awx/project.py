# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project that AWX takes: a bare clone of the checkout."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.make.places import ROOT
from tests.make.tree import project_files

__all__ = ["bare_clone"]

_GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com"]


def bare_clone(folder: Path, *, without: Sequence[str] = ()) -> Path:
    """A bare clone of what the checkout holds now, committed or not, but for these files and links."""
    tree, bare = folder / "tree", folder / "project.git"
    _git("clone", "--quiet", str(ROOT), str(tree), at=folder)
    kept = project_files()
    for file in project_files(tree):
        if file not in kept:
            (tree / file).unlink()
    for file in kept:
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, tree / file)
    for name in without:
        (tree / name).unlink()
    _git("add", "--all", at=tree)
    _git("commit", "--quiet", "--allow-empty", "--message", "As it is now", at=tree)
    _git("clone", "--quiet", "--bare", str(tree), str(bare), at=folder)
    return bare


def _git(*words: str, at: Path) -> None:
    subprocess.run([*_GIT, *words], cwd=at, check=True, capture_output=True, timeout=60)
