# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PromQL of the alert rules, and the durations in which Prometheus writes time.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/monitoring/metrics: virt-controller/vmistats_collector.go (start and end times stand in the
VMI's status and stay there after the end; migration_name is lost with the migration object, and the node label follows
the VM), virt-controller/migrationstats_collector.go (counts by phase), virt-handler/domainstats (memory of the running
guest; each label of the VMI is a label `kubernetes_vmi_label_...`), virt-handler/migrationdomainstats (figures of a
copy). Prometheus: a range selector bridges the stale markers of a restarted virt-controller, an instant one does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = [
    "AGE",
    "LIMIT",
    "PolicyTerm",
    "active_age",
    "duration",
    "fixed_limit",
    "metrics_missing",
    "not_progressing",
    "not_starting",
    "size_limit",
    "stuck",
    "stuck_on_node",
    "waiting",
]

# Recording rules: how long each copy that is under way runs, and how long it may.
AGE: Final = "vmi:kubevirt_vmi_migration_age_seconds:max"
LIMIT: Final = "vmi:kubevirt_vmi_migration_limit_seconds:max"

_VM: Final = "(namespace, name)"
_ONE: Final = "(namespace, name, migration)"
_START: Final = "kubevirt_vmi_migration_start_time_seconds"
_END: Final = "kubevirt_vmi_migration_end_time_seconds"
_REMAINING: Final = "kubevirt_vmi_migration_data_remaining_bytes"
_MEMORY: Final = "kubevirt_vmi_memory_domain_bytes"
_REQUESTS: Final = 'kubevirt_vm_resource_requests{resource="memory", source=~"domain|guest|guest_effective"}'
_COUNTS: Final = "kubevirt_vmi_migrations_in_{}_phase"
_PHASE: Final = "live_migration_phase_info"
_CREATED: Final = "live_migration_created_timestamp_seconds"
_SCHEDULING: Final = "live_migration_scheduling_timestamp_seconds"
# Handed over or about to be, but not copying yet.
_BEFORE: Final = "Scheduling|Scheduled|PreparingTarget|TargetReady|WaitingForSync|Synchronizing"
# A restart of virt-controller or a few missed scrapes are bridged for this long; a VM that is gone is alerted as long.
_BRIDGE: Final = "5m"
_NOT_A_LABEL: Final = re.compile(r"[^a-zA-Z0-9_]")
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


@dataclass(frozen=True)
class PolicyTerm:
    """VMs that a MigrationPolicy gives another time per GiB: their labels, and their namespaces (None: all)."""

    seconds_per_gib: int
    vmi_labels: Mapping[str, str]
    namespaces: Sequence[str] | None = None

    @property
    def matchers(self) -> str:
        """The label matchers of the memory metric that pick them."""
        found = [f"{_vmi_label(key)}={_quoted(value)}" for key, value in sorted(self.vmi_labels.items())]
        if self.namespaces is not None:
            found.append(f"namespace=~{_quoted('|'.join(sorted(self.namespaces)))}")
        return ", ".join(found)


def duration(seconds: int, /) -> str:
    """Seconds as Prometheus writes them: 900 is 15m, 90 is 1m30s."""
    left, text = seconds, ""
    for size, unit in _UNITS:
        number, left = divmod(left, size)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def _quoted(text: str, /) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _vmi_label(key: str, /) -> str:
    """As virt-handler names a label of the VMI."""
    return f"kubernetes_vmi_label_{_NOT_A_LABEL.sub('_', key)}"


def active_age() -> str:
    """How long each copy that has begun and not ended runs, by API time, one series for each VM."""
    start = f"max by {_VM} (max_over_time({_START}[{_BRIDGE}]))"
    end = f"max by {_VM} (max_over_time({_END}[{_BRIDGE}]))"
    return f"time() - (\n  {start}\n  unless on {_VM} (\n    {end}\n    >= on {_VM}\n    {start}\n  )\n)"


def size_limit(seconds_per_gib: int, /, *, floor: int, policies: Sequence[PolicyTerm] = ()) -> str:
    """How long each of these copies may run: as KubeVirt counts it, and never less than `floor`.

    The memory is the running guest's, from virt-handler. Where that is silent, as on a dead node, it is the VM's
    request, from the same virt-controller that told the start, with the longest time per GiB, as labels are not known
    there. Where neither is there, only `floor` counts.
    """
    picked = [(one.seconds_per_gib, f"{_MEMORY}{{{one.matchers}}}" if one.matchers else _MEMORY) for one in policies]
    longest = max([seconds_per_gib, *(one.seconds_per_gib for one in policies)])
    terms = [*picked, (seconds_per_gib, _MEMORY), (longest, _REQUESTS)]
    sizes = f"\n    or on {_VM}\n    ".join(_size_term(seconds, selector) for seconds, selector in terms)
    known = f"clamp_min(\n    {sizes},\n    {floor}\n  )"
    return f"(\n  {known}\n  or on {_VM}\n  {fixed_limit(floor)}\n)\nand on {_VM} {AGE}"


