# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private folder of one cluster: made 0700, locked while the cluster lives, removed with it.

A cluster that was killed leaves its folder behind, but no lock: the next start removes it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests.cluster.places import try_lock

__all__ = ["Folder", "FolderInUse", "clear_left_over", "owner_pid", "read_state"]

_PREFIX = "kubevirt-ops-live-migration-"
_LOCK = "lock"
_STATE = "cluster.json"


class FolderInUse(RuntimeError):
    """A living cluster has this folder, or it holds something that is not ours to delete."""


class Folder:
    """A locked private folder."""

    def __init__(self, path: Path, *, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, path: Path | None) -> Folder:
        """Make and lock `path` (None: a new one in the temporary folder, after sweeping what dead clusters left)."""
        if path is None:
            _sweep()
            return cls._lock_new(Path(tempfile.mkdtemp(prefix=_PREFIX)))
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            clear_left_over(path)
            path.mkdir(mode=0o700)
        return cls._lock_new(path)

    @classmethod
    def _lock_new(cls, path: Path) -> Folder:
        # Locked under another name first: a lock file that is there but free always means a dead cluster.
        young = path / f".{_LOCK}.{os.getpid()}"
        lock = try_lock(young)
        if lock is None:
            raise FolderInUse(f"{path} is being used by another start")
        os.write(lock, str(os.getpid()).encode())
        young.rename(path / _LOCK)
        return cls(path, lock=lock)

    def write_state(self, state: dict[str, Any]) -> None:
        """What another process needs to use this cluster (holds tokens: readable by the owner only)."""
        young = self.path / f".{_STATE}"
        young.touch(mode=0o600)
        young.write_text(json.dumps(state, indent=2), encoding="utf-8")
        young.rename(self.path / _STATE)

    def remove(self) -> None:
        """Delete the folder and release the lock; the lock file last, so that until then it is known as ours."""
        for entry in self.path.iterdir():
            if entry.name != _LOCK:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.rmtree(self.path)
        os.close(self._lock)


def _is_alive(path: Path) -> bool:
    """Whether a living cluster holds this folder."""
    if not (path / _LOCK).exists():
        return False
    handle = try_lock(path / _LOCK, shared=True)
    if handle is None:
        return True
    os.close(handle)
    return False


def owner_pid(path: Path) -> int | None:
    """The process that holds this folder, also while it is still starting; None where nobody does."""
    return int((path / _LOCK).read_text(encoding="ascii")) if _is_alive(path) else None


def read_state(path: Path) -> dict[str, Any] | None:
    """What `write_state` wrote; None where no living, ready cluster holds this folder."""
    if not _is_alive(path) or not (path / _STATE).exists():
        return None
    state = json.loads((path / _STATE).read_text(encoding="utf-8"))
    return state if isinstance(state, dict) else None


def _sweep() -> None:
    """Remove the folders of clusters that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if path.is_symlink() or not path.is_dir() or path.stat().st_uid != os.getuid():
            continue
        if (path / _LOCK).exists() and not _is_alive(path):
            shutil.rmtree(path, ignore_errors=True)


def clear_left_over(path: Path) -> None:
    """Remove the folder of a cluster that was killed; FolderInUse when it lives or holds something else."""
    if _is_alive(path):
        raise FolderInUse(f"a test cluster runs in {path}; stop it first: python -m tests.cluster stop --dir {path}")
    if any(path.iterdir()) and not (path / _LOCK).exists():
        raise FolderInUse(f"{path} is not empty and not a test cluster's; give another folder")
    shutil.rmtree(path, ignore_errors=True)
