# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things lie: the checkout, its build folder, and the cache that checkouts share."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["BUILD", "COLLECTIONS", "FULL_NAME", "NAME", "NAMESPACE", "ROOT", "cache_folder", "in_ci"]

NAMESPACE = "kubevirt_ops"
NAME = "live_migration"
FULL_NAME = f"{NAMESPACE}.{NAME}"

ROOT = Path(__file__).resolve().parents[2]
# In the checkout, so that two checkouts on one machine never share a symlink.
BUILD = ROOT / ".build"
COLLECTIONS = BUILD / "collections"


def cache_folder() -> Path:
    """The folder for what is expensive to make and the same for every checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kubevirt-ops-live-migration"


def in_ci() -> bool:
    """True where the environment says that nobody watches, so that what was left out counts as failed."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}
