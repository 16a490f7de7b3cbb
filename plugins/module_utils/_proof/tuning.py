# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape in which users see whether a copy ends, and what would make it end.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import format_bytes
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning import Advised, plan_tuning
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_levers import LINK_UNSEEN
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import Option, Situation
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import (
    NO_LIMIT,
    needed_headroom,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Network,
    Outcome,
    Settings,
    Workload,
)

__all__ = ["render_outcome", "render_tuning", "render_vm_tuning"]

_MISSING = {
    "memory": "the guest's memory",
    "bandwidth": "the bandwidth of one migration",
    "dirty_rate": "how fast memory is dirtied",
    "deadline": "KubeVirt's limit for the copy",
    "host_devices": "whether the VM has host devices",
}
_HOW = {
    "pre_copy": "",
    "auto_converge": " with its CPUs throttled",
    "pause": " with the guest standing still",
    "post_copy": " in post-copy",
    "post_copy_or_pause": " in post-copy, or with the guest standing still",
}


def render_vm_tuning(workload: Workload, *, network: Network, settings: Settings) -> dict[str, Any]:
    """Whether the copy of one VM ends, and what would make it end."""
    advised = plan_tuning(workload, network=network, settings=settings)
    return render_tuning(advised, situation=Situation(workload, network, settings))


def render_tuning(advised: Advised, *, situation: Situation) -> dict[str, Any]:
    """The answer for one VM; every key is there in every answer, None where it is not known."""
    outcome, copy = advised.outcome, situation.copy
    return {
        **render_outcome(outcome),
        "answer": advised.answer,
        "reason": outcome.reason,
        "summary": _summary(advised, situation),
        "missing": list(outcome.missing),
        "memory_bytes": _whole(copy.memory_bytes),
        "bandwidth_bytes_per_second": _whole(outcome.bandwidth.bytes_per_second),
        "bandwidth_limited_by": outcome.bandwidth.limited_by,
        "dirty_bytes_per_second": _whole(copy.dirty_bytes_per_second),
        "working_set_bytes": _whole(copy.working_set_bytes),
        "downtime_seconds": copy.downtime_seconds,
        **_headroom(situation),
        "assumes": _assumptions(outcome, situation),
        "advice": [_option(one) for one in advised.options],
        "not_advised": [{"action": one.action, "why": one.why} for one in advised.withheld],
    }


def _assumptions(outcome: Outcome, situation: Situation) -> list[str]:
    """What the answer takes for granted, as it was not measured."""
    found = []
    if situation.copy.working_set_bytes is None:
        found.append("nothing is written so often that it is dirty after every pass: the working set is not known")
    if outcome.bandwidth.bytes_per_second is not None and not outcome.bandwidth.is_measured:
        found.append("the network carries what the settings allow: no rate was measured")
    return found


def render_outcome(outcome: Outcome) -> dict[str, Any]:
    """How a copy ends, in whole seconds."""
    limit = outcome.limit_seconds
    return {
        "finishes": outcome.finishes,
        "how": outcome.how,
        "seconds": _ceil(outcome.seconds),
        "limit_seconds": None if limit is None or limit == NO_LIMIT else _ceil(limit),
        "has_limit": None if limit is None else limit != NO_LIMIT,
        "throttle_percent": outcome.throttle_percent,
        "standstill_seconds": None if outcome.standstill_seconds is None else round(outcome.standstill_seconds, 3),
        "confidence": outcome.confidence,
    }


def _headroom(situation: Situation) -> dict[str, Any]:
    """B - D, and what it has to be for this VM: memory / limit."""
    copy = situation.copy
    missing = set(copy.missing)
    has = needs = None
    if not {"bandwidth", "dirty_rate"} & missing:
        has = math.floor((copy.bytes_per_second or 0) - (copy.dirty_bytes_per_second or 0))
    if not {"memory", "deadline"} & missing and copy.limit:
        needs = _ceil(needed_headroom(memory_bytes=copy.memory_bytes or 0, limit_seconds=copy.limit))
    return {"headroom_bytes_per_second": has, "needed_headroom_bytes_per_second": needs}


