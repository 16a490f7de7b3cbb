# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperConverged: where its two API versions keep the migration settings, and what of KubeVirt it owns.

This module is private to the collection and may change without notice.
Facts: kubevirt/hyperconverged-cluster-operator 03da3cff7325 (1.20 in development): api/v1/hyperconverged_types.go,
controllers/handlers/kubevirt.go (the KubeVirt object is made anew from HyperConverged, then the annotation's operations
are applied to it, so spec.configuration.migrations is always there; its controller reference and labels),
controllers/operands/operand.go (every operation must lie below /spec/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["ALERT", "ANNOTATION", "FORMS", "GROUP", "KIND", "NAME", "PLURAL", "form_of", "is_operand"]

GROUP: Final = "hco.kubevirt.io"
KIND: Final = "HyperConverged"
PLURAL: Final = "hyperconvergeds"
# The only one that its operator acts on.
NAME: Final = "kubevirt-hyperconverged"
# A JSON patch, as text, that its operator applies to the KubeVirt object.
ANNOTATION: Final = "kubevirt.kubevirt.io/jsonpatch"
# What its operator raises for that annotation.
ALERT: Final = "UnsupportedHCOModification"
# API version -> the steps to the migration settings. The first is preferred where both are served: it is what is stored
# then, so nothing is converted on the way and nothing can be lost there.
FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "v1": ("spec", "virtualization", "liveMigrationConfig"),
    "v1beta1": ("spec", "liveMigrationConfig"),
}
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_OPERATOR: Final = "hco-operator"


def form_of(versions: Sequence[str], /) -> str:
    """The API version to write in, of those that the server serves; "" where none is known here."""
    return next((version for version in FORMS if version in versions), "")


def is_operand(kubevirt: Any, /) -> bool:
    """Whether this KubeVirt object is made by HyperConverged's operator, which puts back what others change in it."""
    metadata = kubevirt.get("metadata") if isinstance(kubevirt, Mapping) else None
    metadata = metadata if isinstance(metadata, Mapping) else {}
    labels, owners = metadata.get("labels"), metadata.get("ownerReferences")
    if isinstance(labels, Mapping) and labels.get(_MANAGED_BY) == _OPERATOR:
        return True
    owners = owners if isinstance(owners, list) else []
    return any(isinstance(owner, Mapping) and owner.get("kind") == KIND for owner in owners)
