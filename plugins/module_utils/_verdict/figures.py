# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of one copy, oldest first, as rates, passes and the rule that tells a stalled copy.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/stall-detector.go (VEP 248): a copy is stalled when what remains is
at least 0.96 of the least that remained longer than a window ago, both taken where a pass over the memory begins. QEMU
counts what remains down during a pass and up again where the next one begins, and tells a dirty rate only from the
second pass on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Sample

__all__ = [
    "MARGIN",
    "NO_FLOW_BYTES_PER_SECOND",
    "PROOF_SECONDS",
    "RATE_SECONDS",
    "WINDOW_SECONDS",
    "Pass",
    "dirty_rate",
    "find_passes",
    "find_trend",
    "has_rises",
    "judge_window",
    "quiet_since",
    "remaining_of",
    "seconds_of",
    "tells_flow",
    "transfer_rate",
]

# VEP 248 proposes 60 s and v1.9 takes 40 s, on every pass as QEMU begins it. Here it is a poll every 5 s: the longer.
WINDOW_SECONDS = 60
MARGIN = 0.04
# What the rates rest on.
RATE_SECONDS = 90
# A rise between two figures further apart than this does not tell where a pass began.
PASS_SECONDS = 15
# About nothing: keep-alives and counters that round, not memory; over v1.9's window, as virt-handler's ring has 45 s.
NO_FLOW_BYTES_PER_SECOND = 64 * 1024
NO_FLOW_SECONDS = 40
# A rate from two figures closer together than this is noise; from a shorter stretch than PROOF_SECONDS it is no proof.
RATE_LEAST_SECONDS = 4
PROOF_SECONDS = 40


def seconds_of(start: datetime | None, end: datetime | None, /) -> float:
    """From `start` to `end`; 0 where one is not known."""
    return (end - start).total_seconds() if start is not None and end is not None else 0.0


def remaining_of(sample: Sample) -> int:
    """What remained; 0 where it is not known, as of no sample that counts."""
    return sample.remaining_bytes or 0


def tells_flow(sample: Sample) -> bool:
    """Whether it says anything of what leaves the source."""
    return sample.processed_bytes is not None or sample.transfer_bytes_per_second is not None


def has_rises(samples: Sequence[Sample]) -> bool:
    """Whether what remains has risen in between: a second pass has begun."""
    return any(remaining_of(one) > remaining_of(before) for before, one in pairwise(samples))


@dataclass(frozen=True)
class Pass:
    """A pass over what remained. It began some time before `at`, with at least `least` bytes and at most `most`."""

    at: datetime
    least: int
    most: float


def find_passes(samples: Sequence[Sample], *, started_at: datetime | None, rate: float | None) -> list[Pass]:
    """The passes whose beginnings were seen: the copy's first, and each where what remains is more than just before.

    A poll tells them some seconds late, and meanwhile `rate` has been carried away. A figure from the middle of a pass
    says nothing of how large that pass was.
    """
    pairs: list[tuple[datetime | None, Sample]] = [(started_at, samples[0])]
    pairs += [(before.at, one) for before, one in pairwise(samples) if remaining_of(one) > remaining_of(before)]
    return [
        Pass(one.at, remaining_of(one), remaining_of(one) + (rate or 0) * seconds_of(since, one.at))
        for since, one in pairs
        if seconds_of(since, one.at) <= PASS_SECONDS
    ]


def judge_window(samples: Sequence[Sample], passes: Sequence[Pass], /) -> tuple[bool | None, Pass | None]:
    """VEP 248's rule over the beginnings of passes, and the one that the last is compared with.

    None while there is nothing older than the window to compare with, where polls came too late to tell, and within a
    first pass: 512 GiB that fall by 100 MiB/s lose 1 % in the window and go on well. Only where nothing falls at all it
    needs no second pass.
    """
    if not remaining_of(samples[-1]):
        return None, None
    if not has_rises(samples):
        return _flat(samples)
    older = [one for one in passes if seconds_of(one.at, passes[-1].at) >= WINDOW_SECONDS]
    if not older:
        return None, None
    smallest, last = min(older, key=lambda one: (one.least, one.at)), passes[-1]
    if last.least >= (1 - MARGIN) * min(one.most for one in older):
        return True, smallest
    return (False if last.most < (1 - MARGIN) * smallest.least else None), smallest