def _size_term(seconds: int, selector: str, /) -> str:
    """KubeVirt counts in decimal gigabytes, rounded up."""
    return f"{seconds} * ceil(max by {_VM} ({selector}) / 1e9)"


def fixed_limit(seconds: int, /) -> str:
    """The same limit for each of these copies."""
    return f"{AGE} * 0 + {seconds}"


def stuck() -> str:
    """Copies that run longer than they may; the value is their age."""
    return f"{AGE} > on {_VM} {LIMIT}"


def not_progressing(window: int, /) -> str:
    """Copies of which the least that was left within `window` is no less than within the one before; the value is that.

    Compared are the lowest points, as what is left goes up with each pass in which the guest writes. Both windows must
    belong to this copy: an earlier one of the same VM had other figures. A large copy that goes on evenly may become
    smaller by less than 4 % in a window; it is left out where that pace brings it home within its limit.
    """
    span = duration(window)
    now = f"min by {_VM} (min_over_time({_REMAINING}[{span}]))"
    before = f"min by {_VM} (min_over_time({_REMAINING}[{span}] offset {span}))"
    in_time = f"{now}\n  <= on {_VM}\n  ({before} - on {_VM} {now}) / {window} * on {_VM} ({LIMIT} - on {_VM} {AGE})"
    return (
        f"{now}\n>= on {_VM}\n(0.96 * {before})\nand on {_VM} ({AGE} > {2 * window})\nunless on {_VM} (\n  {in_time}\n)"
    )


def stuck_on_node(number: int, /) -> str:
    """Nodes which at least `number` stuck copies leave; the value is how many."""
    node = f"topk by {_VM} (1, max by (namespace, name, node) (max_over_time({_START}[{_BRIDGE}])))"
    return f"count by (node) (\n  {node}\n  and on {_VM} ({stuck()})\n) >= {number}"


def not_starting() -> str:
    """How many migrations wait before the copy while none is under way; two virt-controllers tell the same."""
    pending, scheduling, unset, running = (
        f"max({_COUNTS.format(phase)})" for phase in ("pending", "scheduling", "unset", "running")
    )
    # Not every version counts those that virt-controller has not taken up.
    return f"(\n  {pending}\n  + {scheduling}\n  + ({unset} or vector(0))\n) > 0\nunless ({running} > 0)"


def waiting(seconds: int, /, *, per_cluster: int, per_node: int) -> str:
    """Migrations that wait longer than `seconds` before the copy although a slot is free; the value is how long.

    One that waits for a slot is left out: the cluster's are taken, or those of the node that its VM leaves, or another
    migration of the VM is under way. During a migration a VM has a kubevirt_vmi_info for either node, so VMs of a node
    that only takes others in may be left out too.
    """
    active = f'max by {_ONE} ({_PHASE}{{phase=~"{_BEFORE}|Running"}})'
    place = "max by (namespace, name, node) (kubevirt_vmi_info)"
    full = f"(count by (node) ({place} and on {_VM} {active}) >= {per_node})"
    on_their_way = f'(time() - max by {_ONE} ({_SCHEDULING}) > {seconds})\nand on {_ONE} {_PHASE}{{phase=~"{_BEFORE}"}}'
    queued = (
        f"(time() - max by {_ONE} ({_CREATED}) > {seconds})\n"
        f'unless on {_ONE} {_PHASE}{{phase!="Pending"}}\n'
        # Another migration of the same VM comes first.
        f"unless on {_VM} {active}\n"
        f"unless on () (count({active}) >= {per_cluster})\n"
        f"unless on {_VM} ({place} and on (node) {full})"
    )
    return f"(\n{_indented(on_their_way)}\n)\nor\n(\n{_indented(queued)}\n)"


def metrics_missing(seconds: int, /) -> str:
    """1 for each metric that every KubeVirt from 1.3 on has and that is not there where it should be."""
    counts = _COUNTS.format("pending")
    controller = f'label_replace(absent({counts}), "metric", "{counts}", "", "")'
    unseen = f"({AGE} > {seconds})\nunless on {_VM} max by {_VM} (max_over_time({_REMAINING}[{_BRIDGE}]))"
    handler = (
        f'label_replace(\n  clamp_max(count(\n{_indented(unseen, 4)}\n  ), 1),\n  "metric", "{_REMAINING}", "", ""\n)'
    )
    return f"{controller}\nor\n{handler}"


def _indented(text: str, /, spaces: int = 2) -> str:
    return "\n".join(" " * spaces + line for line in text.splitlines())
