# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of changes that the API server accepted and that did not come about all the same.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError

__all__ = ["NotCarried", "NotKept", "Reverted"]


class NotKept(ClusterError):
    """The API server left out a part of what it accepted, without a word."""

    default_remedy = (
        "Its definition (CRD) does not know the field, or a conversion between API versions loses it: look whether the "
        "definition and its conversion webhook are those of the installed operator."
    )


class Reverted(ClusterError):
    """The change was made, and somebody put back what stood there."""

    default_remedy = (
        "A controller or a GitOps tool writes this object: change the settings where it takes them from, and see "
        "metadata.managedFields for who it is."
    )


class NotCarried(ClusterError):
    """HyperConverged's operator did not carry the change to the KubeVirt object in time."""

    default_remedy = (
        "Look at the conditions of the HyperConverged object and at the log of its operator; the change itself stands, "
        "and undo takes it back."
    )
