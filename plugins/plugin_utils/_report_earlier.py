# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An earlier report.json, read from a file or from the folder that holds it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_list, as_map, as_text
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report

__all__ = ["MOST_BYTES", "earlier_from", "read_earlier"]

# Of 500 migrations it takes some 10 MB.
MOST_BYTES = 256_000_000


def read_earlier(given: str) -> Report:
    """The report in `given`. Raises ValueError, in words for who named it, for what holds none."""
    path = Path(given).expanduser().absolute()
    path = path / "report.json" if path.is_dir() else path
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path} is larger than {MOST_BYTES} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    return earlier_from(content, named=str(path))


def earlier_from(content: bytes, /, *, named: str) -> Report:
    """The report in the text of a report.json. Raises ValueError as :func:`read_earlier`."""
    try:
        document = as_map(json.loads(content.decode("utf-8"))) or {}
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{named} is no JSON") from error
    result = as_map(document.get("migrations")) or {}
    if as_list(result.get("migrations")) is None:
        raise ValueError(f"{named} is no report of live migrations")
    return read_report(result, nodes=as_map(document.get("nodes")), said_scope=as_text(document.get("scope")) or "")
