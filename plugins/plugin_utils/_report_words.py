# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a report: durations, verdicts in prose, the headline. One place, so that all formats say the same.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "ADVICE_ANSWERS",
    "NODE_VERDICTS",
    "ORIGINS",
    "OUTLOOKS",
    "STUCK_VERDICTS",
    "TIME_CURES",
    "VERDICTS",
    "counted",
    "duration",
    "listed",
    "tone_of",
]

STUCK_VERDICTS = ("blocked", "stalled", "overdue")

# The words of the result of migration_info, in the order in which a reader wants them: worst first.
VERDICTS = {
    "blocked": "held by something that waiting does not cure",
    "stalled": "the copy provably makes no progress",
    "overdue": "past its own deadline",
    "unknown": "could not be judged from what could be read",
    "late": "takes longer than expected, nothing wrong found so far",
    "cancelling": "is being cancelled",
    "queued": "waits for something that time cures",
    "progressing": "on its way, within its limits",
    "failed": "ended without moving the VM",
    "succeeded": "ended, the VM has moved",
}
# What a drain would do to a VM, worst first.
OUTLOOKS = {
    "would_stop": "the drain shuts it down and migrates nothing",
    "would_not_migrate": "it stays where it is, and the drain waits",
    "unknown": "could not be judged from what could be read",
    "at_risk": "it would be migrated, and may get stuck",
    "would_wait": "it would be migrated after something that time cures",
    "would_migrate": "nothing was found that would hold it",
}
# The words of the result of migration_tuning_info.
ADVICE_ANSWERS = {
    "change": "it would not end in time as the settings are, and a change makes it end",
    "nothing_fits": "it would not end in time, and no change that may be made helps",
    "no_setting_helps": "the network moves nothing, and no setting helps",
    "unknown": "a figure was not read without which nothing can be said",
    "none_needed": "it would end in time as the settings are",
}
NODE_VERDICTS = ("unhealthy", "unknown", "degraded", "healthy")
TIME_CURES = {
    "yes": "waiting cures it",
    "no": "waiting does not cure it",
    "maybe": "waiting may cure it",
}
ORIGINS = {
    "user": "started by a user",
    "evacuation": "started by an evacuation (node drain)",
    "workload_update": "started by a KubeVirt workload update",
    "volume_update": "started by a volume update",
    "decentralized": "between two clusters",
}
_TONES = {
    **dict.fromkeys((*STUCK_VERDICTS, "failed", "unhealthy", "would_stop", "would_not_migrate"), "bad"),
    **dict.fromkeys(("nothing_fits", "no_setting_helps", "refused"), "bad"),
    **dict.fromkeys(("unknown", "late", "cancelling", "degraded", "at_risk", "change"), "warn"),
    **dict.fromkeys(("progressing", "succeeded", "healthy", "would_migrate", "none_needed"), "good"),
}
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def duration(seconds: int | None) -> str:
    """`42s`, `9m 5s`, `12m`, `1h 15m`, `2d 4h`: at most two units; "?" where it is not known.

    Seconds are dropped from ten minutes on. A negative duration gets a minus sign.
    """
    if seconds is None:
        return "?"
    sign, left = ("-", -seconds) if seconds < 0 else ("", seconds)
    if left >= 600:
        left -= left % 60
    for index, (unit, size) in enumerate(_UNITS):
        if left >= size:
            count, remainder = divmod(left, size)
            return sign + f"{count}{unit}" + _lesser_unit(remainder, index=index + 1)
    return "0s"


def _lesser_unit(seconds: int, *, index: int) -> str:
    if index >= len(_UNITS):
        return ""
    unit, size = _UNITS[index]
    return f" {seconds // size}{unit}" if seconds >= size else ""


def tone_of(verdict: str) -> str:
    """`bad`, `warn`, `good` or `calm` for the verdict of a migration or a node; colour only repeats the word."""
    return _TONES.get(verdict, "calm")


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`; "" for none."""
    found = list(words)
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def counted(count: int, noun: str, /, *, plural: str = "") -> str:
    """`1 node`, `2 nodes`, `no nodes`."""
    return f"{count or 'no'} {noun if count == 1 else plural or noun + 's'}"
