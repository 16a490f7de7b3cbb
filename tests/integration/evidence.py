# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of evidence share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

__all__ = ["texts_in", "without_what_was_found"]


def without_what_was_found(bundle: Path) -> None:
    """Takes the diagnosis out of a bundle, and all that was made for people: what was measured stays."""
    (bundle / "report.json").unlink()
    shutil.rmtree(bundle / "runbook", ignore_errors=True)
    for path in bundle.glob("migrations/*/*/*.json"):
        if path.name != "metrics.json":
            path.unlink()


def texts_in(bundle: Path) -> Iterator[tuple[str, str]]:
    """Path and text of each file."""
    for path in sorted(bundle.rglob("*")):
        if path.is_file():
            yield path.relative_to(bundle).as_posix(), path.read_text(encoding="utf-8")
