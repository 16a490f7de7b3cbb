# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters of the report are given, checked and read.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_files import collection_version
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report

__all__ = ["report_from"]


def report_from(migrations: Any, *, nodes: Any, scope: Any, title: Any) -> Report:
    """The report on these results. Raises ValueError, in words for who wrote the playbook, for what is no result."""
    if not isinstance(migrations, Mapping) or not isinstance(migrations.get("migrations"), list):
        raise ValueError("the input is no result of kubevirt_ops.live_migration.migration_info")
    for name, value in (("nodes", nodes), ("scope", scope)):
        if value is not None and not isinstance(value, Mapping):
            raise ValueError(f"{name} is no mapping but a {type(value).__name__}")
    if not isinstance(title, str):
        raise ValueError(f"title is no text but a {type(title).__name__}")
    return read_report(migrations, nodes=nodes, scope=scope, title=title, version=collection_version())
