# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the test cluster keeps things outside the repository, and locks between processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["cache_folder", "exclusive", "try_lock"]

_NAME = "kubevirt-ops-live-migration"


def cache_folder() -> Path:
    """`kubevirt-ops-live-migration` under XDG_CACHE_HOME or ~/.cache; made when absent."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(configured) if os.path.isabs(configured) else Path.home() / ".cache"
    folder = base / _NAME
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """An open file that holds the lock `path` until it is closed or the process ends; None when another holds it.

    A shared one bars only exclusive ones: it is for looking whether somebody holds the lock.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


@contextmanager
def exclusive(path: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock `path`. While another process holds it, `waiting` is called again and again (it may sleep)."""
    while (handle := try_lock(path)) is None:
        waiting()
    try:
        yield
    finally:
        os.close(handle)
