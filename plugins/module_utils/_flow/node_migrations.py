# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many live migrations go to and from each node, in one cheap read.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go (a VMI carries the label of its target node
from the hand-off until the target's virt-handler takes it off), so finished migrations and idle VMs are not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import StateFields

__all__ = ["NodeMoves", "count_moves"]

_STATE = StateFields("VirtualMachineInstance")


@dataclass(frozen=True)
class NodeMoves:
    """Migrations under way by node: how many arrive and how many leave."""

    arriving: Mapping[str, int]
    leaving: Mapping[str, int]

    def at(self, node: str) -> tuple[int, int]:
        """(in, out) of one node."""
        return self.arriving.get(node, 0), self.leaving.get(node, 0)


def count_moves(vmis: Iterable[Any]) -> NodeMoves:
    """Count the migrations that have been handed to the nodes and have not ended; `vmis` are raw objects."""
    states = [_STATE.read(Reader(vmi)) for vmi in vmis]
    running = [state for state in states if state and not (state.ended_at or state.completed or state.failed)]
    return NodeMoves(
        arriving=Counter(state.target_node for state in running if state.target_node),
        leaving=Counter(state.source_node for state in running if state.source_node),
    )
