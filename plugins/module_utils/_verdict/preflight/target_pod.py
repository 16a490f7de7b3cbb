# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target pod that KubeVirt would make for a VM now, guessed from the pod that the VM runs in.

This module is private to the collection and may change without notice.
Rules: KubeVirt v1.9.0, pkg/virt-controller/services/template.go (RenderMigrationManifest: the pod is rendered anew from
the VMI), pkg/virt-controller/watch/migration/migration.go (createTargetPod: anti-affinity to the VM's own pods,
host-model selectors from the source pod or else from the source node, CPU vendor from the source node).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import HOST_MODEL, Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import (
    LABEL_APP,
    LABEL_CREATED_BY,
    LABEL_JOB_UID,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.scheduling import PodNeeds, PodTerm
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.selector import (
    LabelSelector,
    Requirement,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.neighbours import HOSTNAME

__all__ = ["ASSUMED", "TargetPod", "lacks_host_model", "predict_target_pod"]

ASSUMED = (
    "The target pod is taken to ask for what the VM's present launcher pod asks for. KubeVirt renders it anew from the "
    "VMI, so a newer KubeVirt, or a change of the VM that is not applied yet, may ask for more."
)
_MIGRATION_CPU = "cpu-model-migration.node.kubevirt.io/"
_CPU_FEATURE = "cpu-feature.node.kubevirt.io/"
_CPU_VENDOR = "cpu-vendor.node.kubevirt.io/"
_HOST_MODEL_CPU = "host-model-cpu.node.kubevirt.io/"
_HOST_MODEL_FEATURES = "host-model-required-features.node.kubevirt.io/"
_ARCHITECTURE = "kubernetes.io/arch"
# Labels of a launcher pod that do not come from its VMI (template.go podLabels).
_OWN_LABELS = (LABEL_APP, LABEL_CREATED_BY, "vm.kubevirt.io/name", "vmi.kubevirt.io/id", "sidecar.istio.io/inject")


@dataclass(frozen=True)
class TargetPod:
    """`needs` of the pod. `uncertain` are node selectors that stand on the present pod and in none of KubeVirt's rules
    nor in the VMI: the last migration's `addedNodeSelector` (then the next pod has them not), or a webhook's (then it
    has)."""

    needs: PodNeeds
    uncertain: tuple[str, ...]

    @property
    def without_uncertain(self) -> PodNeeds:
        """The needs if those selectors came from the last migration."""
        kept = {key: value for key, value in self.needs.node_selector.items() if key not in self.uncertain}
        return replace(self.needs, node_selector=kept)


def predict_target_pod(source: PodNeeds, /, *, guest: Guest, node: Node | None) -> TargetPod:
    """What the target pod would ask for. `node` is the source node; None: it was not read, and what it adds is left
    out."""
    labels = node.labels if node is not None else {}
    selector = dict(source.node_selector)
    uncertain = tuple(sorted(key for key, value in selector.items() if _is_foreign(key, value, guest)))
    if guest.cpu_model == HOST_MODEL and not _has_migrated(selector):
        selector.update(_host_model_selectors(labels))
    if not any(key.startswith(_CPU_VENDOR) for key in selector):
        selector.update(dict.fromkeys(sorted(key for key in labels if key.startswith(_CPU_VENDOR))[:1], "true"))
    meta = replace(source.meta, name=f"virt-launcher-{guest.vmi.meta.name}", uid="", labels=_labels(source, guest))
    own = _apart(guest)
    anti_affinity = source.anti_affinity if own in source.anti_affinity else (*source.anti_affinity, own)
    needs = replace(source, meta=meta, node_selector=selector, anti_affinity=anti_affinity, is_gated=False)
    return TargetPod(needs, uncertain)


def lacks_host_model(source: PodNeeds, /, *, guest: Guest, node: Node) -> bool:
    """Whether KubeVirt finds no host model to ask for, and so makes no target pod: the VM has not migrated since its
    start and its node carries no host-model label."""
    is_host_model = guest.cpu_model == HOST_MODEL and not _has_migrated(source.node_selector)
    return is_host_model and not any(key.startswith(_HOST_MODEL_CPU) for key in node.labels)


def _is_foreign(key: str, value: str, guest: Guest) -> bool:
    if key == _ARCHITECTURE or "kubevirt.io/" in key:
        return False
    return guest.node_selector.get(key) != value


def _has_migrated(selector: Mapping[str, str]) -> bool:
    """Then the selectors of the first node are on the pod and stay (prepareNodeSelectorForHostCpuModel)."""
    return any(key.startswith((_MIGRATION_CPU, _CPU_FEATURE)) for key in selector)


def _host_model_selectors(labels: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for key, value in labels.items():
        if key.startswith(_HOST_MODEL_CPU):
            found[_MIGRATION_CPU + key[len(_HOST_MODEL_CPU) :]] = value
        elif key.startswith(_HOST_MODEL_FEATURES):
            found[_CPU_FEATURE + key[len(_HOST_MODEL_FEATURES) :]] = value
    return found


def _labels(source: PodNeeds, guest: Guest) -> dict[str, str]:
    own = {key: value for key, value in source.meta.labels.items() if key in _OWN_LABELS}
    found = {**guest.vmi.meta.labels, **own, LABEL_CREATED_BY: guest.vmi.meta.uid}
    found.pop(LABEL_JOB_UID, None)
    return found


def _apart(guest: Guest) -> PodTerm:
    """The target never lands beside a pod of its own VM."""
    own = Requirement(LABEL_CREATED_BY, "In", (guest.vmi.meta.uid,))
    return PodTerm(HOSTNAME, LabelSelector((own,)), (guest.vmi.meta.namespace,), None)
