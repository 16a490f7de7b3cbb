# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One function a lever: the smallest value with which the copy of one VM ends, or why it is not advised.

This module is private to the collection and may change without notice.

Each value is tried by the prediction that also says how the copy ends now. A lever answers with an option, with the
reason why it is withheld, or with None where there is nothing to say of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import format_bytes
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    ALLOW_AUTO_CONVERGE,
    ALLOW_POST_COPY,
    ALLOW_WORKLOAD_DISRUPTION,
    BANDWIDTH,
    COMPLETION_TIMEOUT,
    OUTBOUND_PER_NODE,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import Option, Situation
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import (
    MEBIBYTE,
    NO_LIMIT,
    known,
    needed_headroom,
    tolerated_dirty_rate,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Network,
    Outcome,
    Settings,
    copy_of,
    predict,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.throttle import (
    MAX_PERCENT,
    needed_throttle,
)

__all__ = [
    "LINK_UNSEEN",
    "NO_DIRTY_RATE",
    "SIZE_UNKNOWN",
    "find_auto_converge",
    "find_bandwidth",
    "find_deadline",
    "find_parallelism",
    "find_pause",
    "find_post_copy",
]

# Nobody waits for a single copy longer, and no dirty rate keeps still for so long.
LONGEST_SECONDS = 7 * 24 * 3600
# No network carries more, in MiB/s.
MOST_MEBIBYTES = 1 << 24
NO_DIRTY_RATE = "how fast memory is dirtied is not known"
SIZE_UNKNOWN = "the guest's memory as KubeVirt counts it is not known"
CPU_BOUND = "the guest writes as fast as its CPUs run"
LINK_UNSEEN = "the network carries it: what the link carries is not known"
LINK_SHARED = "the migrations that leave one node at once share its link evenly"


def find_deadline(vm: Situation, /) -> Option | str | None:
    """The smallest completionTimeoutPerGiB within which pre-copy ends."""
    if vm.limit == NO_LIMIT:
        return None
    if vm.workload.dirty_bytes_per_second is None:
        return NO_DIRTY_RATE
    endless = vm.by_itself(timeout_per_gib=0)
    if not endless.finishes or endless.seconds is None:
        return _why_time_never_helps(vm, endless)
    if endless.seconds > LONGEST_SECONDS:
        return f"the copy would take {endless.seconds / 86400:.0f} days"
    timeout = _timeout_for(vm, endless.seconds)
    if timeout is None:
        return SIZE_UNKNOWN
    return _with_tolerance(
        vm,
        vm.option(
            "deadline",
            settings=replace(vm.settings, timeout_per_gib=timeout),
            policy={COMPLETION_TIMEOUT: timeout},
            figures={"copy_seconds": endless.seconds, "gigabytes": vm.gigabytes},
        ),
    )


def _why_time_never_helps(vm: Situation, endless: Outcome) -> str:
    rate = format_bytes(round(known(vm.copy.bytes_per_second) or 0))
    if endless.reason == "working_set":
        floor = format_bytes(round(known(vm.workload.working_set_bytes) or 0))
        pause = f"{vm.copy.downtime_seconds:g} s"
        return f"the working set ({floor}) is larger than a downtime of {pause} allows: time alone never helps"
    if endless.reason == "diverges":
        dirty = format_bytes(round(known(vm.workload.dirty_bytes_per_second) or 0))
        return f"memory is dirtied ({dirty}/s) as fast as it is copied ({rate}/s): time alone never helps"
    return "whether the copy ends at all is not known"


def _timeout_for(vm: Situation, seconds: float) -> int | None:
    """Whole seconds for each gigabyte, so that the limit is at least `seconds`; at least 1, as 0 means no limit."""
    return max(1, math.ceil(seconds / vm.gigabytes)) if vm.gigabytes else None


def _with_tolerance(vm: Situation, option: Option) -> Option:
    copy = copy_of(vm.workload, network=option.network, settings=option.settings)
    rate = tolerated_dirty_rate(copy)
    return option if rate is None or rate == math.inf else replace(option, tolerated_dirty_rate=rate)


def find_bandwidth(vm: Situation, /) -> Option | str | None:
    """The smallest bandwidthPerMigration, in whole Mi, that is enough, if the link has it."""
    if vm.settings.bandwidth_bytes is None:
        return "bandwidthPerMigration as it is now is not known"
    if vm.settings.bandwidth_bytes <= 0:
        return "no cap is set: the network alone limits the copy"
    needed = _needed_mebibytes(vm)
    if not isinstance(needed, int):
        return needed
    option = vm.option(
        "bandwidth",
        settings=replace(vm.settings, bandwidth_bytes=needed * MEBIBYTE),
        policy={BANDWIDTH: f"{needed}Mi"},
        network=vm.network_beyond_cap,
        figures=_bandwidth_figures(vm, needed),
        assumes=(LINK_UNSEEN,) if vm.link_bytes_per_second is None else (),
    )
    # With help that is allowed already a copy may end at any bandwidth; this one is to end by itself.
    alone = replace(option.settings, workload_disruption=False, post_copy=False)
    if not predict(vm.workload, network=option.network, settings=alone).finishes:
        share = format_bytes(int(option.outcome.bandwidth.bytes_per_second or 0))
        return f"{needed} MiB/s are needed, and the network gives one migration {share}/s"
    return _with_tolerance(vm, option)


def _bandwidth_figures(vm: Situation, needed: int) -> dict[str, float]:
    limit = vm.limit if vm.limit is not None else NO_LIMIT
    headroom = needed_headroom(memory_bytes=vm.workload.memory_bytes or 0, limit_seconds=limit)
    return {
        "needed_bytes_per_second": float(needed * MEBIBYTE),
        "needed_headroom_bytes_per_second": headroom,
        "dirty_bytes_per_second": known(vm.workload.dirty_bytes_per_second) or 0.0,
    }


def _needed_mebibytes(vm: Situation) -> int | str:
    """The smallest whole MiB/s with which pre-copy ends, whatever the link carries. Found by halving."""
    dirty, memory = known(vm.workload.dirty_bytes_per_second), known(vm.workload.memory_bytes)
    if dirty is None:
        return NO_DIRTY_RATE
    if not memory or vm.limit is None or not vm.settings.downtime_seconds:
        return "the memory, the limit or the downtime is not known"
    if vm.limit == 0:
        return "the limit is over at once, at any bandwidth"
    floor = (known(vm.workload.working_set_bytes) or 0.0) / vm.settings.downtime_seconds
    # A pass also sends again what is written while it runs, so more than that first guess may be needed.
    guess = math.ceil((dirty + max(memory / vm.limit, floor)) / MEBIBYTE) + 1
    found = _smallest(lambda one: _ends_at(vm, one), above=0, guess=guess, most=MOST_MEBIBYTES)
    return "no bandwidth makes the copy end by itself" if found is None else found


def _smallest(fits: Callable[[int], bool], /, *, above: int, guess: int, most: float) -> int | None:
    """The smallest number over `above` that fits, where any larger one does too; None where none up to `most` does.
    Found by doubling `guess` until it fits, and halving from there."""
    low, high = above, guess
    while not fits(high):
        if high > most:
            return None
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _ends_at(vm: Situation, mebibytes: int) -> bool:
    settings = replace(
        vm.settings, bandwidth_bytes=mebibytes * MEBIBYTE, workload_disruption=False, post_copy=False
    )  # fmt: skip
    return bool(predict(vm.workload, network=Network(), settings=settings).finishes)


def find_parallelism(vm: Situation, /) -> Option | str | None:
    """The largest parallelOutboundMigrationsPerNode that leaves each migration enough of the link."""
    outbound, link = vm.network.outbound, vm.link_bytes_per_second
    if outbound is None or link is None or outbound < 2:
        return None
    needed = _needed_mebibytes(vm)
    if not isinstance(needed, int):
        return needed
    if vm.settings.bandwidth_bytes is None:
        return "bandwidthPerMigration as it is now is not known"
    if _ends_as_one_of(vm, outbound, needed):
        return None
    if not _ends_as_one_of(vm, 1, needed):
        return f"{needed} MiB/s are needed, and the whole link carries {format_bytes(int(link))}/s"
    count, too_many = 1, outbound
    while too_many - count > 1:
        middle = (count + too_many) // 2
        count, too_many = (middle, too_many) if _ends_as_one_of(vm, middle, needed) else (count, middle)
    return _with_tolerance(vm, _option_of_parallelism(vm, count, needed))


def _ends_as_one_of(vm: Situation, count: int, needed: int) -> bool:
    """Whether pre-copy ends with so many leaving the node, each capped to what it needs."""
    settings = replace(vm.settings, bandwidth_bytes=needed * MEBIBYTE, workload_disruption=False, post_copy=False)
    network = Network(vm.link_bytes_per_second, None, count)
    return bool(predict(vm.workload, network=network, settings=settings).finishes)


def _option_of_parallelism(vm: Situation, count: int, needed: int) -> Option:
    policy, settings = dict[str, Any](), vm.settings
    if 0 < (settings.bandwidth_bytes or 0) < needed * MEBIBYTE:
        policy = {BANDWIDTH: f"{needed}Mi"}
        settings = replace(settings, bandwidth_bytes=needed * MEBIBYTE)
    link = vm.link_bytes_per_second
    return vm.option(
        "parallelism",
        settings=settings,
        policy=policy,
        cluster={OUTBOUND_PER_NODE: count},
        network=Network(link, None, count),
        figures={**_bandwidth_figures(vm, needed), "link_bytes_per_second": link or 0.0},
        assumes=(LINK_SHARED,),
    )


def find_auto_converge(vm: Situation, /) -> Option | str | None:
    """Auto-converge, with a longer deadline where the throttle rises too slowly for the one that is set."""
    if not vm.workload.bears_throttling:
        return "the VM is not to be throttled"
    if vm.workload.dirty_bytes_per_second is None:
        return NO_DIRTY_RATE
    if vm.settings.auto_converge:
        return "it is allowed already"
    settings = replace(vm.settings, auto_converge=True)
    policy: dict[str, Any] = {ALLOW_AUTO_CONVERGE: True}
    found = vm.by_itself(auto_converge=True)
    if not found.finishes:
        endless = vm.by_itself(auto_converge=True, timeout_per_gib=0)
        timeout = _timeout_for(vm, endless.seconds) if endless.finishes and endless.seconds else None
        if endless.reason == "working_set":
            return "the working set stays dirty however slowly the guest runs"
        if endless.finishes and not vm.gigabytes:
            return SIZE_UNKNOWN
        if timeout is None or (endless.seconds or 0) > LONGEST_SECONDS:
            return f"not even {MAX_PERCENT} % less CPU time makes the copy end"
        settings, policy = replace(settings, timeout_per_gib=timeout), {**policy, COMPLETION_TIMEOUT: timeout}
    share = needed_throttle(copy_of(vm.workload, network=vm.network, settings=settings))
    figures = {} if share is None else {"needed_throttle_percent": round(share * 100, 1)}
    return vm.option("auto_converge", settings=settings, policy=policy, figures=figures, assumes=(CPU_BOUND,))


def find_pause(vm: Situation, /) -> Option | str | None:
    """Let KubeVirt suspend the guest when the limit is over; the rest has to be sent within as long again."""
    if not vm.workload.bears_pause:
        return "nothing says that the VM may stand still"
    settings = replace(vm.settings, workload_disruption=True, post_copy=False)
    policy: dict[str, Any] = {ALLOW_WORKLOAD_DISRUPTION: True, ALLOW_POST_COPY: False}
    why_not = "the guest would have to stand still for longer than KubeVirt and QEMU allow"
    return _with_assistance(vm, "pause", settings=settings, policy=policy, why_not=why_not)


def find_post_copy(vm: Situation, /) -> Option | str | None:
    """Let KubeVirt switch to post-copy when the limit is over. Never for a VM with a host device, nor unasked."""
    if not vm.workload.bears_post_copy:
        return "nothing says that the VM may be put at risk by post-copy"
    if vm.workload.has_host_devices is None:
        return "whether the VM has host devices is not known, and they rule post-copy out"
    if vm.workload.has_host_devices:
        return "the VM has host devices (VFIO), and KubeVirt never switches such a VM to post-copy"
    settings = replace(vm.settings, workload_disruption=True, post_copy=True)
    policy: dict[str, Any] = {ALLOW_POST_COPY: True, ALLOW_WORKLOAD_DISRUPTION: True}
    why_not = "the limit cannot be computed, and without one post-copy never begins"
    return _with_assistance(vm, "post_copy", settings=settings, policy=policy, why_not=why_not)


def _with_assistance(
    vm: Situation, action: str, /, *, settings: Settings, policy: dict[str, Any], why_not: str
) -> Option | str:
    """What KubeVirt does at the limit under these settings, with a longer limit where the one that is set is too short;
    `why_not` where there is no such limit."""
    timeout = _assisting_timeout(vm, lambda one: _ends(vm, replace(settings, timeout_per_gib=one)))
    if timeout is None:
        return why_not if vm.gigabytes else SIZE_UNKNOWN
    if timeout != vm.settings.timeout_per_gib:
        settings, policy = replace(settings, timeout_per_gib=timeout), {**policy, COMPLETION_TIMEOUT: timeout}
    return vm.option(action, settings=settings, policy=policy, figures={"pass_seconds": vm.one_pass_seconds or 0.0})


def _ends(vm: Situation, settings: Settings) -> bool:
    return bool(predict(vm.workload, network=vm.network, settings=settings).finishes)


def _assisting_timeout(vm: Situation, ends: Callable[[int], bool]) -> int | None:
    """The timeout that is set where it does, else the smallest longer one; one pass's time where none is set.

    Without a limit KubeVirt never assists. By then at least one pass should be over, and what is left after a longer
    time is never more.
    """
    now, one_pass = max(vm.settings.timeout_per_gib or 0, 0), vm.one_pass_seconds
    if one_pass is None or not vm.gigabytes:
        return None
    if now and ends(now):
        return now
    enough = _timeout_for(vm, one_pass) or 1
    most = LONGEST_SECONDS / vm.gigabytes
    return _smallest(ends, above=now or enough - 1, guess=max(enough, now + 1), most=most)