def _option(option: Option) -> dict[str, Any]:
    return {
        "action": option.action,
        "summary": _sentence(option),
        "risk": option.risk,
        "policy": dict(option.policy),
        "cluster": dict(option.cluster),
        **render_outcome(option.outcome),
        "figures": {name: _figure(value) for name, value in option.figures.items()},
        "assumes": list(option.assumes),
        "tolerated_dirty_bytes_per_second": (
            None if option.tolerated_dirty_rate is None else math.floor(option.tolerated_dirty_rate)
        ),
    }


def _figure(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) else round(value, 1)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _ceil(value: float | None) -> int | None:
    return None if value is None or not math.isfinite(value) else math.ceil(value)


def _sentence(option: Option) -> str:
    values = ", ".join(f"{name}: {_shown(value)}" for name, value in _all(option).items())
    return f"{values}: the copy ends {_when(option.outcome)}{_HOW[option.outcome.how]}."


def _all(option: Option) -> Mapping[str, Any]:
    return {**option.policy, **option.cluster}


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _when(outcome: Outcome) -> str:
    limit = outcome.limit_seconds
    seconds = f"after {_ceil(outcome.seconds)} s"
    if outcome.reason == "assisted":
        return f"{seconds} at most, of which KubeVirt waits {_ceil(limit)} s,"
    return seconds if limit in (None, NO_LIMIT) else f"{seconds} of the {_ceil(limit)} s that it may take"


def _summary(advised: Advised, situation: Situation) -> str:
    outcome = advised.outcome
    if advised.answer == "none_needed":
        return f"The copy ends {_when(outcome)}{_HOW[outcome.how]}."
    if advised.answer == "unknown":
        first = f"{_why(outcome, situation)} " if outcome.finishes is False else ""
        # A progressTimeout that aborts every copy is repaired; what then becomes of the copy is the question.
        is_open = outcome.finishes is None or outcome.reason == "progress_timeout"
        asked = "Whether the copy ends" if is_open else "Whether a setting helps"
        return f"{first}{asked} is not known, without {', '.join(_MISSING[one] for one in outcome.missing)}."
    if advised.answer == "no_setting_helps":
        return "No setting helps: the network moves nothing."
    return f"{_why(outcome, situation)} {_offer(advised)}"


def _why(outcome: Outcome, situation: Situation) -> str:
    rate = format_bytes(round(outcome.bandwidth.bytes_per_second or 0))
    dirty = format_bytes(round(situation.copy.dirty_bytes_per_second or 0))
    if outcome.reason == "diverges":
        return f"The copy never ends: {dirty}/s are dirtied and {rate}/s are copied."
    if outcome.reason == "working_set":
        floor = format_bytes(round(situation.copy.working_set_bytes or 0))
        return (
            f"The copy never ends: its working set ({floor}) does not fit into {situation.copy.downtime_seconds:g} s."
        )
    if outcome.reason == "progress_timeout":
        return "KubeVirt aborts each copy at once: progressTimeout is negative."
    if outcome.seconds is None:
        return (
            f"The copy does not end in time: one pass over the memory takes more than {_ceil(outcome.limit_seconds)} s."
        )
    return (
        f"The copy does not end in time: it takes {_ceil(outcome.seconds)} s and has {_ceil(outcome.limit_seconds)} s."
    )


def _offer(advised: Advised) -> str:
    if not advised.options:
        return "Nothing that may be changed makes it end."
    first = advised.options[0]
    values = ", ".join(f"{name} {_shown(value)}" for name, value in _all(first).items())
    doubt = f", if {LINK_UNSEEN}" if LINK_UNSEEN in first.assumes else ""
    return f"The least risky change that makes it end: {values}{doubt}."
