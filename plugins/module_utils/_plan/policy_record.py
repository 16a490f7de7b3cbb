# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a change for people: who made it, when and why, and a Kubernetes event that says so.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import COMPONENT
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step

__all__ = ["Author", "event_step"]

# The API server takes no longer message in an event of core/v1.
_LONGEST_MESSAGE = 1024
# Where events about objects of the whole cluster are kept.
_NAMESPACE = "default"


@dataclass(frozen=True)
class Author:
    """Who changes something, when (UTC text by the cluster's clock) and why; "" where that is not known or given."""

    by: str
    at: str
    reason: str

    def to_record(self) -> dict[str, str]:
        """The part of the record that says this."""
        return {"at": self.at, "by": self.by, "reason": self.reason}

    def sentence(self, what: str, /) -> str:
        """`what`, with who did it and why."""
        by = f" by {self.by}" if self.by else ""
        return f"{what}{by}{': ' + self.reason if self.reason else ''}"


def event_step(about: Mapping[str, Any], /, *, reason: str, what: str, author: Author) -> Step:
    """The write of an event about an object of the whole cluster. `reason` is one word in the manner of Kubernetes,
    `what` says what was done. That it cannot be written ends nothing."""
    metadata = about.get("metadata") or {}
    involved = {"apiVersion": about.get("apiVersion"), "kind": about.get("kind"), "name": metadata.get("name")}
    name = str(metadata.get("name", ""))
    message = author.sentence(what)
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{name[:200].rstrip('.-')}.", "namespace": _NAMESPACE},
        "involvedObject": {**involved, "uid": metadata.get("uid")},
        "type": "Normal",
        "reason": reason,
        "message": message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 3] + "...",
        "source": {"component": COMPONENT},
        "firstTimestamp": author.at or None,
        "lastTimestamp": author.at or None,
        "count": 1,
    }
    return Step(
        action=f"record it as an event about {about.get('kind')} {name}",
        verb="create",
        path=f"/api/v1/namespaces/{_NAMESPACE}/events",
        body=body,
        is_optional=True,
    )
