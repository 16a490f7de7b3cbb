# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the files of a capture, a folder or a tarball, which somebody else has made.

This module is private to the collection and may change without notice.

Nothing is unpacked to disk. What points out of the capture is refused as a whole, as whoever made it meant harm or made
a mistake; sizes and counts are bounded before anything is taken into memory.
"""

from __future__ import annotations

import importlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import clean
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

__all__ = ["BOUNDS", "Bounds", "read_files"]

_MIB: Final = 2**20
# How a file begins, and the part of Python's library that unpacks it, which not every build has.
_MAGIC: Final = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "lzma"), (b"BZh", "bz2"))


@dataclass(frozen=True)
class Bounds:
    """How much is read. A must-gather of a large cluster has some 100,000 files; what verdicts rest on is far less."""

    files: int = 500_000
    file_bytes: int = 128 * _MIB
    total_bytes: int = 1024 * _MIB
    unpacked_bytes: int = 16 * 1024 * _MIB


BOUNDS: Final = Bounds()


def read_files(src: str, /, *, wanted: Callable[[str], bool], bounds: Bounds = BOUNDS) -> Iterator[tuple[str, bytes]]:
    """(path, content) of the files of `src` whose path, relative and with slashes, is `wanted`; a folder's in order.

    Raises WrongInput for what is no folder and no tarball, what points out of it, and what exceeds `bounds`.
    """
    budget = _Budget(src, bounds)
    path = Path(src)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            yield from _of_folder(path, wanted, budget)
        elif stat.S_ISREG(mode):
            yield from _of_tarball(path, wanted, budget)
        else:
            raise WrongInput(f"src: {src} is neither a folder nor a file.")
    except OSError as error:
        raise WrongInput(f"src: {src} cannot be read: {error.strerror or type(error).__name__}.") from None


class _Budget:
    def __init__(self, src: str, bounds: Bounds) -> None:
        self.src, self.bounds = src, bounds
        self._files = self._bytes = 0

    def refuse(self, why: str) -> WrongInput:
        return WrongInput(f"src: {self.src} is refused: {why}.")

    def broken(self, error: Exception) -> WrongInput:
        return self.refuse(f"it is no tarball, or a broken one ({type(error).__name__})")

    def count_file(self) -> None:
        self._files += 1
        if self._files > self.bounds.files:
            raise self.refuse(f"it has more than {self.bounds.files} files")

    def take(self, path: str, *, size: int) -> None:
        """Before `size` bytes of that file are read."""
        if size > self.bounds.file_bytes:
            raise self.refuse(f"{clean(path)} has more than {self.bounds.file_bytes // _MIB} MiB")
        self._bytes += size
        if self._bytes > self.bounds.total_bytes:
            raise self.refuse(f"the files that count have more than {self.bounds.total_bytes // _MIB} MiB together")


# -- a folder


def _of_folder(root: Path, wanted: Callable[[str], bool], budget: _Budget) -> Iterator[tuple[str, bytes]]:
    real = root.resolve()
    for folder, folders, names in os.walk(real):
        folders.sort()
        for name in sorted([*names, *(one for one in folders if os.path.islink(os.path.join(folder, one)))]):
            budget.count_file()
            path = Path(folder, name)
            if path.is_symlink():
                _check_link(path, real, budget)
                continue
            relative = path.relative_to(real).as_posix()
            if wanted(relative) and stat.S_ISREG(path.lstat().st_mode):
                yield relative, _read(path, relative, budget)


def _check_link(path: Path, real: Path, budget: _Budget) -> None:
    """A link within the capture leads to a file that is read anyway; one out of it is refused."""
    if not path.resolve().is_relative_to(real):
        raise budget.refuse(f"{clean(path.relative_to(real).as_posix())} is a link that leads out of it")


def _read(path: Path, relative: str, budget: _Budget) -> bytes:
    # Not through a link that stands there now and did not a moment ago.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        size = os.fstat(handle).st_size
        budget.take(relative, size=size)
        return stream.read(size)


# -- a tarball


class _Bounded:
    """A stream that ends with an error once more was read from it than it may hold."""

    def __init__(self, stream: Any, budget: _Budget) -> None:
        self._stream, self._budget, self._left = stream, budget, budget.bounds.unpacked_bytes

    def read(self, size: int = -1) -> bytes:
        try:
            content: bytes = self._stream.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise self._budget.broken(error) from None
        self._left -= len(content)
        if self._left < 0:
            limit = self._budget.bounds.unpacked_bytes // _MIB
            raise self._budget.refuse(f"unpacked it has more than {limit} MiB")
        return content


def _of_tarball(path: Path, wanted: Callable[[str], bool], budget: _Budget) -> Iterator[tuple[str, bytes]]:
    try:
        with _opened(path, budget) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                yield from _of_member(archive, member, wanted, budget)
    except WrongInput:
        raise
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise budget.broken(error) from None


@contextmanager
def _opened(path: Path, budget: _Budget) -> Iterator[Any]:
    with path.open("rb") as raw:
        head = raw.read(8)
        raw.seek(0)
        packed = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
        try:
            yield _Bounded(importlib.import_module(packed).open(raw) if packed else raw, budget)
        except ImportError:
            raise budget.refuse(f"this Python cannot unpack it (it lacks {packed})") from None


def _of_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, wanted: Callable[[str], bool], budget: _Budget
) -> Iterator[tuple[str, bytes]]:
    budget.count_file()
    path = _inside(member.name, budget)
    if member.issym() or member.islnk():
        # A symbolic link starts at its own folder, a hard one at the archive's root.
        start = path.rpartition("/")[0] if member.issym() else ""
        _inside(f"{start}/{member.linkname}" if start and member.linkname[:1] != "/" else member.linkname, budget)
        return
    if member.size < 0 or member.size > budget.bounds.unpacked_bytes:
        raise budget.refuse(f"{clean(path)} is too large")
    if not member.isreg() or not wanted(path):
        return
    budget.take(path, size=member.size)
    stream = archive.extractfile(member)
    content = stream.read(member.size) if stream is not None else b""
    if len(content) != member.size:
        raise budget.refuse(f"{clean(path)} is cut off")
    yield path, content


def _inside(name: str, budget: _Budget) -> str:
    """The path without what does nothing in it; refused where it leaves the archive, on the way too."""
    found: list[str] = []
    for step in name.split("/"):
        if step == "..":
            if not found:
                raise budget.refuse(f"{clean(name)!r} leads out of it")
            found.pop()
        elif step not in ("", "."):
            found.append(step)
    if name.startswith("/"):
        raise budget.refuse(f"{clean(name)!r} leads out of it")
    return "/".join(found)
