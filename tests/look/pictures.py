# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a page as people meet it: light, dark, on a phone, on the first screen, and on paper."""

from __future__ import annotations

from pathlib import Path

from tests.look.chromium import Chromium

__all__ = ["take_pictures"]

_SCREENS = {"light": (1280, False), "dark": (1280, True), "phone": (420, False), "phone-dark": (420, True)}


def take_pictures(browser: Chromium, page: Path, /, *, folder: Path) -> list[Path]:
    """One PNG a screen and one PDF, in `folder`; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    tab, made = browser.tab(), []
    for name, (width, dark) in _SCREENS.items():
        tab.resize(width, dark=dark)
        tab.open(page)
        made.append(_written(folder / f"{page.stem}-{name}.png", tab.picture()))
    tab.resize(1280, height=800)
    tab.open(page)
    made.append(_written(folder / f"{page.stem}-first-screen.png", tab.picture(whole=False)))
    made.append(_written(folder / f"{page.stem}-print.pdf", tab.paper()))
    return made


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
