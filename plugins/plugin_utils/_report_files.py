# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a report, written so that no reader ever sees half of one.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["collection_version", "differs", "write_atomically"]

_ROOT = Path(__file__).resolve().parents[2]


def differs(path: Path, *, text: str) -> bool:
    """Whether the file is absent, is no ordinary file, or holds anything but `text`."""
    try:
        return path.is_symlink() or path.read_bytes() != text.encode("utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return True


def write_atomically(path: Path, *, text: str) -> None:
    """Put `text` at `path`, readable by its owner alone (0600), in a folder made so (0700) where there is none.

    Names and messages of VMs are nobody else's business. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _temporary_beside(path) as (handle, name):
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)


@contextlib.contextmanager
def _temporary_beside(path: Path) -> Iterator[tuple[int, str]]:
    """A new file of mode 0600 in the folder of `path`, removed again when the body does not get to its end."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        yield handle, name
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def collection_version(root: Path = _ROOT) -> str:
    """The version in the manifest of an installed collection, or in galaxy.yml of a checkout; "" for neither."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        manifest = json.loads((root / "MANIFEST.json").read_text(encoding="utf-8"))
        return str(manifest["collection_info"]["version"])
    with contextlib.suppress(OSError, ValueError):
        found = re.search(r"^version: *(\S+)", (root / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
        return found[1] if found else ""
    return ""
