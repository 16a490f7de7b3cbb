# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Leases of many VMs, read in one request for each namespace.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.act_reads import ActReads
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import Course
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.waiting import LISTED_FROM

__all__ = ["VmLeases"]


class VmLeases:
    """The Leases of this run's VMs, each read by itself unless `list_for` has read its namespace's."""

    def __init__(self, reads: ActReads) -> None:
        self._reads = reads
        self._listed: dict[str, dict[str, dict[str, Any]]] = {}

    def list_for(self, courses: Sequence[Course]) -> None:
        """Lists those of each namespace with many of `courses`. Where that may not be done each is read by itself."""
        for namespace in {one.target.namespace for one in courses}:
            if sum(one.target.namespace == namespace for one in courses) > LISTED_FROM:
                found = self._reads.leases_of_vms(namespace)
                if found is not None:
                    self._listed[namespace] = found

    def get(self, namespace: str, name: str, /) -> dict[str, Any] | None:
        """The Lease, None for none. Raises what the client raises, Forbidden too."""
        if namespace in self._listed:
            return self._listed[namespace].get(name)
        return self._reads.lease(namespace, name)
