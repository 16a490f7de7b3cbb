# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a bundle, a folder or a tarball, as a whole or not at all, for its owner alone.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import clean
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.bundle import COLLECTION, MANIFEST
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

__all__ = ["check_target", "is_tarball", "load_key", "save_key", "write_bundle"]

_SUFFIXES: Final = (".tar.gz", ".tgz")
_TOP: Final = "live-migration-evidence"
_KEY_BYTES: Final = 32


def is_tarball(path: str, /) -> bool:
    """Whether the bundle becomes one file, by the end of its name."""
    return path.endswith(_SUFFIXES)


def check_target(path: str, /) -> None:
    """Raises WrongInput where something stands at `path` that no bundle may replace, before anything is read."""
    if "\0" in path:
        raise WrongInput(f"path: {clean(path)} is no path.")
    target = Path(path)
    if is_tarball(path):
        if target.is_dir():
            raise WrongInput(f"path: {path} is a folder; a name ending in .tar.gz or .tgz is for a file.")
        return
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise WrongInput(f"path: {path} is no folder; end its name in .tar.gz for a tarball.")
    if target.is_dir() and any(target.iterdir()) and not _is_ours(target / MANIFEST):
        raise WrongInput(f"path: {path} holds other files; name a folder that is new, empty or an earlier bundle.")


def _is_ours(manifest: Path) -> bool:
    try:
        found = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("collection") == COLLECTION


def write_bundle(path: str, files: Mapping[str, str], /, *, read_at: datetime) -> None:
    """Writes `files` (path -> text), in place of what an earlier run left there. Raises WrongInput where the disk says
    no; what stood there before stands there then."""
    target = Path(path).absolute()
    outside = [name for name in files if name.startswith("/") or ".." in name.split("/")]
    if outside:
        raise WrongInput(f"path: an object's name leads out of the bundle ({clean(outside[0])}).")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_tarball(path):
            _write_file(target, _packed(files, read_at=read_at))
        else:
            _write_folder(target, files, read_at=read_at)
    except OSError as error:
        raise WrongInput(f"path: {path} cannot be written: {error.strerror or type(error).__name__}.") from None


def _write_file(target: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_folder(target: Path, files: Mapping[str, str], *, read_at: datetime) -> None:
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    moment = read_at.timestamp()
    try:
        for path, text in files.items():
            file = folder / path
            _make_folders(file.parent, folder)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(text.encode())
            os.utime(file, (moment, moment))
        _take_its_place(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _make_folders(folder: Path, top: Path) -> None:
    missing = [one for one in (folder, *folder.parents) if one.is_relative_to(top) and not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700)


def _take_its_place(folder: Path, target: Path) -> None:
    """A folder cannot be replaced in one step where another stands: that one steps aside first, and back on failure."""
    if not target.exists():
        os.rename(folder, target)
        return
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    old = aside / target.name
    os.rename(target, old)
    try:
        os.rename(folder, target)
    except BaseException:
        os.rename(old, target)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _packed(files: Mapping[str, str], *, read_at: datetime) -> bytes:
    """The same bytes for the same files: names in order, no owner, the time of the look."""
    moment = int(read_at.timestamp())
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=moment) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, text in sorted(files.items()):
            content = text.encode()
            member = tarfile.TarInfo(f"{_TOP}/{path}")
            member.size, member.mode, member.mtime = len(content), 0o600, moment
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


# -- the key of pseudonyms


def load_key(path: str, /) -> tuple[bytes, dict[str, str]]:
    """The key and the names (pseudonym -> name) in a key file; a new key where there is no file yet."""
    try:
        found = json.loads(Path(path).read_bytes())
        key = bytes.fromhex(found["key"])
        names = {_text(pseudonym): _text(name) for pseudonym, name in dict(found["names"]).items()}
    except FileNotFoundError:
        return secrets.token_bytes(_KEY_BYTES), {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise WrongInput(f"pseudonym_key_file: {path} cannot be used ({type(error).__name__}).") from None
    if not 16 <= len(key) <= 64:
        raise WrongInput(f"pseudonym_key_file: the key in {path} is too short or too long.")
    return key, names


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def save_key(path: str, /, *, key: bytes, names: Mapping[str, str]) -> None:
    """Writes the key file, for its owner alone."""
    target = Path(path).absolute()
    document = {"key": key.hex(), "names": dict(sorted(names.items()))}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_file(target, (json.dumps(document, indent=1) + "\n").encode())
    except OSError as error:
        raise WrongInput(f"pseudonym_key_file: {path} cannot be written: {error.strerror}.") from None
