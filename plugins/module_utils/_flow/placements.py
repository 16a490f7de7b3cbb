# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the placement of some pods hangs on, in few requests for all of them.

This module is private to the collection and may change without notice.

It knows of no migration: who asks gives the needs of pods, be they there or only thought of.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.placement_reads import (
    PlacementReading,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.places import PlacementObjects
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import (
    namespaces_to_read,
    nodes_to_read,
)

__all__ = ["PlacementObjects", "look_at_placements"]


def look_at_placements(reading: PlacementReading, needs: Sequence[PodNeeds], /) -> PlacementObjects | None:
    """All nodes, and the pods of just those nodes that fit one of `needs` by themselves (of all nodes where a rule
    looks further); None where nodes may not be read.

    Where pods may not be read, `pods_by_node` lacks the nodes and find_candidates says NotJudged of them. What was
    refused stands in `reading.unseen`, what it cost in `reading.requests`. Nothing is read for no needs.
    """
    nodes = reading.nodes() if needs else ()
    if nodes is None:
        return None
    wanted = {name for one in needs for name in nodes_to_read(one, nodes)}
    pods = reading.pods_on(sorted(wanted))
    there = [pod for some in pods.values() for pod in some]
    names = {name for one in needs for name in namespaces_to_read(one, there)}
    return PlacementObjects(nodes, pods, reading.namespace_labels(names))
