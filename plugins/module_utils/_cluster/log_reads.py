# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the ends of logs, through the API server, bounded in lines and bytes.

This module is private to the collection and may change without notice.
Facts: Kubernetes core/v1 PodLogOptions: `tailLines` counts from the end, and `limitBytes` then cuts what comes after so
many bytes, the newest lines. So more is asked for than is kept, and the end of it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError

__all__ = ["Container", "read_logs"]

# KubeVirt's components write lines of JSON, some 200 bytes each.
_BYTES_A_LINE: Final = 200
_READ_MORE: Final = 4


@dataclass(frozen=True, order=True)
class Container:
    """One container of one pod on a node."""

    namespace: str
    pod: str
    name: str
    node: str

    def path(self, *, log_bytes: int) -> str:
        """Where the API server has the end of its log."""
        path = paths.item("", version="v1", plural="pods", namespace=self.namespace, name=self.pod, subresource="log")
        lines = max(1, log_bytes // _BYTES_A_LINE)
        return f"{path}?container={self.name}&tailLines={lines}&limitBytes={_READ_MORE * log_bytes}&timestamps=true"


def read_logs(
    client: Client, containers: Sequence[Container], /, *, log_bytes: int
) -> dict[Container, str | ClusterError]:
    """The last `log_bytes` of each log at most, in whole lines; or the error that reading it gave."""
    wanted = {one.path(log_bytes=log_bytes): one for one in containers}
    answers = client.get_texts(wanted, longest=_READ_MORE * log_bytes)
    return {wanted[path]: _end(answer, log_bytes) for path, answer in answers.items()}


def _end(answer: str | ClusterError, log_bytes: int) -> str | ClusterError:
    if isinstance(answer, ClusterError):
        return answer
    content = answer.encode()
    if len(content) <= log_bytes:
        return answer
    return content[-log_bytes:].partition(b"\n")[2].decode("utf-8", "replace")
