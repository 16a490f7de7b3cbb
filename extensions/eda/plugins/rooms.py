# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the collection be imported from where it lies.

ansible-rulebook runs event sources and filters by their file, with no collection loader, and the collection may lie in
a folder of any name. So its package is made known to Python with this file's own collection as its place.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

__all__ = ["find_rooms"]

_ROOT = Path(__file__).resolve().parents[3]


def find_rooms() -> None:
    """From now on `ansible_collections.kubevirt_ops.live_migration` is importable. Others' collections stay so too."""
    for name in ("ansible_collections", "ansible_collections.kubevirt_ops"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            _add(name, places=[])
    name = "ansible_collections.kubevirt_ops.live_migration"
    if name not in sys.modules:
        _add(name, places=[str(_ROOT)])


def _add(name: str, *, places: list[str]) -> None:
    package = types.ModuleType(name)
    package.__path__ = places
    sys.modules[name] = package
