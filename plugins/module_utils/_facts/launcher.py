# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A launcher pod seen as what it is, what it asks of a node, and what it takes of quotas.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import LABEL_CREATED_BY, Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quota import quota_usage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds

__all__ = ["Launcher"]


@dataclass(frozen=True)
class Launcher:
    """One launcher pod. `usage` is None where an amount cannot be read."""

    pod: Pod
    needs: PodNeeds
    usage: Mapping[str, Fraction] | None

    @classmethod
    def from_object(cls, obj: Any) -> Launcher:
        """The pod in `obj`; what has a wrong shape stands in the problems of its parts, nothing raises."""
        return cls(Pod.from_object(obj), PodNeeds.from_object(obj), quota_usage(obj))

    @property
    def owner(self) -> str:
        """The UID of the VMI that it was made for, "" where it has none."""
        return self.pod.meta.labels.get(LABEL_CREATED_BY, "")
