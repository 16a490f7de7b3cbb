# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the copy would end within KubeVirt's limit: memory, bandwidth, limit and, where known, dirty rate.

This module is private to the collection and may change without notice.
Rules: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/manager.go (the limit is completionTimeoutPerGiB for each GB of guest
memory), live-migration-source.go (what happens at the limit); KubeVirt enhancement VEP 248: with a limit of tau seconds
for each GiB a copy ends in time only where bandwidth less dirty rate is at least 1024/tau MiB/s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import vmi as vmi_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    format_bytes,
    quantity_bytes,
    scaled_giga,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    ALLOW_POST_COPY,
    ALLOW_WORKLOAD_DISRUPTION,
    BANDWIDTH,
    COMPLETION_TIMEOUT,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Found,
    Grounds,
    Subject,
)

__all__ = ["CopyPlan", "find_copy", "plan_copy"]

_GIB = 2**30
_ABORT = " Past that KubeVirt aborts the copy, and the drain tries again."
_PAUSE = " Past that KubeVirt suspends the guest to end the copy."
_STANDSTILL = (
    " Past that KubeVirt lets the guest stand still until the copy can end; with a device of its node it never goes "
    "over to post-copy."
)


@dataclass(frozen=True)
class CopyPlan:
    """The figures of one copy. None: not known.

    `bandwidth` is the smaller of KubeVirt's cap and what the network is said to give, None where there is neither;
    `limit_seconds` None: KubeVirt sets none (`per_gib` 0), or it is not known. `problem`: why the figures are not all
    there.
    """

    memory_bytes: int | None
    bandwidth: int | None
    bandwidth_from: str
    dirty_rate: int | None
    per_gib: int | None
    limit_seconds: int | None
    problem: str = ""

    @property
    def seconds(self) -> int | None:
        """How long one pass over the whole memory takes, rounded up."""
        if self.memory_bytes is None or not self.bandwidth:
            return None
        return -(-self.memory_bytes // self.bandwidth)

    @property
    def needed(self) -> int | None:
        """Bytes a second that bandwidth less dirty rate must reach: 1024/tau MiB/s; None without a limit."""
        return _GIB // self.per_gib if self.per_gib is not None and self.per_gib > 0 else None


def plan_copy(grounds: Grounds, subject: Subject, /) -> CopyPlan:
    """The figures, from the settings that a migration asked for now would run under."""
    problems = []
    memory = _try(quantity_bytes, subject.guest.vmi.guest_memory)
    giga = _try(scaled_giga, subject.guest.vmi.guest_memory)
    if memory is None:
        problems.append("the guest's memory is not readable")
    per_gib = _value(subject, COMPLETION_TIMEOUT)
    cap = _try(quantity_bytes, _value(subject, BANDWIDTH))
    if not isinstance(per_gib, int) or cap is None:
        problems.append("the settings that a migration would run under are not known")
    bandwidth, source = _bandwidth(grounds, subject, cap)
    limit = None
    if isinstance(per_gib, int) and per_gib > 0 and giga is not None and not subject.guest.vmi.moves_storage:
        limit = per_gib * giga
    return CopyPlan(
        memory_bytes=memory,
        bandwidth=bandwidth,
        bandwidth_from=source,
        dirty_rate=grounds.dirty_rates.get(subject.key, grounds.measured_rates.get(subject.key)),
        per_gib=per_gib if isinstance(per_gib, int) else None,
        limit_seconds=limit,
        problem=problems[0] if problems else "",
    )


def _value(subject: Subject, name: str) -> Any:
    found = subject.settings.get(name)
    return None if found is None else found.value


def _try(parse: Any, value: Any) -> int | None:
    try:
        return int(parse(value))
    except QuantityError:
        return None


def _bandwidth(grounds: Grounds, subject: Subject, cap: int | None) -> tuple[int | None, str]:
    expected = grounds.expected_bandwidth
    if cap is not None and cap > 0 and (expected is None or cap <= expected):
        return cap, subject.settings[BANDWIDTH].origin
    return (expected, "expected") if expected else (None, "")


def find_copy(grounds: Grounds, subject: Subject, /) -> Iterator[Found]:
    """Whether it can end in time, as far as bandwidth is known."""
    plan = plan_copy(grounds, subject)
    if plan.problem:
        topics = ("policies", "namespaces", "kubevirt")
        rules = next((found for topic in topics if (found := grounds.snapshot.unseen_for(topic))), ())
        yield Gap("BandwidthTooLow", rules, why="" if rules else plan.problem)
        return
    if plan.bandwidth is None:
        return
    spare = plan.bandwidth - (plan.dirty_rate or 0)
    if spare >= plan.needed if plan.needed is not None else spare > 0:
        return
    figures = _figures(plan, spare=spare)
    seen = _seen(grounds, subject, plan)
    disrupts = _value(subject, ALLOW_WORKLOAD_DISRUPTION) is True
    has_vfio = subject.guest.vmi.has_vfio
    if plan.needed is not None and disrupts and not has_vfio and _value(subject, ALLOW_POST_COPY) is True:
        summary = f"{figures} Past that KubeVirt goes over to post-copy, which cannot be cancelled."
        yield Cause("PostCopyExpected", summary, "yes", None, seen, confidence="likely")
        return
    end = (_STANDSTILL if has_vfio else _PAUSE) if disrupts else _ABORT
    end = end if plan.needed is not None else ""
    confidence = "possible" if plan.dirty_rate is None else "likely"
    yield Cause("BandwidthTooLow", f"{figures}{end}", "no", None, seen, confidence=confidence)


def _figures(plan: CopyPlan, *, spare: int) -> str:
    """`8 GiB at 64 MiB/s (KubeVirt) less 20 MiB/s that the guest writes leave 44 MiB/s; 51.2 MiB/s are needed ...`"""
    memory = format_bytes(plan.memory_bytes or 0)
    rate = f"{memory} at {_rate(plan.bandwidth)} ({plan.bandwidth_from})"
    if plan.dirty_rate is not None:
        rate += f" less {_rate(plan.dirty_rate)} that the guest writes leave {_rate(max(spare, 0))}"
    if plan.needed is None:
        return f"{rate}: the copy never ends."
    within = f" ({plan.limit_seconds} s for this VM)" if plan.limit_seconds is not None else ""
    return f"{rate}; at least {_rate(plan.needed)} are needed to end within {plan.per_gib} s for each GiB{within}."


def _rate(number: int | None) -> str:
    return f"{format_bytes(number or 0)}/s"


def _seen(grounds: Grounds, subject: Subject, plan: CopyPlan) -> tuple[Evidence, ...]:
    guest = subject.guest
    found = [Evidence(guest.name, vmi_facts.GUEST_MEMORY.path, guest.vmi.guest_memory)]
    for name in (BANDWIDTH, COMPLETION_TIMEOUT):
        setting = subject.settings[name]
        found.append(Evidence(_where(setting.origin), name, str(setting.value)))
    if plan.dirty_rate is not None:
        source = "as given" if subject.key in grounds.dirty_rates else "highest of the last hour, by Prometheus"
        found.append(Evidence(guest.name, f"dirty rate, {source}", _rate(plan.dirty_rate)))
    return tuple(found)


def _where(origin: str) -> str:
    return f"MigrationPolicy {origin.removeprefix('policy ')}" if origin.startswith("policy ") else origin