def _flat(samples: Sequence[Sample]) -> tuple[bool | None, Pass | None]:
    """True where nothing of what remains has gone for longer than the window."""
    now = samples[-1]
    older = [one for one in samples if seconds_of(one.at, now.at) >= WINDOW_SECONDS]
    if not older:
        return None, None
    # They only fall, so the newest is the smallest, and the oldest that is as small says since when.
    allowed = remaining_of(now) + NO_FLOW_BYTES_PER_SECOND * WINDOW_SECONDS
    since = next((one for one in older if remaining_of(one) <= allowed), None)
    return (None, None) if since is None else (True, Pass(since.at, remaining_of(since), remaining_of(since)))


# -- rates


def transfer_rate(recent: Sequence[Sample]) -> float | None:
    """Bytes a second that leave the source: what was processed meanwhile, else virt-handler's own rate; more where what
    remains falls faster, as pages of zeros are skipped."""
    told = [one.transfer_bytes_per_second for one in recent if one.transfer_bytes_per_second is not None]
    rate = _processed_rate(recent)
    if rate is None and told:
        rate = _middle(told)
    falling = _falling_rate(recent)
    return max(rate, falling) if rate is not None and falling is not None else rate if rate is not None else falling


def _processed_rate(recent: Sequence[Sample]) -> float | None:
    known = [(one.at, one.processed_bytes) for one in recent if one.processed_bytes is not None]
    if not known or seconds_of(known[0][0], known[-1][0]) < RATE_LEAST_SECONDS:
        return None
    return (known[-1][1] - known[0][1]) / seconds_of(known[0][0], known[-1][0])


def _falling_rate(recent: Sequence[Sample]) -> float | None:
    steps = [(before, one) for before, one in pairwise(recent) if remaining_of(one) <= remaining_of(before)]
    seconds = sum(seconds_of(before.at, one.at) for before, one in steps)
    if seconds < RATE_LEAST_SECONDS:
        return None
    return sum(remaining_of(before) - remaining_of(one) for before, one in steps) / seconds


def dirty_rate(recent: Sequence[Sample], *, passes: Sequence[Pass]) -> float | None:
    """Bytes a second that the guest writes. QEMU says 0 until it has begun its second pass: not known until then.

    Where it is not told at all, it is what a pass began with over how long the one before took.
    """
    told = [one.dirty_bytes_per_second for one in recent if one.dirty_bytes_per_second is not None]
    if any(told):
        # The zeros of the first pass are no measurements.
        return _middle([rate for rate in told if rate])
    if len(passes) < 2:
        return None
    before, last = passes[-2:]
    return 0.0 if told else last.least / max(seconds_of(before.at, last.at), 1.0)


def _middle(rates: Sequence[int]) -> float:
    """The median: one odd figure does not move it."""
    ordered, half = sorted(rates), len(rates) // 2
    return float(ordered[half]) if len(rates) % 2 else (ordered[half - 1] + ordered[half]) / 2


def quiet_since(samples: Sequence[Sample]) -> datetime | None:
    """Since when about nothing has flowed and nothing remaining has gone; None where something does, or it is not long
    enough to tell."""
    # QEMU's own rate stays as it was while its thread waits for a dead connection: what was processed counts first.
    known = [one for one in samples if one.processed_bytes is not None]
    if len(known) < 2:
        known = [one for one in samples if one.transfer_bytes_per_second is not None]
    if not known or not remaining_of(known[-1]) or seconds_of(known[-1].at, samples[-1].at) > PASS_SECONDS:
        return None
    last = known[-1]
    since = last.at
    for before in reversed(known[:-1]):
        if not _is_quiet(before, last):
            break
        since = before.at
    return since if seconds_of(since, last.at) >= NO_FLOW_SECONDS else None


def _is_quiet(before: Sample, last: Sample) -> bool:
    allowed = NO_FLOW_BYTES_PER_SECOND * seconds_of(before.at, last.at)
    if remaining_of(before) - remaining_of(last) > allowed:
        return False
    if before.processed_bytes is not None and last.processed_bytes is not None:
        return last.processed_bytes - before.processed_bytes <= allowed
    told = (before.transfer_bytes_per_second, last.transfer_bytes_per_second)
    return all(rate is not None and rate <= NO_FLOW_BYTES_PER_SECOND for rate in told)


def find_trend(recent: Sequence[Sample], passes: Sequence[Pass], /) -> str:
    """falling, flat or rising: from one pass to the next, or within the first; "" for a single figure."""
    first, second = remaining_of(recent[0]), remaining_of(recent[-1])
    if has_rises(recent) and len(passes) >= 2:
        first, second = (one.least for one in passes[-2:])
    elif len(recent) < 2:
        return ""
    if second < (1 - MARGIN) * first:
        return "falling"
    return "rising" if second > (1 + MARGIN) * first else "flat"
