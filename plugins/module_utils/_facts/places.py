# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All nodes and what is on them, as far as placement asks.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import (
    LABEL_JOB_UID,
    META,
    NODE,
    PHASE,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds, PodOnNode

__all__ = ["PlacementObjects", "needs_of_targets"]


@dataclass(frozen=True)
class PlacementObjects:
    """What `find_candidates` takes. A node whose pods were not read is missing in `pods_by_node`, a namespace whose
    labels were not in `namespaces`."""

    nodes: tuple[Node, ...]
    pods_by_node: Mapping[str, Sequence[PodOnNode]]
    namespaces: Mapping[str, Mapping[str, str]]


def needs_of_targets(pods: Iterable[Any], /) -> dict[str, PodNeeds]:
    """By UID the needs of those of `pods` that were made for a migration and have no node yet."""
    found = (PodNeeds.from_object(pod) for pod in pods if _waits_for_a_node(pod))
    return {needs.meta.uid: needs for needs in found if needs.meta.uid}


def _waits_for_a_node(pod: Any) -> bool:
    labels = META.labels.read(pod)
    is_target = isinstance(labels, Mapping) and bool(labels.get(LABEL_JOB_UID))
    return is_target and not NODE.read(pod) and PHASE.read(pod) == "Pending"
