# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster-wide settings that hold, each with where it comes from.

This module is private to the collection and may change without notice.
What a MigrationPolicy sets for some VMs stands above all of these.
"""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import ANNOTATION, KIND
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import Target
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.hco_patch import (
    AnnotationProblem,
    decided_settings,
    parse_annotation,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.settings import read_settings_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    Effective,
    configured_settings,
)

__all__ = ["effective_settings"]


def effective_settings(target: Target, /) -> dict[str, Effective]:
    """By names in the API. `origin` is KubeVirt, HyperConverged, HyperConverged annotation or default; empty where
    HyperConverged's annotation cannot be understood."""
    try:
        effective = configured_settings(read_settings_of(target))
        if not target.is_hyperconverged:
            return effective
        by_annotation = decided_settings(parse_annotation(target.annotations.get(ANNOTATION)))
    except AnnotationProblem:
        return {}
    return {name: _renamed(one, is_annotated=name in by_annotation) for name, one in effective.items()}


def _renamed(one: Effective, /, *, is_annotated: bool) -> Effective:
    if one.origin == "default":
        return one
    return Effective(one.value, f"{KIND} annotation" if is_annotated else KIND)
