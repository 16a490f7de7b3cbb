# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a drain would go: slots, waves, and how long it takes at least.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import format_bytes
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.copying import CopyPlan

__all__ = ["COPIED_ONCE", "Load", "Pace", "judge_pace"]

COPIED_ONCE = (
    "Each copy is taken to send the VM's whole memory once. Pages that its guest has never used are not sent, so a VM "
    "of which much is unused may take less; what the guest writes meanwhile is sent again, so others take more."
)


@dataclass(frozen=True)
class Load:
    """One VM (namespace/name) that would be copied off `node`; `is_held`: not before something else is cured."""

    vm: str
    node: str
    copy: CopyPlan
    is_held: bool = False

    @property
    def memory(self) -> int:
        """Bytes; 0 where they are not known."""
        return self.copy.memory_bytes or 0

    @property
    def bandwidth(self) -> int:
        """Bytes a second; 0 where they are not known."""
        return self.copy.bandwidth or 0

    @property
    def seconds(self) -> int:
        """Of one pass over the memory; 0 where they are not known."""
        return self.copy.seconds or 0


@dataclass(frozen=True)
class Pace:
    """How fast it can go. Limits None: not known, and so are `waves` and `least_seconds`.

    `waves`: so many rounds at least; `least_seconds` counts what is known of bandwidth, `unknown` VMs are not in it;
    `arithmetic` says how it comes about, or why there is nothing to compute.
    """

    per_cluster: int | None
    per_node: int | None
    vms_by_node: Mapping[str, int]
    memory_by_node: Mapping[str, int]
    waves: int | None
    least_seconds: int | None
    unknown: int
    arithmetic: str


def judge_pace(
    loads: Sequence[Load], /, *, nodes: Sequence[str], per_cluster: int | None, per_node: int | None
) -> Pace:
    """The pace of `loads` off `nodes`, when every slot is free for them and every copy goes over the memory once."""
    by_node = Counter(load.node for load in loads)
    counts = {name: by_node[name] for name in dict.fromkeys((*nodes, *sorted(by_node)))}
    memory = {name: sum(load.memory for load in loads if load.node == name) for name in counts}
    known = [load for load in loads if load.copy.seconds is not None]
    waves, seconds, text = None, None, "the limits of parallel migrations are not known"
    if per_cluster is not None and per_node is not None and min(per_cluster, per_node) > 0:
        waves = max([-(-len(loads) // per_cluster), *(-(-count // per_node) for count in counts.values())])
        text = _waves_text(len(loads), waves, per_cluster, per_node)
        if known:
            seconds, text = _least(known, per_cluster=per_cluster, per_node=per_node)
    elif per_cluster is not None:
        text = "a limit of 0 parallel migrations lets none start"
    unknown = len(loads) - len(known)
    if seconds is not None and unknown:
        text += f"; {unknown} VMs without a known bandwidth are not counted"
    held = sum(load.is_held for load in (loads if seconds is None else known))
    if waves and held:
        text += f"; {held} of these would not migrate as things are, and the drain ends only when they have moved too"
    return Pace(per_cluster, per_node, counts, memory, waves, seconds, unknown, text)


def _waves_text(count: int, waves: int, per_cluster: int, per_node: int) -> str:
    if not count:
        return "no VM would be migrated"
    return (
        f"{count} VMs, at most {per_node} at a time off a node and {per_cluster} in the cluster: {waves} rounds at "
        "least; how long one takes is not known without a bandwidth"
    )


def _least(loads: Sequence[Load], *, per_cluster: int, per_node: int) -> tuple[int, str]:
    """The largest of three lower bounds: the longest copy, all over the cluster's slots, a node's over its own."""
    times = [load.seconds for load in loads]
    bounds = [(max(times), _longest_text(loads))]
    bounds.append((-(-sum(times) // per_cluster), _sum_text(loads, per_cluster, "in the cluster")))
    for node in sorted({load.node for load in loads}):
        own = [load for load in loads if load.node == node]
        total = sum(load.seconds for load in own)
        bounds.append((-(-total // per_node), _sum_text(own, per_node, f"off {node}")))
    return max(bounds, key=lambda bound: bound[0])


def _longest_text(loads: Sequence[Load]) -> str:
    load = max(loads, key=lambda one: (one.seconds, one.vm))
    memory, rate = format_bytes(load.memory), format_bytes(load.bandwidth)
    return f"the longest copy alone, {memory} of {load.vm} at {rate}/s, copied once"


def _sum_text(loads: Sequence[Load], slots: int, where: str) -> str:
    memory = format_bytes(sum(load.memory for load in loads))
    rates = sorted({load.bandwidth for load in loads})
    rate = f"{format_bytes(rates[0])}/s" if len(rates) == 1 else "their bandwidths"
    return f"{memory} of {len(loads)} VMs at {rate} each, {slots} at a time {where}, each copied once"
