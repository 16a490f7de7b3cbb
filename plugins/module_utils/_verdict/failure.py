# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a migration failed, in plain words from KubeVirt's own text.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/live-migration-source.go (since v1.9.0 a cancel and every limit leave
the same text; before it each had one of its own) and pkg/virt-controller/watch/migration/migration.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["CANCELLED", "NOT_RECORDED", "Failure", "read_failure"]

CANCELLED = "cancelled"
NOT_RECORDED = "not_recorded"

# The text of a cancel before v1.9.0, which ended in a blank.
_ABORTED_BEFORE = "Live migration aborted"
_TEXTS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "gave_up",
        re.compile(r"Live migration has been aborted"),
        "the source launcher gave it up, as the copy made no progress or took longer than its limit",
    ),
    (
        "no_progress",
        re.compile(r"Live migration stuck for (-?\d+) sec\w* and has been aborted"),
        "the copy made no progress for {0} s and was given up",
    ),
    (
        "too_long",
        re.compile(r"Live migration is not completed after (-?\d+) sec\w* and has been aborted"),
        "the copy was not complete after {0} s, its limit, and was given up",
    ),
    ("target_pod", re.compile(r"Target pod is down"), "the target pod ended before the copy began"),
    (
        "volume_too_small",
        re.compile(r"Volume migration cannot be performed because the destination volume is smaller.*", re.DOTALL),
        "the volume that it should move to is smaller than the one it is on",
    ),
)
_LIBVIRT = re.compile(r"Live migration failed\s+(.+)", re.DOTALL)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Failure:
    """`kind` is equal for failures of one kind, whatever their figures; `words` say it in plain words."""

    kind: str
    words: str


def read_failure(text: str, *, was_cancelled: bool) -> Failure:
    """What `failureReason` means. `was_cancelled`: an abort was requested, by a person or a controller."""
    said = text.strip()
    if was_cancelled or said == _ABORTED_BEFORE:
        return Failure(CANCELLED, "it was cancelled")
    if not said:
        return Failure(NOT_RECORDED, "KubeVirt recorded no reason, as it ended before the copy")
    for kind, pattern, words in _TEXTS:
        match = pattern.fullmatch(said)
        if match:
            return Failure(kind, words.format(*match.groups()))
    match = _LIBVIRT.fullmatch(said)
    told = match.group(1).strip() if match else said
    return Failure(f"libvirt {_DIGITS.sub('0', told)}", f"libvirt said: {told}")
