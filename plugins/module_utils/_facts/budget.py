# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PodDisruptionBudget: which pods it means, and whether it lets one of them be evicted now.

This module is private to the collection and may change without notice.
Rules: Kubernetes policy/v1; k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Meta, MetaFields, Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.selector import (
    LabelSelector,
    LabelSelectorFields,
)

__all__ = ["DISRUPTIONS_ALLOWED", "DisruptionBudget"]

KIND = "PodDisruptionBudget"
_META = MetaFields(KIND)
_SELECTOR = LabelSelectorFields(KIND, "spec.selector", base="")
UNHEALTHY_POLICY = declare(KIND, "spec.unhealthyPodEvictionPolicy")
DISRUPTIONS_ALLOWED = declare(KIND, "status.disruptionsAllowed")
CURRENT_HEALTHY = declare(KIND, "status.currentHealthy")
DESIRED_HEALTHY = declare(KIND, "status.desiredHealthy")
OWNERS = declare(KIND, "metadata.ownerReferences")
OWNER_KIND = declare(KIND, "kind", base="metadata.ownerReferences[]")


@dataclass(frozen=True)
class DisruptionBudget:
    """One budget. `disruptions_allowed` is 0 where its controller has written none, as the eviction takes it.

    `is_kubevirts`: KubeVirt made it for a VMI (up to some release for each that is migratable).
    """

    meta: Meta
    selector: LabelSelector | None
    disruptions_allowed: int
    always_allows_unhealthy: bool
    has_healthy_to_spare: bool
    is_kubevirts: bool
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> DisruptionBudget:
        """The budget in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        healthy, desired = reader.integer(CURRENT_HEALTHY) or 0, reader.integer(DESIRED_HEALTHY) or 0
        return cls(
            meta=_META.read(reader),
            selector=_SELECTOR.read(reader),
            disruptions_allowed=reader.integer(DISRUPTIONS_ALLOWED) or 0,
            always_allows_unhealthy=reader.text(UNHEALTHY_POLICY) == "AlwaysAllow",
            has_healthy_to_spare=healthy >= desired > 0,
            is_kubevirts=any(item.text(OWNER_KIND) == "VirtualMachineInstance" for item in reader.readers(OWNERS)),
            problems=tuple(dict.fromkeys(reader.problems)),
        )

    @property
    def label(self) -> str:
        """`PodDisruptionBudget namespace/name`, as evidence names it."""
        return f"{KIND} {self.meta.namespace}/{self.meta.name}"

    def means(self, pod: Pod, /) -> bool | None:
        """Whether it is about `pod`; None where that cannot be judged. Without a selector it is about no pod."""
        if self.problems and self.meta.namespace in ("", pod.meta.namespace):
            return None
        if self.meta.namespace != pod.meta.namespace:
            return False
        return self.selector.matches(pod.meta.labels) if self.selector is not None else False

    def lets_go(self, pod: Pod, /) -> bool:
        """Whether an eviction of `pod` would pass it now."""
        if pod.is_ready is not True and (self.always_allows_unhealthy or self.has_healthy_to_spare):
            return True
        return self.disruptions_allowed > 0
