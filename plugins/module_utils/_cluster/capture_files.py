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
# Archives that are often meant, whatever the name says.
_OTHERS: Final = ((b"PK\x03\x04", "a zip archive"), (b"(\xb5/\xfd", "packed by zstd"), (b"7z\xbc\xaf", "a 7z archive"))
# What the header of a member may have; names have 4096 bytes at most, and the library takes all of it into memory.
_HEADER_BYTES: Final = _MIB
_HEADERS: Final = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
_WAY_OUT: Final = "Name a folder, or a tarball (.tar, .tar.gz, .tar.xz, .tar.bz2)."
_UNPACK: Final = "Unpack it, and name the folder."
_ANEW: Final = "Pack it anew: tar -C FOLDER -czf NAME.tar.gz . where FOLDER holds all that its links lead to."
_LESS: Final = "Name a folder of it that holds less, such as the namespaces in question and those of KubeVirt."


@dataclass(frozen=True)
class Bounds:
    """How much is read. A must-gather of a large cluster has some 100,000 files; what verdicts rest on is far less."""

    files: int = 500_000
    file_bytes: int = 128 * _MIB
    total_bytes: int = 1024 * _MIB
    unpacked_bytes: int = 16 * 1024 * _MIB


BOUNDS: Final = Bounds()


def read_files(
    src: str, /, *, wanted: Callable[[str], bool], bounds: Bounds = BOUNDS, option: str = "src"
) -> Iterator[tuple[str, bytes]]:
    """(path, content) of the files of `src` whose path, relative and with slashes, is `wanted`; a folder's in order.

    `option` is what named it. Raises WrongInput for what is no folder and no tarball, what points out of it, what is in
    it twice, and what exceeds `bounds`.
    """
    if "\0" in src:
        raise WrongInput(f"{option}: {clean(src)} is no path. {_WAY_OUT}")
    budget = _Budget(src, bounds, option)
    path = Path(src)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            yield from _of_folder(path, wanted, budget)
        elif stat.S_ISREG(mode):
            yield from _of_tarball(path, wanted, budget)
        else:
            raise WrongInput(f"{option}: {src} is neither a folder nor a file. {_WAY_OUT}")
    except OSError as error:
        what = error.filename if isinstance(error.filename, str) else src
        raise WrongInput(f"{option}: {clean(what)} cannot be read: {error.strerror or type(error).__name__}.") from None


class _Budget:
    def __init__(self, src: str, bounds: Bounds, option: str) -> None:
        self.src, self.bounds, self.option = src, bounds, option
        self._files = self._bytes = 0
        self._taken: set[str] = set()

    def refuse(self, why: str, /, *, way_out: str) -> WrongInput:
        return WrongInput(f"{self.option}: {self.src} is refused: {why}. {way_out}")

    def broken(self, error: Exception) -> WrongInput:
        what = str(error) if isinstance(error, _Odd) else type(error).__name__
        return self.refuse(f"it is no tarball, or a broken one ({what})", way_out=_WAY_OUT)

    def count_file(self) -> None:
        self._files += 1
        if self._files > self.bounds.files:
            raise self.refuse(f"it has more than {self.bounds.files} files", way_out=_LESS)

    def take(self, path: str, *, size: int) -> None:
        """Before `size` bytes of that file are read."""
        if path in self._taken:
            raise self.refuse(f"it has {clean(path)} twice, and which one counts is anybody's guess", way_out=_ANEW)
        self._taken.add(path)
        if size > self.bounds.file_bytes:
            raise self.refuse(f"{clean(path)} has more than {self.bounds.file_bytes // _MIB} MiB", way_out=_LESS)
        self._bytes += size
        if self._bytes > self.bounds.total_bytes:
            limit = self.bounds.total_bytes // _MIB
            raise self.refuse(f"the files that count have more than {limit} MiB together", way_out=_LESS)


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
        raise budget.refuse(f"{clean(path.relative_to(real).as_posix())} is a link that leads out of it", way_out=_ANEW)


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
            raise self._budget.refuse(f"unpacked it has more than {limit} MiB", way_out=_LESS)
        return content


# Where methods of the library call their archive as this module is called.
_END: type[Exception] = tarfile.EOFHeaderError  # type: ignore[attr-defined]
_BROKEN = tarfile.HeaderError
_SPARSE = tarfile.GNUTYPE_SPARSE


class _Odd(tarfile.ReadError):
    """What no tar makes by itself, in words."""


class _Member(tarfile.TarInfo):
    """A member of which the library takes no more into memory than a header has, and that ends no archive early.

    By itself the library takes a broken or missing header for the end: what follows would not be there.
    """

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> _Member:
        try:
            return super().fromtarfile(tarfile)
        except _END:
            raise
        except _BROKEN:
            raise _Odd("cut off, or a broken header") from None

    def _proc_member(self, tarfile: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > _HEADER_BYTES:
            raise _Odd("a header without end")
        # Its map of holes may be without end too; tar makes such members only where it is told to.
        if self.type == _SPARSE:
            raise _Odd("a sparse member")
        found: _Member = super()._proc_member(tarfile)  # type: ignore[misc]
        return found

    def _proc_gnusparse_10(self, *_rest: Any) -> None:
        raise _Odd("a sparse member")


def _of_tarball(path: Path, wanted: Callable[[str], bool], budget: _Budget) -> Iterator[tuple[str, bytes]]:
    try:
        with _opened(path, budget) as stream, _archive(stream) as archive:
            for member in archive:
                yield from _of_member(archive, member, wanted, budget)
            # To its end, where the sum of what was packed stands.
            while stream.read(_MIB):
                pass
    except WrongInput:
        raise
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError) as error:
        raise budget.broken(error) from None


def _archive(stream: Any) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member)


@contextmanager
def _opened(path: Path, budget: _Budget) -> Iterator[Any]:
    with path.open("rb") as raw:
        head = raw.read(8)
        raw.seek(0)
        packed = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
        other = next((name for magic, name in _OTHERS if head.startswith(magic)), "")
        if other:
            raise budget.refuse(f"it is {other}", way_out=_UNPACK)
        try:
            yield _Bounded(importlib.import_module(packed).open(raw) if packed else raw, budget)
        except ImportError:
            raise budget.refuse(f"this Python cannot unpack it (it lacks {packed})", way_out=_UNPACK) from None


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
        raise budget.refuse(f"{clean(path)} is too large", way_out=_LESS)
    if not member.isreg() or not wanted(path):
        return
    budget.take(path, size=member.size)
    stream = archive.extractfile(member)
    content = stream.read(member.size) if stream is not None else b""
    if len(content) != member.size:
        raise budget.refuse(f"{clean(path)} is cut off", way_out="Get it again, whole.")
    yield path, content


def _inside(name: str, budget: _Budget) -> str:
    """The path without what does nothing in it; refused where it leaves the archive, on the way too."""
    found: list[str] = []
    for step in name.split("/"):
        if step == "..":
            if not found:
                raise budget.refuse(f"{clean(name)!r} leads out of it", way_out=_ANEW)
            found.pop()
        elif step not in ("", "."):
            found.append(step)
    if name.startswith("/"):
        raise budget.refuse(f"{clean(name)!r} leads out of it", way_out=_ANEW)
    return "/".join(found)
