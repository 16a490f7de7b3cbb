# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs mypy over the collection and the test cluster, each under the name it is imported by."""

from __future__ import annotations

import subprocess
import sys

from tests.make.places import COLLECTIONS, NAME, NAMESPACE, ROOT

__all__ = ["main", "sources"]


def sources() -> list[str]:
    """What is checked: the plugins through the import tree, since their imports name the collection, then the tools."""
    plugins = COLLECTIONS / "ansible_collections" / NAMESPACE / NAME / "plugins"
    folders = ("tests/awx", "tests/cluster", "tests/demo", "tests/house", "tests/make", "tests/mutants")
    tools = [folder for folder in folders if any((ROOT / folder).glob("*.py"))]
    return [str(plugins.relative_to(ROOT)), *tools]


def main() -> int:
    """mypy's exit status."""
    return subprocess.run([sys.executable, "-m", "mypy", *sources()], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
