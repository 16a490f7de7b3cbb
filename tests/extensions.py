# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plugins of ansible-rulebook, which lie in no package that could be imported."""

from __future__ import annotations

import runpy
import sys
from typing import Any

from tests.make.places import ROOT

__all__ = ["names_in"]

_FOLDER = ROOT / "extensions" / "eda" / "plugins"


def names_in(plugin: str) -> dict[str, Any]:
    """What `extensions/eda/plugins/<plugin>` defines, run as ansible-rulebook runs it."""
    path = _FOLDER / plugin
    for file in (path, _FOLDER / "rooms.py"):
        # Files as they are: the import hooks of ansible-test take every path of a collection for a package.
        sys.path_importer_cache[str(file)] = None
    return runpy.run_path(str(path))
