# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""manifest.json and the page for the reader of a bundle, and which files fit into it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.bundle import (
    COLLECTION,
    FORMAT,
    MANIFEST,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.captured import Asked
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import Kind
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.bundle import File, as_json

__all__ = ["choose_files", "reads_as_data", "render_manifest"]

# What the manifest and the page take at most besides a line for each file.
_ROOM: Final = 64 * 1024
_LINE: Final = 300


def choose_files(files: Sequence[File], /, *, max_bytes: int) -> tuple[list[File], list[File], int]:
    """The files that fit, those that are left out, and how many bytes are needed at least.

    None is chosen where not even what is needed fits: a bundle that lacks objects would say that there are none.
    """
    needed = [file for file in files if not file.rank]
    least = sum(file.size + _LINE for file in needed) + _ROOM
    if least > max_bytes:
        return [], list(files), least
    left, chosen = max_bytes - least, set()
    for file in sorted(files, key=lambda file: (file.rank, file.path)):
        if file.rank and file.size + _LINE <= left:
            left -= file.size + _LINE
            chosen.add(file.path)
    taken = [file for file in files if not file.rank or file.path in chosen]
    return taken, [file for file in files if file.rank and file.path not in chosen], least


def reads_as_data(
    *,
    listed: Mapping[Asked, tuple[str, str]],
    unfinished: Iterable[Asked],
    absent: Iterable[tuple[Kind, str, str]],
    refused: Mapping[tuple[Kind, str, str], Rule],
) -> dict[str, Any]:
    """The look as `manifest.reads` has it."""
    return {
        "listed": _sorted(
            {**_asked(asked), "labels": labels, "fields": fields} for asked, (labels, fields) in listed.items()
        ),
        "unfinished": _sorted(_asked(asked) for asked in unfinished),
        "absent": _sorted(_named(*named) for named in absent),
        "refused": _sorted({**_named(*named), "verb": rule.verb} for named, rule in refused.items()),
    }


def _asked(asked: Asked) -> dict[str, str]:
    return {"group": asked.kind.group, "resource": asked.kind.plural, "namespace": asked.namespace}


def _named(kind: Kind, namespace: str, name: str) -> dict[str, str]:
    return {"group": kind.group, "resource": kind.plural, "namespace": namespace, "name": name}


def _sorted(entries: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(entries, key=lambda entry: sorted(entry.items()))


def render_manifest(files: Sequence[File], /, *, left_out: Sequence[File], said: Mapping[str, Any]) -> File:
    """What the bundle holds, each file with its sum, and what it does not."""
    return File(
        MANIFEST,
        as_json(
            {
                **said,
                "collection": COLLECTION,
                "format": FORMAT,
                "files": {
                    file.path: {"bytes": file.size, "sha256": hashlib.sha256(file.text.encode()).hexdigest()}
                    for file in files
                },
                "left_out": {file.path: file.size for file in left_out},
            }
        ),
    )
