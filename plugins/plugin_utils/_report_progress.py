# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a copy in one line.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    as_bool,
    as_int,
    as_map,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import format_bytes
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import visible
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import duration

__all__ = ["progress_sentence"]


def progress_sentence(value: Any) -> str:
    """`1.3 GiB remain (falling), 64 MiB/s sent, 40 MiB/s written by the guest, ends in 51s, in time`; "" where no
    figures were read, and why there are none where they were asked for."""
    given = as_map(value) or {}
    if as_int(given.get("remaining_bytes")) is None:
        problem = visible(given.get("problem"))
        return f"no figures: {problem}" if problem else ""
    return ", ".join(_parts(given))


def _parts(given: Mapping[str, Any]) -> Iterator[str]:
    trend = visible(given.get("trend"))
    yield f"{format_bytes(as_int(given.get('remaining_bytes')) or 0)} remain{f' ({trend})' if trend else ''}"
    for key, words in (("transfer_bytes_per_second", "sent"), ("dirty_bytes_per_second", "written by the guest")):
        rate = as_int(given.get(key))
        if rate is not None:
            yield f"{format_bytes(rate)}/s {words}"
    seconds = as_int(given.get("seconds_to_end"))
    if seconds is not None:
        yield f"ends in about {duration(max(seconds, 0))}"
    in_time = as_bool(given.get("ends_before_deadline"))
    if in_time is not None:
        yield "in time" if in_time else "not in time"
