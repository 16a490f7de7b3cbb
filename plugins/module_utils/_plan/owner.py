# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which object owns the migration settings of a cluster.

This module is private to the collection and may change without notice.

Where HyperConverged manages KubeVirt, its operator puts back whatever others change in the KubeVirt object (and an
alert says so), so the change belongs into HyperConverged.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import (
    KIND,
    NAME,
    is_operand,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import (
    KUBEVIRT_KIND,
    Found,
    Owners,
    Target,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal

__all__ = ["OWNERS", "find_target"]

OWNERS: Final = ("auto", "kubevirt", "hyperconverged")


def find_target(owners: Owners, /, *, owner: str) -> Target | Refusal:
    """The object to change for the option `owner`, or why there is none."""
    kubevirt = _only_kubevirt(owners)
    if isinstance(kubevirt, Refusal):
        return kubevirt
    hyperconverged = _only_hyperconverged(owners)
    if isinstance(hyperconverged, Refusal):
        return hyperconverged
    if owner == "kubevirt":
        return _kubevirt(kubevirt)
    if owner == "hyperconverged":
        if hyperconverged is None:
            text = f"There is no {KIND} named {NAME} in a version that is known here (v1, v1beta1)."
            return Refusal("HyperConvergedMissing", text)
        return _hyperconverged(hyperconverged, kubevirt=kubevirt, version=owners.version)
    if hyperconverged is None:
        return _kubevirt(kubevirt)
    if not is_operand(kubevirt.obj):
        text = (
            f"There is a {KIND} {hyperconverged.name}, but {KUBEVIRT_KIND} {kubevirt.name} carries no mark of its "
            "operator (label app.kubernetes.io/managed-by, owner reference). Say which one is to be changed with "
            "owner: hyperconverged or owner: kubevirt."
        )
        return Refusal("OwnerUnclear", text)
    return _hyperconverged(hyperconverged, kubevirt=kubevirt, version=owners.version)


def _only_kubevirt(owners: Owners, /) -> Found | Refusal:
    if not owners.kubevirts:
        return Refusal("KubeVirtMissing", "There is no KubeVirt object in the cluster: KubeVirt is not installed.")
    if len(owners.kubevirts) > 1:
        names = ", ".join(sorted(found.name for found in owners.kubevirts))
        text = f"There are {len(owners.kubevirts)} KubeVirt objects ({names}), and KubeVirt acts on one of them only."
        return Refusal("KubeVirtAmbiguous", f"{text} Remove those that are not in use.")
    return owners.kubevirts[0]


def _only_hyperconverged(owners: Owners, /) -> Found | Refusal | None:
    found = owners.named_right
    if len(found) > 1:
        names = ", ".join(sorted(one.name for one in found))
        text = f"There are {len(found)} {KIND} objects ({names}), and its operator acts on one of them only."
        return Refusal("HyperConvergedAmbiguous", f"{text} Remove those that are not in use.")
    return found[0] if found else None


def _kubevirt(kubevirt: Found, /) -> Target | Refusal:
    if is_operand(kubevirt.obj):
        text = (
            f"{KUBEVIRT_KIND} {kubevirt.name} is made by {KIND}, whose operator would put back any change of it. "
            f"Change {KIND} instead (owner: hyperconverged; it must be there and readable)."
        )
        return Refusal("OwnedByHyperConverged", text)
    return Target(kind=KUBEVIRT_KIND, found=kubevirt, kubevirt=kubevirt)


def _hyperconverged(found: Found, /, *, kubevirt: Found, version: str) -> Target:
    return Target(kind=KIND, found=found, kubevirt=kubevirt, version=version)
